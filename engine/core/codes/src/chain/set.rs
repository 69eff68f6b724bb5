//! From the bytes of a change set to proof that both authorities signed it (R21).

use core::cell::OnceCell;
use core::ops::Deref;

use hufu_signature::{Backend, Job};
use hufu_wire::chain::{ChainDigest, ChangeSet, ContentDigest, Parts};
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{Message, read};

use super::authorities::Authorities;
use super::digest::{chain_digest, content_digest};
use super::fault::{ChainFault, ChainFaultKind};
use super::role::Role;
use super::tip::Tip;
use super::{CONFIRMATION, INSTRUCTION};
use crate::keyring::Keyring;

/// A change set that was read: it is of the right chain and its structure is right, and nothing else is known.
#[derive(Clone, Debug)]
pub struct Unconfirmed<'a> {
    set: ChangeSet<'a>,
    bytes: &'a [u8],
    parts: Parts<'a>,
    authorities: Authorities,
    content: OnceCell<ContentDigest>,
}

/// Proof that both authorities of a chain signed `T`, each with a key of its own that may do so and was in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed<T> {
    value: T,
    tip: Tip,
}

impl<'a> Unconfirmed<'a> {
    /// Reads a change set of the chain that `authorities` sign.
    ///
    /// # Errors
    /// [`ChainFaultKind::Malformed`] for every byte string but the one encoding of its content,
    /// [`ChainFaultKind::AnotherIssuer`].
    pub fn read(bytes: &'a [u8], authorities: &Authorities) -> Result<Unconfirmed<'a>, ChainFault> {
        let parts = || -> Result<_, ChainFaultKind> {
            let set: ChangeSet<'a> = read(bytes)?;
            let found = set.position.issuer;
            if found != authorities.issuer() {
                return Err(ChainFaultKind::AnotherIssuer { found });
            }
            Ok((set, Parts::of(bytes)?))
        };
        let (set, parts) = parts().map_err(|kind| fault(bytes, authorities, kind))?;
        Ok(Unconfirmed { set, bytes, parts, authorities: *authorities, content: OnceCell::new() })
    }

    /// What it claims. Good for finding its place or for a log, never for a change.
    pub fn set(&self) -> &ChangeSet<'a> {
        &self.set
    }

    /// The digest of what it claims. The first call hashes every byte, half a millisecond for the largest set.
    pub fn digest(&self) -> ChainDigest {
        chain_digest(self.parts.position, self.content_digest())
    }

    /// Verifies everything that does not depend on what came before: the times of both authorities agree, both
    /// keys are theirs, may sign this and were in force then, and both signatures are genuine.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn confirm(
        &self,
        keyring: &Keyring,
        backend: &dyn Backend,
    ) -> Result<Confirmed<ChangeSet<'a>>, ChainFault> {
        self.check(keyring, backend).map_err(|kind| fault(self.bytes, &self.authorities, kind))?;
        let ChangeSet { position, content, .. } = &self.set;
        let tip = Tip {
            sequence: position.sequence,
            digest: self.digest(),
            proposed: content.proposed,
            confirmed: position.confirmed,
        };
        Ok(Confirmed { value: self.set, tip })
    }

    fn check(&self, keyring: &Keyring, backend: &dyn Backend) -> Result<(), ChainFaultKind> {
        self.check_times()?;
        let ChangeSet { position, content, .. } = &self.set;
        let key = |role, kid, signed| self.authorities.key(keyring, role, kid, signed);
        let local = key(Role::Local, content.local_key, content.proposed.at())?;
        let national = key(Role::National, position.national_key, position.confirmed)?;

        let issuer = position.issuer.0.to_le_bytes();
        let digest = &self.content_digest().0;
        let jobs = [
            Job {
                key: &local.prepared,
                message: [INSTRUCTION, &issuer, digest, &[]],
                signature: self.parts.local_signature,
            },
            Job {
                key: &national.prepared,
                message: [CONFIRMATION, self.parts.position, digest, &[]],
                signature: self.parts.national_signature,
            },
        ];
        both_genuine(&jobs, backend)
    }

    fn check_times(&self) -> Result<(), ChainFaultKind> {
        let ChangeSet { position, content, .. } = &self.set;
        let early_ms = content.proposed.at().since(position.confirmed);
        if early_ms > CHAIN_SKEW_MS_MAX {
            return Err(ChainFaultKind::ConfirmedBeforeProposal { early_ms });
        }
        if position.confirmed >= content.expires() {
            let late_ms = position.confirmed.since(content.expires());
            return Err(ChainFaultKind::ExpiredBeforeConfirmation { late_ms });
        }
        Ok(())
    }

    fn content_digest(&self) -> &ContentDigest {
        self.content.get_or_init(|| content_digest(self.parts.content))
    }
}

impl<T> Confirmed<T> {
    /// The caller has verified both signatures.
    pub(super) fn new(value: T, tip: Tip) -> Confirmed<T> {
        Confirmed { value, tip }
    }

    /// The tip of a chain that ends with it.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }
}

impl<T> Deref for Confirmed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// The local authority's job first, then the national platform's.
pub(super) fn both_genuine(jobs: &[Job<'_>; 2], backend: &dyn Backend) -> Result<(), ChainFaultKind> {
    let mut genuine = [false; 2];
    backend.verify(jobs, &mut genuine);
    match genuine {
        [true, true] => Ok(()),
        [false, _] => Err(ChainFaultKind::NotGenuine { role: Role::Local }),
        [true, false] => Err(ChainFaultKind::NotGenuine { role: Role::National }),
    }
}

fn fault(bytes: &[u8], authorities: &Authorities, kind: ChainFaultKind) -> ChainFault {
    ChainFault::of(authorities.issuer(), ChangeSet::NAME, bytes, kind)
}
