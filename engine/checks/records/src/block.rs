//! One commit: a block of records and slips, sealed under the day's key and chained over what is written.
//!
//! ```text
//! header 64: length of the sealed part, count, kind, first number, synced up to, digest of the block before, time
//! sealed:    count records of 56 bytes, then a slip of 48 for each that says so (AES-256-GCM)
//! tag 16
//! digest 32: SHA-256(salt of the segment, header, sealed, tag)
//! ```
//! The next block begins at the next multiple of 64.
//!
//! The digest is over ciphertext, so that the chain can be verified after the key is gone. It names the segment's salt,
//! so that bytes of an earlier use of the same file never look valid.

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use hufu_wire::UnixMillis;
use sha2::{Digest as _, Sha256};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::keys::cipher;
use crate::row::Row;
use crate::slip::Slip;

/// The digest of a block, which the next one names.
pub type Link = [u8; 32];

/// Most records of one block: a commit of everything that many workers hold.
pub const RECORDS_MAX: usize = 4096;

/// What stands in front of the sealed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the sealed part without its tag.
    pub length: u32,
    /// Its records.
    pub count: u16,
    /// What it holds.
    pub kind: Kind,
    /// The number of its first record: records of an engine are numbered from 0 without gaps.
    pub first: u64,
    /// Every record below was durable when this block was written: a block that says so lies behind no torn one.
    pub synced: u64,
    /// Of the block before.
    pub before: Link,
    /// The engine's clock at the commit.
    pub time: UnixMillis,
}

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// Records of checks and their slips.
    Checks = 1,
    /// The engine could not keep records from the time that this block seals until its own, and answered `busy`.
    Gap = 2,
    /// Nothing: it says that everything before it is durable, where no record follows soon.
    Rest = 3,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    length: U32,
    count: U16,
    kind: U16,
    first: U64,
    synced: U64,
    before: Link,
    time_ms: U64,
}

const _: () = assert!(size_of::<Layout>() == Header::BYTES);

/// Bytes of the authentication tag.
const TAG_BYTES: usize = 16;
/// Bytes around the sealed part.
pub(crate) const AROUND_BYTES: usize = Header::BYTES + TAG_BYTES + size_of::<Link>();
/// Blocks begin at multiples of this, so that one behind a torn one is found without trying every byte. What lies
/// between is no part of a block.
pub(crate) const ALIGNED: usize = 64;
/// Most bytes of a block.
pub(crate) const BLOCK_BYTES_MAX: usize = AROUND_BYTES + RECORDS_MAX * (Row::BYTES + Slip::BYTES);

impl Header {
    /// Bytes of every header.
    pub const BYTES: usize = 64;

    fn to_bytes(self) -> [u8; Header::BYTES] {
        zerocopy::transmute!(Layout {
            length: self.length.into(),
            count: self.count.into(),
            kind: (self.kind as u16).into(),
            first: self.first.into(),
            synced: self.synced.into(),
            before: self.before,
            time_ms: self.time.0.into(),
        })
    }

    /// The header at the start of `bytes`; `None` for anything that no engine writes there.
    pub(crate) fn at_start_of(bytes: &[u8]) -> Option<Header> {
        let (layout, _) = Layout::ref_from_prefix(bytes).ok()?;
        let kind = match layout.kind.get() {
            1 => Kind::Checks,
            2 => Kind::Gap,
            3 => Kind::Rest,
            _ => return None,
        };
        let (length, count) = (layout.length.get(), layout.count.get());
        let fits = match kind {
            Kind::Checks => {
                let (records, length) = (usize::from(count), usize::try_from(length).ok()?);
                let rows = records * Row::BYTES;
                let slips = length.checked_sub(rows)?;
                records > 0
                    && records <= RECORDS_MAX
                    && slips % Slip::BYTES == 0
                    && slips / Slip::BYTES <= records
            }
            Kind::Gap => count == 0 && length == 8,
            Kind::Rest => count == 0 && length == 0,
        };
        fits.then_some(Header {
            length,
            count,
            kind,
            first: layout.first.get(),
            synced: layout.synced.get(),
            before: layout.before,
            time: UnixMillis(layout.time_ms.get()),
        })
    }

    /// Bytes of the whole block.
    pub(crate) fn block_bytes(&self) -> usize {
        // Bounded by `BLOCK_BYTES_MAX`.
        AROUND_BYTES + self.length as usize
    }

    /// Bytes from its start to the next one's.
    pub(crate) fn step_bytes(&self) -> u64 {
        self.block_bytes().next_multiple_of(ALIGNED) as u64
    }

    /// The number of the record after its last.
    pub(crate) fn end(&self) -> u64 {
        self.first.saturating_add(self.count.into())
    }
}

/// The key of one day and one run of an engine.
pub(crate) struct BlockKey(LessSafeKey);

impl BlockKey {
    pub(crate) fn new(key: &[u8; 32]) -> BlockKey {
        BlockKey(cipher(key))
    }
}

/// The place of a block. No two blocks under one key have the same: segments are numbered and never continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) block: u32,
}

impl Place {
    fn nonce(self) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&self.segment.to_le_bytes());
        nonce[8..].copy_from_slice(&self.block.to_le_bytes());
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Turns `room`, whose first [`Header::BYTES`] are free and whose rest is the plain part, into a whole block, and
/// returns its digest.
///
/// # Panics
/// When the plain part is longer than a block may be.
pub(crate) fn seal(
    key: &BlockKey,
    place: Place,
    salt: &[u8; 16],
    header: Header,
    room: &mut Vec<u8>,
) -> Link {
    assert!(room.len() <= Header::BYTES + RECORDS_MAX * (Row::BYTES + Slip::BYTES), "a block is bounded");
    let head = header.to_bytes();
    room[..Header::BYTES].copy_from_slice(&head);
    let sealed = &mut room[Header::BYTES..];
    let tag =
        key.0.seal_in_place_separate_tag(place.nonce(), Aad::from(&head), sealed).expect("a short message");
    room.extend_from_slice(tag.as_ref());
    let link = digest(salt, room);
    room.extend_from_slice(&link);
    link
}

/// A block that is whole: its digest is right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole<'b> {
    pub(crate) header: Header,
    pub(crate) link: Link,
    /// Sealed part and tag.
    sealed: &'b [u8],
}

/// The whole block at the start of `bytes`; `None` when there is none.
pub(crate) fn whole<'b>(salt: &[u8; 16], bytes: &'b [u8]) -> Option<Whole<'b>> {
    let header = Header::at_start_of(bytes)?;
    let block = bytes.get(..header.block_bytes())?;
    let (front, link) = block.split_last_chunk::<32>()?;
    (digest(salt, front) == *link).then(|| Whole { header, link: *link, sealed: &front[Header::BYTES..] })
}

impl Whole<'_> {
    /// The plain part, in `room`; `None` when the key is another's.
    pub(crate) fn open<'r>(&self, key: &BlockKey, place: Place, room: &'r mut Vec<u8>) -> Option<&'r [u8]> {
        room.clear();
        room.extend_from_slice(self.sealed);
        let head = self.header.to_bytes();
        key.0.open_in_place(place.nonce(), Aad::from(&head), room).ok().map(|plain| &*plain)
    }
}

fn digest(salt: &[u8; 16], block: &[u8]) -> Link {
    Sha256::new().chain_update(salt).chain_update(block).finalize().into()
}
