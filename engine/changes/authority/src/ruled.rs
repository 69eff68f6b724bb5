//! Colours that follow from recorded facts, without a person: the local authority's half computes and proposes, the national
//! platform's half computes again before it confirms (R28). Both stop at limits and call a person.

mod archive;
mod confirm;
mod gather;
mod limits;
mod propose;
mod workings;

pub use archive::Archive;
pub use confirm::{Handled, RuledConfirmer};
pub use gather::{Computed, NotInForce, Rulebook};
pub use limits::{Limit, Limiter, Limits};
pub use propose::{RuledProposer, opened};
pub use workings::Workings;

/// What one look around did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Holders whose colours were computed.
    pub computed: u64,
    /// Changes that were proposed.
    pub changes: u64,
}
