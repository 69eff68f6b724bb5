//! A disk that lies: what was written is seen at once, and durable only after a sync.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hufu_records::Folder;
use hufu_table::{Disk, DiskFile, Stamp};

use crate::common::Chance;

/// A disk in memory with one folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct LyingDisk(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    /// Files by their numbers.
    files: Vec<Contents>,
    names: Names,
    /// What names were before each step that is not durable yet, the oldest first.
    names_before: Vec<Names>,
    created: usize,
    /// Operations that still succeed; the one after is cut in the middle, and nothing succeeds any more.
    left: Option<u32>,
    /// What every write, or every sync, answers.
    write_fails: Option<io::ErrorKind>,
    sync_fails: Option<io::ErrorKind>,
    /// Bytes that all files together may have.
    room: Option<usize>,
}

type Names = BTreeMap<PathBuf, usize>;

#[derive(Clone, Debug, Default)]
struct Contents {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<(usize, Vec<u8>)>,
}

/// A file of it.
#[derive(Debug)]
struct LyingFile {
    disk: LyingDisk,
    number: usize,
}

const FOLDER: &str = "/records";

impl LyingDisk {
    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap())
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> Folder {
        Folder::on(Arc::new(self.clone()), Path::new(FOLDER))
    }

    /// The process dies after so many more operations.
    pub(crate) fn die_after(&self, operations: u32) {
        self.state(|state| state.left = Some(operations));
    }

    pub(crate) fn fail_writes(&self, with: Option<io::ErrorKind>) {
        self.state(|state| state.write_fails = with);
    }

    pub(crate) fn fail_syncs(&self, with: Option<io::ErrorKind>) {
        self.state(|state| state.sync_fails = with);
    }

    /// Fills it up to so many bytes that are left.
    pub(crate) fn fill(&self, left: usize) {
        self.state(|state| state.room = Some(state.used() + left));
    }

    /// The disk as the next process finds it.
    pub(crate) fn after_kill(&self) -> LyingDisk {
        let mut state = self.state(|state| state.clone());
        (state.left, state.write_fails, state.sync_fails) = (None, None, None);
        LyingDisk(Arc::new(Mutex::new(state)))
    }

    /// The disk as it is found after a loss of power: of what was not durable, each write happened, did not, or in part,
    /// and names changed up to some step.
    pub(crate) fn after_power_cut(&self, chance: &mut Chance) -> LyingDisk {
        let disk = self.after_kill();
        disk.state(|state| {
            let mut names_before = std::mem::take(&mut state.names_before);
            let kept = chance.below(names_before.len() + 1);
            if kept < names_before.len() {
                state.names = names_before.swap_remove(kept);
            }
            for contents in &mut state.files {
                let mut durable = std::mem::take(&mut contents.durable);
                for (at, bytes) in std::mem::take(&mut contents.pending) {
                    let kept = match chance.below(3) {
                        0 => 0,
                        1 => bytes.len(),
                        _ => chance.below(bytes.len() + 1),
                    };
                    put(&mut durable, at, &bytes[..kept]);
                }
                contents.seen.clone_from(&durable);
                contents.durable = durable;
            }
        });
        disk
    }

    /// Changes a byte that was written.
    pub(crate) fn flip(&self, name: &str, at: usize) {
        self.state(|state| {
            let number = state.names[&path(name)];
            state.files[number].seen[at] ^= 0x40;
        });
    }

    pub(crate) fn names(&self) -> Vec<PathBuf> {
        self.state(|state| state.names.keys().cloned().collect())
    }

    pub(crate) fn contents(&self, name: &str) -> Vec<u8> {
        self.state(|state| state.files[state.names[&path(name)]].seen.clone())
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        self.state(|state| {
            state.files.push(Contents { seen: bytes.to_vec(), durable: bytes.to_vec(), pending: Vec::new() });
            state.names.insert(path(name), state.files.len() - 1);
        });
    }

    pub(crate) fn forget(&self, name: &str) {
        self.state(|state| state.names.remove(&path(name))).unwrap();
    }

    /// Does `work` while no operation on the disk goes on.
    pub(crate) fn while_it_stands_still(&self, work: impl FnOnce()) {
        let held = self.0.lock().unwrap();
        work();
        drop(held);
    }

    pub(crate) fn everything(&self) -> Vec<u8> {
        self.state(|state| {
            state.names.values().flat_map(|number| state.files[*number].seen.clone()).collect()
        })
    }

    fn file(&self, number: usize) -> Box<dyn DiskFile> {
        Box::new(LyingFile { disk: self.clone(), number })
    }

    fn change_names<T>(&self, change: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        self.state(|state| {
            state.operate()?;
            let before = state.names.clone();
            let changed = change(state)?;
            state.names_before.push(before);
            state.alive()?;
            Ok(changed)
        })
    }

    fn create(&self, path: PathBuf) -> io::Result<usize> {
        self.change_names(|state| {
            state.writes()?;
            state.files.push(Contents::default());
            state.names.insert(path, state.files.len() - 1);
            Ok(state.files.len() - 1)
        })
    }
}

impl State {
    fn operate(&mut self) -> io::Result<()> {
        match &mut self.left {
            None => Ok(()),
            Some(0) => Err(dead()),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    /// Whether the operation that goes on is not the last.
    fn alive(&self) -> io::Result<()> {
        if self.left == Some(0) { Err(dead()) } else { Ok(()) }
    }

    fn writes(&self) -> io::Result<()> {
        self.write_fails.map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn syncs(&self) -> io::Result<()> {
        self.sync_fails.map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn used(&self) -> usize {
        self.names.values().map(|number| self.files[*number].seen.len()).sum()
    }
}

fn dead() -> io::Error {
    io::Error::other("the process is dead")
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

fn path(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn put(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    if !new.is_empty() {
        bytes.resize(bytes.len().max(at + new.len()), 0);
        bytes[at..at + new.len()].copy_from_slice(new);
    }
}

impl Disk for LyingDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.state(|state| state.names.get(path).copied()).map(|number| self.file(number)).ok_or_else(missing)
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        match self.open(path) {
            Ok(file) => Ok(file),
            Err(_) => Ok(self.file(self.create(path.to_owned())?)),
        }
    }

    fn create_beside(&self, path: &Path) -> io::Result<(Box<dyn DiskFile>, PathBuf)> {
        let number = self.state(|state| {
            state.created += 1;
            state.created
        });
        let beside = path.with_extension(format!("{number}.partial"));
        Ok((self.file(self.create(beside.clone())?), beside))
    }

    fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        Ok(Stamp { bytes: self.open(path)?.bytes()?, modified: None, file: 0 })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change_names(|state| {
            let number = state.names.remove(from).ok_or_else(missing)?;
            state.names.insert(to.to_owned(), number);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change_names(|state| state.names.remove(path).map(drop).ok_or_else(missing))
    }

    fn list(&self, _folder: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.names())
    }

    fn create_folder(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove_folder(&self, _folder: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        self.state(|state| {
            state.syncs()?;
            state.operate()?;
            state.alive()?;
            state.names_before.clear();
            Ok(())
        })
    }
}

impl DiskFile for LyingFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.disk.state(|state| state.files[self.number].seen.len() as u64))
    }

    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        self.disk.state(|state| {
            let seen = &state.files[self.number].seen;
            let rest = seen.get(usize::try_from(at).unwrap()..).unwrap_or_default();
            let read = rest.len().min(out.len());
            out[..read].copy_from_slice(&rest[..read]);
            Ok(read)
        })
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.state(|state| {
            state.writes()?;
            state.operate()?;
            let alive = state.alive();
            // Who dies while it writes has written a part.
            let written = if alive.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
            let at = usize::try_from(at).unwrap();
            let grows = (at + written.len()).saturating_sub(state.files[self.number].seen.len());
            if state.room.is_some_and(|room| state.used() + grows > room) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let contents = &mut state.files[self.number];
            put(&mut contents.seen, at, written);
            contents.pending.push((at, written.to_vec()));
            alive
        })
    }

    fn set_len(&self, _bytes: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.state(|state| {
            state.syncs()?;
            state.operate()?;
            state.alive()?;
            let contents = &mut state.files[self.number];
            contents.durable.clone_from(&contents.seen);
            contents.pending.clear();
            Ok(())
        })
    }
}
