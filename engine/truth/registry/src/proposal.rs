//! Proposals: instructions that wait for the national platform's confirmation (R21).

use hufu_contract::{ProposalId, ProposalPhase};
use hufu_wire::chain::{ContentDigest, InputsDigest, Proposed};
use hufu_wire::{KeyId, RuleId, Sequence, UnixMillis};

use crate::brake::Alarm;

/// A local authority's instruction, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its number within its issuer.
    pub id: ProposalId,
    /// What it says.
    pub facts: ProposalFacts,
    /// How far it has come.
    pub state: ProposalState,
    /// Whether the national platform released it although it sets very many back, and for how many.
    pub released: Option<u32>,
    /// When it came in.
    pub added: UnixMillis,
}

/// What an instruction says, without its changes: an auditor recomputes them from the rule and its inputs (R28).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalFacts {
    /// Digest of the content; no two proposals of an issuer have the same.
    pub content: ContentDigest,
    /// When it was proposed.
    pub proposed: Proposed,
    /// From when it can no longer be confirmed.
    pub expires: UnixMillis,
    /// The rule that gave the colours.
    pub rule: RuleId,
    /// Digest of what the rule was given.
    pub inputs: InputsDigest,
    /// The local authority's key.
    pub local_key: KeyId,
    /// Why, for people.
    pub reason: String,
    /// How many holders it changes.
    pub changes: u32,
    /// How many of the changes say red, also of holders who were red before.
    pub reds: u32,
}

/// How far a proposal has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalState {
    /// It waits for its confirmation.
    Pending,
    /// It was confirmed, and the brake holds it until it is released.
    Braked(Alarm),
    /// It is in the chain.
    Confirmed(Sequence),
    /// Its local authority took it back.
    Withdrawn,
    /// It was not confirmed in time.
    Expired,
    /// A later instruction was confirmed first: every engine would refuse this one.
    Overtaken,
}

impl ProposalState {
    /// Without what it carries.
    pub const fn phase(self) -> ProposalPhase {
        match self {
            ProposalState::Pending => ProposalPhase::Pending,
            ProposalState::Braked(_) => ProposalPhase::Braked,
            ProposalState::Confirmed(_) => ProposalPhase::Confirmed,
            ProposalState::Withdrawn => ProposalPhase::Withdrawn,
            ProposalState::Expired => ProposalPhase::Expired,
            ProposalState::Overtaken => ProposalPhase::Overtaken,
        }
    }
}
