//! A door's curve: its capacity, multiples of it, and how soon it is itself again.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use crate::door::{Door, Step};

/// In capacities.
const MULTIPLES: [u32; 4] = [1, 2, 5, 10];
/// The first rate that is offered while the capacity is looked for.
const FIRST_RATE: f64 = 50.0;
/// Answered at least so much of what was offered: the door is not yet full.
const ALL: f64 = 0.9;
/// Goodput at ten times the capacity, at least.
const GOODPUT_MIN: f64 = 0.8;
/// Most that recovery takes, seconds.
const RECOVERY_MAX: f64 = 3.0;
/// After this it is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Share of the capacity that shows whether all is well again, and for how long it is offered.
const PROBE: (f64, f64) = (0.3, 0.5);

/// What was measured at one door.
pub(crate) struct Curve {
    pub(crate) name: String,
    /// Answers a second at most.
    pub(crate) capacity: f64,
    pub(crate) steps: Vec<(u32, Step)>,
    /// Seconds from the end of ten times the load until a light load was answered as before; `None` when it was not.
    pub(crate) recovery_s: Option<f64>,
    load_average: f64,
}

/// Finds the capacity, offers multiples of it, and then little.
pub(crate) fn measure(name: &str, door: &mut dyn Door, seconds: f64) -> Result<Curve> {
    let capacity = capacity(door, seconds.min(2.0))?;
    let rate = |share: f64| whole(capacity * share).max(1);
    let light = door.offer(rate(PROBE.0), PROBE.1)?;
    let mut steps = Vec::new();
    for multiple in MULTIPLES {
        let step = door.offer(rate(f64::from(multiple)), seconds)?;
        eprintln!("overload: {name}: {multiple} times {capacity:.0}/s: {step:?}");
        steps.push((multiple, step));
    }
    let over = Instant::now();
    let recovery_s = loop {
        let asked = over.elapsed();
        // As before: nearly all answered, and not ten times as late. Silence is an error of the generator's.
        if let Ok(step) = door.offer(rate(PROBE.0), PROBE.1)
            && step.goodput >= ALL * step.offered
            && step.p99_ms <= light.p99_ms.max(10.0) * 10.0
        {
            break Some(asked.as_secs_f64());
        }
        if over.elapsed() > PATIENCE {
            break None;
        }
    };
    Ok(Curve { name: name.to_owned(), capacity, steps, recovery_s, load_average: load_average() })
}

/// The most that is answered in a second while the rate rises by half from step to step; once more at that rate to be sure.
/// A rate that is not answered once may have met a machine that did something else: it is offered again.
fn capacity(door: &mut dyn Door, seconds: f64) -> Result<f64> {
    let (mut rate, mut most) = (FIRST_RATE, 0.0_f64);
    loop {
        let is_met = |step: &Step| step.goodput >= ALL * rate && !step.limited;
        let mut step = door.offer(whole(rate), seconds)?;
        if !is_met(&step) {
            most = most.max(step.goodput);
            step = door.offer(whole(rate), seconds)?;
        }
        most = most.max(step.goodput);
        if !is_met(&step) {
            break;
        }
        rate *= 1.5;
    }
    // A step far beyond may already be a collapse: between the two last ones lies the edge.
    for share in [1.0, 0.9] {
        most = most.max(door.offer(whole(most * share).max(1), seconds)?.goodput);
    }
    Ok(most)
}

impl Curve {
    /// Goodput at the largest multiple, in capacities.
    fn kept(&self) -> f64 {
        self.steps.last().map_or(0.0, |(_, step)| step.goodput / self.capacity)
    }

    /// What is not as it should be, in words.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.kept() < GOODPUT_MIN {
            faults.push(format!(
                "{}: at ten times the load {:.0} % of the capacity are answered",
                self.name,
                self.kept() * 100.0
            ));
        }
        match self.recovery_s {
            Some(took) if took <= RECOVERY_MAX => {}
            Some(took) => faults.push(format!("{}: {took:.1} s until it was itself again", self.name)),
            None => faults.push(format!("{}: it does not come back", self.name)),
        }
        faults
    }

    #[expect(clippy::print_stdout, reason = "it is what the program is for")]
    pub(crate) fn say(&self, as_json: bool, first: bool) {
        if as_json {
            let steps = self.steps.iter().map(|(multiple, it)| {
                json!({ "multiple": multiple, "offered_per_s": it.offered, "goodput_per_s": it.goodput, "shed_per_s": it.shed,
                        "unanswered_per_s": it.unanswered, "p50_ms": it.p50_ms, "p99_ms": it.p99_ms, "generator_limited": it.limited })
            });
            println!(
                "{}",
                json!({ "door": self.name, "capacity_per_s": self.capacity, "steps": steps.collect::<Vec<_>>(),
                        "recovery_s": self.recovery_s, "load_average": self.load_average })
            );
            return;
        }
        if first {
            println!(
                "| door | capacity/s | goodput at 1, 2, 5, 10 times | shed at 10 times | p50, p99 of the answered at 1 | at 10 times | well again after | load average |"
            );
            println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
        }
        let goodput: Vec<_> = self
            .steps
            .iter()
            .map(|(_, step)| {
                let mark = if step.limited { "*" } else { "" };
                format!("{:.0} %{mark}", step.goodput / self.capacity * 100.0)
            })
            .collect();
        let times = |of: Option<&(u32, Step)>| {
            of.map_or(String::new(), |(_, step)| format!("{:.1}, {:.1} ms", step.p50_ms, step.p99_ms))
        };
        let shed = self.steps.last().map_or(0.0, |(_, step)| step.shed);
        let recovery = self.recovery_s.map_or("never".to_owned(), |took| format!("{took:.1} s"));
        println!(
            "| {} | {:.0} | {} | {shed:.0}/s | {} | {} | {recovery} | {:.1} |",
            self.name,
            self.capacity,
            goodput.join(", "),
            times(self.steps.first()),
            times(self.steps.last()),
            self.load_average
        );
    }
}

/// Goodput over load of all doors.
pub(crate) fn picture(curves: &[Curve]) -> String {
    let lines: Vec<_> = curves
        .iter()
        .map(|curve| {
            let point =
                |(_, step): &(u32, Step)| (step.offered / curve.capacity, step.goodput / curve.capacity);
            (curve.name.clone(), curve.steps.iter().map(point).collect())
        })
        .collect();
    hufu_loadgen::goodput("Answered at ten times the load", "each server on a share of one CPU", &lines)
}

fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate: saturates, never negative"
)]
fn whole(rate: f64) -> u32 {
    rate.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers so many a second; the rest is turned away, or, where it collapses, takes from what is answered.
    struct Model {
        capacity: f64,
        collapses: bool,
    }

    impl Door for Model {
        fn offer(&mut self, rate: u32, _: f64) -> Result<Step> {
            let offered = f64::from(rate);
            let beyond = (offered - self.capacity).max(0.0);
            let lost = if self.collapses { beyond / 10.0 } else { 0.0 };
            let goodput = (offered.min(self.capacity) - lost).max(0.0);
            Ok(Step { offered, goodput, shed: offered - goodput, p99_ms: 1.0, ..Step::default() })
        }
    }

    #[test]
    fn a_door_that_sheds_passes_and_one_that_collapses_does_not() {
        let of = |collapses| measure("model", &mut Model { capacity: 1000.0, collapses }, 0.1).unwrap();
        let sheds = of(false);
        assert!((sheds.capacity - 1000.0).abs() < 1.0 && sheds.faults().is_empty(), "{:?}", sheds.faults());
        let collapses = of(true);
        assert!(collapses.capacity > 850.0, "{}", collapses.capacity);
        assert_eq!(collapses.faults().len(), 1, "{:?}", collapses.faults());
        sheds.say(true, true);
        assert!(picture(&[sheds, collapses]).contains("<svg"));
    }
}
