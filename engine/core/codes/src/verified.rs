//! How far a signed message can be believed, in types: [`Signed`], then [`Admitted`], then [`Verified`].

use core::ops::Deref;

use hufu_signature::{Backend, Job};
use hufu_wire::{IssuerId, Reason, UnixSeconds};

use crate::cbor::{Fault, Reader};
use crate::cose::Sign1;
use crate::keyring::{IssuerKey, Uses};

/// What a signed payload claims, and the rules its key must meet.
pub trait Claims<'a>: Copy {
    /// The reason when the signature is not genuine.
    const NOT_GENUINE: Reason;

    /// Reads the payload.
    ///
    /// # Errors
    /// [`Fault`] for every byte string but the one encoding of these claims.
    fn read(envelope: &Sign1<'a>) -> Result<Self, Fault>;

    /// What the key must be allowed to sign.
    fn key_use(&self) -> Uses;

    /// When it was signed, by its own account: the key must have been in force then.
    fn issued(&self) -> UnixSeconds;

    /// Rules beyond the key's that need no signature and no clock.
    ///
    /// # Errors
    /// The reason of the first rule it breaks.
    fn within_rules(&self) -> Result<(), Reason>;
}

/// A signed message that was read: its structure is right, and nothing else is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'a, T> {
    claims: T,
    envelope: Sign1<'a>,
}

/// A signed message whose key is known, in force and allowed to sign it. Only
/// [`Keyring::admit`](crate::keyring::Keyring::admit) makes one; its signature is still to be verified.
#[derive(Clone, Copy, Debug)]
pub struct Admitted<'k, 'a, T> {
    signed: Signed<'a, T>,
    key: &'k IssuerKey,
}

/// Proof that `T` was signed by a key of `issuer` that may sign it. Only a verified signature makes one, or
/// the memory of one in a [`SeenCache`](crate::seen::SeenCache).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<T> {
    value: T,
    issuer: IssuerId,
}

impl<'a, T: Claims<'a>> Signed<'a, T> {
    /// Reads the next item and the claims in its payload.
    ///
    /// # Errors
    /// [`Fault`] for every byte string but the one encoding of its content.
    pub fn read(reader: &mut Reader<'a>) -> Result<Signed<'a, T>, Fault> {
        let envelope = Sign1::read(reader)?;
        Ok(Signed { claims: T::read(&envelope)?, envelope })
    }

    /// What it claims. Good for a log or a display of a refusal, never for a decision.
    pub fn claims(&self) -> &T {
        &self.claims
    }

    /// The `COSE_Sign1` around the claims.
    pub fn envelope(&self) -> &Sign1<'a> {
        &self.envelope
    }

    /// The first half (R) of the signature: what stands for the whole message once the signature is verified.
    pub fn signature_r(&self) -> &'a [u8; 32] {
        let (halves, _) = self.envelope.signature.as_chunks();
        &halves[0]
    }

    /// The whole `COSE_Sign1` as it travelled.
    pub fn bytes(&self) -> &'a [u8] {
        self.envelope.bytes
    }
}

impl<'k, 'a, T: Claims<'a>> Admitted<'k, 'a, T> {
    pub(crate) fn new(signed: Signed<'a, T>, key: &'k IssuerKey) -> Admitted<'k, 'a, T> {
        Admitted { signed, key }
    }

    /// The message.
    pub fn signed(&self) -> &Signed<'a, T> {
        &self.signed
    }

    /// The key that must have signed it.
    pub fn key(&self) -> &'k IssuerKey {
        self.key
    }

    /// The question whether it did.
    pub fn job(&self) -> Job<'_> {
        let Sign1 { signature, .. } = self.signed.envelope;
        Job { key: &self.key.prepared, message: self.signed.envelope.message(), signature }
    }

    /// Verifies the signature of this message alone. For many at once see
    /// [`SeenCache::verify`](crate::seen::SeenCache::verify).
    ///
    /// # Errors
    /// [`Claims::NOT_GENUINE`].
    pub fn verify(&self, backend: &dyn Backend) -> Result<Verified<T>, Reason> {
        let mut genuine = [false];
        backend.verify(&[self.job()], &mut genuine);
        if genuine == [true] { Ok(self.believed()) } else { Err(T::NOT_GENUINE) }
    }

    /// Turns the message into proof; the caller has verified its signature or remembers that it was.
    pub(crate) fn believed(&self) -> Verified<T> {
        Verified { value: self.signed.claims, issuer: self.key.issuer }
    }
}

impl<T> Verified<T> {
    /// The caller has verified a signature of `issuer` over `value`.
    pub(crate) fn proved(value: T, issuer: IssuerId) -> Verified<T> {
        Verified { value, issuer }
    }

    /// Whose key signed it.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
