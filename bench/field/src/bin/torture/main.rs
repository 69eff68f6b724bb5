//! Kills a deployment at random and shows what it answered wrongly or lost: nothing, or the command fails.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use hufu_field::torture::{Outcome, Torture};

/// Kill engines, a registry and its database at random, on bad lines and full disks, and judge every answer
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// `kill -9` so often
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    kills: u32,
    /// Draws what happens; moments are the machine's [default: the clock]
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Engines
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=4))]
    engines: u32,
    /// A PostgreSQL of its own, which is killed too, in place of SQLite
    #[arg(long)]
    postgres: bool,
    /// Checks a second that a generator offers beside the gates; 0 for none
    #[arg(long, value_name = "CHECKS", default_value_t = 300)]
    rate: u32,
    /// The `hufu` that is killed, built with every feature [default: beside this program]
    #[arg(long, value_name = "FILE")]
    hufu: Option<PathBuf>,
    /// One JSON object in place of a table
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  cargo xtask torture --kills 1000
  cargo xtask torture --kills 200 --postgres --json
  cargo xtask torture --kills 50 --seed 7";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !hufu_field::is_within() {
        match hufu_field::within() {
            Ok(mut command) => return again(command.args(std::env::args_os().skip(1))),
            Err(why) => eprintln!("torture: disks stay as large as they are: {why:#}"),
        }
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("torture: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs this program again where it may mount small disks.
fn again(command: &mut std::process::Command) -> ExitCode {
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("torture: {command:?}: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "it is what the program is for")]
fn run(arguments: &Arguments) -> Result<()> {
    let hufu = hufu_field::begin(arguments.hufu.as_deref())?;
    let torture = Torture {
        kills: arguments.kills,
        seed: arguments.seed.unwrap_or_else(hufu_field::now_us),
        engines: usize::try_from(arguments.engines)?,
        postgres: arguments.postgres,
        rate: arguments.rate,
    };
    eprintln!("seed {}", torture.seed);
    let outcome = torture.run(&hufu, &|outcome| progress(outcome, torture.kills))?;
    if std::io::stderr().is_terminal() {
        eprintln!();
    }
    if arguments.json {
        println!("{}", outcome.json());
    } else {
        print!("{}", outcome.table());
    }
    Ok(())
}

/// One line that is written over on a terminal; elsewhere a line now and then.
fn progress(outcome: &Outcome, of: u32) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        // A terminal that is gone is no reason to end.
        let _ = write!(err, "\r\x1b[K{}", outcome.line(of));
        let _ = err.flush();
    } else if outcome.killed().is_multiple_of(25) {
        let _ = writeln!(err, "{}", outcome.line(of));
    }
}
