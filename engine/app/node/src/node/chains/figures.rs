//! Followed chains on the metrics page. Whoever compares engines reads sequence and digest there: equal digests at
//! equal sequences are equal histories.

use std::sync::Arc;

use hufu_files::moment;
use hufu_follow::{FollowStatus, Tally};
use hufu_sync::Counters;
use hufu_transport::{Exhibit, Family, Labels, Values};
use hufu_wire::chain::Turn;

use super::{Followed, statuses};

/// The figures of every followed issuer.
pub(in crate::node) struct Figures(Followed);

type Count<C> = (&'static str, fn(&C) -> u64);

/// By outcome, each family's label.
const SETS: [Count<Counters>; 7] = [
    ("applied", |counters| counters.sets_applied),
    ("duplicate", |counters| counters.sets_duplicate),
    ("behind", |counters| counters.sets_behind),
    ("beyond-gap", |counters| counters.sets_beyond_gap),
    ("forked", |counters| counters.sets_forked),
    ("refused", |counters| counters.sets_refused),
    ("without-room", |counters| counters.sets_without_room),
];
const TURNS: [Count<Counters>; 7] = [
    ("red", |counters| counters.turned(Turn::Red)),
    ("amber", |counters| counters.turned(Turn::Amber)),
    ("forgotten", |counters| counters.turned(Turn::Forgotten)),
    ("generation", |counters| counters.turned(Turn::Generation)),
    ("eased", |counters| counters.turned(Turn::Eased)),
    ("green", |counters| counters.turned(Turn::Green)),
    ("kept", |counters| counters.turned(Turn::Kept)),
];
const HEADS: [Count<Counters>; 6] = [
    ("current", |counters| counters.heads_current),
    ("beyond-gap", |counters| counters.heads_beyond_gap),
    ("late", |counters| counters.heads_late),
    ("rolled-back", |counters| counters.heads_rolled_back),
    ("forked", |counters| counters.heads_forked),
    ("refused", |counters| counters.heads_refused),
];
const CHECKPOINTS: [Count<Counters>; 5] = [
    ("agreed", |counters| counters.checkpoints_agreed),
    ("ahead", |counters| counters.checkpoints_ahead),
    ("behind", |counters| counters.checkpoints_behind),
    ("forked", |counters| counters.checkpoints_forked),
    ("refused", |counters| counters.checkpoints_refused),
];
const SNAPSHOTS: [Count<Counters>; 2] =
    [("loaded", |counters| counters.snapshots_loaded), ("refused", |counters| counters.snapshots_refused)];
const TRIPS: [Count<Tally>; 3] = [
    ("silent", |tally| tally.trips_silent),
    ("hung", |tally| tally.trips_hung),
    ("flooded", |tally| tally.trips_flooded),
];
const FETCHES: [Count<Tally>; 2] =
    [("fetched", |tally| tally.snapshots_fetched), ("failed", |tally| tally.snapshots_failed)];
const WARM: [Count<Tally>; 2] =
    [("kept", |tally| tally.warm_copies), ("refused", |tally| tally.warm_refused)];

impl Figures {
    /// Figures of these.
    pub(super) fn new(followed: Followed) -> Figures {
        Figures(followed)
    }
}

impl Exhibit for Figures {
    fn families(&self) -> Vec<Family> {
        let page = Page(statuses(&self.0));
        let counters = |status: &FollowStatus| status.counters;
        let tally = |status: &FollowStatus| status.tally;
        vec![
            page.levels("follow_sequence", "The last change set followed", |status| {
                i64::try_from(status.tip.sequence.0).unwrap_or(i64::MAX)
            }),
            page.digests(),
            page.heard(),
            page.levels("follow_connected", "1: the feed is subscribed and speaks", |status| {
                status.is_connected.into()
            }),
            page.levels("follow_forked", "1: both authorities signed two histories", |status| {
                status.is_forked.into()
            }),
            page.counts("follow_sets", "Change sets, by what became of them", counters, &SETS),
            page.counts("follow_heads", "Heads, by what became of them", counters, &HEADS),
            page.counts("follow_checkpoints", "Checkpoints, by what became of them", counters, &CHECKPOINTS),
            page.counts("follow_snapshots", "Snapshots, by what became of them", counters, &SNAPSHOTS),
            page.count("follow_changes", "Changes applied", |status| status.counters.changes_applied),
            page.counts("follow_turned", "Changes applied, by what they did to the holder", counters, &TURNS),
            page.count("follow_subscriptions", "Subscriptions made", |status| status.tally.subscriptions),
            page.count("follow_feed_faults", "Faults that the feed told", |status| status.tally.feed_faults),
            page.counts("follow_trips", "Times the watchdog reopened the feed, by cause", tally, &TRIPS),
            page.counts("follow_fetches", "Snapshots asked for, by outcome", tally, &FETCHES),
            page.counts("follow_warm_copies", "Warm copies kept, and refused at the start", tally, &WARM),
            page.count("follow_tail_sets", "Sets applied from the tail at the start", |status| {
                status.tally.tail_sets
            }),
            page.count("follow_disk_faults", "Times the engine's own disk failed", |status| {
                status.tally.disk_faults
            }),
            page.count("follow_panics", "Panics survived", |status| status.tally.panics),
        ]
    }
}

/// One moment of every issuer.
struct Page(Vec<Arc<FollowStatus>>);

impl Page {
    fn levels(&self, name: &'static str, help: &'static str, of: impl Fn(&FollowStatus) -> i64) -> Family {
        let values = self.0.iter().map(|status| (labels(status), of(status))).collect();
        Family { name, help, values: Values::Levels(values) }
    }

    fn count(&self, name: &'static str, help: &'static str, of: impl Fn(&FollowStatus) -> u64) -> Family {
        let values = self.0.iter().map(|status| (labels(status), of(status))).collect();
        Family { name, help, values: Values::Counts(values) }
    }

    fn counts<C>(
        &self,
        name: &'static str,
        help: &'static str,
        counters: impl Fn(&FollowStatus) -> C,
        outcomes: &[Count<C>],
    ) -> Family {
        let of_one = |status: &Arc<FollowStatus>| -> Vec<(Labels, u64)> {
            let counters = counters(status);
            let value = |(outcome, of): &Count<C>| {
                ([labels(status), vec![("outcome", (*outcome).to_owned())]].concat(), of(&counters))
            };
            outcomes.iter().map(value).collect()
        };
        Family { name, help, values: Values::Counts(self.0.iter().flat_map(of_one).collect()) }
    }

    fn digests(&self) -> Family {
        let value = |status: &Arc<FollowStatus>| {
            ([labels(status), vec![("digest", status.tip.digest.to_string())]].concat(), 1)
        };
        let values = Values::Levels(self.0.iter().map(value).collect());
        Family { name: "follow_digest_info", help: "1, with the chain digest of that set", values }
    }

    /// An issuer that was never heard of has no such time: absent is not zero.
    fn heard(&self) -> Family {
        let now = moment::now();
        #[expect(clippy::cast_precision_loss, reason = "ages stay far below 2^52 ms")]
        let value =
            |status: &Arc<FollowStatus>| Some((labels(status), now.since(status.heard?) as f64 / 1_000.0));
        let values = Values::Seconds(self.0.iter().filter_map(value).collect());
        Family { name: "follow_heard_seconds", help: "Time since the last head that agreed", values }
    }
}

fn labels(status: &FollowStatus) -> Labels {
    vec![("issuer", status.issuer.to_string())]
}
