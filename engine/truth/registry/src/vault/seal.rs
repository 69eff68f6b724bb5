//! One sealing key.

use core::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, rand};
use hufu_contract::Hex;
use zeroize::Zeroizing;

use crate::fault::Fault;

/// A key of AES-256-GCM. Nonces are random: 96 bits, and a key is good for 2^32 fields (NIST SP 800-38D, 8.3).
pub(super) struct SealingKey {
    id: SealingKeyId,
    key: LessSafeKey,
}

/// Sealing keys are known by the first four bytes of SHA-256 over a label and the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealingKeyId(pub [u8; 4]);

const ID_BYTES: usize = 4;
const FRONT_BYTES: usize = ID_BYTES + NONCE_LEN;
const TAG_BYTES: usize = 16;

impl SealingKey {
    /// The key that follows from a secret of the key file (RFC 5869).
    pub(super) fn new(secret: &[u8; 32]) -> SealingKey {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"hufu/1 vault").extract(secret);
        let okm = prk.expand(&[b"hufu/1 holder fields"], &AES_256_GCM).expect("32 bytes are never too many");
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"hufu/1 vault key");
        context.update(secret);
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&context.finish().as_ref()[..ID_BYTES]);
        SealingKey { id: SealingKeyId(id), key: LessSafeKey::new(UnboundKey::from(okm)) }
    }

    pub(super) fn id(&self) -> SealingKeyId {
        self.id
    }

    /// Key id, nonce, ciphertext, tag.
    pub(super) fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let unavailable = || Fault::Unavailable("the operating system gives no random bytes".into());
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| unavailable())?;
        let mut sealed = Vec::with_capacity(FRONT_BYTES + plain.len() + TAG_BYTES);
        sealed.extend(self.id.0);
        sealed.extend(nonce);
        sealed.extend(plain);
        let (_, text) = sealed.split_at_mut(FRONT_BYTES);
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), text)
            .map_err(|_| unavailable())?;
        sealed.extend(tag.as_ref());
        Ok(sealed)
    }

    /// What was sealed for `place`; `None` when it was altered or is of another place.
    pub(super) fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (_, rest) = sealed.split_first_chunk::<ID_BYTES>()?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>()?;
        let mut plain = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.key.open_in_place(nonce, Aad::from(place), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

/// The key that sealed `sealed`.
pub(super) fn key_of(sealed: &[u8]) -> Option<SealingKeyId> {
    sealed.first_chunk().map(|id| SealingKeyId(*id))
}

impl fmt::Display for SealingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(self.0).fmt(f)
    }
}

impl fmt::Debug for SealingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKeyId({self})")
    }
}
