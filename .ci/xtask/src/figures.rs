//! The two programs that measure, run briefly: their own checks must hold and their JSON must be complete.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::counts::Counts;
use crate::process::{cargo, run};

/// What every measurement says about itself.
const FIGURES: [&str; 13] = [
    "offered_per_s",
    "answered_per_s",
    "sent",
    "answered",
    "lost",
    "wrong",
    "p50_us",
    "p99_us",
    "p999_us",
    "server_cpu_us_per_check",
    "generator_limited",
    "mix",
    "build",
];

/// A short `hufu demo` at the rate that is the floor (R13).
pub(crate) fn demo() -> Result<Counts> {
    let file = "target/xtask/demo.json";
    let svg = "target/xtask/demo.svg";
    fs::create_dir_all("target/xtask")?;
    let short = ["--holders", "50000", "--rate", "8000", "--seconds", "3"];
    let demo = ["run", "--locked", "--release", "--", "demo", "--report", file, "--svg", svg];
    run(cargo(demo).args(short))?;
    ensure!(fs::read_to_string(svg).is_ok_and(|drawing| drawing.contains("<svg")), "{svg} is no drawing");
    let figures = read(file)?;
    for name in FIGURES {
        ensure!(figures.get(name).is_some(), "{file} has no {name}");
    }
    let (sent, answered) = (number(&figures, "sent")?, number(&figures, "answered")?);
    ensure!(sent > 0.0, "{file}: nothing was sent");
    ensure!(sent <= answered, "{file}: {sent} sent, {answered} answered");
    for name in ["lost", "wrong"] {
        ensure!(number(&figures, name)? == 0.0, "{file}: {name} is not 0");
    }
    Ok(Counts::ONE)
}

/// A short comparison with the peers. How large the ratios are is for docs/PERFORMANCE.md and an idle machine.
pub(crate) fn peers() -> Result<Counts> {
    let file = "target/xtask/peers.json";
    fs::create_dir_all("target/xtask")?;
    // Both packages in one build share what the demonstration has compiled; alone, its dependencies have other
    // features, and all are compiled again.
    run(&mut cargo(["build", "--locked", "--release", "--package", "hufu", "--package", "hufu-peers"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let peers = Path::new(&target).join("release/hufu-peers");
    let short = ["--holders", "100000", "--rounds", "1", "--seconds", "0.3"];
    run(Command::new(peers).args(["--json", file]).args(short))?;
    let figures = read(file)?;
    for system in ["ours", "axum-redis", "axum-dashmap"] {
        for codes in ["first_seen", "seen_again"] {
            let of_system = figures.get(system).and_then(|figures| figures.get(codes));
            let of_system = of_system.with_context(|| format!("{file} has no {system}.{codes}"))?;
            for name in ["server_cpu_us_per_check", "checks_per_s", "ratio"] {
                ensure!(number(of_system, name)? > 0.0, "{file}: {system}.{codes}.{name} is not above 0");
            }
        }
    }
    ensure!(number(&figures, "wrong")? == 0.0, "{file}: wrong is not 0");
    Ok(Counts::ONE)
}

fn read(file: &str) -> Result<Value> {
    let text = fs::read_to_string(Path::new(file)).with_context(|| format!("{file} was not written"))?;
    serde_json::from_str(&text).with_context(|| format!("{file} is not JSON"))
}

fn number(figures: &Value, name: &str) -> Result<f64> {
    match figures.get(name).and_then(Value::as_f64) {
        Some(number) => Ok(number),
        None => bail!("{name} is not a number"),
    }
}
