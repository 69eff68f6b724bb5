//! What one worker has done, for the metrics page.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hufu_wire::{Decision, Reason, SiteId};

use crate::site_counts::SiteCounts;

/// Why a datagram got no answer (docs/PROTOCOL.md, "Silence").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Silence {
    /// Shorter or longer than any request.
    Length,
    /// Another version or kind of packet.
    NotARequest,
    /// The key epoch cannot have living cookies.
    Epoch,
    /// The cookie was not sealed by this cluster, or was changed.
    Cookie,
    /// The cookie is genuine and the request is not sealed with its keys, or was changed.
    Request,
    /// The device asks so fast that it gets no refusals any more.
    Flood,
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident $count:ident;)*) => {
        /// Numbers that one worker writes and any thread may read. All Relaxed: each number stands alone.
        pub struct Counters {
            reasons: [AtomicU64; REASONS],
            sites: SiteCounts,
            silences: [AtomicU64; Silence::ALL.len()],
            $($name: AtomicU64,)*
        }

        impl Default for Counters {
            fn default() -> Counters {
                Counters {
                    reasons: [const { AtomicU64::new(0) }; REASONS],
                    sites: SiteCounts::default(),
                    silences: [const { AtomicU64::new(0) }; Silence::ALL.len()],
                    $($name: AtomicU64::new(0),)*
                }
            }
        }

        impl Counters {
            $(
                $(#[$doc])*
                pub fn $name(&self) -> u64 {
                    self.$name.load(Relaxed)
                }

                pub(crate) fn $count(&self, n: usize) {
                    add(&self.$name, n as u64);
                }
            )*
        }
    };
}

counters! {
    /// Batches of checks; [`requests`](Self::requests) divided by this is the batch size.
    batches count_batches;
    /// Requests that reached a verdict.
    requests count_requests;
    /// Credentials found in the verified-credential cache.
    seen_again count_seen_again;
    /// Credentials whose signature had to be verified.
    seen_first count_seen_first;
    /// Cookies opened because this worker had not met them yet.
    sessions_opened count_sessions_opened;
    /// Presentations forgotten while their pass-back window could still run: the memory is too small.
    pass_back_evictions count_pass_back_evictions;
    /// Requests that policy would have admitted, that were sent before or may have been, and that had no claim to
    /// repeat.
    pass_back_unclaimed count_pass_back_unclaimed;
    /// Requests whose number could not be told from a repeated one: their session has lost its window, or they
    /// came too late.
    numbers_untold count_numbers_untold;
    /// Roster members checked.
    roster_members count_roster_members;
    /// Requests and rosters answered `busy` because the journal could not keep their records.
    records_refused count_records_refused;
    /// Requests and rosters served without a record, because the journal could not keep it and their site announced
    /// that it goes on.
    served_unrecorded count_served_unrecorded;
}

/// Reasons that engines give are numbered below this; only the last of all, which they do not give, is not.
const REASONS: usize = 640;
const _: () = assert!((Reason::ALL[Reason::ALL.len() - 2] as usize) < REASONS);

impl Silence {
    /// Every cause.
    pub const ALL: [Silence; 6] = [
        Silence::Length,
        Silence::NotARequest,
        Silence::Epoch,
        Silence::Cookie,
        Silence::Request,
        Silence::Flood,
    ];

    /// The name in metrics.
    pub const fn slug(self) -> &'static str {
        match self {
            Silence::Length => "length",
            Silence::NotARequest => "not-a-request",
            Silence::Epoch => "epoch",
            Silence::Cookie => "cookie",
            Silence::Request => "request",
            Silence::Flood => "flood",
        }
    }
}

/// One writer, so a load and a store do; a locked add would cost ten times as much.
fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(n), Relaxed);
}

impl Counters {
    /// Verdicts given with `reason`.
    pub fn reason(&self, reason: Reason) -> u64 {
        self.reasons.get(usize::from(reason.code())).map_or(0, |count| count.load(Relaxed))
    }

    /// Verdicts given with `decision`.
    pub fn decision(&self, decision: Decision) -> u64 {
        self.sites().map(|(_, counts)| counts[decision as usize - 1]).sum()
    }

    /// Verdicts by site: admitted, referred, refused. A fixed number of sites is counted one by one; `None` is all
    /// further sites together.
    pub fn sites(&self) -> impl Iterator<Item = (Option<SiteId>, [u64; 3])> {
        self.sites.each()
    }

    /// Datagrams left unanswered for `cause`.
    pub fn silence(&self, cause: Silence) -> u64 {
        self.silences[cause as usize].load(Relaxed)
    }

    pub(crate) fn count_verdict(&self, site: SiteId, decision: Decision, reason: Reason) {
        if let Some(count) = self.reasons.get(usize::from(reason.code())) {
            add(count, 1);
        }
        self.sites.count(site, decision);
    }

    pub(crate) fn count_silence(&self, cause: Silence) {
        add(&self.silences[cause as usize], 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each is counted a different number of times, and none is read for another.
    #[test]
    fn every_counter_tells_what_was_counted_and_nothing_else() {
        let counters = Counters::default();
        let told = || {
            [
                counters.batches(),
                counters.requests(),
                counters.seen_again(),
                counters.seen_first(),
                counters.sessions_opened(),
                counters.pass_back_evictions(),
                counters.pass_back_unclaimed(),
                counters.numbers_untold(),
                counters.roster_members(),
                counters.records_refused(),
                counters.served_unrecorded(),
            ]
        };
        assert_eq!(told(), [0; 11]);
        for requests in [20, 1] {
            counters.count_batches(1);
            counters.count_requests(requests);
        }
        counters.count_seen_again(3);
        counters.count_seen_first(4);
        (0..5).for_each(|_| counters.count_sessions_opened(1));
        (0..6).for_each(|_| counters.count_pass_back_evictions(1));
        (0..7).for_each(|_| counters.count_pass_back_unclaimed(1));
        (0..8).for_each(|_| counters.count_numbers_untold(1));
        counters.count_roster_members(9);
        counters.count_records_refused(10);
        counters.count_served_unrecorded(11);
        assert_eq!(told(), [2, 21, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    }

    #[test]
    fn every_silence_and_every_verdict_is_counted_apart() {
        let counters = Counters::default();
        let times = |cause: Silence| 2 + cause as u64;
        for cause in Silence::ALL {
            (0..times(cause)).for_each(|_| counters.count_silence(cause));
        }
        assert!(Silence::ALL.iter().all(|&cause| counters.silence(cause) == times(cause)));

        for (reason, times) in [(Reason::Clear, 2), (Reason::StatusRed, 3), (Reason::PassBack, 4)] {
            (0..times).for_each(|_| counters.count_verdict(SiteId(7), reason.decision(), reason));
            assert_eq!(counters.reason(reason), times);
        }
        assert_eq!((counters.decision(Decision::Admit), counters.decision(Decision::Refuse)), (2, 7));
        assert_eq!((counters.reason(Reason::Busy), counters.decision(Decision::Refer)), (0, 0));
    }

    /// Metrics and alarms name them.
    #[test]
    fn silences_have_the_names_that_metrics_promise() {
        let slugs = Silence::ALL.map(Silence::slug);
        assert_eq!(slugs, ["length", "not-a-request", "epoch", "cookie", "request", "flood"]);
    }
}
