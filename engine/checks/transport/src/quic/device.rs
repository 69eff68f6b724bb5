//! A device, as its connection knows it.

use std::sync::Arc;
use std::time::Instant;

use hufu_wire::{CheckNumber, CheckRequest, Grant, Reason, UnixMillis, UnixSeconds, Verdict};
use quinn::Connection;
use tokio::sync::Semaphore;

use super::shared::{Checks, Shared};

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

    /// At most one batch. An engine that is stopping says so instead.
    pub(super) fn check(
        &self,
        now: UnixMillis,
        spine: &mut dyn Checks,
        requests: &[(CheckNumber, CheckRequest<'_>)],
        verdicts: &mut [Verdict],
    ) {
        if self.shared.stopping() {
            for (verdict, (number, _)) in verdicts.iter_mut().zip(requests) {
                *verdict = Verdict::of(*number, now, Reason::Stopping);
            }
        } else {
            let begun = Instant::now();
            spine.check(now, &self.grant, requests, verdicts);
            self.shared.meters.latency.add(begun.elapsed(), requests.len());
        }
    }
}
