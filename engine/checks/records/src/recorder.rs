//! The one thread that writes records: takes what all workers noted, commits it as one block, tells them, and begins
//! again as soon as the disk has answered.

mod ahead;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use hufu_check::Durability;
use hufu_wire::UnixMillis;

use crate::block::RECORDS_MAX;
use crate::journal::{Position, Ring, RingJournal, ring};
use crate::live::{Listener, Live};
use crate::store::{Kept, Store};

use self::ahead::Ahead;

/// The writer of an engine's records, and where workers get their journals.
pub struct Recorder {
    shared: Arc<Shared>,
    writer: Arc<OnceLock<Thread>>,
    thread: Option<JoinHandle<()>>,
    ring_entries: usize,
    live: Live,
}

/// What was done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecorderFigures {
    /// Records written.
    pub records: u64,
    /// Blocks they were written in.
    pub commits: u64,
    /// Times that the disk was asked to make them durable.
    pub syncs: u64,
    /// Records that could not be kept; their verdicts did not leave, unless their site asks for no more than memory.
    pub lost: u64,
    /// Whether records cannot be kept now, so that every check is answered `busy`.
    pub failed: bool,
}

#[derive(Default)]
struct Shared {
    /// Rings that the writer has not taken over yet.
    joining: Mutex<Vec<Ring>>,
    joined: AtomicBool,
    epoch: AtomicU64,
    stopping: AtomicBool,
    records: AtomicU64,
    commits: AtomicU64,
    syncs: AtomicU64,
    lost: AtomicU64,
}

/// Records that no site wants durable are made so at least this often.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How long after a failure the disk is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How long the writer sleeps at most while nothing comes.
const IDLE: Duration = Duration::from_millis(500);
/// How often days are looked at: whether one is over, whether one is to be destroyed.
const LOOK_AT_DAYS: Duration = Duration::from_secs(60);

impl Recorder {
    /// Starts to write to `store`, by this clock. Each journal holds up to `ring_entries` records that are not written
    /// yet; beyond that checks are answered `busy`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        store: Store,
        clock: impl Fn() -> UnixMillis + Send + 'static,
        ring_entries: usize,
    ) -> io::Result<Recorder> {
        let shared = Arc::new(Shared::default());
        let writer = Arc::new(OnceLock::new());
        let live = Live::new(store.records());
        let ahead = Some(Ahead::new(Arc::clone(store.spare())));
        let mut work = Writer::new(store, clock, ahead, Arc::clone(&shared), live.clone());
        let thread = thread::Builder::new().name("records".to_owned()).spawn(move || work.run())?;
        // Nobody else sets it.
        let _ = writer.set(thread.thread().clone());
        Ok(Recorder { shared, writer, thread: Some(thread), ring_entries, live })
    }

    /// The journal of one more thread that checks.
    pub fn journal(&self) -> RingJournal {
        self.shared.journal(self.ring_entries, &self.writer)
    }

    /// Hears every record that is written from now on.
    pub fn listen(&self) -> Listener {
        self.live.listen()
    }

    /// What was done so far.
    pub fn figures(&self) -> RecorderFigures {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let shared = &self.shared;
        RecorderFigures {
            records: of(&shared.records),
            commits: of(&shared.commits),
            syncs: of(&shared.syncs),
            lost: of(&shared.lost),
            failed: !shared.epoch().is_multiple_of(2),
        }
    }
}

/// A [`Recorder`] without a thread: who holds it says when it writes and what time it is, as a simulation does.
pub struct RecorderByHand<C> {
    writer: Writer<C>,
    ring_entries: usize,
}

impl<C: Fn() -> UnixMillis> RecorderByHand<C> {
    /// As [`Recorder::start`], and nothing is written before [`step`](Self::step).
    pub fn new(store: Store, clock: C, ring_entries: usize, now: Instant) -> RecorderByHand<C> {
        let live = Live::new(store.records());
        let writer =
            Writer { synced: now, tried: now, ..Writer::new(store, clock, None, Arc::default(), live) };
        RecorderByHand { writer, ring_entries }
    }

    /// The journal of one that checks.
    pub fn journal(&self) -> RingJournal {
        self.writer.shared.journal(self.ring_entries, &Arc::default())
    }

    /// Does what the thread would do next; `false` when it would sleep after that.
    pub fn step(&mut self, now: Instant) -> bool {
        self.writer.step(&|| now, false)
    }
}

impl Drop for Recorder {
    /// Writes and syncs what was noted, and ends the thread.
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A writer that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn journal(&self, entries: usize, writer: &Arc<OnceLock<Thread>>) -> RingJournal {
        let mut joining = self.joining.lock().unwrap_or_else(PoisonError::into_inner);
        let (journal, ring) = ring(entries, self.epoch(), Arc::clone(writer));
        joining.push(ring);
        // Release: pairs with the Acquire in `take_joined`.
        self.joined.store(true, Ordering::Release);
        journal
    }

    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }
}

struct Writer<C> {
    store: Store,
    /// `None` where it is made when it is needed.
    ahead: Option<Ahead>,
    clock: C,
    shared: Arc<Shared>,
    rings: Vec<Ring>,
    kept: Vec<Kept>,
    synced: Instant,
    looked_at_days: Option<Instant>,
    tried: Instant,
    live: Live,
}

impl<C: Fn() -> UnixMillis> Writer<C> {
    fn new(store: Store, clock: C, ahead: Option<Ahead>, shared: Arc<Shared>, live: Live) -> Writer<C> {
        let (kept, now) = (Vec::with_capacity(RECORDS_MAX), Instant::now());
        Writer {
            ahead,
            store,
            clock,
            shared,
            rings: Vec::new(),
            kept,
            synced: now,
            looked_at_days: None,
            tried: now,
            live,
        }
    }

    fn run(&mut self) {
        loop {
            // Before the rings are emptied: what was noted before the stop is taken then.
            let stopping = self.shared.stopping.load(Ordering::SeqCst);
            if self.step(&Instant::now, stopping) {
                continue;
            }
            if stopping {
                return;
            }
            thread::park_timeout(if self.failed() { TRY_AGAIN } else { IDLE });
        }
    }

    /// Commits what was noted, or looks after what else is due; `false` when there is nothing to do until more is noted.
    fn step(&mut self, now: &dyn Fn() -> Instant, stopping: bool) -> bool {
        self.take_joined();
        self.look_at_days(now());
        let strictest = self.take();
        if self.kept.is_empty() {
            self.rings.retain(Ring::is_used);
            self.retry(now());
            if stopping || now().saturating_duration_since(self.synced) >= SYNC_EVERY {
                self.rest(now);
            }
            return false;
        }
        let (clock, store) = (&self.clock, &mut self.store);
        if let Err(why) = store.commit(clock(), &self.kept) {
            self.fail(&why, now());
            return true;
        }
        self.shared.records.fetch_add(self.kept.len() as u64, Ordering::Relaxed);
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        for ring in &self.rings {
            ring.progress.written(ring.taken);
        }
        if let Some(ahead) = &mut self.ahead {
            ahead.keep();
        }
        if strictest == Durability::Synced || now().saturating_duration_since(self.synced) >= SYNC_EVERY {
            self.sync(now);
        }
        self.wake();
        let first = self.store.records() - self.kept.len() as u64;
        self.live.tell(first, self.kept.drain(..).map(|kept| kept.row));
        true
    }

    /// Takes what all rings hold, up to a block's worth, and returns the strictest durability among it. What was noted
    /// in an epoch that is over is lost.
    fn take(&mut self) -> Durability {
        self.kept.clear();
        let epoch = self.shared.epoch();
        let mut strictest = Durability::Memory;
        let mut lost = 0;
        // So that none waits for others that are always full.
        if !self.rings.is_empty() {
            self.rings.rotate_left(1);
        }
        for ring in &mut self.rings {
            let room = RECORDS_MAX - self.kept.len();
            #[cfg(feature = "planted")]
            let room = if hufu_wire::planted::rare(16) { room.min(3) } else { room };
            let count = ring.consumer.slots().min(room);
            let Ok(entries) = ring.consumer.read_chunk(count) else { continue };
            for entry in entries {
                if entry.position.epoch() == epoch && epoch.is_multiple_of(2) {
                    ring.taken = entry.position;
                    strictest = strictest.max(entry.durability);
                    self.kept.push(entry.kept);
                } else {
                    lost += 1;
                }
            }
        }
        self.shared.lost.fetch_add(lost, Ordering::Relaxed);
        strictest
    }

    fn sync(&mut self, now: &dyn Fn() -> Instant) {
        let (clock, store) = (&self.clock, &mut self.store);
        let synced = store.sync(clock());
        self.note_sync(synced, now());
    }

    /// Nothing comes: makes what was written durable, and has it written that it is.
    fn rest(&mut self, now: &dyn Fn() -> Instant) {
        if !self.failed() {
            let (clock, store) = (&self.clock, &mut self.store);
            let rested = store.rest(clock());
            self.note_sync(rested, now());
        }
    }

    fn note_sync(&mut self, synced: io::Result<()>, now: Instant) {
        if let Err(why) = synced {
            self.fail(&why, now);
            return;
        }
        self.synced = now;
        self.shared.syncs.fetch_add(1, Ordering::Relaxed);
        for ring in &self.rings {
            ring.progress.synced(ring.taken);
        }
    }

    fn failed(&self) -> bool {
        !self.shared.epoch().is_multiple_of(2)
    }

    /// From now on nothing is kept, and every check is answered `busy`.
    fn fail(&mut self, why: &io::Error, now: Instant) {
        tracing::error!(%why, "records of checks cannot be kept; checks are answered busy until they can");
        self.shared.lost.fetch_add(self.kept.len() as u64, Ordering::Relaxed);
        self.kept.clear();
        self.tried = now;
        self.turn();
    }

    /// After a failure: begins a new segment, and a new epoch once that is durable.
    fn retry(&mut self, now: Instant) {
        if !self.failed() || now.saturating_duration_since(self.tried) < TRY_AGAIN {
            return;
        }
        self.tried = now;
        // A full disk has room again once a day that is due is destroyed. Without a segment nothing waits for a sync.
        self.turn_days();
        let (clock, store) = (&self.clock, &mut self.store);
        match store.resume(clock()) {
            Ok(()) => {
                tracing::warn!("records of checks are kept again; the gap is recorded");
                self.turn();
            }
            Err(why) => tracing::error!(%why, "records of checks still cannot be kept"),
        }
    }

    /// The next epoch, for every ring there is.
    fn turn(&mut self) {
        // Rings that join meanwhile take the epoch under the same lock.
        let shared = Arc::clone(&self.shared);
        let mut joining = shared.joining.lock().unwrap_or_else(PoisonError::into_inner);
        self.rings.append(&mut joining);
        let epoch = self.shared.epoch() + 1;
        self.shared.epoch.store(epoch, Ordering::Release);
        for ring in &mut self.rings {
            ring.taken = Position::start_of(epoch);
            ring.progress.turn(epoch);
            ring.progress.wake();
        }
    }

    fn wake(&self) {
        for ring in &self.rings {
            ring.progress.wake();
        }
    }

    fn take_joined(&mut self) {
        if self.shared.joined.swap(false, Ordering::AcqRel) {
            let mut joining = self.shared.joining.lock().unwrap_or_else(PoisonError::into_inner);
            self.rings.append(&mut joining);
        }
    }

    fn look_at_days(&mut self, now: Instant) {
        let is_early = |looked| now.saturating_duration_since(looked) < LOOK_AT_DAYS;
        if self.failed() || self.looked_at_days.is_some_and(is_early) {
            return;
        }
        self.looked_at_days = Some(now);
        self.sync(&|| now);
        if !self.failed() {
            self.turn_days();
        }
    }

    /// Closes the day that is over, and destroys what is older than is kept.
    fn turn_days(&mut self) {
        let (clock, store) = (&self.clock, &mut self.store);
        if let Err(why) = store.turn(clock()) {
            tracing::error!(%why, "a day of records cannot be closed or destroyed; the engine tries again");
        }
    }
}
