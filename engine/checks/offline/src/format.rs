//! The bytes of an offline list; `docs/OFFLINE.md` draws them.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use hufu_codes::chain::Tip;
use hufu_sync::Follower;
use hufu_table::{AsOf, Reader};
use hufu_wire::chain::{ChainDigest, Proposed};
use hufu_wire::{IssuerId, Sequence, UnixMillis};
use sha2::{Digest as _, Sha256};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::fault::ListFault;
use crate::list::{Exception, OfflineList, Room, UNKNOWN, may_end};

/// A list, and the place of the chain that it is of.
#[derive(Debug)]
pub struct OfflineFile {
    /// The statuses.
    pub list: OfflineList,
    /// The last change set that is in them.
    pub tip: Tip,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    version: U32,
    issuer: U32,
    sequence: U64,
    proposed: U64,
    confirmed_ms: U64,
    heard_ms: U64,
    digest: [u8; 32],
    holders: U32,
    exceptions: U32,
    exceptions_bytes: U32,
    packed_bytes: U32,
    usual: u8,
    zero: [u8; 7],
}

const HEADER_BYTES: usize = size_of::<Header>();
const DIGEST_BYTES: usize = 32;
const MAGIC: [u8; 8] = *b"HUFUOFFL";
/// The only version there is.
const VERSION: u32 = 1;

/// Bytes of the longest exception: a gap of 32 bits and a flag in five, a generation, a minute of 24 bits.
const EXCEPTION_BYTES_MAX: u64 = 5 + 1 + 3;
/// Bytes of the shortest one.
const EXCEPTION_BYTES_MIN: u64 = 2;

const _: () = assert!(HEADER_BYTES == 104);

impl OfflineFile {
    /// The list of what is in the table now. `tip` and `heard` are what the issuer's follower knew before this call: the
    /// words may be later ones, never earlier ones, and the change sets after `tip` make them equal again.
    ///
    /// # Errors
    /// [`ListFault::AnotherIssuer`] when the table does not have this issuer; [`ListFault::TooLarge`].
    pub fn of_table(
        table: &Reader,
        issuer: IssuerId,
        tip: &Tip,
        heard: Option<UnixMillis>,
        room: Room,
    ) -> Result<OfflineFile, ListFault> {
        Ok(OfflineFile { list: OfflineList::of_table(table, issuer, tip, heard, room)?, tip: *tip })
    }

    /// The bytes of a list that a follower keeps current.
    pub fn bytes_of(follower: &Follower<OfflineList>) -> Vec<u8> {
        written(follower.words(), follower.tip())
    }

    /// The bytes of this list.
    pub fn to_bytes(&self) -> Vec<u8> {
        written(&self.list, &self.tip)
    }

    /// How long a list is by what its first bytes say; `None` while they have not come.
    pub(crate) fn bytes_announced(bytes: &[u8]) -> Option<usize> {
        let (header, _) = Header::ref_from_prefix(bytes).ok()?;
        (header.packed_bytes.get() as usize).checked_add(HEADER_BYTES + DIGEST_BYTES)
    }

    /// Reads a list. Nothing is unpacked before its digest is verified and its size is known to fit `room`.
    ///
    /// # Errors
    /// [`ListFault`] for every byte string but one that a list of this content has.
    pub fn read(bytes: &[u8], room: Room) -> Result<OfflineFile, ListFault> {
        let (header, rest) = Header::ref_from_prefix(bytes).map_err(|_| ListFault::Cut)?;
        if header.magic != MAGIC {
            return Err(ListFault::NotAList);
        }
        if header.version.get() != VERSION {
            return Err(ListFault::OtherVersion { found: header.version.get() });
        }
        let packed_bytes = header.packed_bytes.get() as usize;
        if Some(rest.len()) != packed_bytes.checked_add(DIGEST_BYTES) {
            return Err(ListFault::Cut);
        }
        let (digested, digest) = bytes.split_at(bytes.len() - DIGEST_BYTES);
        if Sha256::digest(digested).as_slice() != digest {
            return Err(ListFault::Altered);
        }
        // From here on its maker erred, and the way did not.
        let (list, tip) = header.admit(room)?;
        unpack(header, &rest[..packed_bytes], list).map(|list| OfflineFile { list, tip })
    }
}

impl Header {
    /// What the header says, and an empty list for it.
    fn admit(&self, room: Room) -> Result<(OfflineList, Tip), ListFault> {
        if self.holders.get() > room.holders_max {
            return Err(room.too_many_holders(self.holders.get().into()));
        }
        room.admit_exceptions(self.exceptions.get() as usize)?;
        let (exceptions, bytes) = (u64::from(self.exceptions.get()), u64::from(self.exceptions_bytes.get()));
        if !(exceptions * EXCEPTION_BYTES_MIN..=exceptions * EXCEPTION_BYTES_MAX).contains(&bytes) {
            return Err(odd("the length of its exceptions"));
        }
        let tip = Tip {
            sequence: Sequence(self.sequence.get()),
            digest: ChainDigest(self.digest),
            proposed: Proposed::from_bits(self.proposed.get()),
            confirmed: UnixMillis(self.confirmed_ms.get()),
        };
        let is_start = tip.sequence == Sequence(0);
        if is_start != (tip.digest == ChainDigest::NONE) || is_start && tip != Tip::START {
            return Err(odd("the place in its chain"));
        }
        if tip.proposed.era() > Proposed::ERA_MAX || self.zero != [0; 7] {
            return Err(odd("its header"));
        }
        let heard = Some(UnixMillis(self.heard_ms.get())).filter(|heard| *heard != UnixMillis(0));
        let as_of = AsOf { sequence: tip.sequence, heard };
        Ok((OfflineList::empty(IssuerId(self.issuer.get()), room, self.usual, as_of), tip))
    }
}

/// Unpacks the body into an empty list.
fn unpack(header: &Header, packed: &[u8], mut list: OfflineList) -> Result<OfflineList, ListFault> {
    let holders = header.holders.get();
    // The header's numbers fit the room, so these lengths do.
    let mut bits = vec![0; holders.div_ceil(4) as usize];
    let mut exceptions = vec![0; header.exceptions_bytes.get() as usize];
    let mut plain = ZlibDecoder::new(packed);
    let mut fill = |out: &mut [u8]| plain.read_exact(out).map_err(|_| odd("its packed part"));
    fill(&mut bits)?;
    fill(&mut exceptions)?;
    // One byte more than it should have is found here, whatever it would unpack to; the checksum is read too.
    if !matches!(plain.read(&mut [0]), Ok(0)) || plain.total_in() != packed.len() as u64 {
        return Err(odd("its packed part"));
    }
    let padding = holders % 4 * 2;
    if padding != 0 && bits.last().is_some_and(|last| last >> padding != 0xff >> padding) {
        return Err(odd("the bits behind its last holder"));
    }
    list.take_bits(holders, bits);
    let read = read_exceptions(&exceptions, header.exceptions.get(), &list)?;
    let last = holders.checked_sub(1);
    if last.is_some_and(|last| list.value(last) == UNKNOWN && !read.contains_key(&last)) {
        return Err(odd("it is longer than its last holder"));
    }
    list.take_exceptions(read);
    Ok(list)
}

/// The exceptions of `list`, each where its bits are not enough.
fn read_exceptions(
    mut bytes: &[u8],
    count: u32,
    list: &OfflineList,
) -> Result<BTreeMap<u32, Exception>, ListFault> {
    let fault = || odd("an exception");
    let mut next = 0_u64;
    let mut read = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let gap = read_varint(&mut bytes).ok_or_else(fault)?;
        let holder = u32::try_from(next + (gap >> 1)).map_err(|_| fault())?;
        let (generation, rest) = bytes.split_first().ok_or_else(fault)?;
        let ends = gap & 1 == 1;
        let (until, rest) = if ends {
            let ([a, b, c], rest) = rest.split_first_chunk().ok_or_else(fault)?;
            (u32::from_le_bytes([*a, *b, *c, 0]), rest)
        } else {
            (0, rest)
        };
        bytes = rest;
        let (value, exception) = (list.value(holder), Exception::new(*generation, until));
        let spelt = ends == (until != 0) && (may_end(value) || !ends);
        if holder >= list.holders() || !spelt || exception == list.default_of(value) {
            return Err(fault());
        }
        read.push((holder, exception));
        next = u64::from(holder) + 1;
    }
    if bytes.is_empty() { Ok(read.into_iter().collect()) } else { Err(fault()) }
}

fn written(list: &OfflineList, tip: &Tip) -> Vec<u8> {
    let mut exceptions = Vec::new();
    let (mut next, mut count, mut holders) = (0, 0_u32, list.last_known().map_or(0, |last| last + 1));
    for (holder, exception) in list.exceptions() {
        let ends = exception.until().get() != 0;
        push_varint(u64::from(holder - next) << 1 | u64::from(ends), &mut exceptions);
        exceptions.push(exception.generation());
        if ends {
            exceptions.extend(&exception.until().get().to_le_bytes()[..3]);
        }
        (next, count, holders) = (holder + 1, count + 1, holders.max(holder + 1));
    }
    let bits = &list.bits()[..holders.div_ceil(4) as usize];
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    let wrote = packed.write_all(bits).and_then(|()| packed.write_all(&exceptions));
    let packed = wrote.and_then(|()| packed.finish()).expect("a vector takes every byte");
    let AsOf { heard, .. } = list.as_of();
    let header = Header {
        magic: MAGIC,
        version: VERSION.into(),
        issuer: list.issuer().0.into(),
        sequence: tip.sequence.0.into(),
        proposed: tip.proposed.bits().into(),
        confirmed_ms: tip.confirmed.0.into(),
        heard_ms: heard.map_or(0, |heard| heard.0).into(),
        digest: tip.digest.0,
        holders: holders.into(),
        exceptions: count.into(),
        exceptions_bytes: u32::try_from(exceptions.len()).unwrap_or(u32::MAX).into(),
        packed_bytes: u32::try_from(packed.len()).unwrap_or(u32::MAX).into(),
        usual: list.usual(),
        zero: [0; 7],
    };
    let mut bytes = [header.as_bytes(), &packed].concat();
    bytes.extend_from_slice(&Sha256::digest(&bytes));
    bytes
}

/// An LEB128 number of at most 33 bits in its shortest form.
fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let shortest = shift == 0 || *byte != 0;
            return (shortest && value < 1 << 33).then_some(value);
        }
    }
    None
}

fn push_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

const fn odd(what: &'static str) -> ListFault {
    ListFault::NotCanonical { what }
}
