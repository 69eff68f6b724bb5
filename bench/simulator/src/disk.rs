//! A disk in memory: what was written is seen at once, and outlives a power cut only after a sync.

mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hufu_table::{Disk, DiskFile};

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
    looks: u64,
    happened: Happened,
    /// Operations that still succeed; the one after is cut in the middle, and the process is dead then.
    left: Option<u64>,
    is_dead: bool,
}

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Writes and syncs fail, and one read in eight.
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

    /// What is wrong with it from now on, and what was.
    pub(crate) fn trouble(&self, trouble: Option<Trouble>) -> Option<Trouble> {
        std::mem::replace(&mut self.state().trouble, trouble)
    }

    /// Whether something is wrong with it now.
    pub(crate) fn is_in_trouble(&self) -> bool {
        self.state().trouble.is_some()
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

    /// Removes everything below `folder`, as an operator does.
    pub(crate) fn forget(&self, folder: &Path) {
        let mut state = self.state();
        state.names.retain(|path, _| !path.starts_with(folder));
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
    /// An operation begins that reads something.
    fn look(&mut self) -> io::Result<()> {
        if self.is_dead {
            return Err(dead());
        }
        self.looks += 1;
        if self.trouble == Some(Trouble::Errors) && self.looks.is_multiple_of(8) {
            self.happened.count(Kind::DiskError);
            return Err(broken());
        }
        Ok(())
    }

    /// An operation begins that changes something.
    fn change(&mut self) -> io::Result<()> {
        if self.is_dead {
            return Err(dead());
        }
        if self.trouble == Some(Trouble::Errors) {
            self.happened.count(Kind::DiskError);
            return Err(broken());
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

fn broken() -> io::Error {
    io::Error::other("simulated: the disk answers with an error")
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
