//! `hufu serve`: an engine, from its configuration to SIGTERM.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tracing_subscriber::EnvFilter;

use crate::config::Config;
use crate::outcome::{Exit, unavailable};
use crate::server::{Prepared, Server};
use crate::term::say;
use crate::{about, term};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu serve --config engine.toml
  hufu serve --config engine.toml --check

docs/examples/engine.toml describes every key. When the engine is ready it prints one line to standard output:

  ready udp=ADDRESS quic=ADDRESS metrics=ADDRESS

SIGHUP looks for changed files at once, SIGTERM and SIGINT stop. RUST_LOG=debug logs more, to standard error.";

/// Run an engine.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Read every file, say what is in them, and start nothing
    #[arg(long)]
    check: bool,
    /// Stop when standard input ends, so that a child never outlives its parent
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Runs `hufu serve`.
pub(crate) fn run(args: &ServeArgs) -> anyhow::Result<Exit> {
    log_to_stderr();
    let config = Config::load(&args.config)?;
    if args.check {
        let prepared = Prepared::look(config)?;
        say!("{}: {}", args.config.display(), prepared.summary());
        return Ok(Exit::Yes);
    }
    let prepared = Prepared::load(config)?;
    tracing::info!("hufu {} ({})", env!("CARGO_PKG_VERSION"), about::commit());
    tracing::info!("signatures: {}; processor: {}", about::signature_back_end(), about::cpu_features());
    tracing::info!("transparent huge pages: {}", about::huge_pages());
    tracing::info!("{}", prepared.summary());
    // Signals are caught before the first socket opens: a stop is graceful from the first moment on.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = runtime.block_on(async { Signals::new(args.until_stdin_ends) })?;
    let mut server = prepared.start()?;
    announce(&server)?;
    let why = runtime.block_on(attend(&mut server, &mut signals));
    tracing::info!("stopping: {why}");
    server.stop();
    tracing::info!("stopped");
    Ok(Exit::Yes)
}

/// Keeps the engine up to date until something says stop.
async fn attend(server: &mut Server, signals: &mut Signals) -> &'static str {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => server.refresh(false),
            _ = signals.hangup.recv() => server.refresh(true),
            _ = signals.terminate.recv() => return "SIGTERM",
            _ = signals.interrupt.recv() => return "SIGINT",
            Some(()) = signals.stdin_ended.recv() => return "standard input ended",
        }
    }
}

struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    stdin_ended: mpsc::Receiver<()>,
}

impl Signals {
    fn new(watch_stdin: bool) -> anyhow::Result<Signals> {
        let on = |kind| signal(kind).map_err(unavailable);
        let (ended, stdin_ended) = mpsc::channel(1);
        if watch_stdin {
            // The thread ends with the process; nothing has to wait for it.
            std::thread::Builder::new().name("hufu-stdin".to_owned()).spawn(move || {
                let mut ignored = [0; 64];
                while matches!(io::stdin().lock().read(&mut ignored), Ok(1..)) {}
                ended.try_send(())
            })?;
        }
        Ok(Signals {
            hangup: on(SignalKind::hangup())?,
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            stdin_ended,
        })
    }
}

/// One line for whoever started this: where the engine is.
fn announce(server: &Server) -> io::Result<()> {
    let running = &server.running;
    let metrics = running.metrics_addr.map_or_else(|| "none".to_owned(), |address| address.to_string());
    let line = format!("udp={} quic={} metrics={metrics}", running.udp_addr, running.quic_addr);
    tracing::info!("ready {line}");
    let mut out = io::stdout().lock();
    writeln!(out, "ready {line}")?;
    out.flush()
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = io::stderr().is_terminal() && term::stderr().is_on();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colours)
        .with_target(false)
        .init();
}
