//! The loop: what comes is given to the follower, and what it wants is asked for.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hufu_codes::keyring::Keyring;
use hufu_sync::{Delivery, Feed, FeedFault, Snapshots, Wanted};
use hufu_wire::{IssuerId, Sequence};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::clock;
use crate::folder::Folder;
use crate::hand::Hand;
use crate::heard::Heard;
use crate::keeper::{Keeper, Outcome};
use crate::leap::{Fetched, Leap};
use crate::options::Timings;
use crate::patience::Patience;
use crate::status::{FollowStatus, Life, Tally};
use crate::subscription::{Subscription, Trip};
use crate::tail::Tail;
use crate::voice::Voice;

/// Everything that one thread needs to follow one issuer.
pub(crate) struct Drive {
    pub(crate) hand: Hand,
    pub(crate) feed: Box<dyn Feed>,
    pub(crate) snapshots: Arc<dyn Snapshots>,
    pub(crate) keys: watch::Receiver<Arc<Keyring>>,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) timings: Timings,
    pub(crate) folder: Folder,
    pub(crate) tail: Tail,
    pub(crate) heard: Heard,
    pub(crate) keeper: Keeper,
    pub(crate) subscription: Subscription,
    pub(crate) leap: Leap,
    pub(crate) patience: Patience,
    pub(crate) voice: Voice,
    pub(crate) tally: Tally,
    pub(crate) status: Arc<ArcSwap<FollowStatus>>,
}

/// What woke the loop.
enum Event {
    Stop,
    Keys,
    Kept(Outcome),
    Fetched(Fetched),
    Delivered(Result<Delivery, FeedFault>),
    Time,
}

/// However quiet it is, the log and the status are looked at this often.
const LOOK: Duration = Duration::from_secs(1);
/// After so many messages others on this thread get their turn, also when the feed never waits.
const MESSAGES_AT_ONCE: u32 = 64;

impl Drive {
    /// Follows until it is told to stop.
    pub(crate) async fn run(&mut self) {
        let mut at_once = 0;
        loop {
            self.act().await;
            self.publish(Life::Running);
            self.tally.wakes += 1;
            match self.wait().await {
                Event::Stop => return,
                Event::Keys => self.subscription.anew(Instant::now()),
                Event::Kept(outcome) => self.kept(&outcome),
                Event::Fetched(fetched) => self.fetched(fetched),
                Event::Delivered(Ok(delivery)) => {
                    self.take(&delivery);
                    at_once += 1;
                }
                Event::Delivered(Err(fault)) => self.feed_failed(&fault),
                Event::Time => at_once = 0,
            }
            if at_once >= MESSAGES_AT_ONCE {
                at_once = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    async fn wait(&mut self) -> Event {
        let wake = self.wake_at();
        let is_open = self.subscription.is_open();
        if !is_open {
            self.feed.leave();
        }
        tokio::select! {
            biased;
            () = told_to_stop(&mut self.stop) => Event::Stop,
            // Without anybody who could change them they stay.
            Ok(()) = self.keys.changed() => Event::Keys,
            outcome = self.keeper.done() => Event::Kept(outcome),
            fetched = self.leap.fetched() => Event::Fetched(fetched),
            delivered = self.feed.next(), if is_open => Event::Delivered(delivered),
            () = sleep_until(wake) => Event::Time,
        }
    }

    fn wake_at(&self) -> Instant {
        let is_starved = self.subscription.is_starved();
        let times = [
            self.subscription.wake_at(),
            self.ask_at(),
            self.leap.fetch_at(&self.hand, is_starved),
            self.keeper.due(),
        ];
        let look = Instant::now() + LOOK;
        times.into_iter().flatten().fold(look, Instant::min)
    }

    /// Does what is due.
    async fn act(&mut self) {
        let now = Instant::now();
        self.subscription.lacks(matches!(self.hand.wants(), Wanted::Sets { .. }), now);
        match self.subscription.look(now) {
            Some(Trip::Silent) => {
                self.tally.trips_silent += 1;
                self.voice.silent(&self.hand, now);
            }
            Some(Trip::Hung) => {
                self.tally.trips_hung += 1;
                self.voice.gap(&self.hand, now);
            }
            None => {}
        }
        if self.subscription.is_due(now) {
            self.subscribe().await;
        }
        let is_starved = self.subscription.is_starved();
        if self.ask_at().is_some_and(|at| at <= now) {
            self.ask_for_checkpoint().await;
        }
        if self.leap.fetch_at(&self.hand, is_starved).is_some_and(|at| at <= now) {
            self.fetch();
        }
        if self.keeper.due().is_some_and(|at| at <= now) {
            self.keeper.begin(&self.hand, &mut self.tail);
        }
        self.voice.look(&self.hand, self.subscription.is_live(), clock::now(), now);
    }

    async fn subscribe(&mut self) {
        self.subscription.trying(Instant::now());
        let after = self.hand.tip().sequence;
        let asked = within(&mut self.stop, self.timings.answer_ms, self.feed.subscribe(after)).await;
        let Some(answer) = asked else { return };
        match answer.unwrap_or_else(|| Err(no_answer(&*self.feed, self.timings.answer_ms))) {
            Ok(()) => {
                let now = Instant::now();
                self.tally.subscriptions += 1;
                self.subscription.opened(now);
            }
            Err(fault) => self.feed_failed(&fault),
        }
    }

    async fn ask_for_checkpoint(&mut self) {
        self.leap.asked(Instant::now());
        let asked = within(&mut self.stop, self.timings.answer_ms, self.feed.checkpoint()).await;
        let Some(answer) = asked else { return };
        match answer.unwrap_or_else(|| Err(no_answer(&*self.feed, self.timings.answer_ms))) {
            Ok(Some(bytes)) => self.take(&Delivery::Checkpoint(bytes)),
            Ok(None) => {}
            // The subscription may be well.
            Err(fault) => self.feed_erred(&fault, Instant::now()),
        }
    }

    /// When to ask for a checkpoint: of a feed that can be reached.
    fn ask_at(&self) -> Option<Instant> {
        let is_starved = self.subscription.is_starved();
        self.leap.ask_at(&self.hand, is_starved).filter(|_| self.subscription.is_open())
    }

    fn fetch(&mut self) {
        let is_starved = self.subscription.is_starved();
        if let Err(error) = self.folder.empty_incoming() {
            self.disk_failed(&format!("a snapshot cannot be fetched into its folder: {error}"));
            self.leap.failed(Instant::now());
            return;
        }
        if let Some(sequence) = self.leap.fetch(&self.hand, is_starved, &self.snapshots, &self.folder) {
            self.voice.loading(&self.hand, sequence, self.snapshots.name(), Instant::now());
        }
    }

    fn feed_failed(&mut self, fault: &FeedFault) {
        let now = Instant::now();
        self.subscription.failed(now);
        self.feed_erred(fault, now);
    }

    fn feed_erred(&mut self, fault: &FeedFault, now: Instant) {
        self.tally.feed_faults += 1;
        if matches!(fault, FeedFault::Disk { .. }) {
            self.tally.disk_faults += 1;
        }
        self.voice.feed_failed(&self.hand, fault, now);
    }

    pub(crate) fn disk_failed(&mut self, what: &str) {
        self.tally.disk_faults += 1;
        self.keeper.hurry(Duration::from_millis(self.timings.disk_again_ms));
        self.voice.disk_failed(&self.hand, what, Instant::now());
    }

    fn kept(&mut self, outcome: &Outcome) {
        self.keeper.ended(outcome);
        match outcome {
            Outcome::Kept(kept) => {
                self.tally.warm_copies += 1;
                self.voice.disk_works(&self.hand);
                self.folder.forget_before(kept.warm.as_of().sequence);
            }
            Outcome::Spoiled => {}
            Outcome::Failed(what) => {
                // What is whole and unnamed only takes room.
                self.folder.tidy(Sequence(0));
                self.disk_failed(what);
            }
        }
    }

    /// The last warm copy. The caller bounds how long it may take.
    pub(crate) async fn finish(&mut self) {
        let limit = Duration::from_millis(self.timings.stop_ms);
        let copies = async {
            loop {
                if self.keeper.is_busy() {
                    let outcome = self.keeper.done().await;
                    self.kept(&outcome);
                    if matches!(outcome, Outcome::Failed(_)) {
                        return;
                    }
                }
                if !self.keeper.begin(&self.hand, &mut self.tail) {
                    return;
                }
            }
        };
        if timeout(limit, copies).await.is_err() {
            self.keeper.spoil();
            tracing::warn!(
                "issuer {}: the last warm copy took more than {} s; the one before it and the tail hold",
                self.issuer(),
                limit.as_secs()
            );
        }
    }

    pub(crate) fn issuer(&self) -> IssuerId {
        self.hand.issuer()
    }

    /// Tells the world.
    pub(crate) fn publish(&self, life: Life) {
        let is_connected = life == Life::Running && self.subscription.is_connected(Instant::now());
        self.status.store(Arc::new(FollowStatus {
            is_connected,
            ..FollowStatus::of(&self.hand, self.status.load().feed.clone(), life, self.tally)
        }));
    }
}

/// `None` when it was told to stop; `Some(None)` when there was no answer in time.
async fn within<T>(
    stop: &mut watch::Receiver<bool>,
    limit_ms: u64,
    answer: impl Future<Output = T>,
) -> Option<Option<T>> {
    tokio::select! {
        biased;
        () = told_to_stop(stop) => None,
        answer = timeout(Duration::from_millis(limit_ms), answer) => Some(answer.ok()),
    }
}

async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    // Whoever could have told is gone: that tells it too.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn no_answer(feed: &dyn Feed, limit_ms: u64) -> FeedFault {
    FeedFault::Unreachable { feed: feed.name().to_owned(), what: format!("no answer in {limit_ms} ms") }
}
