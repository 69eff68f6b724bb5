//! Public keys, each with its scheme.

use thiserror::Error;

use crate::ed25519;
use crate::scheme::Scheme;
use crate::sm2;

/// A public key as its scheme encodes it. A variant fixes the length, so that no key has a length that does not fit its
/// scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// RFC 8032 section 5.1.2.
    Ed25519([u8; 32]),
    /// GM/T 0009 section 7.1: `04`, then x and y of 32 bytes each.
    Sm2([u8; 65]),
}

/// A public key, ready to verify with: what is costly to compute was computed. Cloning shares it.
#[derive(Clone, Debug)]
pub enum PreparedKey {
    /// With tables of its multiples.
    Ed25519(ed25519::Key),
    /// With a table of its multiples.
    Sm2(sm2::Key),
}

/// Why bytes are not a public key that signatures can be trusted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyFault {
    /// Keys of this scheme have another length.
    #[error("a public key of {scheme} has {} bytes, and this has {bytes}", scheme.public_bytes())]
    Length {
        /// The scheme that was named.
        scheme: Scheme,
        /// Bytes there are.
        bytes: usize,
    },
    /// No curve point has this encoding: no signature can ever be genuine.
    #[error("not the encoding of a curve point")]
    NotAPoint,
    /// The point has another encoding (RFC 8032 section 5.1.3 takes only y below 2^255 - 19 and no negative
    /// zero). `verify_strict` lives with such keys, implementations differ on them, and one key with two
    /// encodings would have two key ids. Of SM2 every encoding that does not begin with `04`.
    #[error("not the canonical encoding of its point")]
    NotCanonical,
    /// The point's order divides 8: anybody can make signatures for it. `verify_strict` refuses all of them.
    #[error("a point of small order")]
    SmallOrder,
}

impl PublicKey {
    /// The key of `scheme` with this encoding. Only its length is looked at.
    ///
    /// # Errors
    /// [`KeyFault::Length`].
    pub fn new(scheme: Scheme, bytes: &[u8]) -> Result<PublicKey, KeyFault> {
        let key = match scheme {
            Scheme::Ed25519 => bytes.try_into().map(PublicKey::Ed25519),
            Scheme::Sm2 => bytes.try_into().map(PublicKey::Sm2),
        };
        key.map_err(|_| KeyFault::Length { scheme, bytes: bytes.len() })
    }

    /// Its scheme.
    pub const fn scheme(&self) -> Scheme {
        match self {
            PublicKey::Ed25519(_) => Scheme::Ed25519,
            PublicKey::Sm2(_) => Scheme::Sm2,
        }
    }

    /// Its encoding.
    pub const fn bytes(&self) -> &[u8] {
        match self {
            PublicKey::Ed25519(bytes) => bytes,
            PublicKey::Sm2(bytes) => bytes,
        }
    }

    /// Whether the holder of this key signed the parts of `message`, one after the other: the answer that a
    /// [`Backend`](crate::Backend) gives, without preparing the key. For tools that have one question.
    pub fn verify_once(&self, message: &[&[u8]], signature: &[u8; 64]) -> bool {
        match self {
            PublicKey::Ed25519(public) => ed25519::verify_once(public, message, signature),
            PublicKey::Sm2(public) => sm2::verify_once(public, message, signature),
        }
    }
}

impl PreparedKey {
    /// Prepares a key: see [`ed25519::Key::new`] and [`sm2::Key::new`].
    ///
    /// # Errors
    /// [`KeyFault`] tells why these bytes cannot be an issuer's key.
    pub fn new(public: &PublicKey) -> Result<PreparedKey, KeyFault> {
        match public {
            PublicKey::Ed25519(bytes) => ed25519::Key::new(bytes).map(PreparedKey::Ed25519),
            PublicKey::Sm2(bytes) => sm2::Key::new(bytes).map(PreparedKey::Sm2),
        }
    }

    /// The key itself.
    pub fn public(&self) -> PublicKey {
        match self {
            PreparedKey::Ed25519(key) => PublicKey::Ed25519(*key.public()),
            PreparedKey::Sm2(key) => PublicKey::Sm2(*key.public()),
        }
    }

    /// Its scheme.
    pub const fn scheme(&self) -> Scheme {
        match self {
            PreparedKey::Ed25519(_) => Scheme::Ed25519,
            PreparedKey::Sm2(_) => Scheme::Sm2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_has_one_number_and_one_name() {
        for scheme in Scheme::ALL {
            assert_eq!(Scheme::of_cose(scheme.cose()), Some(scheme));
            assert_eq!(Scheme::named(scheme.name()), Some(scheme));
        }
        assert_eq!((Scheme::Ed25519.cose(), Scheme::Ed25519.name()), (-8, "EdDSA"));
        assert_eq!((Scheme::Sm2.cose(), Scheme::Sm2.name()), (-65_793, "SM2"));
        // ES256 (RFC 9053 section 2.1), and a spelling that nobody registered.
        assert_eq!((Scheme::of_cose(-7), Scheme::named("ES256"), Scheme::named("eddsa")), (None, None, None));
    }

    #[test]
    fn a_key_is_as_long_as_its_scheme_says() {
        for scheme in Scheme::ALL {
            let right = scheme.public_bytes();
            for bytes in 0..=2 * right {
                let key = PublicKey::new(scheme, &vec![7; bytes]);
                let fault = (bytes != right).then_some(KeyFault::Length { scheme, bytes });
                assert_eq!(key.err(), fault);
                assert!(
                    key.is_err() || key.is_ok_and(|key| key.scheme() == scheme && key.bytes().len() == right)
                );
            }
        }
        let fault = PublicKey::new(Scheme::Ed25519, &[0; 33]).map_err(|fault| fault.to_string());
        assert_eq!(fault, Err("a public key of EdDSA has 32 bytes, and this has 33".to_owned()));
    }
}
