//! `hufu serve`: an engine, from its configuration to SIGTERM.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use hufu_files::moment::{self, Clock, Moment};
use hufu_node::config::Short;
use hufu_node::{Config, Node, Prepared};
use indicatif::{ProgressBar, ProgressDrawTarget};
use serde_json::json;

use crate::outcome::Exit;
use crate::signals::{Request, Signals};
use crate::term::tell;
use crate::{about, log, term};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu serve --config engine.toml
  hufu serve --config engine.toml --check
  hufu serve --config engine.toml --follow https://registry.example:7420 --token feed.token
  hufu serve --config engine.toml --follow https://registry.example:7420,310000,100000,100000
  hufu serve --config golden/engine.toml --clock-stands-at 2026-06-21T12:00:00Z

docs/examples/engine.toml describes every key. --follow stands for a [[follow]] table with nothing
but defaults: the issuer whose chain is followed, the national platform that confirms it, and who publishes its
heads. With a URL alone the trust list says who they are, by what their keys may sign. When the engine is ready it prints one line to standard output:

  ready udp=ADDRESS quic=ADDRESS metrics=ADDRESS

and after it https=ADDRESS where that is served. With --json it is
{\"ready\": {\"udp\": [ADDRESS], \"quic\": [ADDRESS], \"metrics\": ADDRESS, \"https\": ADDRESS}}.

--clock-stands-at is for people who write clients: with the folder of `hufu demo --golden` the engine answers the golden
bytes of the project, which are all of one moment (fixtures/clients/README.md).

SIGHUP looks for changed files at once, SIGTERM and SIGINT stop. RUST_LOG=debug logs more, to standard error.";

/// Run an engine.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Follow an issuer's chain from a registry (https://) or a folder (file:); may be given again
    #[arg(long, value_name = "URL[,ISSUER,NATIONAL,PUBLISHER]")]
    follow: Vec<Short>,
    /// The token that the registries of --follow ask for
    #[arg(long, value_name = "FILE", requires = "follow")]
    token: Option<PathBuf>,
    /// Root certificates of the registries of --follow, when they are not this system's
    #[arg(long, value_name = "FILE", requires = "follow")]
    ca: Option<PathBuf>,
    /// Read every file, say what is in them, and start nothing
    #[arg(long)]
    check: bool,
    /// For tests of clients: the engine's clock stands still at this time. It listens on this machine only, follows no
    /// chain, and is never ready
    #[arg(long, value_name = "TIME", conflicts_with = "follow")]
    clock_stands_at: Option<Moment>,
    /// Stop when standard input ends, so that a child never outlives its parent
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Runs `hufu serve`.
pub(crate) fn run(args: &ServeArgs) -> anyhow::Result<Exit> {
    let mut config = Config::load(&args.config)?;
    log::to_stderr(config.log);
    let with_files = |short: &Short| short.clone().with_files(args.token.clone(), args.ca.clone());
    config.short = args.follow.iter().map(with_files).collect();
    let clock_stands_at =
        args.clock_stands_at.map(|at| Clock::here().any(at)).transpose().context("--clock-stands-at")?;
    config.clock_stands_at = clock_stands_at;
    if args.check {
        let prepared = shown(|| Prepared::look(config))?;
        let summary = prepared.summary();
        tell!({ "config": args.config, "summary": summary }, "{}: {summary}", args.config.display());
        return Ok(Exit::Yes);
    }
    let prepared = shown(|| Prepared::load(config))?;
    tracing::info!("hufu {} ({})", env!("CARGO_PKG_VERSION"), about::commit());
    tracing::info!("signatures: {}; processor: {}", about::signature_back_end(), about::cpu_features());
    tracing::info!("transparent huge pages: {}", about::huge_pages());
    tracing::info!("{}", prepared.summary());
    if let Some(at) = clock_stands_at {
        tracing::warn!(
            "NOT FOR REAL GATES: the clock of this engine stands still at {}. Codes that have expired are admitted; \
             revocations and changes of today do not count",
            moment::show(at)
        );
    }
    // Signals are caught before the first socket opens: a stop is graceful from the first moment on.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = runtime.block_on(async { Signals::new(args.until_stdin_ends) })?;
    let mut node = prepared.start()?;
    node.running.exhibit(Arc::new(log::Dropped));
    announce(&node);
    let why = runtime.block_on(attend(&mut node, &mut signals));
    tracing::info!("stopping: {why}");
    node.stop();
    tracing::info!("stopped");
    Ok(Exit::Yes)
}

/// Keeps the engine up to date until something says stop.
async fn attend(node: &mut Node, signals: &mut Signals) -> &'static str {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => node.refresh(false),
            told = signals.next() => match told {
                Request::Reload => node.refresh(true),
                Request::Stop(why) => return why,
            },
        }
    }
}

/// One line for whoever started this: where the engine is.
fn announce(node: &Node) {
    let running = &node.running;
    let metrics = running.metrics_addr.map_or_else(|| "none".to_owned(), |address| address.to_string());
    let several =
        |addresses: &[SocketAddr]| addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",");
    let (udp, quic) = (several(&running.udp_addrs), several(&running.quic_addrs));
    let https = running.https_addr.map(|address| format!(" https={address}")).unwrap_or_default();
    let line = format!("udp={udp} quic={quic} metrics={metrics}{https}");
    tracing::info!("ready {line}");
    let object = || {
        json!({
            "ready": {
                "udp": running.udp_addrs,
                "quic": running.quic_addrs,
                "metrics": running.metrics_addr,
                "https": running.https_addr,
            },
        })
    };
    term::event(object, || format!("ready {line}"));
}

/// Shows on a terminal that files and snapshots are being read.
fn shown<T>(work: impl FnOnce() -> T) -> T {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_message("reading files and snapshots");
    bar.enable_steady_tick(Duration::from_millis(100));
    let done = work();
    bar.finish_and_clear();
    done
}
