//! One issuer, followed by one thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwap;
use hufu_sync::Follower;
use hufu_wire::IssuerId;
use tokio::runtime::{self, Runtime};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::clock;
use crate::drive::Drive;
use crate::folder::Folder;
use crate::hand::Hand;
use crate::heard::Heard;
use crate::keeper::Keeper;
use crate::leap::Leap;
use crate::options::{Options, StartFault};
use crate::patience::Patience;
use crate::restore::restore;
use crate::status::{FollowStatus, Life, Tally};
use crate::subscription::Subscription;
use crate::tail::Tail;
use crate::voice::Voice;

/// Follows one issuer on a thread of its own, so that nothing that one issuer's feed does can slow another's. When
/// it is dropped it stops by itself; [`stop`](Self::stop) waits for that.
pub struct Following {
    issuer: IssuerId,
    status: Arc<ArcSwap<FollowStatus>>,
    stop: watch::Sender<bool>,
    /// Since when it is to end.
    ending: OnceLock<Instant>,
    stop_limit: Duration,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

/// Gates come first: a thread that follows gives way to those that check.
const NICER: i32 = 5;
/// Where more than the warm copy was restored, the first new one comes after a tenth of the time.
const AFTER_REPLAY: u32 = 10;

impl Following {
    /// Restores what the folder holds, on the calling thread, and goes on in one of its own: when this returns, the
    /// table has every word that was served before a restart, and nothing needs to be waited for.
    ///
    /// # Errors
    /// [`StartFault`]; nothing runs then.
    pub fn start(options: Options) -> Result<Following, StartFault> {
        let Options { writer, authorities, feed, snapshots, folder: path, keys, timings } = options;
        let (issuer, timings) = (authorities.issuer(), timings.rested());
        let folder = Folder::open(&path, issuer).map_err(|error| StartFault::Folder {
            issuer,
            folder: path,
            error,
        })?;
        let no_thread = |error| StartFault::Thread { issuer, error };
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(no_thread)?;

        let (keys, reader) = (keys.watch(), writer.reader());
        let mut follower = Follower::new(writer, authorities)?;
        let mut tally = Tally::default();
        let keyring = Arc::clone(&keys.borrow());
        let kept = restore(&mut follower, &folder, &keyring, &mut tally);

        let (now, every) = (Instant::now(), timings.warm_every());
        let again = Duration::from_millis(timings.disk_again_ms);
        let mut keeper = Keeper::new(folder.clone(), reader, kept, every, again);
        if kept.is_none_or(|kept| !kept.warm.is_at(&follower.warm())) {
            keeper.hurry(every / AFTER_REPLAY);
        }
        let name: Arc<str> = feed.name().into();
        let status =
            Arc::new(ArcSwap::from_pointee(FollowStatus::of(&follower, name.clone(), Life::Running, tally)));
        let (stop, stopped) = watch::channel(false);
        let drive = Drive {
            tail: Tail::new(folder.clone(), follower.tip().sequence),
            heard: Heard::new(folder.clone()),
            voice: Voice::new(issuer, name, timings.stale_ms, clock::now()),
            subscription: Subscription::new(&timings, feed.is_live(), now),
            leap: Leap::new(&timings, now),
            patience: Patience::new(now),
            hand: Hand::new(follower),
            stop: stopped,
            status: Arc::clone(&status),
            feed,
            snapshots,
            keys,
            timings,
            folder,
            keeper,
            tally,
        };
        let (ending, ended) = mpsc::channel::<()>();
        let thread = thread::Builder::new()
            .name(format!("follow-{issuer}"))
            .spawn(move || {
                live(drive, runtime);
                // Whoever stops it waits for this to be gone.
                drop(ending);
            })
            .map_err(no_thread)?;
        let stop_limit = Duration::from_millis(timings.stop_ms) + Duration::from_secs(1);
        Ok(Following { issuer, status, stop, ending: OnceLock::new(), stop_limit, ended, thread })
    }

    /// Whose chain it is.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// How it is, at one moment. Takes no lock.
    pub fn status(&self) -> Arc<FollowStatus> {
        self.status.load_full()
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
                tracing::warn!("issuer {}: its thread does not end in time and is left", self.issuer);
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
fn live(mut drive: Drive, runtime: Runtime) {
    follow(&mut drive, &runtime);
    let inside = runtime.enter();
    drop(drive);
    drop(inside);
    runtime.shutdown_background();
}

/// Follows, goes on after a panic where that is safe, and keeps a last warm copy.
fn follow(drive: &mut Drive, runtime: &Runtime) {
    if let Err(error) = rustix::process::nice(NICER) {
        tracing::debug!("issuer {}: its thread stays as important as others: {error}", drive.issuer());
    }
    let mut backoff = Backoff::new(
        Duration::from_millis(drive.timings.backoff_ms_min),
        Duration::from_millis(drive.timings.backoff_ms_max),
    );
    while let Err(panic) = catch_unwind(AssertUnwindSafe(|| runtime.block_on(drive.run()))) {
        let (issuer, what) = (drive.issuer(), told(&*panic));
        drive.tally.panics += 1;
        if drive.hand.is_inside() {
            tracing::error!(
                "issuer {issuer} is no longer followed: {what}. This is a fault in Hufu. Its statuses stay and grow \
                 old until the engine is restarted"
            );
            drive.publish(Life::Dead);
            return;
        }
        // The follower was not touched: the feed can be asked anew.
        let wait = backoff.next();
        let wait_ms = wait.as_millis();
        tracing::error!(
            "issuer {issuer}: {what}. This is a fault in Hufu; it is followed on in {wait_ms} ms"
        );
        drive.subscription.left(Instant::now(), wait);
    }
    if catch_unwind(AssertUnwindSafe(|| runtime.block_on(drive.finish()))).is_err() {
        tracing::error!("issuer {}: the last warm copy panicked; the one before it holds", drive.issuer());
    }
    drive.publish(Life::Stopped);
}

fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("its thread panicked: {}", text.unwrap_or("without a word"))
}
