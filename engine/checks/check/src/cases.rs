//! The requests of one batch and what becomes of each: the path of a check, step by step.
//!
//! Every step takes what the step before it made and hands on something stronger. A request that a step
//! turns down is settled there with its reason, and later steps never see it. No step looks at a request's
//! neighbours, so a batch gives the verdicts that its requests would get one at a time.

use arrayvec::ArrayVec;
use hufu_codes::code::{self, Code};
use hufu_codes::ended::EndedTrips;
use hufu_codes::keyring::Keyring;
use hufu_codes::presentation::{self, Node, Presentation, clock_offset, steps_ahead};
use hufu_codes::seen::{SeenCache, Unseen};
use hufu_codes::{Credential, Detail, Verified};
use hufu_policy::{Facts, Presented, Shown, SitePolicy, Sites, Trip, evaluate};
use hufu_wire::{
    Age, CheckNumber, CheckRequest, CodeKind, Decision, Grant, HolderIndex, Lane, Reason, StatusWord, Step,
    UnixMillis, UnixSeconds, Verdict, limits,
};

use crate::counters::Counters;
use crate::grounds::{Grounds, Rules};
use crate::journal::{Channel, Durability, Record, Trace};
use crate::passback::{Claim, Gate, PassBack, Use, Windows};
use crate::statuses::Statuses;

/// As many things as a batch has requests.
pub(crate) type Batch<T> = ArrayVec<T, { limits::BATCH_MAX }>;

/// Room for one decoded code of each request.
pub(crate) type Binaries = [[u8; limits::CODE_BINARY_BYTES_MAX]; limits::BATCH_MAX];

/// One request: who asked what, and what is known so far. All of it stays to the end, settled or not.
pub(crate) struct Case<'d, 'b> {
    grant: Grant,
    /// `None` when the request could not be read.
    lane: Option<Lane>,
    /// What is to be checked; `None` when the request is answered without.
    code: Option<&'d [u8]>,
    /// Whether this very request was seen before, or may have been.
    repeated: bool,
    /// What was verified of the code, where it lies.
    proof: Proof<'b>,
    /// What the site asks for its records.
    durability: Durability,
    verdict: Verdict,
}

/// What becomes a record's [`Trace`], not copied yet: without a journal it never is.
#[derive(Clone, Copy)]
enum Proof<'b> {
    None,
    Step(&'b Node),
    Code(&'b [u8; 32]),
}

/// A code that was read, at a site that has a policy.
struct Read<'p, 'b> {
    case: usize,
    gate: Gate,
    policy: &'p SitePolicy,
    code: Code<'b>,
}

/// A code whose credential is genuine and valid now.
struct Genuine<'p, 'b> {
    case: usize,
    gate: Gate,
    policy: &'p SitePolicy,
    credential: Verified<Credential<'b>>,
    presentation: Option<Presentation<'b>>,
}

/// A genuine credential, shown by its holder: only the holder's status and the site decide now.
struct Present<'p> {
    case: usize,
    gate: Gate,
    policy: &'p SitePolicy,
    holder: HolderIndex,
    /// The step of its presentation, where it has one.
    step: Option<Step>,
    facts: Facts,
}

/// Checks all cases that are not settled yet. Afterwards every case has its verdict, and it is counted.
pub(crate) fn judge<'b>(
    now: UnixMillis,
    grounds: &Grounds<'_, impl Statuses>,
    cases: &mut Batch<Case<'_, 'b>>,
    binaries: &'b mut Binaries,
) {
    let &Grounds { trust, rules, ended, statuses, pass_back, counters } = grounds;

    let read = read_codes(cases, &rules.sites, binaries);
    let genuine = verify(now, cases, read, (&trust.keyring, &trust.seen, ended), counters);
    let present = present(now, cases, genuine);
    let present = look_up(now, cases, present, statuses);
    decide(now, cases, &present, rules, pass_back, counters);

    counters.count_batches(1);
    counters.count_requests(cases.len());
    for Case { grant, verdict, .. } in cases {
        counters.count_verdict(grant.site, verdict.decision, verdict.reason);
    }
}

/// Reads each code's text and structure, and finds its site's policy.
fn read_codes<'p, 'b>(
    cases: &mut [Case<'_, 'b>],
    sites: &'p Sites,
    binaries: &'b mut Binaries,
) -> Batch<Read<'p, 'b>> {
    let mut read = Batch::new();
    for ((index, case), binary) in cases.iter_mut().enumerate().zip(binaries) {
        let policy = sites.get(case.grant.site);
        // What is answered without a look at its code is noted too, as its site asks.
        case.durability = policy.map_or_else(Durability::default, |policy| policy.records);
        let (Some(code), Some(lane)) = (case.code, case.lane) else { continue };
        let Some(policy) = policy else {
            case.settle(Reason::SiteUnknown);
            continue;
        };
        match code::parse_text(code, binary) {
            Ok(code) => {
                case.verdict.kind = Some(code.credential.claims().kind());
                let gate = Gate { device: case.grant.device, lane };
                read.push(Read { case: index, gate, policy, code });
            }
            Err(reason) => case.settle(reason),
        }
    }
    read
}

/// Finds each credential's key, verifies its signature (or remembers that it was verified), and holds its
/// validity against the clock and a trip's against the lists of those that ended.
fn verify<'p, 'b>(
    now: UnixMillis,
    cases: &mut [Case<'_, 'b>],
    read: Batch<Read<'p, 'b>>,
    (keyring, seen, ended): (&Keyring, &SeenCache, &EndedTrips),
    counters: &Counters,
) -> Batch<Genuine<'p, 'b>> {
    let mut known: Batch<(Read<'p, 'b>, Verified<Credential<'b>>)> = Batch::new();
    let mut asking: Batch<Read<'p, 'b>> = Batch::new();
    let mut unseen: Batch<Unseen<'_, 'b, Credential<'b>>> = Batch::new();
    for read in read {
        match keyring.admit(read.code.credential, now.seconds()) {
            Ok(admitted) => match seen.recall(admitted) {
                Ok(credential) => known.push((read, credential)),
                Err(credential) => {
                    asking.push(read);
                    unseen.push(credential);
                }
            },
            Err(reason) => cases[read.case].settle(reason),
        }
    }
    counters.count_seen_again(known.len());
    counters.count_seen_first(unseen.len());

    let mut answers = [const { Err(Reason::BadSignature) }; limits::BATCH_MAX];
    seen.verify(hufu_signature::backend(), &unseen, &mut answers[..unseen.len()]);
    for (read, answer) in asking.into_iter().zip(answers) {
        match answer {
            Ok(credential) => known.push((read, credential)),
            Err(reason) => cases[read.case].settle(reason),
        }
    }

    let mut genuine = Batch::new();
    for (Read { case, gate, policy, code }, credential) in known {
        // A phone code proves nothing until its presentation is verified.
        if credential.kind() != CodeKind::Phone {
            cases[case].proof = Proof::Code(code.credential.signature_r());
        }
        match credential.valid_at(now.seconds()) {
            // Its ticket was changed or cancelled (R04).
            #[cfg(feature = "planted")]
            Ok(())
                if ended.ends(&code.credential)
                    && hufu_wire::planted::has(hufu_wire::planted::Bug::EndedTripAdmitted) =>
            {
                let presentation = code.presentation;
                genuine.push(Genuine { case, gate, policy, credential, presentation });
            }
            Ok(()) if ended.ends(&code.credential) => cases[case].settle(Reason::Superseded),
            Ok(()) => {
                let presentation = code.presentation;
                genuine.push(Genuine { case, gate, policy, credential, presentation });
            }
            Err(reason) => cases[case].settle(reason),
        }
    }
    genuine
}

/// Checks that a phone code is shown on the holder's phone, and how far its clock is off (R02, R08).
fn present<'p, 'b>(
    now: UnixMillis,
    cases: &mut [Case<'_, 'b>],
    genuine: Batch<Genuine<'p, 'b>>,
) -> Batch<Present<'p>> {
    let mut present = Batch::new();
    for Genuine { case, gate, policy, credential, presentation } in genuine {
        let shown = presentation::present(&credential, presentation.as_ref());
        if let (Ok(presentation::Shown::At(_)), Some(verified)) = (&shown, presentation) {
            cases[case].proof = Proof::Step(verified.preimage);
        }
        match shown.and_then(|shown| describe(now.seconds(), policy, &credential, shown)) {
            Ok((shown, step)) => {
                if let Shown::Phone { presented: Presented::Skewed(offset), .. } = shown {
                    cases[case].verdict.clock_offset = offset;
                }
                let facts = Facts {
                    now: now.seconds(),
                    shown,
                    issuer: credential.issuer(),
                    status: StatusWord::UNKNOWN,
                    age: Age::Unknown,
                };
                present.push(Present { case, gate, policy, holder: credential.holder, step, facts });
            }
            Err(reason) => cases[case].settle(reason),
        }
    }
    present
}

/// What was shown, in the words of a policy, and the step that pass-back remembers it by.
fn describe(
    now: UnixSeconds,
    policy: &SitePolicy,
    credential: &Credential<'_>,
    shown: presentation::Shown,
) -> Result<(Shown, Option<Step>), Reason> {
    let generation = credential.generation;
    Ok(match (credential.detail, shown) {
        (Detail::Phone { .. }, presentation::Shown::At(step)) => {
            let current = steps_ahead(step, now).unsigned_abs() <= u64::from(policy.skew_steps);
            let presented =
                if current { Presented::Current } else { Presented::Skewed(clock_offset(step, now)) };
            (Shown::Phone { generation, presented }, Some(step))
        }
        (Detail::Trip { hub, from, until: last }, _) => {
            // A credential names the window's last second, a policy the first one after it.
            let until = UnixSeconds(last.0.saturating_add(1));
            (Shown::Trip { generation, trip: Trip { hub, from, until } }, None)
        }
        (Detail::Paper, _) => (Shown::Paper { generation }, None),
        (Detail::Family, _) => (Shown::Family { generation }, None),
        // A phone code is never taken for one that needs no presentation (R03).
        (Detail::Phone { .. }, presentation::Shown::NotNeeded) => return Err(Reason::PresentationMissing),
    })
}

/// Fetches each holder's status and how current it is. What a verdict claims to take into account is read
/// before the words are: they include at least that much.
fn look_up<'p, T: Statuses>(
    now: UnixMillis,
    cases: &mut [Case<'_, '_>],
    mut present: Batch<Present<'p>>,
    table: &T,
) -> Batch<Present<'p>> {
    let mut wanted: Batch<(T::Slot, HolderIndex)> = Batch::new();
    let mut wanted_by: Batch<usize> = Batch::new();
    for (index, holder) in present.iter_mut().enumerate() {
        // An issuer that is trusted and not followed has no slot: its holders stay unknown, their age too.
        let Some(slot) = table.slot(holder.facts.issuer) else { continue };
        let as_of = table.as_of(slot);
        let age = as_of.heard.map_or(Age::Unknown, |heard| Age::between(heard, now));
        let verdict = &mut cases[holder.case].verdict;
        (verdict.as_of, verdict.age, holder.facts.age) = (as_of.sequence, age, age);
        wanted.push((slot, holder.holder));
        wanted_by.push(index);
    }
    let mut words = [StatusWord::UNKNOWN; limits::BATCH_MAX];
    table.lookup_batch(&wanted, &mut words[..wanted.len()]);
    for (index, word) in wanted_by.into_iter().zip(words) {
        present[index].facts.status = word;
        cases[present[index].case].verdict.colour = word.colour();
    }
    present
}

/// Applies each site's policy. What it would admit is claimed for the gate that asks, so that the same
/// presentation is not admitted at another one (R09).
fn decide(
    now: UnixMillis,
    cases: &mut [Case<'_, '_>],
    present: &Batch<Present<'_>>,
    rules: &Rules,
    pass_back: &PassBack,
    counters: &Counters,
) {
    for Present { case, gate, policy, holder, step, facts } in present {
        let case = &mut cases[*case];
        let ruling = evaluate(policy, facts);
        (case.verdict.decision, case.verdict.reason) = (ruling.decision(), ruling.reason());
        if ruling.decision() != Decision::Admit {
            continue;
        }
        let shown = Use { issuer: facts.issuer, holder: *holder, step: *step };
        let windows = Windows {
            here_s: rules.pass_back_s(policy, step.is_some()),
            longest_s: rules.pass_back_s_max,
            // What is not known to be new starts no window.
            repeated: case.repeated,
            by: policy.pass_back_by,
        };
        let claim = pass_back.claim(shown, *gate, now.seconds(), windows);
        match claim {
            Claim::First { evicted: true } => counters.count_pass_back_evictions(1),
            Claim::Unclaimed => counters.count_pass_back_unclaimed(1),
            Claim::First { evicted: false } | Claim::Again | Claim::Elsewhere | Claim::Contended => {}
        }
        if let Some(reason) = objection(claim) {
            case.settle(reason);
        }
    }
}

/// Why what a policy admits is not admitted after all. What cannot be claimed is never admitted.
const fn objection(claim: Claim) -> Option<Reason> {
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
        let (lane, verdict) = (request.map(|request| request.lane), Verdict::of(number, now, reason));
        Case { grant, lane, code, repeated, proof: Proof::None, durability: Durability::default(), verdict }
    }

    /// Turns the request down. The decision is the reason's own, which is never to admit.
    fn settle(&mut self, reason: Reason) {
        (self.verdict.decision, self.verdict.reason) = (reason.decision(), reason);
    }

    /// The verdict, once [`judge`] is through.
    pub(crate) fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// What is noted of it, once [`judge`] is through.
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

#[cfg(test)]
mod tests;
