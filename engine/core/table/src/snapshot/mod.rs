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
mod durable;
mod fault;
mod format;
mod install;
mod open;
mod stage;
mod write;

use std::fmt;
use std::path::Path;

use hufu_wire::{IssuerId, Sequence, UnixMillis};

pub use arrive::{ArrivingSnapshot, SNAPSHOT_BYTES_MAX};
pub use fault::{SnapshotFault, SnapshotFaultKind};
pub use open::Snapshot;
pub use write::SnapshotWriter;

use crate::head::AsOf;
use crate::reader::Reader;
use crate::segment::{ISSUER_SEGMENTS, SEGMENT_WORDS};

/// What a snapshot file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Whose holders these are.
    pub issuer: IssuerId,
    /// Every change up to this one is in the words.
    pub sequence: Sequence,
    /// When the issuer's head was made, `None` if none was heard.
    pub heard: Option<UnixMillis>,
    /// Words that are not all zero: the holders something is known of.
    pub holders: u64,
    /// Segments stored; those in which every holder is unknown are left out.
    pub segments: u32,
    /// Size of the file.
    pub bytes: u64,
    /// Covers every byte of the file.
    pub digest: SnapshotDigest,
}

/// The name of a snapshot's content: the same words at the same head give the same digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SnapshotDigest(pub [u8; 32]);

impl fmt::Display for SnapshotDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SnapshotDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SnapshotDigest({self})")
    }
}

/// Writes the issuer's words to `path`, replacing what was there only once the new file is safe on disk.
///
/// While the issuer's writer is at work the file may hold later words than its sequence says, never earlier
/// ones; applying the tail after that sequence again makes them equal. For exactly one sequence, and so for the
/// same digest elsewhere, call this from the thread that holds the writer.
///
/// # Errors
/// [`SnapshotFaultKind::NotFollowed`] when the table has no such issuer, [`SnapshotFaultKind::Io`] when the
/// file cannot be written; `path` is then as it was.
pub fn write_snapshot(reader: &Reader, issuer: IssuerId, path: &Path) -> Result<SnapshotInfo, SnapshotFault> {
    let Some(slot) = reader.slot(issuer) else {
        return Err(SnapshotFault::new(path, SnapshotFaultKind::NotFollowed { issuer }));
    };
    write_snapshot_as_of(reader, issuer, reader.as_of(slot), path)
}

/// As [`write_snapshot`], with an `as_of` that the caller knew earlier, so that what else it knew then can be kept
/// beside the file. The words may be later ones than `as_of` says, never earlier ones.
///
/// # Errors
/// Those of [`write_snapshot`].
pub fn write_snapshot_as_of(
    reader: &Reader,
    issuer: IssuerId,
    as_of: AsOf,
    path: &Path,
) -> Result<SnapshotInfo, SnapshotFault> {
    let Some(slot) = reader.slot(issuer) else {
        return Err(SnapshotFault::new(path, SnapshotFaultKind::NotFollowed { issuer }));
    };
    let mut snapshot = SnapshotWriter::create(path, issuer, as_of.sequence, as_of.heard)?;
    for segment in 0..ISSUER_SEGMENTS {
        match reader.copy_segment(slot, segment) {
            Some(words) => snapshot.push(&words)?,
            None => snapshot.skip(SEGMENT_WORDS as u64)?,
        }
    }
    snapshot.finish()
}

#[cfg(test)]
mod tests {
    use super::SnapshotDigest;

    #[test]
    fn a_digest_is_shown_in_hexadecimal() {
        let digest = SnapshotDigest(std::array::from_fn(|i| u8::try_from(8 * i).expect("below 256")));
        assert_eq!(digest.to_string(), "0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8");
    }
}
