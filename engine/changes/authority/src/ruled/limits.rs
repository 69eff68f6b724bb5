//! How many reds go without a person (R28). What is beyond stops everything until a person has looked.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use hufu_files::{self as files, Lock, Readable};
use hufu_wire::{HolderIndex, UnixMillis};

/// How many holders may turn red without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In a minute.
    pub reds_a_minute: u32,
    /// In 24 hours.
    pub reds_a_day: u32,
}

/// A limit that would be passed. Nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{reds} holders would turn red within {within}, and {max} may without a person: nothing was signed, and nothing is until a \
     person has looked and removed {}", .file.display()
)]
pub struct Limit {
    /// How many.
    pub reds: u64,
    /// Within which time.
    pub within: &'static str,
    /// How many may.
    pub max: u32,
    /// The file that stops everything.
    pub file: PathBuf,
}

/// Counts reds, also across restarts, in a folder that one process uses at a time.
pub struct Limiter {
    limits: Limits,
    folder: PathBuf,
    /// Who was counted when, within a day.
    recent: VecDeque<(u64, Vec<u32>)>,
    _lock: Lock,
}

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
const RECENT: &str = "reds.json";
const STOPPED: &str = "stopped";

impl Limiter {
    /// Goes on from what the folder says.
    ///
    /// # Errors
    /// The folder is used by another process or cannot be read; it was stopped and no person removed the file.
    pub fn open(folder: &Path, limits: Limits) -> anyhow::Result<Limiter> {
        files::folder(folder)?;
        let lock = files::lock_now(folder)?;
        let stopped = folder.join(STOPPED);
        if stopped.exists() {
            let why = files::read_text(&stopped)?;
            bail!("{} stops it until a person has looked: {}", stopped.display(), why.trim());
        }
        let recent = folder.join(RECENT);
        let recent = if recent.exists() {
            serde_json::from_slice(&files::read(&recent)?).with_context(|| recent.display().to_string())?
        } else {
            VecDeque::new()
        };
        Ok(Limiter { limits, folder: folder.to_owned(), recent, _lock: lock })
    }

    /// Counts holders who turn red; durably, before anything is signed. Who was counted within 24 hours is not counted again: what
    /// could not be handed in, or expired, is tried again.
    ///
    /// # Errors
    /// [`Limit`]: from now on [`open`](Self::open) refuses, too, if the folder can be written. It cannot be written: nothing was
    /// counted.
    pub fn take(&mut self, reds: &[HolderIndex], now: UnixMillis) -> anyhow::Result<()> {
        self.recent.retain(|(at, _)| now.0.saturating_sub(*at) < DAY_MS);
        let counted: BTreeSet<u32> = self.recent.iter().flat_map(|(_, holders)| holders).copied().collect();
        let new: Vec<u32> =
            reds.iter().map(|holder| holder.0).filter(|holder| !counted.contains(holder)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let within = |ms: u64| -> u64 {
            let counts = self.recent.iter().filter(|(at, _)| now.0.saturating_sub(*at) < ms);
            counts.map(|(_, holders)| holders.len() as u64).sum::<u64>() + new.len() as u64
        };
        let Limits { reds_a_minute, reds_a_day } = self.limits;
        for (ms, max, name) in [(MINUTE_MS, reds_a_minute, "a minute"), (DAY_MS, reds_a_day, "24 hours")] {
            let reds = within(ms);
            if reds > u64::from(max) {
                let limit = Limit { reds, within: name, max, file: self.folder.join(STOPPED) };
                let stopped = self.stop(&limit.to_string());
                let limit = anyhow::Error::new(limit);
                return Err(match stopped {
                    Ok(()) => limit,
                    // A limit all the same: after other faults a service tries again.
                    Err(fault) => limit.context(format!(
                        "{fault:#}, so a new start is not refused; start nothing before a person has looked"
                    )),
                });
            }
        }
        self.recent.push_back((now.0, new));
        let kept = self.keep();
        if kept.is_err() {
            // Counted only in memory, the next try would sign what a restart does not know of.
            self.recent.pop_back();
        }
        kept
    }

    fn keep(&self) -> anyhow::Result<()> {
        let json = serde_json::to_vec(&self.recent)?;
        files::replace(&self.folder.join(RECENT), &json, Readable::Owner)
    }

    /// Stops everything until a person has looked.
    fn stop(&self, why: &str) -> anyhow::Result<()> {
        files::replace(&self.folder.join(STOPPED), format!("{why}\n").as_bytes(), Readable::Owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_beyond_the_limit_everything_stops_until_a_person_has_looked() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { reds_a_minute: 3, reds_a_day: 5 };
        let open = || Limiter::open(folder.path(), limits);
        let mut limiter = open().unwrap();
        assert!(open().is_err(), "one process at a time");
        let at = UnixMillis;
        let reds = |holders: std::ops::Range<u32>| holders.map(HolderIndex).collect::<Vec<_>>();
        limiter.take(&reds(0..3), at(0)).unwrap();
        limiter.take(&[], at(1)).unwrap();
        limiter.take(&reds(0..3), at(2)).unwrap();
        drop(limiter);
        let mut limiter = open().unwrap();
        let stopped = limiter.take(&reds(2..4), at(59_999)).unwrap_err();
        let limit = stopped.downcast_ref::<Limit>().unwrap();
        assert_eq!(
            (limit.reds, limit.within, limit.max),
            (4, "a minute", 3),
            "what was before the restart counts"
        );
        drop(limiter);
        assert!(open().err().unwrap().to_string().contains("until a person has looked"));
        std::fs::remove_file(folder.path().join(STOPPED)).unwrap();
        let mut limiter = open().unwrap();
        limiter.take(&reds(3..5), at(60_000)).unwrap();
        let stopped = limiter.take(&reds(5..6), at(DAY_MS - 1)).unwrap_err();
        assert_eq!(stopped.downcast_ref::<Limit>().unwrap().within, "24 hours");
        limiter.take(&reds(6..9), at(DAY_MS + 60_000)).unwrap();
    }

    #[test]
    fn r28_reds_that_cannot_be_counted_durably_are_not_counted_and_a_limit_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let limits = Limits { reds_a_minute: 3, reds_a_day: 5 };
        let mut limiter = Limiter::open(&state, limits).unwrap();
        // Nothing can be written, as on a full disk.
        std::fs::remove_dir(&state).unwrap();
        let reds = |holders: std::ops::Range<u32>| holders.map(HolderIndex).collect::<Vec<_>>();
        for second in 0..2 {
            assert!(limiter.take(&reds(0..3), UnixMillis(second)).is_err(), "each try");
        }
        let limit = limiter.take(&reds(0..4), UnixMillis(2)).unwrap_err();
        assert!(limit.is::<Limit>(), "{limit:#}");
        std::fs::create_dir(&state).unwrap();
        limiter.take(&reds(0..3), UnixMillis(3)).unwrap();
        assert!(state.join(RECENT).exists());
    }
}
