//! Private keys of every scheme, for issuers, operators and authorities.

use core::fmt;

use ed25519_dalek::Signer as _;
use hufu_signature::sm2::digest as sm2_digest;
use hufu_signature::{PublicKey, Scheme};
use rfc6979::KGenerator;
use sm2::elliptic_curve::ops::Reduce as _;
use sm2::elliptic_curve::point::AffineCoordinates as _;
use sm2::elliptic_curve::sec1::ToSec1Point as _;
use sm2::elliptic_curve::{Curve as _, Group as _, PrimeField as _};
use sm2::{FieldBytes, ProjectivePoint, Scalar, Sm2, U256};
use sm3::Sm3;
use zeroize::Zeroizing;

/// A private key. Its bytes are wiped when it is dropped.
///
/// One message has one signature under it, of either scheme: registries make a code again from its request, and compare.
pub struct Secret {
    private: Private,
    public: PublicKey,
}

enum Private {
    Ed25519(ed25519_dalek::SigningKey),
    /// d, and the inverse of d + 1.
    Sm2(Zeroizing<[Scalar; 2]>),
}

/// Thirty-two bytes that are no private key of SM2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a private key of SM2, which is a number from 1 to n - 2 (GB/T 32918.1): make another one")]
pub struct NotAPrivateKey;

impl Secret {
    /// The key of `scheme` with these bytes: the seed of Ed25519 (RFC 8032 section 5.1.5), or the number d of SM2,
    /// big-endian.
    ///
    /// # Errors
    /// [`NotAPrivateKey`]: one of 2^32 random ones is too large. Every seed is a key of Ed25519.
    pub fn new(scheme: Scheme, bytes: &[u8; 32]) -> Result<Secret, NotAPrivateKey> {
        match scheme {
            Scheme::Ed25519 => Ok(Secret::ed25519(bytes)),
            Scheme::Sm2 => Secret::sm2(bytes).ok_or(NotAPrivateKey),
        }
    }

    /// The key of Ed25519 with this seed.
    pub fn ed25519(seed: &[u8; 32]) -> Secret {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = PublicKey::Ed25519(key.verifying_key().to_bytes());
        Secret { private: Private::Ed25519(key), public }
    }

    fn sm2(bytes: &[u8; 32]) -> Option<Secret> {
        let bytes = Zeroizing::new(FieldBytes::from(*bytes));
        let d = Zeroizing::new(Scalar::from_repr(*bytes).into_option()?);
        // n - 1 has no such inverse, and zero no public key.
        let inverse = Zeroizing::new((*d + Scalar::ONE).invert().into_option()?);
        let point = ProjectivePoint::mul_by_generator(&d).to_affine();
        let public = PublicKey::new(Scheme::Sm2, point.to_sec1_point(false).as_bytes()).ok()?;
        Some(Secret { private: Private::Sm2(Zeroizing::new([*d, *inverse])), public })
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature of these parts, one after the other, as the scheme writes it.
    ///
    /// # Panics
    /// When this computer miscalculates: a wrong signature of SM2 tells the private key, so none is handed out.
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; 64] {
        match &self.private {
            Private::Ed25519(key) => key.sign(&parts.concat()).to_bytes(),
            Private::Sm2(numbers) => {
                let signature = sm2_signature(numbers, &self.public, parts);
                let genuine = signature.filter(|signature| self.public.verify_once(parts, signature));
                genuine.expect("this computer miscalculates, so no signature is given out: use another one")
            }
        }
    }
}

/// GB/T 32918.2 section 6.1, with k of RFC 6979 section 3.2 and SM3: it follows from the key and the message, so no two
/// messages share one, whatever the computer's source of randomness is worth.
fn sm2_signature(numbers: &[Scalar; 2], public: &PublicKey, parts: &[&[u8]]) -> Option<[u8; 64]> {
    let [d, inverse] = numbers;
    let digest = Scalar::reduce(&FieldBytes::from(sm2_digest(public.bytes(), parts)?));
    let private = Zeroizing::new(d.to_repr());
    let mut nonces = KGenerator::<Sm3, U256>::new(&private, &digest.to_repr(), &[], &Sm2::ORDER);
    let mut bytes = Zeroizing::new(FieldBytes::default());
    nonces.fill_next_k(&mut bytes);
    let k = Zeroizing::new(Scalar::from_repr(*bytes).into_option()?);
    let r = digest + Scalar::reduce(&ProjectivePoint::mul_by_generator(&k).to_affine().x());
    let s = *inverse * (*k - r * d);
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r.to_repr());
    signature[32..].copy_from_slice(&s.to_repr());
    Some(signature)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} {})", self.public.scheme(), crate::cose::key_id(&self.public))
    }
}
