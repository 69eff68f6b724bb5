//! The operator's side: who signs trust lists.

use core::fmt;

use hufu_signature::PublicKey;

use crate::cose::SigningPair;
use crate::secret::Secret;

/// The operator's signing key: it signs trust lists.
pub struct OperatorSigner {
    pair: SigningPair,
}

impl OperatorSigner {
    /// The signer with this private key.
    pub fn new(secret: Secret) -> OperatorSigner {
        OperatorSigner { pair: SigningPair::new(secret) }
    }

    /// The signer with the key of Ed25519 that has this seed.
    pub fn from_seed(seed: &[u8; 32]) -> OperatorSigner {
        OperatorSigner::new(Secret::ed25519(seed))
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
