//! The loop of a following's thread: reads the clocks, waits for what comes, and does what the machine decides.

use std::collections::VecDeque;
use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use hufu_codes::chain::Confirmed;
use hufu_codes::keyring::Keyring;
use hufu_sync::{Delivery, Feed, FeedFault, Snapshots};
use hufu_table::{Reader, SnapshotDigest};
use hufu_wire::UnixMillis;
use hufu_wire::chain::Checkpoint;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::Level;

use crate::applier::Applier;
use crate::event::{Action, Event};
use crate::machine::Machine;
use crate::now::Now;
use crate::status::{FollowStatus, Life};
use crate::warm::WarmCopying;

/// Everything that one thread needs to follow one issuer.
pub(crate) struct Driver {
    pub(crate) machine: Machine,
    pub(crate) applier: Applier,
    pub(crate) feed: Box<dyn Feed>,
    pub(crate) snapshots: Arc<dyn Snapshots>,
    pub(crate) reader: Reader,
    pub(crate) keys: watch::Receiver<Arc<Keyring>>,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) status: Arc<ArcSwap<FollowStatus>>,
    pub(crate) clock: Clock,
    pub(crate) answer_limit: Duration,
    pub(crate) fetch_limit: Duration,
    pub(crate) work: Work,
}

/// What is under way.
#[derive(Default)]
pub(crate) struct Work {
    events: VecDeque<Event>,
    actions: VecDeque<Action>,
    wake_at: Duration,
    is_stopping: bool,
    is_over: bool,
    fetch: Option<Fetch>,
    copying: WarmCopying,
}

struct Fetch {
    of: Confirmed<Checkpoint>,
    task: JoinHandle<Result<(), String>>,
}

/// The clocks of this machine.
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        Now { uptime: self.start.elapsed(), time }
    }
}

/// After so many messages others on this thread get their turn, also when the feed never waits.
const MESSAGES_AT_ONCE: u32 = 64;

impl Driver {
    /// Follows until the machine says that it is over.
    pub(crate) async fn run(&mut self) {
        let mut at_once = 0;
        while !self.work.is_over {
            let event = match self.work.events.pop_front() {
                Some(event) => event,
                None => self.wait().await,
            };
            at_once = if matches!(event, Event::Time) { 0 } else { at_once + 1 };
            self.step(event).await;
            if at_once >= MESSAGES_AT_ONCE {
                at_once = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Steps the machine and does what it decides.
    pub(crate) async fn step(&mut self, event: Event) {
        let actions = self.machine.step(self.clock.now(), event, &self.applier);
        self.work.actions.extend(actions);
        // A panic of the feed loses none of the actions after it.
        while let Some(action) = self.work.actions.pop_front() {
            self.act(action).await;
        }
        self.publish(Life::Running);
    }

    /// The next thing that happens.
    async fn wait(&mut self) -> Event {
        let (is_listening, work) = (self.machine.is_listening(), &mut self.work);
        let wake_at = self.clock.start + work.wake_at;
        let delivered = tokio::select! {
            biased;
            () = stopped(&mut self.stop), if !work.is_stopping => {
                work.is_stopping = true;
                return Event::Stop;
            }
            // When the sender is gone they stay as they are.
            Ok(()) = self.keys.changed() => return Event::Keys,
            outcome = work.copying.done() => return Event::Copied(outcome),
            (of, fetched) = fetched(&mut work.fetch) => return Event::Fetched(of, fetched),
            delivered = self.feed.next(), if is_listening => delivered,
            () = sleep_until(wake_at) => return Event::Time,
        };
        match delivered {
            Ok(delivery) => self.take(&delivery),
            Err(fault) => Event::FeedFailed(fault),
        }
    }

    fn take(&mut self, delivery: &Delivery) -> Event {
        let keyring = Arc::clone(&self.keys.borrow());
        self.applier.take(delivery, &keyring, self.clock.now().time)
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Subscribe { after } => {
                let asked = within(&mut self.stop, self.answer_limit, self.feed.subscribe(after)).await;
                if let Some(answer) = asked {
                    let answer = answer.unwrap_or_else(|| Err(self.no_answer()));
                    self.work.events.push_back(Event::Subscribed(answer));
                }
            }
            Action::Leave => self.feed.leave(),
            Action::AskForCheckpoint => {
                let asked = within(&mut self.stop, self.answer_limit, self.feed.checkpoint()).await;
                match asked.map(|answer| answer.unwrap_or_else(|| Err(self.no_answer()))) {
                    Some(Ok(Some(bytes))) => {
                        let event = self.take(&Delivery::Checkpoint(bytes));
                        self.work.events.push_back(event);
                    }
                    Some(Err(fault)) => self.work.events.push_back(Event::AskFailed(fault)),
                    Some(Ok(None)) | None => {}
                }
            }
            Action::Fetch(of) => self.fetch(&of),
            Action::Load(of) => {
                let begun = Instant::now();
                let copying = &self.work.copying;
                let (loaded, kept) = self.applier.load(&of, self.clock.now().time, || copying.spoil());
                self.work.events.extend(kept.err().map(Event::DiskFailed));
                self.work.events.push_front(Event::Loaded { of, loaded, took: begun.elapsed() });
            }
            Action::Discard => {
                if let Err(error) = self.applier.make_room() {
                    let what = format!("what was fetched cannot be removed: {error}");
                    self.work.events.push_back(Event::DiskFailed(what));
                }
            }
            Action::BeginTail { after } => self.applier.begin_tail(after),
            Action::MakeCopy(job) => self.work.copying.begin(job, &self.applier.folder, &self.reader),
            Action::Tidy { kept } => self.applier.tidy(kept),
            Action::Log(level, line) => log(level, &line),
            Action::Wait { until } => self.work.wake_at = until,
            Action::End => {
                self.work.copying.spoil();
                self.work.is_over = true;
            }
        }
    }

    fn fetch(&mut self, of: &Confirmed<Checkpoint>) {
        let path = match self.applier.make_room() {
            Ok(path) => path,
            Err(error) => {
                let what = format!("a snapshot cannot be fetched into its folder: {error}");
                self.work.events.extend([Event::DiskFailed(what.clone()), Event::Fetched(*of, Err(what))]);
                return;
            }
        };
        let digest = SnapshotDigest(of.snapshot);
        let (snapshots, limit) = (Arc::clone(&self.snapshots), self.fetch_limit);
        let task = tokio::spawn(async move { bring(&*snapshots, digest, &path, limit).await });
        self.work.fetch = Some(Fetch { of: *of, task });
    }

    fn no_answer(&self) -> FeedFault {
        let what = format!("no answer in {} ms", self.answer_limit.as_millis());
        FeedFault::Unreachable { feed: self.feed.name().to_owned(), what }
    }

    /// Shows how it is.
    pub(crate) fn publish(&self, life: Life) {
        self.status.store(Arc::new(self.machine.status(self.clock.now(), &self.applier, life)));
    }
}

fn log(level: Level, line: &str) {
    match level {
        Level::ERROR => tracing::error!("{line}"),
        Level::WARN => tracing::warn!("{line}"),
        _ => tracing::info!("{line}"),
    }
}

async fn bring(
    snapshots: &dyn Snapshots,
    digest: SnapshotDigest,
    path: &Path,
    limit: Duration,
) -> Result<(), String> {
    match timeout(limit, snapshots.fetch(digest, path)).await {
        Ok(came) => came.map_err(|fault| fault.to_string()),
        Err(_) => Err(format!("{} did not deliver it in {} s", snapshots.name(), limit.as_secs())),
    }
}

/// How a fetch ends; never, when there is none.
async fn fetched(fetch: &mut Option<Fetch>) -> (Confirmed<Checkpoint>, Result<(), String>) {
    let Some(Fetch { of, task }) = fetch else { return pending().await };
    let (of, ended) = (*of, task.await);
    *fetch = None;
    (of, ended.unwrap_or_else(|error| Err(error.to_string())))
}

/// `None` when it is to stop; `Some(None)` when there was no answer in time.
async fn within<T>(
    stop: &mut watch::Receiver<bool>,
    limit: Duration,
    answer: impl Future<Output = T>,
) -> Option<Option<T>> {
    tokio::select! {
        biased;
        () = stopped(stop) => None,
        answer = timeout(limit, answer) => Some(answer.ok()),
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone says the same.
    let _ = stop.wait_for(|stop| *stop).await;
}
