//! A small table and a small snapshot for several tests.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;

use hufu_table::{AsOf, Limits, SEGMENT_WORDS, SnapshotInfo, SnapshotWriter, Table, Writer};
use hufu_wire::{Colour, HolderIndex, IssuerId, Sequence, StatusWord, UnixMillis};

pub(crate) const BEIJING: IssuerId = IssuerId(110_000);
pub(crate) const SHANGHAI: IssuerId = IssuerId(310_000);
pub(crate) const GREEN: StatusWord = StatusWord::new(Colour::Green, 1);
pub(crate) const RED: StatusWord = StatusWord::new(Colour::Red, 1);

pub(crate) fn table() -> Table {
    Table::new(Limits::for_holders(2, 2_000_000)).expect("limits hold")
}

/// The holder of this word of this segment.
pub(crate) fn holder(segment: usize, word: usize) -> HolderIndex {
    HolderIndex(u32::try_from(segment * SEGMENT_WORDS + word).expect("32 bits"))
}

pub(crate) fn words(bits: &[u64]) -> Vec<StatusWord> {
    bits.iter().copied().map(StatusWord::from_bits).collect()
}

/// Beijing at sequence 9: holder 1 green, holder 2 red, the first holder of segment 2 red.
pub(crate) fn example(path: &Path) -> SnapshotInfo {
    let heard = Some(UnixMillis(1_795_000_000_000));
    let mut snapshot = SnapshotWriter::create(path, BEIJING, Sequence(9), heard).expect("a writable folder");
    snapshot.push(&[StatusWord::UNKNOWN, GREEN, RED]).expect("room");
    snapshot.skip(2 * SEGMENT_WORDS as u64 - 3).expect("room");
    snapshot.push(&[RED]).expect("room");
    snapshot.finish().expect("room")
}

/// Computes the last digest of a file anew, if the file has room for one.
pub(crate) fn reseal(bytes: &mut [u8]) {
    let Some(count) = bytes.get(40..44).map(|count| u32::from_le_bytes(count.try_into().expect("four")))
    else {
        return;
    };
    let Some(list_at) = bytes.len().checked_sub(32 + 40 * count as usize).filter(|&at| at >= 64) else {
        return;
    };
    let digest_at = bytes.len() - 32;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..64]).update(&bytes[list_at..digest_at]);
    bytes[digest_at..].copy_from_slice(hasher.finalize().as_bytes());
}

/// What readers see: the head, and the words that the example or its test touches.
pub(crate) fn content(table: &Table, writer: &Writer) -> (AsOf, Vec<StatusWord>) {
    let (reader, slot) = (table.reader(), writer.slot());
    let places = (0..3).flat_map(|segment| (0..4).map(move |word| holder(segment, word)));
    (reader.as_of(slot), places.map(|place| reader.lookup(slot, place)).collect())
}
