//! Every interleaving of a writer and its readers, explored by loom over the table's own code. Build with
//! `RUSTFLAGS="--cfg loom" cargo test -p hufu-table --test loom --target-dir target/loom`.
#![cfg(loom)]

use hufu_table::{Limits, Table, Writer};
use hufu_wire::{Colour, HolderIndex, IssuerId, Sequence, StatusWord, UnixMillis};
use loom::thread;

const BEIJING: IssuerId = IssuerId(110_000);
const SHANGHAI: IssuerId = IssuerId(310_000);
const FIRST: HolderIndex = HolderIndex(0);
const NEIGHBOUR: HolderIndex = HolderIndex(1);
const NEXT_SEGMENT: HolderIndex = HolderIndex(2);
const GREEN: StatusWord = StatusWord::new(Colour::Green, 1);
const RED: StatusWord = StatusWord::new(Colour::Red, 1);

fn table() -> Table {
    Table::new(Limits::for_holders(2, 8)).expect("limits hold")
}

fn apply(writer: &mut Writer, sequence: u64, changes: &[(HolderIndex, StatusWord)]) {
    for &(holder, word) in changes {
        writer.set(holder, word).expect("there is room");
    }
    writer.advance(Sequence(sequence), UnixMillis(sequence)).expect("sequences rise");
}

#[test]
fn a_segment_is_seen_with_the_word_that_brought_it_or_not_at_all() {
    loom::model(|| {
        let table = table();
        let mut writer = table.writer(BEIJING).expect("free");
        let (reader, slot) = (table.reader(), writer.slot());
        let writing = thread::spawn(move || writer.set(FIRST, RED).expect("there is room"));
        let seen = reader.lookup(slot, FIRST);
        assert!(seen == StatusWord::UNKNOWN || seen == RED, "{seen:?}");
        assert_eq!(reader.lookup(slot, NEIGHBOUR), StatusWord::UNKNOWN);
        if seen == RED {
            assert_eq!(reader.lookup(slot, FIRST), RED, "what was seen once stays");
        }
        writing.join().expect("writes");
    });
}

#[test]
fn words_read_after_as_of_include_its_sequence() {
    loom::model(|| {
        let table = table();
        let mut writer = table.writer(BEIJING).expect("free");
        let (reader, slot) = (table.reader(), writer.slot());
        let writing = thread::spawn(move || {
            apply(&mut writer, 1, &[(FIRST, GREEN), (NEXT_SEGMENT, GREEN)]);
            apply(&mut writer, 2, &[(NEXT_SEGMENT, RED)]);
        });
        let as_of = reader.as_of(slot);
        let mut words = [StatusWord::UNKNOWN; 2];
        reader.lookup_batch(&[(slot, FIRST), (slot, NEXT_SEGMENT)], &mut words);
        if as_of.sequence >= Sequence(1) {
            assert_eq!(words[0], GREEN);
            assert_ne!(words[1], StatusWord::UNKNOWN);
        }
        if as_of.sequence >= Sequence(2) {
            assert_eq!(words[1], RED, "a red at a sequence up to as-of is seen");
        }
        writing.join().expect("writes");
    });
}

#[test]
fn the_head_that_was_heard_is_never_younger_than_the_sequence() {
    loom::model(|| {
        let table = table();
        let mut writer = table.writer(BEIJING).expect("free");
        let (reader, slot) = (table.reader(), writer.slot());
        let writing = thread::spawn(move || {
            apply(&mut writer, 1, &[(FIRST, GREEN)]);
            apply(&mut writer, 2, &[(FIRST, RED)]);
            writer.heard(UnixMillis(3));
        });
        let as_of = reader.as_of(slot);
        let word = reader.lookup(slot, FIRST);
        match as_of.heard {
            None => {}
            Some(UnixMillis(1)) => assert!(as_of.sequence >= Sequence(1)),
            Some(_) => {
                assert_eq!(as_of.sequence, Sequence(2));
                assert_eq!(word, RED);
            }
        }
        writing.join().expect("writes");
    });
}

#[test]
fn whoever_sees_one_word_of_a_change_set_sees_those_before_it() {
    loom::model(|| {
        let table = table();
        let mut writer = table.writer(BEIJING).expect("free");
        let (reader, slot) = (table.reader(), writer.slot());
        // Both segments are there already, so that only the words themselves can carry the order.
        apply(&mut writer, 1, &[(FIRST, GREEN), (NEXT_SEGMENT, GREEN)]);
        let writing = thread::spawn(move || apply(&mut writer, 2, &[(FIRST, RED), (NEXT_SEGMENT, RED)]));
        if reader.lookup(slot, NEXT_SEGMENT) == RED {
            assert_eq!(reader.lookup(slot, FIRST), RED);
        }
        writing.join().expect("writes");
    });
}

#[test]
fn issuers_register_while_others_are_looked_up() {
    loom::model(|| {
        let table = table();
        let reader = table.reader();
        let beijing = table.writer(BEIJING).expect("free").slot();
        let registering = thread::spawn(move || {
            let mut writer = table.writer(SHANGHAI).expect("free");
            writer.set(FIRST, RED).expect("there is room");
            writer.slot()
        });
        assert_eq!(reader.slot(BEIJING), Some(beijing));
        let seen = reader.slot(SHANGHAI);
        if let Some(slot) = seen {
            let word = reader.lookup(slot, FIRST);
            assert!(word == StatusWord::UNKNOWN || word == RED, "{word:?}");
        }
        let shanghai = registering.join().expect("registers");
        assert!(seen.is_none() || seen == Some(shanghai));
        assert_ne!(shanghai, beijing);
    });
}

#[test]
fn of_two_who_ask_for_a_writer_one_gets_it() {
    loom::model(|| {
        let table = std::sync::Arc::new(table());
        let rival = std::sync::Arc::clone(&table);
        let asking = thread::spawn(move || rival.writer(BEIJING).ok());
        let ours = table.writer(BEIJING).ok();
        let theirs = asking.join().expect("asks");
        assert!(ours.is_some() != theirs.is_some());
    });
}

#[test]
fn a_writer_handed_on_keeps_what_was_written() {
    loom::model(|| {
        let table = table();
        let mut first = table.writer(BEIJING).expect("free");
        let (reader, slot) = (table.reader(), first.slot());
        let handing_on = thread::spawn(move || apply(&mut first, 1, &[(FIRST, RED)]));
        if let Ok(second) = table.writer(BEIJING) {
            assert_eq!(second.sequence(), Sequence(1));
            assert_eq!(reader.lookup(slot, FIRST), RED);
        }
        handing_on.join().expect("writes");
    });
}
