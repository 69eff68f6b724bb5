//! Why something changed nothing. Every fault names the issuer, and the sequence as far as it is known.

use hufu_codes::chain::ChainFault;
use hufu_table::{SnapshotDigest, SnapshotFault, TableFault};
use hufu_wire::{IssuerId, Sequence};

/// Why something was refused. The words, and what the follower knows of the chain, are as they were.
#[derive(Debug, thiserror::Error)]
pub enum SyncFault {
    /// Not a genuine message of this chain. Its sender erred, or lied.
    #[error(transparent)]
    Chain(#[from] ChainFault),
    /// Made later than now. One of two clocks is wrong; it may be tried again.
    #[error(
        "issuer {issuer}, {message} {sequence}: dated {ahead_ms} ms after this machine's clock; compare this clock with \
         the registry's and the authorities' (docs/OPERATIONS.md, Clocks)"
    )]
    FromTheFuture {
        /// The issuer.
        issuer: IssuerId,
        /// What it is.
        message: &'static str,
        /// The sequence it names.
        sequence: Sequence,
        /// How far ahead.
        ahead_ms: u64,
    },
    /// An instruction that was proposed before or with one that has taken effect: an old one is confirmed again,
    /// or the authorities confirmed in the wrong order.
    #[error("issuer {issuer}, change set {sequence}: its instruction is not later than the one before it")]
    OutOfOrder {
        /// The issuer.
        issuer: IssuerId,
        /// The set.
        sequence: Sequence,
    },
    /// The table cannot hold a change set. The operator can give it more room.
    #[error("issuer {issuer}, change set {sequence}: {fault}")]
    Table {
        /// The issuer.
        issuer: IssuerId,
        /// The set.
        sequence: Sequence,
        /// What the table says.
        fault: TableFault,
    },
    /// A snapshot cannot be loaded.
    #[error("issuer {issuer}, snapshot {sequence}: {fault}")]
    Snapshot {
        /// The issuer.
        issuer: IssuerId,
        /// The sequence it should be at.
        sequence: Sequence,
        /// What is wrong with the file, or with the table.
        fault: SnapshotFault,
    },
    /// Another snapshot than the one that was announced.
    #[error("issuer {issuer}, snapshot {sequence}: its digest is {found}, expected {wanted}")]
    AnotherSnapshot {
        /// The issuer.
        issuer: IssuerId,
        /// The sequence it should be at.
        sequence: Sequence,
        /// The digest that was announced.
        wanted: SnapshotDigest,
        /// The digest of this one.
        found: SnapshotDigest,
    },
    /// A checkpoint that no longer leads anywhere: the words are at its place or further on.
    #[error("issuer {issuer}, checkpoint {sequence}: the statuses are at {held} already")]
    Overtaken {
        /// The issuer.
        issuer: IssuerId,
        /// The checkpoint.
        sequence: Sequence,
        /// The sequence the words are at.
        held: Sequence,
    },
    /// The state beside a warm copy cannot be used: start from a checkpoint. The engine's own disk is at fault, or
    /// somebody who can write to it.
    #[error("issuer {issuer}, warm copy: {what}")]
    WarmCopy {
        /// The issuer that was to be followed.
        issuer: IssuerId,
        /// What is wrong.
        what: &'static str,
    },
    /// A writer of another issuer, or of a table that holds words of an unknown history. The program is at fault.
    #[error(
        "issuer {issuer}: its statuses are of issuer {found} at sequence {sequence}, not where following begins"
    )]
    WrongWriter {
        /// The issuer that was to be followed.
        issuer: IssuerId,
        /// The writer's issuer.
        found: IssuerId,
        /// The sequence its words are at.
        sequence: Sequence,
    },
}
