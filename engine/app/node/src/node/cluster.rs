//! The cluster's keys in a running engine: moved forward with the clock, and taken anew when a command changed them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hufu_check::{ChainFacts, ClusterKeys, Engine};
use hufu_files::moment;
use hufu_files::watched::Watched;
use hufu_wire::limits::EPOCH_S;

use crate::cluster;

/// The keys that are in force, and what watches over them.
pub(super) struct Cluster {
    state: PathBuf,
    keys: ClusterKeys,
    watched: Watched,
    pace: Pace,
    begun: Instant,
    /// The last error of writing: it is retried every second and logged when it changes.
    logged: Option<String>,
}

/// Decides when earlier keys may be forgotten. The clock alone does not say: one that is ahead for a minute would
/// take every session's key away.
#[derive(Debug, Default)]
struct Pace {
    /// Since when the clock has been further ahead than one epoch, and the epoch it said then.
    ahead: Option<(Duration, u32)>,
    logged: Option<ClockFault>,
}

/// What the log says of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClockFault {
    Ahead,
    Behind,
}

/// How long a clock must have been ahead, in running time, before it is believed.
const BELIEVED_AFTER: Duration = Duration::from_secs(3600);

impl Cluster {
    /// The keys in the state folder.
    pub(super) fn read(state: &Path) -> anyhow::Result<Cluster> {
        // Watched before it is read: a change in between is seen as a change.
        let watched = Watched::new([&cluster::path(state)]);
        let keys = cluster::read(state)?;
        Ok(Cluster {
            state: state.to_owned(),
            keys,
            watched,
            pace: Pace::default(),
            begun: Instant::now(),
            logged: None,
        })
    }

    /// The keys as they are now.
    pub(super) fn keys(&self) -> &ClusterKeys {
        &self.keys
    }

    /// Once a second: takes what a command has changed, and forgets what is over.
    pub(super) fn look(&mut self, at_once: bool, engine: &Engine) {
        let Cluster { state, keys, watched, .. } = self;
        watched.follow_quietly(at_once, || {
            let found = cluster::read(state)?;
            let news = (!found.facts().eq(keys.facts())).then(|| describe(&found));
            *keys = found;
            engine.set_cluster(keys.clone());
            Ok(news)
        });
        let clock = ClusterKeys::epoch_at(moment::now());
        if let Some(epoch) = self.pace.advance(self.keys.epoch(), clock, self.begun.elapsed()) {
            self.advance(epoch, engine);
        }
    }

    /// Only what is on the disk is forgotten in memory: after a crash the engine goes on with what it had.
    fn advance(&mut self, epoch: u32, engine: &Engine) {
        match cluster::change(&self.state, |keys| Ok(keys.advance_to(epoch)?)) {
            Ok(keys) => {
                engine.set_cluster(keys.clone());
                self.keys = keys;
                self.logged = None;
            }
            Err(error) => {
                let error = format!("{error:#}");
                if self.logged.as_ref() != Some(&error) {
                    tracing::error!("earlier cluster keys cannot be forgotten; serving goes on: {error}");
                }
                self.logged = Some(error);
            }
        }
    }
}

impl Pace {
    /// The epoch to which keys that are at `kept` move now that the clock says `clock`, after `running` time of this
    /// process. One epoch is believed at once. More than that is a clock that leapt, or an engine that was off.
    fn advance(&mut self, kept: u32, clock: u32, running: Duration) -> Option<u32> {
        if clock <= kept.saturating_add(1) {
            self.ahead = None;
            self.tell(kept, clock);
            return (clock > kept).then_some(clock);
        }
        self.tell(kept, clock);
        // A clock that says less than before was wrong once: the hour begins again.
        self.ahead.take_if(|(_, epoch)| clock < *epoch);
        let (since, _) = *self.ahead.get_or_insert((running, clock));
        if running.saturating_sub(since) < BELIEVED_AFTER {
            return None;
        }
        self.ahead = None;
        Some(clock)
    }

    fn tell(&mut self, kept: u32, clock: u32) {
        let hours = kept.abs_diff(clock) * (EPOCH_S / 3600);
        let now = match clock {
            _ if clock > kept.saturating_add(1) => Some(ClockFault::Ahead),
            _ if clock < kept => Some(ClockFault::Behind),
            _ => None,
        };
        if now == self.logged {
            return;
        }
        self.logged = now;
        match now {
            Some(ClockFault::Ahead) => tracing::warn!(
                "the clock is {hours} hours after the cluster keys: this engine was off, or its clock is wrong. \
                 Earlier keys are forgotten once the clock has said so for {} minutes",
                BELIEVED_AFTER.as_secs() / 60
            ),
            Some(ClockFault::Behind) => tracing::warn!(
                "the cluster keys are {hours} hours ahead of the clock: the clock is wrong, or it was. Gates whose \
                 sessions do not open enrol again. If the clock is right now, bring this engine back to the keys of \
                 another one with `hufu keys cluster import --replace`"
            ),
            None => {}
        }
    }
}

fn describe(keys: &ClusterKeys) -> String {
    let chain = |chain: ChainFacts| {
        let seals = if chain.seals { " (seals new cookies)" } else { "" };
        format!("chain {}{seals}", chain.number)
    };
    let chains: Vec<_> = keys.facts().map(chain).collect();
    format!("cluster keys: {}", chains.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: u32 = 82_870;

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn b10_keys_follow_the_clock_epoch_by_epoch() {
        let mut pace = Pace::default();
        assert_eq!(pace.advance(EPOCH, EPOCH, minutes(0)), None);
        assert_eq!(pace.advance(EPOCH, EPOCH + 1, minutes(1)), Some(EPOCH + 1));
        assert_eq!(pace.advance(EPOCH, EPOCH - 1, minutes(2)), None, "never back");
    }

    #[test]
    fn r51_a_clock_that_is_ahead_for_a_minute_takes_no_key_away() {
        let mut pace = Pace::default();
        let leap = EPOCH + 800;
        assert_eq!(pace.advance(EPOCH, leap, minutes(10)), None);
        assert_eq!(pace.logged, Some(ClockFault::Ahead));
        assert_eq!(pace.advance(EPOCH, leap, minutes(11)), None);
        assert_eq!(pace.advance(EPOCH, EPOCH, minutes(12)), None);
        assert_eq!(pace.logged, None);
        assert_eq!(pace.advance(EPOCH, leap, minutes(69)), None, "the hour begins again");
        assert_eq!(pace.advance(EPOCH, EPOCH + 400, minutes(75)), None, "and again when it says less");
        assert_eq!(pace.advance(EPOCH, EPOCH + 400, minutes(134)), None);
        assert_eq!(pace.advance(EPOCH, EPOCH + 401, minutes(135)), Some(EPOCH + 401), "an hour of running");
    }

    #[test]
    fn b10_an_engine_that_was_off_for_days_catches_up_within_an_hour() {
        let mut pace = Pace::default();
        assert_eq!(pace.advance(EPOCH, EPOCH + 160, minutes(0)), None);
        assert_eq!(pace.advance(EPOCH, EPOCH + 160, minutes(60)), Some(EPOCH + 160));
        assert_eq!(pace.advance(EPOCH + 160, EPOCH + 160, minutes(60)), None);
    }

    #[test]
    fn r51_a_clock_behind_is_told_once() {
        let mut pace = Pace::default();
        assert_eq!(pace.advance(EPOCH, EPOCH - 40, minutes(0)), None);
        assert_eq!(pace.logged, Some(ClockFault::Behind));
    }
}
