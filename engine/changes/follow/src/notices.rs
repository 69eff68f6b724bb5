//! Log lines: each change of a condition once, with the issuer, the sequence and what a person can do.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use hufu_sync::{FeedFault, Follower, SyncFault, Wanted};
use hufu_wire::{Sequence, UnixMillis};
use tracing::Level;

use crate::condition::Condition;
use crate::now::Now;

/// The conditions of one following, and the lines that are still to be logged.
#[derive(Debug)]
pub(crate) struct Notices {
    feed: Arc<str>,
    stale_ms: u64,
    since: UnixMillis,
    is_current: bool,
    lines: Vec<(Level, String)>,
    on: Conditions,
}

#[derive(Debug, Default)]
struct Conditions {
    unreachable: Condition,
    silent: Condition,
    flooding: Condition,
    gap: Condition,
    trimmed: Condition,
    refusing: Condition,
    rollback: Condition,
    fork: Condition,
    contradiction: Condition,
    stale: Condition,
    ahead: Condition,
    snapshot: Condition,
    disk: Condition,
}

impl Notices {
    pub(crate) fn new(feed: Arc<str>, stale_ms: u64, since: UnixMillis) -> Notices {
        Notices { feed, stale_ms, since, is_current: false, lines: Vec::new(), on: Conditions::default() }
    }

    /// What is to be logged now.
    pub(crate) fn take(&mut self) -> Vec<(Level, String)> {
        std::mem::take(&mut self.lines)
    }

    /// One line about the follower's issuer.
    pub(crate) fn line(&mut self, level: Level, follower: &Follower, text: impl Display) {
        self.lines.push((level, format!("issuer {}{text}", follower.issuer())));
    }

    /// As [`line`](Self::line), with the sequence of its words.
    fn line_at(&mut self, level: Level, follower: &Follower, text: impl Display) {
        self.line(level, follower, format_args!(" at {}: {text}", at(follower)));
    }

    pub(crate) fn feed_failed(&mut self, follower: &Follower, fault: &FeedFault, now: Duration) {
        if !self.on.unreachable.begins(now) {
            return;
        }
        let (level, advice) = match fault {
            FeedFault::Refused { .. } => (Level::ERROR, "check the token, the name and the certificate"),
            _ => (Level::WARN, "retrying"),
        };
        let text = format!(" stays at {}: {}; {advice}", at(follower), one_line(fault));
        self.line(level, follower, text);
    }

    pub(crate) fn silent(&mut self, follower: &Follower, now: Duration) {
        if self.on.silent.begins(now) {
            let text = format!("{} is silent; subscribing again", self.feed);
            self.line_at(Level::WARN, follower, text);
        }
    }

    pub(crate) fn flooding(&mut self, follower: &Follower, now: Duration) {
        if self.on.flooding.begins(now) {
            let text = format!(
                "{} sends too many useless messages and is left for a while; find out who publishes them",
                self.feed
            );
            self.line_at(Level::WARN, follower, text);
        }
    }

    pub(crate) fn gap(&mut self, follower: &Follower, now: Duration) {
        if let Wanted::Sets { from, to } = follower.wants()
            && self.on.gap.begins(now)
        {
            self.is_current = false;
            let text = format!(
                "change sets {from} to {to} are missing and do not come from {}; subscribing again",
                self.feed
            );
            self.line_at(Level::WARN, follower, text);
        }
    }

    pub(crate) fn trimmed(&mut self, follower: &Follower, first: Option<Sequence>, now: Duration) {
        if self.on.trimmed.begins(now) {
            self.is_current = false;
            let first = first.map_or("has none".to_owned(), |first| format!("begins with {first}"));
            let text =
                format!("{} no longer has the sets after it and {first}; a checkpoint is needed", self.feed);
            self.line_at(Level::WARN, follower, text);
        }
    }

    pub(crate) fn refused(&mut self, follower: &Follower, fault: &SyncFault, now: Duration) {
        if self.on.refusing.begins(now) {
            let text = format!(
                " stays at {}: {fault}; nothing of it is applied, and further refusals are only counted ({})",
                at(follower),
                self.feed
            );
            self.line(Level::WARN, follower, text);
        }
    }

    pub(crate) fn rolled_back(&mut self, follower: &Follower, offered: Sequence, now: Duration) {
        if self.on.rollback.begins(now) {
            let text = format!(
                " stays at {held}: its publisher says that the chain ends at {offered}, so the registry has lost sets \
                 that both authorities signed; append them again, or make a checkpoint above {held}",
                held = at(follower)
            );
            self.line(Level::ERROR, follower, text);
        }
    }

    pub(crate) fn loading(&mut self, follower: &Follower, to: Sequence, from: &str, now: Duration) {
        // Logged again only after a failure was.
        if self.on.snapshot.begins(now) {
            let text = format!("loading the snapshot of {to} from {from}");
            self.line_at(Level::INFO, follower, text);
        }
    }

    pub(crate) fn loaded(&mut self, follower: &Follower, holders: u64, took: Duration) {
        self.on.snapshot.ends();
        self.on.trimmed.ends();
        let text =
            format!(" is at {} with {holders} holders, loaded in {} ms", at(follower), took.as_millis());
        self.line(Level::INFO, follower, text);
    }

    pub(crate) fn not_loaded(&mut self, follower: &Follower, of: Sequence, what: &str) {
        let text = format!(
            ": the snapshot of {of} is not loaded: {}; the statuses stay as they are, and it is fetched again later",
            one_line(what)
        );
        self.line(Level::WARN, follower, text);
    }

    pub(crate) fn disk_failed(&mut self, follower: &Follower, what: &str, now: Duration) {
        if self.on.disk.begins(now) {
            let text = format!(
                "{what}; following goes on and writing is retried, but until then a restart begins with what was \
                 kept last: free some disk space, or replace the disk"
            );
            self.line_at(Level::ERROR, follower, text);
        }
    }

    pub(crate) fn disk_works(&mut self, follower: &Follower) {
        if self.on.disk.ends() {
            self.line_at(Level::INFO, follower, "its statuses can be written to the disk again");
        }
    }

    /// A set was applied.
    pub(crate) fn applied(&mut self, follower: &Follower) {
        self.on.refusing.ends();
        self.on.trimmed.ends();
        self.speaks(follower);
    }

    /// A head agrees with the words.
    pub(crate) fn current(&mut self, follower: &Follower) {
        self.speaks(follower);
        self.on.rollback.ends();
        self.on.gap.ends();
        if !std::mem::replace(&mut self.is_current, true) {
            let text = format!(" has caught up: it is at {} ({})", at(follower), self.feed);
            self.line(Level::INFO, follower, text);
        }
    }

    /// Something genuine came.
    pub(crate) fn speaks(&mut self, follower: &Follower) {
        let was = [self.on.unreachable.ends(), self.on.silent.ends(), self.on.flooding.ends()];
        if was.contains(&true) {
            let text = format!(": {} sends valid messages again", self.feed);
            self.line(Level::INFO, follower, text);
        }
    }

    /// Conditions that are there or not, whatever came.
    pub(crate) fn look(&mut self, follower: &Follower, is_live: bool, now: Now) {
        let at = at(follower);
        if let Some(is_forked) = self.on.fork.turns(follower.is_forked(), now.uptime) {
            self.turned(follower, is_forked, Level::ERROR, format_args!(
                " is forked: both authorities signed two histories that part at {at}. No change is applied until this \
                 is settled, and red stays red. Inform both authorities: they must find out which history is right \
                 and sign a checkpoint, of {at} if that was right, else above both"
            ), format_args!(": the fork is settled; it is at {at}"));
        }
        let is_contradicted = matches!(follower.wants(), Wanted::Checkpoint { .. }) && !follower.is_forked();
        if let Some(is_contradicted) = self.on.contradiction.turns(is_contradicted, now.uptime) {
            self.turned(follower, is_contradicted, Level::ERROR, format_args!(
                " at {at}: its publisher's heads name another history than the one that both authorities signed; sets \
                 are still applied, ages grow. Ask the publisher"
            ), format_args!(" at {at}: its publisher agrees again"));
        }
        let ahead_ms = follower.heard_ahead_ms(now.time);
        if let Some(is_ahead) = self.on.ahead.turns(ahead_ms.is_some(), now.uptime) {
            self.turned(follower, is_ahead, Level::WARN, format_args!(
                " at {at}: its newest head is dated {} s after this machine's clock, which was set back. The age of \
                 its statuses is unknown until its chain has another set or this engine is restarted \
                 (docs/OPERATIONS.md, Clocks)",
                ahead_ms.unwrap_or(0) / 1000
            ), format_args!(" at {at}: no head is dated ahead of this machine's clock"));
        }
        let age_ms = now.time.since(follower.heard().unwrap_or(self.since));
        if let Some(is_stale) = self.on.stale.turns(is_live && age_ms > self.stale_ms, now.uptime) {
            self.is_current &= !is_stale;
            self.turned(
                follower,
                is_stale,
                Level::WARN,
                format_args!(" at {at} is stale: no head has agreed for {} s", age_ms / 1000),
                format_args!(" at {at} is fresh again"),
            );
        }
    }

    /// A condition holds from now on, or no longer.
    fn turned(
        &mut self,
        follower: &Follower,
        holds: bool,
        level: Level,
        begins: fmt::Arguments<'_>,
        ends: fmt::Arguments<'_>,
    ) {
        let (level, text) = if holds { (level, begins) } else { (Level::INFO, ends) };
        self.line(level, follower, text);
    }
}

fn at(follower: &Follower) -> Sequence {
    follower.tip().sequence
}

/// What somebody else may have written, as part of one line of the log: a peer must not be able to write lines of its
/// own, nor to fill the disk. At most [`LINE_CHARS_MAX`] characters.
pub fn one_line(what: impl Display) -> String {
    let line = what.to_string();
    line.chars().take(LINE_CHARS_MAX).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// Longer than anything that is logged of a peer.
pub const LINE_CHARS_MAX: usize = 500;

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
