//! The words of a table into a snapshot file.

use std::path::Path;
use std::sync::Arc;

use hufu_wire::IssuerId;

use super::fault::{SnapshotFault, SnapshotFaultKind};
use super::info::SnapshotInfo;
use super::write::SnapshotWriter;
use crate::disk::{Disk, OsDisk};
use crate::head::AsOf;
use crate::reader::Reader;
use crate::segment::{ISSUER_SEGMENTS, SEGMENT_WORDS};

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
    write_snapshot_on(&OsDisk::shared(), reader, issuer, as_of, path)
}

/// As [`write_snapshot_as_of`], on this disk.
///
/// # Errors
/// Those of [`write_snapshot`].
pub fn write_snapshot_on(
    disk: &Arc<dyn Disk>,
    reader: &Reader,
    issuer: IssuerId,
    as_of: AsOf,
    path: &Path,
) -> Result<SnapshotInfo, SnapshotFault> {
    let Some(slot) = reader.slot(issuer) else {
        return Err(SnapshotFault::new(path, SnapshotFaultKind::NotFollowed { issuer }));
    };
    let mut snapshot = SnapshotWriter::create_on(disk, path, issuer, as_of.sequence, as_of.heard)?;
    for segment in 0..ISSUER_SEGMENTS {
        match reader.copy_segment(slot, segment) {
            Some(words) => snapshot.push(&words)?,
            None => snapshot.skip(SEGMENT_WORDS as u64)?,
        }
    }
    snapshot.finish()
}
