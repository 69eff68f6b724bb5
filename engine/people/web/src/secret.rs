//! Random values, keys of one process, and what they seal. The key of known browsers outlives it, in a file.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use aws_lc_rs::rand::fill;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 32 random bytes as text of 43 characters.
///
/// # Panics
/// The operating system has no randomness: nothing may be served then.
pub(crate) fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

/// Random bytes of the operating system.
///
/// # Panics
/// The operating system has no randomness: nothing may be served then.
#[expect(clippy::expect_used, reason = "a page without randomness would have guessable sessions")]
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// Keys that live as long as the process: mark values as made here, and seal what a browser is to bring back.
#[expect(clippy::struct_field_names, reason = "one of the three marks")]
pub(crate) struct Marks {
    marks: Key,
    seals: RandomizedNonceKey,
    browsers: Key,
}

/// Bytes of a nonce before what it sealed.
const NONCE_BYTES: usize = 12;

impl Marks {
    /// With the key beside the accounts file. Where that cannot be used the log says so, and browsers are known to this
    /// process alone.
    ///
    /// # Panics
    /// The operating system has no randomness.
    pub(crate) fn beside(accounts: Option<&Path>) -> Marks {
        let Some(accounts) = accounts else { return Marks::new(&random::<32>()) };
        let file = key_file(accounts);
        let key = kept_key(&file).unwrap_or_else(|why| {
            let file = file.display();
            tracing::warn!(%file, %why, "a restart will forget known browsers; the operator can let this process make the file");
            random()
        });
        Marks::new(&key)
    }

    #[expect(clippy::expect_used, reason = "32 bytes are a key of this algorithm")]
    fn new(browsers: &[u8; 32]) -> Marks {
        let seals = RandomizedNonceKey::new(&AES_256_GCM, &random::<32>()).expect("32 bytes");
        Marks {
            marks: Key::new(HMAC_SHA256, &random::<32>()),
            seals,
            browsers: Key::new(HMAC_SHA256, browsers),
        }
    }

    /// What a browser keeps and cannot read or change; empty where it cannot be sealed.
    pub(crate) fn seal(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        match self.seals.seal_in_place_append_tag(Aad::empty(), &mut bytes) {
            Ok(nonce) => URL_SAFE_NO_PAD.encode([nonce.as_ref(), bytes.as_slice()].concat()),
            Err(_) => String::new(),
        }
    }

    /// What was sealed here.
    pub(crate) fn open(&self, sealed: &str) -> Option<String> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, rest) = bytes.split_at_mut_checked(NONCE_BYTES)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.seals.open_in_place(nonce, Aad::empty(), rest).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }

    /// The mark of a value made for `purpose`; the purpose has no zero byte.
    pub(crate) fn mark(&self, purpose: &str, value: &str) -> String {
        URL_SAFE_NO_PAD.encode(sign(&self.marks, &Self::input(purpose, value)))
    }

    /// Whether `mark` is the mark of `value`; takes the same time for every wrong mark of a length.
    pub(crate) fn is_mark(&self, purpose: &str, value: &str, mark: &str) -> bool {
        let Ok(mark) = URL_SAFE_NO_PAD.decode(mark) else { return false };
        verify(&self.marks, &Self::input(purpose, value), &mark).is_ok()
    }

    /// The mark of a browser that signed in; it counts after a restart too.
    pub(crate) fn browser(&self, value: &str) -> String {
        URL_SAFE_NO_PAD.encode(sign(&self.browsers, &Self::input("browser", value)))
    }

    /// Whether `mark` is the mark of a browser, likewise.
    pub(crate) fn is_browser(&self, value: &str, mark: &str) -> bool {
        let Ok(mark) = URL_SAFE_NO_PAD.decode(mark) else { return false };
        verify(&self.browsers, &Self::input("browser", value), &mark).is_ok()
    }

    fn input(purpose: &str, value: &str) -> Vec<u8> {
        [purpose.as_bytes(), &[0], value.as_bytes()].concat()
    }
}

/// The file beside the accounts file.
fn key_file(accounts: &Path) -> PathBuf {
    let mut name = OsString::from(accounts);
    name.push(".key");
    name.into()
}

/// The key of a file that only its owner may read; made where there is none.
fn kept_key(file: &Path) -> io::Result<[u8; 32]> {
    match fs::metadata(file) {
        Ok(data) if data.permissions().mode() & 0o077 != 0 => {
            return Err(io::Error::other("others may read it; remove it and start again"));
        }
        Ok(_) => {}
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            // Made with mode 0600.
            let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
            new.write_all(&random::<32>())?;
            new.as_file().sync_all()?;
            match new.persist_noclobber(file) {
                // Another process made it meanwhile.
                Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => return Err(error.error),
                _ => {}
            }
        }
        Err(why) => return Err(why),
    }
    let (mut key, mut file) = ([0; 32], File::open(file)?);
    if file.metadata()?.len() != 32 {
        return Err(io::Error::other("it does not have 32 bytes; remove it and start again"));
    }
    file.read_exact(&mut key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r61_browsers_are_known_after_a_restart_by_a_key_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let accounts = folder.path().join("accounts.toml");
        let mark = Marks::beside(Some(&accounts)).browser("value");
        let is_known = || Marks::beside(Some(&accounts)).is_browser("value", &mark);
        assert!(is_known() && !Marks::beside(None).is_browser("value", &mark));
        let file = folder.path().join("accounts.toml.key");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(!is_known(), "others could have made the mark");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(is_known(), "nothing was written over it");
        fs::write(&file, "short").unwrap();
        assert!(!is_known());
    }

    #[test]
    fn a_mark_counts_for_its_value_purpose_and_process_alone() {
        let marks = Marks::beside(None);
        let mark = marks.mark("form", "value");
        assert!(marks.is_mark("form", "value", &mark));
        assert!(!marks.is_mark("form", "valu", &mark));
        assert!(!marks.is_mark("known", "value", &mark));
        assert!(!Marks::beside(None).is_mark("form", "value", &mark));
        assert!(!marks.is_mark("form", "value", "not base64 !"));
        assert!(!marks.is_mark("form", "value", ""));
    }

    #[test]
    fn what_is_sealed_opens_here_and_unchanged_alone() {
        let marks = Marks::beside(None);
        let sealed = marks.seal("state");
        assert_eq!(marks.open(&sealed).as_deref(), Some("state"));
        assert_ne!(marks.seal("state"), sealed);
        let changed = sealed.replacen(&sealed[20..21], if &sealed[20..21] == "A" { "B" } else { "A" }, 1);
        for text in ["", "AAAA", "!", changed.as_str()] {
            assert_eq!(marks.open(text), None, "{text}");
        }
        assert_eq!(Marks::beside(None).open(&sealed), None);
    }
}
