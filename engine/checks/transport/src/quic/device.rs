//! A device, as its connection knows it.

use std::sync::Arc;
use std::time::Instant;

use arrayvec::ArrayVec;
use hufu_check::{Mark, turn_down_roster};
use hufu_wire::limits::BATCH_MAX;
use hufu_wire::{CheckNumber, CheckRequest, Grant, Reason, UnixMillis, UnixSeconds, Verdict};
use quinn::Connection;
use tokio::sync::Semaphore;

use super::shared::{Checks, Shared};

/// Batches of one frame that are checked before other connections have their turn.
pub(super) const BATCHES_A_TURN: usize = 8;

/// A device whose certificate has been accepted.
pub(crate) struct Device {
    pub(crate) shared: Arc<Shared>,
    pub(crate) grant: Grant,
    /// When the first certificate of its chain expires, and with it all that the device was given.
    pub(crate) ends: UnixSeconds,
    /// Bytes that its frames may still take.
    pub(crate) room: Arc<Semaphore>,
    pub(super) connection: Connection,
}

impl Device {
    /// Secret bytes that no other connection has (RFC 8446 section 7.5), for the keys of a session. They are of the
    /// device's making as well, so they differ even if this machine was cloned with its random numbers.
    pub(crate) fn binding(&self) -> [u8; 32] {
        let mut binding = [0; 32];
        // Fails before a handshake only; zero bytes leave the session's keys as random as the system makes them.
        let _ = self.connection.export_keying_material(&mut binding, b"EXPORTER-hufu-session", b"");
        binding
    }

    /// Checks at most [`BATCHES_A_TURN`] batches, and waits for the records of all of them together. An engine that is
    /// stopping says so instead.
    pub(super) fn check(
        &self,
        now: UnixMillis,
        spine: &mut dyn Checks,
        requests: &[(CheckNumber, CheckRequest<'_>)],
        verdicts: &mut [Verdict],
    ) {
        if self.shared.stopping() {
            return answer_all(now, Reason::Stopping, requests, verdicts);
        }
        let mut marks: ArrayVec<(Mark, Instant), BATCHES_A_TURN> = ArrayVec::new();
        for (requests, verdicts) in requests.chunks(BATCH_MAX).zip(verdicts.chunks_mut(BATCH_MAX)) {
            let begun = Instant::now();
            marks.push((spine.check(now, &self.grant, requests, verdicts), begun));
        }
        let (meters, mut out_of_time) = (&self.shared.meters, self.shared.out_of_time());
        let batches = requests.chunks(BATCH_MAX).zip(verdicts.chunks_mut(BATCH_MAX));
        for ((mark, begun), (requests, verdicts)) in marks.into_iter().zip(batches) {
            if !spine.settle(mark, &mut out_of_time) {
                answer_all(now, Reason::Busy, requests, verdicts);
                meters.withheld.add(requests.len());
            }
            meters.latency.add(begun.elapsed(), requests.len());
        }
    }

    /// Appends the reply to a roster to `out`.
    pub(super) fn check_roster(
        &self,
        now: UnixMillis,
        spine: &mut dyn Checks,
        roster: &[u8],
        out: &mut Vec<u8>,
    ) {
        let before = out.len();
        let mark = spine.check_roster(now, &self.grant, roster, out);
        if !spine.settle(mark, &mut self.shared.out_of_time()) {
            out.truncate(before);
            turn_down_roster(now, Reason::Busy, out);
            self.shared.meters.withheld.add(1);
        }
    }
}

/// The same answer to each request.
fn answer_all(
    now: UnixMillis,
    reason: Reason,
    requests: &[(CheckNumber, CheckRequest<'_>)],
    verdicts: &mut [Verdict],
) {
    for (verdict, (number, _)) in verdicts.iter_mut().zip(requests) {
        *verdict = Verdict::of(*number, now, reason);
    }
}
