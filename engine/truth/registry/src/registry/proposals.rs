//! Proposals: handed in by a local authority, withdrawn, released.

use hufu_codes::chain::{Tip, content_digest, open_instruction, open_release};
use hufu_contract::ProposalId;
use hufu_contract::Scope;
use hufu_wire::chain::{Change, Content, InstructionParts, Proposed};
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{Colour, IssuerId, RuleId, UnixMillis};

use super::{Registry, check_not_ahead, check_not_late, page};
use crate::caller::Caller;
use crate::chain::coloured;
use crate::fault::Fault;
use crate::proposal::{Proposal, ProposalFacts, ProposalState};
use crate::store::ProposalFilter;
use crate::trail::{Action, Entry};

/// Who may see proposals: authorities that make or confirm them, and auditors.
pub(super) const SEERS: [Scope; 3] = [Scope::Propose, Scope::Confirm, Scope::Audit];

impl Registry {
    /// Hands in an instruction, its bytes after `docs/SYNC.md`. The same content twice is one proposal.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Unbelieved`], [`Fault::Invalid`] for a rule that is not known where
    /// rules are, [`Fault::Conflict`] when it has expired,
    /// is of the future, cannot come after the chain's end because a clock was ahead, or colours a holder who was joined into
    /// another.
    pub async fn propose(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        instruction: &[u8],
        now: UnixMillis,
    ) -> Result<Proposal, Fault> {
        caller.may(Scope::Propose, issuer)?;
        let authorities = self.authorities(issuer).await?;
        let (facts, coloured) = {
            let opened = open_instruction(instruction, &authorities, &self.keyring.load(), self.backend)?;
            (facts(&opened.content, instruction), coloured(&opened.content.changes))
        };
        self.check_rule(facts.rule)?;
        check_not_ahead("the instruction", facts.proposed.at(), now)?;
        if now >= facts.expires {
            return Err(Fault::Conflict("the instruction has expired: propose it again".into()));
        }
        check_order(facts.proposed, &self.tip_of(issuer).await?, now)?;
        if let [joined, ..] = self.store.joined_among(issuer, &coloured).await?.as_slice() {
            return Err(Fault::Conflict(format!(
                "holder {joined} was joined into another holder and gets no colour: name that holder instead"
            )));
        }
        let what = format!("{} changes, {} red, content {}", facts.changes, facts.reds, facts.content);
        let entry = Entry::new(now, caller, Action::Proposed, Some(issuer), what);
        self.store.add_proposal(issuer, &facts, instruction, now, &entry).await
    }

    /// One proposal.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn proposal(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        id: ProposalId,
        now: UnixMillis,
    ) -> Result<Proposal, Fault> {
        caller.may_one_of(&SEERS, issuer)?;
        self.store.expire(issuer, now).await?;
        self.find_proposal(issuer, id).await
    }

    /// The bytes of a proposal's instruction.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn instruction(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        id: ProposalId,
    ) -> Result<Vec<u8>, Fault> {
        caller.may_one_of(&SEERS, issuer)?;
        self.store.instruction(issuer, id).await?.ok_or_else(|| no_proposal(issuer, id))
    }

    /// Proposals with a number above `after` that a filter lets through.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such an issuer.
    pub async fn proposals(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        filter: &ProposalFilter,
        (after, limit): (Option<ProposalId>, u32),
        now: UnixMillis,
    ) -> Result<Vec<Proposal>, Fault> {
        caller.may_one_of(&SEERS, issuer)?;
        self.issuer_of(issuer).await?;
        self.store.expire(issuer, now).await?;
        self.store.proposals(issuer, filter, after, page(limit)).await
    }

    fn check_rule(&self, rule: RuleId) -> Result<(), Fault> {
        if self.rules.is_empty() || self.rules.contains_key(&rule) {
            return Ok(());
        }
        let known: Vec<_> = self.rules.iter().map(|(rule, name)| format!("{rule} ({name})")).collect();
        Err(Fault::invalid("rule", format!("{rule} is not known; known are {}", known.join(", "))))
    }

    /// Takes a proposal back.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Conflict`] when it is no longer open.
    pub async fn withdraw(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        id: ProposalId,
        now: UnixMillis,
    ) -> Result<Proposal, Fault> {
        caller.may(Scope::Propose, issuer)?;
        self.store.expire(issuer, now).await?;
        let entry = Entry::new(now, caller, Action::Withdrawn, Some(issuer), format!("proposal {id}"));
        let proposal =
            self.store.withdraw(issuer, id, &entry).await?.ok_or_else(|| no_proposal(issuer, id))?;
        match proposal.state {
            ProposalState::Withdrawn => Ok(proposal),
            other => Err(Fault::Conflict(format!("proposal {id} is {} and cannot change", other.phase()))),
        }
    }

    /// Takes the national platform's release of a change that sets very many holders back, its bytes after `docs/SYNC.md`. The same confirmation
    /// can be handed in again then. The same release again is answered as the first.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Unbelieved`], [`Fault::Conflict`] when it is for another
    /// proposal, of the future, for fewer holders than the brake counted, or when the brake does not hold the proposal.
    pub async fn release(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        id: ProposalId,
        release: &[u8],
        now: UnixMillis,
    ) -> Result<Proposal, Fault> {
        caller.may(Scope::Confirm, issuer)?;
        let authorities = self.authorities(issuer).await?;
        let opened = *open_release(release, &authorities, &self.keyring.load(), self.backend)?;
        check_not_ahead("the release", opened.made, now)?;
        check_not_late("the release", opened.made, now)?;
        self.store.expire(issuer, now).await?;
        let proposal = self.find_proposal(issuer, id).await?;
        if opened.content != proposal.facts.content {
            return Err(Fault::Conflict(format!("the release is for a different proposal, not {id}")));
        }
        let ProposalState::Braked(alarm) = proposal.state else {
            // The first answer may have been lost.
            if proposal.state == ProposalState::Pending && proposal.released == Some(opened.set_back) {
                return Ok(proposal);
            }
            return Err(Fault::Conflict(format!(
                "proposal {id} is {}, not braked: it needs no release",
                proposal.state.phase()
            )));
        };
        if opened.set_back < alarm.set_back.all() {
            return Err(Fault::Conflict(format!(
                "the release is for {} holders, and the change sets {} back: the national platform must sign a release for as many",
                opened.set_back,
                alarm.set_back.all()
            )));
        }
        let what = format!("proposal {id}, {} holders by key {}", opened.set_back, opened.national_key);
        let entry = Entry::new(now, caller, Action::Released, Some(issuer), what);
        let released = self.store.release(issuer, id, opened.set_back, release, &entry).await?;
        released.ok_or_else(|| no_proposal(issuer, id))
    }

    pub(super) async fn find_proposal(&self, issuer: IssuerId, id: ProposalId) -> Result<Proposal, Fault> {
        self.store.proposal(issuer, id).await?.ok_or_else(|| no_proposal(issuer, id))
    }
}

/// Whether an instruction can come after the chain's end. One that is not later is kept and called overtaken, unless
/// clocks are the reason. The time of a chain is reset only while it is ahead of the registry's clock.
fn check_order(proposed: Proposed, tip: &Tip, now: UnixMillis) -> Result<(), Fault> {
    let (sequence, last) = (tip.sequence, tip.proposed);
    let ahead_ms = last.at().since(now);
    let is_ahead = ahead_ms > CHAIN_SKEW_MS_MAX;
    let what = if proposed.era() > last.era() && !is_ahead {
        format!(
            "the instruction resets the time of the chain, and set {sequence} is not ahead of the registry's clock: propose it \
             again without a reset"
        )
    } else if proposed.era() > last.era() && !proposed.may_follow(last) {
        format!("the instruction is of era {}, and the chain is in era {}", proposed.era(), last.era())
    } else if proposed.era() == last.era() && proposed <= last && is_ahead {
        format!(
            "set {sequence} of the chain was proposed {ahead_ms} ms after the registry's clock: if that clock is right, reset \
             the time of the chain with `hufu change propose --reset-time`"
        )
    } else {
        return Ok(());
    };
    Err(Fault::Conflict(what))
}

/// What an instruction that was opened says.
fn facts(content: &Content<'_>, instruction: &[u8]) -> ProposalFacts {
    let bytes = InstructionParts::of(instruction).map_or(&[][..], |parts| parts.content);
    let is_red = |change: Change| match change {
        Change::Word(word) | Change::Status(word) => word.colour() == Some(Colour::Red),
        Change::Generation(_) => false,
    };
    let count = |changes: usize| u32::try_from(changes).unwrap_or(u32::MAX);
    ProposalFacts {
        content: content_digest(bytes),
        proposed: content.proposed,
        expires: content.expires(),
        rule: content.rule,
        inputs: content.inputs,
        local_key: content.local_key,
        reason: content.reason.to_owned(),
        changes: count(content.changes.len()),
        reds: count(content.changes.iter().filter(|(_, change)| is_red(*change)).count()),
    }
}

fn no_proposal(issuer: IssuerId, id: ProposalId) -> Fault {
    Fault::NotFound(format!("proposal {id} of issuer {issuer}"))
}
