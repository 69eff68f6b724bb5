//! The folder as a place of snapshots.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use async_trait::async_trait;
use hufu_sync::{FeedFault, Snapshots};
use hufu_table::{ArrivingSnapshot, Snapshot, SnapshotDigest};

use super::FileDrop;

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
        // A country takes a second to copy; heads go on meanwhile.
        let copied = tokio::task::spawn_blocking(move || copy(&from, snapshot, &to)).await;
        let feed = self.name.clone();
        copied.unwrap_or_else(|error| Err(there(&error))).map_err(|fault| match fault {
            Copy::Here(what) => FeedFault::Disk { feed, what },
            Copy::There(what) => FeedFault::Unreachable { feed, what },
        })
    }
}

/// On which side a copy failed, and how.
enum Copy {
    There(String),
    Here(String),
}

/// A copy, not a link: whoever brings files here may write over them. Only of the snapshot that is wanted, and of no
/// more bytes than that has, so that nobody who may write to the folder can fill this disk.
fn copy(from: &Path, wanted: SnapshotDigest, to: &Path) -> Result<(), Copy> {
    let unreadable = |error: io::Error| there(&format!("{} cannot be read: {error}", from.display()));
    if !from.metadata().map_err(unreadable)?.is_file() {
        return Err(unreadable(io::ErrorKind::InvalidInput.into()));
    }
    let info = *Snapshot::open(from).map_err(|fault| there(&fault))?.info();
    if info.digest != wanted {
        return Err(there(&format!("{} is snapshot {}", from.display(), info.digest)));
    }
    let mut source = File::open(from).map_err(unreadable)?.take(info.bytes);
    let mut arriving = ArrivingSnapshot::create(to, info.bytes).map_err(|fault| here(&fault))?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match source.read(&mut piece) {
            Ok(0) => return arriving.finish().map_err(|fault| here(&fault)),
            Ok(bytes) => arriving.push(&piece[..bytes]).map_err(|fault| here(&fault))?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
}

fn there(what: &dyn Display) -> Copy {
    Copy::There(what.to_string())
}

fn here(what: &dyn Display) -> Copy {
    Copy::Here(what.to_string())
}
