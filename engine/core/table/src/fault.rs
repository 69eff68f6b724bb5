use std::io;

use hufu_wire::{HolderIndex, IssuerId, Sequence};

/// Why the table refused a change. Nothing of the refused change is visible.
#[derive(Debug, thiserror::Error)]
pub enum TableFault {
    /// The limits given to [`Table::new`](crate::Table::new) contradict themselves or the format.
    #[error("{what}")]
    BadLimits {
        /// Which limit, and what it may be.
        what: &'static str,
    },
    /// One more issuer than the table was built for.
    #[error("issuer {issuer} is one more than the {issuers_max} this table was built for: raise issuers_max")]
    TooManyIssuers {
        /// The issuer that found no place.
        issuer: IssuerId,
        /// The limit.
        issuers_max: usize,
    },
    /// The issuer's one writer is in use; drop it first.
    #[error("issuer {issuer} already has its writer")]
    WriterTaken {
        /// The issuer.
        issuer: IssuerId,
    },
    /// A holder index past the configured end.
    #[error(
        "holder {holder} is outside the {holders_max} holders an issuer may have here: raise holders_max"
    )]
    HolderOutOfRange {
        /// The index.
        holder: HolderIndex,
        /// The limit.
        holders_max: u64,
    },
    /// One more segment would pass the configured memory bound.
    #[error(
        "the table holds {bytes_used} of at most {bytes_max} bytes and needs {bytes} more: raise bytes_max"
    )]
    Full {
        /// Bytes that were needed.
        bytes: u64,
        /// Bytes in use.
        bytes_used: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// The operating system has no memory for a segment.
    #[error("no memory for the status table: {0}")]
    NoMemory(#[source] io::Error),
    /// A sequence older than the one already here (R22).
    #[error("sequence {offered} of issuer {issuer} is older than {held}, which is already here")]
    Rollback {
        /// The issuer.
        issuer: IssuerId,
        /// The sequence the table is at.
        held: Sequence,
        /// The sequence that was refused.
        offered: Sequence,
    },
    /// Other words under the sequence that is already here: two histories claim the same place (R22).
    #[error(
        "sequence {sequence} of issuer {issuer} is already here with other statuses: one of the two is forged or a \
         mistake; the next good one needs a higher sequence"
    )]
    Fork {
        /// The issuer.
        issuer: IssuerId,
        /// The sequence that both claim.
        sequence: Sequence,
    },
}
