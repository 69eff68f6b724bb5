//! Records as they are written, for who listens. What cannot be taken in time is lost to the listener and never holds
//! up the writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use crate::row::Row;

/// Commits that wait for a slow listener. A commit has at most [`RECORDS_MAX`](crate::RECORDS_MAX) records.
const COMMITS_MAX: usize = 32;

/// The writer's end.
#[derive(Clone)]
pub(crate) struct Live {
    sender: Sender<Commit>,
    /// The number of the record that comes next.
    next: Arc<AtomicU64>,
}

/// The records of one commit.
#[derive(Clone)]
struct Commit {
    first: u64,
    rows: Arc<[Row]>,
}

/// One listener. It hears every record that is written from its making on, or how many it did not hear.
pub struct Listener {
    receiver: Receiver<Commit>,
    /// The number of the record that comes next.
    next: u64,
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Records that were written before these and were not heard.
    pub lost: u64,
    /// The number of the first record.
    pub first: u64,
    /// The records, in the order of their numbers.
    pub rows: Arc<[Row]>,
}

impl Live {
    /// Of a writer whose next record has this number.
    pub(crate) fn new(next: u64) -> Live {
        Live { sender: channel(COMMITS_MAX).0, next: Arc::new(next.into()) }
    }

    pub(crate) fn listen(&self) -> Listener {
        let receiver = self.sender.subscribe();
        // Acquire: pairs with the Release in `tell`. What comes between the two lines is heard, not lost.
        Listener { receiver, next: self.next.load(Ordering::Acquire) }
    }

    /// Hands on the records of a commit. It never waits, and does little while no one listens.
    pub(crate) fn tell(&self, first: u64, rows: impl ExactSizeIterator<Item = Row>) {
        let next = first + rows.len() as u64;
        if self.sender.receiver_count() > 0 {
            // It fails when the last listener has gone.
            let _ = self.sender.send(Commit { first, rows: rows.collect() });
        }
        // Release: pairs with the Acquire in `listen`.
        self.next.store(next, Ordering::Release);
    }
}

impl Listener {
    /// The records of the next commit; `None` once no more will come.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            match self.receiver.recv().await {
                Ok(Commit { first, rows }) => {
                    // Numbers have no gaps, so what is missing between two commits was lost on the way.
                    let lost = first.saturating_sub(self.next);
                    self.next = first + rows.len() as u64;
                    return Some(Heard { lost, first, rows });
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_check::Channel;
    use hufu_wire::{CheckNumber, DeviceId, Lane, Reason, SiteId, UnixMillis, Verdict};

    use crate::row::Answer;

    fn rows(count: usize) -> Vec<Row> {
        let verdict = Verdict::of(CheckNumber(1), UnixMillis(5), Reason::Clear);
        let row = Row {
            site: SiteId(1),
            device: DeviceId(2),
            lane: Lane(3),
            channel: Channel::Sealed,
            latency_us: 4,
            slip: None,
            answer: Answer::Verdict(verdict),
        };
        vec![row; count]
    }

    #[test]
    fn a_slow_listener_is_told_how_many_records_it_lost_and_stops_nobody() {
        let live = Live::new(100);
        live.tell(100, rows(3).into_iter());
        let (mut slow, mut quick) = (live.listen(), live.listen());
        let mut heard_by_quick = 0;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for commit in 0..100 {
            live.tell(103 + commit * 7, rows(7).into_iter());
            let heard = runtime.block_on(quick.next()).unwrap();
            assert_eq!((heard.lost, heard.first), (0, 103 + commit * 7));
            heard_by_quick += heard.rows.len();
        }
        assert_eq!(heard_by_quick, 700);
        let first = runtime.block_on(slow.next()).unwrap();
        let kept = COMMITS_MAX as u64 * 7;
        assert_eq!((first.lost, first.first), (700 - kept, 803 - kept));
        assert_eq!(runtime.block_on(slow.next()).unwrap().lost, 0);
        drop(live);
        while runtime.block_on(slow.next()).is_some() {}
    }
}
