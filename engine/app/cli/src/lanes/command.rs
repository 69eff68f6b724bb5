//! Programs that get verdicts: a door, a lamp, a sound. No shell takes part, and each has a time limit.

use std::io::{ErrorKind, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::config::{CommandConfig, On};

/// A program, run once for each verdict that it wants, one run after the other.
pub(crate) struct Program {
    on: Vec<On>,
    name: String,
    verdicts: SyncSender<String>,
}

/// Verdicts that wait for a program that still runs.
const WAITING_MAX: usize = 4;
/// How often a program is looked after.
const LOOK: Duration = Duration::from_millis(5);

impl Program {
    /// Takes verdicts for the program; `lane` is for messages.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(config: &CommandConfig, lane: u16) -> std::io::Result<Program> {
        let (verdicts, given) = sync_channel::<String>(WAITING_MAX);
        let (words, on) = (config.run.get_ref().clone(), config.on.clone());
        let name = format!("lane {lane}: command {}", words[0]);
        let limit = Duration::from_millis(*config.timeout_ms.get_ref());
        let said = name.clone();
        thread::Builder::new().name("hufu-command".to_owned()).spawn(move || {
            for verdict in given {
                if let Err(why) = run(&words, &verdict, limit) {
                    tracing::error!("{said}: {why:#}");
                }
            }
        })?;
        Ok(Program { on, name, verdicts })
    }

    /// Has the program run with this verdict, if it wants it. Does not wait.
    pub(crate) fn give(&self, verdict: &Value) {
        if !self.on.is_empty() && !self.on.iter().any(|on| on.is(verdict)) {
            return;
        }
        match self.verdicts.try_send(verdict.to_string()) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                tracing::error!("{}: is too slow, and was not given a verdict", self.name);
            }
            Err(TrySendError::Disconnected(_)) => tracing::error!("{}: its thread has stopped", self.name),
        }
    }
}

impl On {
    /// Whether the verdict is of this kind.
    fn is(self, verdict: &Value) -> bool {
        let (field, word) = match self {
            On::Admit => ("decision", Some("admit")),
            On::Refuse => ("decision", Some("refuse")),
            On::Refer => ("decision", Some("refer")),
            On::None => ("decision", None),
            On::Green => ("colour", Some("green")),
            On::Amber => ("colour", Some("amber")),
            On::Red => ("colour", Some("red")),
        };
        verdict[field].as_str() == word
    }
}

/// Runs it once; what it started itself is stopped with it.
fn run(words: &[String], verdict: &str, limit: Duration) -> anyhow::Result<()> {
    let until = Instant::now() + limit;
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        // Standard output has verdicts alone.
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .context("cannot be started")?;
    let ended = give(&mut child, verdict).and_then(|()| wait(&mut child, until));
    if !matches!(ended, Ok(Some(_))) {
        // It has not been waited for, so the number is still its own.
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        child.wait()?;
    }
    match ended? {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("ended with {status}"),
        None => bail!("was killed: it ran for longer than {} ms", limit.as_millis()),
    }
}

/// A verdict is far shorter than what a pipe holds: this does not wait for a program that does not read.
fn give(child: &mut Child, verdict: &str) -> anyhow::Result<()> {
    let mut stdin = child.stdin.take().context("has no standard input")?;
    match stdin.write_all(format!("{verdict}\n").as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot be given the verdict")
        }
        _ => Ok(()),
    }
}

fn wait(child: &mut Child, until: Instant) -> anyhow::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}
