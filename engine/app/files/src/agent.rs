//! A command that keeps a key elsewhere and answers 64 bytes: a smart card's tool, a vault's client, an HSM's.

use std::io::{ErrorKind, Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::moment::{Span, show_span};
use crate::unavailable;

/// A shell command that is run once for each question. It gets the question on standard input and writes 64 bytes, raw
/// or as hexadecimal digits.
#[derive(Clone, Debug)]
pub struct Agent {
    command: String,
    timeout: Span,
}

/// 64 bytes as hexadecimal digits with a line's end, and some room to tell that it is too long.
const ANSWER_BYTES_MAX: u64 = 256;
/// How often a command is looked after.
const LOOK: Duration = Duration::from_millis(10);

impl Agent {
    /// The agent behind a shell command that may take `timeout` for an answer.
    pub fn new(command: &str, timeout: Span) -> Agent {
        Agent { command: command.to_owned(), timeout }
    }

    /// What errors call it.
    pub fn name(&self) -> String {
        format!("the agent `{}`", self.command)
    }

    /// What the command makes of `message`, at most some hundred bytes. Whether that is what was asked for is for the
    /// caller to verify.
    ///
    /// # Errors
    /// It cannot be run, refuses, takes too long, or writes something else. The error names it.
    pub fn ask(&self, message: &[u8]) -> anyhow::Result<[u8; 64]> {
        let what = || self.name();
        // What it has to say to its person goes past us: standard error, and the terminal if it asks for a PIN.
        let mut child = Command::new("sh")
            .args(["-c", &self.command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(what)?;
        let answer = self.converse(&mut child, message);
        if answer.is_err() {
            // It may have ended by itself; then there is nothing to stop.
            let _ = child.kill();
            let _ = child.wait();
        }
        read_answer(&answer.with_context(what)?).with_context(what)
    }

    fn converse(&self, child: &mut Child, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        let until = Instant::now() + Duration::from_secs(self.timeout.s.into());
        let output = child.stdout.take().context("has no output")?;
        let mut input = child.stdin.take().context("takes no input")?;
        // At most some hundred bytes, which the pipe holds: this does not wait for a command that does not read.
        match input.write_all(message) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error.into()),
            _ => drop(input),
        }
        let answer = self.read_all(output, until)?;
        loop {
            match child.try_wait()? {
                Some(status) if status.success() => return Ok(answer),
                Some(status) => bail!("did not answer: {status}"),
                None if Instant::now() >= until => return Err(self.too_late()),
                None => thread::sleep(LOOK),
            }
        }
    }

    /// Reads from a thread of its own: a pipe knows no deadline, and a grandchild may keep it open for ever.
    fn read_all(&self, output: ChildStdout, until: Instant) -> anyhow::Result<Vec<u8>> {
        let (give, take) = mpsc::channel();
        thread::spawn(move || {
            let mut answer = Vec::new();
            let read = output.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).map(|_| answer);
            // No one listens any more when it took too long.
            let _ = give.send(read);
        });
        match take.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(read) => read.context("its answer cannot be read"),
            Err(RecvTimeoutError::Timeout) => Err(self.too_late()),
            Err(RecvTimeoutError::Disconnected) => bail!("its answer cannot be read"),
        }
    }

    fn too_late(&self) -> anyhow::Error {
        unavailable(format_args!(
            "gave no answer within {}; its time limit can be raised (--agent-timeout, or agent_timeout_s in engine.toml)",
            show_span(self.timeout.s)
        ))
    }
}

/// 64 bytes as they are, or as 128 hexadecimal digits with blanks around them.
fn read_answer(answer: &[u8]) -> anyhow::Result<[u8; 64]> {
    if let Ok(raw) = answer.try_into() {
        return Ok(raw);
    }
    let mut raw = [0; 64];
    if hex::decode_to_slice(answer.trim_ascii(), &mut raw).is_err() {
        bail!("wrote {} bytes: an answer is 64 bytes, or 128 hexadecimal digits", answer.len());
    }
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(case: &str, command: &str, wanted: Result<[u8; 64], &str>) {
        match (Agent::new(command, Span { s: 1 }).ask(b"to be signed"), wanted) {
            (Ok(answer), Ok(wanted)) => assert_eq!(answer, wanted, "{case}"),
            (Err(error), Err(wanted)) => {
                let said = format!("{error:#}");
                assert!(said.contains(wanted), "{case}: {said}");
            }
            (found, wanted) => panic!("{case}: {found:?}, not {wanted:?}"),
        }
    }

    #[test]
    fn an_agent_answers_in_64_bytes_or_128_digits_or_not_at_all() {
        check("digits", "printf '%0128d\\n' 0", Ok([0; 64]));
        check("raw", "printf '%064d' 0", Ok([b'0'; 64]));
        check("it hears what is asked", "grep -q '^to be signed$' && printf '%064d' 0", Ok([b'0'; 64]));
        check("too few", "printf abc", Err("wrote 3 bytes"));
        check("too many", "printf '%0300d' 0", Err("wrote 256 bytes"));
        check("nothing", "true", Err("wrote 0 bytes"));
        check("it says no", "exit 3", Err("exit status: 3"));
        check("no such command", "hufu-no-such-agent 2>/dev/null", Err("did not answer"));
        check("it never answers", "sleep 60", Err("no answer within 1 s"));
        check("it answers and stays", "printf '%064d' 0; exec >&-; sleep 60", Err("no answer within 1 s"));
    }
}
