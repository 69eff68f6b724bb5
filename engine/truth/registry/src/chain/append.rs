//! What a store is asked to append, and what it answers.

use hufu_codes::chain::{Confirmed, Tip};
use hufu_contract::ProposalPhase;
use hufu_wire::chain::{ChangeSet, ContentDigest};
use hufu_wire::{HolderIndex, IssuerId, Sequence, UnixMillis};

use crate::brake::Alarm;
use crate::moment::UnixMicros;
use crate::trail::Entry;

/// A change set that both authorities signed, on its way into its chain.
#[derive(Clone, Copy, Debug)]
pub struct Append<'a> {
    /// Whose chain.
    pub issuer: IssuerId,
    /// The set, proven.
    pub set: &'a Confirmed<ChangeSet<'a>>,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The digest of its content: which proposal it confirms.
    pub content: ContentDigest,
    /// Now.
    pub now: UnixMillis,
    /// The line for the trail when it is appended.
    pub entry: &'a Entry,
    /// The line for the trail when the brake holds it.
    pub braked: &'a Entry,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in the chain, durably.
    Appended {
        /// Its place.
        sequence: Sequence,
        /// Right after the commit.
        committed: UnixMicros,
    },
    /// It is in the chain already. Nothing happened.
    Duplicate {
        /// Its place.
        sequence: Sequence,
    },
    /// It does not follow the chain's last set. Nothing happened; the national platform confirms again.
    Moved {
        /// Where the chain ends.
        tip: Tip,
    },
    /// The brake holds it. The proposal waits for its release.
    Braked(Alarm),
    /// The proposal can no longer be confirmed. Nothing happened.
    Closed(ProposalPhase),
    /// It colours a holder whose record was joined into another's. Nothing happened.
    Joined(HolderIndex),
    /// There is no such proposal here. Nothing happened; it is handed in first.
    Unproposed,
}
