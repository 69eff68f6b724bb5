//! The requests of one batch and what becomes of each: the path of a check, step by step.
//!
//! Every step takes what the step before it made and hands on something stronger. A request that a step
//! turns down is settled there with its reason, and later steps never see it. No step looks at a request's
//! neighbours, so a batch gives the verdicts that its requests would get one at a time.

use arrayvec::ArrayVec;
use hufu_codes::code::{self, Code};
use hufu_codes::ended::EndedTrips;
use hufu_codes::keyring::Keyring;
use hufu_codes::presentation::{self, Presentation, clock_offset, steps_ahead};
use hufu_codes::seen::{SeenCache, Sought, Unseen};
use hufu_codes::{Credential, Detail, Verified};
use hufu_policy::{Facts, Presented, Shown, SitePolicy, Sites, Trip, evaluate};
use hufu_wire::{
    Age, CodeKind, Decision, HolderIndex, Reason, Reference, StatusWord, Step, UnixMillis, UnixSeconds,
    limits,
};

use crate::counters::Counters;
use crate::foreign::Foreign;
use crate::grounds::{Beside, Grounds, Rules};
use crate::journal::Durability;
use crate::passback::{self, Gate, PassBack, Use, Windows};
use crate::statuses::Statuses;

use self::case::Proof;
use self::foreign::Abroad;

mod case;
mod foreign;
mod reference;

pub(crate) use self::case::Case;

/// As many things as a batch has requests.
pub(crate) type Batch<T> = ArrayVec<T, { limits::BATCH_MAX }>;

/// Room for one decoded code of each request.
pub(crate) type Binaries = [[u8; limits::CODE_BINARY_BYTES_MAX]; limits::BATCH_MAX];

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
    let &Grounds { trust, rules, beside, statuses, pass_back, counters } = grounds;
    let Beside { ended, foreign, listed } = beside;

    let mut aside = Aside::default();
    let read = read_codes(now, cases, &rules.sites, (binaries, foreign.as_deref()), &mut aside);
    let Aside { abroad, referred } = aside;
    if let (Some(foreign), false) = (foreign, abroad.is_empty()) {
        foreign::judge(now, cases, abroad, &**foreign, (rules, pass_back, counters));
    }
    let genuine = verify(now, cases, &read, (&trust.keyring, &trust.seen, ended), counters);
    let mut present = present(now, cases, genuine);
    let unlisted = reference::join(cases, &trust.keyring, listed, &mut present, referred);
    let mut present = look_up(now, cases, present, statuses);
    present.extend(unlisted);
    decide(now, cases, &present, rules, pass_back, counters);

    counters.count_batches(1);
    counters.count_requests(cases.len());
    for Case { grant, verdict, .. } in cases {
        counters.count_verdict(grant.site, verdict.decision, verdict.reason);
    }
}

/// What is no code of ours.
#[derive(Default)]
struct Aside<'p, 'd, 'b> {
    abroad: Batch<Abroad<'p, 'd, 'b>>,
    /// What refers to a status list: nothing of it is to be verified.
    referred: Batch<Present<'p>>,
}

/// Reads each code's text and structure, and finds its site's policy.
fn read_codes<'p, 'd, 'b>(
    now: UnixMillis,
    cases: &mut [Case<'d, 'b>],
    sites: &'p Sites,
    (binaries, foreign): (&'b mut Binaries, Option<&dyn Foreign>),
    aside: &mut Aside<'p, 'd, 'b>,
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
        let gate = Gate { device: case.grant.device, lane };
        if case.is_reference {
            aside.referred.extend(reference::read(now, index, case, gate, policy));
            continue;
        }
        // Our own codes are told by one byte: `HF1:`.
        if code.get(1) != Some(&b'F') && foreign.is_some_and(|foreign| foreign.takes(code)) {
            case.verdict.kind = Some(CodeKind::Foreign);
            if let Some(room) = binary.first_chunk_mut() {
                aside.abroad.push(Abroad { case: index, gate, policy, text: code, room });
            }
            continue;
        }
        match code::parse_text(code, binary) {
            Ok(code) => {
                case.verdict.kind = Some(code.credential.claims().kind());
                read.push(Read { case: index, gate, policy, code });
            }
            // Only a device says that it has verified a credential: what was scanned says nothing (decision 47).
            Err(Reason::NotACode) if Reference::begins(code) => case.settle(Reason::BadText),
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
    read: &Batch<Read<'p, 'b>>,
    (keyring, seen, ended): (&Keyring, &SeenCache, &EndedTrips),
    counters: &Counters,
) -> Batch<Genuine<'p, 'b>> {
    let mut sought: Batch<(&Read<'p, 'b>, Sought<'_, 'b, Credential<'b>>)> = Batch::new();
    for read in read {
        match keyring.admit(read.code.credential, now.seconds()) {
            Ok(admitted) => sought.push((read, seen.look_for(admitted))),
            Err(reason) => cases[read.case].settle(reason),
        }
    }
    let mut known: Batch<(&Read<'p, 'b>, Verified<Credential<'b>>)> = Batch::new();
    let mut asking: Batch<&Read<'p, 'b>> = Batch::new();
    let mut unseen: Batch<Unseen<'_, 'b, Credential<'b>>> = Batch::new();
    for (read, sought) in sought {
        match seen.recall_sought(sought) {
            Ok(credential) => known.push((read, credential)),
            Err(credential) => {
                asking.push(read);
                unseen.push(credential);
            }
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
    for (&Read { case, gate, policy, ref code }, credential) in known {
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
    let mut answers = [const { Err(Reason::PresentationInvalid) }; limits::BATCH_MAX];
    let asked = genuine.iter().map(|genuine| (&genuine.credential, genuine.presentation.as_ref()));
    presentation::present_all(asked, &mut answers);

    let mut present = Batch::new();
    for (Genuine { case, gate, policy, credential, presentation }, shown) in genuine.into_iter().zip(answers)
    {
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
    let mut claims: Batch<(usize, Gate, passback::Sought, Windows)> = Batch::new();
    for &Present { case: index, gate, policy, holder, step, ref facts } in present {
        let case = &mut cases[index];
        let ruling = evaluate(policy, facts);
        (case.verdict.decision, case.verdict.reason) = (ruling.decision(), ruling.reason());
        let here_s = rules.pass_back_s(policy, step.is_some());
        if ruling.decision() != Decision::Admit || here_s == 0 {
            continue;
        }
        let windows = Windows {
            here_s,
            longest_s: rules.pass_back_s_max,
            // What is not known to be new starts no window.
            repeated: case.repeated,
            by: policy.pass_back_by,
        };
        let shown = Use { issuer: facts.issuer, holder, step };
        claims.push((index, gate, pass_back.look_for(shown), windows));
    }
    for (index, gate, sought, windows) in claims {
        cases[index].claimed(pass_back.claim_sought(sought, gate, now.seconds(), windows), counters);
    }
}

#[cfg(test)]
mod tests;
