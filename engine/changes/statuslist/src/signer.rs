//! Who signs lists: a P-256 key for ES256, which every reader of such lists knows.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use crate::fault::Fault;
use crate::keys::{self, PublicKey};

/// Signs lists with ES256.
pub struct Signer {
    pair: EcdsaKeyPair,
    public: PublicKey,
    chain: Vec<Vec<u8>>,
}

impl Signer {
    /// A new key, as the PEM (PKCS #8) that [`from_pem`](Self::from_pem) reads. It is secret.
    ///
    /// # Errors
    /// [`Fault::Key`] when the system gives no random bytes.
    pub fn generate() -> Result<String, Fault> {
        let none = |_| Fault::Key("the system gives no random bytes; try again".to_owned());
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(none)?;
        let der = pair.to_pkcs8v1().map_err(none)?;
        Ok(keys::pem("PRIVATE KEY", der.as_ref()))
    }

    /// The key in a PEM file of PKCS #8, and certificates that name it, its own first; perhaps none.
    ///
    /// # Errors
    /// [`Fault::Key`]: it is no P-256 key, or the first certificate is of another key.
    pub fn from_pem(pem: &[u8], chain: &[u8]) -> Result<Signer, Fault> {
        let wrong =
            || Fault::Key("no P-256 private key in PKCS #8 PEM; `hufu status-list key` makes one".to_owned());
        let blocks = keys::pem_blocks(pem)?;
        let der = blocks.iter().find(|block| block.0 == "PRIVATE KEY").map(|block| &*block.1);
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.ok_or_else(wrong)?);
        let pair = pair.map_err(|_| wrong())?;
        let public = PublicKey::es256(pair.public_key().as_ref())?;
        let chain: Vec<_> = keys::pem_blocks(chain)?.into_iter().map(|block| block.1).collect();
        if let Some(first) = chain.first()
            && PublicKey::of_certificate(first)? != public
        {
            return Err(Fault::Key("the first certificate of the chain is of another key".to_owned()));
        }
        Ok(Signer { pair, public, chain })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) fn key_id(&self) -> &str {
        self.public.thumbprint()
    }

    pub(crate) fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// Signs bytes as they are: r and s, 32 bytes each.
    ///
    /// # Errors
    /// [`Fault::Key`] when the library cannot.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Fault> {
        let signature = self.pair.sign(&SystemRandom::new(), message);
        let signature = signature.map_err(|_| Fault::Key("signing failed; try again".to_owned()))?;
        Ok(signature.as_ref().to_vec())
    }
}
