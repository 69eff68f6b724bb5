//! What is offered at a door, and what came of it.

use std::time::Duration;

use anyhow::{Result, ensure};
use hufu_field::Rush;
use hufu_loadgen::{Generator, Mix, Plan};

/// What came of one load.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Step {
    /// Requests a second that were meant to be sent.
    pub(crate) offered: f64,
    /// Answered a second, in time, with what was asked for.
    pub(crate) goodput: f64,
    /// Turned away a second.
    pub(crate) shed: f64,
    /// Without an answer in time, a second; over HTTP also those for which no connection was free.
    pub(crate) unanswered: f64,
    /// Of what was answered, milliseconds.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Whether the generator could not offer it.
    pub(crate) limited: bool,
}

/// A way in.
pub(crate) trait Door {
    /// Offers so many requests a second.
    fn offer(&mut self, rate: u32, seconds: f64) -> Result<Step>;
}

/// Checks by a generator of ours, every answer checked.
pub(crate) struct Checks {
    generator: Generator,
    mix: Mix,
    seed: u64,
}

impl Checks {
    pub(crate) fn new(generator: Generator) -> Result<Checks> {
        Ok(Checks { generator, mix: "phone-first=30,phone-again=70".parse()?, seed: 0 })
    }
}

impl Door for Checks {
    fn offer(&mut self, rate: u32, seconds: f64) -> Result<Step> {
        self.seed += 1;
        let plan = Plan { seed: self.seed, warm_up: false, ..Plan::new(self.mix.clone(), rate, seconds) };
        let report = self.generator.run(&plan, &|_| {})?;
        let busy: u64 = report
            .verdicts
            .iter()
            .filter(|verdict| verdict.reason == "busy")
            .map(|verdict| verdict.count)
            .sum();
        ensure!(report.wrong <= busy, "wrong answers: {:?}", report.complaints);
        let a_second = |count: u64| float(count) / report.seconds;
        Ok(Step {
            offered: report.offered_per_s,
            goodput: a_second(report.answered - busy.min(report.answered)),
            shed: a_second(busy),
            unanswered: a_second(report.lost),
            p50_ms: report.p50_us / 1000.0,
            p99_ms: report.p99_us / 1000.0,
            limited: !report.rate_held,
        })
    }
}

/// Requests over HTTP.
pub(crate) struct Http(pub(crate) Rush);

impl Door for Http {
    fn offer(&mut self, rate: u32, seconds: f64) -> Result<Step> {
        let time = Duration::from_secs_f64(seconds);
        let rushed = Rush { rate: Some(rate), time, ..self.0.clone() }.run()?;
        self.0.first = rushed.next;
        let a_second = |count: u64| float(count) / rushed.took.as_secs_f64().max(seconds);
        let at = |quantile| float(rushed.waited.value_at_quantile(quantile)) / 1000.0;
        Ok(Step {
            offered: f64::from(rate),
            goodput: a_second(rushed.issued.len() as u64),
            shed: a_second(rushed.shed.len() as u64),
            unanswered: a_second(rushed.unsent + rushed.cut_off.len() as u64),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            limited: false,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people, far below 2^53")]
fn float(value: u64) -> f64 {
    value as f64
}
