//! Hours of steady load with everything that happens to a deployment on the way, and whether anything grows.

mod care;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Parser;
use hdrhistogram::Histogram;
use hufu_field::{Deployment, Engine, Follow, Scene, Settings, Vitals, eventually, now_us};
use hufu_fixtures::World;
use hufu_loadgen::{Mix, Plan, Report};

use verdict::{Sample, judge};

/// Checks at a steady rate for hours, with changes, reloads, renewals and rotation; does anything grow?
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// How long
    #[arg(long, value_name = "HOURS", default_value_t = 12.0)]
    hours: f64,
    /// Checks a second
    #[arg(long, value_name = "CHECKS", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Seconds between two samples
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..))]
    every: u64,
    /// Holders of the world that is checked
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    holders: u32,
    /// The `hufu` that runs, built with every feature [default: beside this program]
    #[arg(long, value_name = "FILE")]
    hufu: Option<PathBuf>,
    /// A line of JSON for each sample, then one for the trends, in place of tables
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  cargo xtask soak --hours 12 --rate 20000
  cargo xtask soak --hours 0.3 --rate 4000 --json";

/// Seen again, first seen, printed, and what is refused: what gates see all day.
const MIX: &str = "phone-again=84,phone-first=6,paper=6,trip=2,expired=1,forged=1";
/// Of one plan; its codes are signed before it.
const PLAN_S: f64 = 10.0;
/// Between two changes.
const BETWEEN_CHANGES: Duration = Duration::from_millis(200);
/// Plans after which the load's gates enrol again.
const PLANS_A_SESSION: u32 = 30;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let hufu = hufu_field::begin(arguments.hufu.as_deref())?;
    let world = World::new(1, arguments.holders, hufu_files::moment::now().seconds());
    let mut scene = Scene::on(Deployment::of_world(&hufu, world)?, &Settings::default())?;
    scene.registry.without_brake(&scene.deployment)?;
    scene.deployment.run("records secret --out engine0.secret")?;
    let records = "[records]\nfolder = \"records\"\nkeys = \"record-keys\"\nsecret = \"../engine0.secret\"\nsegment_mib = 4\n";
    let follow = Follow::registry(&scene.registry).with(records);
    scene.engine(&follow)?;
    scene.agrees()?;
    let (over, plans) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let changes = Mutex::new(Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?);
    let Scene { deployment, author, registry, engines, .. } = &mut scene;
    let (deployment, registry) = (&*deployment, &*registry);
    let engine = engines.first().context("an engine")?;
    let samples = thread::scope(|scope| -> Result<Vec<Sample>> {
        let load = scope.spawn(|| load(deployment, engine, arguments.rate, &plans, &over));
        let writer = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                author.turn()?;
                let took = u64::try_from(begun.elapsed().as_micros())?;
                changes.lock().map_err(|_| anyhow!("a thread panicked"))?.saturating_record(took);
                thread::sleep(BETWEEN_CHANGES);
            }
            anyhow::Ok(())
        });
        let sampled = (|| {
            let (begun, mut samples) = (Instant::now(), Vec::new());
            let whole = Duration::from_secs_f64(arguments.hours * 3600.0);
            for number in 1_u32.. {
                let next = Duration::from_secs(arguments.every) * number;
                if next > whole {
                    break;
                }
                care::round(deployment, engine, registry, number)?;
                thread::sleep(next.saturating_sub(begun.elapsed()));
                ensure!(!load.is_finished() && !writer.is_finished(), "the load or the changes have ended");
                let took = std::mem::take(&mut *plans.lock().map_err(|_| anyhow!("a thread panicked"))?);
                let mut changed = changes.lock().map_err(|_| anyhow!("a thread panicked"))?;
                let sample = sample(begun.elapsed(), [engine.pid()?, registry.pid()?], &took, &changed)?;
                changed.reset();
                sample.say(arguments.json, number == 1);
                samples.push(sample);
            }
            anyhow::Ok(samples)
        })();
        over.store(true, Ordering::Relaxed);
        load.join().map_err(|_| anyhow!("the load panicked"))??;
        writer.join().map_err(|_| anyhow!("the author panicked"))??;
        sampled
    })?;
    scene.end()?;
    Ok(judge(&samples, arguments.json))
}

/// Plan after plan, each with codes of its own, until it is over.
fn load(
    deployment: &Deployment,
    engine: &Engine,
    rate: u32,
    reports: &Mutex<Vec<Report>>,
    over: &AtomicBool,
) -> Result<()> {
    let mix: Mix = MIX.parse()?;
    let mut seed = 0;
    loop {
        let enrol = || hufu_field::generator(deployment, engine.control(), 20_000);
        let mut generator = eventually("the load's gates do not enrol", enrol)?;
        for _ in 0..PLANS_A_SESSION {
            if over.load(Ordering::Relaxed) {
                return Ok(());
            }
            seed += 1;
            let report = generator.run(&Plan { seed, ..Plan::new(mix.clone(), rate, PLAN_S) }, &|_| {})?;
            reports.lock().map_err(|_| anyhow!("a thread panicked"))?.push(report);
        }
    }
}

/// What each process holds, and the medians of the plans since the last sample.
fn sample(at: Duration, pids: [u32; 2], plans: &[Report], changes: &Histogram<u64>) -> Result<Sample> {
    let median = |of: fn(&Report) -> f64| {
        let mut all: Vec<_> = plans.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let ms = |quantile| {
        let us = u32::try_from(changes.value_at_quantile(quantile)).unwrap_or(u32::MAX);
        f64::from(us) / 1000.0
    };
    Ok(Sample {
        at,
        time_us: now_us(),
        engine: Vitals::of(pids[0])?,
        registry: Vitals::of(pids[1])?,
        sent: plans.iter().map(|plan| plan.sent).sum(),
        lost: plans.iter().map(|plan| plan.lost).sum(),
        wrong: plans.iter().map(|plan| plan.wrong).sum(),
        complaint: plans.iter().find_map(|plan| plan.complaints.first()).cloned(),
        check_us: [median(|plan| plan.p50_us), median(|plan| plan.p99_us)],
        change_ms: [ms(0.5), ms(0.99)],
        changes: changes.len(),
        load_average: load_average(),
    })
}

/// Of the last minute.
fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}
