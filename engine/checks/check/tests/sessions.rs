//! Sessions of one device: what each of them, lost, repeated, older or revoked, can do to pass-back and to the others.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use hufu_check::{Rate, Silence};
use hufu_policy::Sites;
use hufu_wire::{DeviceGeneration, DeviceId, HolderIndex, Lane, Reason, UnixMillis, Verdict};

fn later(seconds: u64) -> UnixMillis {
    UnixMillis(NOW.0 + seconds * 1000)
}

impl Checkpoint {
    fn verdict(&mut self, now: UnixMillis, gate: &Gate, request: &[u8]) -> Verdict {
        self.writer.heard(now);
        gate.session.open(&self.answer_at(now, request).expect("an answer")).unwrap()
    }
}

/// The gate's own session, one enrolled beside it later, one of the same second: pass-back holds for each.
#[test]
fn r09_pass_back_holds_for_every_session_of_a_device() {
    let mut checkpoint = Checkpoint::new();
    let mut first = checkpoint.gate(1, SCHOOL);
    let mut twin = checkpoint.gate(1, SCHOOL);
    let mut young = checkpoint.gate_at(1, SCHOOL, later(3));
    let mut other = checkpoint.gate(2, SCHOOL);
    for (holder, gate) in (100..).zip([&mut young, &mut first, &mut twin]) {
        let code = checkpoint.paper(HolderIndex(holder));
        assert_eq!(checkpoint.show_at(later(3), gate, &code).reason, Reason::Clear);
        assert_eq!(checkpoint.show_at(later(3), &mut other, &code).reason, Reason::PassBack, "{holder}");
        let code = checkpoint.paper(HolderIndex(holder + 50));
        assert_eq!(checkpoint.show_at(later(3), &mut other, &code).reason, Reason::Clear);
        assert_eq!(checkpoint.show_at(later(3), gate, &code).reason, Reason::PassBack, "{holder}");
    }
}

/// A session that more sessions than there is room for have pushed out is told to enrol again, and is admitted then.
#[test]
fn r09_a_session_without_a_window_is_never_admitted_unclaimed() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let code = checkpoint.paper(GREEN);
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::Clear);
    let captured = gate.request(&code);
    for second in 1..5 {
        let mut visitor = checkpoint.gate_at(1, SCHOOL, later(second));
        assert_eq!(checkpoint.show_at(later(second), &mut visitor, "").reason, Reason::NotACode);
    }
    let mut other = checkpoint.gate(2, SCHOOL);
    let fresh = checkpoint.paper(HolderIndex(100));
    let request = gate.request(&fresh);
    assert_eq!(checkpoint.verdict(later(5), &gate, &request).reason, Reason::CookieExpired);
    assert_eq!(checkpoint.counters.numbers_untold(), 1);
    assert_eq!(checkpoint.counters.pass_back_unclaimed(), 1);
    assert_eq!(checkpoint.show_at(later(5), &mut other, &fresh).reason, Reason::Clear, "nothing was claimed");

    let again = checkpoint.verdict(later(5), &gate, &captured);
    assert_eq!(again.reason, Reason::Clear, "an admission that is remembered is repeated");
    let mut renewed = checkpoint.gate_at(1, SCHOOL, later(6));
    let code = checkpoint.paper(HolderIndex(101));
    assert_eq!(checkpoint.show_at(later(6), &mut renewed, &code).reason, Reason::Clear);
    assert_eq!(checkpoint.show_at(later(6), &mut other, &code).reason, Reason::PassBack);
    // What the old session sends changes nothing for the new one.
    for _ in 0..20 {
        assert!(checkpoint.answer_at(later(6), &captured).is_some());
    }
    let request = renewed.request(&code);
    for _ in 0..2 {
        assert_eq!(checkpoint.verdict(later(6), &renewed, &request).reason, Reason::Clear);
    }
}

#[test]
fn r09_a_number_below_the_window_is_never_admitted_unclaimed() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let code = checkpoint.paper(GREEN);
    let late = gate.request(&code);
    gate.skip(95);
    assert_eq!(checkpoint.reason(&mut gate, ""), Reason::NotACode);
    assert_eq!(checkpoint.verdict(NOW, &gate, &late).reason, Reason::Clear, "96 below the highest");
    let late = gate.request(&checkpoint.paper(HolderIndex(100)));
    gate.skip(128);
    assert_eq!(checkpoint.reason(&mut gate, ""), Reason::NotACode);
    assert_eq!(checkpoint.verdict(NOW, &gate, &late).reason, Reason::CookieExpired);
    assert_eq!(checkpoint.counters.numbers_untold(), 1);
}

/// A cookie made by a clock that was ahead is renewed, and its sessions keep nobody from a window afterwards.
#[test]
fn r09_sessions_of_a_clock_that_was_ahead_are_renewed() {
    let mut checkpoint = Checkpoint::new();
    let mut other = checkpoint.gate(2, SCHOOL);
    let mut ahead: Vec<Gate> = (0..5).map(|n| checkpoint.gate_at(1, SCHOOL, later(1800 + n))).collect();
    for (gate, n) in ahead.iter_mut().zip(0..) {
        assert_eq!(checkpoint.show_at(later(1800 + n), gate, "").reason, Reason::NotACode);
    }
    let code = checkpoint.paper(GREEN);
    for gate in &mut ahead {
        assert_eq!(checkpoint.show_at(NOW, gate, &code).reason, Reason::CookieExpired);
    }
    for second in 0..5 {
        let mut gate = checkpoint.gate_at(1, SCHOOL, later(second));
        let code = checkpoint.paper(HolderIndex(100 + u32::try_from(second).unwrap()));
        assert_eq!(checkpoint.show_at(later(second), &mut gate, &code).reason, Reason::Clear, "{second}");
        assert_eq!(checkpoint.show_at(later(second), &mut other, &code).reason, Reason::PassBack);
    }
    assert_eq!(checkpoint.reason(&mut other, &code), Reason::Clear);
}

/// R09: what was lost on the way is new, what was answered gets the same answer, and what was turned away and would be
/// admitted now is asked again under a new number.
#[test]
fn r09_each_retransmission_gets_what_its_first_copy_got() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let lost = gate.request(&checkpoint.paper(GREEN));
    assert_eq!(checkpoint.reason(&mut gate, ""), Reason::NotACode);
    for _ in 0..3 {
        assert_eq!(checkpoint.verdict(NOW, &gate, &lost).reason, Reason::Clear);
    }
    let refused = gate.request(&checkpoint.paper(RED));
    for _ in 0..3 {
        assert_eq!(checkpoint.verdict(NOW, &gate, &refused).reason, Reason::StatusRed);
    }
    let status = hufu_wire::StatusWord::new(hufu_wire::Colour::Green, 1);
    checkpoint.writer.set(RED, status).unwrap();
    assert_eq!(checkpoint.verdict(NOW, &gate, &refused).reason, Reason::CookieExpired);
    let code = checkpoint.paper(RED);
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::Clear);
}

#[test]
fn r09_what_came_too_fast_is_new_when_it_comes_again() {
    let mut checkpoint = Checkpoint::with_rate(Rate { per_s: 1, burst: 1 });
    let mut gate = checkpoint.gate(1, SCHOOL);
    let (first, second) = (gate.request(""), gate.request(&checkpoint.paper(GREEN)));
    assert_eq!(checkpoint.verdict(NOW, &gate, &first).reason, Reason::NotACode);
    assert_eq!(checkpoint.verdict(NOW, &gate, &second).reason, Reason::RateExceeded);
    assert_eq!(checkpoint.verdict(later(1), &gate, &second).reason, Reason::Clear);
    assert_eq!(checkpoint.verdict(later(1), &gate, &second).reason, Reason::Clear, "a retransmission");
}

/// Forty lanes, one certificate.
#[test]
fn r09_a_site_may_count_lanes() {
    let mut checkpoint = Checkpoint::new();
    let sites = "[[site]]\nid = 1\nname = \"Door\"\naccepts = [\"paper\"]\npass_back_by = \"lane\"\n\
                 [[site]]\nid = 2\nname = \"Yard\"\naccepts = [\"paper\"]\n";
    checkpoint.engine.set_sites(Sites::parse(sites, "sites.toml").unwrap());
    let mut gates = [checkpoint.gate(1, SCHOOL), checkpoint.gate(2, STATION)];
    for (holder, (gate, elsewhere)) in
        [GREEN, HolderIndex(100)].iter().zip(gates.iter_mut().zip([Reason::PassBack, Reason::Clear]))
    {
        let code = checkpoint.paper(*holder);
        for (lane, reason) in [(7, Reason::Clear), (7, Reason::Clear), (8, elsewhere), (7, Reason::Clear)] {
            let request = gate.request_of(Lane(lane), &code);
            for _ in 0..2 {
                assert_eq!(checkpoint.verdict(NOW, gate, &request).reason, reason, "lane {lane}");
            }
        }
    }
}

/// A thief of a revoked gate floods, opens session after session, and replays: the gate in its place notices nothing.
#[test]
fn r43_a_revoked_device_writes_nothing_of_the_one_in_its_place() {
    for revoked in [true, false] {
        let mut checkpoint = Checkpoint::with_rate(Rate { per_s: 10, burst: 8 });
        let old = grant(1, 0, SCHOOL);
        let mut thieves: Vec<Gate> = (0..6).map(|n| checkpoint.enrol(old, later(n))).collect();
        let mut gate = checkpoint.enrol(grant(1, 1, SCHOOL), later(6));
        if revoked {
            checkpoint.engine.devices().revoke(DeviceId(1), DeviceGeneration(0));
        }
        let code = checkpoint.paper(GREEN);
        let request = gate.request(&code);
        assert_eq!(checkpoint.verdict(later(6), &gate, &request).reason, Reason::Clear);
        for _ in 0..20 {
            for thief in &mut thieves {
                let stolen = thief.request(&code);
                let reply = checkpoint.answer_at(later(6), &stolen);
                let reason = reply.map(|reply| thief.session.open(&reply).unwrap().reason);
                assert!(!revoked || reason.is_none_or(|reason| reason == Reason::DeviceRevoked));
            }
        }
        assert!(checkpoint.counters.silence(Silence::Flood) > 90, "no more answers than its rate");
        assert_eq!(checkpoint.verdict(later(6), &gate, &request).reason, Reason::Clear, "its window");
        for holder in 100..106 {
            let code = checkpoint.paper(HolderIndex(holder));
            assert_eq!(checkpoint.show_at(later(6), &mut gate, &code).reason, Reason::Clear, "its rate");
        }
    }
}

/// Only a revocation shuts a device out: an older certificate that is not revoked is served, with state of its own.
#[test]
fn r43_a_superseded_device_is_served_until_it_is_revoked() {
    let mut checkpoint = Checkpoint::new();
    let mut old = checkpoint.enrol(grant(1, 0, SCHOOL), NOW);
    assert_eq!(checkpoint.reason(&mut old, ""), Reason::NotACode);
    let mut new = checkpoint.enrol(grant(1, 1, SCHOOL), later(1));
    let code = checkpoint.paper(GREEN);
    assert_eq!(checkpoint.show_at(later(1), &mut old, &code).reason, Reason::CookieExpired);
    let mut old = checkpoint.enrol(grant(1, 0, SCHOOL), later(2));
    assert_eq!(checkpoint.show_at(later(2), &mut old, &code).reason, Reason::Clear);
    assert_eq!(checkpoint.show_at(later(2), &mut new, &code).reason, Reason::Clear, "the same device");
    checkpoint.engine.devices().revoke(DeviceId(1), DeviceGeneration(0));
    assert_eq!(checkpoint.show_at(later(2), &mut old, &code).reason, Reason::DeviceRevoked);
    assert_eq!(checkpoint.show_at(later(2), &mut new, &code).reason, Reason::Clear);
}

#[test]
fn a_cookie_is_good_to_its_last_second_and_from_a_minute_before_its_first() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    for (offset_s, reason) in [
        (-61, Reason::CookieExpired),
        (-60, Reason::NotACode),
        (3599, Reason::NotACode),
        (3600, Reason::CookieExpired),
    ] {
        let now = UnixMillis(NOW.0.strict_add_signed(offset_s * 1000));
        assert_eq!(checkpoint.show_at(now, &mut gate, "").reason, reason, "{offset_s} s");
    }
}
