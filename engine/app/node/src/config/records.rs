//! `[records]`: where records of checks are kept, and for how long.

use std::path::{Path, PathBuf};

use hufu_files::moment::Zone;
use hufu_files::settings::{Misconfigured, Place, bare};
use hufu_wire::limits;
use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;
use toml::Spanned;

/// Where records of checks are kept, and for how long.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub struct Records {
    /// The folder of the records.
    pub folder: PathBuf,
    /// The folder of the days' keys.
    pub keys: Spanned<PathBuf>,
    /// The file with the secret that wraps those keys.
    pub secret: Option<PathBuf>,
    /// A command that stands for that secret and keeps it elsewhere.
    pub agent: Option<Spanned<String>>,
    /// Seconds that the command may take.
    #[serde(default = "Records::ten")]
    pub agent_timeout_s: Spanned<u32>,
    /// The zone in which a day begins and ends.
    #[serde(default = "Records::utc")]
    pub time_zone: Spanned<String>,
    /// Days that are kept whole after their own.
    #[serde(default = "Records::sixty")]
    pub keep_days: Spanned<u32>,
    /// MiB of each file of records.
    #[serde(default = "Records::sixty_four")]
    pub segment_mib: Spanned<u64>,
    /// Records that each thread holds at most while the disk is slow; beyond that checks are answered `busy`. A thread
    /// whose verdicts wait for their records holds 2,048 at most.
    #[serde(default = "Records::waiting")]
    pub waiting_max: Spanned<usize>,
    /// The file with the token for who reads records as they are written; empty: no one does.
    #[serde(default = "Records::no_token")]
    pub events: Spanned<PathBuf>,
}

impl Records {
    fn utc() -> Spanned<String> {
        bare("UTC".to_owned())
    }

    fn ten() -> Spanned<u32> {
        bare(10)
    }

    fn sixty() -> Spanned<u32> {
        bare(60)
    }

    fn sixty_four() -> Spanned<u64> {
        bare(64)
    }

    fn waiting() -> Spanned<usize> {
        bare(8_192)
    }

    fn no_token() -> Spanned<PathBuf> {
        bare(PathBuf::new())
    }

    pub(super) fn make_relative_to(&mut self, base: &Path) {
        let Records { folder, keys, secret, events, .. } = self;
        for path in [folder, keys.get_mut(), events.get_mut()].into_iter().chain(secret) {
            if !path.as_os_str().is_empty() {
                *path = base.join(&*path);
            }
        }
    }

    /// Refuses what no engine could keep records by. Live records are read from the metrics page, if it has one.
    pub(super) fn check(&self, place: Place<'_>, has_metrics: bool) -> Result<(), Misconfigured> {
        place.within("agent_timeout_s", &self.agent_timeout_s, 1..=600)?;
        place.within("keep_days", &self.keep_days, 1..=60)?;
        place.within("segment_mib", &self.segment_mib, 1..=1_024)?;
        place.within("waiting_max", &self.waiting_max, limits::BATCH_MAX..=1 << 20)?;
        if let Err(why) = self.time_zone.get_ref().parse::<Zone>() {
            let what = format!("{:?} is {why:#}", self.time_zone.get_ref());
            return Err(place.misconfigured("time_zone", &self.time_zone, what, "see docs/RECORDS.md"));
        }
        match (&self.secret, &self.agent) {
            (Some(_), None) | (None, Some(_)) => {}
            (Some(_), Some(agent)) => {
                let what = "secret and agent are both there".to_owned();
                return Err(place.misconfigured("agent", agent, what, "leave one of them out"));
            }
            (None, None) => {
                return Err(place.misconfigured(
                    "keys",
                    &self.keys,
                    "nothing wraps the keys of days".to_owned(),
                    "add `secret`, a file of `hufu records secret`, or `agent`, a command",
                ));
            }
        }
        if !self.events.get_ref().as_os_str().is_empty() && !has_metrics {
            return Err(place.misconfigured(
                "events",
                &self.events,
                "the engine has no metrics page, which live records are read from".to_owned(),
                "name its address in listen.metrics",
            ));
        }
        let (folder, keys) = (&self.folder, self.keys.get_ref());
        if keys.starts_with(folder) || folder.starts_with(keys) {
            return Err(place.misconfigured(
                "keys",
                &self.keys,
                "the keys of days lie with the records".to_owned(),
                "name two folders, and leave the one of the keys out of every backup",
            ));
        }
        Ok(())
    }
}
