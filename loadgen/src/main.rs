//! `hufu-loadgen`: offers load to an engine and checks every answer.

mod bar;
mod cli;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use hufu_loadgen::{Ramp, Report, picture, ramp_table, table};
use serde::Serialize;

use bar::Bar;
use cli::{Arguments, Command, Load};

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
            eprintln!("{fault}");
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
    print!("{}", table(&report));
    write(load, &report, std::slice::from_ref(&report))?;
    Ok(report.fault(load.allow_loss))
}

/// Raises the rate; a ramp is at fault when no step was without one.
fn ramp(load: &Load, ramp: Ramp) -> anyhow::Result<Option<String>> {
    let plan = load.plan(ramp.from_per_s)?;
    let bar = Bar::new();
    let mut generator = load.generator(&|stage| bar.show(stage))?;
    let found = ramp.run(&mut generator, &plan, &|stage| bar.show(stage), |step| bar.said(step))?;
    bar.clear();
    println!("{}", ramp_table(&found.steps));
    println!("{:.0} checks/s without loss", found.best_per_s);
    write(load, &found, &found.steps)?;
    let wrong = found.steps.iter().find(|step| step.wrong > 0).and_then(|step| step.fault(true));
    Ok(wrong.or_else(|| found.best().is_none().then(|| "every step lost something".to_owned())))
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
