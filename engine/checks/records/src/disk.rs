//! What records need of a disk, so that tests can have one that lies.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// One folder. Names are plain, without a path. What returns without an error has happened; what is said to be
/// durable survives power.
pub trait Disk: Send + 'static {
    /// An open file of it.
    type File: DiskFile;

    /// Every file there is.
    ///
    /// # Errors
    /// The disk's.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Opens a file to be written at any place.
    ///
    /// # Errors
    /// The disk's; the file must be there.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// A new file of zeros, allocated and durable, so that a later write changes no metadata.
    ///
    /// # Errors
    /// The disk's; nothing is left then.
    fn allocate(&self, name: &str, bytes: u64) -> io::Result<()>;

    /// Renames a file, durably.
    ///
    /// # Errors
    /// The disk's.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file, durably.
    ///
    /// # Errors
    /// The disk's.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Writes a whole small file in place of the one there, durably, all or nothing.
    ///
    /// # Errors
    /// The disk's.
    fn replace(&self, name: &str, contents: &[u8]) -> io::Result<()>;
}

/// An open file.
pub trait DiskFile: Send {
    /// Writes all of it, from `at` on.
    ///
    /// # Errors
    /// The disk's; any part may be written then.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// The disk's; nothing is known then of what was written since the last time.
    fn sync(&self) -> io::Result<()>;

    /// Reads up to `bytes.len()` bytes from `at` on, fewer only at the end.
    ///
    /// # Errors
    /// The disk's.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;

    /// Bytes of the file.
    ///
    /// # Errors
    /// The disk's.
    fn size(&self) -> io::Result<u64>;
}

/// A folder of the file system, held by one process at a time.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Locked for as long as it is open.
    lock: Option<File>,
}

impl Folder {
    /// Opens `path`, made if need be (mode 700), for writing.
    ///
    /// # Errors
    /// Another process has it, or the system's error.
    pub fn lock(path: &Path) -> io::Result<Folder> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let lock = private().create(true).truncate(false).open(path.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            io::Error::new(io::ErrorKind::ResourceBusy, "another process writes to this folder")
        })?;
        Ok(Folder { path: path.to_owned(), lock: Some(lock) })
    }

    /// Opens `path` to be read, beside a process that writes.
    ///
    /// # Errors
    /// The system's.
    pub fn read(path: &Path) -> io::Result<Folder> {
        std::fs::read_dir(path)?;
        Ok(Folder { path: path.to_owned(), lock: None })
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// How files are opened that other users have no business with.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

impl Disk for Folder {
    type File = File;

    fn names(&self) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(Result::transpose).collect()
    }

    fn open(&self, name: &str) -> io::Result<File> {
        let path = self.path.join(name);
        match &self.lock {
            Some(_) => private().open(path),
            None => File::open(path),
        }
    }

    fn allocate(&self, name: &str, bytes: u64) -> io::Result<()> {
        static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
        let path = self.path.join(name);
        let made = private().create(true).truncate(true).open(&path).and_then(|mut file| {
            let mut left = bytes;
            while left > 0 {
                let part = &ZEROS[..usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len())];
                file.write_all(part)?;
                left -= part.len() as u64;
            }
            file.sync_all()?;
            self.sync_names()
        });
        if made.is_err() {
            // What is half made only takes room.
            let _ = std::fs::remove_file(&path);
        }
        made
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))?;
        self.sync_names()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))?;
        self.sync_names()
    }

    fn replace(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let new = self.path.join(format!("{name}.new"));
        let mut file = private().create(true).truncate(true).open(&new)?;
        file.write_all(contents)?;
        file.sync_all()?;
        std::fs::rename(new, self.path.join(name))?;
        self.sync_names()
    }
}

impl DiskFile for File {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let mut read = 0;
        while read < bytes.len() {
            match std::os::unix::fs::FileExt::read_at(self, &mut bytes[read..], at + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

/// The whole of a small file.
///
/// # Errors
/// The disk's.
pub(crate) fn read_whole<D: Disk>(disk: &D, name: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(name)?;
    let mut bytes = vec![0; usize::try_from(file.size()?).unwrap_or(usize::MAX)];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}
