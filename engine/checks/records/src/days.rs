//! The chain of days: signed entries that outlive the records. A day's end says how many records it had and where its
//! chain of blocks began and ended; its destruction says that its keys are gone. Two neighbours must meet: so it stays
//! provable that no day and no block between was left out, when nothing of them is left.

use std::io;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use hufu_wire::UnixMillis;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::block::Link;
use crate::day::Day;
use crate::disk::Folder;
use crate::segment::EngineId;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayEntry {
    /// What happened.
    pub event: DayEvent,
    /// To which day.
    pub day: Day,
    /// The number of its first record.
    pub first: u64,
    /// How many it had.
    pub records: u64,
    /// The digest of the last block before it.
    pub before: Link,
    /// The digest of its last block.
    pub after: Link,
    /// Of the names of its keys, in the order of their segments.
    pub keys: [u8; 32],
    /// The engine's clock.
    pub time: UnixMillis,
}

/// What an entry tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum DayEvent {
    /// The day is over; nothing is added to it any more.
    Closed = 1,
    /// Its keys are destroyed.
    Destroyed = 2,
}

/// What is wrong with a chain of days, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("entry {entry} of the chain of days: {what}")]
pub struct DaysFault {
    /// Counted from 0.
    pub entry: usize,
    /// What is wrong.
    pub what: &'static str,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    magic: [u8; 8],
    engine: EngineId,
    event: U32,
    day: U32,
    first: U64,
    records: U64,
    before: Link,
    after: Link,
    keys: [u8; 32],
    time_ms: U64,
    /// SHA-256 of the entry before, signature and all.
    previous: [u8; 32],
    signature: [u8; 64],
}

const MAGIC: [u8; 8] = *b"HUFUDAY\x01";
const SIGNED: usize = DayEntry::BYTES - 64;
const _: () = assert!(size_of::<Layout>() == DayEntry::BYTES);

impl DayEntry {
    /// Bytes of every entry.
    pub const BYTES: usize = 248;
}

/// The chain of days of one engine.
#[derive(Clone, Debug, Default)]
pub struct Days {
    bytes: Vec<u8>,
    entries: Vec<DayEntry>,
}

/// The file it is kept in.
pub const DAYS: &str = "days.hufu";

impl Days {
    /// Reads the chain of `engine` and verifies every signature with `key`. No file is an empty chain.
    ///
    /// # Errors
    /// The disk's; [`DaysFault`] inside an [`io::ErrorKind::InvalidData`].
    pub fn read(folder: &Folder, engine: &EngineId, key: &VerifyingKey) -> io::Result<Days> {
        match folder.contents(DAYS) {
            Ok(bytes) => Days::verify(&bytes, engine, key)
                .map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Days::default()),
            Err(error) => Err(error),
        }
    }

    /// Verifies a chain: signatures, order, and that each day begins where the day before ended.
    ///
    /// # Errors
    /// [`DaysFault`].
    pub fn verify(bytes: &[u8], engine: &EngineId, key: &VerifyingKey) -> Result<Days, DaysFault> {
        let mut days = Days::default();
        let (chunks, rest) = bytes.as_chunks::<{ DayEntry::BYTES }>();
        for (index, chunk) in chunks.iter().enumerate() {
            let fault = |what| DaysFault { entry: index, what };
            let layout = Layout::ref_from_bytes(chunk).map_err(|_| fault("not an entry"))?;
            if layout.magic != MAGIC {
                return Err(fault("not an entry"));
            }
            if layout.engine != *engine {
                return Err(fault("another engine's"));
            }
            let signature = ed25519_dalek::Signature::from_bytes(&layout.signature);
            key.verify_strict(&chunk[..SIGNED], &signature)
                .map_err(|_| fault("its signature is not genuine"))?;
            if layout.previous != days.tip() {
                return Err(fault("it does not follow the entry before it"));
            }
            let entry = DayEntry {
                event: match layout.event.get() {
                    1 => DayEvent::Closed,
                    2 => DayEvent::Destroyed,
                    _ => return Err(fault("unknown event")),
                },
                day: Day(layout.day.get()),
                first: layout.first.get(),
                records: layout.records.get(),
                before: layout.before,
                after: layout.after,
                keys: layout.keys,
                time: UnixMillis(layout.time_ms.get()),
            };
            days.fits(&entry).map_err(fault)?;
            days.entries.push(entry);
            days.bytes.extend_from_slice(chunk);
        }
        if !rest.is_empty() {
            return Err(DaysFault { entry: chunks.len(), what: "it is cut short" });
        }
        Ok(days)
    }

    /// The chain, as its file has it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Every entry, oldest first.
    pub fn entries(&self) -> &[DayEntry] {
        &self.entries
    }

    /// The end of the last day that was closed.
    pub fn last_closed(&self) -> Option<&DayEntry> {
        self.entries.iter().rev().find(|entry| entry.event == DayEvent::Closed)
    }

    /// The closed days whose keys were not destroyed.
    pub fn kept(&self) -> impl Iterator<Item = &DayEntry> {
        self.entries.iter().filter(|entry| entry.event == DayEvent::Closed && !self.destroyed(entry.day))
    }

    /// Whether the keys of `day` were destroyed.
    pub fn destroyed(&self, day: Day) -> bool {
        self.entries.iter().any(|entry| entry.event == DayEvent::Destroyed && entry.day == day)
    }

    /// Appends an entry, signed, durably.
    ///
    /// # Errors
    /// The disk's; nothing is appended then.
    ///
    /// # Panics
    /// When the entry does not follow from those there.
    pub fn append(
        &mut self,
        folder: &Folder,
        engine: &EngineId,
        key: &SigningKey,
        entry: DayEntry,
    ) -> io::Result<()> {
        self.fits(&entry).expect("the caller appends what follows");
        let mut layout = Layout {
            magic: MAGIC,
            engine: *engine,
            event: (entry.event as u32).into(),
            day: entry.day.0.into(),
            first: entry.first.into(),
            records: entry.records.into(),
            before: entry.before,
            after: entry.after,
            keys: entry.keys,
            time_ms: entry.time.0.into(),
            previous: self.tip(),
            signature: [0; 64],
        };
        layout.signature = key.sign(&layout.as_bytes()[..SIGNED]).to_bytes();
        let mut bytes = self.bytes.clone();
        bytes.extend_from_slice(layout.as_bytes());
        folder.replace(DAYS, &bytes)?;
        self.bytes = bytes;
        self.entries.push(entry);
        Ok(())
    }

    /// Whether `entry` may come next.
    fn fits(&self, entry: &DayEntry) -> Result<(), &'static str> {
        match entry.event {
            DayEvent::Closed => match self.last_closed() {
                Some(last) if entry.day <= last.day => Err("its day was closed before"),
                Some(last) if entry.before != last.after || entry.first != last.first + last.records => {
                    Err("its day does not begin where the day before ended")
                }
                _ => Ok(()),
            },
            DayEvent::Destroyed => {
                let closed = self
                    .kept()
                    .any(|kept| DayEntry { event: entry.event, time: entry.time, ..*kept } == *entry);
                if closed {
                    Ok(())
                } else {
                    Err("it destroys a day that was never closed, or one destroyed before")
                }
            }
        }
    }

    fn tip(&self) -> [u8; 32] {
        match self.bytes.last_chunk::<{ DayEntry::BYTES }>() {
            Some(last) => Sha256::digest(last).into(),
            None => [0; 32],
        }
    }
}
