//! Records of checks, as the configuration asks for them.

mod live;
mod waiting;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use hufu_files::agent::Agent;
use hufu_files::moment::{Span, Zone};
use hufu_files::unavailable;
use hufu_records::{Day, Folder, Identity, KeyFolder, Recorder, RingJournal, Store, StoreOptions, Wrapping};
use hufu_transport::{Clock, Events, Exhibit, Family, NoEvents};

use self::live::Door;
use self::waiting::{Waiting, Watched};
use crate::config::Records;
use crate::wrapping;

/// The records of a running engine.
pub(super) struct Kept {
    recorder: Recorder,
    waiting: Waiting,
    /// For who may read them as they are written.
    live: Option<Door>,
}

/// How long a record may stay unwritten before this engine is not ready.
const UNWRITTEN_MAX: Duration = Duration::from_secs(2);

impl Kept {
    /// Opens the folders and starts to write.
    ///
    /// # Errors
    /// The folder, the secret or the disk that cannot be used, or records that are damaged.
    pub(super) fn start(config: &Records, clock: Clock) -> anyhow::Result<Kept> {
        let zone: Zone = config.time_zone.get_ref().parse()?;
        let wrapping = wrapping_of(config)?;
        let identity = Identity::of(&*wrapping)?;
        let keys = KeyFolder::new(lock(config.keys.get_ref())?, wrapping);
        let options = StoreOptions {
            segment_bytes: config.segment_mib.get_ref() << 20,
            keep_days: *config.keep_days.get_ref(),
            day_of: Box::new(move |now| Day(zone.day_of(now.seconds().0))),
        };
        let store = Store::open(lock(&config.folder)?, keys, identity, options)
            .with_context(|| format!("records of checks in {} cannot be opened", config.folder.display()))?;
        let recorder = Recorder::start(store, move || clock.now(), *config.waiting_max.get_ref());
        let live = door(config)?;
        Ok(Kept { recorder: recorder.map_err(unavailable)?, waiting: Waiting::new(), live })
    }

    /// Whether an engine could keep records, without opening the folders: another engine may be writing to them.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(super) fn look(config: &Records) -> anyhow::Result<()> {
        wrapping_of(config)?;
        door(config)?;
        for folder in [&config.folder, config.keys.get_ref()] {
            ensure!(folder.is_dir() || !folder.exists(), "{} is not a folder", folder.display());
        }
        Ok(())
    }

    /// The journal of one more thread that checks.
    pub(super) fn journal(&self) -> Watched<RingJournal> {
        self.waiting.watch(self.recorder.journal())
    }
}

fn wrapping_of(config: &Records) -> anyhow::Result<Box<dyn Wrapping>> {
    match (&config.secret, &config.agent) {
        (Some(secret), _) => wrapping::of_file(secret),
        (None, Some(agent)) => {
            let timeout = Span { s: *config.agent_timeout_s.get_ref() };
            wrapping::of_agent(Agent::new(agent.get_ref(), timeout))
        }
        (None, None) => bail!("nothing wraps the keys of days"),
    }
}

fn door(config: &Records) -> anyhow::Result<Option<Door>> {
    let token = config.events.get_ref();
    (!token.as_os_str().is_empty()).then(|| Door::open(token)).transpose()
}

fn lock(folder: &Path) -> anyhow::Result<Folder> {
    Folder::lock(folder).with_context(|| format!("{} cannot be used", folder.display()))
}

/// Why records are not kept as they should be, if they are not.
fn unfit(failed: bool, unwritten: Duration) -> Option<String> {
    if failed {
        return Some("records of checks cannot be written; see the log".to_owned());
    }
    (unwritten > UNWRITTEN_MAX).then(|| {
        format!(
            "records of checks wait for {:.1} s, and verdicts with them; look at the disk of `folder` in [records]",
            unwritten.as_secs_f64()
        )
    })
}

impl Exhibit for Kept {
    fn families(&self) -> Vec<Family> {
        let figures = self.recorder.figures();
        vec![
            Family::count("records", "Records of checks that were written", figures.records),
            Family::count("record_commits", "Blocks of records that were written", figures.commits),
            Family::count("record_syncs", "Times that records were made durable", figures.syncs),
            Family::count("records_lost", "Records that could not be written", figures.lost),
            Family::level(
                "records_failed",
                "Whether records cannot be written, so that every check is answered busy",
                figures.failed.into(),
            ),
        ]
    }

    fn not_ready(&self) -> Vec<String> {
        let failed = self.recorder.figures().failed;
        unfit(failed, self.waiting.longest(Instant::now())).into_iter().collect()
    }

    fn events(&self, path: &str, token: Option<&str>) -> Option<Result<Box<dyn Events>, NoEvents>> {
        let door = self.live.as_ref().filter(|_| path == live::PATH)?;
        Some(door.enter(token, || self.recorder.listen()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a9_an_engine_whose_records_are_not_written_is_not_ready() {
        assert_eq!(unfit(false, UNWRITTEN_MAX), None);
        let hanging = unfit(false, Duration::from_millis(2_100)).unwrap();
        assert!(hanging.contains("wait for 2.1 s"), "{hanging}");
        assert!(unfit(true, Duration::ZERO).unwrap().contains("cannot be written"));
    }
}
