//! Takes in a snapshot that comes from elsewhere in pieces: bounded, and in no one's way until it is whole.

use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::durable;
use super::fault::{SnapshotFault, SnapshotFaultKind};
use super::format::{DIGEST_BYTES, ENTRY_BYTES, HEADER_BYTES};
use crate::segment::{ISSUER_SEGMENTS, SEGMENT_BYTES};

/// The largest snapshot there can be, bytes: every holder index in use.
pub const SNAPSHOT_BYTES_MAX: u64 =
    (HEADER_BYTES + DIGEST_BYTES) as u64 + (ISSUER_SEGMENTS * (SEGMENT_BYTES + ENTRY_BYTES)) as u64;

/// A file that will be a snapshot once all of it is here. Until [`finish`](Self::finish) returns, its path is as
/// it was; one that is dropped leaves nothing behind. What the bytes say is for [`Snapshot`](super::Snapshot) to
/// see.
#[derive(Debug)]
pub struct ArrivingSnapshot {
    path: PathBuf,
    folder: PathBuf,
    file: NamedTempFile,
    bytes: u64,
    bytes_max: u64,
}

impl ArrivingSnapshot {
    /// Starts a file beside `path` that only the owner may read. It will take at most `bytes_max` bytes.
    ///
    /// # Errors
    /// [`SnapshotFaultKind::Io`] when the folder is missing or not writable.
    pub fn create(path: impl AsRef<Path>, bytes_max: u64) -> Result<ArrivingSnapshot, SnapshotFault> {
        let path = path.as_ref();
        let (folder, file) = start(path).map_err(|error| {
            SnapshotFault::new(path, SnapshotFaultKind::Io { doing: "start the file beside it", error })
        })?;
        Ok(ArrivingSnapshot { path: path.to_path_buf(), folder, file, bytes: 0, bytes_max })
    }

    /// How many bytes are here.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next bytes.
    ///
    /// # Errors
    /// [`SnapshotFaultKind::TooLarge`]; [`SnapshotFaultKind::Io`], when the disk is full, for example.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), SnapshotFault> {
        let length = self.bytes + bytes.len() as u64;
        if length > self.bytes_max {
            let kind = SnapshotFaultKind::TooLarge { bytes_max: self.bytes_max };
            return Err(SnapshotFault::new(&self.path, kind));
        }
        self.file.write_all(bytes).map_err(|error| self.fault("write the file", error))?;
        self.bytes = length;
        Ok(())
    }

    /// Forgets what is here: it will come again from its first byte.
    ///
    /// # Errors
    /// [`SnapshotFaultKind::Io`].
    pub fn restart(&mut self) -> Result<(), SnapshotFault> {
        let file = self.file.as_file_mut();
        let cleared = file.set_len(0).and_then(|()| file.rewind());
        cleared.map_err(|error| self.fault("begin the file again", error))?;
        self.bytes = 0;
        Ok(())
    }

    /// Makes the file durable and puts it in the place of `path`.
    ///
    /// # Errors
    /// [`SnapshotFaultKind::Io`]; `path` is then as it was, except when only the last step failed, making the
    /// folder durable.
    pub fn finish(self) -> Result<(), SnapshotFault> {
        durable::put(self.file, &self.path, &self.folder)
    }

    fn fault(&self, doing: &'static str, error: io::Error) -> SnapshotFault {
        SnapshotFault::new(&self.path, SnapshotFaultKind::Io { doing, error })
    }
}

/// A new file beside `path` that only the owner may read, and the folder of both.
pub(super) fn start(path: &Path) -> io::Result<(PathBuf, NamedTempFile)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let prefix = format!(".{name}.");
    let file = tempfile::Builder::new().prefix(&prefix).suffix(".partial").tempfile_in(folder)?;
    Ok((folder.to_path_buf(), file))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::durable::tests::{Synced, synced};
    use super::*;

    #[test]
    fn a_snapshot_that_arrives_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.snapshot");
        fs::write(&path, b"before").unwrap();
        let mut arriving = ArrivingSnapshot::create(&path, 8).unwrap();
        arriving.push(b"not this").unwrap();
        arriving.restart().unwrap();
        arriving.push(b"what").unwrap();
        arriving.push(b"ever").unwrap();
        assert_eq!(arriving.bytes(), 8);
        assert_eq!(fs::read(&path).unwrap(), b"before");
        arriving.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whatever");

        let mut larger = ArrivingSnapshot::create(&path, 8).unwrap();
        let fault = larger.push(b"too large").unwrap_err();
        assert!(matches!(fault.kind, SnapshotFaultKind::TooLarge { bytes_max: 8 }), "{fault}");
        drop(larger);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn r22_a_snapshot_that_arrived_is_on_the_disk_before_it_has_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.snapshot");
        let mut arriving = ArrivingSnapshot::create(&path, 8).unwrap();
        arriving.push(b"whatever").unwrap();
        let synced = synced(&path, || arriving.finish().unwrap());
        assert_eq!(synced, [Synced::File { bytes: 8, is_named: false }, Synced::Folder]);
    }
}
