//! One request on its way through a batch.

use hufu_codes::presentation::Node;
use hufu_wire::{CheckNumber, CheckRequest, Grant, Lane, Reason, UnixMillis, Verdict};

use crate::counters::Counters;
use crate::journal::{Channel, Durability, Record, Trace};
use crate::passback::Claim;

/// One request: who asked what, and what is known so far. All of it stays to the end, settled or not.
pub(crate) struct Case<'d, 'b> {
    pub(super) grant: Grant,
    /// `None` when the request could not be read.
    pub(super) lane: Option<Lane>,
    /// What is to be checked; `None` when the request is answered without.
    pub(super) code: Option<&'d [u8]>,
    /// Whether the device says that `code` is a reference.
    pub(super) is_reference: bool,
    /// Whether this very request was seen before, or may have been.
    pub(super) repeated: bool,
    /// What was verified of the code, where it lies.
    pub(super) proof: Proof<'b>,
    /// What the site asks for its records.
    pub(super) durability: Durability,
    pub(super) verdict: Verdict,
}

/// What becomes a record's [`Trace`], not copied yet: without a journal it never is.
#[derive(Clone, Copy)]
pub(super) enum Proof<'b> {
    None,
    Step(&'b Node),
    Code(&'b [u8; 32]),
}

/// Why what a policy admits is not admitted after all. What cannot be claimed is never admitted.
pub(super) const fn objection(claim: Claim) -> Option<Reason> {
    match claim {
        Claim::First { .. } | Claim::Again => None,
        Claim::Elsewhere => Some(Reason::PassBack),
        // With a new session the gate asks again under a number that is known to be new.
        Claim::Unclaimed => Some(Reason::CookieExpired),
        Claim::Contended => Some(Reason::Busy),
    }
}

impl<'d> Case<'d, '_> {
    /// A request, `None` when it could not be read. `repeated` says whether it was seen before, or may have been, or
    /// why it is answered without being checked.
    pub(crate) fn new(
        now: UnixMillis,
        number: CheckNumber,
        grant: Grant,
        request: Option<&CheckRequest<'d>>,
        repeated: Result<bool, Reason>,
    ) -> Self {
        let (code, repeated, reason) = match (request, repeated) {
            (_, Err(reason)) => (None, true, reason),
            (None, Ok(_)) => (None, true, Reason::BadRequest),
            // Until a step says otherwise.
            (Some(request), Ok(repeated)) => (Some(request.code), repeated, Reason::Busy),
        };
        Case {
            grant,
            lane: request.map(|request| request.lane),
            code,
            is_reference: request.is_some_and(|request| request.is_reference),
            repeated,
            proof: Proof::None,
            durability: Durability::default(),
            verdict: Verdict::of(number, now, reason),
        }
    }

    /// Turns down what was to be admitted where the claim says so.
    #[inline]
    pub(super) fn claimed(&mut self, claim: Claim, counters: &Counters) {
        match claim {
            Claim::First { evicted: true } => counters.count_pass_back_evictions(1),
            Claim::Unclaimed => counters.count_pass_back_unclaimed(1),
            Claim::First { evicted: false } | Claim::Again | Claim::Elsewhere | Claim::Contended => {}
        }
        if let Some(reason) = objection(claim) {
            self.settle(reason);
        }
    }

    /// Turns the request down. The decision is the reason's own, which is never to admit.
    pub(super) fn settle(&mut self, reason: Reason) {
        (self.verdict.decision, self.verdict.reason) = (reason.decision(), reason);
    }

    /// The verdict, once [`judge`](super::judge) is through.
    pub(crate) fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// What is noted of it, once [`judge`](super::judge) is through.
    pub(crate) fn record(&self, channel: Channel) -> Record {
        let Case { grant, lane, proof, durability, verdict, .. } = *self;
        let trace = match proof {
            Proof::None => Trace::None,
            Proof::Step(value) => Trace::Step(*value),
            Proof::Code(half) => Trace::Code(*half),
        };
        Record { channel, grant, lane, trace, durability, verdict, roster: None }
    }
}
