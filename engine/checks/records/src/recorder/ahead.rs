//! Makes the next segment before it is needed, on a thread of its own.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::TRY_AGAIN;
use crate::store::Spare;

/// Keeps one spare segment there. It waits for its thread when it is dropped.
pub(super) struct Ahead {
    spare: Arc<Spare>,
    thread: Option<JoinHandle<()>>,
    tried: Option<Instant>,
}

impl Ahead {
    /// Makes the first one at once: what it waits for is not waited for by the first check.
    pub(super) fn new(spare: Arc<Spare>) -> Ahead {
        make(&spare);
        Ahead { spare, thread: None, tried: None }
    }

    /// Begins to make one if none is there. Waits for nothing.
    pub(super) fn keep(&mut self) {
        let is_making = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        let is_early = self.tried.is_some_and(|tried| tried.elapsed() < TRY_AGAIN);
        if is_making || is_early || !self.spare.is_missing() {
            return;
        }
        self.tried = Some(Instant::now());
        let spare = Arc::clone(&self.spare);
        let thread = thread::Builder::new().name("records-ahead".to_owned()).spawn(move || make(&spare));
        // Without a thread the writer makes it when it needs it.
        self.thread = thread.ok();
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

fn make(spare: &Spare) {
    if let Err(why) = spare.make() {
        tracing::warn!(%why, "no room can be made ahead for records of checks");
    }
}
