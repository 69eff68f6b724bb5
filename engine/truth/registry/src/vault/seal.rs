//! One sealing key.

use core::fmt;

use aws_lc_rs::{digest, hkdf, rand};
use hufu_contract::Hex;
use hufu_seal::{Key, NONCE_BYTES, TAG_BYTES};
use hufu_wire::Suite;
use sm3::{Digest as _, Sm3};
use zeroize::Zeroizing;

use super::fault::VaultFault;
use crate::fault::Fault;

/// A key of AES-256-GCM or SM4-GCM. Nonces are random: 96 bits, and a key is good for 2^32 fields (NIST SP 800-38D,
/// 8.3).
pub(super) struct SealingKey {
    suite: Suite,
    id: SealingKeyId,
    /// The id that the same secret has in the other suite.
    other: SealingKeyId,
    key: Key,
}

/// Sealing keys are known by the first four bytes of a digest over a label and the key: SHA-256 for AES, SM3 for SM4.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealingKeyId(pub [u8; 4]);

const ID_BYTES: usize = 4;
const FRONT_BYTES: usize = ID_BYTES + NONCE_BYTES;

const ID_LABEL: &[u8] = b"hufu/1 vault key";
const SALT: &[u8] = b"hufu/1 vault";
const INFO: &[u8] = b"hufu/1 holder fields";

impl SealingKey {
    /// The key of `suite` that follows from a secret of the key file: HKDF (RFC 5869) with the digest of the suite.
    ///
    /// # Errors
    /// [`VaultFault::Library`].
    pub(super) fn new(suite: Suite, secret: &[u8; 32]) -> Result<SealingKey, VaultFault> {
        let library = |_| VaultFault::Library;
        let key = match suite {
            Suite::Aes => {
                let mut key = Zeroizing::new([0; 32]);
                let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(secret);
                let okm = prk.expand(&[INFO], hkdf::HKDF_SHA256);
                okm.and_then(|okm| okm.fill(&mut key[..])).map_err(library)?;
                Key::aes_256_gcm(&key).map_err(|_| VaultFault::Library)?
            }
            Suite::Sm4 => {
                let mut key = Zeroizing::new([0; 16]);
                let prk = ::hkdf::Hkdf::<Sm3>::new(Some(SALT), secret);
                prk.expand(INFO, &mut key[..]).map_err(|_| VaultFault::Library)?;
                Key::sm4_gcm(&key)
            }
        };
        let [sha, sm3] = ids(secret);
        let (id, other) = if suite == Suite::Aes { (sha, sm3) } else { (sm3, sha) };
        Ok(SealingKey { suite, id, other, key })
    }

    pub(super) fn id(&self) -> SealingKeyId {
        self.id
    }

    /// The suite of this key, when it is the secret of the key `id` in a line of the wrong suite.
    pub(super) fn is_mistaken_for(&self, id: SealingKeyId) -> Option<Suite> {
        (self.other == id).then_some(self.suite)
    }

    /// Key id, nonce, ciphertext, tag.
    pub(super) fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let mut sealed = Vec::with_capacity(FRONT_BYTES + plain.len() + TAG_BYTES);
        sealed.extend(self.id.0);
        sealed.extend(nonce);
        sealed.extend(plain);
        let (_, text) = sealed.split_at_mut(FRONT_BYTES);
        let tag = self.key.seal(nonce, place, text).map_err(|fault| Fault::Unavailable(fault.to_string()))?;
        sealed.extend(tag);
        Ok(sealed)
    }

    /// What was sealed for `place`; `None` when it was altered or is of another place.
    pub(super) fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (_, rest) = sealed.split_first_chunk::<ID_BYTES>()?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let mut plain = Zeroizing::new(text.to_vec());
        let length = self.key.open(*nonce, place, &mut plain)?.len();
        plain.truncate(length);
        Some(plain)
    }
}

/// The ids of a secret as a key of AES and of SM4.
fn ids(secret: &[u8; 32]) -> [SealingKeyId; 2] {
    let mut sha = digest::Context::new(&digest::SHA256);
    sha.update(ID_LABEL);
    sha.update(secret);
    let sm3 = Sm3::new().chain_update(ID_LABEL).chain_update(secret).finalize();
    [sha.finish().as_ref(), &sm3].map(|digest| {
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&digest[..ID_BYTES]);
        SealingKeyId(id)
    })
}

/// Random bytes.
///
/// # Errors
/// [`Fault::Unavailable`] when the operating system gives none.
pub(super) fn random<const BYTES: usize>() -> Result<[u8; BYTES], Fault> {
    let mut bytes = [0; BYTES];
    let none = |_| Fault::Unavailable("the operating system gives no random bytes".into());
    rand::fill(&mut bytes).map_err(none)?;
    Ok(bytes)
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
