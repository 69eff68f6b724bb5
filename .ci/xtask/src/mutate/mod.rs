//! `cargo xtask mutate`: changes the code of floors 1 to 3 one small step at a time and asks whether a test fails.
//! cargo-mutants makes the changes. What may survive stands with its reason in `.ci/mutants.toml`; `docs/TESTING.md`
//! says how to read a survivor.

mod accepted;
mod outcomes;
mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::process::{cargo, is_installed, output_of, status_of};
use accepted::Accepted;
use outcomes::{Mutant, Tally};

/// What to mutate.
#[derive(Args)]
pub(crate) struct Options {
    /// Mutate only this package; may be given several times
    #[arg(long, value_name = "PACKAGE", value_parser = clap::builder::PossibleValuesParser::new(ROOMS.map(|room| room.package)))]
    package: Vec<String>,
    /// Take every N-th mutant of each package, beginning with number K (from 0)
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
    /// Take only mutants of lines that differ from this commit
    #[arg(long, value_name = "BASE")]
    in_diff: Option<String>,
}

/// A package whose code is mutated.
struct Room {
    package: &'static str,
    folder: &'static str,
    /// A further package whose tests guard it, and its folder.
    guard: Option<(&'static str, &'static str)>,
}

const fn room(package: &'static str, folder: &'static str) -> Room {
    Room { package, folder, guard: None }
}

/// Floors 1 to 3. The rules of the registry are tested over a store, a gate against an engine that serves.
const ROOMS: [Room; 9] = [
    room("hufu-wire", "engine/core/wire"),
    room("hufu-signature", "engine/core/signature"),
    room("hufu-codes", "engine/core/codes"),
    room("hufu-table", "engine/core/table"),
    room("hufu-policy", "engine/core/policy"),
    room("hufu-check", "engine/checks/check"),
    room("hufu-sync", "engine/changes/sync"),
    Room {
        guard: Some(("hufu-sqlite", "engine/truth/sqlite")),
        ..room("hufu-registry", "engine/truth/registry")
    },
    Room {
        guard: Some(("hufu-transport", "engine/checks/transport")),
        ..room("hufu-client", "engine/checks/client")
    },
];

/// Test files that would only cost time. Fuzz targets and programs under load run for seconds, and what they would
/// catch is caught before; `loom` needs a build of its own.
const LEFT_OUT: [&str; 3] = ["stress", "disk_full", "loom"];

/// Where the copy of the tree and the reports are.
const FOLDER: &str = "target/mutate";
const LIST: &str = ".ci/mutants.toml";

/// A mutant's tests may take so many times as long as without it. A mutant that takes longer counts as caught.
const TIMES_AS_LONG: u32 = 5;
/// And at least this long.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Runs the mutants; the exit code says whether each was caught or is on the list.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    for tool in ["cargo-mutants", "cargo-nextest"] {
        ensure!(is_installed(tool), "{tool} is missing: run `cargo install {tool} --locked`");
    }
    let accepted = Accepted::read(LIST)?;
    let diff = options.in_diff.as_deref().map(write_diff).transpose()?;
    tree::copy(Path::new(FOLDER).join("tree").as_path())?;

    let is_whole = options.shard.is_none() && options.in_diff.is_none();
    let mut mutants = Vec::new();
    let mut tallies = Vec::new();
    for room in ROOMS.iter().filter(|room| {
        options.package.is_empty() || options.package.iter().any(|package| package == room.package)
    }) {
        let of_room = mutate(room, options.shard.as_deref(), diff.as_deref(), &accepted)?;
        tallies.push((room.package, Tally::of(&of_room)));
        mutants.extend(of_room);
    }
    let judgement = accepted.judge(&mutants);
    println!("\n━━ mutants\n{}", outcomes::table(&tallies));
    println!("{} survivors are accepted in {LIST}", judgement.accepted);
    if is_whole {
        for entry in &judgement.gone {
            println!("warning: {LIST}: no such survivor any more, delete the entry: {entry}");
        }
    }
    if judgement.unexplained.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "\nSurvivors that {LIST} does not name. Write a test that fails for each, or an entry with a reason:"
    );
    for mutant in &judgement.unexplained {
        println!("   {} (line {})", mutant.name, mutant.line);
    }
    Ok(ExitCode::FAILURE)
}

/// Runs the mutants of one package.
fn mutate(room: &Room, shard: Option<&str>, diff: Option<&str>, accepted: &Accepted) -> Result<Vec<Mutant>> {
    let output = Path::new(FOLDER).join(room.package);
    if output.exists() {
        fs::remove_dir_all(&output)?;
    }
    fs::create_dir_all(&output)?;
    let output = output.canonicalize()?;
    let emulated = room.package == "hufu-signature" && !runs_lanes();
    let guard =
        room.guard.or(emulated.then_some(("hufu-signature-emulated", "engine/core/signature/emulated")));
    let mut command = cargo(["mutants", "--in-place", "--no-config", "--test-tool", "nextest"]);
    let mut packages = vec![room.package];
    let mut files = test_files(room.folder)?;
    if let Some((package, folder)) = guard {
        packages.push(package);
        files.append(&mut test_files(folder)?);
    }
    // cargo-mutants would run the tests of the mutated package alone, and fail over the files of the other.
    let timeout = (whole_run(&packages, &files)? * TIMES_AS_LONG).max(SHORTEST_TIMEOUT);
    command
        .args(["--package", room.package, "--cargo-arg=--lib", "--baseline", "skip"])
        .args(["--timeout", &timeout.as_secs().to_string()])
        .args(packages.iter().flat_map(|package| ["--test-package", package]))
        .args(files.iter().map(|name| format!("--cargo-arg=--test={name}")))
        .arg("--output")
        .arg(&output)
        .args(accepted.excluded().flat_map(|pattern| ["--exclude-re", pattern]))
        .current_dir(Path::new(FOLDER).join("tree"));
    if let Some(shard) = shard {
        command.args(["--shard", shard, "--sharding", "round-robin"]);
    }
    if let Some(diff) = diff {
        command.args(["--in-diff", diff]);
    }
    match status_of(&mut command)?.code() {
        // All caught, some missed, some timed out.
        Some(0 | 2 | 3) => {}
        code => bail!("cargo mutants ended with {code:?}; its log is in {}", output.display()),
    }
    let report = output.join("mutants.out/outcomes.json");
    // Without a single mutant there is no report.
    if !report.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&report).with_context(|| format!("{} cannot be read", report.display()))?;
    outcomes::read(&text).with_context(|| report.display().to_string())
}

/// Builds and runs the tests of these packages without a mutant, and says how long running them took.
fn whole_run(packages: &[&str], files: &BTreeSet<String>) -> Result<Duration> {
    let run = |extra: &[&str]| -> Result<Duration> {
        let mut command = cargo(["nextest", "run"]);
        command.args(extra).args(packages.iter().flat_map(|package| ["--package", package])).arg("--lib");
        command.args(files.iter().map(|name| format!("--test={name}")));
        command.current_dir(Path::new(FOLDER).join("tree"));
        let start = Instant::now();
        let status = status_of(&mut command)?;
        ensure!(
            status.success(),
            "the tests of {} fail without a mutant: run them alone first",
            packages.join(", ")
        );
        Ok(start.elapsed())
    };
    run(&["--no-run"])?;
    run(&[])
}

/// The test targets of the package in `folder`, apart from those left out.
fn test_files(folder: &str) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(Path::new(folder).join("tests")).into_iter().flatten() {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "rs") || path.join("main.rs").exists() {
            names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.retain(|name| !name.starts_with("fuzz") && !LEFT_OUT.contains(&name.as_str()));
    Ok(names)
}

/// Whether the tests of `hufu-signature` run the Ed25519 lanes on this CPU. Elsewhere only their emulation is tested.
fn runs_lanes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512ifma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Writes what differs from `base` to a file, and gives its path.
fn write_diff(base: &str) -> Result<String> {
    let diff = output_of(Command::new("git").args(["diff", base, "--", "engine"]))?;
    fs::create_dir_all(FOLDER)?;
    let file = Path::new(FOLDER).canonicalize()?.join("changes.diff");
    fs::write(&file, diff)?;
    Ok(file.display().to_string())
}
