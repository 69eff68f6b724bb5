//! The folder of records: blocks appended to segments, days closed and destroyed. Everything that decides is here, with
//! the clock and the disk as arguments; the thread that drives it is [`crate::Recorder`].

mod recovery;
mod turning;

use std::io;

use ed25519_dalek::SigningKey;
use hufu_check::Trace;
use hufu_wire::UnixMillis;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::block::{self, BLOCK_BYTES_MAX, BlockKey, Header, Kind, Link, Place, RECORDS_MAX};
use crate::day::Day;
use crate::days::Days;
use crate::disk::{Disk, DiskFile as _};
use crate::identity::Identity;
use crate::keys::{KeyFolder, random};
use crate::row::Row;
use crate::segment::{EngineId, KeyName, SegmentHeader, file_name};
use crate::slip::{CodeKey, Finder};

/// What a store is told once.
pub struct StoreOptions {
    /// Bytes of each segment.
    pub segment_bytes: u64,
    /// Days that are kept whole after the day they are of (R42).
    pub keep_days: u32,
    /// The day of a time, in the engine's time zone.
    pub day_of: Box<dyn Fn(UnixMillis) -> Day + Send>,
}

/// Why a folder of records cannot be opened.
#[derive(Debug, Error)]
pub enum OpenFault {
    /// The disk, or what wraps keys.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// The folder is another engine's.
    #[error(
        "{file} was written by another engine, or with another secret; give each engine a folder of its own"
    )]
    OtherEngine {
        /// The segment.
        file: String,
    },
    /// Records that were durable are missing or altered.
    #[error(
        "{file} is damaged at byte {at}: records from number {next} on were durable and are not whole; keep the folder \
         as evidence, look at it with `hufu records verify`, and let the engine begin a new one"
    )]
    Damaged {
        /// The segment.
        file: String,
        /// Where its whole blocks end.
        at: u64,
        /// The first record that is missing.
        next: u64,
    },
}

/// One check on its way to the disk: its record, and what its slip is made from.
pub struct Kept {
    /// The record.
    pub row: Row,
    /// Forgotten once the slip is made.
    pub trace: Trace,
}

/// A folder of records that is written to.
pub struct Store<D: Disk> {
    disk: D,
    keys: KeyFolder<D>,
    engine: EngineId,
    signer: SigningKey,
    options: StoreOptions,
    days: Days,
    /// The end of everything written.
    tip: Tip,
    /// The end of everything durable.
    synced: Tip,
    /// The day that is not closed yet.
    open_day: Option<OpenDay>,
    segment: Option<OpenSegment<D::File>>,
    /// The end of what a block says to be durable.
    rested: u64,
    /// The highest number any segment had.
    last_segment: u64,
    /// Since when records could not be kept; every segment begins with it until that is durable.
    gap_since: Option<UnixMillis>,
    room: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tip {
    next: u64,
    link: Link,
}

/// A day that goes on.
struct OpenDay {
    day: Day,
    begun: Tip,
    /// Of the names of its keys.
    keys: Sha256,
    /// This run's own.
    key: Option<RunKey>,
}

struct RunKey {
    name: KeyName,
    block: BlockKey,
    code: CodeKey,
}

struct OpenSegment<F> {
    file: F,
    number: u64,
    salt: [u8; 16],
    at: u64,
    blocks: u32,
}

/// A file of a segment's size that waits for its use.
const SPARE: &str = "spare.rec";
/// The public key that verifies the chain of days, 32 bytes: for who reads the folder and has no secret.
pub const VERIFIER: &str = "verifier.key";
const SPARE_IN_WORK: &str = "spare.new";

impl<D: Disk> Store<D> {
    /// Opens the folder and finds the end of what was written. The first [`commit`](Self::commit) begins a new segment:
    /// none is ever continued.
    ///
    /// # Errors
    /// [`OpenFault`].
    ///
    /// # Panics
    /// When segments are smaller than [`SEGMENT_BYTES_MIN`].
    pub fn open(
        disk: D,
        keys: KeyFolder<D>,
        Identity { signer, engine }: Identity,
        options: StoreOptions,
    ) -> Result<Store<D>, OpenFault> {
        assert!(options.segment_bytes >= SEGMENT_BYTES_MIN, "a segment has room for its header and a block");
        let days = Days::read(&disk, &engine, &signer.verifying_key())?;
        let mut store = Store {
            tip: Tip::after(&days),
            synced: Tip::after(&days),
            disk,
            keys,
            engine,
            signer,
            options,
            days,
            open_day: None,
            segment: None,
            rested: 0,
            last_segment: 0,
            gap_since: None,
            room: Vec::with_capacity(BLOCK_BYTES_MAX),
        };
        store.find_end()?;
        let public = store.signer.verifying_key();
        if !store.disk.names()?.iter().any(|name| name == VERIFIER) {
            store.disk.replace(VERIFIER, public.as_bytes())?;
        }
        Ok(store)
    }

    /// How many records were written since the folder was made.
    pub fn records(&self) -> u64 {
        self.tip.next
    }

    /// Every day that was closed or destroyed.
    pub fn days(&self) -> &Days {
        &self.days
    }

    /// Writes one block of at most [`RECORDS_MAX`] records; it survives the process when this returns. The traces are
    /// forgotten.
    ///
    /// # Errors
    /// The disk's, or that of what wraps keys: none of them is kept. The next call begins a new segment, which begins
    /// with the gap.
    ///
    /// # Panics
    /// When there are more.
    pub fn commit(&mut self, now: UnixMillis, kept: &[Kept]) -> io::Result<()> {
        assert!(kept.len() <= RECORDS_MAX, "a block is bounded");
        if kept.is_empty() {
            return Ok(());
        }
        let written = self.try_commit(now, kept);
        self.note_failure(now, written)
    }

    /// Makes everything that was written durable.
    ///
    /// # Errors
    /// The disk's: what was written since the last time may be lost. The next [`commit`](Self::commit) begins a new
    /// segment.
    pub fn sync(&mut self, now: UnixMillis) -> io::Result<()> {
        let synced = match &self.segment {
            Some(segment) if self.synced != self.tip => segment.file.sync(),
            _ => Ok(()),
        };
        if synced.is_ok() {
            self.synced = self.tip;
            // The block that says so is durable.
            self.gap_since = None;
        }
        self.note_failure(now, synced)
    }

    /// Makes everything that was written durable, and says so behind it: for when no record follows soon. Whoever finds
    /// what it says, and not what it speaks of, knows that this was damaged and not merely lost with the power.
    ///
    /// # Errors
    /// As [`sync`](Self::sync).
    pub fn rest(&mut self, now: UnixMillis) -> io::Result<()> {
        if self.rested == self.tip.next || self.segment.is_none() {
            return Ok(());
        }
        self.sync(now)?;
        let said = self.make_room(now, 0).and_then(|()| {
            self.begin_block();
            self.write(now, Kind::Rest, 0)
        });
        self.note_failure(now, said)?;
        self.rested = self.tip.next;
        Ok(())
    }

    /// Closes the open day when it is over at `now`, and destroys what is older than is kept. A commit closes a day too;
    /// only this destroys.
    ///
    /// # Errors
    /// The disk's; it may be called again.
    pub fn turn(&mut self, now: UnixMillis) -> io::Result<()> {
        self.close_if_over(now)?;
        self.destroy_old(self.day_at(now), now)
    }

    /// After a failure: begins a new segment with the gap, durably.
    ///
    /// # Errors
    /// The disk's, or that of what wraps keys; it may be called again.
    pub fn resume(&mut self, now: UnixMillis) -> io::Result<()> {
        let before = self.last_segment;
        let keys = self.open_day.as_ref().map_or_else(Sha256::new, |open| open.keys.clone());
        let begun = self.close_if_over(now).and_then(|()| self.begin_segment(now));
        let resumed = self.note_failure(now, begun).and_then(|()| self.sync(now));
        if resumed.is_err() && self.last_segment != before {
            // It was begun here and holds no check: the next attempt uses its room. Where that fails, too, it stays.
            let given_back = self.disk.rename(&file_name(self.last_segment), SPARE);
            if let (Ok(()), Some(open)) = (given_back, &mut self.open_day) {
                open.keys = keys;
            }
        }
        resumed
    }

    fn close_if_over(&mut self, now: UnixMillis) -> io::Result<()> {
        match &self.open_day {
            Some(open) if open.day < self.day_at(now) => self.close(now),
            _ => Ok(()),
        }
    }

    fn try_commit(&mut self, now: UnixMillis, kept: &[Kept]) -> io::Result<()> {
        self.close_if_over(now)?;
        let slips = kept.iter().filter(|kept| !matches!(kept.trace, Trace::None)).count();
        let length = kept.len() * Row::BYTES + slips * crate::slip::Slip::BYTES;
        self.make_room(now, length)?;
        self.begin_block();
        let Some(key) = self.open_day.as_ref().and_then(|open| open.key.as_ref()) else {
            return Err(io::Error::other("a segment was begun without a key"));
        };
        for kept in kept {
            self.room.extend_from_slice(&kept.row.to_bytes());
        }
        for kept in kept {
            let slip = Finder::of_trace(&key.code, &kept.trace).and_then(|finder| finder.seal(&kept.row));
            if let Some(slip) = slip {
                self.room.extend_from_slice(zerocopy::IntoBytes::as_bytes(&slip));
            }
        }
        self.write(now, Kind::Checks, u16::try_from(kept.len()).unwrap_or(u16::MAX))
    }

    /// Empties the room for the plain part of the next block.
    fn begin_block(&mut self) {
        self.room.clear();
        self.room.resize(Header::BYTES, 0);
    }

    /// Seals what stands in the room as the next block and writes it.
    fn write(&mut self, now: UnixMillis, kind: Kind, count: u16) -> io::Result<()> {
        let key = self.open_day.as_ref().and_then(|open| open.key.as_ref());
        let (Some(key), Some(segment)) = (key, &mut self.segment) else {
            return Err(io::Error::other("there is no segment to write to"));
        };
        let header = Header {
            length: u32::try_from(self.room.len() - Header::BYTES).unwrap_or(u32::MAX),
            count,
            kind,
            first: self.tip.next,
            synced: self.synced.next,
            before: self.tip.link,
            time: now,
        };
        let place = Place { segment: segment.number, block: segment.blocks };
        let link = block::seal(&key.block, place, &segment.salt, header, &mut self.room);
        segment.file.write_at(&self.room, segment.at)?;
        segment.at += header.step_bytes();
        segment.blocks += 1;
        self.tip = Tip { next: header.end(), link };
        Ok(())
    }

    /// Sees to it that the open segment has room for a block of `length` plain bytes.
    fn make_room(&mut self, now: UnixMillis, length: usize) -> io::Result<()> {
        let bytes = (block::AROUND_BYTES + length) as u64;
        if self.segment.as_ref().is_some_and(|segment| segment.at + bytes <= self.options.segment_bytes) {
            return Ok(());
        }
        if let Some(segment) = &self.segment {
            // A segment that begins says that all before it is durable.
            segment.file.sync()?;
            self.synced = self.tip;
        }
        self.begin_segment(now)
    }

    fn begin_segment(&mut self, now: UnixMillis) -> io::Result<()> {
        self.segment = None;
        let today = self.day_at(now);
        let number = self.last_segment + 1;
        let name = file_name(number);
        if !self.disk.names()?.iter().any(|name| name == SPARE) {
            // Under its name only once it is whole.
            self.disk.allocate(SPARE_IN_WORK, self.options.segment_bytes)?;
            self.disk.rename(SPARE_IN_WORK, SPARE)?;
        }
        let open = self.open_day.get_or_insert_with(|| OpenDay {
            day: today,
            begun: self.tip,
            keys: Sha256::new(),
            key: None,
        });
        if open.key.is_none() {
            let key = self.keys.make(open.day)?;
            let (block, code) = (BlockKey::new(key.bytes()), CodeKey::of(key.bytes()));
            open.key = Some(RunKey { name: key.name(), block, code });
        }
        let Some(key) = &open.key else { return Err(io::Error::other("a key was made and is not there")) };
        let mut salt = [0; 16];
        random(&mut salt)?;
        let header = SegmentHeader {
            engine: self.engine,
            number,
            day: open.day,
            first: self.tip.next,
            salt,
            before: self.tip.link,
            key: key.name,
            time: now,
        };
        // From here on the number is spent, whatever happens.
        self.last_segment = number;
        self.disk.rename(SPARE, &name)?;
        let file = self.disk.open(&name)?;
        file.write_at(&header.to_bytes(), 0)?;
        open.keys.update(header.key);
        self.segment = Some(OpenSegment { file, number, salt, at: SegmentHeader::ROOM_BYTES, blocks: 0 });
        if let Some(since) = self.gap_since {
            self.begin_block();
            self.room.extend_from_slice(&since.0.to_le_bytes());
            self.write(now, Kind::Gap, 0)?;
        }
        Ok(())
    }

    /// After an error nothing is written to the same segment. What is not durable may be lost: the next segment
    /// continues where that is known.
    fn note_failure(&mut self, now: UnixMillis, outcome: io::Result<()>) -> io::Result<()> {
        if outcome.is_err() {
            self.gap_since.get_or_insert(now);
            if let Some(segment) = self.segment.take()
                && self.synced != self.tip
                && segment.file.sync().is_ok()
            {
                self.synced = self.tip;
            }
            self.tip = self.synced;
        }
        outcome
    }

    /// The day that a record of `now` belongs to: never one that is closed, whatever the clock says.
    fn day_at(&self, now: UnixMillis) -> Day {
        let today = (self.options.day_of)(now);
        let open = self.open_day.as_ref().map(|open| open.day);
        let after_closed = self.days.last_closed().map(|closed| Day(closed.day.0.saturating_add(1)));
        [open, after_closed].into_iter().flatten().fold(today, Day::max)
    }
}

/// The least a segment may have.
pub const SEGMENT_BYTES_MIN: u64 = SegmentHeader::ROOM_BYTES + BLOCK_BYTES_MAX as u64;

impl Tip {
    fn after(days: &Days) -> Tip {
        match days.last_closed() {
            Some(closed) => Tip { next: closed.first + closed.records, link: closed.after },
            None => Tip { next: 0, link: [0; 32] },
        }
    }
}
