//! What is acknowledged is there, whatever happens to the process, the power and the disk (R40).

use std::io::ErrorKind;

use crate::common::{Chance, DAY_MS, ENGINE, KEEP_DAYS, NOON, day_of, kept, keys, open, signer};
use crate::disk::LyingDisk;
use hufu_records::{Day, DayEvent, FaultKind, Found, Held, OpenFault, Report, read, verify};
use hufu_wire::UnixMillis;
use proptest::prelude::*;

fn report(records: &LyingDisk, key_disk: &LyingDisk) -> Report {
    verify(&records.folder(), Some(&keys(key_disk)), &ENGINE, &signer().verifying_key()).unwrap()
}

fn all(records: &LyingDisk, key_disk: &LyingDisk, day: Day) -> Vec<Found> {
    let mut found = Vec::new();
    read(&records.folder(), &keys(key_disk), day, |one| {
        found.push(one);
        Ok(())
    })
    .unwrap();
    found
}

fn numbers(found: &[Found]) -> Vec<u64> {
    found
        .iter()
        .map(|one| match one.row.answer {
            hufu_records::Answer::Verdict(verdict) => verdict.number.0,
            hufu_records::Answer::Roster(_) => panic!("no roster was checked"),
        })
        .collect()
}

#[test]
fn r40_what_was_kept_is_read_back_in_order() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let mut store = open(&records, &key_disk).unwrap();
    let mut next = 0;
    // More than one segment holds.
    for count in [1, 7, 4096, 32, 4096, 1] {
        store.commit(NOON, &kept(NOON, next, count)).unwrap();
        next += count;
    }
    store.sync(NOON).unwrap();
    let found = all(&records, &key_disk, day_of(NOON));
    assert_eq!(numbers(&found), (0..next).collect::<Vec<_>>());
    assert!(found.iter().all(|one| one.slip.is_some() == (one.number % 2 == 0)));
    let found = report(&records, &key_disk);
    assert_eq!((found.faults.len(), found.days[0].records, found.days[0].held), (0, next, Held::Open));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The process is killed in the middle of any operation, again and again: a block is written in part, a file is
    /// allocated in part, a name is there and its contents are not.
    #[test]
    fn r40_a_process_that_is_killed_anywhere_loses_nothing_it_acknowledged(seed: u64) {
        let mut chance = Chance::new(seed);
        let (mut records, mut key_disk) = (LyingDisk::default(), LyingDisk::default());
        let mut acknowledged = Vec::new();
        let mut number = 0;
        for _ in 0..6 {
            records.die_after(1 + u32::try_from(chance.below(90)).unwrap());
            key_disk.die_after(1 + u32::try_from(chance.below(20)).unwrap());
            if let Ok(mut store) = open(&records, &key_disk) {
                for _ in 0..12 {
                    let most = if chance.below(4) == 0 { 4000 } else { 40 };
                    let count = 1 + chance.below(most) as u64;
                    if store.commit(NOON, &kept(NOON, number, count)).is_err() {
                        number += count;
                        break;
                    }
                    acknowledged.extend(number..number + count);
                    number += count;
                    if chance.below(3) == 0 && store.sync(NOON).is_err() {
                        break;
                    }
                }
            }
            (records, key_disk) = (records.after_kill(), key_disk.after_kill());
            drop(open(&records, &key_disk).expect("a kill is not damage"));
            let found = numbers(&all(&records, &key_disk, day_of(NOON)));
            let missing: Vec<_> = acknowledged.iter().filter(|number| !found.contains(number)).collect();
            prop_assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
            prop_assert_eq!(report(&records, &key_disk).faults, vec![]);
        }
    }

    /// Power goes: of what was not durable each write happened, did not happen or happened in part, in any order.
    #[test]
    fn r40_a_loss_of_power_loses_nothing_that_was_synced(seed: u64) {
        let mut chance = Chance::new(seed);
        let (mut records, mut key_disk) = (LyingDisk::default(), LyingDisk::default());
        let mut acknowledged = Vec::new();
        let mut number = 0;
        for _ in 0..5 {
            let mut store = open(&records, &key_disk).expect("a loss of power is not damage");
            let mut written = Vec::new();
            for _ in 0..chance.below(14) {
                let most = if chance.below(5) == 0 { 4000 } else { 40 };
                    let count = 1 + chance.below(most) as u64;
                store.commit(NOON, &kept(NOON, number, count)).unwrap();
                written.extend(number..number + count);
                number += count;
                if chance.below(3) == 0 {
                    store.sync(NOON).unwrap();
                    acknowledged.append(&mut written);
                }
            }
            records = records.after_power_cut(&mut chance);
            key_disk = key_disk.after_power_cut(&mut chance);
            drop(open(&records, &key_disk).expect("a loss of power is not damage"));
            let found = numbers(&all(&records, &key_disk, day_of(NOON)));
            let missing: Vec<_> = acknowledged.iter().filter(|number| !found.contains(number)).collect();
            prop_assert!(missing.is_empty(), "synced and lost: {missing:?}");
            prop_assert_eq!(report(&records, &key_disk).faults, vec![]);
        }
    }

    /// A byte is changed in what was durable: it is found, and never passed over.
    #[test]
    fn a_byte_that_was_altered_is_found(seed: u64) {
        let mut chance = Chance::new(seed);
        let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
        let mut store = open(&records, &key_disk).unwrap();
        for from in 0..6 {
            store.commit(NOON, &kept(NOON, 10 * from, 10)).unwrap();
            store.sync(NOON).unwrap();
        }
        store.commit(NOON, &kept(NOON, 60, 1)).unwrap();
        drop(store);
        let block = (64 + 10 * 56 + 5 * 48 + 16 + 32_usize).next_multiple_of(64);
        let at = 4096 + block * chance.below(5) + chance.below(64 + 10 * 56 + 5 * 48 + 16 + 32);
        records.flip("segment-000000000001.rec", at);
        let (opened, found) = (open(&records, &key_disk), report(&records, &key_disk));
        let whole = 4096 + (at - 4096) / block * block;
        prop_assert!(matches!(opened, Err(OpenFault::Damaged { at, .. }) if at == whole as u64), "byte {}", at);
        prop_assert_eq!(found.faults[0].what, FaultKind::Damaged { at: whole as u64 });
    }
}

#[test]
fn a_segment_that_is_removed_or_exchanged_is_found() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    for from in 0..4 {
        // Each run begins a segment.
        let mut store = open(&records, &key_disk).unwrap();
        store.commit(NOON, &kept(NOON, 10 * from, 10)).unwrap();
        store.sync(NOON).unwrap();
    }
    assert_eq!(report(&records, &key_disk).faults, []);
    let (second, third) = ("segment-000000000002.rec", "segment-000000000003.rec");
    let removed = records.after_kill();
    removed.forget(second);
    assert_eq!(report(&removed, &key_disk).faults[0].what, FaultKind::NotContinued);
    let swapped = records.after_kill();
    swapped.put(second, &records.contents(third));
    swapped.put(third, &records.contents(second));
    assert_eq!(report(&swapped, &key_disk).faults[0].what, FaultKind::NotContinued);
    // The last one of a closed day: its signed end says that there was more.
    let mut store = open(&records, &key_disk).unwrap();
    let tomorrow = UnixMillis(NOON.0 + DAY_MS);
    store.commit(tomorrow, &kept(tomorrow, 40, 1)).unwrap();
    drop(store);
    let cut = records.after_kill();
    cut.forget("segment-000000000004.rec");
    assert!(open(&cut, &key_disk).is_ok(), "the open day is whole");
    let faults = report(&cut, &key_disk).faults;
    assert!(faults.iter().any(|fault| fault.what == FaultKind::EndMissing), "{faults:?}");
}

#[test]
fn an_engine_does_not_go_on_behind_a_day_whose_end_is_missing() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    for from in 0..2 {
        let mut store = open(&records, &key_disk).unwrap();
        store.commit(NOON, &kept(NOON, 10 * from, 10)).unwrap();
    }
    let tomorrow = UnixMillis(NOON.0 + DAY_MS);
    open(&records, &key_disk).unwrap().turn(tomorrow).unwrap();
    assert!(open(&records, &key_disk).is_ok());
    records.forget("segment-000000000002.rec");
    assert!(matches!(open(&records, &key_disk), Err(OpenFault::Damaged { next: 20, .. })));
}

#[test]
fn a_key_of_another_day_or_none_opens_nothing_and_says_so() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let mut store = open(&records, &key_disk).unwrap();
    store.commit(NOON, &kept(NOON, 0, 10)).unwrap();
    drop(store);
    let lost = LyingDisk::default();
    assert_eq!(report(&records, &lost).faults[0].what, FaultKind::KeyMissing);
    let unread = read(&records.folder(), &keys(&lost), day_of(NOON), |_| Ok(())).unwrap_err();
    assert_eq!(unread.kind(), ErrorKind::NotFound);
    // The engine goes on under a new key, and what it writes then is read.
    let mut store = open(&records, &lost).unwrap();
    store.commit(NOON, &kept(NOON, 10, 10)).unwrap();
    let found = verify(&records.folder(), None, &ENGINE, &signer().verifying_key()).unwrap();
    assert_eq!((found.faults, found.days[0].records), (vec![], 20), "the chain needs no key");
}

#[test]
fn r42_a_day_is_destroyed_after_sixty_days_and_stays_provable() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let mut store = open(&records, &key_disk).unwrap();
    let on = |day: u64| UnixMillis(NOON.0 + day * DAY_MS);
    for day in [0, 1, 2] {
        store.commit(on(day), &kept(on(day), 10 * day, 10)).unwrap();
    }
    assert_eq!(numbers(&all(&records, &key_disk, day_of(on(0)))), (0..10).collect::<Vec<_>>());
    store.turn(on(KEEP_DAYS.into())).unwrap();
    assert!(!store.days().destroyed(day_of(on(0))), "kept for sixty days after its own");
    store.turn(on(u64::from(KEEP_DAYS) + 1)).unwrap();
    assert!(store.days().destroyed(day_of(on(0))));
    let found = report(&records, &key_disk);
    assert_eq!(found.faults, []);
    let days: Vec<_> = found.days.iter().map(|day| (day.first, day.records, day.held)).collect();
    assert_eq!(days, [(0, 10, Held::Destroyed), (10, 10, Held::Closed), (20, 10, Held::Closed)]);
    assert!(all(&records, &key_disk, day_of(on(0))).is_empty(), "its segments were dropped");
    let names = key_disk.names();
    assert_eq!(names.len(), 2, "the keys of the other days are there: {names:?}");
    // Its entries are signed: none can be left out, altered or put in front of another.
    let entries = records.contents("days.hufu");
    let event = |index: usize| store.days().entries()[index].event;
    assert_eq!((event(0), event(3)), (DayEvent::Closed, DayEvent::Destroyed));
    for at in 0..entries.len() {
        let mut altered = entries.clone();
        altered[at] ^= 1;
        assert!(
            hufu_records::Days::verify(&altered, &ENGINE, &signer().verifying_key()).is_err(),
            "byte {at}"
        );
    }
    let without_the_second = [&entries[..248], &entries[496..]].concat();
    assert!(hufu_records::Days::verify(&without_the_second, &ENGINE, &signer().verifying_key()).is_err());
    // The next segment uses the room of the dropped one, and nothing of the old is seen.
    store.commit(on(62), &kept(on(62), 30, 3)).unwrap();
    assert_eq!(numbers(&all(&records, &key_disk, day_of(on(62)))), [30, 31, 32]);
    assert_eq!(report(&records, &key_disk).faults, []);
}

#[test]
fn r42_a_day_is_closed_once_and_destroyed_once_wherever_the_engine_is_killed() {
    let later = UnixMillis(NOON.0 + (u64::from(KEEP_DAYS) + 1) * DAY_MS);
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let mut store = open(&records, &key_disk).unwrap();
    store.commit(NOON, &kept(NOON, 0, 10)).unwrap();
    store.sync(NOON).unwrap();
    drop(store);
    let mut finished = false;
    let mut operations = 0;
    while !finished {
        operations += 1;
        let (records, key_disk) = (records.after_kill(), key_disk.after_kill());
        records.die_after(operations);
        key_disk.die_after(operations);
        // Opened before it dies, or not.
        finished = open(&records, &key_disk).is_ok_and(|mut store| store.turn(later).is_ok());
        let (records, key_disk) = (records.after_kill(), key_disk.after_kill());
        let mut store = open(&records, &key_disk).expect("a kill is not damage");
        store.turn(later).unwrap();
        store.turn(later).unwrap();
        let events: Vec<_> = store.days().entries().iter().map(|entry| entry.event).collect();
        assert_eq!(events, [DayEvent::Closed, DayEvent::Destroyed], "killed after {operations} operations");
        assert!(key_disk.names().is_empty(), "no key is left");
        let found = report(&records, &key_disk);
        assert_eq!((found.faults, found.days[0].records), (vec![], 10));
    }
    assert!(operations > 10, "it has many steps: {operations}");
}

#[test]
fn a_clock_set_back_over_midnight_reopens_no_day() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let mut store = open(&records, &key_disk).unwrap();
    let tomorrow = UnixMillis(NOON.0 + DAY_MS);
    store.commit(NOON, &kept(NOON, 0, 1)).unwrap();
    store.commit(tomorrow, &kept(tomorrow, 1, 1)).unwrap();
    store.commit(NOON, &kept(NOON, 2, 1)).unwrap();
    drop(store);
    let mut store = open(&records, &key_disk).unwrap();
    store.commit(NOON, &kept(NOON, 3, 1)).unwrap();
    assert_eq!(numbers(&all(&records, &key_disk, day_of(tomorrow))), [1, 2, 3]);
    assert_eq!(report(&records, &key_disk).faults, []);
}

#[test]
fn r40_to_resume_what_has_not_failed_changes_nothing() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let mut store = open(&records, &key_disk).unwrap();
    store.commit(NOON, &kept(NOON, 0, 10)).unwrap();
    store.resume(NOON).unwrap();
    store.commit(NOON, &kept(NOON, 10, 10)).unwrap();
    assert_eq!(numbers(&all(&records, &key_disk, day_of(NOON))), (0..20).collect::<Vec<_>>());
    for seed in 0..50 {
        let mut chance = Chance::new(seed);
        let (records, keys) = (records.after_power_cut(&mut chance), key_disk.after_power_cut(&mut chance));
        drop(open(&records, &keys).unwrap());
        assert_eq!(report(&records, &keys).faults, [], "seed {seed}");
    }
}

#[test]
fn r40_a_gap_is_written_whatever_comes_between_a_failure_and_the_next_record() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let mut store = open(&records, &key_disk).unwrap();
    store.commit(NOON, &kept(NOON, 0, 10)).unwrap();
    records.fail_syncs(Some(ErrorKind::Other));
    assert!(store.sync(NOON).is_err());
    records.fail_syncs(None);
    // What a sync could not write is not asked for again.
    store.sync(NOON).unwrap();
    store.rest(NOON).unwrap();
    store.commit(NOON, &kept(NOON, 10, 10)).unwrap();
    let found = report(&records, &key_disk);
    assert_eq!((found.faults, found.days[0].gaps), (vec![], 1));
}

#[test]
fn a_disk_that_fails_loses_nothing_acknowledged_and_the_gap_is_a_record() {
    for (writes, syncs) in [
        (Some(ErrorKind::StorageFull), None),
        (Some(ErrorKind::Other), None),
        (Some(ErrorKind::ReadOnlyFilesystem), Some(ErrorKind::ReadOnlyFilesystem)),
        (None, Some(ErrorKind::Other)),
    ] {
        let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
        let mut store = open(&records, &key_disk).unwrap();
        store.commit(NOON, &kept(NOON, 0, 10)).unwrap();
        store.sync(NOON).unwrap();
        store.commit(NOON, &kept(NOON, 10, 10)).unwrap();
        records.fail_writes(writes);
        records.fail_syncs(syncs);
        let refused = store.commit(NOON, &kept(NOON, 20, 10)).and_then(|()| store.sync(NOON));
        assert!(refused.is_err(), "{writes:?} {syncs:?}");
        assert!(store.resume(NOON).is_err());
        records.fail_writes(None);
        records.fail_syncs(None);
        store.resume(NOON).unwrap();
        store.commit(NOON, &kept(NOON, 30, 10)).unwrap();
        store.sync(NOON).unwrap();
        let found = numbers(&all(&records, &key_disk, day_of(NOON)));
        assert!((0..20).chain(30..40).all(|number| found.contains(&number)), "{found:?}");
        let found = report(&records, &key_disk);
        assert_eq!((found.faults, found.days[0].gaps), (vec![], 1));
        drop(open(&records, &key_disk).unwrap());
    }
}
