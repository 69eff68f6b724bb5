//! One target: its turns under libFuzzer, and what they found.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{FOLDER, corpus};

/// An input that takes longer than this many seconds is a failure, and so is more memory than this.
const INPUT_S_MAX: u32 = 20;
const MEMORY_MIB_MAX: u32 = 3072;
/// How many rounds a target is left out at most that finds nothing.
const REST_ROUNDS_MAX: u32 = 4;

/// A target of bolero in a test program.
pub(super) struct Target {
    /// `PACKAGE::NAME`.
    pub(super) id: String,
    package: String,
    test: String,
    name: String,
    exe: PathBuf,
    folder: PathBuf,
    /// Inputs in the repository.
    kept: PathBuf,
    /// Inputs that failed, in the repository until they pass.
    crashes: PathBuf,
    /// All inputs that reached something, in the target folder.
    working: PathBuf,
    log: PathBuf,
    took: Duration,
    executions: u64,
    edges: u64,
    features: u64,
    idle_turns: u32,
    rests: u32,
    sizes: corpus::Sizes,
    /// What failed, and how to see it again.
    pub(super) failure: Option<String>,
}

impl Target {
    /// The target `name` of the program `exe`, made from `tests/TEST.rs` in `folder`; bolero keeps its inputs in `beside`.
    pub(super) fn new(
        package: &str,
        test: &str,
        name: &str,
        exe: &Path,
        folder: &Path,
        beside: &Path,
    ) -> Result<Target> {
        let id = format!("{package}::{name}");
        let file = id.replace("::", "-");
        let here = std::env::current_dir()?;
        let target = Target {
            kept: beside.join("corpus"),
            crashes: beside.join("crashes"),
            working: here.join(FOLDER).join("corpus").join(&file),
            log: here.join(FOLDER).join("logs").join(file).with_extension("log"),
            exe: exe.to_owned(),
            folder: folder.to_owned(),
            package: package.to_owned(),
            test: test.to_owned(),
            name: name.to_owned(),
            id,
            took: Duration::ZERO,
            executions: 0,
            edges: 0,
            features: 0,
            idle_turns: 0,
            rests: 0,
            sizes: corpus::Sizes::default(),
            failure: None,
        };
        fs::create_dir_all(&target.working)?;
        fs::create_dir_all(target.log.parent().context("logs have a folder")?)?;
        Ok(target)
    }

    /// This target when it has a turn in this round.
    pub(super) fn if_due(&mut self) -> Option<&mut Target> {
        if self.rests > 0 {
            self.rests -= 1;
            return None;
        }
        self.failure.is_none().then_some(self)
    }

    /// Runs it for about `time`.
    pub(super) fn turn(&mut self, time: Duration) -> Result<()> {
        fs::create_dir_all(&self.crashes)?;
        let mut arguments = vec![self.working.display().to_string()];
        if self.kept.is_dir() {
            arguments.push(self.kept.display().to_string());
        }
        arguments.extend([
            format!("-artifact_prefix={}/", self.crashes.display()),
            format!("-max_total_time={}", time.as_secs().max(1)),
            format!("-timeout={INPUT_S_MAX}"),
            format!("-rss_limit_mb={MEMORY_MIB_MAX}"),
            "-print_final_stats=1".to_owned(),
        ]);
        let started = Instant::now();
        let passed = self.start(&arguments.join(" "))?;
        self.took += started.elapsed();
        // Removed when nothing was put there.
        let _ = fs::remove_dir(&self.crashes);
        let log = String::from_utf8_lossy(&fs::read(&self.log)?).into_owned();
        let found = Found::read(&log);
        self.executions += found.executions;
        self.edges = self.edges.max(found.edges);
        self.idle_turns = if found.features > self.features { 0 } else { self.idle_turns + 1 };
        self.rests = self.idle_turns.min(REST_ROUNDS_MAX);
        self.features = self.features.max(found.features);
        if !passed {
            self.failure = Some(self.failed(&log));
        }
        eprintln!(
            "{:<46} {:>6.0} s {:>11} executions, {} edges, {} features{}",
            self.id,
            self.took.as_secs_f64(),
            self.executions,
            self.edges,
            self.features,
            if passed { "" } else { ", FAILED" }
        );
        Ok(())
    }

    /// Runs the target with these arguments of libFuzzer; whether it ended well.
    fn start(&self, arguments: &str) -> Result<bool> {
        let log = File::create(&self.log)?;
        let status = Command::new(&self.exe)
            .args([&self.name, "--exact", "--nocapture", "--quiet", "--test-threads", "1"])
            .env("BOLERO_LIBFUZZER_ARGS", arguments)
            .env("RUST_BACKTRACE", "1")
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .status()
            .with_context(|| format!("{} cannot be started", self.exe.display()))?;
        Ok(status.success())
    }

    fn failed(&self, log: &str) -> String {
        let Target { id, package, test, name, .. } = self;
        let input =
            log.lines().find_map(|line| line.split_once("Test unit written to ").map(|(_, path)| path));
        let replay = format!("cargo test --package {package} --all-features --test {test} {name} -- --exact");
        let log = self.log.display();
        match input {
            Some(path) if path.contains("/crash-") => format!(
                "{id} failed.\n   input:  {path}\n   replay: {replay}\n   log:    {log}\n   \
                 Correct the code, then move the input from crashes/ to corpus/."
            ),
            // Random tests have no such limits, so only this build shows it.
            Some(path) => format!(
                "{id} took more than {INPUT_S_MAX} s or {MEMORY_MIB_MAX} MiB.\n   input:  {path}\n   \
                 replay: BOLERO_LIBFUZZER_ARGS={path} {} {name} --exact --nocapture\n   log:    {log}",
                self.exe.display()
            ),
            None => format!("{id} ended without an input; its log says why: {log}"),
        }
    }

    /// Takes out of the working corpus what others reach too, and copies the best of the rest to the kept one.
    pub(super) fn tidy(&mut self) -> Result<()> {
        let control = self.working.with_extension("control");
        let started = |files: &str| {
            fs::write(&control, files)?;
            // An input that fails here lies in a corpus already.
            let arguments = format!(
                "-merge_control_file={} -merge_inner=1 -artifact_prefix={}/",
                control.display(),
                self.working.parent().unwrap_or(&self.working).display()
            );
            let passed = self.start(&arguments)?;
            Ok(if passed { Some(fs::read_to_string(&control)?) } else { None })
        };
        let sizes = corpus::tidy(&self.kept, &self.working, started)?;
        let _ = fs::remove_file(&control);
        self.sizes = sizes;
        Ok(())
    }

    /// One line of the table.
    pub(super) fn row(&self) -> String {
        format!(
            "{:<46} {:>5.0} s {:>12} {:>8.0} {:>7} {:>7} {:>7} {:>5} {:>5}  {}\n",
            self.id,
            self.took.as_secs_f64(),
            self.executions,
            self.per_second(),
            self.edges,
            self.features,
            self.sizes.working,
            self.sizes.kept,
            self.sizes.new,
            if self.failure.is_some() { "YES" } else { "-" }
        )
    }

    /// The same as JSON.
    pub(super) fn told(&self) -> Value {
        json!({
            "target": self.id,
            "seconds": self.took.as_secs(),
            "executions": self.executions,
            "executions_per_s": self.per_second().round(),
            "edges": self.edges,
            "features": self.features,
            "corpus": self.sizes.working,
            "kept": self.sizes.kept,
            "new": self.sizes.new,
            "failure": self.failure,
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "shown to a person")]
    fn per_second(&self) -> f64 {
        self.executions as f64 / self.took.as_secs_f64().max(1.0)
    }
}

/// What one turn says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    executions: u64,
    edges: u64,
    features: u64,
}

impl Found {
    /// Reads libFuzzer's lines: `#4096 NEW cov: 310 ft: 922 corp: ...` and `stat::number_of_executed_units: 4096`.
    fn read(log: &str) -> Found {
        let mut found = Found::default();
        for line in log.lines().filter(|line| line.starts_with('#') || line.starts_with("stat::")) {
            let after = |word: &str| -> Option<u64> {
                let (_, rest) = line.split_once(word)?;
                rest.split_whitespace().next()?.parse().ok()
            };
            found.edges = found.edges.max(after(" cov: ").unwrap_or(0));
            found.features = found.features.max(after(" ft: ").unwrap_or(0));
            let counted = line[1..].split_whitespace().next().and_then(|count| count.parse().ok());
            let executions = after("number_of_executed_units:").or(counted).unwrap_or(0);
            found.executions = found.executions.max(executions);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_read() {
        let log = "INFO: seed corpus: files: 3\n#4\tINITED cov: 12 ft: 13 corp: 3/9b exec/s: 0 rss: 28Mb\n\
                   #4096\tpulse  cov: 310 ft: 922 corp: 44/1Kb lim: 43 exec/s: 2048 rss: 30Mb\n";
        assert_eq!(Found::read(log), Found { executions: 4096, edges: 310, features: 922 });
        let whole = format!("{log}stat::number_of_executed_units: 5000\n");
        assert_eq!(Found::read(&whole).executions, 5000);
        assert_eq!(Found::read("test result: FAILED"), Found::default());
    }
}
