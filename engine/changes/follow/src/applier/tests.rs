//! A disk in memory whose power can be cut: what was not synced is lost.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use hufu_codes::chain::Tip;
use hufu_table::{DiskFile, Reader, Stamp, Table};
use hufu_wire::chain::Change;
use hufu_wire::{Colour, HolderIndex, StatusWord};

use super::*;
use crate::chain::{ISSUER, Link, Words, authorities, keyring, later, next, table};
use crate::copies::{CopyJob, CopyOutcome};
use crate::warm::copy;

#[derive(Clone, Debug, Default)]
struct MemoryDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<PathBuf, MemoryFile>,
    /// The names that were synced.
    durable: BTreeMap<PathBuf, MemoryFile>,
    /// How many more steps it takes, if that is bounded.
    steps: Option<u32>,
    created: u32,
}

#[derive(Clone, Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    bytes: Arc<Mutex<Vec<u8>>>,
    synced: Arc<Mutex<Vec<u8>>>,
}

impl MemoryDisk {
    /// The power fails after so many more steps.
    fn fails_after(&self, steps: u32) {
        self.0.lock().unwrap().steps = Some(steps);
    }

    /// The power is cut and comes back.
    fn cut_power(&self) {
        let mut state = self.0.lock().unwrap();
        state.names = state.durable.clone();
        for file in state.names.values() {
            file.bytes.lock().unwrap().clone_from(&file.synced.lock().unwrap());
        }
        state.steps = None;
    }

    fn step<T>(&self, work: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.0.lock().unwrap();
        match &mut state.steps {
            Some(0) => return Err(io::Error::other("no power")),
            Some(steps) => *steps -= 1,
            None => {}
        }
        work(&mut state)
    }

    fn find(&self, path: &Path) -> io::Result<MemoryFile> {
        self.0.lock().unwrap().names.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn new_file(&self, path: &Path) -> io::Result<MemoryFile> {
        self.step(|state| {
            let file = MemoryFile { disk: self.clone(), bytes: Arc::default(), synced: Arc::default() };
            state.names.insert(path.to_owned(), file.clone());
            Ok(file)
        })
    }
}

impl Disk for MemoryDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(self.find(path)?))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(self.find(path).or_else(|_| self.new_file(path))?))
    }

    fn create_beside(&self, path: &Path) -> io::Result<(Box<dyn DiskFile>, PathBuf)> {
        self.0.lock().unwrap().created += 1;
        let number = self.0.lock().unwrap().created;
        let beside = path.with_extension(format!("{number}.partial"));
        Ok((Box::new(self.new_file(&beside)?), beside))
    }

    fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        Ok(Stamp { bytes: self.find(path)?.bytes()?, modified: None, file: 0 })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|state| {
            let file = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            state.names.insert(to.to_owned(), file);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(|state| state.names.remove(path).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into()))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.0.lock().unwrap();
        Ok(state.names.keys().filter(|path| path.parent() == Some(folder)).cloned().collect())
    }

    fn create_folder(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(|state| {
            state.names.retain(|path, _| !path.starts_with(folder));
            Ok(())
        })
    }

    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        self.step(|state| {
            state.durable.clone_from(&state.names);
            Ok(())
        })
    }
}

impl DiskFile for MemoryFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        let bytes = self.bytes.lock().unwrap();
        let there = bytes.get(usize::try_from(at).unwrap()..).unwrap_or_default();
        let filled = there.len().min(out.len());
        out[..filled].copy_from_slice(&there[..filled]);
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.step(|_| {
            let (at, mut held) = (usize::try_from(at).unwrap(), self.bytes.lock().unwrap());
            let end = held.len().max(at + bytes.len());
            held.resize(end, 0);
            held[at..at + bytes.len()].copy_from_slice(bytes);
            Ok(())
        })
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.disk.step(|_| {
            self.bytes.lock().unwrap().resize(usize::try_from(bytes).unwrap(), 0);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.step(|_| {
            self.synced.lock().unwrap().clone_from(&self.bytes.lock().unwrap());
            Ok(())
        })
    }
}

fn sets(count: u32) -> Vec<Link> {
    let (mut tip, mut words, mut links) = (Tip::START, Words::new(), Vec::new());
    for holder in 0..count {
        let link = next(&tip, &words, &[(holder, Change::Status(StatusWord::new(Colour::Red, 0)))]);
        (tip, words) = (link.tip, link.words.clone());
        links.push(link);
    }
    links
}

/// An engine that has just been started on this disk.
fn started(disk: &MemoryDisk) -> (Table, Applier, Tally) {
    let table = table();
    let disk = (Arc::new(disk.clone()) as Arc<dyn Disk>, Path::new("/state/110000"));
    let writer = table.writer(ISSUER).unwrap();
    let (applier, _, tally) = Applier::restore(writer, authorities(), disk, keyring(), later()).unwrap();
    (table, applier, tally)
}

fn apply(applier: &mut Applier, links: &[Link]) {
    for link in links {
        let set = Delivery::ChangeSet(link.bytes.clone().into());
        let event = applier.take(&set, keyring(), later());
        assert!(matches!(event, Event::Set { answer: Ok(_), tail: Ok(()), .. }), "{event:?}");
    }
}

/// As the machine has it done.
fn warm_copy(applier: &mut Applier, reader: &Reader) -> CopyOutcome {
    applier.begin_tail(applier.tip().sequence);
    copy(&CopyJob::Write(applier.warm()), &applier.folder, reader, &AtomicBool::new(false))
}

#[test]
fn r22_a_power_cut_at_any_step_of_a_warm_copy_leaves_the_old_one_or_the_new_one() {
    let links = sets(4);
    let mut before = 0;
    for steps in 0.. {
        let disk = MemoryDisk::default();
        let (table, mut applier, _) = started(&disk);
        apply(&mut applier, &links[..2]);
        assert!(matches!(warm_copy(&mut applier, &table.reader()), CopyOutcome::Kept(_)));
        apply(&mut applier, &links[2..]);
        disk.fails_after(steps);
        let outcome = warm_copy(&mut applier, &table.reader());
        disk.cut_power();

        let (table, applier, tally) = started(&disk);
        let sequence = applier.tip().sequence.0;
        assert_eq!(tally.warm_refused, 0, "after {steps} steps");
        assert!([2, 4].contains(&sequence) && sequence >= before, "{sequence} after {steps} steps");
        let reader = table.reader();
        for (holder, word) in &links[usize::try_from(sequence).unwrap() - 1].words {
            assert_eq!(reader.lookup(reader.slot(ISSUER).unwrap(), HolderIndex(*holder)), *word);
        }
        before = sequence;
        if matches!(outcome, CopyOutcome::Kept(_)) {
            assert!(sequence == 4 && steps > 8, "{sequence} after {steps} steps");
            return;
        }
    }
}

#[test]
fn r22_a_killed_engine_has_what_is_in_its_tail_and_a_power_cut_takes_the_end() {
    let (links, disk) = (sets(3), MemoryDisk::default());
    let (table, mut applier, _) = started(&disk);
    apply(&mut applier, &links[..2]);
    assert!(matches!(warm_copy(&mut applier, &table.reader()), CopyOutcome::Kept(_)));
    apply(&mut applier, &links[2..]);
    let (_, killed, tally) = started(&disk);
    assert_eq!((killed.tip(), tally.tail_sets), (&links[2].tip, 1));
    disk.cut_power();
    let (_, cut, tally) = started(&disk);
    assert_eq!((cut.tip(), tally.warm_refused), (&links[1].tip, 0));
}
