//! The folder of records: blocks appended to segments, days closed and destroyed. Everything that decides is here, with
//! the clock and the disk as arguments; the thread that drives it is [`crate::Recorder`].

mod recovery;
mod spare;
mod turning;
mod writing;

use std::io;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use hufu_check::Trace;
use hufu_table::DiskFile;
use hufu_wire::UnixMillis;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::block::{BLOCK_BYTES_MAX, BlockKey, Kind, Link, RECORDS_MAX};
use crate::day::Day;
use crate::days::Days;
use crate::disk::Folder;
use crate::identity::Identity;
use crate::keys::KeyFolder;
use crate::row::Row;
use crate::segment::{EngineId, KeyName, SegmentHeader, file_name};
use crate::slip::CodeKey;
pub(crate) use crate::store::spare::Spare;

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
pub struct Store {
    folder: Folder,
    keys: KeyFolder,
    spare: Arc<Spare>,
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
    segment: Option<OpenSegment>,
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

struct OpenSegment {
    file: Box<dyn DiskFile>,
    number: u64,
    salt: [u8; 16],
    at: u64,
    blocks: u32,
}

/// The public key that verifies the chain of days, 32 bytes: for who reads the folder and has no secret.
pub const VERIFIER: &str = "verifier.key";

impl Store {
    /// Opens the folder and finds the end of what was written. The first [`commit`](Self::commit) begins a new segment:
    /// none is ever continued.
    ///
    /// # Errors
    /// [`OpenFault`].
    ///
    /// # Panics
    /// When segments are smaller than [`SEGMENT_BYTES_MIN`].
    pub fn open(
        folder: Folder,
        keys: KeyFolder,
        Identity { signer, engine }: Identity,
        options: StoreOptions,
    ) -> Result<Store, OpenFault> {
        assert!(options.segment_bytes >= SEGMENT_BYTES_MIN, "a segment has room for its header and a block");
        folder.remove_partial()?;
        keys.remove_partial()?;
        let days = Days::read(&folder, &engine, &signer.verifying_key())?;
        let mut store = Store {
            tip: Tip::after(&days),
            synced: Tip::after(&days),
            spare: Arc::new(Spare::of(folder.clone(), options.segment_bytes)?),
            folder,
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
        if !store.folder.names()?.iter().any(|name| name == VERIFIER) {
            store.folder.replace(VERIFIER, public.as_bytes())?;
        }
        Ok(store)
    }

    /// How many records were written since the folder was made.
    pub fn records(&self) -> u64 {
        self.tip.next
    }

    /// The segment that is made ahead.
    pub(crate) fn spare(&self) -> &Arc<Spare> {
        &self.spare
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
        #[cfg(feature = "planted")]
        if hufu_wire::planted::has(hufu_wire::planted::Bug::FailureSwallowed) {
            return Ok(());
        }
        self.note_failure(now, written)
    }

    /// Makes everything that was written durable.
    ///
    /// # Errors
    /// The disk's: what was written since the last time may be lost. The next [`commit`](Self::commit) begins a new
    /// segment.
    pub fn sync(&mut self, now: UnixMillis) -> io::Result<()> {
        let synced = self.sync_segment();
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
    /// only this destroys. What was written is made durable before with [`sync`](Self::sync), whose error is another matter;
    /// after an error there is no segment, and nothing to make durable.
    ///
    /// # Errors
    /// The disk's; it may be called again.
    pub fn turn(&mut self, now: UnixMillis) -> io::Result<()> {
        let closed = self.close_if_over(now);
        // Where the disk is too full to close a day, the keys of old days go all the same.
        let destroyed = self.destroy_old(self.day_at(now), now);
        closed.and(destroyed)
    }

    /// After a failure: begins a new segment with the gap, durably. While nothing has failed it does nothing: what was
    /// written to the open segment would not be durable before the new one says so.
    ///
    /// # Errors
    /// The disk's, or that of what wraps keys; it may be called again.
    pub fn resume(&mut self, now: UnixMillis) -> io::Result<()> {
        if self.segment.is_some() || self.gap_since.is_none() {
            return Ok(());
        }
        let before = self.last_segment;
        let closed = self.close_if_over(now);
        // Of the day that goes on: those of one that was closed here are not its own.
        let keys = self.open_day.as_ref().map_or_else(Sha256::new, |open| open.keys.clone());
        let begun = closed.and_then(|()| self.begin_segment(now));
        let resumed = self.note_failure(now, begun).and_then(|()| self.sync(now));
        if resumed.is_err() && self.last_segment != before {
            // It was begun here and holds no check: the next attempt uses its room. Where that fails, too, it stays.
            let given_back = self.spare.give(&file_name(self.last_segment));
            if let (Ok(()), Some(open)) = (given_back, &mut self.open_day) {
                open.keys = keys;
            }
        }
        resumed
    }

    /// Makes everything that was written durable, and what a gap says with it. A sync that failed is never tried again: the
    /// system may have dropped what it could not write, and says so once (fsync(2), "EIO").
    fn sync_segment(&mut self) -> io::Result<()> {
        // Without a segment a gap is still to be written.
        let Some(segment) = &self.segment else { return Ok(()) };
        if self.synced != self.tip {
            #[cfg(feature = "planted")]
            if hufu_wire::planted::has(hufu_wire::planted::Bug::AckBeforeSync) {
                self.synced = self.tip;
                return Ok(());
            }
            if let Err(why) = segment.file.sync() {
                self.segment = None;
                self.tip = self.synced;
                return Err(why);
            }
        }
        self.synced = self.tip;
        self.gap_since = None;
        Ok(())
    }

    fn close_if_over(&mut self, now: UnixMillis) -> io::Result<()> {
        match &self.open_day {
            Some(open) if open.day < self.day_at(now) => self.close(now),
            _ => Ok(()),
        }
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
