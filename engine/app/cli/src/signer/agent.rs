//! A command that signs: a smart card's tool, a vault's client, a colleague's script.

use std::io::{ErrorKind, Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hufu_codes::chain::AuthorityKey;

use hufu_files::moment::{Span, show_span};
use hufu_files::unavailable;

/// Signs by running a command once for each signature.
pub(crate) struct Agent {
    command: String,
    key: AuthorityKey,
    patience: Span,
}

/// A signature as hexadecimal digits with a line's end, and some room to tell that it is too long.
const ANSWER_BYTES_MAX: u64 = 256;
/// How often a command is looked after.
const LOOK: Duration = Duration::from_millis(10);

impl Agent {
    /// The agent behind a shell command, which signs with `key`.
    pub(super) fn new(command: &str, key: AuthorityKey, patience: Span) -> Agent {
        Agent { command: command.to_owned(), key, patience }
    }

    /// The public half of what it signs with.
    pub(super) fn key(&self) -> &AuthorityKey {
        &self.key
    }

    /// The command.
    pub(super) fn command(&self) -> &str {
        &self.command
    }

    /// What the command makes of `message`. Whether that is a signature is for the caller to verify.
    pub(super) fn sign(&self, message: &[u8]) -> anyhow::Result<[u8; 64]> {
        let what = || format!("the agent `{}`", self.command);
        // What it has to say to its person goes past us: standard error, and the terminal if it asks for a PIN.
        let mut child = Command::new("sh")
            .args(["-c", &self.command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(what)?;
        let answer = self.converse(&mut child, message);
        if answer.is_err() {
            // It may have ended by itself; then there is nobody to stop.
            let _ = child.kill();
            let _ = child.wait();
        }
        read_signature(&answer.with_context(what)?).with_context(what)
    }

    fn converse(&self, child: &mut Child, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        let until = Instant::now() + Duration::from_secs(self.patience.s.into());
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
                Some(status) => bail!("did not sign: {status}"),
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
            // Nobody listens any more when it took too long.
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
            "gave no signature within {}; --agent-timeout gives it longer",
            show_span(self.patience.s)
        ))
    }
}

/// 64 bytes as they are, or as 128 hexadecimal digits with blanks around them.
fn read_signature(answer: &[u8]) -> anyhow::Result<[u8; 64]> {
    if let Ok(raw) = answer.try_into() {
        return Ok(raw);
    }
    let mut signature = [0; 64];
    if hex::decode_to_slice(answer.trim_ascii(), &mut signature).is_err() {
        bail!("wrote {} bytes: a signature is 64 bytes, or 128 hexadecimal digits", answer.len());
    }
    Ok(signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_signature::PublicKey;
    use hufu_wire::IssuerId;

    fn check(case: &str, command: &str, wanted: Result<[u8; 64], &str>) {
        let agent =
            Agent::new(command, AuthorityKey::new(PublicKey::Ed25519([7; 32]), IssuerId(1)), Span { s: 1 });
        match (agent.sign(b"to be signed"), wanted) {
            (Ok(signature), Ok(wanted)) => assert_eq!(signature, wanted, "{case}"),
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
        check("it hears what to sign", "grep -q '^to be signed$' && printf '%064d' 0", Ok([b'0'; 64]));
        check("too few", "printf abc", Err("wrote 3 bytes"));
        check("too many", "printf '%0300d' 0", Err("wrote 256 bytes"));
        check("nothing", "true", Err("wrote 0 bytes"));
        check("it says no", "exit 3", Err("exit status: 3"));
        check("no such command", "hufu-no-such-agent 2>/dev/null", Err("did not sign"));
        check("it never answers", "sleep 60", Err("no signature within 1 s"));
        check("it answers and stays", "printf '%064d' 0; exec >&-; sleep 60", Err("no signature within 1 s"));
    }
}
