//! What the log hears: each change of a condition once, with the issuer, the sequence and what a person can do.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use hufu_sync::{FeedFault, Follower, SyncFault, Wanted};
use hufu_wire::{IssuerId, Sequence, UnixMillis};
use tokio::time::Instant;

use crate::told::Told;

/// Speaks for one following.
#[derive(Debug)]
pub(crate) struct Voice {
    issuer: IssuerId,
    feed: Arc<str>,
    stale_ms: u64,
    since: UnixMillis,
    is_current: bool,
    unreachable: Told,
    silent: Told,
    flooding: Told,
    gap: Told,
    trimmed: Told,
    refusing: Told,
    rollback: Told,
    fork: Told,
    contradiction: Told,
    stale: Told,
    ahead: Told,
    snapshot: Told,
    disk: Told,
}

impl Voice {
    pub(crate) fn new(issuer: IssuerId, feed: Arc<str>, stale_ms: u64, now: UnixMillis) -> Voice {
        Voice {
            issuer,
            feed,
            stale_ms,
            since: now,
            is_current: false,
            unreachable: Told::default(),
            silent: Told::default(),
            flooding: Told::default(),
            gap: Told::default(),
            trimmed: Told::default(),
            refusing: Told::default(),
            rollback: Told::default(),
            fork: Told::default(),
            contradiction: Told::default(),
            stale: Told::default(),
            ahead: Told::default(),
            snapshot: Told::default(),
            disk: Told::default(),
        }
    }

    pub(crate) fn feed_failed(&mut self, follower: &Follower, fault: &FeedFault, now: Instant) {
        if !self.unreachable.begins(now) {
            return;
        }
        let (issuer, at, told) = (self.issuer, at(follower), one_line(fault));
        if matches!(fault, FeedFault::Refused { .. }) {
            tracing::error!(
                "issuer {issuer} stays at {at}: {told}; look at the token, the name and the certificate"
            );
        } else {
            tracing::warn!("issuer {issuer} stays at {at}: {told}; it is tried again");
        }
    }

    pub(crate) fn silent(&mut self, follower: &Follower, now: Instant) {
        if self.silent.begins(now) {
            tracing::warn!(
                "issuer {} at {}: {} is silent; it is asked again",
                self.issuer,
                at(follower),
                self.feed
            );
        }
    }

    pub(crate) fn flooding(&mut self, follower: &Follower, now: Instant) {
        if self.flooding.begins(now) {
            tracing::warn!(
                "issuer {} at {}: {} sends too much that is of no use and is left for a while; look at who feeds it",
                self.issuer,
                at(follower),
                self.feed
            );
        }
    }

    pub(crate) fn gap(&mut self, follower: &Follower, now: Instant) {
        if let Wanted::Sets { from, to } = follower.wants()
            && self.gap.begins(now)
        {
            self.is_current = false;
            tracing::warn!(
                "issuer {} at {}: change sets {from} to {to} are missing and do not come from {}; they are asked for \
                 again",
                self.issuer,
                at(follower),
                self.feed
            );
        }
    }

    pub(crate) fn trimmed(&mut self, follower: &Follower, first: Option<Sequence>, now: Instant) {
        if self.trimmed.begins(now) {
            self.is_current = false;
            let first = first.map_or("none at all".to_owned(), |first| format!("those from {first} on"));
            tracing::warn!(
                "issuer {} at {}: {} has no longer the sets after it, but {first}; a checkpoint is needed",
                self.issuer,
                at(follower),
                self.feed
            );
        }
    }

    pub(crate) fn refused(&mut self, follower: &Follower, fault: &SyncFault, now: Instant) {
        if self.refusing.begins(now) {
            tracing::warn!(
                "issuer {} stays at {}: {fault}; nothing of it is applied, and more of the kind is only counted ({})",
                self.issuer,
                at(follower),
                self.feed
            );
        }
    }

    pub(crate) fn rolled_back(&mut self, held: Sequence, offered: Sequence, now: Instant) {
        if self.rollback.begins(now) {
            tracing::error!(
                "issuer {} stays at {held}: its publisher says that the chain ends at {offered}, so it has lost sets \
                 that both authorities signed; they must be appended again, or a checkpoint made above {held}",
                self.issuer
            );
        }
    }

    pub(crate) fn loading(&mut self, follower: &Follower, to: Sequence, from: &str, now: Instant) {
        // Told again only after a failure was.
        if self.snapshot.begins(now) {
            tracing::info!(
                "issuer {} at {}: loading the snapshot of {to} from {from}",
                self.issuer,
                at(follower)
            );
        }
    }

    pub(crate) fn loaded(&mut self, to: Sequence, holders: u64, took: Duration) {
        self.snapshot.ends();
        self.trimmed.ends();
        let took_ms = took.as_millis();
        tracing::info!("issuer {} is at {to} with {holders} holders, loaded in {took_ms} ms", self.issuer);
    }

    pub(crate) fn not_loaded(&mut self, of: Sequence, what: &str, faults: u32) {
        if faults == 1 {
            tracing::warn!(
                "issuer {}: the snapshot of {of} is not loaded: {}; the statuses stay, and it is fetched again \
                 later",
                self.issuer,
                one_line(what)
            );
        }
    }

    pub(crate) fn disk_failed(&mut self, follower: &Follower, what: &str, now: Instant) {
        if self.disk.begins(now) {
            tracing::error!(
                "issuer {} at {}: {what}; it is followed on and tried again, but until then a restart begins with \
                 what was kept last: make room",
                self.issuer,
                at(follower)
            );
        }
    }

    pub(crate) fn disk_works(&mut self, follower: &Follower) {
        if self.disk.ends() {
            tracing::info!("issuer {} at {}: the disk takes its statuses again", self.issuer, at(follower));
        }
    }

    /// A set was applied.
    pub(crate) fn applied(&mut self) {
        self.refusing.ends();
        self.trimmed.ends();
        self.speaks();
    }

    /// A head agrees with the words.
    pub(crate) fn current(&mut self, follower: &Follower) {
        self.speaks();
        self.rollback.ends();
        self.gap.ends();
        if !std::mem::replace(&mut self.is_current, true) {
            tracing::info!("issuer {} has caught up: it is at {} ({})", self.issuer, at(follower), self.feed);
        }
    }

    /// Something genuine came.
    pub(crate) fn speaks(&mut self) {
        let was = [self.unreachable.ends(), self.silent.ends(), self.flooding.ends()];
        if was.contains(&true) {
            tracing::info!("issuer {}: {} speaks again", self.issuer, self.feed);
        }
    }

    /// Conditions that are there or not, whatever came.
    pub(crate) fn look(&mut self, follower: &Follower, is_live: bool, time: UnixMillis, now: Instant) {
        let (issuer, at) = (self.issuer, at(follower));
        match self.fork.turns(follower.is_forked(), now) {
            Some(true) => tracing::error!(
                "issuer {issuer} is forked: both authorities signed two histories that part at {at}. Nothing is \
                 applied any more, and red stays red. Both authorities must be told, must find out which history is \
                 right, and must sign a checkpoint: of {at} if it was right, else above both"
            ),
            Some(false) => tracing::info!("issuer {issuer}: the fork is settled; it is at {at}"),
            None => {}
        }
        let is_contradicted = matches!(follower.wants(), Wanted::Checkpoint { .. }) && !follower.is_forked();
        match self.contradiction.turns(is_contradicted, now) {
            Some(true) => tracing::error!(
                "issuer {issuer} at {at}: its publisher's heads name another history than the one that both \
                 authorities signed; sets are still applied, ages grow. Ask the publisher"
            ),
            Some(false) => tracing::info!("issuer {issuer} at {at}: its publisher agrees again"),
            None => {}
        }
        let ahead_ms = follower.heard_ahead_ms(time);
        match self.ahead.turns(ahead_ms.is_some(), now) {
            Some(true) => tracing::warn!(
                "issuer {issuer} at {at}: its newest head is dated {} s after this machine's clock, which was set back. The \
                 age of its statuses is unknown until its chain has another set or this engine is restarted \
                 (docs/OPERATIONS.md, Clocks)",
                ahead_ms.unwrap_or(0) / 1000
            ),
            Some(false) => {
                tracing::info!("issuer {issuer} at {at}: no head is dated ahead of this machine's clock");
            }
            None => {}
        }
        let age_ms = time.since(follower.heard().unwrap_or(self.since));
        match self.stale.turns(is_live && age_ms > self.stale_ms, now) {
            Some(true) => {
                self.is_current = false;
                tracing::warn!(
                    "issuer {issuer} at {at} is stale: no head has agreed for {} s",
                    age_ms / 1000
                );
            }
            Some(false) => tracing::info!("issuer {issuer} at {at} is fresh again"),
            None => {}
        }
    }
}

fn at(follower: &Follower) -> Sequence {
    follower.tip().sequence
}

/// What somebody else may have written, as part of one line of the log: whoever answers must not be able to write lines
/// of their own, nor to fill the disk.
fn one_line(what: impl Display) -> String {
    let line = what.to_string();
    line.chars().take(LINE_CHARS_MAX).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// Longer than anything that is said here.
const LINE_CHARS_MAX: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_writes_lines_of_their_own_into_the_log() {
        let what = format!("a registry: no\nERROR issuer 1 is forked\u{1b}[2J\u{9b}{}", "long ".repeat(1000));
        let line = one_line(FeedFault::Refused { feed: "the feed".to_owned(), what });
        assert!(line.starts_with("the feed refuses: a registry: no ERROR"), "{line}");
        assert!(line.chars().count() == LINE_CHARS_MAX && !line.contains(char::is_control), "{line}");
    }
}
