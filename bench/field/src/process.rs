//! Commands that must end well, and servers that may be killed.

use std::fs::{self, File};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// Slow machines and full cores included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A server of ours. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, and waits for a line of its standard output that begins with `ready`.
    pub(crate) fn start(command: Command, log: &Path, ready: &str) -> Result<Process> {
        let told = format!("{command:?}");
        let mut process = Process::begin(command, log)?;
        let (out, begun) = (log.with_extension("out"), Instant::now());
        while !fs::read_to_string(&out)?.lines().any(|line| line.starts_with(ready)) {
            if let Some(status) = process.child.try_wait()? {
                bail!("{told} ended with {status}:\n{}", process.log());
            }
            ensure!(begun.elapsed() < PATIENCE, "{told} does not say {ready}:\n{}", process.log());
            thread::sleep(Duration::from_millis(5));
        }
        Ok(process)
    }

    /// Starts `command`, whose standard error is appended to `log`, and waits for nothing. Its standard input is held open:
    /// `--until-stdin-ends` ends it with us, however we end.
    pub(crate) fn begin(mut command: Command, log: &Path) -> Result<Process> {
        let out = log.with_extension("out");
        let file = |path: &Path| File::options().create(true).append(true).open(path);
        fs::write(&out, "").with_context(|| out.display().to_string())?;
        let child = command
            .stdin(Stdio::piped())
            .stdout(file(&out)?)
            .stderr(file(log)?)
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        Ok(Process { child, log: log.to_owned() })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// SIGKILL; when this returns it is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn stop(&mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() {
            if begun.elapsed() > PATIENCE {
                self.kill()?;
                bail!("it had to be killed:\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command that must end well; what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Asks until the answer is `Ok`.
///
/// # Errors
/// The last answer, after 90 seconds.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    loop {
        match ask() {
            Ok(found) => return Ok(found),
            Err(error) if begun.elapsed() > PATIENCE => return Err(error.context(what.to_owned())),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// A port of the loopback that is free now, for UDP and TCP, below those that the system gives to anybody, and never
/// given twice by one process: what is restarted must be where it was.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(89);
    loop {
        let drawn = first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let port = 10_000 + u16::try_from(drawn).unwrap_or(0);
        let address = ("127.0.0.1", port);
        if UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok() {
            return port;
        }
    }
}
