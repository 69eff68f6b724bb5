//! A segment: one file of fixed size that holds blocks of one day, sealed under one key. It is allocated before it is
//! used, written from front to back, and never continued by another run.

use std::io;

use hufu_wire::UnixMillis;
use sha2::{Digest as _, Sha256};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::block::Link;
use crate::day::Day;
use crate::disk::Folder;

/// What stands at the front of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Whose records these are.
    pub engine: EngineId,
    /// Its number in its folder, from 1, never used twice.
    pub number: u64,
    /// The day of its records.
    pub day: Day,
    /// The number of its first record.
    pub first: u64,
    /// Random: part of every block's digest.
    pub salt: [u8; 16],
    /// The digest of the last block of the segment before.
    pub before: Link,
    /// Which key its blocks are sealed under: SHA-256 of the key.
    pub key: KeyName,
    /// When it was begun.
    pub time: UnixMillis,
}

/// An engine's folder of records, random.
pub type EngineId = [u8; 16];

/// The name of a key: a digest of it.
pub type KeyName = [u8; 32];

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    magic: [u8; 8],
    engine: EngineId,
    number: U64,
    first: U64,
    day: U32,
    zero: U32,
    salt: [u8; 16],
    before: Link,
    key: KeyName,
    time_ms: U64,
    digest: [u8; 32],
}

const MAGIC: [u8; 8] = *b"HUFUREC\x01";
const DIGESTED: usize = size_of::<Layout>() - 32;

impl SegmentHeader {
    /// Where the first block begins: a sector of its own for the header.
    pub const ROOM_BYTES: u64 = 4096;
    /// Bytes that are written of it.
    pub const BYTES: usize = size_of::<Layout>();

    /// Writes the header.
    pub fn to_bytes(&self) -> [u8; SegmentHeader::BYTES] {
        let mut layout = Layout {
            magic: MAGIC,
            engine: self.engine,
            number: self.number.into(),
            first: self.first.into(),
            day: self.day.0.into(),
            zero: 0.into(),
            salt: self.salt,
            before: self.before,
            key: self.key,
            time_ms: self.time.0.into(),
            digest: [0; 32],
        };
        layout.digest = Sha256::digest(&layout.as_bytes()[..DIGESTED]).into();
        zerocopy::transmute!(layout)
    }

    /// Reads a header; `None` for anything that no engine wrote whole.
    pub fn from_bytes(bytes: &[u8; SegmentHeader::BYTES]) -> Option<SegmentHeader> {
        let layout = Layout::ref_from_bytes(bytes).ok()?;
        let genuine = layout.magic == MAGIC
            && layout.zero.get() == 0
            && layout.digest == <[u8; 32]>::from(Sha256::digest(&bytes[..DIGESTED]));
        genuine.then(|| SegmentHeader {
            engine: layout.engine,
            number: layout.number.get(),
            day: Day(layout.day.get()),
            first: layout.first.get(),
            salt: layout.salt,
            before: layout.before,
            key: layout.key,
            time: UnixMillis(layout.time_ms.get()),
        })
    }
}

/// The file of segment `number`.
pub(crate) fn file_name(number: u64) -> String {
    format!("segment-{number:012}.rec")
}

/// The numbers of all segments in a folder, rising.
pub(crate) fn numbers(folder: &Folder) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> = folder.names()?.iter().filter_map(|name| number_of(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The number of the segment in a file of this name.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix("segment-")?.strip_suffix(".rec")?.parse().ok()
}
