//! The status table: one 64-bit word a holder, read by every check and written by nobody but each issuer's one
//! [`Writer`].
//!
//! Checks hold a [`Reader`], which has no way to write (R11). Words live in 2 MiB segments that are allocated
//! when their first holder appears and stay where they are until the table is dropped, so a look-up is two loads
//! and no lock: the segment's address, then the word.
//!
//! What a reader may rely on:
//!
//! * A word it reads was written by that issuer's writer, whole. Where nothing was written it reads
//!   [`StatusWord::UNKNOWN`](hufu_wire::StatusWord::UNKNOWN), which is never green (R07).
//! * Words read after [`Reader::as_of`] include at least every change up to the sequence it returned.
//! * Memory never grows past [`Limits`].
//!
//! `docs/SNAPSHOT.md` draws the snapshot file; `docs/decisions/0003-status-table.md` says why the table looks
//! like this and what it costs.

mod budget;
#[cfg(not(loom))]
mod disk;
mod fault;
mod head;
mod issuers;
mod limits;
#[cfg(not(loom))]
mod memory;
mod published;
mod reader;
mod segment;
mod shared;
#[cfg(not(loom))]
mod snapshot;
mod sync;
mod table;
mod writer;

#[cfg(not(loom))]
pub use disk::{Disk, DiskFile, OsDisk, PartialFile, Stamp};
pub use fault::TableFault;
pub use head::AsOf;
pub use issuers::Slot;
pub use limits::Limits;
#[cfg(not(loom))]
pub use memory::{KernelView, MemoryUse};
pub use reader::Reader;
pub use segment::{ISSUER_SEGMENTS, SEGMENT_BYTES, SEGMENT_WORDS};
#[cfg(not(loom))]
pub use snapshot::{
    ArrivingSnapshot, SNAPSHOT_BYTES_MAX, Snapshot, SnapshotDigest, SnapshotFault, SnapshotFaultKind,
    SnapshotInfo, SnapshotWriter, write_snapshot, write_snapshot_as_of, write_snapshot_on,
};
pub use table::Table;
pub use writer::Writer;
