//! Records of decisions without a network: kept over a loss of power, handed over once.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hufu_offline::{Book, BookFault, BookId, Handover, Ledger, Missing, NotDecided, OfflineRecord};
use hufu_table::{Disk, DiskFile, OsDisk, Stamp};
use hufu_wire::{CheckNumber, Colour, DeviceId, Lane, Reason, StatusWord, UnixMillis, Verdict};

use crate::world::{DEVICE, START, World, after, authorities, gate_on, paper};

const ID: BookId = BookId([3; 16]);

fn open(path: &Path) -> Result<Book, BookFault> {
    Book::open(&OsDisk::shared(), path, DEVICE, ID, 100)
}

fn record(counter: u64) -> OfflineRecord {
    let verdict = Verdict::of(CheckNumber(counter), UnixMillis(START.0 + counter), Reason::StatusRed);
    OfflineRecord { verdict, lane: Lane(2), uncertain_ms: 7 }
}

fn filled(path: &Path, records: u64) -> Book {
    let mut book = open(path).unwrap();
    (1..=records).for_each(|counter| book.append(record(counter)).unwrap());
    book
}

fn counters(handover: &Handover) -> Vec<u64> {
    handover.records.iter().map(OfflineRecord::counter).collect()
}

#[test]
fn r06_records_survive_a_loss_of_power_at_any_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    drop(filled(&path, 3));
    let whole = std::fs::read(&path).unwrap();
    for end in 64..=whole.len() {
        std::fs::write(&path, &whole[..end]).unwrap();
        let mut book = open(&path).unwrap();
        let kept = (end as u64 - 64) / 64;
        assert_eq!((book.waiting(), book.next()), (kept, kept + 1), "cut at {end}");
        book.append(record(kept + 1)).unwrap();
        assert_eq!(open(&path).unwrap().waiting(), kept + 1, "the torn end is gone");
    }
    // Blocks that the disk never wrote are zero.
    let mut torn = whole.clone();
    torn[64 * 3 + 10..].fill(0);
    std::fs::write(&path, &torn).unwrap();
    assert_eq!(open(&path).unwrap().waiting(), 2);
}

#[test]
fn r06_a_book_that_was_altered_is_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    drop(filled(&path, 3));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[64 + 5] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(open(&path), Err(BookFault::Damaged { at: 64, .. })));
    bytes[0] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(open(&path), Err(BookFault::Damaged { at: 0, .. })));
    bytes[0] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let other = Book::open(&OsDisk::shared(), &path, DeviceId(8), ID, 100);
    assert!(matches!(other, Err(BookFault::AnotherDevice { .. })));
}

/// Handovers and what is said to them get lost; the receiver takes each record once.
#[test]
fn r06_records_are_handed_over_once_whatever_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    let (mut book, mut ledger, mut taken) = (filled(&path, 7), Ledger::default(), Vec::new());
    for lost in [true, true, false, true, false, false] {
        let handover = Handover::read(&book.handover(3).unwrap().to_bytes()).unwrap();
        let (fresh, missing) = ledger.fresh(DEVICE, &handover);
        assert_eq!(missing, None);
        taken.extend(fresh.iter().map(OfflineRecord::counter));
        let up_to = ledger.keep(DEVICE, &handover);
        if lost {
            // The answer never came, and the gate was started again.
            book = open(&path).unwrap();
        } else {
            book.handed_over(up_to).unwrap();
        }
    }
    while book.waiting() > 0 {
        let handover = book.handover(3).unwrap();
        taken.extend(ledger.fresh(DEVICE, &handover).0.iter().map(OfflineRecord::counter));
        book.handed_over(ledger.keep(DEVICE, &handover)).unwrap();
    }
    assert_eq!(taken, (1..=7).collect::<Vec<_>>());
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 64, "nothing is kept that an engine has");
    let mut book = open(&path).unwrap();
    assert_eq!(book.next(), 8, "the counter goes on");
    book.append(record(8)).unwrap();
    assert_eq!(ledger.fresh(DEVICE, &book.handover(9).unwrap()).0, [record(8)]);
}

/// A gate that lost its disk counts from 1 again. Its records are new ones.
#[test]
fn r06_a_new_book_is_not_taken_for_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    let mut ledger = Ledger::default();
    ledger.keep(DEVICE, &filled(&old, 5).handover(9).unwrap());
    let mut book = Book::open(&OsDisk::shared(), &new, DEVICE, BookId([4; 16]), 100).unwrap();
    book.append(record(1)).unwrap();
    assert_eq!(counters(&book.handover(9).unwrap()), [1]);
    assert_eq!(ledger.fresh(DEVICE, &book.handover(9).unwrap()).0.len(), 1);
    // What never came is told.
    let later = Handover { first: 9, records: vec![record(9)], ..book.handover(0).unwrap() };
    assert_eq!(ledger.fresh(DEVICE, &later), (&[record(9)][..], Some(Missing { from: 1, count: 8 })));
    let mut bytes = later.to_bytes();
    bytes[100] ^= 1;
    assert_eq!(Handover::read(&bytes), None);
}

/// A disk with room for so many bytes more, whose writes stop in the middle then.
#[derive(Debug)]
struct SmallDisk(Arc<AtomicU64>);

#[derive(Debug)]
struct SmallFile(Box<dyn DiskFile>, Arc<AtomicU64>);

impl Disk for SmallDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        OsDisk.open(path)
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(SmallFile(OsDisk.open_to_write(path)?, Arc::clone(&self.0))))
    }

    fn create_beside(&self, path: &Path) -> io::Result<(Box<dyn DiskFile>, PathBuf)> {
        OsDisk.create_beside(path)
    }

    fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        OsDisk.stamp(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename(from, to)
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
        OsDisk.sync_folder(folder)
    }
}

impl DiskFile for SmallFile {
    fn bytes(&self) -> io::Result<u64> {
        self.0.bytes()
    }

    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(out, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let room = usize::try_from(self.1.load(Ordering::Relaxed)).unwrap();
        let fits = &bytes[..room.min(bytes.len())];
        self.0.write_at(fits, at)?;
        self.1.fetch_sub(fits.len() as u64, Ordering::Relaxed);
        if fits.len() < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

#[test]
fn r06_a_gate_whose_disk_is_full_admits_nobody() {
    let folder = tempfile::tempdir().unwrap();
    // Two records and a half.
    let room = Arc::new(AtomicU64::new(160));
    let disk: Arc<dyn Disk> = Arc::new(SmallDisk(Arc::clone(&room)));
    let world = World::new(&[(0, StatusWord::new(Colour::Green, 1))]);
    let mut gate = gate_on(&disk, folder.path(), 1);
    gate.take_list(world.file(START), authorities()).unwrap();
    let code = paper(0, 1);
    let mut show = || gate.check(after(0), Lane(0), code.as_bytes()).map(|shown| shown.verdict.number.0);
    assert_eq!((show().unwrap(), show().unwrap()), (1, 2));
    assert!(matches!(show(), Err(NotDecided::NoRecord(_))));
    assert!(matches!(show(), Err(NotDecided::NoRecord(_))), "nor later");
    room.store(1000, Ordering::Relaxed);
    assert_eq!(show().unwrap(), 3, "no number is left out");
    assert_eq!(counters(&gate.book().handover(9).unwrap()), [1, 2, 3]);
}

#[test]
fn r06_a_book_has_room_for_so_many_records_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = filled(&folder.path().join("records"), 100);
    assert!(book.is_full());
    assert_eq!(book.append(record(101)).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert!(book.append(record(7)).is_err());
    book.handed_over(100).unwrap();
    book.append(record(101)).unwrap();
}
