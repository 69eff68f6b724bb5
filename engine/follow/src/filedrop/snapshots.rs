//! The folder as a place of snapshots.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use async_trait::async_trait;
use hufu_sync::{FeedFault, Snapshots};
use hufu_table::SnapshotDigest;

use super::FileDrop;

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
        let shown = from.display().to_string();
        // A country takes a second to copy; heads go on meanwhile.
        let copied = tokio::task::spawn_blocking(move || copy(&from, &to)).await;
        let feed = self.name.clone();
        match copied.unwrap_or_else(|error| Err(Copy::There(io::Error::other(error)))) {
            Ok(()) => Ok(()),
            Err(Copy::Here(error)) => {
                Err(FeedFault::Disk { feed, what: format!("{} cannot be written: {error}", path.display()) })
            }
            Err(Copy::There(error)) => {
                Err(FeedFault::Unreachable { feed, what: format!("{shown} cannot be read: {error}") })
            }
        }
    }
}

/// On which side a copy failed.
enum Copy {
    There(io::Error),
    Here(io::Error),
}

/// A copy, not a link: whoever brings files here may write over them.
fn copy(from: &Path, to: &Path) -> Result<(), Copy> {
    let is_file = fs::metadata(from).map_err(Copy::There)?.is_file();
    if !is_file {
        return Err(Copy::There(ErrorKind::InvalidInput.into()));
    }
    let mut source = fs::File::open(from).map_err(Copy::There)?;
    let partial = to.with_extension("partial");
    let copied = fs::File::create(&partial)
        .and_then(|mut target| io::copy(&mut source, &mut target))
        .and_then(|_| fs::rename(&partial, to));
    copied.map_err(|error| {
        // What cannot be removed is in a folder that is emptied.
        let _ = fs::remove_file(&partial);
        Copy::Here(error)
    })
}
