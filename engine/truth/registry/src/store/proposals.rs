//! Proposals in the store.

use async_trait::async_trait;
use hufu_contract::{ProposalId, ProposalPhase};
use hufu_wire::chain::{ContentDigest, InputsDigest, Proposed};
use hufu_wire::{HolderIndex, IssuerId, KeyId, RuleId, Sequence, UnixMillis};

use super::row::{Columns, FromColumns};
use crate::brake::{Alarm, SetBack};
use crate::chain::checked_instruction;
use crate::fault::Fault;
use crate::proposal::{Proposal, ProposalFacts, ProposalState};
use crate::trail::Entry;

/// What waits for confirmation, and what became of it.
#[async_trait]
pub trait Proposals {
    /// Adds a proposal with the next number of its issuer, from 1, so that it is found by each holder it names: pending, or overtaken when its time is not after
    /// that of the chain's last instruction. One whose content is here already is answered as it is, and nothing
    /// is written. Who hands it in is kept: the one whom `entry` names.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an issuer.
    async fn add_proposal(
        &self,
        issuer: IssuerId,
        facts: &ProposalFacts,
        instruction: &[u8],
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Proposal, Fault>;

    /// One proposal.
    async fn proposal(&self, issuer: IssuerId, id: ProposalId) -> Result<Option<Proposal>, Fault>;

    /// The proposal with this content.
    async fn proposal_of(&self, issuer: IssuerId, content: ContentDigest) -> Result<Option<Proposal>, Fault>;

    /// The bytes of its instruction.
    async fn instruction(&self, issuer: IssuerId, id: ProposalId) -> Result<Option<Vec<u8>>, Fault>;

    /// Proposals with a number above `after` that a filter lets through, by rising number, at most `limit`.
    async fn proposals(
        &self,
        issuer: IssuerId,
        filter: &ProposalFilter,
        after: Option<ProposalId>,
        limit: u32,
    ) -> Result<Vec<Proposal>, Fault>;

    /// Withdraws a proposal that is open; answers as it is now, or that there is none.
    async fn withdraw(
        &self,
        issuer: IssuerId,
        id: ProposalId,
        entry: &Entry,
    ) -> Result<Option<Proposal>, Fault>;

    /// Keeps the national platform's release of a braked proposal, for `holders` holders set back, and makes it pending again;
    /// answers as it is now, or that there is none. One that is not braked stays as it is, and nothing is written.
    async fn release(
        &self,
        issuer: IssuerId,
        id: ProposalId,
        holders: u32,
        release: &[u8],
        entry: &Entry,
    ) -> Result<Option<Proposal>, Fault>;

    /// Marks open proposals of an issuer that can no longer be confirmed at `now` as expired; answers how many.
    async fn expire(&self, issuer: IssuerId, now: UnixMillis) -> Result<u64, Fault>;
}

/// Which proposals; all that is named must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProposalFilter {
    /// In this phase.
    pub phase: Option<ProposalPhase>,
    /// Which name this holder.
    pub holder: Option<HolderIndex>,
    /// Which came in at this time or later.
    pub since: Option<UnixMillis>,
    /// Which came in before this time.
    pub until: Option<UnixMillis>,
}

impl FromColumns for Proposal {
    fn read(row: &impl Columns) -> Result<Proposal, Fault> {
        Ok(Proposal {
            id: ProposalId(row.number("id")?),
            facts: ProposalFacts {
                content: ContentDigest(row.array("content")?),
                proposed: Proposed::from_bits(row.number("proposed")?),
                expires: row.time("expires")?,
                rule: RuleId(row.number("rule")?),
                inputs: InputsDigest(row.array("inputs")?),
                local_key: KeyId(row.array("local_key")?),
                reason: row.text("reason")?,
                changes: row.number("changes")?,
                reds: row.number("reds")?,
            },
            state: ProposalState::read(row)?,
            released: row.number_or_none("released")?,
            added: row.time("added")?,
        })
    }
}

impl FromColumns for ProposalState {
    fn read(row: &impl Columns) -> Result<ProposalState, Fault> {
        Ok(match row.word("phase", ProposalPhase::from_slug)? {
            ProposalPhase::Pending => ProposalState::Pending,
            ProposalPhase::Braked => ProposalState::Braked(Alarm {
                set_back: SetBack {
                    reds: row.number("alarm_reds")?,
                    ambers: row.number("alarm_ambers")?,
                    forgotten: row.number("alarm_forgotten")?,
                    generations: row.number("alarm_generations")?,
                },
                recent: row.number("alarm_recent")?,
                holders: row.number("alarm_holders")?,
                share_permille: row.number("alarm_share_permille")?,
            }),
            ProposalPhase::Confirmed => ProposalState::Confirmed(Sequence(row.number("sequence")?)),
            ProposalPhase::Withdrawn => ProposalState::Withdrawn,
            ProposalPhase::Expired => ProposalState::Expired,
            ProposalPhase::Overtaken => ProposalState::Overtaken,
        })
    }
}

/// The instruction of a proposal from its row, if it is what was submitted.
///
/// # Errors
/// [`Fault::Damaged`].
pub fn read_instruction(issuer: IssuerId, id: ProposalId, row: &impl Columns) -> Result<Vec<u8>, Fault> {
    checked_instruction(issuer, id, ContentDigest(row.array("content")?), row.bytes("instruction")?)
}
