//! Tells sleeping workers to stop.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, eventfd};

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

    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
