//! The folder as a place of snapshots.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use hufu_sync::{FeedFault, Snapshots};
use hufu_table::{Disk, PartialFile, Snapshot, SnapshotDigest};

use super::folder::FileDrop;

/// How much is copied at a time.
const PIECE_BYTES: usize = 1 << 20;

/// The name of the file with this snapshot.
pub(super) fn snapshot_name(digest: SnapshotDigest) -> String {
    format!("{digest}.snapshot")
}

#[async_trait]
impl Snapshots for FileDrop {
    fn name(&self) -> &str {
        &self.name
    }

    async fn fetch(&self, snapshot: SnapshotDigest, path: &Path) -> Result<(), FeedFault> {
        let (from, to) = (self.files.folder.join(snapshot_name(snapshot)), path.to_owned());
        let disk = Arc::clone(&self.files.disk);
        // A country takes a second to copy; heads go on meanwhile.
        let copied = tokio::task::spawn_blocking(move || copy(&disk, &from, snapshot, &to)).await;
        let feed = self.name.clone();
        copied.unwrap_or_else(|error| Err(there(error))).map_err(|fault| match fault {
            CopyFault::Here(what) => FeedFault::Disk { feed, what },
            CopyFault::There(what) => FeedFault::Unreachable { feed, what },
        })
    }
}

/// On which side a copy failed, and how.
pub(super) enum CopyFault {
    There(String),
    Here(String),
}

impl CopyFault {
    pub(super) fn what(self) -> String {
        match self {
            CopyFault::There(what) | CopyFault::Here(what) => what,
        }
    }
}

/// A copy, not a link: the original may be written over. Only of the snapshot that is wanted, and of no more bytes than
/// that has, so that nobody who may write to the folder can fill this disk.
pub(super) fn copy(
    disk: &Arc<dyn Disk>,
    from: &Path,
    wanted: SnapshotDigest,
    to: &Path,
) -> Result<(), CopyFault> {
    let info = *Snapshot::open_on(&**disk, from).map_err(there)?.info();
    if info.digest != wanted {
        return Err(there(format!("{} is snapshot {}", from.display(), info.digest)));
    }
    let source = disk.open(from).map_err(there)?;
    let mut copied = PartialFile::create(disk, to).map_err(here)?;
    let mut piece = vec![0; PIECE_BYTES];
    while copied.bytes() < info.bytes {
        let length = usize::try_from(info.bytes - copied.bytes()).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        match source.read_at(&mut piece[..length], copied.bytes()) {
            Ok(0) => break,
            Ok(bytes) => copied.append(&piece[..bytes]).map_err(here)?,
            Err(error) => return Err(there(format!("{} cannot be read: {error}", from.display()))),
        }
    }
    copied.put().map_err(here)
}

fn there(what: impl Display) -> CopyFault {
    CopyFault::There(what.to_string())
}

fn here(what: impl Display) -> CopyFault {
    CopyFault::Here(what.to_string())
}
