//! The record of one decision without a network, and how records are handed over; `docs/OFFLINE.md` draws the bytes.

use core::fmt;

use hufu_wire::{DeviceId, Lane, Message as _, Verdict, read};
use sha2::{Digest as _, Sha256};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// One run of a device's counter. A gate that lost its disk begins a new one, so that its first records are not taken
/// for those of before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BookId(pub [u8; 16]);

/// One decision. It names no holder, and nothing that only the holder's side knows is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfflineRecord {
    /// What was answered. Its number is the device's counter, its time the gate's own.
    pub verdict: Verdict,
    /// In which lane.
    pub lane: Lane,
    /// How far the gate's time may have been off, milliseconds.
    pub uncertain_ms: u32,
}

/// Records of one device on their way to an engine: the front of its book, then records without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The device, as the book says. The receiver goes by the device's session.
    pub device: DeviceId,
    /// Which run of its counter.
    pub book: BookId,
    /// The counter of the first record.
    pub first: u64,
    /// Rising by one.
    pub records: Vec<OfflineRecord>,
}

/// The front of a book and of a handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Front {
    pub(crate) device: DeviceId,
    pub(crate) book: BookId,
    pub(crate) first: u64,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct FrontLayout {
    magic: [u8; 8],
    version: U32,
    device: U32,
    book: [u8; 16],
    first: U64,
    zero: [u8; 8],
    check: [u8; 16],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RecordLayout {
    verdict: [u8; Verdict::BYTES],
    uncertain_ms: U32,
    lane: U16,
    zero: [u8; 2],
    check: [u8; 16],
}

const MAGIC: [u8; 8] = *b"HUFUOREC";
const VERSION: u32 = 1;
const CHECKED: usize = Front::BYTES - 16;

const _: () = assert!(size_of::<FrontLayout>() == Front::BYTES);
const _: () = assert!(size_of::<RecordLayout>() == OfflineRecord::BYTES);

impl Front {
    pub(crate) const BYTES: usize = 64;

    pub(crate) fn to_bytes(self) -> [u8; Front::BYTES] {
        let mut layout = FrontLayout {
            magic: MAGIC,
            version: VERSION.into(),
            device: self.device.0.into(),
            book: self.book.0,
            first: self.first.into(),
            zero: [0; 8],
            check: [0; 16],
        };
        layout.check = check(self.book, &layout.as_bytes()[..CHECKED]);
        zerocopy::transmute!(layout)
    }

    pub(crate) fn from_bytes(bytes: &[u8; Front::BYTES]) -> Option<Front> {
        let layout = FrontLayout::ref_from_bytes(bytes).ok()?;
        let front = Front {
            device: DeviceId(layout.device.get()),
            book: BookId(layout.book),
            first: layout.first.get(),
        };
        let known = layout.magic == MAGIC && layout.version.get() == VERSION && layout.zero == [0; 8];
        (known && front.first > 0 && layout.check == check(front.book, &bytes[..CHECKED])).then_some(front)
    }
}

impl OfflineRecord {
    /// Bytes of every record.
    pub const BYTES: usize = 64;

    /// The device's counter.
    pub fn counter(&self) -> u64 {
        self.verdict.number.0
    }

    pub(crate) fn to_bytes(self, book: BookId) -> [u8; OfflineRecord::BYTES] {
        let mut layout = RecordLayout {
            verdict: [0; Verdict::BYTES],
            uncertain_ms: self.uncertain_ms.into(),
            lane: self.lane.0.into(),
            zero: [0; 2],
            check: [0; 16],
        };
        self.verdict.write_to(&mut layout.verdict);
        layout.check = check(book, &layout.as_bytes()[..CHECKED]);
        zerocopy::transmute!(layout)
    }

    /// The record with this counter; `None` for anything that was not written whole into this book.
    pub(crate) fn from_bytes(
        bytes: &[u8; OfflineRecord::BYTES],
        book: BookId,
        counter: u64,
    ) -> Option<OfflineRecord> {
        let layout = RecordLayout::ref_from_bytes(bytes).ok()?;
        if layout.check != check(book, &bytes[..CHECKED]) || layout.zero != [0; 2] {
            return None;
        }
        let record = OfflineRecord {
            verdict: read(&layout.verdict).ok()?,
            lane: Lane(layout.lane.get()),
            uncertain_ms: layout.uncertain_ms.get(),
        };
        (record.counter() == counter).then_some(record)
    }
}

impl Handover {
    /// The bytes to send.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Handover { device, book, first, ref records } = *self;
        let mut bytes = Front { device, book, first }.to_bytes().to_vec();
        bytes.extend(records.iter().flat_map(|record| record.to_bytes(book)));
        bytes
    }

    /// Reads a file of a shelf that an engine may be writing: what of its end is no whole record is not there yet. `None`
    /// where its front is damaged, or a record with others behind it.
    pub fn read_begun(bytes: &[u8]) -> Option<Handover> {
        let (front, mut rest) = bytes.split_first_chunk::<{ Front::BYTES }>()?;
        let mut handover = Handover::read(front)?;
        while let Some((bytes, behind)) = rest.split_first_chunk() {
            let counter = handover.first + handover.records.len() as u64;
            match OfflineRecord::from_bytes(bytes, handover.book, counter) {
                Some(record) => handover.records.push(record),
                None if behind.is_empty() => break,
                None => return None,
            }
            rest = behind;
        }
        Some(handover)
    }

    /// Reads what a gate handed over; `None` for anything else, also where a single record is damaged: the gate still has
    /// all of them.
    pub fn read(bytes: &[u8]) -> Option<Handover> {
        let (front, rest) = bytes.split_first_chunk()?;
        let Front { device, book, first } = Front::from_bytes(front)?;
        let (rest, []) = rest.as_chunks() else { return None };
        let counters = first..first.checked_add(rest.len() as u64)?;
        let records = rest.iter().zip(counters);
        let records = records.map(|(bytes, counter)| OfflineRecord::from_bytes(bytes, book, counter));
        Some(Handover { device, book, first, records: records.collect::<Option<_>>()? })
    }

    /// The counter of the last record, `None` when there is none.
    pub fn last(&self) -> Option<u64> {
        self.records.last().map(OfflineRecord::counter)
    }
}

/// The first bytes of SHA-256 over the book's id and what is checked: a record of another book, or of the file that was
/// here before, is none of this one.
fn check(book: BookId, bytes: &[u8]) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::new_with_prefix(book.0).chain_update(bytes).finalize().into();
    core::array::from_fn(|at| digest[at])
}

impl fmt::Debug for BookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BookId({:032x})", u128::from_be_bytes(self.0))
    }
}
