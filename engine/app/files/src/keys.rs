//! Key files: a secret one for whoever signs, and a public one to hand around.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::rand;
use hufu_codes::chain::AuthoritySigner;
use hufu_codes::issue::{IssuerSigner, OperatorSigner, Secret};
use hufu_signature::Scheme;
use hufu_wire::{IssuerId, KeyId, without_bom};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{self as files, Readable};

/// Who signs with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// The operator: signs trust lists.
    Operator,
    /// A status authority: signs codes and rosters.
    Issuer,
}

impl Owner {
    /// Refuses a key of another owner than the one that is `wanted`.
    fn ensure(self, wanted: Owner, name: &dyn fmt::Display) -> anyhow::Result<()> {
        ensure!(
            self == wanted,
            "{name} is a key of another use: it is an {}'s, and an {}'s is needed",
            self.word(),
            wanted.word()
        );
        Ok(())
    }
}

/// The public half, as handed to the operator or to engines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Who signs with it.
    pub owner: Owner,
    /// Which authority, for an issuer's key.
    pub issuer: Option<u32>,
    /// The key itself.
    pub public: hufu_signature::PublicKey,
}

/// The public half as its file has it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct PublicFile {
    owner: Owner,
    issuer: Option<u32>,
    /// The signature scheme by its name. Files from before there was a choice have none: Ed25519.
    scheme: Option<String>,
    /// The first eight bytes of SHA-256 over `public`, to compare by eye.
    key_id: String,
    /// Hexadecimal digits.
    #[serde(with = "hex")]
    public: Vec<u8>,
}

/// A whole key.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretKey {
    owner: Owner,
    issuer: Option<u32>,
    /// As in [`PublicFile`].
    scheme: Option<String>,
    /// 64 hexadecimal digits: who knows them can sign. The seed of Ed25519, or the number d of SM2.
    seed: Zeroizing<String>,
}

impl Owner {
    /// Both.
    pub const ALL: [Owner; 2] = [Owner::Operator, Owner::Issuer];

    /// Its word on a command line.
    pub const fn word(self) -> &'static str {
        match self {
            Owner::Operator => "operator",
            Owner::Issuer => "issuer",
        }
    }

    /// The owner of a word.
    pub fn of_word(word: &str) -> Option<Owner> {
        Owner::ALL.into_iter().find(|owner| owner.word() == word)
    }
}

impl PublicKey {
    /// The public half of `secret`.
    ///
    /// # Errors
    /// See [`SecretKey::secret`].
    pub fn of(secret: &SecretKey) -> anyhow::Result<PublicKey> {
        let public = *secret.secret()?.public();
        Ok(PublicKey { owner: secret.owner, issuer: secret.issuer, public })
    }

    /// Reads a public key file.
    ///
    /// # Errors
    /// The file cannot be read, is no public key, is another owner's, or its parts do not belong together.
    pub fn load(path: &Path, owner: Owner) -> anyhow::Result<PublicKey> {
        let text = Zeroizing::new(files::read_text(path)?);
        // The parser's error would show a line of the file, and the file may be the secret half.
        let Ok(file) = toml::from_str::<PublicFile>(&text) else {
            ensure!(
                toml::from_str::<SecretKey>(&text).is_err(),
                "{} is a secret key; give its public half, {}",
                path.display(),
                path.with_extension("pub").display()
            );
            bail!("{} is not a public key of `hufu keys generate`", path.display());
        };
        file.owner.ensure(owner, &path.display())?;
        let scheme = scheme_of(file.scheme.as_deref(), &path.display())?;
        let public = hufu_signature::PublicKey::new(scheme, &file.public)
            .with_context(|| format!("{}: public and scheme do not belong together", path.display()))?;
        let key = PublicKey { owner, issuer: file.issuer, public };
        ensure!(
            key.kid().to_string() == file.key_id,
            "{}: key_id and public do not belong together",
            path.display()
        );
        Ok(key)
    }

    /// Its id.
    pub fn kid(&self) -> KeyId {
        hufu_codes::cose::key_id(&self.public)
    }

    /// The issuer, of an issuer's key.
    ///
    /// # Errors
    /// It is an operator\'s key.
    pub fn issuer(&self) -> anyhow::Result<IssuerId> {
        self.issuer.map(IssuerId).context("the key file names no issuer")
    }

    /// The file's text.
    ///
    /// # Errors
    /// It cannot be written as TOML.
    pub fn to_text(&self) -> anyhow::Result<String> {
        let file = PublicFile {
            owner: self.owner,
            issuer: self.issuer,
            scheme: Some(self.public.scheme().name().to_owned()),
            key_id: self.kid().to_string(),
            public: self.public.bytes().to_vec(),
        };
        Ok(format!("# Hufu public key. Nothing secret.\n{}", toml::to_string(&file)?))
    }
}

impl SecretKey {
    /// A new key.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn generate(owner: Owner, issuer: Option<IssuerId>, scheme: Scheme) -> anyhow::Result<SecretKey> {
        loop {
            let seed = random_seed()?;
            if Secret::new(scheme, &seed).is_ok() {
                return Ok(SecretKey::of(owner, issuer, scheme, &seed));
            }
        }
    }

    /// The key of `scheme` with these private bytes: see [`Secret::new`].
    pub fn of(owner: Owner, issuer: Option<IssuerId>, scheme: Scheme, seed: &[u8; 32]) -> SecretKey {
        let scheme = Some(scheme.name().to_owned());
        let issuer = issuer.map(|issuer| issuer.0);
        SecretKey { owner, issuer, scheme, seed: Zeroizing::new(hex::encode(seed)) }
    }

    /// Reads a secret key file, which must be its owner's alone.
    ///
    /// # Errors
    /// The file cannot be read, is no secret key, is another owner's, or others can use it.
    pub fn load(path: &Path, owner: Owner) -> anyhow::Result<SecretKey> {
        let text = Zeroizing::new(files::read_text(path)?);
        let key = SecretKey::parse(&text, owner, &path.display().to_string())?;
        ensure_private(path)?;
        Ok(key)
    }

    /// The key in a file's text; `name` says in an error which file.
    ///
    /// # Errors
    /// The text is no secret key, or another owner's.
    pub fn parse(text: &str, owner: Owner, name: &str) -> anyhow::Result<SecretKey> {
        // The parser's error would show the line with the seed.
        let Ok(key) = toml::from_str::<SecretKey>(text) else {
            bail!("{name} is not a secret key of `hufu keys generate`");
        };
        key.owner.ensure(owner, &name)?;
        scheme_of(key.scheme.as_deref(), &name)?;
        Ok(key)
    }

    /// What signs.
    ///
    /// # Errors
    /// The seed is not 64 hexadecimal digits, or no private key of its scheme.
    pub fn secret(&self) -> anyhow::Result<Secret> {
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(self.seed.as_bytes(), &mut *seed)
            .ok()
            .context("the seed is not 64 hexadecimal digits")?;
        let secret = Secret::new(scheme_of(self.scheme.as_deref(), &"the secret key")?, &seed);
        secret.context("the seed of the secret key")
    }

    /// An operator's signer.
    ///
    /// # Errors
    /// See [`secret`](Self::secret).
    pub fn operator_signer(&self) -> anyhow::Result<OperatorSigner> {
        Ok(OperatorSigner::new(self.secret()?))
    }

    /// The signer of an issuer's codes and rosters.
    ///
    /// # Errors
    /// See [`secret`](Self::secret) and [`issuer`](Self::issuer).
    pub fn issuer_signer(&self) -> anyhow::Result<IssuerSigner> {
        Ok(IssuerSigner::new(self.secret()?, self.issuer()?))
    }

    /// The signer of an authority or a publisher.
    ///
    /// # Errors
    /// See [`secret`](Self::secret) and [`issuer`](Self::issuer).
    pub fn authority_signer(&self) -> anyhow::Result<AuthoritySigner> {
        Ok(AuthoritySigner::new(self.secret()?, self.issuer()?))
    }

    /// The issuer, of an issuer's key.
    ///
    /// # Errors
    /// It is an operator\'s key.
    pub fn issuer(&self) -> anyhow::Result<IssuerId> {
        self.issuer.map(IssuerId).context("the key file names no issuer")
    }

    /// Writes `NAME.key`, for the owner alone, and `NAME.pub`; neither may exist.
    ///
    /// # Errors
    /// A file of that name exists, or cannot be written.
    pub fn store(&self, name: &Path, public: &PublicKey) -> anyhow::Result<[PathBuf; 2]> {
        let secret_path = files::with_extension(name, "key");
        let public_path = files::with_extension(name, "pub");
        ensure!(!public_path.exists(), "{} exists already and is not overwritten", public_path.display());
        let text = Zeroizing::new(format!(
            "# Hufu secret key: whoever reads this can sign. Keep it off every engine.\n{}",
            &*Zeroizing::new(toml::to_string(self)?)
        ));
        files::create(&secret_path, text.as_bytes(), Readable::Owner)?;
        files::create(&public_path, public.to_text()?.as_bytes(), Readable::All)?;
        Ok([secret_path, public_path])
    }
}

/// The scheme that the key file `name` names.
fn scheme_of(named: Option<&str>, name: &dyn fmt::Display) -> anyhow::Result<Scheme> {
    let Some(named) = named else { return Ok(Scheme::Ed25519) };
    Scheme::named(named).with_context(|| {
        let known = Scheme::ALL.map(Scheme::name).join(", ");
        format!(
            "{name}: scheme {named:?} is unknown to this program, which knows {known}; update the program, or use a key of \
             a scheme it knows"
        )
    })
}

/// Thirty-two bytes that nobody can guess.
///
/// # Errors
/// The operating system gives no random bytes.
pub fn random_seed() -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let mut seed = Zeroizing::new([0; 32]);
    rand::fill(&mut *seed).ok().context("the operating system gives no random bytes")?;
    Ok(seed)
}

/// Thirty-two secret bytes in a file: raw, or as 64 hexadecimal digits.
///
/// # Errors
/// The file cannot be read, is no seed, or others can use it.
pub fn read_seed(path: &Path) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    ensure_private(path)?;
    let bytes = Zeroizing::new(files::read(path)?);
    let mut seed = Zeroizing::new([0; 32]);
    let digits = without_bom(&bytes).trim_ascii();
    if bytes.len() == seed.len() {
        seed.copy_from_slice(&bytes);
    } else if hex::decode_to_slice(digits, &mut *seed).is_err() {
        bail!("{} is not a seed: 64 hexadecimal digits are wanted", path.display());
    }
    Ok(seed)
}

/// Refuses a secret key that others on this machine can read or write: they could sign with it, or put their own in its
/// place.
///
/// # Errors
/// The file, its mode, and the command that puts it right.
pub fn ensure_private(path: &Path) -> anyhow::Result<()> {
    let mode = mode(path)?;
    ensure!(
        mode & OTHERS == 0,
        "{file}: other users of this machine may use this secret key (mode {mode:03o}); run `chmod 600 {file}`",
        file = path.display(),
    );
    Ok(())
}

/// Writes [`warning_if_shared`] to the log.
///
/// # Errors
/// When there is no such file.
pub fn warn_if_shared(path: &Path) -> anyhow::Result<()> {
    if let Some(warning) = warning_if_shared(path)? {
        tracing::warn!("{warning}");
    }
    Ok(())
}

/// A warning when other users of this machine can read the token or password at `path`.
///
/// # Errors
/// When there is no such file.
pub fn warning_if_shared(path: &Path) -> anyhow::Result<Option<String>> {
    let is_shared = mode(path)? & OTHERS != 0;
    Ok(is_shared.then(|| format!("others can read {file}; run `chmod 600 {file}`", file = path.display())))
}

/// Everybody but the owner.
const OTHERS: u32 = 0o077;

/// Who may do what with a file.
fn mode(path: &Path) -> anyhow::Result<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(metadata.permissions().mode() & 0o777)
}

#[cfg(test)]
mod tests;
