//! `hufu-loadgen`: offers load to an engine and checks every answer.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod bar;
mod cli;

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use bar::Bar;
use clap::Parser;
use cli::{Arguments, Command, Load};
use hufu_loadgen::{Ramp, Report, picture, ramp_table, table};
use serde::Serialize;

fn main() -> anyhow::Result<ExitCode> {
    let fault = match Arguments::parse().command {
        Command::Run { load, rate } => run(&load, rate)?,
        Command::Ramp { load, from, to, factor, refinements } => {
            ramp(&load, Ramp { from_per_s: from, to_per_s: to, factor, refinements })?
        }
    };
    Ok(match fault {
        None => ExitCode::SUCCESS,
        Some(fault) => {
            // The exit status says it too.
            let _ = writeln!(io::stderr(), "{fault}");
            ExitCode::FAILURE
        }
    })
}

/// Offers one load; returns what was wrong with it.
fn run(load: &Load, rate: u32) -> anyhow::Result<Option<String>> {
    let plan = load.plan(rate)?;
    let bar = Bar::new();
    let report = load.generator(&|stage| bar.show(stage))?.run(&plan, &|stage| bar.show(stage))?;
    bar.clear();
    write(load, &report, std::slice::from_ref(&report))?;
    say(&table(&report))?;
    Ok(report.fault(load.allow_loss))
}

/// Raises the rate; a ramp is at fault when no step was without one.
fn ramp(load: &Load, ramp: Ramp) -> anyhow::Result<Option<String>> {
    let plan = load.plan(ramp.from_per_s)?;
    let bar = Bar::new();
    let mut generator = load.generator(&|stage| bar.show(stage))?;
    let found = ramp.run(&mut generator, &plan, &|stage| bar.show(stage), |step| bar.said(step))?;
    bar.clear();
    write(load, &found, &found.steps)?;
    say(&format!("{}\n{:.0} checks/s without loss\n", ramp_table(&found.steps), found.best_per_s))?;
    let wrong = found.steps.iter().find(|step| step.wrong > 0).and_then(|step| step.fault(true));
    Ok(wrong.or_else(|| found.best().is_none().then(|| "every step lost something".to_owned())))
}

/// Prints the figures, which are in the files by then. A reader that closes the pipe early is no fault.
fn say(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot print the figures")
        }
        _ => Ok(()),
    }
}

fn write(load: &Load, figures: &impl Serialize, reports: &[Report]) -> anyhow::Result<()> {
    let put = |path: &Path, text: String| {
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    if let Some(path) = &load.json {
        put(path, serde_json::to_string_pretty(figures)? + "\n")?;
    }
    if let Some(path) = &load.svg {
        put(path, picture(reports))?;
    }
    Ok(())
}
