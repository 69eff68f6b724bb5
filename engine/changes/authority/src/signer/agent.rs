//! A command that signs: a smart card's tool, a vault's client, a colleague's script.

use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use hufu_codes::chain::{AuthorityKey, Unsigned};
use hufu_files::keys::{Owner, PublicKey};
use hufu_files::moment::{Span, show_span};
use hufu_files::unavailable;

use super::Signer;

/// Signs by running a command once for each signature.
pub struct Agent {
    command: String,
    key: AuthorityKey,
    timeout: Span,
}

/// A signature as hexadecimal digits with a line's end, and some room to tell that it is too long.
const ANSWER_BYTES_MAX: u64 = 256;
/// How often a command is looked after.
const LOOK: Duration = Duration::from_millis(10);

/// An agent's signature is verified before anybody else sees it.
impl Signer for Agent {
    fn key(&self) -> &AuthorityKey {
        &self.key
    }

    fn sign(&self, unsigned: Unsigned) -> anyhow::Result<Vec<u8>> {
        let (wanted, held) = (unsigned.signer(), self.key.id());
        ensure!(*wanted == self.key, "key {} must sign this, and the agent holds key {held}", wanted.id());
        let signature = self.ask(unsigned.covered())?;
        unsigned.sealed(&signature).with_context(|| self.name())
    }
}

impl Agent {
    /// The agent behind a shell command, which signs with the key whose public half is the file `public`, and may take
    /// `timeout` for it.
    ///
    /// # Errors
    /// The file is not an issuer's public key.
    pub fn open(command: &str, public: &Path, timeout: Span) -> anyhow::Result<Agent> {
        let public = PublicKey::load(public, Owner::Issuer)?;
        Ok(Agent::new(command, AuthorityKey::new(public.public, public.issuer()?), timeout))
    }

    fn new(command: &str, key: AuthorityKey, timeout: Span) -> Agent {
        Agent { command: command.to_owned(), key, timeout }
    }

    fn name(&self) -> String {
        format!("the agent `{}`", self.command)
    }

    /// What the command makes of `message`. Whether that is a signature is for the caller to verify.
    fn ask(&self, message: &[u8]) -> anyhow::Result<[u8; 64]> {
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
            // It may have ended by itself; then there is nobody to stop.
            let _ = child.kill();
            let _ = child.wait();
        }
        read_signature(&answer.with_context(what)?).with_context(what)
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
            "gave no signature within {}; --agent-timeout allows more time",
            show_span(self.timeout.s)
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
    use hufu_wire::chain::{ContentDigest, Release};
    use hufu_wire::{IssuerId, UnixMillis};

    fn check(case: &str, command: &str, wanted: Result<[u8; 64], &str>) {
        let agent =
            Agent::new(command, AuthorityKey::new(PublicKey::Ed25519([7; 32]), IssuerId(1)), Span { s: 1 });
        match (agent.ask(b"to be signed"), wanted) {
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

    #[test]
    fn an_agent_is_asked_for_its_own_key_alone() {
        let key = AuthorityKey::new(PublicKey::Ed25519([8; 32]), IssuerId(1));
        let release = Release {
            issuer: IssuerId(1),
            content: ContentDigest([0; 32]),
            made: UnixMillis(1),
            national_key: key.id(),
            reds: 1,
            holders: 1,
            signature: [0; 64],
        };
        let agent =
            Agent::new("exit 1", AuthorityKey::new(PublicKey::Ed25519([7; 32]), IssuerId(1)), Span { s: 1 });
        let refused = agent.sign(key.release(&release).unwrap()).unwrap_err().to_string();
        assert!(refused.contains("must sign this"), "{refused}");
    }
}
