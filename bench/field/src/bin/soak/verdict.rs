//! Samples, and whether they stay flat.

use std::time::Duration;

use hufu_field::{Trend, Vitals};
use serde_json::{Value, json};

/// One moment of a soak.
pub(crate) struct Sample {
    /// Since the beginning.
    pub(crate) at: Duration,
    /// Microseconds since 1970.
    pub(crate) time_us: u64,
    pub(crate) engine: Vitals,
    pub(crate) registry: Vitals,
    /// Checks since the sample before: sent, without an answer in time, answered wrongly.
    pub(crate) sent: u64,
    pub(crate) lost: u64,
    pub(crate) wrong: u64,
    pub(crate) complaint: Option<String>,
    /// Median and 99th percentile of checks at gates, the medians over plans.
    pub(crate) check_us: [f64; 2],
    /// Of changes, from their signing to the registry's answer.
    pub(crate) change_ms: [f64; 2],
    pub(crate) changes: u64,
    pub(crate) load_average: f64,
}

/// A row of samples, and by how much of its mean it may rise in an hour.
struct Row {
    name: &'static str,
    of: fn(&Sample) -> f64,
    /// Share of the mean an hour.
    share: f64,
    /// In its own unit an hour, which is allowed beside the share.
    more: f64,
}

/// What must stay flat. 1 % of memory an hour would be an eighth more after twelve; latency is what neighbours make of it.
const ROWS: [Row; 10] = [
    Row { name: "engine memory, KiB", of: |it| float(it.engine.resident_kib), share: 0.01, more: 256.0 },
    Row { name: "engine descriptors", of: |it| float(it.engine.descriptors), share: 0.0, more: 0.5 },
    Row { name: "engine threads", of: |it| float(it.engine.threads), share: 0.0, more: 0.1 },
    Row { name: "registry memory, KiB", of: |it| float(it.registry.resident_kib), share: 0.01, more: 256.0 },
    Row { name: "registry descriptors", of: |it| float(it.registry.descriptors), share: 0.0, more: 0.5 },
    Row { name: "registry threads", of: |it| float(it.registry.threads), share: 0.0, more: 0.1 },
    Row { name: "check p50, µs", of: |it| it.check_us[0], share: 0.05, more: 0.0 },
    Row { name: "check p99, µs", of: |it| it.check_us[1], share: 0.1, more: 0.0 },
    Row { name: "change p50, ms", of: |it| it.change_ms[0], share: 0.05, more: 0.0 },
    Row { name: "change p99, ms", of: |it| it.change_ms[1], share: 0.1, more: 0.0 },
];

impl Sample {
    #[expect(clippy::print_stdout, reason = "it is what the program is for")]
    pub(crate) fn say(&self, as_json: bool, first: bool) {
        if as_json {
            println!("{}", self.json());
            return;
        }
        if first {
            println!(
                "| s | engine KiB, descriptors, threads | registry KiB, descriptors, threads | sent | lost | wrong | check p50, p99 µs | change p50, p99 ms | load |\n\
                 | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
            );
        }
        let vitals = |of: &Vitals| format!("{}, {}, {}", of.resident_kib, of.descriptors, of.threads);
        println!(
            "| {} | {} | {} | {} | {} | {} | {:.0}, {:.0} | {:.1}, {:.1} | {:.1} |",
            self.at.as_secs(),
            vitals(&self.engine),
            vitals(&self.registry),
            self.sent,
            self.lost,
            self.wrong,
            self.check_us[0],
            self.check_us[1],
            self.change_ms[0],
            self.change_ms[1],
            self.load_average
        );
    }

    fn json(&self) -> Value {
        let vitals = |of: &Vitals| json!({ "resident_kib": of.resident_kib, "descriptors": of.descriptors, "threads": of.threads });
        json!({
            "seconds": self.at.as_secs(), "time_us": self.time_us,
            "engine": vitals(&self.engine), "registry": vitals(&self.registry),
            "sent": self.sent, "lost": self.lost, "wrong": self.wrong,
            "check_p50_us": self.check_us[0], "check_p99_us": self.check_us[1],
            "changes": self.changes, "change_p50_ms": self.change_ms[0], "change_p99_ms": self.change_ms[1],
            "load_average": self.load_average,
        })
    }
}

/// Whether nothing grew and nothing was wrong; prints each trend. The first quarter warms up: caches and the pass-back memory
/// fill in it.
#[expect(clippy::print_stdout, reason = "it is what the program is for")]
pub(crate) fn judge(samples: &[Sample], as_json: bool) -> bool {
    let warm = &samples[samples.len() / 4..];
    let trends: Vec<_> = ROWS.iter().map(|row| (row, row.trend(warm))).collect();
    let wrong: u64 = samples.iter().map(|sample| sample.wrong).sum();
    let flat = trends.iter().all(|(row, trend)| trend.is_some_and(|trend| row.is_flat(&trend)));
    if as_json {
        let each = trends.iter().map(|(row, trend)| {
            let trend = trend.map(|it| json!({ "mean": it.mean, "an_hour": it.slope, "error": it.error, "limit": row.limit(&it), "flat": row.is_flat(&it) }));
            (row.name.to_owned(), trend.unwrap_or_default())
        });
        println!(
            "{}",
            json!({ "samples": samples.len(), "wrong": wrong, "trends": Value::Object(each.collect()) })
        );
    } else {
        println!("\n| | mean | rises an hour | limit | |\n| --- | --- | --- | --- | --- |");
        for (row, trend) in &trends {
            match trend {
                Some(it) => println!(
                    "| {} | {:.1} | {:+.2} ± {:.2} | {:.2} | {} |",
                    row.name,
                    it.mean,
                    it.slope,
                    2.0 * it.error,
                    row.limit(it),
                    if row.is_flat(it) { "flat" } else { "**rises**" }
                ),
                None => println!("| {} | | too few samples | | **unknown** |", row.name),
            }
        }
    }
    for complaint in samples.iter().filter_map(|sample| sample.complaint.as_ref()) {
        eprintln!("soak: {complaint}");
    }
    flat && wrong == 0
}

impl Row {
    fn trend(&self, samples: &[Sample]) -> Option<Trend> {
        let point = |sample: &Sample| (sample.at.as_secs_f64() / 3600.0, (self.of)(sample));
        // No plan may have ended since the sample before: that is no latency.
        let points: Vec<_> = samples.iter().map(point).filter(|(_, value)| value.is_finite()).collect();
        Trend::through(&points)
    }

    fn limit(&self, trend: &Trend) -> f64 {
        trend.mean * self.share + self.more
    }

    fn is_flat(&self, trend: &Trend) -> bool {
        !trend.rises_above(self.limit(trend))
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people, far below 2^53")]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(leak_kib: u64, wrong: u64) -> Vec<Sample> {
        let vitals = |resident_kib| Vitals { resident_kib, descriptors: 40, threads: 9 };
        let sample = |minute: u64| Sample {
            at: Duration::from_secs(60 * minute),
            time_us: 0,
            engine: vitals(90_000 + leak_kib * minute + minute % 3),
            registry: vitals(50_000),
            sent: 1,
            lost: 0,
            wrong,
            complaint: None,
            check_us: [60.0, 900.0],
            change_ms: [3.0, 9.0],
            changes: 300,
            load_average: 1.0,
        };
        (0..40).map(sample).collect()
    }

    #[test]
    fn what_leaks_or_is_wrong_fails_and_what_is_flat_passes() {
        assert!(judge(&samples(0, 0), true));
        assert!(!judge(&samples(100, 0), true), "6 MiB an hour");
        assert!(!judge(&samples(0, 1), false));
        assert!(!judge(&samples(0, 0)[..2], false), "two samples show nothing");
    }
}
