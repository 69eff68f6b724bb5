//! What a chain made of one holder, and what a change would be made of.

use hufu_contract::ProposalId;
use hufu_wire::{HolderIndex, RuleId, Sequence, StatusWord, UnixMillis};

/// One change of a holder's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The set.
    pub sequence: Sequence,
    /// The proposal that it confirmed.
    pub proposal: ProposalId,
    /// When the national platform confirmed it.
    pub confirmed: UnixMillis,
    /// The rule that gave the colour.
    pub rule: RuleId,
    /// Why, in the authority's words.
    pub reason: String,
    /// The word before it.
    pub before: StatusWord,
    /// The word after it.
    pub after: StatusWord,
}

/// A holder as an authority sees them that makes a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentStatus {
    /// The holder.
    pub index: HolderIndex,
    /// Whether there is such a holder.
    pub is_registered: bool,
    /// The record that goes on in place of this one.
    pub joined: Option<HolderIndex>,
    /// First character of the name, a star, tail of the id number; for callers who may see it.
    pub display: Option<String>,
    /// The word that the chain gives them.
    pub word: StatusWord,
}
