//! The history of one holder, and the statuses that an authority changes.

use hufu_codes::chain::Tip;
use hufu_contract::{ProposalId, ProposalPhase, Scope};
use hufu_wire::chain::{Change, ChangeSet};
use hufu_wire::limits::CHANGES_MAX;
use hufu_wire::{Colour, HolderIndex, IssuerId, RuleId, Sequence, StatusWord, UnixMillis, read};

use super::proposals::SEERS;
use super::{PAGE_MAX, Registry, page};
use crate::caller::Caller;
use crate::fault::Fault;
use crate::history::{CurrentStatus, HistoryEntry};
use crate::proposal::{Proposal, ProposalState};
use crate::store::ProposalFilter;
use crate::trail::{Action, Entry};

impl Registry {
    /// What the chain made of a holder, set by set, after the set `after`.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such an issuer, and for a holder who is neither registered nor in
    /// any set; [`Fault::Damaged`].
    pub async fn history(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        holder: HolderIndex,
        (after, limit): (Sequence, u32),
        now: UnixMillis,
    ) -> Result<Vec<HistoryEntry>, Fault> {
        caller.may(Scope::History, issuer)?;
        let Tip { sequence: last, .. } = self.tip_of(issuer).await?;
        let what = format!("holder {holder}");
        self.store.note(&Entry::new(now, caller, Action::HistoryRead, Some(issuer), what)).await?;
        let mut entries = Vec::new();
        let mut word = StatusWord::UNKNOWN;
        let changes = self.changes_of(issuer, holder).await?;
        if changes.is_empty() {
            self.ensure_holder(issuer, holder).await?;
        }
        for (sequence, proposal) in changes {
            // A set that was appended while this was read is for the next look.
            if sequence > last || entries.len() == page(limit) as usize {
                break;
            }
            let ((confirmed, rule), change) = self.change_in(issuer, sequence, holder).await?;
            let before = word;
            word = change.apply(before);
            if sequence > after {
                entries.push(HistoryEntry {
                    sequence,
                    proposal: proposal.id,
                    confirmed,
                    rule,
                    reason: proposal.facts.reason,
                    before,
                    after: word,
                });
            }
        }
        Ok(entries)
    }

    /// The last colour that the chain gave a holder, also when it was forgotten afterwards.
    pub(super) async fn last_colour(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
    ) -> Result<Option<Colour>, Fault> {
        for (sequence, _) in self.changes_of(issuer, holder).await?.into_iter().rev() {
            let given = match self.change_in(issuer, sequence, holder).await?.1 {
                Change::Word(word) | Change::Status(word) => word.colour(),
                Change::Generation(_) => None,
            };
            if given.is_some() {
                return Ok(given);
            }
        }
        Ok(None)
    }

    /// What a set says of a holder whom it names.
    pub(super) async fn change_in(
        &self,
        issuer: IssuerId,
        sequence: Sequence,
        holder: HolderIndex,
    ) -> Result<((UnixMillis, RuleId), Change), Fault> {
        let damaged =
            || Fault::Damaged(format!("set {sequence} of issuer {issuer} is not what was proposed"));
        let stored = self.store.set(issuer, sequence).await?.ok_or_else(damaged)?;
        let set: ChangeSet<'_> = read(&stored.bytes).map_err(|_| damaged())?;
        let change = set.content.changes.iter().find(|(named, _)| *named == holder);
        let (_, change) = change.ok_or_else(damaged)?;
        Ok(((set.position.confirmed, set.content.rule), change))
    }

    /// The confirmed proposals that name a holder, in the order of the chain.
    pub(super) async fn changes_of(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
    ) -> Result<Vec<(Sequence, Proposal)>, Fault> {
        let filter = ProposalFilter {
            holder: Some(holder),
            phase: Some(ProposalPhase::Confirmed),
            ..ProposalFilter::default()
        };
        let mut changes = Vec::new();
        let mut after: Option<ProposalId> = None;
        loop {
            let found = self.store.proposals(issuer, &filter, after, PAGE_MAX).await?;
            let Some(last) = found.last() else { break };
            after = Some(last.id);
            changes.extend(found.into_iter().filter_map(|proposal| match proposal.state {
                ProposalState::Confirmed(sequence) => Some((sequence, proposal)),
                _ => None,
            }));
        }
        changes.sort_unstable_by_key(|(sequence, _)| *sequence);
        Ok(changes)
    }

    /// The statuses of holders, for an authority that changes them; masked displays only for callers who may see holders.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such an issuer, [`Fault::Invalid`] for none or more holders than
    /// one set changes.
    pub async fn current_statuses(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        holders: &[HolderIndex],
        now: UnixMillis,
    ) -> Result<Vec<CurrentStatus>, Fault> {
        caller.may_one_of(&SEERS, issuer)?;
        if holders.is_empty() || holders.len() > CHANGES_MAX {
            return Err(Fault::invalid("holders", format!("1 to {CHANGES_MAX} of them")));
        }
        self.issuer_of(issuer).await?;
        let what = format!("{} holders from {}", holders.len(), holders[0]);
        self.store.note(&Entry::new(now, caller, Action::StatusesRead, Some(issuer), what)).await?;
        let records = self.store.look(issuer, holders).await?;
        let may_see = caller.may(Scope::Holders, issuer).is_ok();
        let current = |index: &HolderIndex| {
            let record = records.of(*index);
            let shown = record.filter(|_| may_see).map(|record| self.open(issuer, record)).transpose()?;
            Ok(CurrentStatus {
                index: *index,
                is_registered: record.is_some(),
                joined: record.and_then(|record| record.joined),
                display: shown.map(|person| person.display()),
                word: records.word(*index),
            })
        };
        holders.iter().map(current).collect()
    }
}
