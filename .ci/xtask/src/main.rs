//! `cargo xtask test`: every check the project has, stage by stage, as its CI runs them. `cargo xtask mutate` checks
//! the tests themselves; `cargo xtask torture`, `soak` and `overload` show what it withstands; `cargo xtask package` makes what
//! is installed.

mod clients;
mod counts;
mod dependencies;
mod field;
mod figures;
mod fuzz;
mod licence;
mod mutate;
mod package;
mod process;
mod runner;
mod simulate;
mod sizes;
mod stages;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{CommandFactory, Parser, Subcommand};

/// Every check the project has.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Run the stages in order and stop at the first failure
    Test {
        /// Run only this stage; may be given several times
        #[arg(long, value_name = "STAGE", value_parser = stage_names())]
        only: Vec<String>,
        /// Name the stages and what each does, and run nothing
        #[arg(long)]
        list: bool,
    },
    /// Change the code of floors 1 to 3 step by step and see whether a test fails each time
    Mutate(mutate::Options),
    /// Kill a whole deployment at random and judge all that it answers
    Torture(field::Arguments),
    /// Hours of steady load with changes, reloads and renewals: does anything grow?
    Soak(field::Arguments),
    /// Offer every door of a deployment ten times what it can answer
    Overload(field::Arguments),
    /// Run every fuzz target under libFuzzer, guided by what inputs reach, and the registry's API from its document
    Fuzz(fuzz::Options),
    /// Make Debian packages, a container image and a bill of materials, the same bytes each time
    Package(package::Options),
    /// Run whole deployments from one seed each, for hours, and write a report
    Simulate(simulate::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    std::env::set_current_dir(root())?;
    match arguments.command {
        Some(Task::Mutate(options)) => return mutate::run(&options),
        Some(Task::Torture(arguments)) => return field::start("torture", &arguments),
        Some(Task::Soak(arguments)) => return field::start("soak", &arguments),
        Some(Task::Overload(arguments)) => return field::start("overload", &arguments),
        Some(Task::Fuzz(options)) => return fuzz::run(&options),
        Some(Task::Package(options)) => package::run(&options)?,
        Some(Task::Simulate(options)) => simulate::long(&options)?,
        None => Arguments::command().print_help()?,
        Some(Task::Test { list: true, .. }) => runner::list(stages::ALL),
        Some(Task::Test { only, list: false }) => {
            return Ok(runner::run(&runner::chosen(stages::ALL, &only)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn stage_names() -> PossibleValuesParser {
    PossibleValuesParser::new(stages::ALL.iter().map(|stage| stage.name))
}

/// The top of the tree: two folders above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
