//! Every number of an engine, written for Prometheus at each scrape.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use hufu_check::{Counters, Engine, Silence};
use hufu_wire::{Decision, Reason};

use super::exhibit::{Events, Exhibit, Family, NoEvents, Values};
use super::kernel;
use super::readiness;
use crate::clock::Clock;
use crate::meter::{Latency, Meter};
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

impl EngineMetrics {
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

impl Exhibit for EngineMetrics {
    fn families(&self) -> Vec<Family> {
        let cpu = self.cpu_times().into_iter();
        let cpu = cpu.map(|(name, used)| (vec![("thread", name)], used.as_secs_f64())).collect();
        let cpu = Family {
            name: "cpu_seconds",
            help: "CPU time used by each thread that checks",
            values: Values::SecondsInAll(cpu),
        };
        let ready = Family::level(
            "ready",
            "1 when /readyz reports ready, else 0",
            self.not_ready().is_empty().into(),
        );
        let own = [self.checks(), self.udp(), self.quic(), self.issuers(), vec![self.latency(), cpu, ready]];
        own.into_iter().flatten().chain(self.exhibits().families()).collect()
    }

    /// Why gates should not use this engine, one line a cause; none when it is ready.
    fn not_ready(&self) -> Vec<String> {
        let mut why = Vec::new();
        if self.stopping.load(Ordering::Relaxed) {
            why.push("stopping".to_owned());
        }
        let ended = self.threads().filter(|(_, thread)| thread.has_ended());
        why.extend(ended.map(|(name, _)| format!("the checking thread {name} has stopped")));
        readiness::of_statuses(self.engine.table(), &self.engine.sites(), self.clock.now(), &mut why);
        why.extend(self.exhibits().not_ready());
        why
    }

    fn events(&self, path: &str, token: Option<&str>) -> Option<Result<Box<dyn Events>, NoEvents>> {
        self.exhibits().events(path, token)
    }
}

impl EngineMetrics {
    fn checks(&self) -> Vec<Family> {
        let reasons = Reason::ALL.map(|reason| (reason.slug(), self.sum(|spine| spine.reason(reason))));
        let decisions = DECISIONS.map(|(name, decision)| (name, self.sum(|spine| spine.decision(decision))));
        let silences = Silence::ALL.map(|cause| (cause.slug(), self.sum(|spine| spine.silence(cause))));
        let seen = [("again", self.sum(Counters::seen_again)), ("first", self.sum(Counters::seen_first))];
        let count = |name, help, of: fn(&Counters) -> u64| Family::count(name, help, self.sum(of));
        let withheld =
            self.workers.iter().map(|(_, meters)| &meters.withheld).chain([&self.quic.meters.withheld]);
        vec![
            Family::counts(
                "verdicts",
                "Verdicts on requests and roster members, by reason",
                "reason",
                reasons,
            ),
            Family::counts(
                "decisions",
                "Verdicts on requests and roster members, by decision",
                "decision",
                decisions,
            ),
            self.sites(),
            Family::counts("silences", "Datagrams left unanswered, by cause", "cause", silences),
            count("batches", "Batches of checks", Counters::batches),
            count("requests", "Requests that reached a verdict", Counters::requests),
            Family::counts("credentials", "Credentials found verified, or verified now", "seen", seen),
            count("sessions_opened", "Cookies opened", Counters::sessions_opened),
            count("pass_back_evictions", "Presentations forgotten too early", Counters::pass_back_evictions),
            count(
                "pass_back_unclaimed",
                "Repeated requests that had no admission to repeat",
                Counters::pass_back_unclaimed,
            ),
            count("numbers_untold", "Requests whose number may be a repeated one", Counters::numbers_untold),
            count("roster_members", "Roster members checked", Counters::roster_members),
            count(
                "records_refused",
                "Requests answered busy because their records could not be kept",
                Counters::records_refused,
            ),
            count(
                "served_unrecorded",
                "Requests served without a record, as their site announced",
                Counters::served_unrecorded,
            ),
            Family::count(
                "verdicts_withheld",
                "Verdicts that did not leave because their records were lost",
                withheld.map(Meter::get).sum(),
            ),
        ]
    }

    /// A bounded number of sites; `other` is all further ones.
    fn sites(&self) -> Family {
        let mut sites = BTreeMap::new();
        for (site, counts) in self.counters().flat_map(Counters::sites) {
            let sum = sites.entry(site).or_insert([0; 3]);
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        let mut verdicts = Vec::new();
        for (site, counts) in sites.into_iter().filter(|(_, counts)| *counts != [0; 3]) {
            let site = site.map_or_else(|| "other".to_owned(), |site| site.to_string());
            verdicts.extend(DECISIONS.iter().zip(counts).map(|((decision, _), count)| {
                (vec![("site", site.clone()), ("decision", (*decision).to_owned())], count)
            }));
        }
        Family {
            name: "site_verdicts",
            help: "Verdicts by site and decision; sites that the engine has no room to count are `other`",
            values: Values::Counts(verdicts),
        }
    }

    fn latency(&self) -> Family {
        let of = |via: &str, latency| (vec![("via", via.to_owned())], latency);
        let udp = Latency::sum(self.workers.iter().map(|(_, meters)| &meters.latency));
        let quic = Latency::sum([&self.quic.meters.latency].into_iter());
        Family {
            name: "answer_seconds",
            help: "Time an engine takes over a check, from its receipt to its verdict being sent",
            values: Values::Histograms(vec![of("udp", udp), of("quic", quic)]),
        }
    }

    fn udp(&self) -> Vec<Family> {
        let sockets = kernel::udp_sockets();
        let dropped = |inode| sockets.iter().find(|row| row.inode == inode).map_or(0, |row| row.drops);
        let each = |name, help, of: &dyn Fn(&WorkerMeters) -> u64| {
            let values = self.workers.iter().map(|(_, meters)| (meters.index.to_string(), of(meters)));
            Family::counts(name, help, "worker", values)
        };
        vec![
            each("udp_receives", "Receive calls that returned datagrams", &|worker| worker.receives.get()),
            each("udp_datagrams", "Datagrams received", &|worker| worker.datagrams.get()),
            each("udp_replies", "Replies sent", &|worker| worker.replies.get()),
            each("udp_late_drops", "Datagrams dropped unread: they had waited too long", &|worker| {
                worker.late_drops.get()
            }),
            each("udp_send_drops", "Replies that the system did not accept", &|worker| {
                worker.send_drops.get()
            }),
            each("udp_receive_errors", "Receive calls that failed", &|worker| worker.receive_errors.get()),
            each("udp_sleeps", "Times a worker had nothing to do", &|worker| worker.sleeps.get()),
            each("udp_queue_drops", "Datagrams dropped at a full socket", &|worker| dropped(worker.inode)),
        ]
    }

    fn quic(&self) -> Vec<Family> {
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
        let closed = [
            ("profile", &meters.closed_profile),
            ("revoked", &meters.closed_revoked),
            ("certificate", &meters.closed_certificate),
            ("surplus", &meters.closed_surplus),
        ];
        let slow = [
            ("frame", &meters.slow_to_ask),
            ("rest-of-frame", &meters.slow_to_finish),
            ("answer", &meters.slow_to_read),
        ];
        let refused = meters.frames_refused.get().map(|(reason, frames)| (reason.slug(), frames));
        let count = |name, help, meter: &Meter| Family::count(name, help, meter.get());
        let waiting = "Streams reset after a timeout, by what the engine waited for";
        vec![
            Family::counts("quic_handshakes", "Handshakes by outcome", "outcome", named(outcomes)),
            Family::counts(
                "quic_closed",
                "Connections closed by the engine, by cause",
                "cause",
                named(closed),
            ),
            count("quic_enrolments", "Sessions given to devices", &meters.enrolments),
            count("quic_frames", "Frames answered", &meters.frames),
            Family::counts("quic_frames_refused", "Frames answered with a refusal", "reason", refused),
            count("quic_frames_unreadable", "Frames that could not be read", &meters.frames_unreadable),
            Family::counts("quic_streams_timed_out", waiting, "waiting", named(slow)),
            count("quic_datagrams", "Datagrams received", &meters.datagrams),
            count(
                "quic_datagrams_unreadable",
                "Datagrams that could not be read",
                &meters.datagrams_unreadable,
            ),
            Family::level("quic_connections", "Connections open", self.quic.roll.len() as u64),
            Family::level(
                "quic_handshakes_under_way",
                "Handshakes under way",
                self.quic.handshakes.in_all() as u64,
            ),
        ]
    }

    /// An issuer that was never heard of has no age: absent is not zero.
    fn issuers(&self) -> Vec<Family> {
        let (table, now) = (self.engine.table(), self.clock.now());
        let heads: Vec<_> =
            table.issuers().map(|(issuer, slot)| (issuer.to_string(), table.as_of(slot))).collect();
        let label = |issuer: &String| vec![("issuer", issuer.clone())];
        let ages = heads.iter().filter_map(|(issuer, head)| {
            Some((label(issuer), Duration::from_millis(now.since(head.heard?)).as_secs_f64()))
        });
        let sequences = heads.iter().map(|(issuer, head)| (label(issuer), head.sequence.0));
        vec![
            Family::seconds("issuer_age_seconds", "Time since the issuer was last heard of", ages),
            Family::levels("issuer_sequence", "The issuer's last change set applied", sequences),
        ]
    }
}

const DECISIONS: [(&str, Decision); 3] =
    [("admit", Decision::Admit), ("refer", Decision::Refer), ("refuse", Decision::Refuse)];

fn named<const N: usize>(meters: [(&str, &Meter); N]) -> impl IntoIterator<Item = (String, u64)> {
    meters.map(|(name, meter)| (name.to_owned(), meter.get()))
}

impl fmt::Debug for EngineMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineMetrics").field("workers", &self.workers.len()).finish_non_exhaustive()
    }
}
