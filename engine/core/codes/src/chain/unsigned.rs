//! Signing with a key that is kept elsewhere: what is to be signed goes out, a signature comes back.

use core::fmt;
use core::ops::Range;

use hufu_signature::PublicKey;
use hufu_wire::chain::{ChangeSet, Checkpoint, Content, Instruction, Position, Proposed, Release};
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{IssuerId, KeyId, Message, UnixMillis, read};

use super::digest::content_digest;
use super::tip::Tip;
use super::unsignable::Unsignable;
use super::{CHECKPOINT_CONFIRMATION, CHECKPOINT_INSTRUCTION, CONFIRMATION, INSTRUCTION, RELEASE};
use crate::cose;
use crate::verified::Verified;

/// The public half of an authority's key: it knows what the authority would sign, and what it would not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuthorityKey {
    issuer: IssuerId,
    public: PublicKey,
    id: KeyId,
}

/// A message that lacks one signature and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned {
    bytes: Vec<u8>,
    /// What the signature covers.
    covered: Vec<u8>,
    /// Where in `bytes` it belongs.
    place: Range<usize>,
    signer: AuthorityKey,
}

impl AuthorityKey {
    /// The key of `issuer` with this public half.
    pub fn new(public: PublicKey, issuer: IssuerId) -> AuthorityKey {
        AuthorityKey { issuer, public, id: cose::key_id(&public) }
    }

    /// Whose key it is.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// The key's id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// An instruction for the key's own chain, as a local authority. It takes effect when it is confirmed.
    ///
    /// # Errors
    /// [`Unsignable`] when every follower would refuse it.
    pub fn instruct(&self, content: &Content<'_>) -> Result<Unsigned, Unsignable> {
        self.is_own(content.local_key)?;
        let instruction = Instruction { issuer: self.issuer, content: *content, signature: [0; 64] };
        let bytes = written(&instruction);
        // What is written here must be read in every engine, so it is read back before it leaves.
        if read::<Instruction<'_>>(&bytes)? != instruction {
            return Err(Unsignable::Altered);
        }
        let digest = content_digest(&written(content));
        let covered = [INSTRUCTION, &self.issuer.0.to_le_bytes(), &digest.0].concat();
        Ok(self.unsigned(bytes, covered, 0))
    }

    /// An instruction with its place after `tip`, as the national platform: a change set.
    ///
    /// # Errors
    /// [`Unsignable`] when every follower would refuse it.
    pub fn confirm(
        &self,
        instruction: &Verified<Instruction<'_>>,
        tip: &Tip,
        now: UnixMillis,
    ) -> Result<Unsigned, Unsignable> {
        let content = instruction.content;
        if now >= content.expires() {
            return Err(Unsignable::Expired);
        }
        if content.proposed.at().since(now) > CHAIN_SKEW_MS_MAX {
            return Err(Unsignable::FromTheFuture);
        }
        check_order(content.proposed, tip, now)?;
        let position = Position {
            issuer: instruction.issuer,
            sequence: tip.next(),
            confirmed: now,
            national_key: self.id,
            previous: tip.digest,
        };
        let local_signature = instruction.signature;
        let set = ChangeSet { position, content, local_signature, national_signature: [0; 64] };
        let bytes = written(&set);
        read::<ChangeSet<'_>>(&bytes)?;
        let covered = [CONFIRMATION, &written(&position), &content_digest(&written(&content)).0].concat();
        Ok(self.unsigned(bytes, covered, 0))
    }

    /// A checkpoint that names this key, local or national. The other authority's signature stays what it is.
    ///
    /// # Errors
    /// [`Unsignable::AnotherKey`].
    pub fn vouch(&self, checkpoint: &Checkpoint) -> Result<Unsigned, Unsignable> {
        let (domain, after) = if checkpoint.local_key == self.id {
            (CHECKPOINT_INSTRUCTION, 64)
        } else {
            self.is_own(checkpoint.national_key)?;
            (CHECKPOINT_CONFIRMATION, 0)
        };
        let bytes = written(checkpoint);
        let covered = [domain, &bytes[..Checkpoint::SIGNED_BYTES]].concat();
        Ok(self.unsigned(bytes, covered, after))
    }

    /// A release that names this key, as the national platform: its second word for a change that sets very many back.
    ///
    /// # Errors
    /// [`Unsignable::AnotherKey`]; [`Unsignable::Malformed`] for a release of nobody.
    pub fn release(&self, release: &Release) -> Result<Unsigned, Unsignable> {
        self.is_own(release.national_key)?;
        let bytes = written(release);
        read::<Release>(&bytes)?;
        let covered = [RELEASE, &bytes[..Release::SIGNED_BYTES]].concat();
        Ok(self.unsigned(bytes, covered, 0))
    }

    /// The signature is the last thing in `bytes` but for `after` more.
    fn unsigned(&self, bytes: Vec<u8>, covered: Vec<u8>, after: usize) -> Unsigned {
        let end = bytes.len() - after;
        Unsigned { bytes, covered, place: end - 64..end, signer: *self }
    }

    fn is_own(&self, claimed: KeyId) -> Result<(), Unsignable> {
        if claimed == self.id { Ok(()) } else { Err(Unsignable::AnotherKey { claimed, signer: self.id }) }
    }
}

impl Unsigned {
    /// The very bytes to sign with the signer's scheme and nothing around them: for Ed25519 RFC 8032 section
    /// 5.1.6, for SM2 GB/T 32918.2 section 6.1.
    pub fn covered(&self) -> &[u8] {
        &self.covered
    }

    /// Whose signature is missing.
    pub fn signer(&self) -> &AuthorityKey {
        &self.signer
    }

    /// The message with its signature, which is verified first: whoever made it is not trusted to have signed the
    /// right thing with the right key.
    ///
    /// # Errors
    /// [`Unsignable::NotGenuine`].
    pub fn sealed(self, signature: &[u8; 64]) -> Result<Vec<u8>, Unsignable> {
        if !self.signer.public.verify_once(&[&self.covered], signature) {
            return Err(Unsignable::NotGenuine { signer: self.signer.id });
        }
        Ok(self.completed(signature))
    }

    /// The message with a signature by the key in this process.
    pub(super) fn completed(self, signature: &[u8; 64]) -> Vec<u8> {
        let Unsigned { mut bytes, place, .. } = self;
        bytes[place].copy_from_slice(signature);
        bytes
    }
}

/// Whether an instruction may come after `tip`. The time of a chain is reset only while it is ahead of the clock of
/// whoever confirms that.
fn check_order(proposed: Proposed, tip: &Tip, now: UnixMillis) -> Result<(), Unsignable> {
    let (sequence, ahead_ms) = (tip.sequence, tip.proposed.at().since(now));
    let is_ahead = ahead_ms > CHAIN_SKEW_MS_MAX;
    if proposed.era() > tip.proposed.era() && !is_ahead {
        return Err(Unsignable::NeedlessReset { sequence });
    }
    if proposed.may_follow(tip.proposed) {
        Ok(())
    } else if is_ahead {
        Err(Unsignable::ChainAhead { sequence, ahead_ms })
    } else {
        Err(Unsignable::OutOfOrder { sequence })
    }
}

pub(super) fn written<'a>(message: &impl Message<'a>) -> Vec<u8> {
    let mut bytes = vec![0; message.size()];
    message.write_to(&mut bytes);
    bytes
}

impl fmt::Debug for AuthorityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorityKey({}, issuer {})", self.id, self.issuer)
    }
}
