//! Files and folders, for whatever must outlive a restart.

#![expect(clippy::missing_errors_doc, reason = "every error here is the disk's, which each type says once")]

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Where files are kept. [`OsDisk`] is this machine's; a simulation can hand in one that loses what was not synced.
/// Every error is the disk's.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Opens a file to read it. Refuses what is not a regular file, because opening a pipe would wait.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file to write to it and read it, with what it holds already. A new one can be read by its owner only.
    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// A new file beside `path` that only its owner can read, and its name, which is unique and ends with `.partial`.
    fn create_beside(&self, path: &Path) -> io::Result<(Box<dyn DiskFile>, PathBuf)>;

    /// How a regular file looks from outside.
    fn stamp(&self, path: &Path) -> io::Result<Stamp>;

    /// Gives a file another name, in the place of what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The paths of everything in a folder, in no order.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;

    /// Creates a folder, and those above it, unless it is there.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Removes a folder with everything in it, if it is there.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;

    /// Waits until the names in a folder are on the disk.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// The first `bytes_max` bytes of a file, or all of it.
    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        let file = self.open(path)?;
        let mut bytes = vec![0; usize::try_from(file.bytes()?).unwrap_or(usize::MAX).min(bytes_max)];
        let filled = file.read_at(&mut bytes, 0)?;
        bytes.truncate(filled);
        Ok(bytes)
    }
}

/// An open file of a [`Disk`]. Every error is the disk's.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// How long it is.
    fn bytes(&self) -> io::Result<u64>;

    /// Fills `out` with what is at `at`; how much of it there was to read.
    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `at`.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Cuts it off, or extends it with zeroes.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Waits until everything in it is on the disk, and its length.
    fn sync(&self) -> io::Result<()>;

    /// It will be read from its first byte to its last. Only speed depends on it.
    fn will_be_read_in_order(&self) {}

    /// This part will not be read again. Only the memory of the cache depends on it.
    fn is_done_with(&self, _at: u64, _bytes: u64) {}
}

/// How a file looks from outside: a file that is written again looks different, unless that happens within one tick of
/// the file system's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its length.
    pub bytes: u64,
    /// When it was written, if the system knows.
    pub modified: Option<SystemTime>,
    /// Its number in the file system.
    pub file: u64,
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug)]
pub struct OsDisk;

impl OsDisk {
    /// As a disk to hand on.
    pub fn shared() -> Arc<dyn Disk> {
        Arc::new(OsDisk)
    }
}

/// Only the engine needs to know who is red.
const OWNER_ONLY: u32 = 0o600;

impl Disk for OsDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        regular(path)?;
        Ok(Box::new(File::open(path)?))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).mode(OWNER_ONLY).open(path)?;
        Ok(Box::new(file))
    }

    fn create_beside(&self, path: &Path) -> io::Result<(Box<dyn DiskFile>, PathBuf)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
        let prefix = format!(".{name}.");
        let file =
            tempfile::Builder::new().prefix(&prefix).suffix(".partial").tempfile_in(folder_of(path))?;
        let (file, path) = file.keep().map_err(|fault| fault.error)?;
        Ok((Box::new(file), path))
    }

    fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        let metadata = regular(path)?;
        Ok(Stamp { bytes: metadata.len(), modified: metadata.modified().ok(), file: metadata.ino() })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

impl DiskFile for File {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < out.len() {
            match std::os::unix::fs::FileExt::read_at(self, &mut out[filled..], at + filled as u64) {
                Ok(0) => break,
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    #[cfg(target_os = "linux")]
    fn will_be_read_in_order(&self) {
        let _ = rustix::fs::fadvise(self, 0, None, rustix::fs::Advice::Sequential);
    }

    #[cfg(target_os = "linux")]
    fn is_done_with(&self, at: u64, bytes: u64) {
        let _ = rustix::fs::fadvise(self, at, core::num::NonZero::new(bytes), rustix::fs::Advice::DontNeed);
    }
}

fn regular(path: &Path) -> io::Result<Metadata> {
    let metadata = fs::metadata(path)?;
    if metadata.is_file() { Ok(metadata) } else { Err(io::Error::other("not a regular file")) }
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that takes its place whole or not at all: on the disk before it has its name, and its name on the disk before
/// [`put`](Self::put) returns. One that is dropped leaves nothing behind. Every error is the disk's.
#[derive(Debug)]
pub struct PartialFile {
    disk: Arc<dyn Disk>,
    file: Box<dyn DiskFile>,
    /// Its name until it has its place.
    beside: PathBuf,
    path: PathBuf,
    bytes: u64,
}

impl PartialFile {
    /// A new file beside `path`.
    pub fn create(disk: &Arc<dyn Disk>, path: &Path) -> io::Result<PartialFile> {
        let (file, beside) = disk.create_beside(path)?;
        Ok(PartialFile { disk: Arc::clone(disk), file, beside, path: path.to_owned(), bytes: 0 })
    }

    /// The path that it will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes were appended.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends to it.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(bytes, self.bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Writes over its beginning.
    pub fn begin_with(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(bytes, 0)
    }

    /// Forgets what was appended.
    pub fn clear(&mut self) -> io::Result<()> {
        self.bytes = 0;
        self.file.set_len(0)
    }

    /// Makes it durable and puts it in the place of its path. After an error the path is as it was, except when only
    /// the last step failed, making the folder durable: the new file might not survive a power cut then.
    pub fn put(self) -> io::Result<()> {
        self.file.sync()?;
        self.disk.rename(&self.beside, &self.path)?;
        self.disk.sync_folder(folder_of(&self.path))
    }

    /// One that holds `bytes`, in its place.
    pub fn write(disk: &Arc<dyn Disk>, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = PartialFile::create(disk, path)?;
        file.append(bytes)?;
        file.put()
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // In its place it has this name no longer.
        let _ = self.disk.remove(&self.beside);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;

    #[test]
    fn what_cannot_be_made_durable_is_told() {
        // A pipe takes bytes and has no disk: waiting for one fails.
        let (reader, _writer) = io::pipe().expect("a pipe");
        assert!(File::from(OwnedFd::from(reader)).sync().is_err());
    }
}
