//! Why the bytes of an offline list are not taken.

use hufu_wire::{IssuerId, Sequence};

/// Why an offline list is not taken. The list that the gate holds stays as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListFault {
    /// Too short, or of another length than it says. Fetch it again.
    #[error("the offline list is cut off; fetch it again")]
    Cut,
    /// Not an offline list.
    #[error("not an offline list")]
    NotAList,
    /// Of another version than this program reads.
    #[error("an offline list of version {found}; this program reads version 1, update it")]
    OtherVersion {
        /// The version that it names.
        found: u32,
    },
    /// Its digest differs: a byte was changed on the way or on the disk. Fetch it again.
    #[error("the digest of the offline list differs; fetch it again")]
    Altered,
    /// Its digest is right, and no maker writes such a list. Its maker erred.
    #[error("the offline list is not well formed: {what}")]
    NotCanonical {
        /// What is wrong.
        what: &'static str,
    },
    /// More than this gate has memory for. The operator can raise its limit.
    #[error("the offline list has {found} {what}, this gate has room for {max}; raise its limit")]
    TooLarge {
        /// Of what there are too many.
        what: &'static str,
        /// How many there are.
        found: u64,
        /// How many there may be.
        max: u64,
    },
    /// Of an issuer that this gate does not keep.
    #[error("the offline list is of issuer {found}, which this gate does not keep")]
    AnotherIssuer {
        /// Whose list it is.
        found: IssuerId,
    },
    /// Older than the one held, or of another history at the same place.
    #[error("the offline list of issuer {issuer} is at {offered}, older than the one held at {held}")]
    Older {
        /// Whose list it is.
        issuer: IssuerId,
        /// The sequence that is held.
        held: Sequence,
        /// The sequence of the list.
        offered: Sequence,
    },
    /// Of another history than the one held, at the same place. The authorities must settle it.
    #[error("the offline list of issuer {issuer} at {at} has another history than the one held")]
    AnotherHistory {
        /// Whose list it is.
        issuer: IssuerId,
        /// Where the two differ.
        at: Sequence,
    },
}
