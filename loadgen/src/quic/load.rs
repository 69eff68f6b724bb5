//! One load, as all ways over QUIC share it.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use hufu_fixtures::RosterFixture;

use super::carriage::Carriage;
use crate::clock::Clock;
use crate::mix::Draw;
use crate::schedule::Schedule;
use crate::stock::Supply;
use crate::tally::Tally;

/// What the thread is to do in one load.
pub(crate) struct Work {
    pub(crate) carriage: Carriage,
    pub(crate) schedule: Schedule,
    pub(crate) draw: Draw,
    pub(crate) supply: Supply,
    pub(crate) roster: Option<RosterFixture>,
    pub(crate) timeout: Duration,
    pub(crate) waiting: usize,
    /// Seen-again codes to show once before the load.
    pub(crate) warm_up: usize,
}

/// What all tasks of the thread count in. Borrowed only between two waits.
pub(super) struct Results {
    pub(super) tally: RefCell<Tally>,
    pub(super) clock: Clock,
    pub(super) timeout: Duration,
}

impl Results {
    /// The tally, once every task has ended.
    pub(super) fn whole(self: Rc<Self>) -> io::Result<Tally> {
        let results = Rc::try_unwrap(self).map_err(|_| io::Error::other("a task outlived its load"))?;
        Ok(results.tally.into_inner())
    }
}

/// Waits until `due_ns`.
pub(super) async fn until(clock: Clock, due_ns: u64) {
    /// Below this the runtime's timers are too coarse.
    const COARSE_NS: u64 = 2_000_000;
    loop {
        let wait_ns = due_ns.saturating_sub(clock.now_ns());
        if wait_ns == 0 {
            return;
        }
        if wait_ns > COARSE_NS {
            tokio::time::sleep(Duration::from_nanos(wait_ns - COARSE_NS)).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
}
