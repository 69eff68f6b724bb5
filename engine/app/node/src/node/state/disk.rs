//! How the engine's memory is kept: two files in a folder that one process has to itself.
//!
//! A disk that is full must not keep a revocation from coming into force. So what cannot be written is told in the
//! log, stops nothing, and is tried again.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use hufu_files::{self as files, Readable};

use super::memory::Memory;
use crate::cluster;

/// The state folder, and what is not in it yet.
pub(super) struct Disk {
    folder: PathBuf,
    /// Held by the one engine that may write here; without it nothing is written.
    lock: Option<File>,
    memory_unwritten: bool,
    /// A keyring, and the operator's public key that its list is signed with.
    keyring_unwritten: Option<(Vec<u8>, String)>,
    /// The last error of writing: it is tried every second and told when it changes.
    told: Option<String>,
}

pub(super) const MEMORY: &str = "memory.json";
pub(super) const KEYRING: &str = "keyring.state";
const LOCK: &str = "lock";

impl Disk {
    /// Makes the folder if need be, keeps it private and locks it. A first start is told and written down.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Disk> {
        make_private(folder)?;
        let disk = Disk { lock: Some(lock(folder)?), ..Disk::look(folder) };
        disk.remove_leftovers();
        let path = disk.path(MEMORY);
        if !path.exists() && !disk.path(KEYRING).exists() {
            tracing::warn!(
                "{} remembers nothing: a first start. Revocations and sequences count from the files of now",
                folder.display()
            );
            // Before anything else is kept: from here on a memory that is missing has been lost.
            files::replace(&path, &Memory::default().to_bytes()?, Readable::Owner)?;
        }
        Ok(disk)
    }

    /// The folder to look at.
    pub(super) fn look(folder: &Path) -> Disk {
        Disk {
            folder: folder.to_owned(),
            lock: None,
            memory_unwritten: false,
            keyring_unwritten: None,
            told: None,
        }
    }

    /// The file that the engine which runs on the folder holds locked.
    pub(super) fn lock_path(&self) -> PathBuf {
        self.path(LOCK)
    }

    /// Removes what was left of files that were being written when an engine was killed, cluster keys above all. What stays is
    /// told and stops nothing.
    fn remove_leftovers(&self) {
        let own = [MEMORY, KEYRING].map(|name| files::remove_leftovers(&self.path(name)));
        let cluster = cluster::remove_leftovers(&self.folder);
        for error in own.into_iter().chain([cluster]).filter_map(Result::err) {
            tracing::error!("{error:#}");
        }
    }

    /// What was remembered.
    ///
    /// # Errors
    /// It is damaged, or one of the two files is there and the other is not.
    pub(super) fn memory(&self) -> anyhow::Result<Memory> {
        let [memory_path, keyring_path] = [MEMORY, KEYRING].map(|name| self.path(name));
        let has_keyring = keyring_path.exists();
        let memory = match read_if_there(&memory_path)? {
            // Starting without it would forget revocations.
            Some(bytes) => Memory::from_bytes(&bytes).with_context(|| damaged(&memory_path))?,
            None if has_keyring => bail!(lost(&memory_path)),
            None => Memory::default(),
        };
        // The keyring is kept before anything is remembered.
        ensure!(has_keyring || memory == Memory::default(), lost(&keyring_path));
        Ok(memory)
    }

    /// The bytes of the keyring that was kept, and where they are.
    pub(super) fn keyring(&self) -> anyhow::Result<Option<(PathBuf, Vec<u8>)>> {
        let path = self.path(KEYRING);
        Ok(read_if_there(&path)?.map(|bytes| (path, bytes)))
    }

    /// The memory is to be written.
    pub(super) fn keep_memory(&mut self) {
        self.memory_unwritten = true;
    }

    /// A keyring is to be written, and then the operator's public key that opens it.
    pub(super) fn keep_keyring(&mut self, bytes: Vec<u8>, operator: String) {
        self.keyring_unwritten = Some((bytes, operator));
    }

    /// Writes what is not in the folder yet.
    pub(super) fn write(&mut self, memory: &mut Memory) {
        if self.lock.is_none() {
            return;
        }
        let written = self.write_keyring(memory).and(self.write_memory(memory));
        let error = written.err().map(|error| format!("{error:#}"));
        if let Some(error) = error.as_ref().filter(|error| self.told.as_ref() != Some(error)) {
            tracing::error!("the current state would be lost at a restart: {error}");
        }
        if error.is_none() && self.told.is_some() {
            tracing::info!("the current state is saved again");
        }
        self.told = error;
    }

    fn write_keyring(&mut self, memory: &mut Memory) -> anyhow::Result<()> {
        if let Some((bytes, operator)) = &self.keyring_unwritten {
            files::replace(&self.path(KEYRING), bytes, Readable::Owner)?;
            // Only now: the earlier operator's key opens the earlier keyring.
            let operator = Some(operator.clone());
            self.memory_unwritten |= memory.operator != operator;
            memory.operator = operator;
            self.keyring_unwritten = None;
        }
        Ok(())
    }

    fn write_memory(&mut self, memory: &Memory) -> anyhow::Result<()> {
        if self.memory_unwritten {
            files::replace(&self.path(MEMORY), &memory.to_bytes()?, Readable::Owner)?;
            self.memory_unwritten = false;
        }
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The folder of the engine's memory is its own.
fn make_private(folder: &Path) -> anyhow::Result<()> {
    files::folder(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))
        .with_context(|| format!("cannot keep {} private", folder.display()))
}

fn lock(folder: &Path) -> anyhow::Result<File> {
    let lock = File::create(folder.join(LOCK))
        .with_context(|| format!("cannot write in the state folder {}", folder.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            bail!("another process uses the state folder {}; give each its own", folder.display())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", folder.display()))
        }
    }
}

fn read_if_there(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// What to do about a file that is not what was written.
pub(super) fn damaged(path: &Path) -> String {
    format!(
        "{} is damaged; restore it, or remove the state folder if revocations may be forgotten",
        path.display()
    )
}

fn lost(path: &Path) -> String {
    format!(
        "{} is missing, though this engine has run before; restore it, or remove the state folder if revocations \
         may be forgotten",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_written_is_written_later() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = Disk::open(folder.path()).unwrap();
        assert!(Disk::open(folder.path()).is_err(), "one engine a folder");
        // A name that a folder has cannot be replaced by a file, not even by root.
        let path = folder.path().join(MEMORY);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let mut memory = Memory::default();
        memory.revoked.insert(7, 0);
        disk.keep_memory();
        disk.write(&mut memory);
        assert!(path.is_dir());
        fs::remove_dir(&path).unwrap();
        disk.write(&mut memory);
        assert_eq!(Memory::from_bytes(&fs::read(path).unwrap()).unwrap(), memory);
    }

    #[test]
    fn whoever_looks_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = Disk::look(folder.path());
        disk.keep_memory();
        disk.write(&mut Memory::default());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
