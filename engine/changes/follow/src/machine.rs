//! Every decision of a following, without a clock, a disk, a network, a thread or chance: events in, actions out.

mod messages;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use hufu_codes::chain::Confirmed;
use hufu_sync::{FeedFault, Follower, Wanted};
use hufu_table::SnapshotInfo;
use hufu_wire::Sequence;
use hufu_wire::chain::Checkpoint;
use tracing::Level;

use crate::allowance::Allowance;
use crate::backoff::Backoff;
use crate::copies::{Copies, CopyJob, CopyOutcome, KeptCopy};
use crate::event::{Action, Event};
use crate::notices::Notices;
use crate::now::Now;
use crate::options::Timings;
use crate::resync::Resync;
use crate::status::{FollowStatus, Life, Tally};
use crate::subscription::{Subscription, Trip};

/// Decides for one issuer. Its driver gives messages to the [`Applier`](crate::Applier) and every event to
/// [`step`](Self::step), and does what it answers. The same events at the same times, with the same seed, give the
/// same actions.
#[derive(Debug)]
pub struct Machine {
    feed: Arc<str>,
    snapshots: String,
    stop_limit: Duration,
    subscription: Subscription,
    resync: Resync,
    allowance: Allowance,
    copies: Copies,
    notices: Notices,
    panics: Backoff,
    tally: Tally,
    was_forked: bool,
    is_tail_broken: bool,
    /// The feed may hold a subscription.
    is_subscribed: bool,
    /// When it ends at the latest, once it is to end.
    end_at: Option<Duration>,
    actions: Vec<Action>,
}

/// What a machine begins with.
#[derive(Debug)]
pub struct Setup {
    /// What the feed is and where, for logs.
    pub feed: Arc<str>,
    /// Whether heads come every second.
    pub is_live: bool,
    /// Where snapshots come from, for logs.
    pub snapshots: String,
    /// How long things may take.
    pub timings: Timings,
    /// Any number: engines with different ones wait differently after a common fault.
    pub seed: u64,
    /// The warm copy in the folder.
    pub kept: Option<KeptCopy>,
    /// What restoring it took.
    pub tally: Tally,
}

/// However quiet it is, the log and the status are looked at this often.
const LOOK: Duration = Duration::from_secs(1);

impl Machine {
    /// A machine for a follower that was restored.
    pub fn new(setup: Setup, follower: &Follower, now: Now) -> Machine {
        let Setup { feed, is_live, snapshots, timings, seed, kept, tally } = setup;
        let timings = timings.rested();
        let (min, max) = timings.backoff();
        Machine {
            feed: Arc::clone(&feed),
            snapshots,
            stop_limit: Duration::from_millis(timings.stop_ms),
            subscription: Subscription::new(&timings, is_live, now.uptime, seed),
            resync: Resync::new(&timings, now.uptime, seed),
            allowance: Allowance::new(now.uptime),
            copies: Copies::new(&timings, kept, follower, now.uptime),
            notices: Notices::new(feed, timings.stale_ms, now.time),
            panics: Backoff::new(min, max, seed),
            tally,
            was_forked: follower.is_forked(),
            is_tail_broken: false,
            is_subscribed: false,
            end_at: None,
            actions: Vec::new(),
        }
    }

    /// What is to be done about an event. `follower` is as it was left by the event; nothing here changes it.
    pub fn step(&mut self, now: Now, event: Event, follower: &Follower) -> Vec<Action> {
        self.tally.wakes += 1;
        self.take(now, event, follower);
        match self.end_at {
            None => self.act(now, follower),
            Some(end_at) => self.end(now, end_at, follower),
        }
        let lines = self.notices.take().into_iter().map(|(level, line)| Action::Log(level, line));
        self.actions.extend(lines);
        std::mem::take(&mut self.actions)
    }

    /// Whether the feed's messages are wanted.
    pub fn is_listening(&self) -> bool {
        self.subscription.is_open() && self.end_at.is_none()
    }

    /// What there is to say about the following.
    pub fn status(&self, now: Now, follower: &Follower, life: Life) -> FollowStatus {
        FollowStatus {
            issuer: follower.issuer(),
            feed: Arc::clone(&self.feed),
            tip: *follower.tip(),
            heard: follower.heard(),
            is_forked: follower.is_forked(),
            wants: follower.wants(),
            is_connected: life == Life::Running && self.subscription.is_connected(now.uptime),
            life,
            counters: *follower.counters(),
            tally: self.tally,
        }
    }

    fn take(&mut self, now: Now, event: Event, follower: &Follower) {
        match event {
            Event::Time => {}
            Event::Keys => self.subscription.restart(now.uptime),
            Event::Subscribed(Ok(())) => {
                self.tally.subscriptions += 1;
                self.subscription.opened(now.uptime);
            }
            Event::Subscribed(Err(fault)) | Event::FeedFailed(fault) => {
                self.subscription.left(now.uptime, Duration::ZERO);
                self.feed_failed(now, &fault, follower);
            }
            // The subscription may be well.
            Event::AskFailed(fault) => self.feed_failed(now, &fault, follower),
            Event::Set { bytes, answer, tail } => {
                if let Err(error) = tail {
                    self.is_tail_broken = true;
                    self.disk_failed(now, &format!("its tail cannot be written: {error}"), follower);
                }
                self.set(now, bytes, answer, follower);
            }
            Event::Head { bytes, answer } => self.head(now, bytes, answer, follower),
            Event::Checkpoint { bytes, answer } => self.checkpoint(now, bytes, answer, follower),
            Event::Trimmed { first } => self.trimmed(now, first, follower),
            Event::Fetched(of, Ok(())) => {
                self.tally.snapshots_fetched += 1;
                self.actions.push(Action::Load(of));
            }
            Event::Fetched(of, Err(what)) => self.not_loaded(now, &of, &what, follower),
            Event::Loaded { of, loaded, took } => match loaded {
                Ok(Some(info)) => self.loaded(now, info, took, follower),
                Ok(None) => {
                    self.resync.loaded(now.uptime);
                    self.actions.push(Action::Discard);
                }
                Err(what) => self.not_loaded(now, &of, &what, follower),
            },
            Event::Copied(outcome) => self.copied(now, &outcome, follower),
            Event::DiskFailed(what) => self.disk_failed(now, &what, follower),
            Event::Panicked(what) => self.panicked(now, &what, follower),
            Event::Stop => {
                self.end_at.get_or_insert(now.uptime + self.stop_limit);
            }
        }
    }

    fn feed_failed(&mut self, now: Now, fault: &FeedFault, follower: &Follower) {
        self.tally.feed_faults += 1;
        if matches!(fault, FeedFault::Disk { .. }) {
            self.tally.disk_faults += 1;
        }
        self.notices.feed_failed(follower, fault, now.uptime);
    }

    fn disk_failed(&mut self, now: Now, what: &str, follower: &Follower) {
        self.tally.disk_faults += 1;
        self.copies.disk_failed(now.uptime);
        self.notices.disk_failed(follower, what, now.uptime);
    }

    fn loaded(&mut self, now: Now, info: SnapshotInfo, took: Duration, follower: &Follower) {
        self.was_forked = follower.is_forked();
        self.begin_tail(follower);
        self.copies.adopt(KeptCopy { warm: follower.warm(), info }, now.uptime);
        self.resync.loaded(now.uptime);
        self.resync.moved(follower);
        // Whatever was subscribed was for the sets after another tip.
        self.subscription.restart(now.uptime);
        self.notices.loaded(follower, info.holders, took);
        self.actions.push(Action::Discard);
    }

    fn not_loaded(&mut self, now: Now, of: &Confirmed<Checkpoint>, what: &str, follower: &Follower) {
        self.tally.snapshots_failed += 1;
        if self.resync.failed(now.uptime) == 1 {
            self.notices.not_loaded(follower, of.sequence, what);
        }
        self.actions.push(Action::Discard);
    }

    fn copied(&mut self, now: Now, outcome: &CopyOutcome, follower: &Follower) {
        self.copies.ended(outcome, now.uptime);
        match outcome {
            CopyOutcome::Kept(kept) => {
                self.tally.warm_copies += 1;
                self.notices.disk_works(follower);
                self.actions.push(Action::Tidy { kept: kept.warm.as_of().sequence });
            }
            CopyOutcome::Spoiled => {}
            CopyOutcome::Failed(what) => {
                // What is whole and unnamed only takes room.
                self.actions.push(Action::Tidy { kept: Sequence(0) });
                self.disk_failed(now, what, follower);
                self.end_now_if_ending(now);
            }
        }
    }

    fn panicked(&mut self, now: Now, what: &str, follower: &Follower) {
        self.tally.panics += 1;
        // The follower was not touched: the feed can be asked again.
        let wait = self.panics.next();
        let text = format!(": {what}. This is a fault in Hufu; following goes on in {} ms", wait.as_millis());
        self.notices.line(Level::ERROR, follower, text);
        self.subscription.left(now.uptime, wait);
        self.end_now_if_ending(now);
    }

    fn end_now_if_ending(&mut self, now: Now) {
        self.end_at = self.end_at.map(|_| now.uptime);
    }

    /// Does what is due.
    fn act(&mut self, now: Now, follower: &Follower) {
        self.subscription.lacks(matches!(follower.wants(), Wanted::Sets { .. }), now.uptime);
        match self.subscription.look(now.uptime) {
            Some(Trip::Silent) => {
                self.tally.trips_silent += 1;
                self.notices.silent(follower, now.uptime);
            }
            Some(Trip::Hung) => {
                self.tally.trips_hung += 1;
                self.notices.gap(follower, now.uptime);
            }
            None => {}
        }
        if self.subscription.is_due(now.uptime) {
            self.subscription.trying(now.uptime);
            self.is_subscribed = true;
            self.actions.push(Action::Subscribe { after: follower.tip().sequence });
        } else if self.subscription.is_left() {
            self.leave();
        }
        if self.ask_at(follower).is_some_and(|at| at <= now.uptime) {
            self.resync.asked(now.uptime);
            self.actions.push(Action::AskForCheckpoint);
        }
        let is_starved = self.subscription.is_starved();
        if let Some(of) = self.resync.fetch(follower, is_starved, now.uptime) {
            self.actions.push(Action::Fetch(of));
            self.notices.loading(follower, of.sequence, &self.snapshots, now.uptime);
        }
        if self.copies.due().is_some_and(|at| at <= now.uptime) {
            self.begin_copy(now, follower);
        }
        self.notices.look(follower, self.subscription.is_live(), now);
        self.actions.push(Action::Wait { until: self.wake_at(now, follower) });
    }

    /// Ends after a last warm copy, or without it when that takes too long.
    fn end(&mut self, now: Now, end_at: Duration, follower: &Follower) {
        self.leave();
        if self.copies.due().is_some() && now.uptime < end_at {
            self.begin_copy(now, follower);
        }
        if self.copies.due().is_some() {
            self.actions.push(Action::End);
        } else if now.uptime < end_at {
            self.actions.push(Action::Wait { until: end_at });
        } else {
            let text = format!(
                ": the last warm copy took more than {} s; the one before it and the tail stay valid",
                self.stop_limit.as_secs()
            );
            self.notices.line(Level::WARN, follower, text);
            self.actions.push(Action::End);
        }
    }

    fn leave(&mut self) {
        if std::mem::take(&mut self.is_subscribed) {
            self.actions.push(Action::Leave);
        }
    }

    fn begin_copy(&mut self, now: Now, follower: &Follower) {
        if let Some(job) = self.copies.begin(follower, self.is_tail_broken, now.uptime) {
            if matches!(job, CopyJob::Write(_)) {
                self.begin_tail(follower);
            }
            self.actions.push(Action::MakeCopy(job));
        }
    }

    fn begin_tail(&mut self, follower: &Follower) {
        self.is_tail_broken = false;
        self.actions.push(Action::BeginTail { after: follower.tip().sequence });
    }

    /// When to ask for a checkpoint: of a feed that can be reached.
    fn ask_at(&self, follower: &Follower) -> Option<Duration> {
        let is_starved = self.subscription.is_starved();
        self.resync.ask_at(follower, is_starved).filter(|_| self.subscription.is_open())
    }

    fn wake_at(&self, now: Now, follower: &Follower) -> Duration {
        let is_starved = self.subscription.is_starved();
        let times = [
            self.subscription.wake_at(),
            self.ask_at(follower),
            self.resync.fetch_at(follower, is_starved),
            self.copies.due(),
        ];
        times.into_iter().flatten().fold(now.uptime + LOOK, Duration::min)
    }
}
