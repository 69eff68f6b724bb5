//! The bytes of a snapshot file; `docs/SNAPSHOT.md` is the drawing.

use core::mem::size_of;

use hufu_wire::{IssuerId, Sequence, UnixMillis};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::fault::SnapshotFaultKind::{self, Damaged, NotASnapshot, OtherVersion};
use super::info::{SnapshotDigest, SnapshotInfo};
use super::version::VERSION;
use crate::segment::{ISSUER_SEGMENTS, SEGMENT_WORDS};

pub(super) const MAGIC: [u8; 8] = *b"HUFUSNAP";

pub(super) const DIGEST_BYTES: usize = 32;
pub(super) const HEADER_BYTES: usize = size_of::<Header>();
pub(super) const ENTRY_BYTES: usize = size_of::<Entry>();

const _: () = assert!(HEADER_BYTES == 64);
const _: () = assert!(ENTRY_BYTES == 40);

/// The front of the file.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Header {
    pub(super) magic: [u8; 8],
    pub(super) version: U32,
    pub(super) issuer: U32,
    pub(super) sequence: U64,
    pub(super) heard_ms: U64,
    pub(super) holders: U64,
    pub(super) segments: U32,
    pub(super) zero: [u8; 20],
}

/// One stored segment: which, how many words up to its last known holder, and their BLAKE3 digest.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Entry {
    pub(super) segment: U32,
    pub(super) words: U32,
    pub(super) digest: [u8; DIGEST_BYTES],
}

/// The digest of the whole file: the entries carry the digests of all words, so this covers every byte.
pub(super) fn digest(header: &Header, entries: &[Entry]) -> SnapshotDigest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(header.as_bytes()).update(entries.as_bytes());
    SnapshotDigest(hasher.finalize().into())
}

/// What must hold before anything in the header is used, even to find the rest of the file.
pub(super) fn admit_header(header: &Header) -> Result<(), SnapshotFaultKind> {
    if header.magic != MAGIC {
        return Err(NotASnapshot);
    }
    if header.version.get() != VERSION {
        return Err(OtherVersion { found: header.version.get() });
    }
    if header.segments.get() as usize > ISSUER_SEGMENTS {
        return Err(Damaged { what: "more segments than holder indexes allow" });
    }
    Ok(())
}

/// Reads what a file says of itself, once header, entries and digest are there.
pub(super) fn admit(
    header: &Header,
    entries: &[Entry],
    stored: SnapshotDigest,
    bytes: u64,
) -> Result<SnapshotInfo, SnapshotFaultKind> {
    let damaged = |what| Err(Damaged { what });
    if digest(header, entries) != stored {
        return damaged("the digest of its header and segment list differs");
    }
    // From here on the file is what somebody wrote; what they may write has exactly one form.
    if header.zero != [0; 20] {
        return damaged("reserved bytes are not zero");
    }
    let mut next = 0;
    let mut words_total = 0_u64;
    for entry in entries {
        let (segment, words) = (entry.segment.get(), entry.words.get());
        if segment < next || segment as usize >= ISSUER_SEGMENTS {
            return damaged("segments out of order");
        }
        if words == 0 || words as usize > SEGMENT_WORDS {
            return damaged("a segment of impossible length");
        }
        next = segment + 1;
        words_total += u64::from(words);
    }
    if bytes != file_bytes(words_total, entries.len()) {
        return damaged("its length does not match its segment list");
    }
    let heard_ms = header.heard_ms.get();
    Ok(SnapshotInfo {
        issuer: IssuerId(header.issuer.get()),
        sequence: Sequence(header.sequence.get()),
        heard: (heard_ms != 0).then_some(UnixMillis(heard_ms)),
        holders: header.holders.get(),
        segments: header.segments.get(),
        bytes,
        digest: stored,
    })
}

pub(super) fn file_bytes(words: u64, segments: usize) -> u64 {
    words * 8 + (HEADER_BYTES + segments * ENTRY_BYTES + DIGEST_BYTES) as u64
}
