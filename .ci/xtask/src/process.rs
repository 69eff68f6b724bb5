//! Running other programs, and saying which.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::counts::Counts;

/// `cargo` as this program was started by it.
pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Runs `command` to its end. An error when it cannot start or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status_of(command)?;
    if status.success() { Ok(()) } else { bail!("`{}` ended with {status}", told(command)) }
}

/// Runs `command` to its end. An error when it cannot start.
pub(crate) fn status_of(command: &mut Command) -> Result<ExitStatus> {
    say(command);
    command.stdin(Stdio::null()).status().with_context(|| cannot_start(command))
}

/// Runs a test runner, passes on what it prints, and adds up its closing lines.
pub(crate) fn run_counting(command: &mut Command) -> Result<Counts> {
    say(command);
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| cannot_start(command))?;
    let from_stderr = child.stderr.take().map(|stderr| thread::spawn(|| pass_on(stderr, std::io::stderr())));
    let mut counts = match child.stdout.take() {
        Some(stdout) => pass_on(stdout, std::io::stdout())?,
        None => Counts::default(),
    };
    match from_stderr.map(thread::JoinHandle::join) {
        Some(Ok(more)) => counts += more?,
        Some(Err(_)) => bail!("lost the output of `{}`", told(command)),
        None => {}
    }
    let status = child.wait()?;
    if status.success() {
        return Ok(counts);
    }
    bail!("`{}` ended with {status} after {} passed, {} failed", told(command), counts.passed, counts.failed)
}

/// What `command` prints, as text.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", told(command), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether a program of this name is on the path.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// An engine or a registry that runs. It is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// The line that it printed when it was ready: `ready udp=127.0.0.1:7410 ...`.
    ready: String,
}

/// How long a server may take until it is ready; machines are slow and shared.
const READY_MAX: Duration = Duration::from_secs(30);

impl Server {
    /// Starts `command` and waits until it is ready.
    pub(crate) fn start(command: &mut Command) -> Result<Server> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut server =
            Server { child: child.with_context(|| cannot_start(command))?, ready: String::new() };
        let stdout = server.child.stdout.take().context("no output")?;
        let (sender, line) = mpsc::channel();
        thread::spawn(move || {
            let mut ready = String::new();
            // Without a line the receiver sees an empty one.
            let _ = BufReader::new(stdout).read_line(&mut ready);
            let _ = sender.send(ready);
        });
        server.ready = line.recv_timeout(READY_MAX).unwrap_or_default();
        if !server.ready.starts_with("ready ") {
            bail!("`{}` has ended, or was not ready within {} s", told(command), READY_MAX.as_secs());
        }
        Ok(server)
    }

    /// An address of the line: `udp`, `quic`, `metrics`, `api`.
    pub(crate) fn address(&self, name: &str) -> Result<&str> {
        let found = self.ready.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        found.with_context(|| format!("no {name} in {:?}", self.ready))
    }

    /// Stops it as systemd does; an error when it does not end well.
    pub(crate) fn stop(mut self) -> Result<()> {
        // A shell has its own `kill`; a small machine has no other.
        output_of(Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]))?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { bail!("the server ended with {status}") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left of it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pass_on(from: impl Read, mut to: impl Write) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        counts += Counts::of_line(&String::from_utf8_lossy(&line)).unwrap_or_default();
        line.clear();
    }
    to.flush()?;
    Ok(counts)
}

fn say(command: &Command) {
    println!("$ {}", told(command));
}

fn cannot_start(command: &Command) -> String {
    format!("`{}` cannot be started", told(command))
}

/// The command as one would type it, with what it adds to the environment.
pub(crate) fn told(command: &Command) -> String {
    let mut told = String::new();
    for (name, value) in command.get_envs() {
        let value = value.unwrap_or_default().to_string_lossy();
        let quote = if value.contains(' ') { "\"" } else { "" };
        let _ = write!(told, "{}={quote}{value}{quote} ", name.to_string_lossy());
    }
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    told.push_str(&program.to_string_lossy());
    for argument in command.get_args() {
        told.push(' ');
        told.push_str(&argument.to_string_lossy());
    }
    told
}
