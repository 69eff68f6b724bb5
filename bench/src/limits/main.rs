//! Holds the whole path of a check against the sum of what its parts cost on this machine, in one run.

mod measure;
mod parts;
mod report;
mod whole;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use hufu_peers::{Scene, System};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Holds the whole path of a check against the sum of what its parts cost on this machine
///
/// The whole path is the engine behind sealed UDP, the parts are each step by itself and a bare UDP echo. All
/// are measured in CPU time, in turn, in one run. Queues are full: 32 checks to a batch.
#[derive(Parser)]
#[command(
    name = "limits",
    version,
    after_help = "Examples:\n  \
        cargo run --release -p hufu-bench\n  \
        cargo run --release -p hufu-bench -- --rounds 25 --json limits.json"
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// How often everything is measured; the median counts
    #[arg(long, default_value_t = 9)]
    rounds: u32,
    /// Also writes the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    scene: Scene,
}

#[derive(Subcommand)]
enum Command {
    /// Serves one system until standard input ends
    #[command(hide = true)]
    Serve {
        /// Which
        system: System,
        #[command(flatten)]
        scene: Scene,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("limits: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let scene = arguments.scene;
    if let Some(Command::Serve { system, .. }) = arguments.command {
        return hufu_peers::serve(system, scene);
    }
    let program = std::env::current_exe().context("where is this program?")?;
    let mut parts = parts::Parts::new(scene);
    let mut whole = whole::Whole::start(&program, scene, arguments.rounds)?;
    let mut measured = measure::Measured::default();
    for round in 1..=arguments.rounds {
        eprintln!("limits: round {round} of {}", arguments.rounds);
        parts.measure(&mut measured);
        whole.measure(&mut measured)?;
    }
    let report = report::Report::of(&measured);
    print!("{}", report.text());
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&report.json())?;
        fs::write(file, text + "\n").with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}
