//! `hufu gate`: a gate on a Linux box.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use hufu_client::GateOptions;
use hufu_files::unavailable;
use hufu_texts::Language;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::gate::{self, Device};
use crate::lanes::alone::{self, Alone};
use crate::lanes::ask::{self, Link};
use crate::lanes::config::{Config, LaneConfig};
use crate::lanes::screen::Screens;
use crate::lanes::words::Words;
use crate::lanes::{Passage, Ready, Relay};
use crate::log;
use crate::outcome::Exit;
use crate::signals::Signals;
use crate::term::tell;

pub(crate) const EXAMPLES: &str = "Examples:
  hufu gate --config gate.toml --check
  hufu gate --config gate.toml
  hufu gate --config gate.toml --json > verdicts.jsonl

docs/examples/gate.toml describes every key; docs/GATES.md has gates for a school, a station and a bus. The gate opens
only for an admission; without a verdict, after every fault and at its end it is shut. When it can take scans it prints
one line to standard output, then one line a scan:

  ready lanes=2 session=yes page=http://127.0.0.1:7470/

session=no: no engine answers yet; the gate goes on asking. Without a network it stays shut, unless its configuration has
[offline] and it has been given what it needs: then it decides by the same policy, and says since when it is alone. With --json the line is {\"ready\": {\"lanes\": 2,
\"session\": true, \"page\": URL}}, and a scan gives the object of `hufu check --json` with its lane.

SIGTERM and SIGINT shut the gate and stop. With scanners on standard input alone it stops when the input ends. To read
a changed configuration, start it again.";

/// Run a gate: scanners, relays, lamps, screens.
#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    /// The configuration; it names the gate's folder
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Read every file, say what is in them and which devices are not there, and do nothing
    #[arg(long)]
    check: bool,
}

/// The loop of a service looks around so often; a gate has nothing to look at.
const LOOK: Duration = Duration::from_secs(3600);

/// Runs `hufu gate`.
pub(crate) fn run(args: &GateArgs) -> anyhow::Result<Exit> {
    let config = Config::load(&args.config)?;
    let device = gate::open(&config.gate)?;
    ensure!(!device.servers.is_empty(), "{}: gate.toml names no engine", config.gate.display());
    let own = config.page.as_ref().and_then(|page| page.words.as_deref());
    let languages: Vec<Language> = config.languages.get_ref().iter().map(|spoken| spoken.0).collect();
    let words = Words::all(&languages, own)?;
    if args.check {
        if let Some(offline) = &config.offline {
            Alone::verify(offline)?;
        }
        let missing = missing(&config.lanes);
        let (lanes, said) =
            (config.lanes.len(), missing.iter().map(|device| format!("\nnot there: {device}")));
        let (file, said) = (args.config.display(), said.collect::<String>());
        tell!({ "config": args.config, "lanes": lanes, "missing": missing }, "{file}: {lanes} lanes{said}");
        return Ok(Exit::Yes);
    }
    log::to_stderr(config.log);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(serve(&config, device, words));
    // Threads that wait for a scanner have nothing to finish.
    runtime.shutdown_background();
    ended.map(|()| Exit::Yes)
}

/// Devices that are not there now.
fn missing(lanes: &[LaneConfig]) -> Vec<String> {
    let named = lanes.iter().flat_map(|lane| {
        let relays = lane.gpio.iter().map(|gpio| gpio.chip.as_path());
        let relays = relays.chain(lane.relay.iter().map(|relay| relay.serial.get_ref().as_path()));
        relays.chain(lane.scanner.get_ref().device())
    });
    named.filter(|device| !device.exists()).map(|device| device.display().to_string()).collect()
}

async fn serve(config: &Config, device: Device, words: Vec<Words>) -> anyhow::Result<()> {
    let mut signals = Signals::new(false)?;
    let mut relays = Vec::new();
    let alone = config.offline.as_ref().map(|offline| Alone::open(offline, &config.gate)).transpose()?;
    let ended = work(config, device, words, alone.as_ref(), &mut relays, &mut signals).await;
    relays.into_iter().for_each(Relay::end);
    if let Some(alone) = alone {
        alone.save();
    }
    tracing::info!("stopped; the gate is shut");
    ended
}

/// Lanes, screens and questions, until something says stop or no lane is left. `relays` gets every relay that was started.
async fn work(
    config: &Config,
    device: Device,
    words: Vec<Words>,
    alone: Option<&Alone>,
    relays: &mut Vec<Relay>,
    signals: &mut Signals,
) -> anyhow::Result<()> {
    let (ask, questions) = mpsc::channel(config.lanes.len());
    let show = config.page.as_ref().map_or(0, |page| *page.show_s.get_ref());
    let mut screens = Screens::new(words, device.channel.clone(), Duration::from_secs(show));
    let language = config.languages.get_ref().first().map_or(Language::En, |spoken| spoken.0);
    let mut passages = Vec::new();
    for lane in &config.lanes {
        let first = relays.len();
        relays.extend(Relay::start_all(lane)?);
        let screen = config.page.is_some().then(|| screens.add(*lane.number.get_ref()));
        passages.push(Passage::new(lane, &device, ask.clone(), &relays[first..], screen, language)?);
    }
    drop(ask);
    let page = config.page.as_ref().map(|page| screens.serve(*page.listen.get_ref())).transpose()?;
    let page = page.map(|page| format!("http://{}/", page.addr()));
    let ready = Arc::new(Ready::new(config.lanes.len(), page));
    let mut lanes = JoinSet::new();
    for passage in passages {
        let ready = Arc::clone(&ready);
        lanes.spawn_blocking(move || passage.work(&ready));
    }
    let options =
        GateOptions { budget: Duration::from_millis(*config.budget_ms.get_ref()), ..GateOptions::default() };
    let (tell, mut link) = watch::channel(Link::Opening);
    if let Some(alone) = alone {
        tokio::spawn(alone::keep(alone.clone(), device.clone()));
    }
    tokio::spawn(ask::answer(device, options, questions, tell, alone.cloned()));
    let mut stop = pin!(signals.watch(LOOK, |told| {
        if told {
            tracing::warn!("SIGHUP changes nothing: start the gate again to have it read its configuration");
        }
    }));
    let session = tokio::select! {
        () = &mut stop => return Ok(()),
        link = link.wait_for(|link| !matches!(link, Link::Opening)) => matches!(link.as_deref(), Ok(Link::Up(_))),
    };
    ready.tell(session);
    tokio::select! {
        () = stop => Ok(()),
        ended = all(&mut lanes) => ended,
    }
}

/// Waits for the last lane, or for the first that cannot go on.
async fn all(lanes: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(ended) = lanes.join_next().await {
        ended.map_err(unavailable).context("a lane stopped")?.map_err(unavailable)?;
    }
    Ok(())
}
