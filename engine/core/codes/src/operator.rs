//! The operator's side: who signs trust lists.

use core::fmt;

use hufu_signature::{Job, PreparedKey, PublicKey};

use crate::cbor::Reader;
use crate::cose::{self, Sign1, SigningPair};
use crate::keyring::TrustFault;

/// Opens what an operator signed, and nothing behind it.
///
/// # Errors
/// [`TrustFault::Malformed`] for bytes that are no signed message, [`TrustFault::AnotherOperator`] when it names another
/// key, [`TrustFault::NotGenuine`] when the signature is not the operator's.
pub fn open_signed<'b>(bytes: &'b [u8], operator: &PreparedKey) -> Result<Sign1<'b>, TrustFault> {
    let mut reader = Reader::new(bytes);
    let envelope = Sign1::read(&mut reader)?;
    reader.end()?;
    if (envelope.scheme, envelope.key) != (operator.scheme(), cose::key_id(&operator.public())) {
        return Err(TrustFault::AnotherOperator { kid: envelope.key });
    }
    let job = Job { key: operator, message: envelope.message(), signature: envelope.signature };
    let mut genuine = [false];
    hufu_signature::backend().verify(&[job], &mut genuine);
    if genuine == [true] { Ok(envelope) } else { Err(TrustFault::NotGenuine) }
}

/// The operator's signing key: it signs trust lists.
pub struct OperatorSigner {
    pair: SigningPair,
}

impl OperatorSigner {
    /// The signer with this secret seed, RFC 8032 section 5.1.5.
    pub fn from_seed(seed: &[u8; 32]) -> OperatorSigner {
        OperatorSigner { pair: SigningPair::from_seed(seed) }
    }

    /// The public key that every engine of this operator is given.
    pub fn public(&self) -> &PublicKey {
        self.pair.public()
    }

    /// Signs any payload as it is; trust lists are signed by
    /// [`TrustList::sign`](crate::keyring::TrustList::sign).
    pub fn sign_payload(&self, payload: &[u8]) -> Vec<u8> {
        self.pair.sign(payload)
    }
}

impl fmt::Debug for OperatorSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OperatorSigner({})", self.pair.id())
    }
}
