//! What the table promises to checks and to writers.
#![cfg(not(loom))]

use std::collections::HashMap;

use hufu_table::{Limits, SEGMENT_BYTES, SEGMENT_WORDS, Table, TableFault, write_snapshot_as_of};
use hufu_wire::{Colour, HolderIndex, IssuerId, Sequence, StatusWord, UnixMillis};
use proptest::prelude::*;

const BEIJING: IssuerId = IssuerId(110_000);
const SHANGHAI: IssuerId = IssuerId(310_000);
const GREEN: StatusWord = StatusWord::new(Colour::Green, 1);
const RED: StatusWord = StatusWord::new(Colour::Red, 1);

fn table() -> Table {
    Table::new(Limits::for_holders(2, 1_000_000)).expect("limits hold")
}

#[test]
fn r07_whoever_was_never_written_is_unknown_and_not_green() {
    let table = table();
    let reader = table.reader();
    assert_eq!(reader.slot(BEIJING), None, "an issuer nobody follows");
    let mut writer = table.writer(BEIJING).unwrap();
    let slot = reader.slot(BEIJING).unwrap();
    let unknown =
        |holder| assert_eq!(reader.lookup(slot, HolderIndex(holder)).colour(), None, "holder {holder}");
    [0, 1, u32::MAX].into_iter().for_each(unknown);
    writer.set(HolderIndex(1), GREEN).unwrap();
    assert_eq!(reader.lookup(slot, HolderIndex(1)), GREEN);
    [0, 2, 262_145, u32::MAX].into_iter().for_each(unknown);
}

#[test]
fn r22_where_room_was_made_a_change_cannot_fail() {
    let limits =
        Limits { bytes_max: SEGMENT_BYTES as u64, holders_max: 600_000, ..Limits::for_holders(2, 1) };
    let table = Table::new(limits).unwrap();
    let mut writer = table.writer(BEIJING).unwrap();
    assert!(matches!(writer.make_room(HolderIndex(600_000)), Err(TableFault::HolderOutOfRange { .. })));
    writer.make_room(HolderIndex(7)).unwrap();
    writer.make_room(HolderIndex(8)).unwrap();
    assert!(matches!(writer.make_room(HolderIndex(300_000)), Err(TableFault::Full { .. })));
    let reader = table.reader();
    assert_eq!(reader.lookup(writer.slot(), HolderIndex(7)), StatusWord::UNKNOWN, "nobody's status changed");
    writer.set(HolderIndex(262_143), RED).unwrap();
    assert_eq!(reader.lookup(writer.slot(), HolderIndex(262_143)), RED);
}

#[test]
fn r22_room_is_made_for_all_holders_or_for_none() {
    let limits =
        Limits { bytes_max: 2 * SEGMENT_BYTES as u64, holders_max: 1_000_000, ..Limits::for_holders(2, 1) };
    let table = Table::new(limits).unwrap();
    let [mut writer, mut other] = [BEIJING, SHANGHAI].map(|issuer| table.writer(issuer).unwrap());
    let three = [900_000, 0, 300_000].map(HolderIndex);
    assert!(matches!(writer.make_room_for(three), Err(TableFault::Full { .. })));
    let out = [0, 1_000_000].map(HolderIndex);
    assert!(matches!(writer.make_room_for(out), Err(TableFault::HolderOutOfRange { .. })));
    // Two segments, whatever the order of their holders; a refused change has taken nothing of them.
    other.make_room_for([900_000, 0, 900_001, 1].map(HolderIndex)).unwrap();
    other.set(HolderIndex(900_002), RED).unwrap();
    assert!(matches!(writer.make_room(HolderIndex(0)), Err(TableFault::Full { .. })));
    other.make_room_for([0, 900_000].map(HolderIndex)).unwrap();
}

#[test]
fn a_snapshot_says_the_as_of_that_its_writer_knew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot");
    let table = table();
    let mut writer = table.writer(BEIJING).unwrap();
    writer.set(HolderIndex(1), RED).unwrap();
    writer.advance(Sequence(5), UnixMillis(50)).unwrap();
    let reader = table.reader();
    let known = reader.as_of(writer.slot());
    writer.set(HolderIndex(2), RED).unwrap();
    writer.make_room(HolderIndex(300_000)).unwrap();
    writer.advance(Sequence(6), UnixMillis(60)).unwrap();
    let info = write_snapshot_as_of(&reader, BEIJING, known, &path).unwrap();
    assert_eq!((info.sequence, info.heard), (Sequence(5), Some(UnixMillis(50))));
    assert_eq!((info.holders, info.segments), (2, 1), "later words, and no room that nobody took");
    assert!(write_snapshot_as_of(&reader, SHANGHAI, known, &path).is_err());
}

#[test]
fn r07_a_slot_of_another_table_gives_no_green() {
    let large = Table::new(Limits::for_holders(2, 2)).unwrap();
    let _first = large.writer(BEIJING).unwrap();
    let foreign = large.writer(SHANGHAI).unwrap().slot();
    let small = Table::new(Limits::for_holders(1, 1)).unwrap();
    small.writer(BEIJING).unwrap().set(HolderIndex(0), GREEN).unwrap();
    assert_eq!(small.reader().lookup(foreign, HolderIndex(0)), StatusWord::UNKNOWN);
    assert_eq!(small.reader().as_of(foreign).sequence, Sequence(0));
}

#[test]
fn one_issuer_never_sees_the_words_of_another() {
    let table = table();
    let (mut beijing, mut shanghai) = (table.writer(BEIJING).unwrap(), table.writer(SHANGHAI).unwrap());
    beijing.set(HolderIndex(7), GREEN).unwrap();
    shanghai.set(HolderIndex(7), RED).unwrap();
    let reader = table.reader();
    assert_eq!(reader.lookup(beijing.slot(), HolderIndex(7)), GREEN);
    assert_eq!(reader.lookup(shanghai.slot(), HolderIndex(7)), RED);
}

#[test]
fn an_issuer_has_one_writer_at_a_time_and_its_words_outlive_it() {
    let table = table();
    let mut first = table.writer(BEIJING).unwrap();
    assert!(matches!(table.writer(BEIJING), Err(TableFault::WriterTaken { issuer: BEIJING })));
    first.set(HolderIndex(0), RED).unwrap();
    first.advance(Sequence(5), UnixMillis(1)).unwrap();
    drop(first);
    let second = table.writer(BEIJING).unwrap();
    assert_eq!(second.sequence(), Sequence(5));
    assert_eq!(table.reader().lookup(second.slot(), HolderIndex(0)), RED);
}

#[test]
fn readers_and_writers_keep_the_words_alive_without_the_table() {
    let table = table();
    let mut writer = table.writer(BEIJING).unwrap();
    let reader = table.reader();
    drop(table);
    writer.set(HolderIndex(3), RED).unwrap();
    let slot = writer.slot();
    drop(writer);
    assert_eq!(reader.lookup(slot, HolderIndex(3)), RED);
}

#[test]
fn r22_a_sequence_never_goes_back() {
    let table = table();
    let mut writer = table.writer(BEIJING).unwrap();
    writer.advance(Sequence(9), UnixMillis(900)).unwrap();
    assert!(matches!(
        writer.advance(Sequence(8), UnixMillis(901)),
        Err(TableFault::Rollback { held: Sequence(9), offered: Sequence(8), .. })
    ));
    let as_of = table.reader().as_of(writer.slot());
    assert_eq!(
        (as_of.sequence, as_of.heard),
        (Sequence(9), Some(UnixMillis(900))),
        "nothing of it was taken"
    );
    writer.heard(UnixMillis(902));
    assert_eq!(table.reader().as_of(writer.slot()).heard, Some(UnixMillis(902)));
}

#[test]
fn memory_stays_within_its_bound_and_what_is_there_stays_writable() {
    let limits = Limits { issuers_max: 1, holders_max: 1 << 32, bytes_max: 2 * SEGMENT_BYTES as u64 };
    let table = Table::new(limits).unwrap();
    let mut writer = table.writer(BEIJING).unwrap();
    let segment = |n: usize| HolderIndex(u32::try_from(n * SEGMENT_WORDS).unwrap());
    writer.set(segment(0), GREEN).unwrap();
    writer.set(segment(9), GREEN).unwrap();
    assert!(matches!(writer.set(segment(1), GREEN), Err(TableFault::Full { .. })));
    assert_eq!(table.reader().lookup(writer.slot(), segment(1)), StatusWord::UNKNOWN);
    writer.set(segment(9), RED).unwrap();
    writer.set(segment(1), StatusWord::UNKNOWN).expect("an unknown holder needs no memory");
}

#[test]
fn a_holder_past_the_end_is_refused() {
    let table = Table::new(Limits { holders_max: 100, ..Limits::for_holders(1, 100) }).unwrap();
    let mut writer = table.writer(BEIJING).unwrap();
    writer.set(HolderIndex(99), GREEN).unwrap();
    let refused = writer.set(HolderIndex(100), GREEN);
    assert!(matches!(
        refused,
        Err(TableFault::HolderOutOfRange { holder: HolderIndex(100), holders_max: 100 })
    ));
}

#[derive(Clone, Debug)]
enum Step {
    Set(bool, u32, u64),
    Look(Vec<(bool, u32)>),
}

fn step() -> impl Strategy<Value = Step> {
    // Around the edges of three segments, so that steps meet.
    let holder = || {
        (0_u32..3, -4_i32..4)
            .prop_map(|(segment, edge)| (segment * 262_144).saturating_add_signed(edge))
            .boxed()
    };
    prop_oneof![
        (any::<bool>(), holder(), prop_oneof![Just(0), any::<u64>()])
            .prop_map(|(issuer, holder, bits)| Step::Set(issuer, holder, bits)),
        prop::collection::vec((any::<bool>(), holder()), 0..50).prop_map(Step::Look),
    ]
}

proptest! {
    #[test]
    fn the_table_equals_a_hash_map(steps in prop::collection::vec(step(), 1..60)) {
        let table = table();
        let mut writers = [table.writer(BEIJING).unwrap(), table.writer(SHANGHAI).unwrap()];
        let slots = writers.each_ref().map(hufu_table::Writer::slot);
        let reader = table.reader();
        let mut model: HashMap<(bool, u32), u64> = HashMap::new();
        for step in steps {
            match step {
                Step::Set(issuer, holder, bits) => {
                    writers[usize::from(issuer)].set(HolderIndex(holder), StatusWord::from_bits(bits)).unwrap();
                    model.insert((issuer, holder), bits);
                }
                Step::Look(keys) => {
                    let holders: Vec<_> =
                        keys.iter().map(|&(issuer, holder)| (slots[usize::from(issuer)], HolderIndex(holder))).collect();
                    let mut words = vec![GREEN; holders.len()];
                    reader.lookup_batch(&holders, &mut words);
                    for ((key, &(slot, holder)), word) in keys.iter().zip(&holders).zip(words) {
                        let expected = StatusWord::from_bits(model.get(key).copied().unwrap_or(0));
                        prop_assert_eq!(word, expected);
                        prop_assert_eq!(reader.lookup(slot, holder), expected, "one at a time");
                    }
                }
            }
        }
    }
}
