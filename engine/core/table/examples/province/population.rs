//! Holders made from their index: a mix of statuses that needs no memory.

use std::path::Path;

use hufu_table::{SnapshotFault, SnapshotInfo, SnapshotWriter};
use hufu_wire::{Colour, IssuerId, Sequence, StatusMinute, StatusWord, TestResult, UnixMillis};
use indicatif::ProgressBar;

pub(crate) const ISSUER: IssuerId = IssuerId(110_000);

const CHUNK: u64 = 1 << 16;

pub(crate) fn generate(
    path: &Path,
    holders: u64,
    progress: &ProgressBar,
) -> Result<SnapshotInfo, SnapshotFault> {
    let mut snapshot =
        SnapshotWriter::create(path, ISSUER, Sequence(1), Some(UnixMillis(1_795_000_000_000)))?;
    let mut words = Vec::new();
    for start in (0..holders).step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX)) {
        words.clear();
        words.extend((start..holders.min(start + CHUNK)).map(status));
        snapshot.push(&words)?;
        progress.inc(words.len() as u64);
    }
    progress.finish_and_clear();
    snapshot.finish()
}

/// In a thousand: 2 red, 8 amber, 5 unknown, the others green; tested within the last three days.
#[expect(clippy::cast_possible_truncation, reason = "parts of a random number")]
pub(crate) fn status(holder: u64) -> StatusWord {
    let random = mix(holder);
    let colour = match random % 1000 {
        0..2 => Colour::Red,
        2..10 => Colour::Amber,
        10..15 => return StatusWord::UNKNOWN,
        _ => Colour::Green,
    };
    let tested = StatusMinute::new(3_600_000 + (random >> 32) as u32 % 4_320).unwrap_or(StatusMinute::MAX);
    StatusWord::new(colour, (random >> 24) as u8 & 1)
        .with_test(tested, TestResult::Negative)
        .with_doses((random >> 56) as u8 & 3)
}

/// A random-looking number for each input (SplitMix64).
pub(crate) fn mix(input: u64) -> u64 {
    let mut bits = input.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ bits >> 31
}
