//! The signing side: authorities and publishers, wherever their keys are kept.

use core::fmt;

use hufu_signature::PublicKey;
use hufu_wire::chain::{Checkpoint, Content, ContentDigest, Head, Instruction, Position, Release};
use hufu_wire::{IssuerId, KeyId, Message, UnixMillis, UnixSeconds};

use super::tip::Tip;
use super::unsignable::Unsignable;
use super::unsigned::{AuthorityKey, Unsigned, written};
use super::{CONFIRMATION, HEAD, INSTRUCTION};
use crate::keyring::{ListedKey, Uses};
use crate::secret::Secret;
use crate::verified::Verified;

/// The signing key of a local authority, of the national platform or of a publisher. The private key is wiped
/// when it is dropped. A key that is kept elsewhere is an [`AuthorityKey`] here.
pub struct AuthoritySigner {
    key: AuthorityKey,
    secret: Secret,
}

impl AuthoritySigner {
    /// The signer of `issuer` with this private key.
    pub fn new(secret: Secret, issuer: IssuerId) -> AuthoritySigner {
        AuthoritySigner { key: AuthorityKey::new(*secret.public(), issuer), secret }
    }

    /// The signer of `issuer` with the key of Ed25519 that has this seed.
    pub fn from_seed(seed: &[u8; 32], issuer: IssuerId) -> AuthoritySigner {
        AuthoritySigner::new(Secret::ed25519(seed), issuer)
    }

    /// Its public half.
    pub fn authority(&self) -> &AuthorityKey {
        &self.key
    }

    /// Whose key it is.
    pub fn issuer(&self) -> IssuerId {
        self.key.issuer()
    }

    /// The key's id.
    pub fn key(&self) -> KeyId {
        self.key.id()
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        self.key.public()
    }

    /// The key as a trust list made at `published` names it.
    pub fn listed(
        &self,
        uses: Uses,
        published: UnixSeconds,
        from: UnixSeconds,
        until: UnixSeconds,
    ) -> ListedKey {
        let (issuer, public) = (self.issuer(), *self.public());
        ListedKey { issuer, public, from, until, published, uses, revoked: false }
    }

    /// Signs an instruction for the signer's own chain, as a local authority. It takes effect when it is
    /// confirmed.
    ///
    /// # Errors
    /// [`Unsignable`] when every follower would refuse it.
    pub fn instruct(&self, content: &Content<'_>) -> Result<Vec<u8>, Unsignable> {
        Ok(self.complete(self.key.instruct(content)?))
    }

    /// Gives an instruction its place after `tip`, as the national platform: the bytes of a change set.
    ///
    /// # Errors
    /// [`Unsignable`] when every follower would refuse it.
    pub fn confirm(
        &self,
        instruction: &Verified<Instruction<'_>>,
        tip: &Tip,
        now: UnixMillis,
    ) -> Result<Vec<u8>, Unsignable> {
        Ok(self.complete(self.key.confirm(instruction, tip, now)?))
    }

    /// Says as a publisher that the chain of `issuer` ended with `tip` at `time`.
    pub fn head(&self, issuer: IssuerId, tip: &Tip, time: UnixMillis) -> [u8; Head::BYTES] {
        let Tip { sequence, digest, .. } = *tip;
        let mut head = Head { issuer, sequence, time, publisher_key: self.key(), digest, signature: [0; 64] };
        let mut bytes = [0; Head::BYTES];
        head.write_to(&mut bytes);
        head.signature = self.sign(&[HEAD, &bytes[..Head::SIGNED_BYTES]]);
        head.write_to(&mut bytes);
        bytes
    }

    /// One authority's signature over a checkpoint that names its key, local or national; the signatures in it do
    /// not matter.
    ///
    /// # Errors
    /// [`Unsignable::AnotherKey`].
    pub fn vouch(&self, checkpoint: &Checkpoint) -> Result<[u8; 64], Unsignable> {
        Ok(self.sign(&[self.key.vouch(checkpoint)?.covered()]))
    }

    /// Releases a change that sets very many holders back, as the national platform: the bytes of `release` with its signature.
    ///
    /// # Errors
    /// [`Unsignable::AnotherKey`]; [`Unsignable::Malformed`] for a release of nobody.
    pub fn release(&self, release: &Release) -> Result<Vec<u8>, Unsignable> {
        Ok(self.complete(self.key.release(release)?))
    }

    /// Signs what this key's public half would have signed.
    ///
    /// # Errors
    /// [`Unsignable::AnotherKey`].
    pub fn seal(&self, unsigned: Unsigned) -> Result<Vec<u8>, Unsignable> {
        if unsigned.signer() == &self.key {
            Ok(self.complete(unsigned))
        } else {
            Err(Unsignable::AnotherKey { claimed: unsigned.signer().id(), signer: self.key() })
        }
    }

    /// The local signature of any content, unasked. For tests of what followers refuse; authorities
    /// [`instruct`](Self::instruct).
    pub fn sign_content(&self, issuer: IssuerId, content: &ContentDigest) -> [u8; 64] {
        self.sign(&[INSTRUCTION, &issuer.0.to_le_bytes(), &content.0])
    }

    /// The national signature of any position, unasked. For tests of what followers refuse; the platform
    /// [`confirm`](Self::confirm)s.
    pub fn sign_position(&self, position: &Position, content: &ContentDigest) -> [u8; 64] {
        self.sign(&[CONFIRMATION, &written(position), &content.0])
    }

    fn complete(&self, unsigned: Unsigned) -> Vec<u8> {
        let signature = self.sign(&[unsigned.covered()]);
        unsigned.completed(&signature)
    }

    fn sign(&self, parts: &[&[u8]]) -> [u8; 64] {
        self.secret.sign(parts)
    }
}

impl fmt::Debug for AuthoritySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthoritySigner({}, issuer {})", self.key(), self.issuer())
    }
}
