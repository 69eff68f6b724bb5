//! What all connections share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use hufu_check::{Counters, Engine, Journal, Mark, NotEnrolled, Spine};
use hufu_wire::{
    CheckNumber, CheckRequest, DeviceGeneration, DeviceId, Enrolled, Grant, Reason, Suites, UnixMillis,
    UnixSeconds, Verdict,
};
use rustls::pki_types::CertificateDer;
use tokio::sync::{Semaphore, watch};

use super::admission::Handshakes;
use super::closing::close;
use super::meters::QuicMeters;
use super::roll::Roll;
use crate::clock::Clock;
use crate::durable::{Drain, settle};
use crate::offline::Offline;
use crate::options::QuicOptions;
use crate::tls::Tls;

/// Requests that were sent before their device could know are answered `stopping` for this long.
pub(super) const GRACE: Duration = Duration::from_millis(50);

/// A spine with whatever journal it has: over connections one call is a whole batch, and may be dynamic.
pub(super) trait Checks: Send {
    /// As [`Spine::check`].
    fn check(
        &mut self,
        now: UnixMillis,
        grant: &Grant,
        requests: &[(CheckNumber, CheckRequest<'_>)],
        verdicts: &mut [Verdict],
    ) -> Mark;

    /// As [`Spine::check_roster`].
    fn check_roster(&mut self, now: UnixMillis, grant: &Grant, roster: &[u8], out: &mut Vec<u8>) -> Mark;

    /// Waits for the records up to `mark`; whether they are durable. If not, no verdict of theirs may leave.
    fn settle(&self, mark: Mark, give_up: &mut dyn FnMut() -> bool) -> bool;
}

impl<J: Journal + Send> Checks for Spine<J> {
    fn check(
        &mut self,
        now: UnixMillis,
        grant: &Grant,
        requests: &[(CheckNumber, CheckRequest<'_>)],
        verdicts: &mut [Verdict],
    ) -> Mark {
        Spine::check(self, now, grant, requests, verdicts)
    }

    fn check_roster(&mut self, now: UnixMillis, grant: &Grant, roster: &[u8], out: &mut Vec<u8>) -> Mark {
        Spine::check_roster(self, now, grant, roster, out)
    }

    fn settle(&self, mark: Mark, give_up: &mut dyn FnMut() -> bool) -> bool {
        settle(self.journal(), mark, give_up)
    }
}

/// Whether work goes on, and how long what is under way may take once it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    No,
    Within(Duration),
}

/// What every connection of all endpoints shares.
pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Clock,
    pub(crate) counters: Arc<Counters>,
    pub(crate) meters: QuicMeters,
    pub(crate) roll: Roll,
    pub(super) options: QuicOptions,
    /// The port that enrolments name.
    pub(super) udp_port: u16,
    pub(super) tls: ArcSwap<Tls>,
    pub(crate) handshakes: Arc<Handshakes>,
    /// What gates get to go on without a network; nothing where none was set.
    pub(crate) offline: OnceLock<Arc<dyn Offline>>,
    /// Never contended: only the endpoint's thread checks.
    pub(super) spine: Mutex<Box<dyn Checks>>,
    /// Bytes of frames that may still be taken in.
    pub(super) frames: Semaphore,
    pub(super) streams: AtomicUsize,
    pub(super) stop: watch::Receiver<Stop>,
}

impl Shared {
    /// Revokes a device up to `generation`: its cookies, its next handshakes, and the connections it has open.
    pub(crate) fn revoke(&self, device: DeviceId, generation: DeviceGeneration) {
        // In this order: a connection that enters the roll after the sweep finds its device revoked.
        self.engine.devices().revoke(device, generation);
        self.meters.closed_revoked.add_shared(self.roll.close(device, generation, Reason::DeviceRevoked));
    }

    /// Replaces certificates and lists, and closes every connection that the new ones would not admit.
    pub(crate) fn set_tls(&self, tls: Tls) {
        // In this order: a connection that enters the roll after the sweep is held against the new lists.
        self.tls.store(Arc::new(tls));
        let tls = self.tls.load();
        for (device, generation) in &tls.revoked {
            self.revoke(*device, *generation);
        }
        for (grant, connection, reason) in self.roll.refused_by(&tls) {
            // A revocation is final, so only a list may ask for one: a root that is wrong today may be corrected.
            if reason == Reason::DeviceRevoked {
                self.revoke(grant.device, grant.generation);
            } else if close(&connection, reason) {
                self.meters.closed_certificate.add_shared(1);
            }
        }
    }

    /// A session for a device that takes these suites and whose chain ends at `ends`, over a connection that gives `binding`.
    pub(super) fn enrol(
        &self,
        grant: Grant,
        suites: Suites,
        ends: UnixSeconds,
        now: UnixMillis,
        binding: &[u8; 32],
    ) -> Result<Enrolled, Reason> {
        if now.seconds() >= ends {
            return Err(Reason::OutOfScope);
        }
        match self.engine.enrol_bound(grant, suites, self.udp_port, ends, now, binding) {
            Ok(enrolled) => {
                self.meters.enrolments.add(1);
                Ok(enrolled)
            }
            Err(NotEnrolled::Refused(reason)) => Err(reason),
            Err(error @ NotEnrolled::NoRandomness) => {
                tracing::error!(%error, "devices cannot be enrolled");
                Err(Reason::Busy)
            }
        }
    }

    /// Why a device that TLS let in may not stay: `tls` is what it was let in by.
    pub(super) fn objection(
        &self,
        tls: &Arc<Tls>,
        grant: &Grant,
        chain: &[CertificateDer<'_>],
    ) -> Option<Reason> {
        if !self.engine.devices().has_room_for(grant.device) {
            return Some(Reason::DeviceUnknown);
        }
        if self.engine.devices().is_revoked(grant) {
            return Some(Reason::DeviceRevoked);
        }
        let newest = self.tls.load();
        if Arc::ptr_eq(tls, &newest) { None } else { newest.objection(chain) }
    }

    /// Counts a device that was turned away for `reason` after its handshake.
    pub(super) fn count_objection(&self, reason: Reason) {
        let meter = match reason {
            Reason::DeviceRevoked => &self.meters.closed_revoked,
            Reason::Busy => &self.meters.closed_surplus,
            _ => &self.meters.closed_certificate,
        };
        meter.add_shared(1);
    }

    /// What is handed out to gates without a network.
    ///
    /// # Errors
    /// [`Reason::RateExceeded`] where the device asks too much, [`Reason::Busy`] until this engine hands something
    /// out: `out-of-scope` would take back what a gate has.
    pub(super) fn offline(&self, grant: &Grant, now: UnixMillis) -> Result<Arc<dyn Offline>, Reason> {
        if self.stopping() {
            return Err(Reason::Stopping);
        }
        if !self.engine.devices().charge(grant, now) {
            return Err(Reason::RateExceeded);
        }
        self.offline.get().cloned().ok_or(Reason::Busy)
    }

    pub(super) fn spine(&self) -> MutexGuard<'_, Box<dyn Checks>> {
        // A check that panicked leaves only scratch behind.
        self.spine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is time to give up waiting, to be asked again and again.
    pub(super) fn out_of_time(&self) -> impl FnMut() -> bool {
        let mut drain = Drain::default();
        move || drain.is_over(self.stopping())
    }

    pub(super) fn stopping(&self) -> bool {
        *self.stop.borrow() != Stop::No
    }

    /// Resolves when the server is told to stop, with the time that is left.
    pub(super) async fn stopped(&self) -> Duration {
        let mut stop = self.stop.clone();
        loop {
            if let Stop::Within(within) = *stop.borrow_and_update() {
                return within;
            }
            if stop.changed().await.is_err() {
                // The handle was dropped: nothing waits.
                return Duration::ZERO;
            }
        }
    }

    /// Counts one stream as under way until the guard is dropped.
    pub(super) fn stream(&self) -> OpenStream<'_> {
        self.streams.fetch_add(1, Ordering::Relaxed);
        OpenStream(&self.streams)
    }
}

pub(super) struct OpenStream<'s>(&'s AtomicUsize);

impl Drop for OpenStream<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
