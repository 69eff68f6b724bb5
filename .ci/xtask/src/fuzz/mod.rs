//! `cargo xtask fuzz`: the targets of `tests/fuzz*.rs` under libFuzzer, for as long as one likes. They are the same targets
//! that the stage `fuzz` runs with random inputs: bolero chooses the engine when it is built. What reaches new code goes
//! into the kept corpora; `docs/TESTING.md` says how to start a long run.

mod api;
mod build;
mod corpus;
mod target;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;

use target::Target;

/// What to fuzz.
#[derive(Args)]
pub(crate) struct Options {
    /// How long all of it may take, in hours; 0 only tidies the corpora
    #[arg(long, default_value_t = 1.0)]
    hours: f64,
    /// Targets that run side by side
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Only targets whose PACKAGE::NAME contains this; `api` for the registry's API; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Print the outcome as one JSON object, and write it to target/fuzz/report.json either way
    #[arg(long)]
    json: bool,
}

/// Builds, working corpora, logs and the report.
const FOLDER: &str = "target/fuzz";
/// The API takes this share of a run of everything, and at most so many seconds.
const API_SHARE: f64 = 0.1;
const API_S_MAX: f64 = 900.0;
/// A turn of one target, seconds, and how many turns each has at least when there is time.
const TURN_S: core::ops::RangeInclusive<f64> = 5.0..=120.0;
const TURNS: f64 = 4.0;

/// Fuzzes; the exit code says whether nothing failed.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    ensure!((0.0..=10_000.0).contains(&options.hours), "--hours is a number from 0 to 10000");
    ensure!(options.jobs > 0, "--jobs is at least 1");
    let whole_s = options.hours * 3600.0;
    let only_api = !options.only.is_empty() && options.only.iter().all(|name| name == "api");
    let mut targets = if only_api { Vec::new() } else { build::targets(&options.only)? };
    ensure!(only_api || !targets.is_empty(), "no target has a name like {:?}", options.only);

    let tries_api = options.only.is_empty() || options.only.iter().any(|name| name == "api");
    let api = if tries_api && whole_s > 0.0 {
        let api_s = if only_api { whole_s } else { (whole_s * API_SHARE).min(API_S_MAX) };
        Some(api::run(Duration::from_secs_f64(api_s))?)
    } else {
        None
    };
    let left_s = whole_s - api.as_ref().map_or(0.0, |api| api.took.as_secs_f64());
    take_turns(&mut targets, Duration::from_secs_f64(left_s.max(0.0)), options.jobs)?;
    for target in &mut targets {
        target.tidy()?;
    }

    let failed = targets.iter().filter(|target| target.failure.is_some()).count();
    let passed = api.as_ref().is_none_or(|api| api.passed) && failed == 0;
    let report = json!({
        "hours": options.hours,
        "jobs": options.jobs,
        "targets": targets.iter().map(Target::told).collect::<Vec<_>>(),
        "api": api.as_ref().map(api::Outcome::told),
        "passed": passed,
    });
    std::fs::write(PathBuf::from(FOLDER).join("report.json"), format!("{report:#}\n"))?;
    if options.json {
        println!("{report:#}");
    } else {
        print!("{}", table(&targets));
        if let Some(api) = &api {
            println!("{}", api.line());
        }
    }
    for failure in targets.iter().filter_map(|target| target.failure.as_ref()) {
        eprintln!("\n{failure}");
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Goes round the targets until the time is over. One that finds nothing new is left out of some rounds.
fn take_turns(targets: &mut [Target], whole: Duration, jobs: usize) -> Result<()> {
    let end = Instant::now() + whole;
    #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
    let share_s = whole.as_secs_f64() * jobs as f64 / targets.len().max(1) as f64 / TURNS;
    let turn = Duration::from_secs_f64(share_s.clamp(*TURN_S.start(), *TURN_S.end()));
    while Instant::now() < end && targets.iter().any(|target| target.failure.is_none()) {
        let due: VecDeque<&mut Target> = targets.iter_mut().filter_map(Target::if_due).collect();
        let due = Mutex::new(due);
        let next = || due.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let work = || -> Result<()> {
            while let Some(target) = next() {
                let left = end.saturating_duration_since(Instant::now());
                if left.as_secs() == 0 {
                    break;
                }
                target.turn(turn.min(left))?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("a worker does not panic"))
        })?;
    }
    Ok(())
}

fn table(targets: &[Target]) -> String {
    let mut table = format!(
        "\n{:<46} {:>7} {:>12} {:>8} {:>7} {:>7} {:>7} {:>5} {:>5}  {}\n",
        "target", "time", "executions", "exec/s", "edges", "feats", "corpus", "kept", "new", "crash"
    );
    for target in targets {
        table += &target.row();
    }
    table
}
