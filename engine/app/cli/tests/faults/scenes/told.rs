//! What a log was told: every fault, and none of them a hundred times.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// The same condition is told again only after this.
const QUIET: Duration = Duration::from_secs(10);

/// The lines with all of these words.
pub(super) fn lines<'a>(log: &'a str, words: &[&str]) -> Vec<&'a str> {
    log.lines().filter(|line| words.iter().all(|word| line.contains(word))).collect()
}

/// Exactly one line has all of these words.
pub(super) fn once(log: &str, words: &[&str]) -> Result<()> {
    let count = lines(log, words).len();
    ensure!(count == 1, "{count} lines with {words:?}:\n{log}");
    Ok(())
}

/// At least one line has all of these words, and not more than a condition that comes and goes since then may have.
pub(super) fn seldom(log: &str, words: &[&str], since: Instant) -> Result<()> {
    let count = lines(log, words).len() as u64;
    let most = 1 + since.elapsed().as_secs() / QUIET.as_secs();
    ensure!((1..=most).contains(&count), "{count} lines with {words:?}, and {most} would be right:\n{log}");
    Ok(())
}
