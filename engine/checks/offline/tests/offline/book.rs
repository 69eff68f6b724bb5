//! Records of decisions without a network: kept over a loss of power, handed over once.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hufu_offline::{
    Book, BookFault, BookId, DEVICE_BYTES_MAX, Handover, Missing, NotDecided, OfflineRecord, Received, Shelf,
};
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
    bytes[64 + 5] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let other = Book::open(&OsDisk::shared(), &path, DeviceId(8), ID, 100);
    assert!(matches!(other, Err(BookFault::AnotherDevice { .. })));
}

/// Handovers and what is said to them get lost; the receiver takes each record once.
#[test]
fn r06_records_are_handed_over_once_whatever_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    let shelves = folder.path().join("shelf");
    let (mut book, mut shelf) = (filled(&path, 7), shelf(&shelves));
    for lost in [true, true, false, true, false, false] {
        let handover = Handover::read(&book.handover(3).unwrap().to_bytes()).unwrap();
        let received = shelf.receive(DEVICE, &handover).unwrap();
        assert_eq!(received.missing, None);
        if lost {
            // The answer never came, and both were started again.
            (book, shelf) = (open(&path).unwrap(), self::shelf(&shelves));
        } else {
            book.handed_over(received.kept).unwrap();
        }
    }
    while book.waiting() > 0 {
        book.handed_over(shelf.receive(DEVICE, &book.handover(3).unwrap()).unwrap().kept).unwrap();
    }
    assert_eq!(kept(&shelves), (1..=7).collect::<Vec<_>>());
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 64, "nothing is kept that an engine has");
    let mut book = open(&path).unwrap();
    assert_eq!(book.next(), 8, "the counter goes on");
    book.append(record(8)).unwrap();
    let received = shelf.receive(DEVICE, &book.handover(9).unwrap()).unwrap();
    assert_eq!(received, Received { kept: 8, fresh: 1, missing: None });
    assert_eq!(kept(&shelves), (1..=8).collect::<Vec<_>>());
}

fn shelf(folder: &Path) -> Shelf {
    Shelf::open(&OsDisk::shared(), folder).unwrap()
}

/// The counters of all records on a shelf, by file.
pub(crate) fn kept(folder: &Path) -> Vec<u64> {
    let files = Shelf::files(&OsDisk::shared(), folder).unwrap();
    let records =
        files.iter().flat_map(|file| Handover::read(&std::fs::read(file).unwrap()).unwrap().records);
    records.map(|record| record.counter()).collect()
}

/// What an engine was writing when its power went was never confirmed: the gate sends it again.
#[test]
fn r06_a_shelf_survives_a_loss_of_power_at_any_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (path, shelves) = (folder.path().join("records"), folder.path().join("shelf"));
    let book = filled(&path, 4);
    let mut engine = shelf(&shelves);
    engine.receive(DEVICE, &book.handover(1).unwrap()).unwrap();
    engine.receive(DEVICE, &book.handover(4).unwrap()).unwrap();
    let file = Shelf::files(&OsDisk::shared(), &shelves).unwrap().pop().unwrap();
    let whole = std::fs::read(&file).unwrap();
    for end in 64..=whole.len() {
        std::fs::write(&file, &whole[..end]).unwrap();
        let received = shelf(&shelves).receive(DEVICE, &book.handover(4).unwrap()).unwrap();
        assert_eq!((received.kept, received.fresh), (4, 4 - (end - 64) / 64), "cut at {end}");
        assert_eq!(kept(&shelves), [1, 2, 3, 4], "cut at {end}");
    }
    // What was altered is not written on, and not forgotten either.
    let mut altered = whole.clone();
    altered[64 + 5] ^= 1;
    std::fs::write(&file, &altered).unwrap();
    let fault = shelf(&shelves).receive(DEVICE, &book.handover(4).unwrap()).unwrap_err();
    assert!(matches!(fault, BookFault::Damaged { at: 64, .. }), "{fault}");
    assert_eq!(std::fs::read(&file).unwrap(), altered);
}

/// The disk wrote the blocks of a handover in another order, and not all of them: the gate has all of it.
#[test]
fn r06_a_shelf_that_lost_power_within_a_handover_takes_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, shelves) = (folder.path().join("records"), folder.path().join("shelf"));
    let book = filled(&path, 5);
    let all = book.handover(5).unwrap();
    shelf(&shelves).receive(DEVICE, &book.handover(1).unwrap()).unwrap();
    shelf(&shelves).receive(DEVICE, &all).unwrap();
    let file = Shelf::files(&OsDisk::shared(), &shelves).unwrap().pop().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[64 * 3..64 * 5].fill(0);
    std::fs::write(&file, &bytes).unwrap();
    let received = shelf(&shelves).receive(DEVICE, &all).unwrap();
    assert_eq!(received, Received { kept: 5, fresh: 3, missing: None });
    assert_eq!(kept(&shelves), [1, 2, 3, 4, 5]);
    // A gate's records are written one at a time.
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(open(&path), Err(BookFault::Damaged { at: 192, .. })));
    // More than one handover behind it was confirmed.
    let long = Handover { first: 6, records: (6..=11_000).map(record).collect(), ..all };
    shelf(&shelves).receive(DEVICE, &long).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[64 * 3..64 * 5].fill(0);
    std::fs::write(&file, &bytes).unwrap();
    let fault = shelf(&shelves).receive(DEVICE, &long).unwrap_err();
    assert!(matches!(fault, BookFault::Damaged { at: 192, .. }), "{fault}");
}

/// The disk is full when records come behind a gap.
#[test]
fn r06_a_gap_is_told_with_the_records_behind_it_that_are_kept() {
    for is_started_again in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        // Room for a file's front.
        let room = Arc::new(AtomicU64::new(64));
        let disk: Arc<dyn Disk> = Arc::new(SmallDisk(Arc::clone(&room)));
        let mut engine = Shelf::open(&disk, folder.path()).unwrap();
        let behind = Handover { device: DEVICE, book: ID, first: 9, records: vec![record(9)] };
        let fault = engine.receive(DEVICE, &behind).unwrap_err();
        assert!(matches!(fault, BookFault::Io { .. }), "{fault}");
        room.store(1000, Ordering::Relaxed);
        if is_started_again {
            engine = Shelf::open(&disk, folder.path()).unwrap();
        }
        let missing = Some(Missing { from: 1, count: 8 });
        assert_eq!(engine.receive(DEVICE, &behind).unwrap(), Received { kept: 9, fresh: 1, missing });
    }
}

/// A stolen device does not fill an engine's disk, and files that are moved away make room.
#[test]
fn r06_a_shelf_keeps_so_much_of_a_device_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = shelf(folder.path());
    let handover = |book: u8, device: u32, from: u64| Handover {
        device: DeviceId(device),
        book: BookId([book; 16]),
        first: from,
        records: (from..from + 50_000).map(record).collect(),
    };
    let mut taken = 0;
    let fault = loop {
        match engine.receive(DEVICE, &handover(1, DEVICE.0, taken + 1)) {
            Ok(received) => taken += received.fresh as u64,
            Err(fault) => break fault,
        }
    };
    assert!(matches!(fault, BookFault::TooMuch { device: DEVICE, .. }), "{fault}");
    assert_eq!(taken, 500_000, "{DEVICE_BYTES_MAX} bytes");
    assert!(engine.receive(DEVICE, &handover(2, DEVICE.0, 1)).is_err(), "another book is no way around it");
    assert_eq!(engine.receive(DeviceId(8), &handover(1, 8, 1)).unwrap().fresh, 50_000, "another device");
    let mut files = Shelf::files(&OsDisk::shared(), folder.path()).unwrap();
    assert_eq!(files.len(), 6, "files of 100,000 records, and the other device's: {files:?}");
    files.drain(..2).for_each(|file| std::fs::remove_file(file).unwrap());
    // The folder is read once a second.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let more = engine.receive(DEVICE, &handover(1, DEVICE.0, taken + 1)).unwrap();
    assert_eq!(more, Received { kept: taken + 50_000, fresh: 50_000, missing: None });
}

/// Many files of one record take the disk's blocks, not the record's bytes.
#[test]
fn r06_a_device_does_not_get_around_its_room_with_small_files() {
    let folder = tempfile::tempdir().unwrap();
    for first in 1..=DEVICE_BYTES_MAX / 4096 {
        std::fs::write(folder.path().join(format!("{DEVICE}-{:032x}-{first}.records", 5)), b"").unwrap();
    }
    let path = folder.path().join("book");
    let fault = shelf(folder.path()).receive(DEVICE, &filled(&path, 1).handover(1).unwrap()).unwrap_err();
    assert!(matches!(fault, BookFault::TooMuch { .. }), "{fault}");
}

/// A gate that lost its disk counts from 1 again. Its records are new ones.
#[test]
fn r06_a_new_book_is_not_taken_for_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    let shelves = folder.path().join("shelf");
    let mut shelf = shelf(&shelves);
    shelf.receive(DEVICE, &filled(&old, 5).handover(9).unwrap()).unwrap();
    let mut book = Book::open(&OsDisk::shared(), &new, DEVICE, BookId([4; 16]), 100).unwrap();
    book.append(record(1)).unwrap();
    assert_eq!(counters(&book.handover(9).unwrap()), [1]);
    assert_eq!(shelf.receive(DEVICE, &book.handover(9).unwrap()).unwrap().fresh, 1);
    // What never came is told, and what comes after it is kept.
    let later = Handover { first: 9, records: vec![record(9)], ..book.handover(0).unwrap() };
    let gap = Received { kept: 9, fresh: 1, missing: Some(Missing { from: 2, count: 7 }) };
    assert_eq!(shelf.receive(DEVICE, &later).unwrap(), gap);
    assert_eq!(shelf.receive(DEVICE, &later).unwrap(), Received { fresh: 0, missing: None, ..gap });
    assert_eq!(kept(&shelves), [1, 2, 3, 4, 5, 1, 9]);
    // No device speaks for another.
    let theirs = Handover { device: DeviceId(8), ..later.clone() };
    assert!(matches!(shelf.receive(DEVICE, &theirs), Err(BookFault::AnotherDevice { .. })));
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
        let (file, beside) = OsDisk.create_beside(path)?;
        Ok((Box::new(SmallFile(file, Arc::clone(&self.0))), beside))
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
    // A front, two records and a half.
    let room = Arc::new(AtomicU64::new(64 + 160));
    let disk: Arc<dyn Disk> = Arc::new(SmallDisk(Arc::clone(&room)));
    let world = World::new(&[(0, StatusWord::new(Colour::Green, 1))]);
    let mut gate = gate_on(&disk, folder.path(), 1);
    gate.take_list(world.file(START), authorities(), &mut Vec::new()).unwrap();
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
