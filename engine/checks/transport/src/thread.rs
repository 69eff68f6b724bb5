//! Which kernel thread does the work, for its CPU time, and to tell whether it still runs.

use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use rustix::thread::gettid;

/// The id of a thread while it runs.
#[derive(Debug)]
pub(crate) struct ThreadId(AtomicI32);

/// It was started and its first line has not run yet: what it will serve waits in its socket.
const NOT_YET: i32 = -1;
const ENDED: i32 = 0;

impl Default for ThreadId {
    fn default() -> ThreadId {
        ThreadId(AtomicI32::new(NOT_YET))
    }
}

/// Says that the thread lives until this is dropped, by returning or by a panic.
pub(crate) struct Alive<'t>(&'t ThreadId);

impl ThreadId {
    /// Called by the thread when it begins.
    pub(crate) fn begin(&self) -> Alive<'_> {
        self.0.store(gettid().as_raw_nonzero().get(), Relaxed);
        Alive(self)
    }

    /// The kernel's number of the thread, `None` while it does not run.
    pub(crate) fn get(&self) -> Option<i32> {
        Some(self.0.load(Relaxed)).filter(|&thread| thread > 0)
    }

    /// Whether it ran and runs no longer.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.load(Relaxed) == ENDED
    }
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.0.store(ENDED, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panics_is_known_to_be_gone() {
        let thread = ThreadId::default();
        assert_eq!((thread.get(), thread.has_ended()), (None, false), "it has not begun");
        let panicked = std::panic::catch_unwind(|| {
            let _alive = thread.begin();
            assert!(thread.get().is_none(), "it runs, so this panics");
        });
        assert!(panicked.is_err());
        assert_eq!((thread.get(), thread.has_ended()), (None, true));
    }
}
