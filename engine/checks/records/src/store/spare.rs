//! A file of a segment's size that waits for its use, so that no record waits until one is written.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crate::disk::Folder;

/// The spare segment of a folder of records. It is made ahead by another thread than the one that writes records.
pub(crate) struct Spare {
    folder: Folder,
    bytes: u64,
    /// Whether it is there.
    there: Mutex<bool>,
}

const SPARE: &str = "spare.rec";
const IN_WORK: &str = "spare.new";

impl Spare {
    /// That of `folder`, where segments have so many bytes.
    pub(super) fn of(folder: Folder, bytes: u64) -> io::Result<Spare> {
        let there = match folder.open(SPARE) {
            Ok(file) => file.bytes()? == bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        Ok(Spare { folder, bytes, there: Mutex::new(there) })
    }

    /// Whether none is there and none is being made.
    pub(crate) fn is_missing(&self) -> bool {
        match self.there.try_lock() {
            Ok(there) => !*there,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Poisoned(there)) => !*there.into_inner(),
        }
    }

    /// Makes one, unless one is there.
    ///
    /// # Errors
    /// The disk's; it may be called again.
    pub(crate) fn make(&self) -> io::Result<()> {
        self.make_locked(&mut self.lock())
    }

    /// Gives it the name `to`; makes one before, or waits for the one that is being made, if need be.
    ///
    /// # Errors
    /// The disk's; `to` may be there or not.
    pub(super) fn take(&self, to: &str) -> io::Result<()> {
        let mut there = self.lock();
        self.make_locked(&mut there)?;
        *there = false;
        self.folder.rename(SPARE, to)
    }

    /// Uses the file `name` as the spare one, or removes it if one is there.
    ///
    /// # Errors
    /// The disk's; it may be called again.
    pub(super) fn give(&self, name: &str) -> io::Result<()> {
        let mut there = self.lock();
        if *there || self.folder.open(name)?.bytes()? != self.bytes {
            return self.folder.remove(name);
        }
        self.folder.rename(name, SPARE)?;
        *there = true;
        Ok(())
    }

    fn make_locked(&self, there: &mut bool) -> io::Result<()> {
        if !*there {
            // Under its name only once it is whole.
            self.folder.allocate(IN_WORK, self.bytes)?;
            self.folder.rename(IN_WORK, SPARE)?;
            *there = true;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
