//! Tells sleeping workers to stop.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// A flag that can be polled beside a socket: once set it stays readable for every worker.
pub(crate) struct Wake {
    event: OwnedFd,
    stopping: AtomicBool,
}

impl Wake {
    pub(crate) fn new() -> io::Result<Wake> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Wake { event, stopping: AtomicBool::new(false) })
    }

    pub(crate) fn stop(&self) {
        // Relaxed: the flag carries nothing else with it.
        self.stopping.store(true, Ordering::Relaxed);
        // Fails only when the event is readable already.
        let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
    }

    /// Sleeps for this long, or until it is time to stop; whether it is.
    pub(crate) fn wait(&self, at_most: Duration) -> bool {
        let at_most = Timespec::try_from(at_most).ok();
        // A signal or an error only means looking again.
        let _ = poll(&mut [PollFd::new(self, PollFlags::IN)], at_most.as_ref());
        self.stopping()
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
