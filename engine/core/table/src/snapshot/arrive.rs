//! Takes in a snapshot that comes from elsewhere in pieces: bounded, and in no one's way until it is whole.

use std::io;
use std::path::Path;

use super::fault::{SnapshotFault, SnapshotFaultKind};
use super::format::{DIGEST_BYTES, ENTRY_BYTES, HEADER_BYTES};
use crate::disk::{OsDisk, PartialFile};
use crate::segment::{ISSUER_SEGMENTS, SEGMENT_BYTES};

/// The largest snapshot there can be, bytes: every holder index in use.
pub const SNAPSHOT_BYTES_MAX: u64 =
    (HEADER_BYTES + DIGEST_BYTES) as u64 + (ISSUER_SEGMENTS * (SEGMENT_BYTES + ENTRY_BYTES)) as u64;

/// A file that will be a snapshot once all of it is here. Until [`finish`](Self::finish) returns, its path is as
/// it was; one that is dropped leaves nothing behind. What the bytes say is for [`Snapshot`](super::Snapshot) to
/// see.
#[derive(Debug)]
pub struct ArrivingSnapshot {
    file: PartialFile,
    bytes_max: u64,
}

impl ArrivingSnapshot {
    /// Starts a file beside `path` that only the owner may read. It will take at most `bytes_max` bytes.
    ///
    /// # Errors
    /// [`SnapshotFaultKind::Io`] when the folder is missing or not writable.
    pub fn create(path: impl AsRef<Path>, bytes_max: u64) -> Result<ArrivingSnapshot, SnapshotFault> {
        let path = path.as_ref();
        let file = PartialFile::create(&OsDisk::shared(), path).map_err(|error| {
            SnapshotFault::new(path, SnapshotFaultKind::Io { doing: "start the file beside it", error })
        })?;
        Ok(ArrivingSnapshot { file, bytes_max })
    }

    /// How many bytes are here.
    pub fn bytes(&self) -> u64 {
        self.file.bytes()
    }

    /// The next bytes.
    ///
    /// # Errors
    /// [`SnapshotFaultKind::TooLarge`]; [`SnapshotFaultKind::Io`], when the disk is full, for example.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), SnapshotFault> {
        if self.bytes() + bytes.len() as u64 > self.bytes_max {
            let kind = SnapshotFaultKind::TooLarge { bytes_max: self.bytes_max };
            return Err(SnapshotFault::new(self.file.path(), kind));
        }
        let appended = self.file.append(bytes);
        appended.map_err(|error| self.fault("write the file", error))
    }

    /// Forgets what is here: it will come again from its first byte.
    ///
    /// # Errors
    /// [`SnapshotFaultKind::Io`].
    pub fn restart(&mut self) -> Result<(), SnapshotFault> {
        let cleared = self.file.clear();
        cleared.map_err(|error| self.fault("empty the file", error))
    }

    /// Makes the file durable and puts it in the place of `path`.
    ///
    /// # Errors
    /// [`SnapshotFaultKind::Io`]; `path` is then as it was, except when only the last step failed, making the
    /// folder durable.
    pub fn finish(self) -> Result<(), SnapshotFault> {
        put(self.file)
    }

    fn fault(&self, doing: &'static str, error: io::Error) -> SnapshotFault {
        SnapshotFault::new(self.file.path(), SnapshotFaultKind::Io { doing, error })
    }
}

/// Puts a complete file in its place.
pub(super) fn put(file: PartialFile) -> Result<(), SnapshotFault> {
    let path = file.path().to_owned();
    let doing = "put the new file in its place";
    file.put().map_err(|error| SnapshotFault::new(&path, SnapshotFaultKind::Io { doing, error }))
}

#[cfg(test)]
mod tests {
    use std::fs;

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
}
