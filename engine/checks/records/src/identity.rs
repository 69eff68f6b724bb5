//! Which engine records are of, and the key that signs the ends of its days.

use std::io;

use ed25519_dalek::{SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::day::Day;
use crate::keys::Wrapping;
use crate::segment::EngineId;

/// An engine as the writer of records. It follows from what wraps the keys of days, so that there is no second secret
/// to keep.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Signs the chain of days.
    pub signer: SigningKey,
    /// What segments name: a digest of the public key.
    pub engine: EngineId,
}

impl Identity {
    /// The identity that follows from `wrapping`.
    ///
    /// # Errors
    /// What wraps keys does not answer.
    pub fn of(wrapping: &dyn Wrapping) -> io::Result<Identity> {
        let seed = wrapping.key(NO_DAY, b"signs the days\0\0")?;
        let signer = SigningKey::from_bytes(&seed);
        let engine = engine_of(&signer.verifying_key());
        Ok(Identity { signer, engine })
    }
}

/// The engine whose days this key signs.
pub fn engine_of(key: &VerifyingKey) -> EngineId {
    let mut engine = EngineId::default();
    engine.copy_from_slice(&Sha256::digest(key.as_bytes())[..16]);
    engine
}

/// The public key in these bytes; `None` when they are none.
pub fn public_key(bytes: &[u8]) -> Option<VerifyingKey> {
    VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()
}

/// No day is wrapped by what signs.
const NO_DAY: Day = Day(u32::MAX);
