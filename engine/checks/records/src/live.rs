//! Records as they are written, for who listens. What cannot be taken in time is lost to the listener and never holds
//! up the writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use crate::row::Row;

/// Pieces of commits that wait for a slow listener, and records of one piece: some megabytes at most, and a second of
/// small commits.
const PIECES_MAX: usize = 1024;
const PIECE_RECORDS: usize = 64;

/// The writer's end.
#[derive(Clone)]
pub(crate) struct Live {
    sender: Sender<Piece>,
    /// The number of the record that comes next.
    next: Arc<AtomicU64>,
}

/// Records of one commit, all or some of them.
#[derive(Clone)]
struct Piece {
    first: u64,
    rows: Arc<[Row]>,
}

/// One listener. It hears every record that is written from its making on, or how many it did not hear.
pub struct Listener {
    receiver: Receiver<Piece>,
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
        Live { sender: channel(PIECES_MAX).0, next: Arc::new(next.into()) }
    }

    pub(crate) fn listen(&self) -> Listener {
        let receiver = self.sender.subscribe();
        // Acquire: pairs with the Release in `tell`. What comes between the two lines is heard, not lost.
        Listener { receiver, next: self.next.load(Ordering::Acquire) }
    }

    /// Hands on the records of a commit. It never waits, and does little while no one listens.
    pub(crate) fn tell(&self, first: u64, mut rows: impl ExactSizeIterator<Item = Row>) {
        let next = first + rows.len() as u64;
        while rows.len() > 0 && self.sender.receiver_count() > 0 {
            let first = next - rows.len() as u64;
            // It fails when the last listener has gone.
            let _ = self.sender.send(Piece { first, rows: rows.by_ref().take(PIECE_RECORDS).collect() });
        }
        // Release: pairs with the Acquire in `listen`.
        self.next.store(next, Ordering::Release);
    }
}

impl Listener {
    /// The records that were written next; `None` once no more will come.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            match self.receiver.recv().await {
                Ok(Piece { first, rows }) => {
                    // Numbers have no gaps, so what is missing between two pieces was lost on the way.
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
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let records = PIECE_RECORDS as u64 + 1;
        let commits = PIECES_MAX as u64;
        for first in (0..commits).map(|commit| 103 + commit * records) {
            live.tell(first, rows(PIECE_RECORDS + 1).into_iter());
            for (first, count) in [(first, PIECE_RECORDS), (first + records - 1, 1)] {
                let heard = runtime.block_on(quick.next()).unwrap();
                assert_eq!((heard.lost, heard.first, heard.rows.len()), (0, first, count));
            }
        }
        // Of two pieces for each commit the later half is there.
        let first = runtime.block_on(slow.next()).unwrap();
        assert_eq!((first.lost, first.first), (commits / 2 * records, 103 + commits / 2 * records));
        assert_eq!(runtime.block_on(slow.next()).unwrap().lost, 0);
        drop(live);
        while runtime.block_on(slow.next()).is_some() {}
    }
}
