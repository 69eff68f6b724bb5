//! What wraps the keys of days: a secret in a file, or a command that keeps one elsewhere, in a TPM or an HSM.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use hufu_files::agent::Agent;
use hufu_files::keys::read_seed;
use hufu_records::{Day, Secret, Wrapping};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The secret in a file of `hufu records secret`.
///
/// # Errors
/// The file cannot be read, is not one's own alone, or is no secret.
pub fn of_file(path: &Path) -> anyhow::Result<Box<dyn Wrapping>> {
    Ok(Box::new(Secret::new(*read_seed(path)?)))
}

/// A command that answers the same 64 bytes whenever it is asked the same, and that no one else can answer: an Ed25519
/// signature or an HMAC-SHA-512 under a key that serves for nothing else. It is asked twice at once.
///
/// # Errors
/// It does not answer, or not the same twice.
pub fn of_agent(agent: Agent) -> anyhow::Result<Box<dyn Wrapping>> {
    let question = question(Day(0), &[0; 16]);
    let [first, second] = [agent.ask(&question)?, agent.ask(&question)?];
    ensure!(
        first == second,
        "{} gives another answer each time: what wraps keys of days has to be deterministic, such as Ed25519",
        agent.name()
    );
    Ok(Box::new(Elsewhere { agent, last: Mutex::default() }))
}

/// A question, and the key that follows from its answer.
type Answered = (Vec<u8>, Zeroizing<[u8; 32]>);

struct Elsewhere {
    agent: Agent,
    /// The last question and its key: the many segments of a day ask the same, and a command may want a PIN each time.
    last: Mutex<Option<Answered>>,
}

impl Wrapping for Elsewhere {
    fn key(&self, day: Day, salt: &[u8; 16]) -> io::Result<Zeroizing<[u8; 32]>> {
        let question = question(day, salt);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((asked, key)) = &*last
            && *asked == question
        {
            return Ok(key.clone());
        }
        let answer = self.agent.ask(&question).context("a key of a day cannot be unwrapped");
        let answer = Zeroizing::new(answer.map_err(io::Error::other)?);
        let digest = Sha256::new().chain_update(b"hufu wraps a day's key").chain_update(*answer);
        let key = Zeroizing::new(digest.finalize().into());
        *last = Some((question, Zeroizing::clone(&key)));
        Ok(key)
    }
}

/// 42 bytes: what is asked, the day (4, little-endian) and the salt (16).
fn question(day: Day, salt: &[u8; 16]) -> Vec<u8> {
    [b"hufu wraps a day's key".as_slice(), &day.0.to_le_bytes(), salt].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_files::moment::Span;

    fn asked(command: &str) -> anyhow::Result<Box<dyn Wrapping>> {
        of_agent(Agent::new(command, Span { s: 5 }))
    }

    #[test]
    fn r42_a_key_is_wrapped_by_what_a_command_answers_to_its_day_and_salt() {
        let wrapping = asked("sha512sum | cut -c 1-128").expect("it is deterministic");
        let key = |day, salt| wrapping.key(Day(day), &[salt; 16]).expect("an answer");
        assert_eq!(key(7, 1), key(7, 1));
        assert_ne!(key(7, 1), key(7, 2));
        assert_ne!(key(7, 1), key(8, 1));
    }

    #[test]
    fn an_agent_is_not_asked_again_for_the_next_segment_of_a_day() {
        let folder = tempfile::tempdir().expect("a folder");
        let asked = folder.path().join("asked");
        let command = format!("echo >> {}; sha512sum | cut -c 1-128", asked.display());
        let wrapping = of_agent(Agent::new(&command, Span { s: 5 })).expect("it is deterministic");
        let times = || std::fs::read(&asked).expect("it was asked").len();
        assert_eq!(times(), 2, "for whether it is deterministic");
        let key = |salt| wrapping.key(Day(7), &[salt; 16]).expect("an answer");
        let first = key(1);
        assert_eq!((key(1), times()), (first, 3));
        assert_ne!(key(2), key(1));
        assert_eq!(times(), 5, "one answer is kept");
    }

    #[test]
    fn an_agent_that_refuses_or_answers_otherwise_each_time_is_refused() {
        let refused = |command| asked(command).err().expect("refused").to_string();
        assert!(refused("head -c 64 /dev/urandom").contains("gives another answer each time"));
        assert!(refused("exit 3").contains("the agent `exit 3`"));
    }
}
