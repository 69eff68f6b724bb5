//! The engine of the demo: the same `hufu serve` that anybody runs, in a process of its own, so that its CPU time
//! can be told from the load generator's.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};

use crate::outcome::unavailable;

/// A running engine. Dropping it stops it.
pub(super) struct Engine {
    child: Child,
    /// The engine stops when this is closed.
    stdin: Option<ChildStdin>,
    /// Where it takes sealed requests.
    pub(super) udp: SocketAddr,
    /// Where it takes QUIC.
    pub(super) quic: SocketAddr,
}

/// Long enough for a snapshot of the whole country.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// A graceful stop takes two seconds at most.
const STOP_WITHIN: Duration = Duration::from_secs(5);

impl Engine {
    /// Starts an engine and waits until it is ready. Its log goes to `log`.
    pub(super) fn start(config: &Path, log: &Path) -> anyhow::Result<Engine> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut child = Command::new(program)
            .args(["serve", "--until-stdin-ends", "--config"])
            .arg(config)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .spawn()
            .context("cannot start the engine")?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("the engine has no standard output")?;
        let nowhere = SocketAddr::from(([0; 4], 0));
        // From here on whatever goes wrong stops the child.
        let mut engine = Engine { child, stdin, udp: nowhere, quic: nowhere };
        let Some(line) = first_line(stdout) else {
            let log = fs::read_to_string(log).unwrap_or_default();
            return Err(unavailable(format!("the engine did not start:\n{}", log.trim_end())));
        };
        engine.udp = address(&line, "udp=")?;
        engine.quic = address(&line, "quic=")?;
        Ok(engine)
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let begun = Instant::now();
        while begun.elapsed() < STOP_WITHIN {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        // Nothing is lost by it: the engine keeps no session and its memory is on disk.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line of the engine's output, `None` when it ends or says nothing in time.
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

fn address(line: &str, name: &str) -> anyhow::Result<SocketAddr> {
    line.split_ascii_whitespace()
        .find_map(|word| word.strip_prefix(name)?.parse().ok())
        .ok_or_else(|| anyhow!("the engine said {line:?} and not where it is"))
}
