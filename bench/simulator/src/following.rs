//! One issuer's following at one engine: the real decisions and the real follower, with everything that they ask for done
//! by the simulation.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hufu_codes::chain::Confirmed;
use hufu_codes::keyring::Keyring;
use hufu_follow::{Action, Applier, CopyJob, Event, Machine, Now, Setup, Timings};
use hufu_sync::{Delivery, FeedFault};
use hufu_table::{Disk, Reader, Writer};
use hufu_wire::chain::Checkpoint;
use hufu_wire::{Sequence, UnixMillis};

use crate::people::authorities;

/// Times as in the product, with warm copies so often that a run has some.
pub(crate) const TIMINGS: Timings = Timings {
    silent_ms: 5_000,
    hung_ms: 1_500,
    stale_ms: 15_000,
    answer_ms: 3_000,
    fetch_ms: 8_000,
    ask_ms_min: 200,
    backoff_ms_min: 100,
    backoff_ms_max: 10_000,
    warm_every_s: 20,
    disk_again_ms: 5_000,
    stop_ms: 2_000,
    gap_sets_max: 20,
};

/// What the simulation is to do for a following.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Subscribe to the sets after this one.
    Subscribe(Sequence),
    /// Drop the subscription.
    Leave,
    /// Ask the feed for its newest checkpoint.
    AskForCheckpoint,
    /// Fetch the snapshot of this checkpoint.
    Fetch(Box<Confirmed<Checkpoint>>),
    /// Make a warm copy some time from now.
    Copy,
    /// Step again at this time at the latest, milliseconds since its start.
    Wake(u64),
}

/// A following.
pub(crate) struct Following {
    /// Which issuer, by its place.
    pub(crate) issuer: usize,
    /// The follower and its folder.
    pub(crate) applier: Applier,
    machine: Machine,
    reader: Reader,
    /// The subscription that counts.
    pub(crate) subscription: u64,
    /// The subscription that was not answered yet.
    pub(crate) question: u64,
    /// The question for a checkpoint that was not answered yet.
    pub(crate) asked: u64,
    /// When it is looked at next, and when it was last, milliseconds since the beginning.
    pub(crate) wakes: Option<u64>,
    /// When it was looked at last.
    pub(crate) looked: u64,
    copying: Option<(CopyJob, Rc<AtomicBool>)>,
    /// A snapshot that is being fetched.
    pub(crate) fetching: Option<Box<Confirmed<Checkpoint>>>,
    started: u64,
}

impl Following {
    /// Restores what the folder holds.
    ///
    /// # Errors
    /// Why it does not start.
    pub(crate) fn start(
        issuer: usize,
        (writer, reader): (Writer, Reader),
        (disk, folder): (Arc<dyn Disk>, &Path),
        keyring: &Keyring,
        (now, date): (u64, UnixMillis),
        seed: u64,
    ) -> Result<Following, String> {
        let restored = Applier::restore(writer, authorities(issuer), (disk, folder), keyring, date);
        let (applier, kept, tally) = restored.map_err(|fault| fault.to_string())?;
        let setup = Setup {
            feed: "the simulated feed".into(),
            is_live: true,
            snapshots: "the simulated store".to_owned(),
            timings: TIMINGS,
            seed,
            kept,
            tally,
        };
        let machine = Machine::new(setup, &applier, Now { uptime: Duration::ZERO, time: date });
        Ok(Following {
            issuer,
            applier,
            machine,
            reader,
            subscription: 0,
            question: 0,
            asked: 0,
            wakes: None,
            looked: now,
            copying: None,
            fetching: None,
            started: now,
        })
    }

    /// Whether messages of the feed are wanted.
    pub(crate) fn is_listening(&self) -> bool {
        self.machine.is_listening()
    }

    fn now(&self, now: u64, date: UnixMillis) -> Now {
        Now { uptime: Duration::from_millis(now - self.started), time: date }
    }

    /// Something came of the feed.
    pub(crate) fn take(
        &mut self,
        now: u64,
        date: UnixMillis,
        delivery: &Delivery,
        keyring: &Keyring,
    ) -> Vec<Wish> {
        let event = self.applier.take(delivery, keyring, date);
        self.step(now, date, event)
    }

    /// The copy that was wished for is made now, of words that may be later by then.
    pub(crate) fn copy(&mut self, now: u64, date: UnixMillis) -> Vec<Wish> {
        let Some((job, spoiled)) = self.copying.take() else { return Vec::new() };
        let outcome = self.applier.copy(&job, &self.reader, &spoiled);
        self.step(now, date, Event::Copied(outcome))
    }

    /// Something happened: the machine decides, and what it can do here is done.
    pub(crate) fn step(&mut self, now: u64, date: UnixMillis, event: Event) -> Vec<Wish> {
        self.looked = now;
        let (mut wishes, mut events) = (Vec::new(), std::collections::VecDeque::from([event]));
        while let Some(event) = events.pop_front() {
            let at = self.now(now, date);
            for action in self.machine.step(at, event, &self.applier) {
                match action {
                    Action::Subscribe { after } => wishes.push(Wish::Subscribe(after)),
                    Action::Leave => wishes.push(Wish::Leave),
                    Action::AskForCheckpoint => wishes.push(Wish::AskForCheckpoint),
                    Action::Fetch(of) => {
                        self.fetching = Some(Box::new(of));
                        wishes.push(Wish::Fetch(Box::new(of)));
                    }
                    Action::Load(of) => {
                        let copying = self.copying.as_ref();
                        let spoil = || {
                            if let Some((_, spoiled)) = copying {
                                // Relaxed: one thread.
                                spoiled.store(true, Ordering::Relaxed);
                            }
                        };
                        let (loaded, kept) = self.applier.load(&of, date, spoil);
                        events.extend(kept.err().map(Event::DiskFailed));
                        events.push_front(Event::Loaded { of, loaded, took: Duration::ZERO });
                    }
                    Action::Discard => {
                        events.extend(
                            self.applier.make_room().err().map(|error| Event::DiskFailed(error.to_string())),
                        );
                    }
                    Action::BeginTail { after } => self.applier.begin_tail(after),
                    Action::MakeCopy(job) => {
                        self.copying = Some((job, Rc::default()));
                        wishes.push(Wish::Copy);
                    }
                    Action::Tidy { kept } => self.applier.tidy(kept),
                    // Nothing asks a following to end: its process is killed.
                    Action::Log(..) | Action::End => {}
                    Action::Wait { until } => {
                        // Not before the time has come: a part of a millisecond is a whole one.
                        let until = u64::try_from(until.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
                        wishes.push(Wish::Wake(self.started.saturating_add(until)));
                    }
                }
            }
        }
        wishes
    }
}

/// A feed that does not answer.
pub(crate) fn unreachable() -> FeedFault {
    FeedFault::Unreachable { feed: "the simulated feed".to_owned(), what: "no answer in time".to_owned() }
}
