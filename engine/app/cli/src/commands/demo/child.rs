//! Processes of the demo: the same commands that anybody runs, each in a process of its own, so that what an engine
//! takes can be told from what the registry and the load generator take.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use hufu_authority::figures;
use hufu_files::unavailable;

/// A running command that says on one line that it is ready. Dropping it stops it.
pub(super) struct Process {
    child: Child,
    /// The command stops when this is closed.
    stdin: Option<ChildStdin>,
    /// What it said.
    ready: String,
}

/// A running registry.
pub(super) struct Registry {
    process: Process,
    /// Where its API is.
    pub(super) api: SocketAddr,
}

/// A running engine.
pub(super) struct Engine {
    process: Process,
    /// Where it takes sealed requests.
    pub(super) udp: SocketAddr,
    /// Where it takes QUIC.
    pub(super) quic: SocketAddr,
    metrics: SocketAddr,
}

/// Long enough for a snapshot of the whole country.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// A graceful stop takes two seconds at most, and warm copies their time.
const STOP_WITHIN: Duration = Duration::from_secs(10);

impl Registry {
    /// Starts a registry and waits until it answers. Its log goes to `log`.
    pub(super) fn start(config: &Path, log: &Path) -> anyhow::Result<Registry> {
        let arguments = ["registry", "serve", "--until-stdin-ends", "--config"].map(OsStr::new);
        let process =
            Process::start("the registry", None, &[&arguments[..], &[config.as_os_str()]].concat(), log)?;
        let api = process.address("api=")?;
        Ok(Registry { process, api })
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.process.child.id()
    }
}

impl Engine {
    /// Starts an engine and waits until it is ready. Its log goes to `log`.
    pub(super) fn start(config: &Path, log: &Path) -> anyhow::Result<Engine> {
        let arguments = ["serve", "--until-stdin-ends", "--config"].map(OsStr::new);
        let process =
            Process::start("the engine", None, &[&arguments[..], &[config.as_os_str()]].concat(), log)?;
        let [udp, quic, metrics] = ["udp=", "quic=", "metrics="].map(|name| process.address(name));
        Ok(Engine { process, udp: udp?, quic: quic?, metrics: metrics? })
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// Where its figures are.
    pub(super) fn metrics(&self) -> SocketAddr {
        self.metrics
    }

    /// How many verdicts it counted.
    pub(super) fn verdicts(&self) -> anyhow::Result<u64> {
        let page = self.figures()?;
        let counts =
            page.lines().filter_map(|line| line.strip_prefix("hufu_verdicts_total{")?.rsplit_once(' '));
        Ok(counts.filter_map(|(_, count)| count.parse::<u64>().ok()).sum())
    }

    /// Its metrics page, as Prometheus gets it.
    pub(super) fn figures(&self) -> anyhow::Result<String> {
        figures::page(&self.metrics.to_string()).context("the engine does not show its figures")
    }
}

impl Process {
    /// Starts a command that serves, in `folder` when one is told, and waits until it says that it is ready.
    pub(super) fn start(
        name: &str,
        folder: Option<&Path>,
        arguments: &[&OsStr],
        log: &Path,
    ) -> anyhow::Result<Process> {
        let mut child = Command::new(program()?)
            .args(arguments)
            .current_dir(folder.unwrap_or(Path::new(".")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        // From here on whatever goes wrong stops the child.
        let mut process = Process { child, stdin, ready: String::new() };
        let stdout = stdout.with_context(|| format!("{name} has no standard output"))?;
        let Some(line) = first_line(stdout) else {
            let log = fs::read_to_string(log).unwrap_or_default();
            return Err(unavailable(format!("{name} did not start:\n{}", log.trim_end())));
        };
        process.ready = line;
        Ok(process)
    }

    /// The address after `name` in what it said.
    pub(super) fn address(&self, name: &str) -> anyhow::Result<SocketAddr> {
        let after = self.ready.split_once(name).map(|(_, after)| after);
        let address = after.and_then(|after| after.split_ascii_whitespace().next()?.parse().ok());
        address
            .ok_or_else(|| anyhow!("a process printed {:?} in place of its addresses", self.ready.trim_end()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let begun = Instant::now();
        while begun.elapsed() < STOP_WITHIN {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        // Nothing is lost by it: an engine keeps no session, and what both remember is on disk.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command of this program to its end, which must be good; what it printed.
pub(super) fn run(folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program()?).args(arguments).current_dir(folder).stdin(Stdio::null()).output();
    let output = output.context("cannot run a command")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("hufu {} ended with {}: {}", arguments.join(" "), output.status, said.trim_end());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// This program's own file.
pub(super) fn program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot find this program's own file")
}

/// The first line of a command's output, `None` when it ends or says nothing in time.
fn first_line(stdout: ChildStdout) -> Option<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        if matches!(BufReader::new(stdout).read_line(&mut line), Ok(1..)) {
            // Whoever waited may have given up.
            let _ = send.send(line);
        }
    });
    receive.recv_timeout(READY_WITHIN).ok()
}
