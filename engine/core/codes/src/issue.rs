//! The issuer's and the operator's side: what is signed, and the text of a code.

use core::fmt;

use hufu_signature::PublicKey;
use hufu_wire::{HolderIndex, IssuerId, KeyId, Reason, SiteId, UnixSeconds, limits};

use crate::cbor::{Fault, Reader};
use crate::cose::SigningPair;
use crate::credential::{Credential, SignedCredential};
use crate::keyring::{ListedKey, Uses};
use crate::presentation::PresentationBuf;
use crate::{code, roster, text};

pub use crate::operator::OperatorSigner;
pub use crate::secret::{NotAPrivateKey, Secret};

/// A status authority's signing key. The private key is wiped when it is dropped.
pub struct IssuerSigner {
    issuer: IssuerId,
    pair: SigningPair,
}

/// Why something is not signed: every verifier would refuse it. The caller is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misissued {
    /// The claims name another key than the signer's.
    #[error("the claims name key {claimed}, and this is {signer}")]
    AnotherKey {
        /// The key that the claims name.
        claimed: KeyId,
        /// The key that was to sign.
        signer: KeyId,
    },
    /// The claims have no encoding that is read.
    #[error("the claims cannot be read back: {0}")]
    Unreadable(#[from] Fault),
    /// The claims break a rule of their kind.
    #[error("the claims would be refused: {0}")]
    Refused(Reason),
}

impl IssuerSigner {
    /// The signer with this private key.
    pub fn new(secret: Secret, issuer: IssuerId) -> IssuerSigner {
        IssuerSigner { issuer, pair: SigningPair::new(secret) }
    }

    /// The signer with the key of Ed25519 that has this seed.
    pub fn from_seed(seed: &[u8; 32], issuer: IssuerId) -> IssuerSigner {
        IssuerSigner::new(Secret::ed25519(seed), issuer)
    }

    /// Whose key it is.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// The key's id.
    pub fn key(&self) -> KeyId {
        self.pair.id()
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        self.pair.public()
    }

    /// The key as a trust list made at `published` names it.
    pub fn listed(
        &self,
        uses: Uses,
        published: UnixSeconds,
        from: UnixSeconds,
        until: UnixSeconds,
    ) -> ListedKey {
        ListedKey {
            issuer: self.issuer,
            public: *self.public(),
            from,
            until,
            published,
            uses,
            revoked: false,
        }
    }

    /// Signs a credential.
    ///
    /// # Errors
    /// [`Misissued`] when every verifier would refuse it.
    pub fn sign_credential(&self, credential: &Credential<'_>) -> Result<Vec<u8>, Misissued> {
        if credential.key != self.key() {
            return Err(Misissued::AnotherKey { claimed: credential.key, signer: self.key() });
        }
        credential.validity_fits().map_err(Misissued::Refused)?;
        let bytes = self.sign_payload(&credential.payload());
        // What is written here must be read at every gate, so it is read back before it leaves.
        SignedCredential::read(&mut Reader::new(&bytes))?;
        Ok(bytes)
    }

    /// Signs a roster of `site`. Groups are given by rising issuer and their members by rising index, each
    /// once and no group empty; verdicts answer in that order.
    ///
    /// # Errors
    /// [`Misissued`] when every verifier would refuse it.
    pub fn sign_roster(
        &self,
        site: SiteId,
        issued: UnixSeconds,
        expires: UnixSeconds,
        groups: &[(IssuerId, &[HolderIndex])],
    ) -> Result<Vec<u8>, Misissued> {
        let bytes = self.sign_payload(&roster::payload(site, issued, expires, groups));
        let signed = roster::SignedRoster::read(&mut Reader::new(&bytes))?;
        if signed.claims().len() > limits::ROSTER_MEMBERS_MAX {
            return Err(Misissued::Refused(Reason::RosterTooLarge));
        }
        Ok(bytes)
    }

    /// Signs any payload as it is. For tests of what verifiers refuse; issuers use the methods above.
    pub fn sign_payload(&self, payload: &[u8]) -> Vec<u8> {
        self.pair.sign(payload)
    }
}

impl fmt::Debug for IssuerSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerSigner({}, issuer {})", self.key(), self.issuer)
    }
}

/// The text of a signed credential and, on a phone, a presentation: what a QR code holds.
pub fn code_text(credential: &[u8], presentation: Option<&PresentationBuf>) -> String {
    text::encode(&code::write(credential, presentation.map(PresentationBuf::borrowed)))
}
