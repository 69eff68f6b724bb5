//! From commit to verdict.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::{Args, ValueEnum};
use hufu_client::Gate;
use hufu_field::{Follow, Scene, Settings, now_us};
use hufu_fixtures::services::Nats;
use hufu_loadgen::Plan;
use hufu_wire::{Lane, Sequence};
use serde_json::json;

use crate::LoadArgs;
use crate::load;
use crate::print::{histogram, milliseconds, say};

/// From the registry's commit to the first verdict that takes the change into account.
#[derive(Debug, Args)]
pub(crate) struct DelayArgs {
    /// How the change travels
    #[arg(long, value_enum, default_value_t = Feed::Http)]
    feed: Feed,
    /// Changes that are timed, one set each
    #[arg(long, value_name = "N", default_value_t = 300)]
    changes: u32,
    /// Milliseconds between them
    #[arg(long, value_name = "MS", default_value_t = 40)]
    every_ms: u64,
    #[command(flatten)]
    load: LoadArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Feed {
    Http,
    Nats,
}

/// When the prober first saw a sequence, by sequence.
struct Seen(Vec<Option<u64>>);

/// Between two looks: what is measured is off by this at most.
const LOOK_EVERY: Duration = Duration::from_micros(200);

pub(crate) fn run(hufu: &Path, args: &DelayArgs) -> Result<()> {
    let nats = (args.feed == Feed::Nats).then(Nats::start).transpose()?;
    let settings = Settings { nats: nats.as_ref().map(Nats::url), ..Settings::default() };
    let mut scene = Scene::on(load::deployment(hufu, &args.load)?, &settings)?;
    let follow = match &nats {
        Some(nats) => Follow::nats(&nats.url(), "registry/snapshots"),
        None => Follow::registry(&scene.registry),
    };
    scene.engine_alone(&follow)?;
    scene.agrees()?;
    let engine = scene.engines.first().context("an engine")?;
    let code = scene.deployment.codes()?.swap_remove(0);
    let mut gate = scene.deployment.gate(0, engine.control())?;

    let seconds = f64::from(args.changes) * (Duration::from_millis(args.every_ms).as_secs_f64() + 0.02) + 2.0;
    let running = match args.load.rate {
        0 => None,
        rate => {
            let generator = load::generator(&scene.deployment, engine, &args.load)?;
            Some(load::start(generator, Plan::new(args.load.mix.clone(), rate, seconds)))
        }
    };
    let over = AtomicBool::new(false);
    let mut committed = Vec::new();
    let seen = thread::scope(|scope| -> Result<Seen> {
        let prober = scope.spawn(|| probe(&mut gate, &code, &over));
        thread::sleep(Duration::from_millis(500));
        let mut due = Instant::now();
        let written = (0..args.changes).try_for_each(|_| {
            due += Duration::from_millis(args.every_ms);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            committed.push(scene.turn()?);
            anyhow::Ok(())
        });
        thread::sleep(Duration::from_millis(500));
        over.store(true, Ordering::Relaxed);
        let seen = prober.join().map_err(|_| anyhow!("the prober panicked"))?;
        written.map(|()| seen)
    })?;
    let report = running.map(load::end).transpose()?.map(|(_, report)| report);

    let (mut commit, mut post) = (histogram()?, histogram()?);
    for set in &committed {
        let at = seen.of(set.sequence).with_context(|| format!("{} was never seen", set.sequence))?;
        let committed_us = set.committed_us.context("the registry does not say when")?;
        commit.record(at.saturating_sub(committed_us).max(1))?;
        post.record(at.saturating_sub(set.sent_us).max(1))?;
    }
    ensure!(commit.len() == u64::from(args.changes), "some changes were not seen");
    let load = report.map(|report| {
        json!({ "rate_per_s": report.requested_per_s, "lost": report.lost, "wrong": report.wrong,
                "p50_us": report.p50_us, "p99_us": report.p99_us })
    });
    let feed = format!("{:?}", args.feed).to_lowercase();
    say(&json!({
        "feed": feed, "changes": args.changes, "load": load,
        "commit_to_verdict": milliseconds(&commit), "confirmation_sent_to_verdict": milliseconds(&post),
    }));
    Ok(())
}

impl Seen {
    fn of(&self, sequence: Sequence) -> Option<u64> {
        let sequence = usize::try_from(sequence.0).ok()?;
        // Sets that came together are seen together.
        self.0.get(sequence..)?.iter().flatten().next().copied()
    }
}

/// Checks one code over and over, and notes when each sequence first shows.
fn probe(gate: &mut Gate, code: &str, over: &AtomicBool) -> Seen {
    let mut seen = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        if let Ok(verdict) = gate.check(code.as_bytes(), Lane(0)) {
            let sequence = usize::try_from(verdict.as_of.0).unwrap_or(0);
            if seen.len() <= sequence {
                seen.resize(sequence + 1, None);
            }
            seen[sequence].get_or_insert_with(now_us);
        }
        thread::sleep(LOOK_EVERY.saturating_sub(begun.elapsed()));
    }
    Seen(seen)
}
