use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::hex::Hex;
use crate::words::words;

/// A page of proposals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proposals {
    /// By rising id. The next page begins after the last one's id; an empty page is the last.
    pub proposals: Vec<Proposal>,
}

/// A local authority's instruction and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proposal {
    /// Its id, given by the registry.
    pub id: u64,
    /// Whose chain it is for.
    pub issuer: u32,
    /// What became of it.
    pub state: ProposalPhase,
    /// The set it became; only when confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Digest of its content: what the national platform signs.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub content_digest: Hex<32>,
    /// When the local authority signed it.
    pub proposed_ms: u64,
    /// The era of the chain's time that it was signed for (docs/SYNC.md, Eras).
    #[serde(default)]
    pub era: u8,
    /// From when it can no longer be confirmed.
    pub expires_ms: u64,
    /// The rule that gave the colours.
    pub rule: u32,
    /// Digest of what the rule was given.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub inputs: Hex<32>,
    /// Why, in the authority's words.
    pub reason: String,
    /// How many holders it changes.
    pub changes: u32,
    /// How many of the changes say red, also of holders who were red before.
    pub reds: u32,
    /// Why the brake holds it; only when braked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brake: Option<BrakeReport>,
    /// For how many holders set back the national platform released it, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_for: Option<u32>,
    /// When it came in.
    pub added_ms: u64,
    /// The key that signed it.
    #[schema(value_type = String, pattern = "^[0-9a-f]{16}$")]
    pub local_key: Hex<8>,
}

/// A proposal's number within its issuer, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProposalId(pub u64);

words! {
    /// What became of a proposal.
    #[derive(Hash)]
    #[schema(as = ProposalState)]
    pub enum ProposalPhase {
        /// It waits for the national platform.
        Pending = "pending",
        /// It was confirmed, would set too many back at once, and waits for a release.
        Braked = "braked",
        /// It is in the chain.
        Confirmed = "confirmed",
        /// The local authority withdrew it.
        Withdrawn = "withdrawn",
        /// It was not confirmed in time.
        Expired = "expired",
        /// A later instruction was confirmed before it: every engine would refuse this one.
        Overtaken = "overtaken",
    }
}

impl ProposalPhase {
    /// Whether it may still be confirmed, released or withdrawn.
    pub const fn is_open(self) -> bool {
        matches!(self, ProposalPhase::Pending | ProposalPhase::Braked)
    }
}

impl core::fmt::Display for ProposalId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// A set is in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Confirmed {
    /// Its place.
    pub sequence: u64,
    /// When it was committed by the registry's clock, microseconds since 1970; absent when it had been there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_us: Option<u64>,
}

/// Why the brake held a set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BrakeReport {
    /// Holders that this set would set back: those of the four kinds below, each once. A release is for so many.
    pub set_back: u32,
    /// Those who would turn red.
    pub reds: u32,
    /// Those who would turn amber from green or unknown.
    pub ambers: u32,
    /// Those whose colour would become unknown.
    pub forgotten: u32,
    /// Those whose codes would end by another credential generation.
    pub generations: u32,
    /// Holders who were set back within the window before it.
    pub recent: u64,
    /// The issuer's holders.
    pub holders: u64,
    /// The share of them that may be set back within the window, thousandths.
    pub share_permille: u32,
}
