//! The highest rate at which nothing is lost, found step by step.

use std::io;

use crate::generator::{Generator, Watch};
use crate::plan::Plan;
use crate::report::Report;

/// Which rates are tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    /// The first rate, checks a second.
    pub from_per_s: u32,
    /// No rate above this is tried.
    pub to_per_s: u32,
    /// Each step is so many times the one before.
    pub factor: f64,
    /// Steps that halve the gap between the last rate without loss and the first with loss.
    pub refinements: u32,
}

/// What a ramp came to.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RampReport {
    /// The highest offered rate at which every check was answered rightly and in time, 0 when there was none.
    pub best_per_s: f64,
    /// Every step, in the order tried.
    pub steps: Vec<Report>,
}

impl RampReport {
    /// The best step, `None` when every step had a fault.
    pub fn best(&self) -> Option<&Report> {
        let clean = self.steps.iter().filter(|step| step.fault(false).is_none());
        clean.max_by(|one, other| one.offered_per_s.total_cmp(&other.offered_per_s))
    }
}

impl Ramp {
    /// Runs `plan` at rising rates until one has a fault, then between the last two. `each` sees every step's
    /// report.
    ///
    /// # Errors
    /// Those of [`Generator::run`]. A wrong answer ends the ramp: whatever comes after it would not count.
    pub fn run(
        &self,
        generator: &mut Generator,
        plan: &Plan,
        watch: Watch<'_>,
        mut each: impl FnMut(&Report),
    ) -> io::Result<RampReport> {
        let mut search = Search::new(*self);
        let mut steps: Vec<Report> = Vec::new();
        while let Some(rate_per_s) = search.next() {
            let report = generator.run(&Plan { rate_per_s, ..plan.clone() }, watch)?;
            each(&report);
            let wrong = report.wrong > 0;
            search.learn(report.fault(false).is_none());
            steps.push(report);
            if wrong {
                break;
            }
        }
        let best_per_s = RampReport { best_per_s: 0.0, steps: steps.clone() }
            .best()
            .map_or(0.0, |best| best.offered_per_s);
        Ok(RampReport { best_per_s, steps })
    }
}

/// Where the search stands.
#[derive(Clone, Debug)]
struct Search {
    ramp: Ramp,
    /// The highest rate without a fault.
    good: u32,
    /// The lowest rate with a fault.
    bad: Option<u32>,
    trying: Option<u32>,
    refined: u32,
}

impl Search {
    fn new(ramp: Ramp) -> Search {
        Search { ramp, good: 0, bad: None, trying: None, refined: 0 }
    }

    /// The next rate to try.
    fn next(&mut self) -> Option<u32> {
        let Ramp { from_per_s, to_per_s, factor, refinements } = self.ramp;
        let next = match self.bad {
            Some(bad) if self.refined < refinements && bad - self.good > bad / 50 => {
                self.refined += 1;
                self.good + (bad - self.good) / 2
            }
            Some(_) => return None,
            None if self.good == 0 => from_per_s.max(1),
            None if self.good >= to_per_s => return None,
            None => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "saturates, never negative"
                )]
                let raised = (f64::from(self.good) * factor.max(1.01)).ceil() as u32;
                raised.min(to_per_s)
            }
        };
        self.trying = Some(next);
        Some(next)
    }

    /// What came of the rate given last.
    fn learn(&mut self, clean: bool) {
        let Some(tried) = self.trying.take() else { return };
        if clean {
            self.good = self.good.max(tried);
        } else {
            self.bad = Some(self.bad.map_or(tried, |bad| bad.min(tried)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates that are tried at a server that loses checks above `capacity`.
    fn check(ramp: Ramp, capacity: u32, wanted: &[u32]) {
        let mut search = Search::new(ramp);
        let mut tried = Vec::new();
        while let Some(rate) = search.next() {
            tried.push(rate);
            search.learn(rate <= capacity);
        }
        assert_eq!(tried, wanted, "capacity {capacity}");
    }

    #[test]
    fn the_ramp_rises_until_something_is_lost_and_then_looks_between() {
        let ramp = Ramp { from_per_s: 1000, to_per_s: 10_000, factor: 2.0, refinements: 3 };
        check(ramp, 5000, &[1000, 2000, 4000, 8000, 6000, 5000, 5500]);
        check(ramp, u32::MAX, &[1000, 2000, 4000, 8000, 10_000]);
        check(ramp, 10, &[1000, 500, 250, 125]);
        check(Ramp { refinements: 0, ..ramp }, 5000, &[1000, 2000, 4000, 8000]);
    }
}
