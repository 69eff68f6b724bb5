//! A disk in memory: what was written is seen at once, and outlives a power cut only after a sync.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hufu_table::{Disk, DiskFile, Stamp};

use crate::chance::Chance;
use crate::fault::{Happened, Kind};

/// One machine's disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<usize, Contents>,
    names: BTreeMap<PathBuf, usize>,
    folders: BTreeSet<PathBuf>,
    /// What a name stood for before each change of names that is not durable yet, the oldest first.
    renamed: Vec<(PathBuf, Option<usize>)>,
    made: usize,
    trouble: Option<Trouble>,
    happened: Happened,
    /// Operations that still succeed; the one after is cut in the middle, and the process is dead then.
    left: Option<u64>,
    is_dead: bool,
}

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Writes and syncs fail; of reads one in so many.
    Errors,
    /// Nothing more fits.
    Full,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Pending>,
}

#[derive(Clone, Debug)]
enum Pending {
    Bytes(usize, Vec<u8>),
    Length(usize),
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    number: usize,
}

impl SimDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As a disk to hand on.
    pub(crate) fn shared(&self) -> Arc<dyn Disk> {
        Arc::new(self.clone())
    }

    /// What is wrong with it from now on.
    pub(crate) fn trouble(&self, trouble: Option<Trouble>) {
        self.state().trouble = trouble;
    }

    /// The process that uses it dies after so many more operations.
    pub(crate) fn die_after(&self, operations: u64) {
        self.state().left = Some(operations);
    }

    /// Whether the process that used it is dead.
    pub(crate) fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    /// The next process finds it so.
    pub(crate) fn after_kill(&self) {
        let mut state = self.state();
        (state.left, state.is_dead) = (None, false);
    }

    /// The next process finds it so after a loss of power: of what was not durable each write happened, did not, or in
    /// part, and names changed up to some step.
    pub(crate) fn after_power_cut(&self, chance: &mut Chance) {
        self.after_kill();
        let mut state = self.state();
        let state = &mut *state;
        let kept = chance.place(state.renamed.len() + 1);
        for (path, before) in state.renamed.drain(..).skip(kept).rev() {
            match before {
                Some(number) => state.names.insert(path, number),
                None => state.names.remove(&path),
            };
        }
        for contents in state.files.values_mut() {
            let mut durable = std::mem::take(&mut contents.durable);
            for pending in contents.pending.drain(..) {
                match pending {
                    Pending::Length(length) if chance.permille(500) => durable.resize(length, 0),
                    Pending::Length(_) => state.happened.count(Kind::LostWrite),
                    Pending::Bytes(at, bytes) => {
                        let kept = match chance.below(3) {
                            0 => 0,
                            1 => bytes.len(),
                            _ => chance.place(bytes.len() + 1),
                        };
                        if kept < bytes.len() {
                            let kind = if kept == 0 { Kind::LostWrite } else { Kind::TornWrite };
                            state.happened.count(kind);
                        }
                        put(&mut durable, at, &bytes[..kept]);
                    }
                }
            }
            contents.seen.clone_from(&durable);
            contents.durable = durable;
        }
        state.drop_unnamed();
    }

    /// Changes a bit of some file below `folder`.
    pub(crate) fn rot(&self, folder: &Path, chance: &mut Chance) {
        let mut state = self.state();
        let named: Vec<usize> = state
            .names
            .iter()
            .filter(|(path, _)| path.starts_with(folder))
            .map(|(_, number)| *number)
            .filter(|number| state.files.get(number).is_some_and(|contents| !contents.seen.is_empty()))
            .collect();
        if named.is_empty() {
            return;
        }
        let number = named[chance.place(named.len())];
        if let Some(contents) = state.files.get_mut(&number) {
            // Where something is written, mostly: the front of a file.
            let end = if chance.permille(700) { contents.seen.len().min(4096) } else { contents.seen.len() };
            let (at, bit) = (chance.place(end), 1 << chance.below(8));
            contents.seen[at] ^= bit;
            if let Some(byte) = contents.durable.get_mut(at) {
                *byte ^= bit;
            }
            state.happened.count(Kind::BitRot);
        }
    }

    /// Puts a copy of everything in `from` of `other` in the place of what is in `to`, as an operator does.
    pub(crate) fn copy_folder(&self, other: &SimDisk, from: &Path, to: &Path) {
        let copied: Vec<(PathBuf, Vec<u8>)> = {
            let other = other.state();
            let inside = other.names.iter().filter_map(|(path, number)| {
                Some((to.join(path.strip_prefix(from).ok()?), other.files.get(number)?.seen.clone()))
            });
            inside.collect()
        };
        let mut state = self.state();
        state.names.retain(|path, _| !path.starts_with(to));
        for (path, bytes) in copied {
            let number = state.new_file();
            state.files.insert(number, Contents { seen: bytes.clone(), durable: bytes, pending: Vec::new() });
            state.names.insert(path, number);
        }
        state.drop_unnamed();
    }

    /// Files below `folder`, and their bytes together.
    pub(crate) fn used(&self, folder: &Path) -> (usize, usize) {
        let state = self.state();
        let inside = state.names.iter().filter(|(path, _)| path.starts_with(folder));
        let sizes = inside.map(|(_, number)| state.files.get(number).map_or(0, |file| file.seen.len()));
        sizes.fold((0, 0), |(files, bytes), size| (files + 1, bytes + size))
    }

    /// What happened to it since this was asked last.
    pub(crate) fn happened(&self) -> Happened {
        std::mem::take(&mut self.state().happened)
    }

    fn file(&self, number: usize) -> Box<dyn DiskFile> {
        Box::new(SimFile { disk: self.clone(), number })
    }
}

impl State {
    /// An operation begins that changes something.
    fn change(&mut self) -> io::Result<()> {
        if self.is_dead {
            return Err(dead());
        }
        match self.trouble {
            Some(Trouble::Errors) => {
                self.happened.count(Kind::DiskError);
                return Err(io::Error::other("simulated: the disk answers with an error"));
            }
            Some(Trouble::Full) | None => {}
        }
        match &mut self.left {
            Some(0) => {
                self.is_dead = true;
                self.happened.count(Kind::Kill);
                Err(dead())
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn room(&mut self) -> io::Result<()> {
        if self.trouble == Some(Trouble::Full) {
            self.happened.count(Kind::DiskFull);
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn new_file(&mut self) -> usize {
        self.made += 1;
        self.made
    }

    fn name(&mut self, path: &Path, number: Option<usize>) {
        let before = match number {
            Some(number) => self.names.insert(path.to_owned(), number),
            None => self.names.remove(path),
        };
        self.renamed.push((path.to_owned(), before));
    }

    /// Forgets files without a name that no sync of a folder can bring back.
    fn drop_unnamed(&mut self) {
        let renamed: BTreeSet<usize> = self.renamed.iter().filter_map(|(_, before)| *before).collect();
        let named: BTreeSet<usize> = self.names.values().copied().collect();
        self.files.retain(|number, _| named.contains(number) || renamed.contains(number));
    }
}

fn dead() -> io::Error {
    io::Error::other("simulated: the process is dead")
}

fn missing() -> io::Error {
    ErrorKind::NotFound.into()
}

fn put(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    if !new.is_empty() {
        bytes.resize(bytes.len().max(at + new.len()), 0);
        bytes[at..at + new.len()].copy_from_slice(new);
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let number = {
            let state = self.state();
            if state.is_dead {
                return Err(dead());
            }
            state.names.get(path).copied()
        };
        number.map(|number| self.file(number)).ok_or_else(missing)
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let number = {
            let mut state = self.state();
            match state.names.get(path) {
                Some(number) => *number,
                None => {
                    state.change()?;
                    state.room()?;
                    let number = state.new_file();
                    state.files.insert(number, Contents::default());
                    state.name(path, Some(number));
                    number
                }
            }
        };
        Ok(self.file(number))
    }

    fn create_beside(&self, path: &Path) -> io::Result<(Box<dyn DiskFile>, PathBuf)> {
        let beside = {
            let made = self.state().made;
            let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?.to_string_lossy().into_owned();
            path.with_file_name(format!(".{name}.{made}.partial"))
        };
        Ok((self.open_to_write(&beside)?, beside))
    }

    fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        let state = self.state();
        let number = *state.names.get(path).ok_or_else(missing)?;
        let bytes = state.files.get(&number).map_or(0, |contents| contents.seen.len() as u64);
        Ok(Stamp { bytes, modified: None, file: number as u64 })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let number = *state.names.get(from).ok_or_else(missing)?;
        state.change()?;
        state.name(from, None);
        state.name(to, Some(number));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !state.names.contains_key(path) {
            return Err(missing());
        }
        state.change()?;
        state.name(path, None);
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.state();
        let inside = state.names.keys().chain(&state.folders).filter(|path| path.parent() == Some(folder));
        Ok(inside.cloned().collect())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !state.folders.contains(folder) {
            state.change()?;
            state.folders.insert(folder.to_owned());
        }
        Ok(())
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        let inside: Vec<PathBuf> =
            state.names.keys().filter(|path| path.starts_with(folder)).cloned().collect();
        for path in inside {
            state.name(&path, None);
        }
        state.folders.retain(|path| !path.starts_with(folder));
        Ok(())
    }

    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        state.renamed.clear();
        state.drop_unnamed();
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn bytes(&self) -> io::Result<u64> {
        let state = self.disk.state();
        Ok(state.files.get(&self.number).map_or(0, |contents| contents.seen.len() as u64))
    }

    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        let state = self.disk.state();
        if state.is_dead {
            return Err(dead());
        }
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let rest =
            state.files.get(&self.number).and_then(|contents| contents.seen.get(at..)).unwrap_or_default();
        let read = rest.len().min(out.len());
        out[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let was_dead = state.is_dead;
        let changed = state.change();
        // Who dies while it writes has written a part.
        let bytes = match &changed {
            Ok(()) => bytes,
            Err(_) if !was_dead && state.is_dead => &bytes[..bytes.len() / 2],
            Err(_) => return changed,
        };
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let grows =
            state.files.get(&self.number).is_some_and(|contents| at + bytes.len() > contents.seen.len());
        if grows {
            state.room()?;
        }
        let contents = state.files.entry(self.number).or_default();
        put(&mut contents.seen, at, bytes);
        contents.pending.push(Pending::Bytes(at, bytes.to_vec()));
        changed
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change()?;
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let contents = state.files.entry(self.number).or_default();
        contents.seen.resize(bytes, 0);
        contents.pending.push(Pending::Length(bytes));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change()?;
        let contents = state.files.entry(self.number).or_default();
        for pending in contents.pending.drain(..) {
            match pending {
                Pending::Bytes(at, bytes) => put(&mut contents.durable, at, &bytes),
                Pending::Length(length) => contents.durable.resize(length, 0),
            }
        }
        Ok(())
    }
}
