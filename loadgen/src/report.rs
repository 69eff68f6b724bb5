//! What a load came to.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::build::Build;

/// One load's figures. Times are in microseconds and count from when a check was *due*, so a server or a
/// generator that stalls cannot hide what its stall did to the checks behind it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How checks travelled.
    pub transport: &'static str,
    /// How they arrived.
    pub arrivals: String,
    /// Checks a second that were asked for.
    pub requested_per_s: f64,
    /// Checks and pieces of garbage a second that were sent.
    pub offered_per_s: f64,
    /// Checks a second that were answered in time.
    pub answered_per_s: f64,
    /// From the first check until the last.
    pub seconds: f64,
    /// Checks that want an answer.
    pub sent: u64,
    /// Those answered in time.
    pub answered: u64,
    /// Those not answered, or too late.
    pub lost: u64,
    /// Answers with another decision or reason than they must have, and answers to garbage.
    pub wrong: u64,
    /// Second answers to one check.
    pub duplicates: u64,
    /// Datagrams that no session could open or that answer nothing.
    pub strays: u64,
    /// Datagrams sent that want silence.
    pub garbage_sent: u64,
    /// Replays left out because everything kept for them was on its way.
    pub skipped: u64,
    /// Median latency.
    pub p50_us: f64,
    /// Ninetieth percentile.
    pub p90_us: f64,
    /// Ninety-ninth percentile.
    pub p99_us: f64,
    /// One in a thousand took longer.
    pub p999_us: f64,
    /// The longest.
    pub max_us: f64,
    /// How late checks left, median.
    pub behind_p50_us: f64,
    /// How late one check in a hundred left.
    pub behind_p99_us: f64,
    /// How late the latest check left.
    pub behind_max_us: f64,
    /// Whether the last check left on time: the offered rate is the requested one.
    pub rate_held: bool,
    /// Whether the generator itself was the limit.
    pub generator_limited: bool,
    /// CPU time of the server for each answered check, where it could be measured.
    pub server_cpu_us_per_check: Option<f64>,
    /// CPU time of the generator for each answered check.
    pub generator_cpu_us_per_check: f64,
    /// Datagrams in one send, in the mean.
    pub datagrams_per_send: f64,
    /// How often the operating system had no room for a send.
    pub held_up: u64,
    /// Datagrams that did not fit the generator's receive buffers.
    pub dropped_at_generator: u64,
    /// Datagrams that did not fit the server's receive buffers, where it runs on this machine.
    pub dropped_at_server: u64,
    /// Checks sent of each kind.
    pub mix: BTreeMap<&'static str, u64>,
    /// Every kind's own counts.
    pub kinds: BTreeMap<&'static str, KindCounts>,
    /// Answers by decision and reason, most frequent first.
    pub verdicts: Vec<VerdictCount>,
    /// The first few wrong answers in words.
    pub complaints: Vec<String>,
    /// Latency at rising percentiles.
    pub percentiles: Vec<Percentile>,
    /// Offered and answered in every tenth of a second.
    pub timeline: Vec<Interval>,
    /// What was measured, on what.
    pub build: Build,
}

/// Counts of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KindCounts {
    /// Sent.
    pub sent: u64,
    /// Answered in time.
    pub answered: u64,
    /// Not answered, or too late.
    pub lost: u64,
    /// Answered wrongly.
    pub wrong: u64,
}

/// How often one verdict was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerdictCount {
    /// admit, refer or refuse.
    pub decision: &'static str,
    /// The reason's slug.
    pub reason: &'static str,
    /// How often.
    pub count: u64,
}

/// A point of the latency curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Percentile {
    /// Share of checks, 0 to 1, that took no longer.
    pub share: f64,
    /// Latency.
    pub us: f64,
}

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its beginning.
    pub s: f64,
    /// Checks due in it, per second.
    pub offered_per_s: f64,
    /// Checks answered in it, per second.
    pub answered_per_s: f64,
}

impl Report {
    /// Why the load is not what it should be, `None` when every answer was right and in time at the requested
    /// rate.
    pub fn fault(&self, loss_allowed: bool) -> Option<String> {
        if self.wrong > 0 {
            let first = self.complaints.first().map_or("", String::as_str);
            return Some(format!("{} wrong answers; the first: {first}", self.wrong));
        }
        if self.lost > 0 && !loss_allowed {
            return Some(format!("{} of {} checks were not answered in time", self.lost, self.sent));
        }
        if !self.rate_held {
            let (offered, requested) = (self.offered_per_s, self.requested_per_s);
            return Some(format!("the rate was not held: {offered:.0} of {requested:.0} checks a second"));
        }
        None
    }
}
