//! From a worker's journal to the disk: no mark stands before its records do.

use std::cell::Cell;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use crate::common::{DAY_MS, KEEP_DAYS, NOON, day_of, keys, open, record};
use crate::disk::LyingDisk;
use hufu_check::{Durability, Journal, Mark, Record, Standing, Trace};
use hufu_records::{Recorder, RecorderByHand, RingJournal, read};
use hufu_wire::UnixMillis;

fn settled(journal: &RingJournal, mark: Mark) -> Standing {
    let until = Instant::now() + Duration::from_secs(10);
    while journal.standing(mark) == Standing::Pending {
        assert!(Instant::now() < until, "the writer answers");
        journal.wait();
    }
    journal.standing(mark)
}

fn note(journal: &mut RingJournal, count: u64, durability: Durability) -> Mark {
    assert!(journal.begin(usize::try_from(count).unwrap()));
    let records: Vec<_> =
        (0..count).map(|number| Record { durability, ..record(NOON, number, Trace::None) }).collect();
    journal.note(records.into_iter())
}

fn held(records: &LyingDisk, key_disk: &LyingDisk) -> usize {
    let mut count = 0;
    read(&records.folder(), &keys(key_disk), day_of(NOON), |_| {
        count += 1;
        Ok(())
    })
    .unwrap();
    count
}

#[test]
fn r40_what_stands_is_on_the_disk() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let recorder = Recorder::start(open(&records, &key_disk).unwrap(), || NOON, 256).unwrap();
    let (mut one, mut other) = (recorder.journal(), recorder.journal());
    let (first, second) = (note(&mut one, 3, Durability::Written), note(&mut other, 4, Durability::Synced));
    assert_eq!((settled(&one, first), settled(&other, second)), (Standing::Durable, Standing::Durable));
    assert_eq!(held(&records.after_kill(), &key_disk), 7);
    let after_cut = records.after_power_cut(&mut crate::common::Chance::new(1));
    assert!(held(&after_cut, &key_disk) >= 4, "what was synced");
    let third = note(&mut one, 5, Durability::Memory);
    assert_eq!(one.standing(third), Standing::Durable, "at once");
    drop(recorder);
    assert_eq!(held(&records, &key_disk), 12, "a stop writes what was noted");
}

#[test]
fn r40_a_disk_that_fails_lets_no_verdict_out_and_checks_go_on_when_it_works_again() {
    for syncs in [false, true] {
        let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
        let recorder = Recorder::start(open(&records, &key_disk).unwrap(), || NOON, 256).unwrap();
        let mut journal = recorder.journal();
        let before = note(&mut journal, 1, Durability::Synced);
        assert_eq!(settled(&journal, before), Standing::Durable);
        if syncs {
            records.fail_syncs(Some(ErrorKind::Other));
        } else {
            records.fail_writes(Some(ErrorKind::StorageFull));
        }
        let lost = note(&mut journal, 2, Durability::Synced);
        assert_eq!(settled(&journal, lost), Standing::Lost);
        assert!(!journal.begin(1), "checks are answered busy");
        assert!(recorder.figures().failed);
        records.fail_syncs(None);
        records.fail_writes(None);
        let until = Instant::now() + Duration::from_secs(10);
        while !journal.begin(1) {
            assert!(Instant::now() < until, "records are kept again");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(journal.standing(lost), Standing::Lost, "for good");
        let after = note(&mut journal, 1, Durability::Synced);
        assert_eq!(settled(&journal, after), Standing::Durable);
        assert_eq!(journal.standing(before), Standing::Lost, "what is asked about too late is not believed");
    }
}

/// The disk is full when the oldest day becomes due: its keys go all the same, and its room is used again.
#[test]
fn r42_a_full_disk_loses_the_days_that_are_due_and_has_room_again() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let (begun, time) = (Instant::now(), Cell::new(NOON));
    let after = |seconds| begun + Duration::from_secs(seconds);
    let store = open(&records, &key_disk).unwrap();
    let mut recorder = RecorderByHand::new(store, || time.get(), 256, begun);
    let mut journal = recorder.journal();
    let first = note(&mut journal, 1, Durability::Synced);
    while recorder.step(after(0)) {}
    assert_eq!(journal.standing(first), Standing::Durable);

    time.set(UnixMillis(NOON.0 + u64::from(KEEP_DAYS + 2) * DAY_MS));
    // No segment fits any more.
    records.fill(4096);
    let lost = note(&mut journal, 1, Durability::Synced);
    while recorder.step(after(1)) {}
    assert_eq!(journal.standing(lost), Standing::Lost);
    assert!(!journal.begin(1), "checks are answered busy");

    while recorder.step(after(3)) {}
    assert_eq!(held(&records, &key_disk), 0, "the old day's segment is used again");
    assert_eq!(key_disk.names().len(), 1, "the old day's key is gone");
    let next = note(&mut journal, 1, Durability::Synced);
    while recorder.step(after(3)) {}
    assert_eq!(journal.standing(next), Standing::Durable);
}

#[test]
fn a_slow_disk_fills_the_ring_and_no_more() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let recorder = Recorder::start(open(&records, &key_disk).unwrap(), || NOON, 64).unwrap();
    let mut journal = recorder.journal();
    // The disk stands still.
    let mut batches = 0;
    records.while_it_stands_still(|| {
        while journal.begin(32) {
            let noted: Vec<_> = (0..32).map(|number| record(NOON, number, Trace::None)).collect();
            let mark = journal.note(noted.into_iter());
            batches += 1;
            assert_eq!(journal.standing(mark), Standing::Pending);
            assert!(batches <= 4, "what the writer holds, and a ring");
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    assert!(batches >= 2);
    let until = Instant::now() + Duration::from_secs(10);
    while !journal.begin(32) {
        assert!(Instant::now() < until, "there is room again");
        journal.wait();
    }
}
