//! `hufu demo`: the whole thing at work on made-up people, on this machine, with nothing to set up.

mod authorities;
mod chain;
mod changes;
mod child;
mod golden;
mod place;
mod records;
mod screens;
mod source;
mod summary;
mod tour;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use hufu_client::{Gate, GateOptions};
use hufu_files::moment;
use hufu_files::unavailable;
use hufu_files::{self as files, Readable};
use hufu_fixtures::World;
use hufu_fixtures::sites::MARKET;
use hufu_loadgen::{CodeStock, CpuMeter, Generator, Mix, Plan, Report};
use hufu_transport::profile;

use self::changes::{Changes, Watched};
use self::child::Engine;
use self::place::Place;
use self::source::{Agreement, Source};
use self::summary::{Summary, show_count, show_stage};
use self::tour::Tour;
use crate::gate;
use crate::outcome::Exit;
use crate::progress::{COUNT, progress};
use crate::term;

pub(crate) const EXAMPLES: &str = "Examples:
  hufu demo
  hufu demo --holders 100000 --rate 20000 --seconds 5 --report demo.json --svg demo.svg
  hufu demo --keep demo-world
  hufu demo --screens
  hufu demo --golden golden

Exit status: 0 when every verdict was right, nothing was lost and the offered rate was held; else 1.";

/// Run a whole deployment with generated people on this machine, and measure it.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many people
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000_000))]
    holders: u32,
    /// Checks a second
    #[arg(long, value_name = "N", default_value_t = 8_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// For how long
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    seconds: u16,
    /// What is checked: gate, first, again, paper, trip, hostile, or weights such as phone-first=60,paper=5
    #[arg(long, default_value = "gate")]
    mix: Mix,
    /// Write all figures as JSON; --json prints them
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Where to draw latency and rate [default: hufu-demo.svg in the folder for temporary files]
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Keep all files in this folder, to try codes afterwards
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// For people who write clients: write the folder of an engine that answers the project's golden bytes, say how to
    /// start it, and do nothing else
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["report", "svg", "keep"])]
    golden: Option<PathBuf>,
    /// Show every page there is, with made-up people behind it, until it is stopped: prints addresses, passwords and links
    #[arg(long, conflicts_with_all = ["golden", "report", "svg"])]
    screens: bool,
    /// How durable the record of a check is before its verdict leaves, or that the engine keeps no records
    #[arg(long, default_value = "written", value_parser = ["none", "memory", "written", "synced"])]
    records: String,
    /// Seed of the generated people; the same seed gives the same people
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// What the load came to.
struct Outcome {
    report: Report,
    watched: Watched,
    agreements: Vec<Agreement>,
}

/// Runs `hufu demo`.
pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<Exit> {
    if let Some(folder) = &args.golden {
        return golden::furnish(folder);
    }
    let begun = Instant::now();
    // Removed at the end of the demo.
    let temporary;
    let folder = if let Some(folder) = &args.keep {
        folder.as_path()
    } else {
        temporary = tempfile::Builder::new().prefix("hufu-demo.").tempdir()?;
        temporary.path()
    };
    if args.screens {
        return screens::run(folder);
    }
    let place = furnish(args, folder)?;
    let mut source = Source::start(&place)?;
    let now = place.world.now();
    let changes = Changes::begin(source.home(), place.first_changing(), &place.signer(), now)?;

    let begun_engine = Instant::now();
    let engine = Engine::start(&place.config(), &place.folder.join("engine.log"))?;
    summary::step(
        "engine",
        &format!("process {}, sealed requests at {}, QUIC at {}", engine.pid(), engine.udp, engine.quic),
    );
    let sets = source.wait_for(&engine)?;
    let took = begun_engine.elapsed().as_secs_f64();
    summary::step(
        "chain",
        &format!("{sets} change sets verified and applied by the engine within {took:.1} s"),
    );
    let outcome = offer(args, &place, &engine, &changes, &mut source)?;
    let Outcome { mut report, watched, agreements } = outcome;

    let mut fault = summary::add(&mut report, &watched, &agreements);
    let svg = args.svg.clone().unwrap_or_else(|| std::env::temp_dir().join("hufu-demo.svg"));
    let sync_us = (args.records == "synced").then(|| records::sync_us(&place.folder)).transpose()?;
    let summary = Summary { args, report: &report, watched: &watched, agreements: &agreements, sync_us };
    term::along(format_args!("{}", summary.to_text(term::stdout())));
    summary.draw(&svg)?;
    let figures = summary.to_json()?;
    if let Some(path) = &args.report {
        files::replace(path, format!("{figures:#}\n").as_bytes(), Readable::All)?;
    }

    term::along(format_args!("\n{}", term::stdout().strong("One holder, step by step")));
    let tour = Tour::new(&place, term::stdout());
    if let Err(error) = tour.take() {
        fault.get_or_insert_with(|| format!("{error:#}"));
    }
    let verdicts = engine.verdicts();
    drop(engine);
    drop(source);
    if place.keeps_records() {
        term::along(format_args!("\n{}", term::stdout().strong("What the engine recorded")));
        let recorded = verdicts.and_then(|count| records::show(&tour, &place, count, report.answered));
        if let Err(error) = recorded {
            fault.get_or_insert_with(|| format!("{error:#}"));
        }
    }
    term::along(format_args!("\n{}", by_hand(args, &tour)));
    summary::step("done", &format!("in {:.1} s; {}", begun.elapsed().as_secs_f64(), svg.display()));
    term::outcome(|| figures, String::new);
    if let Some(fault) = fault {
        term::fail("hufu demo:", &fault, Exit::No);
        return Ok(Exit::No);
    }
    Ok(Exit::Yes)
}

fn furnish(args: &DemoArgs, folder: &Path) -> anyhow::Result<Place> {
    let begun = Instant::now();
    let world = World::new(args.seed, args.holders, moment::now().seconds());
    let place = Place::furnish(folder, world, &args.records)?;
    let took = begun.elapsed().as_secs_f64();
    summary::step("world", &format!("keys, certificates, sites and a new registry's folder in {took:.1} s"));
    Ok(place)
}

/// Enrols the devices, signs the codes, and runs load and changes side by side.
fn offer(
    args: &DemoArgs,
    place: &Place,
    engine: &Engine,
    changes: &Changes,
    source: &mut Source,
) -> anyhow::Result<Outcome> {
    let begun = Instant::now();
    let gates = place.gates.iter().map(|(_, identity)| identity);
    let enrolled = hufu_loadgen::enrol(engine.quic, profile::ENGINE_NAME, gates).map_err(unavailable)?;
    let took_ms = begun.elapsed().as_millis();
    summary::step("devices", &format!("{} gates enrolled over QUIC in {took_ms} ms", enrolled.len()));

    let bar = progress(0, "phones", COUNT);
    let larder = CodeStock::new(place.world.clone(), MARKET, &|done, all| show_count(&bar, done, all));
    bar.finish_and_clear();
    let mut generator = Generator::new(larder, enrolled, engine.udp, 1)
        .context("cannot prepare the load")?
        .with_server_cpu(CpuMeter::of(engine.pid()));
    let device = gate::open(&place.gate())?;
    let mut gate =
        Gate::open(device.servers, device.identity, GateOptions::default()).map_err(unavailable)?;

    let plan = Plan { seed: args.seed, ..Plan::new(args.mix.clone(), args.rate, args.seconds.into()) };
    summary::step(
        "load",
        &format!(
            "{} checks a second for {} s, while both authorities change colours",
            args.rate, args.seconds
        ),
    );
    let over = AtomicBool::new(false);
    let bar = progress(0, "checks", COUNT);
    let chain = source.home();
    let (report, made, watched) = thread::scope(|scope| {
        let making = scope.spawn(|| changes.make(chain, &over));
        let watching = scope.spawn(|| changes.watch(&mut gate, &over));
        let report = generator.run(&plan, &|stage| show_stage(&bar, &stage));
        // Relaxed: a moment more of watching does no harm.
        over.store(true, Ordering::Relaxed);
        (report, joined(making.join()), joined(watching.join()))
    });
    bar.finish_and_clear();
    made?;
    let report = report.map_err(unavailable).context("the load stopped before its end")?;
    let agreements = source.compare(engine)?;
    Ok(Outcome { report, watched: changes.compare(watched), agreements })
}

fn joined<T>(outcome: thread::Result<T>) -> T {
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn by_hand(args: &DemoArgs, tour: &Tour<'_>) -> String {
    match &args.keep {
        Some(_) => format!("Try it yourself, in this order:\n{}", tour.by_hand()),
        None => {
            "Try it yourself: `hufu demo --seconds 1 --keep FOLDER` keeps the folder and shows the commands."
                .to_owned()
        }
    }
}
