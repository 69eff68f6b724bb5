//! The folders that records and keys lie in.

use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hufu_table::{Disk, DiskFile, OsDisk, PartialFile};
use rustix::fs::{FlockOperation, flock};

/// One folder; every name in it is plain, without a path. What is said to be durable survives a loss of power.
#[derive(Clone, Debug)]
pub struct Folder {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// Locked for as long as a copy of this is there.
    _lock: Option<Arc<File>>,
}

impl Folder {
    /// Opens `path`, made if need be (mode 700), for the one process that writes to it.
    ///
    /// # Errors
    /// Another process has it, or the system's error.
    pub fn lock(path: &Path) -> io::Result<Folder> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let lock =
            File::options().read(true).write(true).create(true).truncate(false).open(path.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            io::Error::new(io::ErrorKind::ResourceBusy, "another process writes to this folder")
        })?;
        Ok(Folder { _lock: Some(Arc::new(lock)), ..Folder::on(OsDisk::shared(), path) })
    }

    /// Opens `path` to be read, beside a process that writes.
    ///
    /// # Errors
    /// The system's.
    pub fn read(path: &Path) -> io::Result<Folder> {
        std::fs::read_dir(path)?;
        Ok(Folder::on(OsDisk::shared(), path))
    }

    /// A folder of another disk, such as a simulated one.
    pub fn on(disk: Arc<dyn Disk>, path: &Path) -> Folder {
        Folder { disk, path: path.to_owned(), _lock: None }
    }

    /// The name of every file there is.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        let paths = self.disk.list(&self.path)?;
        let name = |path: &PathBuf| Some(path.file_name()?.to_str()?.to_owned());
        Ok(paths.iter().filter_map(name).collect())
    }

    /// Opens a file to read it.
    pub(crate) fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(&self.path.join(name))
    }

    /// Opens a file that is there to write to it at any place.
    pub(crate) fn open_to_write(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open_to_write(&self.path.join(name))
    }

    /// The whole of a small file.
    pub(crate) fn contents(&self, name: &str) -> io::Result<Vec<u8>> {
        self.disk.read(&self.path.join(name), usize::MAX)
    }

    /// Removes what a process that was killed left half written.
    pub(crate) fn remove_partial(&self) -> io::Result<()> {
        self.names()?.iter().filter(|name| name.ends_with(".partial")).try_for_each(|name| self.remove(name))
    }

    /// A new file of zeros, written and durable, so that a later write changes no metadata.
    pub(crate) fn allocate(&self, name: &str, bytes: u64) -> io::Result<()> {
        let written = self.open_to_write(name).and_then(|file| write_zeros(&*file, bytes));
        if written.is_err() {
            // What is half made only takes room.
            let _ = self.disk.remove(&self.path.join(name));
        }
        written
    }

    /// Gives a file another name, durably.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(&self.path.join(from), &self.path.join(to))?;
        self.disk.sync_folder(&self.path)
    }

    /// Removes a file, durably.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(&self.path.join(name))?;
        self.disk.sync_folder(&self.path)
    }

    /// Writes a whole small file in the place of the one there, durably, all or nothing.
    pub(crate) fn replace(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        PartialFile::write(&self.disk, &self.path.join(name), contents)
    }
}

fn write_zeros(file: &dyn DiskFile, bytes: u64) -> io::Result<()> {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
    let mut at = 0;
    while at < bytes {
        let part = usize::try_from(bytes - at).unwrap_or(usize::MAX).min(ZEROS.len());
        file.write_at(&ZEROS[..part], at)?;
        at += part as u64;
    }
    file.sync()
}
