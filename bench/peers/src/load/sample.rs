//! What one round has shown.

use hufu_loadgen::Report;

/// Counts, times and latencies of one round, or of several taken together.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Checks that were answered.
    pub answered: u64,
    /// Answers that are not what they must be.
    pub wrong: u64,
    /// Checks that were never answered.
    pub lost: u64,
    /// How long the rounds took, seconds.
    pub seconds: f64,
    /// CPU time of all processes of the server, nanoseconds.
    pub server_cpu_ns: u64,
    /// Whether the generator and not the server set the pace.
    pub generator_limited: bool,
    /// From when each check was due until its answer was read, nanoseconds.
    pub latencies_ns: Vec<u64>,
}

impl Sample {
    /// A load generator's report; its latencies stay there.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a run is far shorter than 2^52 ns"
    )]
    pub(crate) fn of(report: &Report) -> Sample {
        let cpu_us = report.server_cpu_us_per_check.unwrap_or(0.0) * report.answered as f64;
        Sample {
            answered: report.answered,
            wrong: report.wrong,
            lost: report.lost,
            seconds: report.seconds,
            server_cpu_ns: (cpu_us * 1e3) as u64,
            generator_limited: report.generator_limited,
            latencies_ns: Vec::new(),
        }
    }

    /// Takes another round in.
    pub fn add(&mut self, other: Sample) {
        self.answered += other.answered;
        self.wrong += other.wrong;
        self.lost += other.lost;
        self.seconds += other.seconds;
        self.server_cpu_ns += other.server_cpu_ns;
        self.generator_limited |= other.generator_limited;
        self.latencies_ns.extend(other.latencies_ns);
    }

    /// CPU time of the server for one answer, microseconds.
    #[expect(clippy::cast_precision_loss, reason = "a run is far shorter than 2^52 ns")]
    pub fn server_cpu_us_per_check(&self) -> f64 {
        self.server_cpu_ns as f64 / 1e3 / self.answered.max(1) as f64
    }

    /// Answers a second.
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 answers")]
    pub fn checks_per_s(&self) -> f64 {
        self.answered as f64 / self.seconds.max(1e-9)
    }

    /// The latency that `share` of all checks stay within, microseconds; 0 without a check.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index from a share"
    )]
    pub fn latency_us(&self, share: f64) -> f64 {
        let mut sorted = self.latencies_ns.clone();
        sorted.sort_unstable();
        let at = (sorted.len() as f64 * share).ceil() as usize;
        sorted.get(at.saturating_sub(1)).map_or(0.0, |&ns| ns as f64 / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_add_up_and_a_share_of_latencies_is_found() {
        let round = |latencies_ns: Vec<u64>| Sample {
            answered: 2,
            seconds: 0.5,
            server_cpu_ns: 10_000,
            latencies_ns,
            ..Sample::default()
        };
        let mut sum = round(vec![4_000, 1_000]);
        sum.add(round(vec![3_000, 2_000]));
        assert!((sum.server_cpu_us_per_check() - 5.0).abs() < 1e-9);
        assert!((sum.checks_per_s() - 4.0).abs() < 1e-9);
        assert!((sum.latency_us(0.5) - 2.0).abs() < 1e-9);
        assert!((sum.latency_us(1.0) - 4.0).abs() < 1e-9);
        assert!(Sample::default().latency_us(0.5).abs() < 1e-9);
    }
}
