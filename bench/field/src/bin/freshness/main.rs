//! How fresh verdicts are: from the registry's commit until a gate sees the change, and what applying changes does to
//! checks. Real processes, one machine, one clock.

mod delay;
mod flood;
mod load;
mod print;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

/// How fresh verdicts are
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The `hufu` that runs as registry and engine, built with every feature [default: beside this program]
    #[arg(long, value_name = "FILE", global = true)]
    hufu: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  cargo build --release -p hufu --features full -p hufu-field
  target/release/freshness delay --feed http
  target/release/freshness delay --feed nats --rate 60000
  target/release/freshness flood --rate 8000 --changes-per-s 100000";

#[derive(Debug, Subcommand)]
enum Command {
    /// From the registry's commit to the first verdict that takes the change into account
    Delay(delay::DelayArgs),
    /// Latency of checks without changes and while many are applied, in turns
    Flood(flood::FloodArgs),
}

/// A load beside everything else.
#[derive(Clone, Debug, Args)]
struct LoadArgs {
    /// Checks a second that a generator offers meanwhile; 0 for none
    #[arg(long, value_name = "CHECKS", default_value_t = 0)]
    rate: u32,
    /// What is checked: a mix of `hufu-loadgen`
    #[arg(long, value_name = "MIX", default_value = "again")]
    mix: hufu_loadgen::Mix,
    /// Holders of the world that is checked
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    holders: u32,
    /// Phones that codes come from
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    phones: usize,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("freshness: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let hufu = hufu_field::begin(arguments.hufu.as_deref())?;
    match &arguments.command {
        Command::Delay(args) => delay::run(&hufu, args),
        Command::Flood(args) => flood::run(&hufu, args),
    }
}
