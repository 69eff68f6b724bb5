//! The disk of this machine, and what was done to it.

#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hufu_table::{Disk, DiskFile, OsDisk, Stamp};

/// A change of the disk, or a wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes of a file were written, however often.
    Written,
    /// A file was synced.
    Synced,
    /// A folder was.
    Folder,
    /// A file got a name that ends like this.
    Named(String),
}

/// A disk that notes its steps.
#[derive(Clone, Debug, Default)]
pub struct Recorded(Arc<Mutex<Vec<Step>>>);

#[derive(Debug)]
struct RecordedFile(Box<dyn DiskFile>, Recorded);

/// A file got the name `ending`.
pub fn named(ending: &str) -> Step {
    Step::Named(ending.to_owned())
}

impl Recorded {
    pub fn shared(&self) -> Arc<dyn Disk> {
        Arc::new(self.clone())
    }

    /// What was done since it was asked last.
    pub fn steps(&self) -> Vec<Step> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn note(&self, step: Step) {
        let mut steps = self.0.lock().unwrap();
        if steps.last() != Some(&Step::Written) || step != Step::Written {
            steps.push(step);
        }
    }
}

impl Disk for Recorded {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RecordedFile(OsDisk.open(path)?, self.clone())))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RecordedFile(OsDisk.open_to_write(path)?, self.clone())))
    }

    fn create_beside(&self, path: &Path) -> io::Result<(Box<dyn DiskFile>, PathBuf)> {
        let (file, path) = OsDisk.create_beside(path)?;
        Ok((Box::new(RecordedFile(file, self.clone())), path))
    }

    fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        OsDisk.stamp(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename(from, to)?;
        self.note(named(&to.extension().unwrap_or_default().to_string_lossy()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        OsDisk.list(folder)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        OsDisk.create_folder(folder)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        OsDisk.remove_folder(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.note(Step::Folder);
        OsDisk.sync_folder(folder)
    }
}

impl DiskFile for RecordedFile {
    fn bytes(&self) -> io::Result<u64> {
        self.0.bytes()
    }

    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(out, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.1.note(Step::Written);
        self.0.write_at(bytes, at)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.1.note(Step::Written);
        self.0.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.1.note(Step::Synced);
        self.0.sync()
    }
}
