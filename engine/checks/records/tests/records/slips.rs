//! Only the holder finds what a gate recorded of them (R41).

use std::array;

use crate::common::{Chance, NOON, day_of, keys, open, record, value};
use crate::disk::LyingDisk;
use hufu_check::Trace;
use hufu_records::{CodeKey, Finder, Found, Kept, Row, Slip, read};
use proptest::prelude::*;

fn day(records: &LyingDisk, key_disk: &LyingDisk) -> Vec<Found> {
    let mut found = Vec::new();
    read(&records.folder(), &keys(key_disk), day_of(NOON), |one| {
        found.push(one);
        Ok(())
    })
    .unwrap();
    found
}

/// The value that phone `phone` released in `step`, without runs of zeros: files have those of their own.
fn released(phone: u64, step: u64) -> [u8; 16] {
    let mut chance = Chance::new((phone << 32 | step).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    array::from_fn(|_| u8::try_from(chance.below(256)).unwrap())
}

fn slips_of(phone: u64) -> Vec<Kept> {
    (0..5)
        .map(|step| {
            let trace = Trace::Step(released(phone, step));
            Kept { row: Row::of(&record(NOON, step, trace), 1), trace }
        })
        .collect()
}

/// The thief has the records, the keys of the day and whatever else there is; the phone has its seed.
#[test]
fn r41_a_thief_of_every_file_and_key_finds_no_record_of_a_phone() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let mut store = open(&records, &key_disk).unwrap();
    for phone in 0..40 {
        store.commit(NOON, &slips_of(phone)).unwrap();
    }
    let found = day(&records, &key_disk);
    // What a thief sees of the chosen phone: rows that are alike but for their numbers, and slips.
    let mine: Vec<Slip> = found[5 * 17..5 * 18].iter().map(|one| one.slip.unwrap()).collect();
    for one in &mine {
        let same = found.iter().filter(|other| other.slip.is_some_and(|slip| slip.tag == one.tag)).count();
        assert_eq!(same, 1, "two steps of one phone have nothing in common");
        // Nothing else the thief has opens it: not the day's key as the key of a code, not another slip's value.
        for other in (0..40).filter(|phone| *phone != 17) {
            assert!((0..5).all(|step| Finder::of_step(&released(other, step)).open(one).is_none()));
        }
    }
    // No value, and nothing derived from it but the tag, lies in any file.
    let everything = [records.everything(), key_disk.everything()].concat();
    let lies_there = |bytes: &[u8]| everything.windows(bytes.len()).any(|window| window == bytes);
    for (step, slip) in (0..5).zip(&mine) {
        assert!(!lies_there(&released(17, step)));
        assert!(!lies_there(&slip.tag), "even tags are sealed under the day's key");
        let seen = Finder::of_step(&released(17, step)).open(slip).expect("the phone opens its own");
        assert_eq!((seen.time, seen.site), (NOON, hufu_wire::SiteId(7)));
    }
}

#[test]
fn r41_a_paper_code_is_found_by_who_holds_it_and_by_another_tag_each_day() {
    let (monday, tuesday) = (CodeKey::of(&[1; 32]), CodeKey::of(&[2; 32]));
    let row = Row::of(&record(NOON, 1, Trace::Code([5; 32])), 1);
    let slip = Finder::of_code(&monday, &[5; 32]).seal(&row).unwrap();
    assert!(Finder::of_code(&monday, &[5; 32]).open(&slip).is_some());
    assert_ne!(Finder::of_code(&tuesday, &[5; 32]).tag(), &slip.tag);
    assert!(Finder::of_code(&monday, &[6; 32]).open(&slip).is_none());
    assert_ne!(Finder::of_step(&[5; 16]).tag(), &slip.tag);
}

proptest! {
    #[test]
    fn a_slip_that_was_altered_does_not_open(at in 0..Slip::BYTES, bit in 0..8_u32) {
        let finder = Finder::of_step(&value(1, 1));
        let slip = finder.seal(&Row::of(&record(NOON, 1, Trace::Step(value(1, 1))), 1)).unwrap();
        let mut bytes: [u8; Slip::BYTES] = zerocopy::transmute!(slip);
        bytes[at] ^= 1 << bit;
        prop_assert!(finder.open(&zerocopy::transmute!(bytes)).is_none());
        prop_assert!(finder.open(&slip).is_some());
    }

    #[test]
    fn a_record_is_read_as_it_was_written(latency_us: u32, number: u64) {
        let row = Row::of(&record(NOON, number, Trace::None), latency_us);
        prop_assert_eq!(Row::from_bytes(&row.to_bytes()).unwrap(), row);
    }
}
