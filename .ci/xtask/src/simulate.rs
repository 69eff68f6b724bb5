//! Whole deployments from one seed: briefly in every run of the tests, and for hours on request.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};
use clap::Args;

use crate::counts::Counts;
use crate::process::{cargo, run};

/// How long the seeds of a test run take, seconds. All of them are the same each time.
const SEEDS_S: u32 = 30;
/// How long the planted bugs may take together, seconds.
const PLANTED_S: u32 = 75;

#[derive(Args)]
pub(crate) struct Options {
    /// How long, in hours
    #[arg(long, default_value_t = 1.0)]
    hours: f64,
    /// Threads; one for each processor is enough
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// The first seed; the others follow it
    #[arg(long, default_value_t = 1_000_000)]
    first: u64,
    /// Repeat this seed, compare, and say how little of it is needed to fail
    #[arg(long)]
    seed: Option<u64>,
    /// With crowds at many more gates, which costs least for each check
    #[arg(long)]
    crowded: bool,
    /// Where the report goes
    #[arg(long, default_value = "target/xtask/simulate.json")]
    report: PathBuf,
}

/// The stage: the seeds from 1 on, and every planted bug.
pub(crate) fn stage() -> Result<Counts> {
    // The binary that the tests were run with: `cargo build` would choose other features for half of the tree.
    let tests = ["test", "--locked", "--workspace", "--all-features", "--exclude", "hufu-xtask"];
    run(cargo(tests).args(["--no-run", "--test", "runs"]))?;
    let seeds = SEEDS_S.to_string();
    run(simulate("debug").args(["--seconds", &seeds, "--every-fault"]))?;
    let planted = PLANTED_S.to_string();
    run(simulate("debug").args(["--planted", "--seconds", &planted]))?;
    Ok(Counts { passed: 2, failed: 0 })
}

/// The long run.
pub(crate) fn long(options: &Options) -> Result<()> {
    ensure!(options.hours > 0.0, "--hours is more than 0");
    run(&mut cargo(["build", "--locked", "--release", "--package", "hufu-simulator"]))?;
    let mut simulate = simulate("release");
    if options.crowded {
        simulate.arg("--crowded");
    }
    if let Some(seed) = options.seed {
        return run(simulate.args(["--seed", &seed.to_string()]));
    }
    if let Some(folder) = options.report.parent() {
        std::fs::create_dir_all(folder)?;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "hours of a person's")]
    let seconds = (options.hours * 3600.0) as u64;
    simulate.args(["--seconds", &seconds.to_string(), "--jobs", &options.jobs.to_string(), "--every-fault"]);
    simulate.args(["--first", &options.first.to_string()]).arg("--report").arg(&options.report);
    run(&mut simulate)
}

fn simulate(profile: &str) -> Command {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    Command::new(PathBuf::from(target).join(profile).join("simulate"))
}
