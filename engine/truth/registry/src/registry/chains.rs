//! Chains: confirmed, appended, handed out.

use hufu_codes::chain::{Confirmed, Tip, Unconfirmed, chain_digest, content_digest};
use hufu_contract::ProposalId;
use hufu_contract::Scope;
use hufu_contract::StoredSet;
use hufu_wire::chain::{ChainDigest, ChangeSet, Head, Parts};
use hufu_wire::{HolderIndex, IssuerId, Sequence, UnixMillis, read};

use super::{Registry, check_not_ahead};
use crate::caller::Caller;
use crate::chain::{Append, Appended};
use crate::fault::Fault;
use crate::store::Statuses;
use crate::trail::{Action, Entry};

/// Most words of one page of statuses: 12 MiB as they travel.
const STATUSES_MAX: u32 = 1 << 20;

/// Sets that are read at once when chains are checked, bytes: a few of the largest.
const CHECK_BYTES_MAX: usize = 4 << 20;

impl Registry {
    /// Takes the confirmation of a proposal: the bytes of a change set, with both signatures. Both are verified here
    /// as in every engine before anything is written (R21).
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Unbelieved`], [`Fault::Conflict`] when it confirms another
    /// proposal or is of the future. What the chain makes of it is the answer.
    pub async fn confirm(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        id: ProposalId,
        bytes: &[u8],
        now: UnixMillis,
    ) -> Result<Appended, Fault> {
        caller.may(Scope::Confirm, issuer)?;
        let authorities = self.authorities(issuer).await?;
        let set: Confirmed<ChangeSet<'_>> =
            Unconfirmed::read(bytes, &authorities)?.confirm(&self.keyring.load(), self.backend)?;
        let content = Parts::of(bytes).map(|parts| content_digest(parts.content));
        let content = content.map_err(|malformed| Fault::invalid("change set", malformed.to_string()))?;
        check_not_ahead("the confirmation", set.position.confirmed, now)?;
        if self.find_proposal(issuer, id).await?.facts.content != content {
            return Err(Fault::Conflict(format!("the change set confirms a different proposal, not {id}")));
        }
        let what = format!("set {} by proposal {id}", set.position.sequence);
        let entry = Entry::new(now, caller, Action::Appended, Some(issuer), what);
        let braked = Entry::new(now, caller, Action::Braked, Some(issuer), format!("proposal {id}"));
        let append = Append { issuer, set: &set, bytes, content, now, entry: &entry, braked: &braked };
        self.store.append(&append).await
    }

    /// Where a chain ends.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn tip(&self, caller: &Caller, issuer: IssuerId) -> Result<Tip, Fault> {
        caller.may_one_of(&[Scope::Feed, Scope::Propose, Scope::Confirm, Scope::Audit], issuer)?;
        self.tip_of(issuer).await
    }

    /// One set.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn set(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        sequence: Sequence,
    ) -> Result<StoredSet, Fault> {
        caller.may_one_of(&[Scope::Feed, Scope::Audit], issuer)?;
        let set = self.store.set(issuer, sequence).await?;
        set.ok_or_else(|| Fault::NotFound(format!("set {sequence} in the chain of issuer {issuer}")))
    }

    /// Words of holders from `from` on, at most `limit` of them: a bulk export, which leaves a line of the trail.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn statuses(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        from: HolderIndex,
        limit: u32,
        now: UnixMillis,
    ) -> Result<Statuses, Fault> {
        caller.may(Scope::Audit, issuer)?;
        let limit = limit.clamp(1, STATUSES_MAX);
        let what = format!("{limit} from holder {from}");
        self.store.note(&Entry::new(now, caller, Action::StatusesExported, Some(issuer), what)).await?;
        let statuses = self.store.statuses(issuer, from, limit).await?;
        statuses.ok_or_else(|| Fault::no_issuer(issuer))
    }

    /// A head of `now`, signed with the publisher's key (R24).
    ///
    /// # Errors
    /// [`Fault::NotFound`], [`Fault::Misconfigured`] without the publisher's key.
    pub async fn head_at(&self, issuer: IssuerId, now: UnixMillis) -> Result<[u8; Head::BYTES], Fault> {
        let publisher = self.issuer_of(issuer).await?.publisher;
        let tip = self.tip_of(issuer).await?;
        Ok(self.signers.publisher(publisher, &self.keyring.load(), now)?.head(issuer, &tip, now))
    }

    /// Where every chain ends.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] and [`Fault::Damaged`], those of the store.
    pub async fn chain_ends(&self) -> Result<Vec<(IssuerId, Tip)>, Fault> {
        let mut ends = Vec::new();
        for issuer in self.store.issuers().await? {
            ends.push((issuer.id, self.tip_of(issuer.id).await?));
        }
        Ok(ends)
    }

    /// Follows every chain from its first set to its end, and answers with the ends: digests are computed again, and each set
    /// names the one before. Signatures are the audit's.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Damaged`] with the first set that does not fit.
    pub async fn check_chains(&self, caller: &Caller) -> Result<Vec<(IssuerId, Tip)>, Fault> {
        caller.may_everywhere(Scope::Audit)?;
        let ends = self.chain_ends().await?;
        for (issuer, tip) in &ends {
            let damaged = |what: &str| Fault::Damaged(format!("the chain of issuer {issuer} {what}"));
            let (mut after, mut digest) = (Sequence(0), ChainDigest::NONE);
            while after < tip.sequence {
                let sets = self.store.sets(*issuer, after, CHECK_BYTES_MAX).await?;
                if sets.is_empty() {
                    return Err(damaged(&format!("has no set after {after}")));
                }
                for set in sets {
                    let parts = Parts::of(&set.bytes).map_err(|malformed| damaged(&malformed.to_string()))?;
                    let read: ChangeSet<'_> =
                        read(&set.bytes).map_err(|malformed| damaged(&malformed.to_string()))?;
                    if read.position.previous != digest {
                        return Err(damaged(&format!("is broken before set {}", set.sequence)));
                    }
                    digest = chain_digest(parts.position, &content_digest(parts.content));
                    after = set.sequence;
                }
            }
            if (after, digest) != (tip.sequence, tip.digest) {
                return Err(damaged(&format!("does not end with set {}", tip.sequence)));
            }
        }
        Ok(ends)
    }

    /// The chain's digest at a set; `None` when the chain is shorter, or there is no such issuer.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] and [`Fault::Damaged`], those of the store.
    pub async fn digest_at(
        &self,
        issuer: IssuerId,
        sequence: Sequence,
    ) -> Result<Option<ChainDigest>, Fault> {
        let Some(set) = self.store.set(issuer, sequence).await? else { return Ok(None) };
        let parts = Parts::of(&set.bytes).map_err(|malformed| Fault::Damaged(malformed.to_string()))?;
        Ok(Some(chain_digest(parts.position, &content_digest(parts.content))))
    }

    /// Notes that the operator goes on without sets whose heads were signed.
    ///
    /// # Errors
    /// [`Fault::Forbidden`].
    pub async fn note_loss(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        what: &str,
        now: UnixMillis,
    ) -> Result<(), Fault> {
        caller.may_everywhere(Scope::Admin)?;
        self.store.note(&Entry::new(now, caller, Action::LossAccepted, Some(issuer), what)).await
    }

    pub(super) async fn tip_of(&self, issuer: IssuerId) -> Result<Tip, Fault> {
        self.store.tip(issuer).await?.ok_or_else(|| Fault::no_issuer(issuer))
    }
}
