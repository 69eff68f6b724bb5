//! The long runs of `bench/field`: built for speed, then run with the arguments as they are.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::process::{cargo, run, status_of};

/// What the program is told; `--help` says what it knows.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

/// Builds `program` and the `hufu` beside it, and runs it.
pub(crate) fn start(program: &str, Arguments { arguments }: &Arguments) -> Result<ExitCode> {
    let packages = ["--package", "hufu", "--features", "hufu/full", "--package", "hufu-field"];
    run(cargo(["build", "--locked", "--release"]).args(packages))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let status = status_of(Command::new(Path::new(&target).join("release").join(program)).args(arguments))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
