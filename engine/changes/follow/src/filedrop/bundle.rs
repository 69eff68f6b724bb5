//! The other side of a file drop.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use hufu_table::{Snapshot, SnapshotDigest, SnapshotFault};
use hufu_wire::chain::{ChangeSet, Checkpoint, Head};
use hufu_wire::{Malformed, Sequence, read};
use tempfile::NamedTempFile;

use super::files::set_name;
use super::snapshots::snapshot_name;
use crate::durable;

/// Fills a folder that a [`FileDrop`](super::FileDrop) reads, here or wherever it is carried to. Each file is put in
/// place whole. Write sets before the head that names them and a snapshot before its checkpoint, so that whoever reads
/// meanwhile misses nothing.
#[derive(Debug)]
pub struct Bundle {
    folder: PathBuf,
}

/// Why something is not in a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleFault {
    /// The disk did not take it.
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
    /// The bundle in this folder, which is made when it is missing.
    ///
    /// # Errors
    /// [`BundleFault::Io`].
    pub fn open(folder: impl Into<PathBuf>) -> Result<Bundle, BundleFault> {
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(|error| BundleFault::Io { file: folder.clone(), error })?;
        Ok(Bundle { folder })
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
        let mut source =
            File::open(from).map_err(|error| BundleFault::Io { file: from.to_owned(), error })?;
        self.put_with(&snapshot_name(digest), |file| io::copy(&mut source, file).map(drop))?;
        Ok(digest)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), BundleFault> {
        self.put_with(name, |file| file.write_all(bytes))
    }

    fn put_with(
        &self,
        name: &str,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), BundleFault> {
        let file = self.folder.join(name);
        let put = || {
            let mut partial = NamedTempFile::with_suffix_in(".partial", &self.folder)?;
            write(partial.as_file_mut())?;
            durable::sync(partial.as_file())?;
            partial.persist(&file).map_err(|fault| fault.error)?;
            durable::named(&file);
            durable::sync(&File::open(&self.folder)?)
        };
        put().map_err(|error| BundleFault::Io { file: file.clone(), error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::tests::{Step, name, steps};

    #[test]
    fn r22_a_file_of_a_bundle_is_on_the_disk_before_it_has_its_name() {
        let home = tempfile::tempdir().unwrap();
        let bundle = Bundle::open(home.path()).unwrap();
        let (put, steps) = steps(|| bundle.put("1.head", b"a head"));
        put.unwrap();
        assert_eq!(steps, [Step::File, name("head"), Step::Folder]);
    }
}
