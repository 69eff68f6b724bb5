//! One issuer, followed by one thread.

use std::any::Any;
use std::hash::{BuildHasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use hufu_table::OsDisk;
use hufu_wire::IssuerId;
use tokio::runtime::{self, Runtime};
use tokio::sync::watch;

use crate::applier::Applier;
use crate::driver::{Clock, Driver, Work};
use crate::event::Event;
use crate::machine::{Machine, Setup};
use crate::options::{Options, StartFault};
use crate::recent::Recent;
use crate::status::{FollowStatus, Life};

/// Follows one issuer on a thread of its own, so that nothing that one issuer's feed does can slow another's. When
/// it is dropped it stops by itself; [`stop`](Self::stop) waits for that.
pub struct Following {
    issuer: IssuerId,
    status: Arc<ArcSwap<FollowStatus>>,
    recent: Arc<Recent>,
    stop: watch::Sender<bool>,
    /// Since when it is to end.
    ending: OnceLock<Instant>,
    stop_limit: Duration,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

/// Gates come first: a thread that follows gives way to those that check.
const NICER: i32 = 5;

impl Following {
    /// Restores what the folder holds, on the calling thread, and goes on in one of its own: when this returns, the
    /// table has every word that was served before a restart, and nothing needs to be waited for.
    ///
    /// # Errors
    /// [`StartFault`]; nothing runs then.
    pub fn start(options: Options) -> Result<Following, StartFault> {
        let Options { writer, authorities, feed, snapshots, folder, keys, timings } = options;
        let issuer = authorities.issuer();
        let no_thread = |error| StartFault::Thread { issuer, error };
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(no_thread)?;

        let (clock, keys, reader) = (Clock::start(), keys.watch(), writer.reader());
        let keyring = Arc::clone(&keys.borrow());
        let disk = (OsDisk::shared(), &*folder);
        let (applier, kept, tally) = Applier::restore(writer, authorities, disk, &keyring, clock.now().time)?;
        let setup = Setup {
            feed: feed.name().into(),
            is_live: feed.is_live(),
            snapshots: snapshots.name().to_owned(),
            timings,
            seed: RandomState::new().hash_one(issuer),
            kept,
            tally,
        };
        let machine = Machine::new(setup, &applier, clock.now());
        let status = Arc::new(ArcSwap::from_pointee(machine.status(clock.now(), &applier, Life::Running)));
        let (stop, stopped) = watch::channel(false);
        let recent = Arc::clone(applier.recent());
        let driver = Driver {
            machine,
            applier,
            feed,
            snapshots,
            reader,
            keys,
            stop: stopped,
            status: Arc::clone(&status),
            clock,
            answer_limit: Duration::from_millis(timings.answer_ms),
            fetch_limit: Duration::from_millis(timings.fetch_ms),
            work: Work::default(),
        };
        let (ending, ended) = mpsc::channel::<()>();
        let thread = thread::Builder::new()
            .name(format!("follow-{issuer}"))
            .spawn(move || {
                live(driver, runtime);
                // `stop` waits for this to be gone.
                drop(ending);
            })
            .map_err(no_thread)?;
        let stop_limit = Duration::from_millis(timings.stop_ms) + Duration::from_secs(1);
        Ok(Following { issuer, status, recent, stop, ending: OnceLock::new(), stop_limit, ended, thread })
    }

    /// Whose chain it is.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// How it is, at one moment. Takes no lock.
    pub fn status(&self) -> Arc<FollowStatus> {
        self.status.load_full()
    }

    /// What has lately come of its chain.
    pub fn recent(&self) -> &Arc<Recent> {
        &self.recent
    }

    /// Stops, after a last warm copy. `false` when that took too long, or a feed or a snapshot kept the thread:
    /// it is left to itself then, and the warm copy before and the tail hold. Of many, [`end`](Self::end) each
    /// first, so that they stop together: all of them have no longer than one alone.
    pub fn stop(self) -> bool {
        self.end();
        let since = self.ending.get().map_or(Duration::ZERO, Instant::elapsed);
        match self.ended.recv_timeout(self.stop_limit.saturating_sub(since)) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => self.thread.join().is_ok(),
            Err(RecvTimeoutError::Timeout) => {
                tracing::warn!("issuer {}: its thread does not end in time and is left running", self.issuer);
                false
            }
        }
    }

    /// Tells it to stop, and waits for nothing.
    pub fn end(&self) {
        self.ending.get_or_init(Instant::now);
        self.stop.send_replace(true);
    }
}

/// A whole thread's life: follows, ends, and waits for nothing that a feed or a fetch still does.
fn live(mut driver: Driver, runtime: Runtime) {
    follow(&mut driver, &runtime);
    let inside = runtime.enter();
    drop(driver);
    drop(inside);
    runtime.shutdown_background();
}

/// Follows until the end, and goes on after a panic where that is safe.
fn follow(driver: &mut Driver, runtime: &Runtime) {
    let issuer = driver.applier.issuer();
    if let Err(error) = rustix::process::nice(NICER) {
        tracing::debug!("issuer {issuer}: cannot lower the priority of its thread: {error}");
    }
    let mut event = Event::Time;
    while let Err(panic) = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            driver.step(std::mem::replace(&mut event, Event::Time)).await;
            driver.run().await;
        });
    })) {
        let what = message(&*panic);
        if driver.applier.is_changing() {
            tracing::error!(
                "issuer {issuer} is no longer followed: {what}. This is a fault in Hufu. Its statuses stay and grow \
                 old until the engine is restarted"
            );
            driver.publish(Life::Dead);
            return;
        }
        event = Event::Panicked(what);
    }
    driver.publish(Life::Stopped);
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("its thread panicked: {}", text.unwrap_or("no message"))
}
