//! A gate without sockets or a clock, against engines and networks that a test makes up.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

mod network;
mod rig;

use std::time::{Duration, Instant};

use hufu_gate::{Core, Input, NoVerdict, Pace};
use hufu_wire::{
    CheckNumber, HolderIndex, IssuerId, Reason, Reference, RequestHeader, UnixSeconds, read, sealed,
};
use proptest::prelude::*;

use crate::rig::{ISSUED, LANE, LIFE_S, Wanted, asked_about, gate, renewed, renewed_at, reply, sent, wanted};

/// What a gate sends, after how many milliseconds and to which engine; its enrolments; the outcome.
type Told = (Vec<(u64, u8)>, Vec<usize>, Result<Reason, NoVerdict>);

/// Lets the time pass in a network that carries nothing, until there is an outcome.
fn in_silence(core: &mut Core, begun: Instant) -> Told {
    let (mut now, mut sends, mut enrolments) = (begun, Vec::new(), Vec::new());
    loop {
        for wanted in wanted(core) {
            match wanted {
                Wanted::Send(engine, _) => {
                    sends.push((u64::try_from((now - begun).as_millis()).unwrap(), engine));
                }
                Wanted::Enrol(first) => enrolments.push(first),
                Wanted::Outcome(outcome) => return (sends, enrolments, outcome),
            }
        }
        now = core.deadline().expect("something is under way");
        core.step(now, Input::Time);
    }
}

#[test]
fn a_verdict_comes_from_its_own_reply_and_no_other() {
    let now = Instant::now();
    let mut core = gate(now, 2);
    core.step(now, Input::Scan(b"HF1:A", LANE));
    let asked = wanted(&mut core);
    let (engine, request) = sent(&asked);
    assert_eq!(engine, 0);
    let good = reply(request, 1, Reason::Clear);
    let mut altered = good.clone();
    *altered.last_mut().unwrap() ^= 1;
    for worthless in [&b""[..], &good[..50], &altered, &reply(request, 2, Reason::Clear)] {
        core.step(now, Input::Datagram(worthless));
        assert_eq!(wanted(&mut core), []);
    }
    core.step(now, Input::Datagram(&good));
    assert_eq!(wanted(&mut core), [Wanted::Outcome(Ok(Reason::Clear))]);
    assert_eq!(core.server_time(now + Duration::from_secs(1)).0, u64::from(ISSUED.0) * 1_000 + 1_500);
    // It is answered once. The next scan does not take the old reply for its own.
    core.step(now, Input::Datagram(&good));
    assert_eq!((wanted(&mut core), core.deadline()), (vec![], None));
    core.step(now, Input::Scan(b"HF1:B", LANE));
    assert_eq!(wanted(&mut core).len(), 1);
    core.step(now, Input::Datagram(&good));
    assert_eq!(wanted(&mut core), []);
}

/// Anyone can print what a reference looks like and hold it before a scanner.
#[test]
fn r64_no_scan_is_sent_as_a_reference() {
    let now = Instant::now();
    let mut core = gate(now, 1);
    let reference = Reference { issuer: IssuerId(900_001), index: HolderIndex(0) };
    for (input, text, is_reference) in [
        (Input::Scan(b"SL1:900001.0", LANE), "SL1:", false),
        (Input::Reference(reference, LANE), "SL1:900001.0", true),
        (Input::Scan(b"SL1:900001.0", LANE), "SL1:", false),
        (Input::Scan(b"HF1:A", LANE), "HF1:A", false),
    ] {
        core.step(now, input);
        let wanted = wanted(&mut core);
        let (_, request) = sent(&wanted);
        assert_eq!(asked_about(request, 1), (text.as_bytes().to_vec(), is_reference));
    }
}

#[test]
fn r51_a_silent_engine_is_asked_three_times_and_then_the_next_one() {
    let now = Instant::now();
    let mut core = gate(now, 2);
    core.step(now, Input::Scan(b"HF1:A", LANE));
    let (sends, enrolments, outcome) = in_silence(&mut core, now);
    let wanted: Vec<(u64, u8)> =
        [0, 50, 100, 150, 200, 250, 300, 350].into_iter().zip([0, 0, 0, 1, 1, 1, 0, 0]).collect();
    assert_eq!((sends, enrolments, outcome), (wanted, vec![], Err(NoVerdict::NoAnswer)));
}

#[test]
fn r51_after_long_silence_a_gate_enrols_and_asks_again_in_the_new_session() {
    let mut now = Instant::now();
    let mut core = gate(now, 1);
    let mut enrolments = Vec::new();
    while enrolments.is_empty() {
        core.step(now, Input::Scan(b"HF1:A", LANE));
        (_, enrolments, _) = in_silence(&mut core, now);
        now += Duration::from_millis(400);
    }
    core.step(now, Input::Scan(b"HF1:A", LANE));
    let before = wanted(&mut core);
    core.step(now, Input::Enrolled(Box::new(renewed(now, 2, 1))));
    let after = wanted(&mut core);
    assert_ne!(sent(&before).1, sent(&after).1, "sealed again");
    core.step(now, Input::Datagram(&reply(sent(&after).1, 2, Reason::Clear)));
    assert_eq!(wanted(&mut core), [Wanted::Outcome(Ok(Reason::Clear))]);
}

#[test]
fn r51_a_busy_engine_is_left_for_another_at_once_and_the_last_one_is_believed() {
    for reason in [Reason::Busy, Reason::Stopping] {
        let now = Instant::now();
        let mut core = gate(now, 2);
        core.step(now, Input::Scan(b"HF1:A", LANE));
        let first = wanted(&mut core);
        core.step(now, Input::Datagram(&reply(sent(&first).1, 1, reason)));
        let second = wanted(&mut core);
        assert_eq!((sent(&second).0, sent(&second).1), (1, sent(&first).1), "the same bytes");
        core.step(now, Input::Datagram(&reply(sent(&second).1, 1, reason)));
        assert_eq!(wanted(&mut core), [Wanted::Outcome(Ok(reason))]);
    }
}

#[test]
fn a_session_that_is_over_is_renewed_within_the_scan() {
    let now = Instant::now();
    let mut core = gate(now, 1);
    core.step(now, Input::Scan(b"HF1:A", LANE));
    let asked = wanted(&mut core);
    core.step(now, Input::Datagram(&reply(sent(&asked).1, 1, Reason::CookieExpired)));
    assert_eq!(wanted(&mut core), [Wanted::Enrol(0)]);
    assert!(core.waits_for_session());
    core.step(now, Input::Enrolled(Box::new(renewed(now, 2, 1))));
    let asked = wanted(&mut core);
    core.step(now, Input::Datagram(&reply(sent(&asked).1, 2, Reason::CookieExpired)));
    assert_eq!(wanted(&mut core), [Wanted::Outcome(Ok(Reason::CookieExpired))], "once is enough");
    // By its own clock, and no engine gives another one.
    let over = UnixSeconds(ISSUED.0 + LIFE_S);
    let mut core = Core::new(vec![None], Pace::default(), renewed_at(now, 1, 1, over));
    core.step(now, Input::Scan(b"HF1:A", LANE));
    assert_eq!(wanted(&mut core), [Wanted::Enrol(0)]);
    core.step(now, Input::NotEnrolled);
    assert_eq!(wanted(&mut core), [Wanted::Outcome(Err(NoVerdict::NoSession))]);
    core.step(now, Input::Scan(b"HF1:A", LANE));
    assert_eq!(wanted(&mut core), [Wanted::Outcome(Err(NoVerdict::NoSession))], "and no enrolment more");
}

#[test]
fn a_session_that_comes_meanwhile_waits_for_the_next_scan() {
    let now = Instant::now();
    let half = UnixSeconds(ISSUED.0 + LIFE_S / 2);
    let mut core = Core::new(vec![None], Pace::default(), renewed_at(now, 1, 1, half));
    core.step(now, Input::Scan(b"HF1:A", LANE));
    let asked = wanted(&mut core);
    assert!(matches!(asked[..], [Wanted::Enrol(0), Wanted::Send(..)]), "{asked:?}");
    core.step(now, Input::Enrolled(Box::new(renewed(now, 2, 1))));
    core.step(now, Input::Datagram(&reply(sent(&asked).1, 1, Reason::Clear)));
    assert_eq!(wanted(&mut core), [Wanted::Outcome(Ok(Reason::Clear))]);
    core.step(now, Input::Scan(b"HF1:B", LANE));
    let asked = wanted(&mut core);
    core.step(now, Input::Datagram(&reply(sent(&asked).1, 2, Reason::Clear)));
    assert_eq!(wanted(&mut core), [Wanted::Outcome(Ok(Reason::Clear))]);
}

#[test]
fn a_session_that_waited_does_not_set_the_clock_back() {
    let now = Instant::now();
    let half = UnixSeconds(ISSUED.0 + LIFE_S / 2);
    let mut core = Core::new(vec![None], Pace::default(), renewed_at(now, 1, 1, half));
    core.step(now, Input::Scan(b"HF1:A", LANE));
    let asked = wanted(&mut core);
    core.step(now, Input::Enrolled(Box::new(renewed_at(now, 2, 1, half))));
    core.step(now, Input::Datagram(&reply(sent(&asked).1, 1, Reason::Clear)));
    let later = now + Duration::from_secs(3_600);
    let wanted = (u64::from(half.0) + 3_600) * 1_000;
    core.step(later, Input::Scan(b"HF1:B", LANE));
    assert_eq!(core.server_time(later).0, wanted);
    // Nor does one that waited for the gate to ask for it.
    let mut core = gate(now, 1);
    core.step(later, Input::Enrolled(Box::new(renewed_at(now, 2, 1, half))));
    assert_eq!(core.server_time(later).0, wanted);
}

proptest! {
    /// Whatever a network and its engines do, each scan has one outcome within its budget, at most one enrolment is
    /// under way, and no more is sent than the pace allows.
    #[test]
    fn every_scan_ends_in_time(steps in proptest::collection::vec((0_u8..8, 0_u64..120, any::<u8>()), 1..200)) {
        let mut now = Instant::now();
        let mut core = gate(now, 3);
        let (mut seed, mut enrolling, mut begun, mut sends) = (1_u8, false, None::<Instant>, 0);
        let mut last = Vec::new();
        for (what, wait_ms, chance) in steps {
            let next = now + Duration::from_millis(wait_ms);
            // What drives it keeps its deadlines.
            while let Some(at) = core.deadline().filter(|at| *at <= next) {
                now = at.max(now);
                core.step(now, Input::Time);
                for output in wanted(&mut core) {
                    follow(&output, now, &mut enrolling, &mut begun, &mut sends, &mut last)?;
                }
            }
            now = next;
            let reasons = [Reason::Clear, Reason::Busy, Reason::Stopping, Reason::CookieExpired, Reason::StatusRed];
            let reason = reasons[usize::from(chance) % reasons.len()];
            match what {
                0 | 1 if begun.is_none() => {
                    (begun, sends) = (Some(now), 0);
                    core.step(now, Input::Scan(b"HF1:A", LANE));
                }
                2 if enrolling => {
                    (seed, enrolling) = (seed.wrapping_add(1), false);
                    core.step(now, Input::Enrolled(Box::new(renewed(now, seed, 3))));
                }
                3 if enrolling => {
                    enrolling = false;
                    core.step(now, Input::NotEnrolled);
                }
                4 | 5 if !last.is_empty() => core.step(now, Input::Datagram(&reply(&last, seed, reason))),
                6 => core.step(now, Input::Datagram(&[chance; 76])),
                _ => core.step(now, Input::Time),
            }
            for output in wanted(&mut core) {
                follow(&output, now, &mut enrolling, &mut begun, &mut sends, &mut last)?;
            }
            prop_assert_eq!(core.deadline().is_some(), begun.is_some());
        }
    }
}

fn follow(
    output: &Wanted,
    now: Instant,
    enrolling: &mut bool,
    begun: &mut Option<Instant>,
    sends: &mut u32,
    last: &mut Vec<u8>,
) -> Result<(), TestCaseError> {
    match output {
        Wanted::Enrol(_) => {
            prop_assert!(!*enrolling, "two enrolments at once");
            *enrolling = true;
        }
        Wanted::Send(_, bytes) => {
            prop_assert!(begun.is_some(), "nothing was scanned");
            *sends += 1;
            prop_assert!(*sends <= 8 + 3 + 3, "{} datagrams for one scan", sends);
            last.clone_from(bytes);
        }
        Wanted::Outcome(_) => {
            let since = begun.take().expect("one outcome a scan");
            prop_assert!(now - since <= Duration::from_millis(400));
        }
    }
    Ok(())
}

#[test]
fn a_number_is_never_used_for_two_scans() {
    let now = Instant::now();
    let mut core = gate(now, 1);
    let mut numbers = Vec::new();
    for _ in 0..5 {
        core.step(now, Input::Scan(b"HF1:A", LANE));
        numbers.push(number_of(sent(&wanted(&mut core)).1));
    }
    assert_eq!(numbers, [1, 2, 3, 4, 5].map(CheckNumber));
}

#[test]
fn a_session_that_is_handed_in_twice_is_taken_once() {
    let now = Instant::now();
    let mut core = gate(now, 1);
    core.step(now, Input::Scan(b"HF1:A", LANE));
    let asked = wanted(&mut core);
    core.step(now, Input::Datagram(&reply(sent(&asked).1, 1, Reason::CookieExpired)));
    assert_eq!(wanted(&mut core), [Wanted::Enrol(0)]);
    core.step(now, Input::Enrolled(Box::new(renewed(now, 1, 1))));
    assert_eq!(wanted(&mut core), [Wanted::Outcome(Err(NoVerdict::NoSession))]);
    core.step(now, Input::Scan(b"HF1:B", LANE));
    assert_eq!(number_of(sent(&wanted(&mut core)).1), CheckNumber(2));
    // One that waits for the next scan, while it waits and when it is in use.
    core.step(now, Input::Enrolled(Box::new(renewed(now, 2, 1))));
    for number in [1, 2] {
        core.step(now, Input::Enrolled(Box::new(renewed(now, 2, 1))));
        core.step(now, Input::Scan(b"HF1:C", LANE));
        assert_eq!(number_of(sent(&wanted(&mut core)).1), CheckNumber(number));
    }
}

fn number_of(request: &[u8]) -> CheckNumber {
    read::<RequestHeader>(&request[..sealed::REQUEST_HEADER_BYTES]).unwrap().number
}
