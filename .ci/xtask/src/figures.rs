//! The two programs that measure, run briefly: their own checks must hold and their JSON must be complete.

use std::fs;
use std::path::Path;

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
    let short = ["--holders", "50000", "--rate", "8000", "--seconds", "3"];
    measure(&["hufu", "--", "demo", "--json", file, "--svg", svg], &short)?;
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

/// A short comparison with the peers.
pub(crate) fn peers() -> Result<Counts> {
    let file = "target/xtask/peers.json";
    measure(&["hufu-peers", "--", "--json", file], &[])?;
    let figures = read(file)?;
    ensure!(figures.get("ours").is_some(), "{file} has no figures of ours");
    Ok(Counts::ONE)
}

fn measure(package_and_arguments: &[&str], more: &[&str]) -> Result<()> {
    fs::create_dir_all("target/xtask")?;
    run(cargo(["run", "--locked", "--release", "--package"]).args(package_and_arguments).args(more))
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
