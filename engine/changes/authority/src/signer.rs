//! An authority's key for one run: in this process, or with an agent that keeps it elsewhere.

mod agent;

use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;
use hufu_codes::chain::{AuthorityKey, AuthoritySigner, Unsigned};
use hufu_files::keys::{Owner, SecretKey};
use zeroize::Zeroizing;

pub use agent::Agent;

/// Signs as an authority.
pub trait Signer {
    /// The public half of the key.
    fn key(&self) -> &AuthorityKey;

    /// The message with its signature.
    ///
    /// # Errors
    /// It is for another key, or whoever holds the key did not sign it.
    fn sign(&self, unsigned: Unsigned) -> anyhow::Result<Vec<u8>>;
}

/// With a key in this process.
impl Signer for AuthoritySigner {
    fn key(&self) -> &AuthorityKey {
        self.authority()
    }

    fn sign(&self, unsigned: Unsigned) -> anyhow::Result<Vec<u8>> {
        Ok(self.seal(unsigned)?)
    }
}

/// The key in the secret key file at `path`; `-` reads the file's text from standard input, out of a vault for example.
///
/// # Errors
/// It is not an issuer's secret key, or others on this machine can use it.
pub fn read_key(path: &Path) -> anyhow::Result<AuthoritySigner> {
    let secret = if path == Path::new("-") {
        let mut text = Zeroizing::new(String::new());
        let read = io::stdin().lock().take(KEY_FILE_BYTES_MAX).read_to_string(&mut text);
        read.context("cannot read the key from standard input")?;
        SecretKey::parse(&text, Owner::Issuer, "standard input")?
    } else {
        SecretKey::load(path, Owner::Issuer)?
    };
    secret.authority_signer()
}

/// Far more than a key file has.
const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;
