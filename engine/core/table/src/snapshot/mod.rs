//! One issuer's words in a file: written whole or not at all, loaded whole or not at all.
//!
//! `docs/SNAPSHOT.md` draws the file byte by byte.
//!
//! ```no_run
//! use hufu_table::{Limits, Snapshot, Table};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let table = Table::new(Limits::default())?;
//! let snapshot = Snapshot::open("110000.snapshot")?;
//! let mut writer = table.writer(snapshot.info().issuer)?;
//! snapshot.load(&mut writer)?;
//! # Ok(())
//! # }
//! ```

mod arrive;
mod fault;
mod format;
mod info;
mod install;
mod open;
mod read_at;
mod stage;
mod table;
mod version;
mod write;

pub use arrive::{ArrivingSnapshot, SNAPSHOT_BYTES_MAX};
pub use fault::{SnapshotFault, SnapshotFaultKind};
pub use info::{SnapshotDigest, SnapshotInfo};
pub use open::Snapshot;
pub use table::{write_snapshot, write_snapshot_as_of, write_snapshot_on};
pub use write::SnapshotWriter;
