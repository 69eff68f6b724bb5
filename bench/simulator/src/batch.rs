//! Many runs, one after the other on each of some threads, and what they came to.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hufu_wire::planted::{self, Bug};

use crate::fault::{Happened, Kind};
use crate::plan::Plan;
use crate::world::{Outcome, World};

/// Runs a plan, with this bug planted or none. A panic is a failure as any other.
pub fn run(plan: &Plan, bug: Option<Bug>) -> Outcome {
    planted::seed(Some(plan.seed));
    planted::plant(bug);
    let ran = catch_unwind(AssertUnwindSafe(|| World::new(plan).map(World::run)));
    planted::plant(None);
    planted::seed(None);
    let failed = |what: String| Outcome {
        digest: 0,
        checks: 0,
        events: 0,
        happened: Happened::default(),
        reached: BTreeMap::new(),
        failure: Some((0, what)),
    };
    match ran {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => failed(format!("the simulator's own machine: {error:#}")),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
            failed(format!("a panic: {}", said.unwrap_or_else(|| "without a message".to_owned())))
        }
    }
}

/// How long to go on.
#[derive(Clone, Copy, Debug)]
pub struct Until {
    /// No run begins after so long.
    pub time: Duration,
    /// So many runs at most.
    pub runs: u64,
    /// Half as long again where some kind of fault has not taken effect yet, as on a slow machine.
    pub every_fault: bool,
}

/// What many runs came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The first seed; the others follow it.
    pub first: u64,
    /// Runs.
    pub runs: u64,
    /// Verdicts that were judged.
    pub checks: u64,
    /// Events.
    pub events: u64,
    /// How long it took.
    pub took: Duration,
    /// How often each fault took effect.
    pub happened: Happened,
    /// How often each state was reached.
    pub reached: BTreeMap<String, u64>,
    /// Every seed that failed, when in its run, and how.
    pub failures: Vec<(u64, u64, String)>,
}

impl Report {
    /// Kinds of fault that never took effect: the runs have shown nothing about them.
    pub fn never(&self) -> Vec<Kind> {
        self.happened.missing()
    }

    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.runs += 1;
        self.checks += outcome.checks;
        self.events += outcome.events;
        self.happened.join(&outcome.happened);
        for (state, count) in outcome.reached {
            *self.reached.entry(state).or_default() += count;
        }
        self.failures.extend(outcome.failure.map(|(at, what)| (seed, at, what)));
    }
}

/// Failures after which it is no use to go on.
const FAILURES_MAX: usize = 20;

/// Runs the seeds from `first` on, on so many threads, each as `plan` makes it. Each outcome is told as it comes.
pub fn run_many(
    (first, jobs): (u64, usize),
    plan: &(dyn Fn(u64) -> Plan + Sync),
    until: Until,
    bug: Option<Bug>,
    tell: &(dyn Fn(u64, &Outcome) + Sync),
) -> Report {
    let (next, begun) = (AtomicU64::new(0), Instant::now());
    let report = Mutex::new(Report { first, ..Report::default() });
    let lock = || report.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                let goes_on = |report: &Report| {
                    let is_short = until.every_fault && !report.never().is_empty();
                    let time = if is_short { until.time * 3 / 2 } else { until.time };
                    begun.elapsed() < time && report.failures.len() < FAILURES_MAX
                };
                while goes_on(&lock()) {
                    // Relaxed: it only deals out numbers.
                    let run_number = next.fetch_add(1, Ordering::Relaxed);
                    if run_number >= until.runs {
                        break;
                    }
                    let seed = first + run_number;
                    let outcome = run(&plan(seed), bug);
                    tell(seed, &outcome);
                    lock().add(seed, outcome);
                }
            });
        }
    });
    let mut report = report.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    report.took = begun.elapsed();
    report.failures.sort_unstable();
    report
}

/// How a planted bug was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which.
    pub bug: Bug,
    /// By which seed, and what it said; `None` where none found it.
    pub by: Option<(u64, String)>,
    /// Runs that it took.
    pub runs: u64,
    /// How long that took.
    pub took: Duration,
}

/// The first seed that finds a bug, so that no time goes to those before it.
pub fn known(bug: Bug) -> u64 {
    match bug {
        Bug::SilenceIgnored => 2,
        Bug::BranchTaken | Bug::WarmLooksFresh => 3,
        Bug::TailSkipped | Bug::AckBeforeSync => 4,
        Bug::RecordTwice => 6,
        Bug::FailureSwallowed => 10,
        Bug::SnapshotUnchecked => 13,
        Bug::TimeOutlivesBoot => 41,
        _ => 1,
    }
}

/// Looks for a planted bug with the seeds from `first` on.
pub fn find_planted(bug: Bug, first: u64, until: Until) -> Found {
    let begun = Instant::now();
    let mut found = Found { bug, by: None, runs: 0, took: Duration::ZERO };
    while begun.elapsed() < until.time && found.runs < until.runs && found.by.is_none() {
        let seed = first + found.runs;
        found.runs += 1;
        // Faults find bugs, and crowds take time.
        let plan = Plan::of(seed);
        let plan = Plan { gates: plan.gates.min(3), ..plan };
        found.by = run(&plan, Some(bug)).failure.map(|(_, what)| (seed, what));
    }
    found.took = begun.elapsed();
    found
}
