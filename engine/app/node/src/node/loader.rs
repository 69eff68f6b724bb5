//! The thread that loads snapshots: a country takes seconds, and neither a signal nor a revocation waits for it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hufu_files::watched::Watched;
use hufu_transport::Clock;

use super::state::State;
use super::statuses::Statuses;

/// How often snapshots are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps the statuses up to date until it is dropped.
pub(super) struct Loader {
    wake: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Loader {
    /// Starts the thread that follows these snapshots.
    pub(super) fn start(
        statuses: Statuses,
        snapshots: Vec<(PathBuf, Watched)>,
        state: Arc<State>,
        clock: Clock,
    ) -> io::Result<Loader> {
        let (wake, woken) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("hufu-snapshots".to_owned())
            .spawn(move || follow(statuses, snapshots, &state, &clock, &woken))?;
        Ok(Loader { wake, thread: Some(thread) })
    }

    /// Looks at every snapshot as soon as the one that is being loaded is done.
    pub(super) fn look_now(&self) {
        // A thread that has ended is told by `check`.
        let _ = self.wake.send(());
    }

    /// Tells the log, once, should the thread have ended.
    pub(super) fn check(&mut self) {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            self.thread = None;
            tracing::error!(
                "the thread that loads snapshots has stopped; their statuses are not updated until a restart"
            );
        }
    }
}

fn follow(
    mut statuses: Statuses,
    mut snapshots: Vec<(PathBuf, Watched)>,
    state: &State,
    clock: &Clock,
    woken: &Receiver<()>,
) {
    loop {
        let at_once = match woken.recv_timeout(LOOK) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for (path, watched) in &mut snapshots {
            watched.follow(at_once, || statuses.apply(path, state, clock.now()));
        }
    }
}
