//! What an engine must remember through a restart: nothing revoked comes back and no status goes back, however
//! old the files are that somebody puts in its way (R22, R43).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use hufu_codes::ed25519::PreparedKey;
use hufu_codes::keyring::Keyring;
use hufu_wire::{DeviceGeneration, DeviceId, IssuerId, Sequence};
use serde::{Deserialize, Serialize};

use crate::files::{self, Readable};

/// The state folder, locked for this process.
pub(super) struct State {
    folder: PathBuf,
    memory: RefCell<Memory>,
    /// Held by the one engine that may write here; without it nothing is written.
    lock: Option<File>,
}

/// What fits a small file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    /// The last sequence applied of each issuer.
    sequences: BTreeMap<u32, u64>,
    /// The highest revoked generation of each device.
    revoked: BTreeMap<u32, u32>,
}

const MEMORY: &str = "memory.json";
const KEYRING: &str = "keyring.state";
const LOCK: &str = "lock";

impl State {
    /// Opens the folder, makes it if need be, and locks it.
    pub(super) fn open(folder: &Path) -> anyhow::Result<State> {
        super::make_private(folder)?;
        let lock = File::create(folder.join(LOCK))
            .with_context(|| format!("cannot write in the state folder {}", folder.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another engine uses the state folder {}; give each its own", folder.display())
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", folder.display()));
            }
        }
        State::read(folder, Some(lock))
    }

    /// Opens the folder to look at, whether or not it is there and in use.
    pub(super) fn look(folder: &Path) -> anyhow::Result<State> {
        State::read(folder, None)
    }

    fn read(folder: &Path, lock: Option<File>) -> anyhow::Result<State> {
        let path = folder.join(MEMORY);
        let memory = match read_if_there(&path)? {
            // Starting without it would forget revocations.
            Some(bytes) => serde_json::from_slice(&bytes).with_context(|| damaged(&path))?,
            None => Memory::default(),
        };
        Ok(State { folder: folder.to_owned(), memory: RefCell::new(memory), lock })
    }

    /// The last sequence of an issuer that was applied.
    pub(super) fn sequence(&self, issuer: IssuerId) -> Sequence {
        Sequence(self.memory.borrow().sequences.get(&issuer.0).copied().unwrap_or(0))
    }

    /// Remembers that an issuer is at `sequence`.
    pub(super) fn remember_sequence(&self, issuer: IssuerId, sequence: Sequence) {
        self.change(|memory| {
            let held = memory.sequences.entry(issuer.0).or_default();
            *held = sequence.0.max(*held);
        });
    }

    /// Remembers revoked devices, and returns all that ever were.
    pub(super) fn remember_revoked(
        &self,
        revoked: &[(DeviceId, DeviceGeneration)],
    ) -> Vec<(DeviceId, DeviceGeneration)> {
        self.change(|memory| {
            for (device, generation) in revoked {
                let held = memory.revoked.entry(device.0).or_insert(generation.0);
                *held = generation.0.max(*held);
            }
        });
        let all = self.memory.borrow();
        all.revoked
            .iter()
            .map(|(device, generation)| (DeviceId(*device), DeviceGeneration(*generation)))
            .collect()
    }

    /// The keyring that was in force last; an empty one the first time.
    pub(super) fn keyring(&self, operator: &PreparedKey) -> anyhow::Result<Keyring> {
        let path = self.folder.join(KEYRING);
        match read_if_there(&path)? {
            Some(bytes) => Keyring::from_state(&bytes, operator).with_context(|| damaged(&path)),
            None => Ok(Keyring::empty()),
        }
    }

    /// Remembers a keyring.
    pub(super) fn remember_keyring(&self, keyring: &Keyring) {
        self.write(KEYRING, || Ok(keyring.to_state()));
    }

    fn change(&self, change: impl FnOnce(&mut Memory)) {
        let before = self.memory.borrow().clone();
        let mut memory = self.memory.borrow_mut();
        change(&mut memory);
        if *memory != before {
            self.write(MEMORY, || Ok(serde_json::to_vec_pretty(&*memory)?));
        }
    }

    /// Writes one file. A disk that is full must not keep a revocation from coming into force, so this is told
    /// in the log and stops nothing.
    fn write(&self, name: &str, bytes: impl FnOnce() -> anyhow::Result<Vec<u8>>) {
        if self.lock.is_none() {
            return;
        }
        let path = self.folder.join(name);
        if let Err(error) = bytes().and_then(|bytes| files::replace(&path, &bytes, Readable::Owner)) {
            tracing::error!("what is in force now would be forgotten by a restart: {error:#}");
        }
    }
}

fn read_if_there(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn damaged(path: &Path) -> String {
    format!(
        "{} is damaged; restore it, or remove the state folder if revocations may be forgotten",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r22_what_was_applied_and_revoked_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let device = |id, generation| (DeviceId(id), DeviceGeneration(generation));
        {
            let state = State::open(folder.path()).unwrap();
            state.remember_sequence(IssuerId(1), Sequence(9));
            state.remember_sequence(IssuerId(1), Sequence(3));
            state.remember_revoked(&[device(7, 2), device(7, 1)]);
            assert!(State::open(folder.path()).is_err(), "one engine a folder");
        }
        let state = State::open(folder.path()).unwrap();
        assert_eq!(state.sequence(IssuerId(1)), Sequence(9));
        assert_eq!(state.sequence(IssuerId(2)), Sequence(0));
        assert_eq!(state.remember_revoked(&[]), [device(7, 2)]);
    }

    #[test]
    fn a_damaged_memory_is_no_memory_and_no_start() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(MEMORY), "{").unwrap();
        let error = State::open(folder.path()).err().unwrap();
        assert!(format!("{error:#}").contains("damaged"), "{error:#}");
    }
}
