//! `simulate`: runs seeds for a time, repeats one, or looks for planted bugs. `cargo xtask simulate` builds and runs it.

use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use hufu_simulator::{Bug, Outcome, Plan, Report, Until, find_planted, known, run, run_many, shrunk};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whole deployments in one process from one seed.
#[derive(Parser)]
struct Arguments {
    /// Go on for so many seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// So many runs at most
    #[arg(long, default_value_t = u64::MAX)]
    runs: u64,
    /// Threads
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// The first seed; the others follow it
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Repeat one seed twice, compare, and make it small if it fails
    #[arg(long, conflicts_with_all = ["first", "runs", "planted"])]
    seed: Option<u64>,
    /// Look for each planted bug, for `--seconds` in all
    #[arg(long)]
    planted: bool,
    /// Plant this bug: its number from 1
    #[arg(long)]
    bug: Option<usize>,
    /// With crowds at many more gates, which costs least for each check
    #[arg(long, conflicts_with = "planted")]
    crowded: bool,
    /// Fail also when a kind of fault never took effect
    #[arg(long)]
    every_fault: bool,
    /// Write the report to this file as JSON
    #[arg(long)]
    report: Option<std::path::PathBuf>,
}

impl Arguments {
    fn plan(&self, seed: u64) -> Plan {
        let plan = Plan::of(seed);
        if self.crowded { plan.crowded() } else { plan }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic of the product is a failure of its run, and told there.
    std::panic::set_hook(Box::new(|_| {}));
    let bug = arguments.bug.and_then(|number| Bug::ALL.get(number.checked_sub(1)?).copied());
    let is_well = match arguments.seed {
        Some(seed) => repeat(seed, &arguments.plan(seed), bug),
        None if arguments.planted => look(&arguments),
        None => many(&arguments, bug),
    };
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn repeat(seed: u64, plan: &Plan, bug: Option<Bug>) -> bool {
    let (one, two) = (run(plan, bug), run(plan, bug));
    println!("seed {seed}: {} checks, {} events, digest {:016x}", one.checks, one.events, one.digest);
    if one.digest != two.digest {
        println!("it is not the same the second time: {:016x}", two.digest);
    }
    if let Some((at, what)) = &one.failure {
        println!("{at} ms: {what}");
        let small = shrunk(plan, bug, 60);
        println!("this is enough: {small:#?}");
        if let Some((at, what)) = run(&small, bug).failure {
            println!("{at} ms: {what}");
        }
    }
    one.digest == two.digest && one.failure.is_none()
}

fn look(arguments: &Arguments) -> bool {
    let (next, missed, begun) = (AtomicUsize::new(0), AtomicUsize::new(0), Instant::now());
    let whole = Duration::from_secs(arguments.seconds);
    thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                // Relaxed: these only count.
                while let Some(bug) = Bug::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let time = whole.saturating_sub(begun.elapsed());
                    let until = Until { time, runs: arguments.runs, every_fault: false };
                    let found = find_planted(*bug, known(*bug), until);
                    let took = found.took.as_secs_f64();
                    if let Some((seed, what)) = &found.by {
                        let what: String = what.chars().take(140).collect();
                        println!("{bug:?}: found by seed {seed}, run {}, in {took:.1} s: {what}", found.runs);
                    } else {
                        missed.fetch_add(1, Ordering::Relaxed);
                        println!("{bug:?}: NOT found in {} runs and {took:.1} s:{}", found.runs, bug.what());
                    }
                }
            });
        }
    });
    let missed = missed.into_inner();
    let all = Bug::ALL.len();
    println!("{} of {all} planted bugs found in {:.1} s", all - missed, begun.elapsed().as_secs_f64());
    missed == 0
}

fn many(arguments: &Arguments, bug: Option<Bug>) -> bool {
    let time = Duration::from_secs(arguments.seconds);
    let until = Until { time, runs: arguments.runs, every_fault: arguments.every_fault };
    // Now: while it runs the tree may go on.
    let commit = commit();
    let tell = |seed: u64, outcome: &Outcome| {
        if let Some((at, what)) = &outcome.failure {
            let crowded = if arguments.crowded { " --crowded" } else { "" };
            println!(
                "seed {seed} failed at {at} ms: {what}\n   to repeat it: cargo xtask simulate --seed {seed}{crowded}"
            );
        }
    };
    let seeds = (arguments.first, arguments.jobs);
    let report = run_many(seeds, &|seed| arguments.plan(seed), until, bug, &tell);
    let json = told(&report, &commit, arguments.crowded);
    if let Some(path) = &arguments.report
        && let Err(error) = std::fs::write(path, format!("{json:#}\n"))
    {
        println!("{}: {error}", path.display());
        return false;
    }
    println!("{json:#}");
    let never: Vec<&str> = report.never().into_iter().map(hufu_simulator::Kind::slug).collect();
    if arguments.every_fault && !never.is_empty() {
        println!("these faults never took effect, so the runs show nothing about them: {}", never.join(", "));
    }
    report.failures.is_empty() && (!arguments.every_fault || never.is_empty())
}

fn told(report: &Report, commit: &str, crowded: bool) -> serde_json::Value {
    let faults: serde_json::Map<_, _> = hufu_simulator::Kind::ALL
        .iter()
        .map(|kind| (kind.slug().to_owned(), report.happened.of(*kind).into()))
        .collect();
    let seconds = report.took.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = report.checks as f64 / seconds;
    json!({
        "commit": commit,
        "crowded": crowded,
        "first_seed": report.first,
        "runs": report.runs,
        "checks": report.checks,
        "events": report.events,
        "seconds": seconds,
        "checks_per_s": rate.round(),
        "failures": report.failures.len(),
        "faults": faults,
        "reached": report.reached,
    })
}

/// Of the tree that it is run in; `unknown` where git does not say.
fn commit() -> String {
    let said = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let said = said.ok().filter(|said| said.status.success());
    said.map_or("unknown".to_owned(), |said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}
