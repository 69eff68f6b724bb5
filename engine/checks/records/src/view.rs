//! The view of a day: its slips sorted by tag, in buckets that a holder's phone asks for by the first bits of a tag, so
//! that who answers does not learn which slip is theirs (R41).
//!
//! ```text
//! header 136: engine, day, prefix bits, slips, times, salt, name of the key, digest
//! index:      for each bucket the slips before it, and their number at the end, 8 bytes each
//! buckets:    slips of 48 bytes, sealed (AES-256-GCM), tag 16
//! ```
//! The key of the buckets follows from the key of the day, so that destroying that destroys every copy of the view.

mod build;
mod partition;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use hufu_wire::UnixMillis;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};
use zeroize::Zeroizing;

use crate::day::Day;
use crate::keys::{self, DayKey, cipher};
use crate::segment::{EngineId, KeyName};
use crate::slip::{Slip, Tag};

pub use build::{BuildFault, build_view};

/// Fewest slips of a bucket; a day that has fewer is one bucket.
pub const BUCKET_SLIPS_MIN: u64 = 100;

/// Longest prefix: 16 million buckets, for a day of 1.6 billion slips.
pub const PREFIX_BITS_MAX: u8 = 24;

/// What stands at the front of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewHeader {
    /// The engine that checked.
    pub engine: EngineId,
    /// The day.
    pub day: Day,
    /// Bits of a tag that name a bucket, at most [`PREFIX_BITS_MAX`].
    pub prefix_bits: u8,
    /// Slips in it.
    pub slips: u64,
    /// The time of the first check with a slip, 0 when there is none.
    pub first: UnixMillis,
    /// The time of the last one.
    pub last: UnixMillis,
    salt: [u8; 16],
    /// Which key of the day it is sealed under.
    pub key: KeyName,
    digest: [u8; 32],
}

/// Why a view cannot be read.
#[derive(Debug, Error)]
pub enum ViewFault {
    /// The disk.
    #[error("{}: {why}", file.display())]
    Disk {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// It is none, or was altered or cut short.
    #[error("{} {what}; build it again with `hufu records view`", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// A view on the disk: its header was read, its buckets are sealed.
pub struct View {
    file: File,
    path: PathBuf,
    header: ViewHeader,
}

/// A view whose key is here.
pub struct OpenView {
    view: View,
    key: LessSafeKey,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    magic: [u8; 8],
    engine: EngineId,
    day: U32,
    prefix_bits: U32,
    slips: U64,
    first_ms: U64,
    last_ms: U64,
    salt: [u8; 16],
    key: KeyName,
    digest: [u8; 32],
}

const MAGIC: [u8; 8] = *b"HUFUVEW\x01";
const DIGESTED: usize = size_of::<Layout>() - 32;
const INDEX_ENTRY: u64 = 8;
const SEAL_TAG: usize = 16;
const _: () = assert!(size_of::<Layout>() == ViewHeader::BYTES);

/// The number of the bucket of `tag`: its first `bits` bits.
pub fn prefix_of(tag: &Tag, bits: u8) -> u32 {
    let front = u32::from_be_bytes([tag[0], tag[1], tag[2], tag[3]]);
    front.checked_shr(32_u32.saturating_sub(bits.into())).unwrap_or(0)
}

impl ViewHeader {
    /// Bytes of every header.
    pub const BYTES: usize = 136;

    /// Buckets.
    pub fn buckets(&self) -> u64 {
        1 << self.prefix_bits
    }

    /// Fixes its digest, and writes the header.
    fn seal(&mut self) -> [u8; ViewHeader::BYTES] {
        let mut layout = Layout {
            magic: MAGIC,
            engine: self.engine,
            day: self.day.0.into(),
            prefix_bits: u32::from(self.prefix_bits).into(),
            slips: self.slips.into(),
            first_ms: self.first.0.into(),
            last_ms: self.last.0.into(),
            salt: self.salt,
            key: self.key,
            digest: [0; 32],
        };
        self.digest = Sha256::digest(&layout.as_bytes()[..DIGESTED]).into();
        layout.digest = self.digest;
        zerocopy::transmute!(layout)
    }

    fn from_bytes(bytes: &[u8; ViewHeader::BYTES]) -> Option<ViewHeader> {
        let layout = Layout::ref_from_bytes(bytes).ok()?;
        let digest: [u8; 32] = Sha256::digest(&bytes[..DIGESTED]).into();
        let prefix_bits = u8::try_from(layout.prefix_bits.get()).ok()?;
        let genuine = layout.magic == MAGIC && layout.digest == digest && prefix_bits <= PREFIX_BITS_MAX;
        genuine.then_some(ViewHeader {
            engine: layout.engine,
            day: Day(layout.day.get()),
            prefix_bits,
            slips: layout.slips.get(),
            first: UnixMillis(layout.first_ms.get()),
            last: UnixMillis(layout.last_ms.get()),
            salt: layout.salt,
            key: layout.key,
            digest,
        })
    }

    fn bucket_key(&self, day: &DayKey) -> LessSafeKey {
        let digest = Sha256::new()
            .chain_update(b"hufu view of a day")
            .chain_update(day.bytes())
            .chain_update(self.salt)
            .finalize();
        cipher(&Zeroizing::new(digest.into()))
    }

    /// Where a bucket begins that has so many buckets and slips before it.
    fn place(&self, buckets: u64, slips: u64) -> Option<u64> {
        let index = (self.buckets() + 1) * INDEX_ENTRY;
        let before = slips.checked_mul(Slip::BYTES as u64)?.checked_add(buckets * SEAL_TAG as u64)?;
        before.checked_add(ViewHeader::BYTES as u64 + index)
    }

    /// The name of its file.
    pub fn file_name(&self) -> String {
        format!("view-{}-{}.hufu", self.day, hex::encode(self.engine))
    }

    /// The name of the file of its key in a folder of keys. When that is gone, the day is.
    pub fn key_file_name(&self) -> String {
        keys::file_name(self.day, &self.key)
    }

    /// Whether a file of this name is a view.
    pub fn is_file_name(name: &str) -> bool {
        name.strip_prefix("view-").is_some_and(|rest| rest.strip_suffix(".hufu").is_some())
    }
}

impl View {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`ViewFault`].
    pub fn open(path: &Path) -> Result<View, ViewFault> {
        let of = |why| ViewFault::Disk { file: path.to_owned(), why };
        let damaged = |what| ViewFault::Damaged { file: path.to_owned(), what };
        let file = File::open(path).map_err(of)?;
        let mut bytes = [0; ViewHeader::BYTES];
        file.read_exact_at(&mut bytes, 0).map_err(|why| match why.kind() {
            io::ErrorKind::UnexpectedEof => damaged("is no view of a day: it is too short"),
            _ => of(why),
        })?;
        let header = ViewHeader::from_bytes(&bytes)
            .ok_or_else(|| damaged("is no view of a day, or its header was altered"))?;
        if header.place(header.buckets(), header.slips) != Some(file.metadata().map_err(of)?.len()) {
            return Err(damaged("has another length than its header says: it was cut short or altered"));
        }
        Ok(View { file, path: path.to_owned(), header })
    }

    /// What its header says.
    pub fn header(&self) -> &ViewHeader {
        &self.header
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The view with its key; `None` when `day` is another key than the one it is sealed under.
    pub fn unlock(self, day: &DayKey) -> Option<OpenView> {
        (day.name() == self.header.key).then(|| OpenView { key: self.header.bucket_key(day), view: self })
    }

    fn damaged(&self, what: &'static str) -> ViewFault {
        ViewFault::Damaged { file: self.path.clone(), what }
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), ViewFault> {
        let disk = |why| ViewFault::Disk { file: self.path.clone(), why };
        self.file.read_exact_at(bytes, at).map_err(disk)
    }

    /// The slips before bucket `number`, and before the one after it.
    fn span(&self, number: u32) -> Result<(u64, u64), ViewFault> {
        let mut entries = [0; 16];
        let at = ViewHeader::BYTES as u64 + u64::from(number) * INDEX_ENTRY;
        self.read(&mut entries, at)?;
        let (entries, _) = entries.as_chunks::<8>();
        Ok((u64::from_le_bytes(entries[0]), u64::from_le_bytes(entries[1])))
    }
}

impl OpenView {
    /// What its header says.
    pub fn header(&self) -> &ViewHeader {
        &self.view.header
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.view.path
    }

    /// How many slips bucket `number` has, before it is opened.
    ///
    /// # Errors
    /// [`ViewFault`]; also when there is no such bucket.
    pub fn bucket_slips(&self, number: u32) -> Result<u64, ViewFault> {
        if u64::from(number) >= self.view.header.buckets() {
            return Err(self.view.damaged("has no bucket of this number"));
        }
        let (start, end) = self.view.span(number)?;
        let within = start <= end && end <= self.view.header.slips;
        if within { Ok(end - start) } else { Err(self.view.damaged("has an index that was altered")) }
    }

    /// The slips of bucket `number`, sorted.
    ///
    /// # Errors
    /// [`ViewFault`]; also when there is no such bucket.
    pub fn bucket(&self, number: u32) -> Result<Vec<Slip>, ViewFault> {
        let View { header, .. } = &self.view;
        let slips = self.bucket_slips(number)?;
        let (start, _) = self.view.span(number)?;
        let altered = || self.view.damaged("has a bucket that was altered or exchanged");
        let at = header.place(number.into(), start).ok_or_else(altered)?;
        let bytes = slips * Slip::BYTES as u64 + SEAL_TAG as u64;
        let mut sealed = vec![0; usize::try_from(bytes).map_err(|_| altered())?];
        self.view.read(&mut sealed, at)?;
        let plain = self
            .key
            .open_in_place(nonce(number), Aad::from(&header.digest), &mut sealed)
            .map_err(|_| altered())?;
        let slips = <[Slip]>::ref_from_bytes(plain).map_err(|_| altered())?;
        Ok(slips.to_vec())
    }

    /// The slips whose tags begin with the `bits` bits of `prefix`. `bits` may be more than the view has.
    ///
    /// # Errors
    /// As [`bucket`](Self::bucket).
    pub fn slips(&self, bits: u8, prefix: u32) -> Result<Vec<Slip>, ViewFault> {
        let shorter = bits.saturating_sub(self.view.header.prefix_bits);
        let mut slips = self.bucket(prefix.checked_shr(shorter.into()).unwrap_or(0))?;
        if shorter > 0 {
            slips.retain(|slip| prefix_of(&slip.tag, bits) == prefix);
        }
        Ok(slips)
    }
}

fn nonce(bucket: u32) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[..4].copy_from_slice(&bucket.to_le_bytes());
    Nonce::assume_unique_for_key(nonce)
}
