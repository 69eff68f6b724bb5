//! A server in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hufu_loadgen::{CpuMeter, CpuReading};
use rustix::process::{Pid, Signal, kill_process};

use crate::cores::{self, Core};
use crate::serve::{Ready, Scene, System};

/// A running server; it ends with this value.
pub struct Child {
    process: std::process::Child,
    /// Closing it tells the server to end.
    stdin: Option<ChildStdin>,
    /// Where it serves, and who works for it.
    pub ready: Ready,
    meters: Vec<CpuMeter>,
}

/// Time a server gets to end by itself.
const END_WITHIN: Duration = Duration::from_secs(5);

impl Child {
    /// Starts `system` on `core` by running `program serve` and waits until it serves.
    ///
    /// # Errors
    /// When it does not come to serve; what it says goes to standard error.
    pub fn start(
        program: &std::path::Path,
        system: System,
        scene: Scene,
        core: Option<Core>,
    ) -> anyhow::Result<Child> {
        let Scene { seed, holders, now_s } = scene;
        let mut command = Command::new(program);
        command
            .args(["serve", system.name()])
            .args([format!("--seed={seed}"), format!("--holders={holders}"), format!("--now-s={now_s}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        // A new process runs where the thread that starts it may run.
        let mut process = cores::on(core, || command.spawn())?.context("a server cannot be started")?;
        let stdin = process.stdin.take();
        let stdout = process.stdout.take().context("a server without an output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Ready = serde_json::from_str(&line)
            .with_context(|| format!("{} did not come to serve: {line}", system.name()))?;
        let pids = std::iter::once(process.id()).chain(ready.helpers.iter().copied());
        let meters = pids.map(CpuMeter::of).collect();
        Ok(Child { process, stdin, ready, meters })
    }

    /// A meter of the server's own process, without its helpers.
    pub fn meter(&self) -> CpuMeter {
        CpuMeter::of(self.process.id())
    }

    /// Stops the server's own process in its tracks; what comes waits in its sockets.
    ///
    /// # Errors
    /// When it is gone.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it is gone.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill_process(Pid::from_child(&self.process), signal)?)
    }

    /// CPU time of every process of the server so far.
    ///
    /// # Errors
    /// When one of them is gone.
    pub fn cpu(&self) -> anyhow::Result<Vec<CpuReading>> {
        self.meters.iter().map(|meter| meter.read().context("a server's CPU time")).collect()
    }

    /// Nanoseconds of CPU time since `earlier`.
    ///
    /// # Errors
    /// When a process is gone.
    pub fn cpu_ns_since(&self, earlier: &[CpuReading]) -> anyhow::Result<u64> {
        Ok(self.cpu()?.iter().zip(earlier).map(|(now, earlier)| now.since(earlier)).sum())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let asked = Instant::now();
        while asked.elapsed() < END_WITHIN {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // Either fails only where the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
