//! The vault's key file: lines of text, the newest sealing key first.
//!
//! ```text
//! # Comments and empty lines.
//! hufu-vault 1
//! index 64 hexadecimal digits
//! seal 64 hexadecimal digits
//! seal-sm4 64 hexadecimal digits
//! ```

use core::fmt::{self, Write as _};

use aws_lc_rs::{hkdf, rand};
use hufu_contract::{HexDigits, read_hex};
use hufu_wire::Suite;
use zeroize::Zeroizing;

use super::Vault;
use super::fault::VaultFault;
use super::seal::{SealingKey, SealingKeyId};
use crate::trail::TrailKey;

/// A secret of the file.
type Secret = Zeroizing<[u8; 32]>;

/// What a key file holds. Wiped when dropped, never printed.
pub struct KeyFile {
    index: Secret,
    sealing: Vec<SealingSecret>,
}

/// A sealing key as the file holds it.
pub struct SealingSecret {
    suite: Suite,
    secret: Secret,
}

const FIRST: &str = "hufu-vault 1";
const WORDS: &str = "neither `index KEY` nor `seal KEY` nor `seal-sm4 KEY`";

/// The word before a sealing key.
pub(super) const fn seals(suite: Suite) -> &'static str {
    match suite {
        Suite::Aes => "seal",
        Suite::Sm4 => "seal-sm4",
    }
}

impl SealingSecret {
    fn random(suite: Suite) -> Result<SealingSecret, VaultFault> {
        Ok(SealingSecret { suite, secret: random()? })
    }
}

impl KeyFile {
    /// A new one with new keys; the sealing key is one of AES.
    ///
    /// # Errors
    /// [`VaultFault::NoRandomness`].
    pub fn generate() -> Result<KeyFile, VaultFault> {
        Ok(KeyFile { index: random()?, sealing: vec![SealingSecret::random(Suite::Aes)?] })
    }

    /// Puts a new sealing key of `suite` before the others. Fields are sealed again with it by
    /// [`Registry::rotate_vault`](crate::Registry::rotate_vault); until that is done the old ones must stay.
    ///
    /// # Errors
    /// [`VaultFault::NoRandomness`].
    pub fn rotate(&mut self, suite: Suite) -> Result<(), VaultFault> {
        self.sealing.insert(0, SealingSecret::random(suite)?);
        Ok(())
    }

    /// The suite of the key that seals now.
    pub fn suite(&self) -> Suite {
        self.sealing.first().map_or(Suite::Aes, |newest| newest.suite)
    }

    /// Leaves out all sealing keys but the newest, once nothing is sealed with them any more.
    pub fn retire(&mut self) {
        self.sealing.truncate(1);
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`VaultFault`].
    pub fn read(text: &str) -> Result<KeyFile, VaultFault> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        match lines.next() {
            Some((_, FIRST)) => {}
            first => {
                let line = first.map_or(1, |(line, _)| line);
                return Err(VaultFault::Form { line, what: "it does not begin with `hufu-vault 1`" });
            }
        }
        let mut index: Option<Secret> = None;
        let mut sealing: Vec<SealingSecret> = Vec::new();
        for (line, text) in lines {
            let form = |what| VaultFault::Form { line, what };
            let (word, digits) = text.split_once(' ').ok_or(form(WORDS))?;
            if word != "index" && !Suite::ALL.into_iter().any(|suite| seals(suite) == word) {
                return Err(form(WORDS));
            }
            let mut key = Zeroizing::new([0; 32]);
            read_hex(digits.trim(), &mut *key).map_err(|_| form("a key is 64 hexadecimal digits"))?;
            let is_twice =
                index.as_deref() == Some(&*key) || sealing.iter().any(|other| *other.secret == *key);
            match word {
                _ if is_twice => return Err(VaultFault::Twice { line }),
                "index" if index.is_some() => return Err(form("a second index key; there is one for good")),
                "index" => index = Some(key),
                _ => match Suite::ALL.into_iter().find(|suite| seals(*suite) == word) {
                    Some(suite) => sealing.push(SealingSecret { suite, secret: key }),
                    None => return Err(form(WORDS)),
                },
            }
        }
        if sealing.is_empty() {
            return Err(VaultFault::Missing("seal"));
        }
        Ok(KeyFile { index: index.ok_or(VaultFault::Missing("index"))?, sealing })
    }

    /// The file's text. For the eyes of the registry's process alone.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(256 + self.sealing.len() * 76));
        text.push_str(
            "# Hufu vault keys: who has these and the database reads every name. Never beside its backup.\n",
        );
        text.push_str("# index finds people again and stays for good. seal: the first seals, all open.\n");
        // Writing to a String cannot fail.
        let _ = write!(text, "{FIRST}\nindex {}", HexDigits(&*self.index));
        for SealingSecret { suite, secret } in &self.sealing {
            let _ = write!(text, "\n{} {}", seals(*suite), HexDigits(&**secret));
        }
        text.push('\n');
        text
    }

    /// The ids of its sealing keys, newest first.
    ///
    /// # Errors
    /// Those of [`vault`](Self::vault).
    pub fn ids(&self) -> Result<Vec<SealingKeyId>, VaultFault> {
        Ok(self.vault()?.sealing.iter().map(SealingKey::id).collect())
    }

    /// The vault with these keys.
    ///
    /// # Errors
    /// [`VaultFault::Missing`] without a sealing key, [`VaultFault::Library`].
    pub fn vault(&self) -> Result<Vault, VaultFault> {
        let keys = self.sealing.iter().map(|key| SealingKey::new(key.suite, &key.secret));
        let sealing: Vec<_> = keys.collect::<Result<_, _>>()?;
        if sealing.is_empty() {
            return Err(VaultFault::Missing("seal"));
        }
        let trail = TrailKey::new(hkdf_key(&self.index, b"hufu/1 trail"));
        Ok(Vault { sealing, index: hkdf_key(&self.index, b"hufu/1 subject"), trail })
    }
}

impl Vault {
    /// The vault whose keys are in the text of a key file.
    ///
    /// # Errors
    /// [`VaultFault`] says what is wrong with the file, never what is in it.
    pub fn open(text: &str) -> Result<Vault, VaultFault> {
        KeyFile::read(text)?.vault()
    }
}

/// The key of subjects or of the trail, from the file's secret (RFC 5869).
fn hkdf_key(secret: &[u8; 32], info: &[u8]) -> aws_lc_rs::hmac::Key {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"hufu/1 vault").extract(secret);
    let info = [info];
    let okm = prk.expand(&info, aws_lc_rs::hmac::HMAC_SHA256).expect("32 bytes are never too many");
    aws_lc_rs::hmac::Key::from(okm)
}

fn random() -> Result<Secret, VaultFault> {
    let mut secret = Zeroizing::new([0; 32]);
    rand::fill(&mut *secret).map_err(|_| VaultFault::NoRandomness)?;
    Ok(secret)
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFile({} sealing keys, not shown)", self.sealing.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let mut file = KeyFile::generate().unwrap();
        file.rotate(Suite::Sm4).unwrap();
        file.rotate(Suite::Aes).unwrap();
        let read = KeyFile::read(&file.to_text()).unwrap();
        assert_eq!(*read.to_text(), *file.to_text());
        assert_eq!(read.ids().unwrap(), file.ids().unwrap());
        file.retire();
        assert_eq!(file.ids().unwrap(), read.ids().unwrap()[..1]);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_without_showing_it() {
        let one = "11".repeat(32);
        let two = "22".repeat(32);
        let check = |case: &str, text: String, says: &str| {
            let fault = KeyFile::read(&text).expect_err(case).to_string();
            assert!(fault.contains(says), "{case}: {fault}");
            assert!(!fault.contains("111") && !fault.contains("222"), "{case}: {fault}");
        };
        check("empty", String::new(), "does not begin with");
        check("another file", format!("owner = \"issuer\"\nseed = \"{one}\""), "does not begin with");
        check("no index", format!("{FIRST}\nseal {one}"), "no index key");
        check("no seal", format!("{FIRST}\nindex {one}"), "no seal key");
        check("cut off", format!("{FIRST}\nindex {one}\nseal {}", &two[1..]), "line 3: ");
        check(
            "not hexadecimal",
            format!("{FIRST}\nindex {one}\n\nseal {}", two.replace('2', "g")),
            "line 4: ",
        );
        check("another word", format!("{FIRST}\nkey {one}"), "neither");
        check("an unknown suite", format!("{FIRST}\nindex {one}\nseal-sm5 {two}"), "line 3: ");
        check(
            "one key in two suites",
            format!("{FIRST}\nindex {one}\nseal {two}\nseal-sm4 {two}"),
            "line 4: the same",
        );
        check("a word alone", format!("{FIRST}\nseal"), "neither");
        check("two indices", format!("{FIRST}\nindex {one}\nindex {two}"), "second index");
        check("twice", format!("{FIRST}\nindex {one}\nseal {two}\nseal {two}"), "line 4: the same key");
        check("one key for both", format!("{FIRST}\nindex {one}\nseal {one}"), "line 3: the same key");
    }
}
