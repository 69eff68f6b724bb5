//! What one worker has done, for whoever scrapes it.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hufu_wire::{Decision, Reason};

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
    /// The device asks so fast that it is not even told so any more.
    Flood,
}

/// Numbers only one worker writes and anybody may read. All Relaxed: each number stands alone.
pub struct Counters {
    reasons: [AtomicU64; REASONS],
    decisions: [AtomicU64; 4],
    silences: [AtomicU64; Silence::ALL.len()],
    batches: AtomicU64,
    requests: AtomicU64,
    seen_again: AtomicU64,
    seen_first: AtomicU64,
    sessions_opened: AtomicU64,
    pass_back_evictions: AtomicU64,
    pass_back_unclaimed: AtomicU64,
    numbers_untold: AtomicU64,
    roster_members: AtomicU64,
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

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            reasons: [const { AtomicU64::new(0) }; REASONS],
            decisions: [const { AtomicU64::new(0) }; 4],
            silences: [const { AtomicU64::new(0) }; Silence::ALL.len()],
            batches: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            seen_again: AtomicU64::new(0),
            seen_first: AtomicU64::new(0),
            sessions_opened: AtomicU64::new(0),
            pass_back_evictions: AtomicU64::new(0),
            pass_back_unclaimed: AtomicU64::new(0),
            numbers_untold: AtomicU64::new(0),
            roster_members: AtomicU64::new(0),
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
        self.decisions[decision as usize].load(Relaxed)
    }

    /// Datagrams left unanswered for `cause`.
    pub fn silence(&self, cause: Silence) -> u64 {
        self.silences[cause as usize].load(Relaxed)
    }

    /// Batches of checks; [`requests`](Self::requests) divided by this is the batch size.
    pub fn batches(&self) -> u64 {
        self.batches.load(Relaxed)
    }

    /// Requests that reached a verdict.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Credentials found in the verified-credential cache.
    pub fn seen_again(&self) -> u64 {
        self.seen_again.load(Relaxed)
    }

    /// Credentials whose signature had to be verified.
    pub fn seen_first(&self) -> u64 {
        self.seen_first.load(Relaxed)
    }

    /// Cookies opened because this worker had not met them yet.
    pub fn sessions_opened(&self) -> u64 {
        self.sessions_opened.load(Relaxed)
    }

    /// Presentations forgotten while their pass-back window could still run: the memory is too small.
    pub fn pass_back_evictions(&self) -> u64 {
        self.pass_back_evictions.load(Relaxed)
    }

    /// Requests that policy would have admitted, that were sent before or may have been, and that had no claim to
    /// repeat.
    pub fn pass_back_unclaimed(&self) -> u64 {
        self.pass_back_unclaimed.load(Relaxed)
    }

    /// Requests whose number could not be told from a repeated one: their session has lost its window, or they
    /// came too late.
    pub fn numbers_untold(&self) -> u64 {
        self.numbers_untold.load(Relaxed)
    }

    /// Roster members checked.
    pub fn roster_members(&self) -> u64 {
        self.roster_members.load(Relaxed)
    }

    pub(crate) fn count_verdict(&self, decision: Decision, reason: Reason) {
        if let Some(count) = self.reasons.get(usize::from(reason.code())) {
            add(count, 1);
        }
        add(&self.decisions[decision as usize], 1);
    }

    pub(crate) fn count_silence(&self, cause: Silence) {
        add(&self.silences[cause as usize], 1);
    }

    pub(crate) fn count_batch(&self, requests: usize) {
        add(&self.batches, 1);
        add(&self.requests, requests as u64);
    }

    pub(crate) fn count_seen(&self, again: usize, first: usize) {
        add(&self.seen_again, again as u64);
        add(&self.seen_first, first as u64);
    }

    pub(crate) fn count_session_opened(&self) {
        add(&self.sessions_opened, 1);
    }

    pub(crate) fn count_pass_back_eviction(&self) {
        add(&self.pass_back_evictions, 1);
    }

    pub(crate) fn count_pass_back_unclaimed(&self) {
        add(&self.pass_back_unclaimed, 1);
    }

    pub(crate) fn count_number_untold(&self) {
        add(&self.numbers_untold, 1);
    }

    pub(crate) fn count_roster_members(&self, members: u32) {
        add(&self.roster_members, u64::from(members));
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
            ]
        };
        assert_eq!(told(), [0; 9]);
        for requests in [20, 1] {
            counters.count_batch(requests);
        }
        counters.count_seen(3, 4);
        (0..5).for_each(|_| counters.count_session_opened());
        (0..6).for_each(|_| counters.count_pass_back_eviction());
        (0..7).for_each(|_| counters.count_pass_back_unclaimed());
        (0..8).for_each(|_| counters.count_number_untold());
        counters.count_roster_members(9);
        assert_eq!(told(), [2, 21, 3, 4, 5, 6, 7, 8, 9]);
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
            (0..times).for_each(|_| counters.count_verdict(reason.decision(), reason));
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
