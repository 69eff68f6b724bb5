//! Every number of an engine, written for Prometheus at each scrape.

use core::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use hufu_check::{Counters, Engine, Silence};
use hufu_wire::{Decision, Reason};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::exhibit::Exhibit;
use super::http::Report;
use super::kernel;
use super::page::{Page, encoded};
use super::readiness;
use crate::clock::Clock;
use crate::quic::Shared;
use crate::thread::ThreadId;
use crate::udp::WorkerMeters;

/// What is shown, and where it is read.
pub(crate) struct EngineMetrics {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Clock,
    pub(crate) workers: Vec<(Arc<Counters>, Arc<WorkerMeters>)>,
    pub(crate) quic: Arc<Shared>,
    pub(crate) stopping: AtomicBool,
    /// What others show beside it.
    pub(crate) exhibits: RwLock<Vec<Arc<dyn Exhibit>>>,
}

impl Report for Arc<EngineMetrics> {
    fn text(&self) -> Result<String, fmt::Error> {
        encoded(Arc::clone(self))
    }

    fn not_ready(&self) -> Vec<String> {
        EngineMetrics::not_ready(self)
    }
}

impl EngineMetrics {
    /// Why gates should not use this engine, one line a cause; none when it is ready.
    fn not_ready(&self) -> Vec<String> {
        let mut why = Vec::new();
        if self.stopping.load(Ordering::Relaxed) {
            why.push("stopping".to_owned());
        }
        let ended = self.threads().filter(|(_, thread)| thread.get().is_none());
        why.extend(ended.map(|(name, _)| format!("the checking thread {name} has stopped")));
        readiness::of_statuses(self.engine.table(), &self.engine.sites(), self.clock.now(), &mut why);
        why.extend(self.exhibits().iter().flat_map(|exhibit| exhibit.not_ready()));
        why
    }

    fn exhibits(&self) -> RwLockReadGuard<'_, Vec<Arc<dyn Exhibit>>> {
        // A list of handles: a panic while it grew left it whole.
        self.exhibits.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// CPU time used so far by each thread that checks.
    pub(crate) fn cpu_times(&self) -> Vec<(String, Duration)> {
        self.threads().filter_map(|(name, thread)| Some((name, kernel::cpu_time(thread.get()?)?))).collect()
    }

    fn threads(&self) -> impl Iterator<Item = (String, &ThreadId)> {
        let workers =
            self.workers.iter().map(|(_, meters)| (format!("udp-{}", meters.index), &meters.thread));
        workers.chain([("quic".to_owned(), &self.quic.meters.thread)])
    }

    /// The counters of every spine there is.
    pub(crate) fn counters(&self) -> impl Iterator<Item = &Counters> {
        self.workers.iter().map(|(counters, _)| &**counters).chain([&*self.quic.counters])
    }

    fn sum(&self, of: impl Fn(&Counters) -> u64) -> u64 {
        self.counters().map(of).sum()
    }
}

impl Collector for EngineMetrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        self.checks(&mut page)?;
        self.udp(&mut page)?;
        self.quic(&mut page)?;
        self.issuers(&mut page)?;
        let cpu = self.cpu_times().into_iter().map(|(name, used)| (name, used.as_secs_f64()));
        page.counters("cpu_seconds", "CPU time used by each thread that checks", "thread", cpu)?;
        page.gauge("ready", "1 when /readyz reports ready, else 0", self.not_ready().is_empty().into())?;
        let exhibits = self.exhibits();
        exhibits.iter().flat_map(|exhibit| exhibit.families()).try_for_each(|family| page.family(&family))
    }
}

impl EngineMetrics {
    fn checks(&self, page: &mut Page<'_>) -> fmt::Result {
        let reasons = Reason::ALL.map(|reason| (reason.slug(), self.sum(|spine| spine.reason(reason))));
        page.counters("verdicts", "Verdicts on requests and roster members, by reason", "reason", reasons)?;
        let decisions =
            [("admit", Decision::Admit), ("refer", Decision::Refer), ("refuse", Decision::Refuse)];
        let decisions = decisions.map(|(name, decision)| (name, self.sum(|spine| spine.decision(decision))));
        page.counters(
            "decisions",
            "Verdicts on requests and roster members, by decision",
            "decision",
            decisions,
        )?;
        let silences = Silence::ALL.map(|cause| (cause.slug(), self.sum(|spine| spine.silence(cause))));
        page.counters("silences", "Datagrams left unanswered, by cause", "cause", silences)?;
        page.counter("batches", "Batches of checks", self.sum(Counters::batches))?;
        page.counter("requests", "Requests that reached a verdict", self.sum(Counters::requests))?;
        let seen = [("again", self.sum(Counters::seen_again)), ("first", self.sum(Counters::seen_first))];
        page.counters("credentials", "Credentials found verified, or verified now", "seen", seen)?;
        page.counter("sessions_opened", "Cookies opened", self.sum(Counters::sessions_opened))?;
        let evictions = self.sum(Counters::pass_back_evictions);
        page.counter("pass_back_evictions", "Presentations forgotten too early", evictions)?;
        let unclaimed = self.sum(Counters::pass_back_unclaimed);
        page.counter("pass_back_unclaimed", "Repeated requests that had no admission to repeat", unclaimed)?;
        let untold = self.sum(Counters::numbers_untold);
        page.counter("numbers_untold", "Requests whose number may be a repeated one", untold)?;
        page.counter("roster_members", "Roster members checked", self.sum(Counters::roster_members))
    }

    fn udp(&self, page: &mut Page<'_>) -> fmt::Result {
        let drops = kernel::drops();
        let dropped = |inode| drops.iter().find(|(of, _)| *of == inode).map_or(0, |(_, dropped)| *dropped);
        let mut each = |name, help, of: &dyn Fn(&WorkerMeters) -> u64| {
            let values = self.workers.iter().map(|(_, meters)| (meters.index.to_string(), of(meters)));
            page.counters(name, help, "worker", values)
        };
        each("udp_receives", "Receive calls that returned datagrams", &|worker| worker.receives.get())?;
        each("udp_datagrams", "Datagrams received", &|worker| worker.datagrams.get())?;
        each("udp_replies", "Replies sent", &|worker| worker.replies.get())?;
        each("udp_send_drops", "Replies that the system did not accept", &|worker| worker.send_drops.get())?;
        each("udp_receive_errors", "Receive calls that failed", &|worker| worker.receive_errors.get())?;
        each("udp_sleeps", "Times a worker had nothing to do", &|worker| worker.sleeps.get())?;
        each("udp_queue_drops", "Datagrams dropped at a full socket", &|worker| dropped(worker.inode))
    }

    fn quic(&self, page: &mut Page<'_>) -> fmt::Result {
        let meters = &self.quic.meters;
        let outcomes = [
            ("accepted", &meters.accepted),
            ("failed", &meters.failed),
            ("address-asked", &meters.retried),
            ("refused-total", &meters.refused_total),
            ("refused-source", &meters.refused_source),
            ("refused-connections", &meters.refused_connections),
            ("refused-stopping", &meters.refused_stopping),
        ];
        let outcomes = outcomes.map(|(name, meter)| (name, meter.get()));
        page.counters("quic_handshakes", "Handshakes by outcome", "outcome", outcomes)?;
        let closed = [
            ("profile", &meters.closed_profile),
            ("revoked", &meters.closed_revoked),
            ("certificate", &meters.closed_certificate),
            ("surplus", &meters.closed_surplus),
        ];
        let closed = closed.map(|(name, meter)| (name, meter.get()));
        page.counters("quic_closed", "Connections closed by the engine, by cause", "cause", closed)?;
        page.counter("quic_enrolments", "Sessions given to devices", meters.enrolments.get())?;
        page.counter("quic_frames", "Frames answered", meters.frames.get())?;
        let refused = meters.frames_refused.get().map(|(reason, frames)| (reason.slug(), frames));
        page.counters("quic_frames_refused", "Frames answered with a refusal", "reason", refused)?;
        page.counter(
            "quic_frames_unreadable",
            "Frames that could not be read",
            meters.frames_unreadable.get(),
        )?;
        let slow = [
            ("frame", &meters.slow_to_ask),
            ("rest-of-frame", &meters.slow_to_finish),
            ("answer", &meters.slow_to_read),
        ];
        let slow = slow.map(|(name, meter)| (name, meter.get()));
        page.counters(
            "quic_streams_timed_out",
            "Streams reset after a timeout, by what the engine waited for",
            "waiting",
            slow,
        )?;
        page.counter("quic_datagrams", "Datagrams received", meters.datagrams.get())?;
        page.counter(
            "quic_datagrams_unreadable",
            "Datagrams that could not be read",
            meters.datagrams_unreadable.get(),
        )?;
        page.gauge("quic_connections", "Connections open", count(self.quic.roll.len()))?;
        page.gauge("quic_handshakes_under_way", "Handshakes under way", count(self.quic.handshakes.in_all()))
    }

    /// An issuer that was never heard of has no age: absent is not zero.
    fn issuers(&self, page: &mut Page<'_>) -> fmt::Result {
        let (table, now) = (self.engine.table(), self.clock.now());
        let heads: Vec<_> =
            table.issuers().map(|(issuer, slot)| (issuer.to_string(), table.as_of(slot))).collect();
        let ages = heads.iter().filter_map(|(issuer, head)| {
            let age = Duration::from_millis(now.since(head.heard?));
            Some((issuer.as_str(), age.as_secs_f64()))
        });
        page.gauges("issuer_age_seconds", "Time since the issuer was last heard of", "issuer", ages)?;
        let sequences = heads
            .iter()
            .map(|(issuer, head)| (issuer.as_str(), i64::try_from(head.sequence.0).unwrap_or(i64::MAX)));
        page.gauges("issuer_sequence", "The issuer's last change set applied", "issuer", sequences)
    }
}

impl fmt::Debug for EngineMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineMetrics").field("workers", &self.workers.len()).finish_non_exhaustive()
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
