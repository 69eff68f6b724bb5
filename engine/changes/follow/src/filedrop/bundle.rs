//! The other side of a file drop.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hufu_table::{Disk, OsDisk, PartialFile, Snapshot, SnapshotDigest, SnapshotFault};
use hufu_wire::chain::{ChangeSet, Checkpoint, Head};
use hufu_wire::{Malformed, Sequence, read};

use super::files::set_name;
use super::snapshots::{copy, snapshot_name};

/// Fills a folder that a [`FileDrop`](super::FileDrop) reads, here or wherever it is carried to. Each file is put in
/// place whole. Write sets before the head that names them and a snapshot before its checkpoint, so that a reader misses
/// nothing meanwhile.
#[derive(Debug)]
pub struct Bundle {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

/// Why something is not in a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleFault {
    /// It cannot be written.
    #[error("{} cannot be written: {error}", file.display())]
    Io {
        /// The file or the folder.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Not what it was given as. The caller is at fault.
    #[error("{0}")]
    Malformed(Malformed),
    /// Not a snapshot that can be opened.
    #[error(transparent)]
    Snapshot(#[from] SnapshotFault),
}

impl Bundle {
    /// The bundle in this folder, which is created when it is missing.
    ///
    /// # Errors
    /// [`BundleFault::Io`].
    pub fn open(folder: impl Into<PathBuf>) -> Result<Bundle, BundleFault> {
        let (disk, folder) = (OsDisk::shared(), folder.into());
        disk.create_folder(&folder).map_err(|error| BundleFault::Io { file: folder.clone(), error })?;
        Ok(Bundle { disk, folder })
    }

    /// Adds a change set.
    ///
    /// # Errors
    /// [`BundleFault::Malformed`], [`BundleFault::Io`].
    pub fn set(&self, bytes: &[u8]) -> Result<Sequence, BundleFault> {
        let sequence = read::<ChangeSet<'_>>(bytes).map_err(BundleFault::Malformed)?.position.sequence;
        self.put(&set_name(sequence), bytes)?;
        Ok(sequence)
    }

    /// Says where the chain ends, in the place of what was said before.
    ///
    /// # Errors
    /// [`BundleFault::Malformed`], [`BundleFault::Io`].
    pub fn head(&self, bytes: &[u8]) -> Result<Sequence, BundleFault> {
        let sequence = read::<Head>(bytes).map_err(BundleFault::Malformed)?.sequence;
        self.put("newest.head", bytes)?;
        Ok(sequence)
    }

    /// Adds a checkpoint; its snapshot should be there.
    ///
    /// # Errors
    /// [`BundleFault::Malformed`], [`BundleFault::Io`].
    pub fn checkpoint(&self, bytes: &[u8]) -> Result<Sequence, BundleFault> {
        let sequence = read::<Checkpoint>(bytes).map_err(BundleFault::Malformed)?.sequence;
        self.put(&format!("{sequence:020}.checkpoint"), bytes)?;
        Ok(sequence)
    }

    /// Adds a copy of a snapshot file.
    ///
    /// # Errors
    /// [`BundleFault::Snapshot`] when it cannot be opened as one, [`BundleFault::Io`].
    pub fn snapshot(&self, from: &Path) -> Result<SnapshotDigest, BundleFault> {
        let digest = Snapshot::open(from)?.info().digest;
        let file = self.folder.join(snapshot_name(digest));
        match copy(&self.disk, from, digest, &file) {
            Ok(()) => Ok(digest),
            Err(fault) => Err(BundleFault::Io { file, error: io::Error::other(fault.what()) }),
        }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), BundleFault> {
        let file = self.folder.join(name);
        PartialFile::write(&self.disk, &file, bytes).map_err(|error| BundleFault::Io { file, error })
    }
}
