//! What applying changes does to checks: the same load without and with them, in turns.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Args;
use hufu_field::{Deployment, Follow, Scene, Settings};
use hufu_loadgen::{Plan, Report};
use hufu_wire::chain::{Change, Record};
use hufu_wire::limits::CHANGES_MAX;
use hufu_wire::{Colour, HolderIndex, Sequence, StatusWord};
use serde_json::json;

use crate::LoadArgs;
use crate::load;
use crate::print::say;

/// Latency of checks without changes and while many are applied, in turns.
#[derive(Debug, Args)]
pub(crate) struct FloodArgs {
    /// Changes a second that are applied
    #[arg(long, value_name = "CHANGES", default_value_t = 100_000)]
    changes_per_s: u32,
    /// How often the load is offered, without changes and with
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: u32,
    /// Seconds of each load
    #[arg(long, value_name = "SECONDS", default_value_t = 6.0)]
    seconds: f64,
    /// Holders whose words change
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    changing: u32,
    #[command(flatten)]
    load: LoadArgs,
}

/// Where signed sets are put for the engine.
const DROP: &str = "drop";
/// Odd and no factor of any number of holders that people think of: sets reach all over the table.
const STRIDE: u64 = 305_175_781;

pub(crate) fn run(hufu: &Path, args: &FloodArgs) -> Result<()> {
    ensure!(args.load.rate > 0, "--rate: how many checks a second?");
    let mut scene = Scene::on(load::deployment(hufu, &args.load)?, &Settings::default())?;
    fs::create_dir(scene.deployment.path(DROP))?;
    let first = scene.author.fetch(Sequence(1))?;
    put(&scene.deployment, 1, &first)?;
    scene.engine_alone(&Follow::drop(DROP))?;
    let engine = scene.engines.first().context("an engine")?;
    let mut generator = load::generator(&scene.deployment, engine, &args.load)?;
    let plan = Plan::new(args.load.mix.clone(), args.load.rate, args.seconds);

    let (mut without, mut with, mut applied) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..args.rounds {
        without.push(generator.run(&plan, &|_| {})?);

        let sets = signed(&mut scene, args)?;
        let engine = scene.engines.first().context("an engine")?;
        let before = engine.figure("changes", None)?;
        let over = AtomicBool::new(false);
        let deployment = &scene.deployment;
        with.push(thread::scope(|scope| -> Result<Report> {
            let dropper = scope.spawn(|| drop_sets(deployment, &sets, args, &over));
            let report = generator.run(&plan, &|_| {});
            over.store(true, Ordering::Relaxed);
            dropper.join().map_err(|_| anyhow!("who drops sets panicked"))??;
            Ok(report?)
        })?);
        applied += engine.figure("changes", None)? - before;
    }
    let median = |reports: &[Report], of: fn(&Report) -> f64| {
        let mut values: Vec<_> = reports.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let part = |reports: &[Report]| {
        let lost: u64 = reports.iter().map(|report| report.lost).sum();
        let wrong: u64 = reports.iter().map(|report| report.wrong).sum();
        json!({ "lost": lost, "wrong": wrong, "p50_us": median(reports, |report| report.p50_us),
                "p99_us": median(reports, |report| report.p99_us) })
    };
    let ratio = |of| median(&with, of) / median(&without, of);
    say(&json!({
        "rate_per_s": args.load.rate, "rounds": args.rounds, "changes_applied": applied,
        "changes_per_s": applied / (f64::from(args.rounds) * args.seconds),
        "without_changes": part(&without), "with_changes": part(&with),
        "p50_ratio": ratio(|report| report.p50_us), "p99_ratio": ratio(|report| report.p99_us),
    }));
    Ok(())
}

/// Full sets for one load, signed ahead: signing is the authorities' work and not the engine's.
fn signed(scene: &mut Scene, args: &FloodArgs) -> Result<Vec<(u64, Vec<u8>)>> {
    let count = Duration::from_secs_f64(args.seconds).div_duration_f64(pace(args)).ceil();
    let mut sets = Vec::new();
    let mut drawn: u64 = scene.author.tip().sequence.0 * CHANGES_MAX as u64;
    for number in 0_u32.. {
        if f64::from(number) > count {
            break;
        }
        let draw = |at: u64| (drawn + at).wrapping_mul(STRIDE) % u64::from(args.changing);
        let mut holders =
            (0..CHANGES_MAX as u64).map(|at| u32::try_from(draw(at))).collect::<Result<Vec<_>, _>>()?;
        drawn += CHANGES_MAX as u64;
        holders.sort_unstable();
        holders.dedup();
        let colour = if number % 2 == 0 { Colour::Amber } else { Colour::Green };
        let change = Change::Status(StatusWord::new(colour, 0));
        let records: Vec<_> =
            holders.into_iter().map(|holder| Record::new(HolderIndex(holder), change)).collect();
        let set = scene.author.sign_next(&records)?;
        sets.push((scene.author.tip().sequence.0, set));
    }
    Ok(sets)
}

/// Puts sets where the engine looks, at their pace.
fn drop_sets(
    deployment: &Deployment,
    sets: &[(u64, Vec<u8>)],
    args: &FloodArgs,
    over: &AtomicBool,
) -> Result<()> {
    let pace = pace(args);
    let mut due = Instant::now();
    for (sequence, set) in sets {
        if !over.load(Ordering::Relaxed) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            due += pace;
        }
        put(deployment, *sequence, set)?;
    }
    Ok(())
}

/// From one full set to the next.
fn pace(args: &FloodArgs) -> Duration {
    Duration::from_secs(CHANGES_MAX as u64) / args.changes_per_s.max(1)
}

fn put(deployment: &Deployment, sequence: u64, set: &[u8]) -> Result<()> {
    let path = deployment.path(DROP).join(format!("{sequence:020}.set"));
    let new = path.with_extension("new");
    fs::write(&new, set)?;
    Ok(fs::rename(new, path)?)
}
