//! Ours and the peers, side by side in one run.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use hufu_peers::{Options, Scene, System};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the engine beside the same checks as people build them today
///
/// Starts the engine (sealed UDP), axum with JSON, dalek and Redis, and axum with JSON, dalek and DashMap, each
/// as a process of its own, shows all of them the same codes round by round, checks every answer, and prints the
/// CPU time of all server processes per check. A bare UDP echo runs beside them.
#[derive(Parser)]
#[command(
    name = "hufu-peers",
    version,
    after_help = "Examples:\n  \
        cargo run --release -p hufu-peers\n  \
        cargo run --release -p hufu-peers -- --json peers.json\n  \
        cargo run --release -p hufu-peers -- --rounds 9 --seconds 2      a long run, for a document\n  \
        cargo run --release -p hufu-peers -- serve axum-redis            one peer, to try by hand\n\n\
        It fails when any answer was wrong. redis-server must be installed; root gets it with apt-get."
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Also writes the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    scene: Scene,
}

#[derive(Subcommand)]
enum Command {
    /// Serves one system until standard input ends, and tells where on standard output
    Serve {
        /// Which
        system: System,
        #[command(flatten)]
        scene: Scene,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hufu-peers: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(Command::Serve { system, scene }) = arguments.command {
        hufu_peers::serve(system, scene)?;
        return Ok(ExitCode::SUCCESS);
    }
    let program = std::env::current_exe().context("where is this program?")?;
    let say = |what: &str| eprintln!("hufu-peers: {what}");
    let found = hufu_peers::compare(&program, arguments.scene, arguments.options, &say)?;
    print!("{}", found.text());
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&found.json())?;
        fs::write(file, text + "\n").with_context(|| format!("{} cannot be written", file.display()))?;
    }
    if found.wrong() > 0 {
        eprintln!("hufu-peers: {} answers were wrong", found.wrong());
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
