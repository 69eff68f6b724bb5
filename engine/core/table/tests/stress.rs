//! Threads at full speed: what loom shows for small tables holds for real ones.
#![cfg(not(loom))]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{BEIJING, holder, table};
use hufu_table::{Reader, Slot, Snapshot, SnapshotWriter, Writer};
use hufu_wire::{Colour, HolderIndex, Sequence, StatusWord, UnixMillis};

/// The holders of the test, in three segments, more than one group of a batch.
fn holders() -> Vec<HolderIndex> {
    (0..3).flat_map(|segment| [0, 1, 77, 4_096, 200_000, 262_143].map(|word| holder(segment, word))).collect()
}

/// Change set `sequence` writes this word for every holder: 24 bits of the sequence, and red throughout.
fn written(sequence: u64) -> StatusWord {
    StatusWord::from_bits(StatusWord::new(Colour::Red, 0).to_bits() | sequence << 40)
}

/// Looks once: every word is one that was written, whole, and none is older than as-of says.
fn look(reader: &Reader, slot: Slot, keys: &[(Slot, HolderIndex)], seen: &mut [StatusWord]) {
    let as_of = reader.as_of(slot);
    if let Some(UnixMillis(heard)) = as_of.heard {
        assert!(as_of.sequence.0 >= heard, "{as_of:?}: heard of a head later than the words");
    }
    reader.lookup_batch(keys, seen);
    for word in seen {
        if *word == StatusWord::UNKNOWN {
            assert_eq!(as_of.sequence, Sequence(0), "a red at a sequence up to as-of was missed");
            continue;
        }
        let sequence = word.to_bits() >> 40;
        assert_eq!(*word, written(sequence), "a word that nobody wrote");
        assert!(sequence >= as_of.sequence.0, "the word of {sequence} after as-of {:?}", as_of.sequence);
    }
}

/// Runs `write` with the table's writer while three threads look as fast as they can. `write` gives back the
/// last sequence it wrote.
fn under_readers(write: impl FnOnce(&mut Writer) -> u64) {
    let table = table();
    let mut writer = table.writer(BEIJING).expect("free");
    let slot = writer.slot();
    let keys: Vec<_> = holders().into_iter().map(|holder| (slot, holder)).collect();
    let stop = AtomicBool::new(false);
    let last = thread::scope(|scope| {
        for _ in 0..3 {
            let reader = table.reader();
            scope.spawn(|| {
                let reader = reader;
                let mut seen = vec![StatusWord::UNKNOWN; keys.len()];
                while !stop.load(Ordering::Relaxed) {
                    look(&reader, slot, &keys, &mut seen);
                }
            });
        }
        let last = write(&mut writer);
        stop.store(true, Ordering::Relaxed);
        last
    });
    let reader = table.reader();
    assert!(keys.iter().all(|&(slot, holder)| reader.lookup(slot, holder) == written(last)));
}

#[test]
fn readers_see_only_what_was_written_and_all_of_it_up_to_as_of() {
    under_readers(|writer| {
        let until = Instant::now() + Duration::from_millis(700);
        let mut sequence = 0;
        while Instant::now() < until {
            sequence += 1;
            for holder in holders() {
                writer.set(holder, written(sequence)).unwrap();
            }
            writer.advance(Sequence(sequence), UnixMillis(sequence)).unwrap();
        }
        assert!(sequence > 100, "{sequence} change sets are no stress");
        sequence
    });
}

#[test]
fn readers_see_the_same_while_snapshots_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stress.snapshot");
    under_readers(|writer| {
        for sequence in 1..=12 {
            let heard = Some(UnixMillis(sequence));
            let mut snapshot = SnapshotWriter::create(&path, BEIJING, Sequence(sequence), heard).unwrap();
            let mut next = 0;
            for holder in holders() {
                snapshot.skip(u64::from(holder.0) - next).unwrap();
                snapshot.push(&[written(sequence)]).unwrap();
                next = u64::from(holder.0) + 1;
            }
            snapshot.finish().unwrap();
            Snapshot::open(&path).unwrap().load(writer).unwrap();
        }
        12
    });
}
