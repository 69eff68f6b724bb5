//! From what was tallied to a report.

use std::time::Duration;

use hufu_fixtures::golden::names;
use hufu_wire::{Decision, Reason};

use crate::build::Build;
use crate::mix::Kind;
use crate::plan::Plan;
use crate::report::{Interval, KindCounts, Percentile, Report, VerdictCount};
use crate::surroundings::Surroundings;
use crate::tally::Tally;
use crate::timeline::{INTERVAL_NS, Timeline};

/// The rate was not held when the last check left later than this and a hundredth of the time since the start:
/// what a busy machine takes from any thread now and then.
const RATE_SLACK_NS: u64 = 50_000_000;

impl Report {
    pub(crate) fn new(
        plan: &Plan,
        transport: &'static str,
        tally: &Tally,
        around: &Surroundings,
        build: Build,
    ) -> Report {
        let total = tally.total();
        let garbage = tally.counts[Kind::Garbage as usize];
        let rate_held = tally.last_sent_ns <= tally.last_due_ns + RATE_SLACK_NS + tally.last_due_ns / 100;
        let behind_p99_us = us(tally.behind.value_at_quantile(0.99));
        let interval_ns = 1e9 / f64::from(plan.rate_per_s.max(1));
        let seconds = (float(tally.last_sent_ns.max(tally.last_due_ns)) + interval_ns) / 1e9;
        let per_check = |ns: u64| float(ns) / 1e3 / float(total.answered.max(1));
        let sent_of = |kind: &Kind| tally.counts[*kind as usize].sent > 0;
        Report {
            transport,
            arrivals: plan.arrivals.to_string(),
            requested_per_s: f64::from(plan.rate_per_s),
            offered_per_s: float(total.sent + garbage.sent) / seconds,
            answered_per_s: float(total.answered) / seconds,
            seconds,
            sent: total.sent,
            answered: total.answered,
            lost: total.lost,
            wrong: total.wrong + garbage.wrong,
            duplicates: tally.duplicates,
            strays: tally.strays,
            garbage_sent: garbage.sent,
            skipped: tally.skipped,
            p50_us: us(tally.latency.value_at_quantile(0.5)),
            p90_us: us(tally.latency.value_at_quantile(0.9)),
            p99_us: us(tally.latency.value_at_quantile(0.99)),
            p999_us: us(tally.latency.value_at_quantile(0.999)),
            max_us: us(tally.latency.max()),
            behind_p50_us: us(tally.behind.value_at_quantile(0.5)),
            behind_p99_us,
            behind_max_us: us(tally.behind.max()),
            rate_held,
            generator_limited: !rate_held || behind_p99_us > plan.behind_max.as_secs_f64() * 1e6,
            server_cpu_us_per_check: around.server_cpu_ns.map(per_check),
            generator_cpu_us_per_check: per_check(nanos(tally.cpu)),
            datagrams_per_send: float(total.sent + garbage.sent) / float(tally.sends.max(1)),
            held_up: tally.held_up,
            dropped_at_generator: around.dropped_at_generator,
            dropped_at_server: around.dropped_at_server,
            mix: Kind::ALL
                .into_iter()
                .filter(sent_of)
                .map(|kind| (kind.slug(), tally.counts[kind as usize].sent))
                .collect(),
            kinds: Kind::ALL
                .into_iter()
                .filter(sent_of)
                .map(|kind| (kind.slug(), counts_of(tally, kind)))
                .collect(),
            verdicts: verdicts(tally),
            complaints: tally.complaints.iter().map(ToString::to_string).collect(),
            percentiles: percentiles(tally),
            timeline: intervals(&tally.timeline),
            build,
        }
    }
}

fn counts_of(tally: &Tally, kind: Kind) -> KindCounts {
    let count = tally.counts[kind as usize];
    // Silence is what garbage must get; it is no loss.
    let lost = if kind.wants_silence() { 0 } else { count.lost };
    KindCounts { sent: count.sent, answered: count.answered, lost, wrong: count.wrong }
}

fn verdicts(tally: &Tally) -> Vec<VerdictCount> {
    let named = |(&(decision, reason), &count): (&(u8, u16), &u64)| {
        let decision = Decision::from_byte(decision).map(names::decision)?;
        Some(VerdictCount { decision, reason: Reason::from_code(reason)?.slug(), count })
    };
    let mut verdicts: Vec<_> = tally.verdicts.iter().filter_map(named).collect();
    verdicts.sort_by_key(|verdict| std::cmp::Reverse(verdict.count));
    verdicts
}

/// Ever finer towards 1, until fewer than ten checks lie beyond.
fn percentiles(tally: &Tally) -> Vec<Percentile> {
    let mut percentiles = Vec::new();
    let mut rest = 1.0;
    while !tally.latency.is_empty() && rest * float(tally.latency.len()) >= 1.0 {
        let share = 1.0 - rest;
        percentiles.push(Percentile { share, us: us(tally.latency.value_at_quantile(share)) });
        rest *= 0.8;
    }
    percentiles
}

fn intervals(timeline: &Timeline) -> Vec<Interval> {
    let interval_s = float(INTERVAL_NS) / 1e9;
    let at = |counts: &[u64], index: usize| counts.get(index).map_or(0.0, |&count| float(count) / interval_s);
    let interval = |index: usize| Interval {
        s: float(index as u64) * interval_s,
        offered_per_s: at(&timeline.due, index),
        answered_per_s: at(&timeline.answered, index),
    };
    (0..timeline.due.len().max(timeline.answered.len())).map(interval).collect()
}

fn us(ns: u64) -> f64 {
    float(ns) / 1e3
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds stay below 2^53")]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::mix::Mix;

    const TIMEOUT: Duration = Duration::from_millis(500);

    fn report(tally: &Tally) -> Report {
        let plan = Plan::new(Mix::preset("gate").unwrap(), 1000, 1.0);
        let around = Surroundings { server_cpu_ns: Some(2_000_000), ..Surroundings::default() };
        Report::new(&plan, "sealed-udp", tally, &around, Build::here())
    }

    /// A report to draw and to print.
    pub(crate) fn thousand_checks() -> Report {
        let mut report = report(&thousand());
        let interval =
            |n: u32| Interval { s: f64::from(n) / 10.0, offered_per_s: 1000.0, answered_per_s: 990.0 };
        report.timeline = (0..11).map(interval).collect();
        report
    }

    fn thousand() -> Tally {
        let mut tally = Tally::new();
        for n in 0..1000 {
            tally.sent(Kind::Paper, n * 1_000_000, n * 1_000_000 + 5_000);
            tally.answered(Kind::Paper, 100_000 + n * 100, TIMEOUT);
        }
        tally
    }

    #[test]
    fn the_keys_that_others_read_are_there() {
        let json = serde_json::to_value(report(&thousand())).unwrap();
        for key in [
            "offered_per_s",
            "answered_per_s",
            "sent",
            "answered",
            "lost",
            "wrong",
            "p50_us",
            "p99_us",
            "p999_us",
            "server_cpu_us_per_check",
            "generator_limited",
            "mix",
            "build",
        ] {
            assert!(!json[key].is_null(), "{key}");
        }
        assert_eq!(json["mix"]["paper"], 1000);
        for key in ["signature_backend", "cpu_features", "commit"] {
            assert!(!json["build"][key].is_null(), "build.{key}");
        }
    }

    #[test]
    fn figures_are_what_was_tallied() {
        let report = report(&thousand());
        assert!((report.offered_per_s - 1000.0).abs() < 0.1, "{}", report.offered_per_s);
        assert!((report.p50_us - 150.0).abs() < 1.0);
        assert_eq!(report.server_cpu_us_per_check, Some(2.0));
        assert!(report.rate_held && !report.generator_limited);
        assert!(report.percentiles.is_sorted_by_key(|point| point.share));
        assert_eq!(report.fault(false), None);
    }

    #[test]
    fn faults_are_wrong_answers_then_losses_then_a_rate_not_held() {
        let mut tally = thousand();
        tally.last_sent_ns += 100_000_000;
        let late = report(&tally);
        assert!(!late.rate_held && late.generator_limited);
        assert!(late.fault(true).unwrap().contains("not held"));
        tally.lost(Kind::Paper);
        assert!(report(&tally).fault(false).unwrap().contains("in time"));
        assert!(report(&tally).fault(true).unwrap().contains("not held"));
        tally.wrong(Kind::Garbage, None, None);
        assert!(report(&tally).fault(true).unwrap().contains("garbage: must not be answered"));
    }

    #[test]
    fn a_generator_that_lags_says_so_even_when_it_catches_up() {
        let mut tally = thousand();
        for n in 0..20 {
            tally.sent(Kind::Paper, n, n + 50_000_000);
        }
        let report = report(&tally);
        assert!(report.rate_held && report.generator_limited, "{}", report.behind_p99_us);
    }
}
