//! The targets, built with a counter at every branch, and the list of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::FOLDER;
use super::target::Target;
use crate::process::{cargo, is_installed, output_of, told};

/// What `cargo bolero test --engine libfuzzer` sets, without a sanitizer: it needs no nightly compiler and no clang, and
/// the engine has next to no unsafe code. Build scripts are not instrumented, because `--target` is given.
const FLAGS: [&str; 9] = [
    "--cfg",
    "fuzzing",
    "--cfg",
    "fuzzing_libfuzzer",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Builds what `only` needs, and finds the targets that it names; all when it names none.
pub(super) fn targets(only: &[String]) -> Result<Vec<Target>> {
    if !is_installed("c++") {
        bail!("c++ is missing: libFuzzer is built from C++ (apt-get install g++)");
    }
    let packages = packages(only)?;
    let host = host()?;
    let flags: Vec<String> = FLAGS.iter().map(|flag| format!("{flag:?}")).collect();
    let mut build =
        cargo(["test", "--no-run", "--locked", "--all-features", "--profile", "fuzz", "--test", "fuzz*"]);
    build.args(["--target", &host, "--target-dir", &format!("{FOLDER}/build")]);
    build.arg("--config").arg(format!("target.{host}.rustflags=[{}]", flags.join(",")));
    build.args(["--message-format", "json-render-diagnostics"]);
    for package in &packages {
        build.args(["--package", package]);
    }
    // Standard output may be one JSON object.
    eprintln!("$ {}", told(&build));
    let built = build.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !built.status.success() {
        bail!("the targets could not be built; the messages above are the compiler's");
    }
    let mut targets = Vec::new();
    for line in String::from_utf8(built.stdout)?.lines() {
        let artifact: Value = serde_json::from_str(line)?;
        if let (Some(exe), Some(test)) =
            (artifact["executable"].as_str(), artifact["target"]["name"].as_str())
        {
            let manifest = artifact["manifest_path"].as_str().context("cargo names no manifest")?;
            let folder = Path::new(manifest).parent().context("a manifest is in a folder")?;
            targets.extend(of_program(Path::new(exe), test, folder)?);
        }
    }
    targets.retain(|target| only.is_empty() || only.iter().any(|name| target.id.contains(name.as_str())));
    targets.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(targets)
}

/// Asks a test program for its targets, as cargo-bolero does.
fn of_program(exe: &Path, test: &str, folder: &Path) -> Result<Vec<Target>> {
    let mut ask = Command::new(exe);
    ask.args(["--nocapture", "--test-threads", "1"]).env("CARGO_BOLERO_SELECT", "all").current_dir(folder);
    let mut targets = Vec::new();
    for line in output_of(&mut ask)?.lines().filter(|line| line.starts_with("{\"__bolero_target\"")) {
        let told: Value = serde_json::from_str(line)?;
        let field = |name: &str| told[name].as_str().with_context(|| format!("no {name} in {line}"));
        targets.push(Target::new(
            field("package_name")?,
            test,
            field("test_name")?,
            exe,
            folder,
            Path::new(field("work_dir")?),
        )?);
    }
    Ok(targets)
}

/// Packages that have fuzz targets. Where `only` begins with packages' names, no others.
fn packages(only: &[String]) -> Result<BTreeSet<String>> {
    let told = output_of(&mut cargo(["metadata", "--no-deps", "--format-version", "1", "--locked"]))?;
    let told: Value = serde_json::from_str(&told)?;
    let is_fuzz = |target: &Value| {
        target["kind"][0] == "test" && target["name"].as_str().is_some_and(|name| name.starts_with("fuzz"))
    };
    let all: BTreeSet<String> = told["packages"]
        .as_array()
        .context("cargo names no packages")?
        .iter()
        .filter(|package| package["targets"].as_array().is_some_and(|targets| targets.iter().any(is_fuzz)))
        .filter_map(|package| package["name"].as_str().map(str::to_owned))
        .filter(|name| name != env!("CARGO_PKG_NAME"))
        .collect();
    let named = |name: &String| only.iter().any(|only| only.split("::").next() == Some(name));
    let is_named =
        !only.is_empty() && only.iter().all(|only| all.contains(only.split("::").next().unwrap_or("")));
    Ok(if is_named { all.into_iter().filter(named).collect() } else { all })
}

fn host() -> Result<String> {
    let told = output_of(Command::new("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}
