//! A worker's end of the records: a ring to the writer, and how far the writer has come with it.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use hufu_check::{Durability, Journal, Mark, Record, Standing};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::row::Row;
use crate::store::Kept;

/// Notes the checks of one thread, for the [`Recorder`](crate::Recorder) that gave it.
pub struct RingJournal {
    producer: Producer<Entry>,
    progress: Arc<Progress>,
    writer: Arc<OnceLock<Thread>>,
    last: Position,
    begun: Instant,
    /// How far the writer had come when it was last asked.
    asked: Cell<(Position, Position)>,
}

/// One record on its way.
pub(crate) struct Entry {
    pub(crate) kept: Kept,
    pub(crate) durability: Durability,
    pub(crate) position: Position,
}

/// The writer's end of a ring.
pub(crate) struct Ring {
    pub(crate) consumer: Consumer<Entry>,
    pub(crate) progress: Arc<Progress>,
    /// The last position taken out of it.
    pub(crate) taken: Position,
}

impl Ring {
    /// Whether its worker may note more, or something is still in it.
    pub(crate) fn is_used(&self) -> bool {
        !self.consumer.is_abandoned() || !self.consumer.is_empty()
    }
}

/// A count of records, and above it the epoch they were noted in. An epoch is odd while records cannot be kept, so a
/// failure makes every mark of an earlier epoch lost, also one that nobody asked about in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(u64);

const COUNT_BITS: u32 = 44;

impl Position {
    /// Before the first record of an epoch.
    pub(crate) const fn start_of(epoch: u64) -> Position {
        Position(epoch << COUNT_BITS)
    }

    pub(crate) const fn epoch(self) -> u64 {
        self.0 >> COUNT_BITS
    }

    const fn is_open(self) -> bool {
        self.epoch().is_multiple_of(2)
    }

    const fn next(self) -> Position {
        // 2^44 records of one worker in one epoch would take three years at 150,000/s; then the next epoch is closed.
        Position(self.0 + 1)
    }
}

/// How far the writer has come with one ring.
pub(crate) struct Progress {
    written: CachePadded<AtomicU64>,
    synced: CachePadded<AtomicU64>,
    waiting: AtomicBool,
    waiter: OnceLock<Thread>,
}

impl Progress {
    /// Everything up to `position` survives the process.
    pub(crate) fn written(&self, position: Position) {
        // Release: pairs with the Acquire in `standing`; a verdict leaves after its record was written.
        self.written.store(position.0, Ordering::Release);
    }

    /// Everything up to `position` survives power.
    pub(crate) fn synced(&self, position: Position) {
        // Release: as above.
        self.synced.store(position.0, Ordering::Release);
    }

    /// A new epoch: nothing of an earlier one will be kept.
    pub(crate) fn turn(&self, epoch: u64) {
        self.synced(Position::start_of(epoch));
        self.written(Position::start_of(epoch));
    }

    /// Wakes the worker that waits.
    pub(crate) fn wake(&self) {
        if self.waiting.swap(false, Ordering::SeqCst)
            && let Some(waiter) = self.waiter.get()
        {
            waiter.unpark();
        }
    }

    fn now(&self) -> (Position, Position) {
        let of = |place: &AtomicU64| Position(place.load(Ordering::Acquire));
        (of(&self.written), of(&self.synced))
    }
}

/// Of an epoch that never comes.
const NEVER: Position = Position(u64::MAX);

/// How long a worker sleeps at most before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A ring of `entries` that begins in `epoch`.
pub(crate) fn ring(entries: usize, epoch: u64, writer: Arc<OnceLock<Thread>>) -> (RingJournal, Ring) {
    let (producer, consumer) = RingBuffer::new(entries);
    let start = Position::start_of(epoch);
    let progress = Arc::new(Progress {
        written: CachePadded::new(AtomicU64::new(start.0)),
        synced: CachePadded::new(AtomicU64::new(start.0)),
        waiting: AtomicBool::new(false),
        waiter: OnceLock::new(),
    });
    let ring = Ring { consumer, progress: Arc::clone(&progress), taken: start };
    let asked = Cell::new((start, start));
    (RingJournal { producer, progress, writer, last: start, begun: Instant::now(), asked }, ring)
}

impl Journal for RingJournal {
    fn begin(&mut self, count: usize) -> bool {
        #[cfg(feature = "planted")]
        if hufu_wire::planted::rare(4096) {
            return false;
        }
        let (written, _) = self.progress.now();
        if !written.is_open() || self.producer.slots() < count {
            return false;
        }
        if written.epoch() != self.last.epoch() {
            self.last = Position::start_of(written.epoch());
        }
        self.begun = Instant::now();
        true
    }

    fn note(&mut self, records: impl ExactSizeIterator<Item = Record>) -> Mark {
        let latency_us = u32::try_from(self.begun.elapsed().as_micros()).unwrap_or(u32::MAX);
        let mut durability = Durability::Memory;
        let count = records.len();
        if count == 0 {
            return Mark::default();
        }
        for record in records {
            self.last = self.last.next();
            durability = durability.max(record.durability);
            let entry = Entry {
                kept: Kept { row: Row::of(&record, latency_us), trace: record.trace },
                durability: record.durability,
                position: self.last,
            };
            // `begin` saw that there is room, and nothing else fills it. Were it otherwise, no verdict of the batch may
            // leave.
            if self.producer.push(entry).is_err() {
                return Mark { position: NEVER.0, durability: Durability::Written };
            }
        }
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
        Mark { position: self.last.0, durability }
    }

    fn standing(&self, mark: Mark) -> Standing {
        let (written, synced) = self.progress.now();
        self.asked.set((written, synced));
        let wanted = Position(mark.position);
        let reached = match mark.durability {
            Durability::Memory => return Standing::Durable,
            Durability::Written => written,
            Durability::Synced => synced,
        };
        if reached.epoch() != wanted.epoch() {
            Standing::Lost
        } else if reached >= wanted {
            Standing::Durable
        } else {
            Standing::Pending
        }
    }

    fn wait(&self) {
        let progress = &self.progress;
        progress.waiter.get_or_init(thread::current);
        progress.waiting.store(true, Ordering::SeqCst);
        // What the writer did since it was asked may have come before it could see that somebody waits.
        if progress.now() == self.asked.get() {
            thread::park_timeout(LOOK_AGAIN);
        }
        progress.waiting.store(false, Ordering::SeqCst);
    }
}
