//! What the spine says of every kind of code, over sealed UDP.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use hufu_check::{NotEnrolled, Rate, Silence};
use hufu_codes::ended::{EndedList, EndedTrips};
use hufu_codes::issue::{IssuerSigner, code_text};
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_codes::{Credential, Detail, code, text};
use hufu_signature::PreparedKey;
use hufu_wire::{
    Age, ClockOffset, CodeKind, Colour, Decision, DeviceGeneration, HubId, Reason, Sequence, StatusWord,
    Step, UnixMillis, UnixSeconds, Verdict, limits,
};

type Make = fn(&Checkpoint) -> String;

fn signed(checkpoint: &Checkpoint, change: impl FnOnce(&mut Credential<'static>)) -> String {
    let mut credential = checkpoint.credential(GREEN, Detail::Paper);
    change(&mut credential);
    code_text(&checkpoint.signer.sign_credential(&credential).unwrap(), None)
}

/// R01 to R08: each code at each site, and the one reason it gets.
#[test]
fn r07_every_code_gets_its_reason() {
    let step = NOW.seconds().step().0;
    let cases: &[(&str, hufu_wire::SiteId, Make, Reason)] = &[
        ("green phone", SCHOOL, |c| c.phone(GREEN), Reason::Clear),
        ("red phone", SCHOOL, |c| c.phone(RED), Reason::StatusRed),
        ("amber phone", SCHOOL, |c| c.phone(AMBER), Reason::StatusAmber),
        ("unknown holder", SCHOOL, |c| c.phone(UNKNOWN), Reason::StatusUnknown),
        ("green paper at the school", SCHOOL, |c| c.paper(GREEN), Reason::Clear),
        ("paper at the station", STATION, |c| c.paper(GREEN), Reason::KindNotAccepted),
        ("trip at its hub", STATION, |c| c.trip(GREEN, HUB), Reason::Clear),
        ("trip at another hub", STATION, |c| c.trip(GREEN, HubId(1)), Reason::WrongHub),
        ("trip at the school", SCHOOL, |c| c.trip(GREEN, HUB), Reason::KindNotAccepted),
        ("not a code", SCHOOL, |_| "hello".into(), Reason::NotACode),
        ("nothing", SCHOOL, |_| String::new(), Reason::NotACode),
        ("a broken text", SCHOOL, |c| c.phone(GREEN).replace("HF1:", "HF1:."), Reason::BadText),
        (
            "a trailing byte",
            SCHOOL,
            |c| {
                let credential = c.signer.sign_credential(&c.credential(GREEN, Detail::Paper)).unwrap();
                text::encode(&[code::write(&credential, None).as_slice(), &[0]].concat())
            },
            Reason::BadEncoding,
        ),
        ("text as long as can be", SCHOOL, |_| format!("HF1:{}", "0".repeat(507)), Reason::BadEncoding),
        ("expired", SCHOOL, |c| signed(c, |it| it.expires = NOW.seconds()), Reason::Expired),
        (
            "not yet valid",
            SCHOOL,
            |c| signed(c, |it| it.issued = UnixSeconds(NOW.seconds().0 + 3600)),
            Reason::NotYetValid,
        ),
        ("an older generation", SCHOOL, |c| signed(c, |it| it.generation = 0), Reason::Superseded),
        (
            "an unlisted key",
            SCHOOL,
            |c| {
                let stranger = IssuerSigner::from_seed(&[9; 32], ISSUER);
                let credential = Credential { key: stranger.key(), ..c.credential(GREEN, Detail::Paper) };
                code_text(&stranger.sign_credential(&credential).unwrap(), None)
            },
            Reason::KeyUnknown,
        ),
        (
            "a forged signature",
            SCHOOL,
            |c| {
                let credential = c.credential(GREEN, Detail::Paper);
                let mut bytes = c.signer.sign_credential(&credential).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                code_text(&bytes, None)
            },
            Reason::BadSignature,
        ),
        (
            "a phone code without its presentation",
            SCHOOL,
            |c| {
                let phone = Detail::Phone { root: [1; 16], origin: NOW.seconds().step() };
                code_text(&c.signer.sign_credential(&c.credential(GREEN, phone)).unwrap(), None)
            },
            Reason::PresentationMissing,
        ),
    ];
    for (name, site, make, reason) in cases {
        let mut checkpoint = Checkpoint::new();
        let mut gate = checkpoint.gate(1, *site);
        let code = make(&checkpoint);
        assert_eq!(checkpoint.reason(&mut gate, &code), *reason, "{name}");
        assert_eq!(checkpoint.counters.reason(*reason), 1, "{name}: counted");
    }

    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    for (steps, reason) in [
        (-20, Reason::ClockSkew),
        (-2, Reason::ClockSkew),
        (-1, Reason::Clear),
        (0, Reason::Clear),
        (1, Reason::Clear),
        (2, Reason::ClockSkew),
    ] {
        let code = checkpoint.phone_in(GREEN, Step(step.strict_add_signed(steps)));
        assert_eq!(checkpoint.reason(&mut gate, &code), reason, "{steps} steps");
    }
}

#[test]
fn r04_a_trip_code_is_good_from_its_first_to_its_last_second() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate_at(1, STATION, UnixMillis(NOW.0 - 61_000));
    let code = checkpoint.trip(GREEN, HUB);
    for (offset_s, reason) in [
        (-61, Reason::OutsideTripWindow),
        (-60, Reason::Clear),
        (60, Reason::Clear),
        (61, Reason::OutsideTripWindow),
    ] {
        let now = UnixMillis(NOW.0.strict_add_signed(offset_s * 1000));
        checkpoint.writer.heard(now);
        assert_eq!(checkpoint.show_at(now, &mut gate, &code).reason, reason, "{offset_s} s");
    }
}

#[test]
fn r04_a_trip_that_ended_before_its_time_is_refused_and_nothing_else_is() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, STATION);
    let [ended, other, paper] = [
        checkpoint.trip(GREEN, HUB),
        checkpoint.trip(RED, HUB),
        checkpoint.paper(hufu_wire::HolderIndex(100)),
    ];
    assert_eq!(checkpoint.reason(&mut gate, &ended), Reason::Clear);
    let digest = |code: &str| {
        let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
        let code = hufu_codes::code::parse_text(code.as_bytes(), &mut binary).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, code.credential.bytes());
        <[u8; 32]>::try_from(digest.as_ref()).unwrap()
    };
    // A list ends trips alone, whatever is on it.
    let text = EndedList::write(ISSUER, NOW.seconds(), &[digest(&ended), digest(&paper)]);
    let list = EndedList::read(&text).unwrap();
    checkpoint.engine.set_ended_trips(EndedTrips::of([&list]));
    let verdict = checkpoint.show(&mut gate, &ended);
    assert_eq!((verdict.decision, verdict.reason), (hufu_wire::Decision::Refuse, Reason::Superseded));
    assert_eq!(checkpoint.reason(&mut gate, &other), Reason::StatusRed);
    let mut school = checkpoint.gate(2, SCHOOL);
    assert_eq!(checkpoint.reason(&mut school, &paper), Reason::Clear);
    checkpoint.engine.set_ended_trips(EndedTrips::default());
    assert_eq!(checkpoint.reason(&mut gate, &ended), Reason::Clear);
}

#[test]
fn r08_a_skewed_phone_is_told_by_how_much() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let step = NOW.seconds().step();
    let code = checkpoint.phone_in(GREEN, Step(step.0 + 4));
    let verdict = checkpoint.show(&mut gate, &code);
    let ahead = step.0 * limits::STEP_S + 4 * limits::STEP_S - NOW.seconds().0;
    assert_eq!(verdict.clock_offset, ClockOffset(ahead.cast_signed()));
    assert_eq!((verdict.decision, verdict.reason), (Decision::Refer, Reason::ClockSkew));
}

#[test]
fn r07_a_verdict_carries_what_it_rests_on() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let code = checkpoint.paper(GREEN);
    let verdict = checkpoint.show(&mut gate, &code);
    assert_eq!(verdict.age, Age::Millis(700));
    assert_eq!(verdict.as_of, Sequence(4));
    assert_eq!(verdict.server_time, NOW);
    assert_eq!(verdict.kind, Some(CodeKind::Paper), "paper is shown as paper (R03)");
    assert_eq!(verdict.colour, Some(Colour::Green));
}

/// R11 by its types is `hufu_table::Reader`'s compile-fail example; this is R11 by its effect.
#[test]
fn r11_no_check_changes_the_table() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let reader = checkpoint.engine.table().clone();
    let slot = reader.slot(ISSUER).unwrap();
    let words = || -> Vec<StatusWord> {
        (0..300).map(|holder| reader.lookup(slot, hufu_wire::HolderIndex(holder))).collect()
    };
    let (before, as_of) = (words(), reader.as_of(slot));
    for holder in [GREEN, RED, AMBER, UNKNOWN] {
        for code in [checkpoint.phone(holder), checkpoint.paper(holder), checkpoint.trip(holder, HUB)] {
            checkpoint.show(&mut gate, &code);
        }
    }
    assert_eq!(words(), before);
    assert_eq!(reader.as_of(slot), as_of);
}

#[test]
fn r07_a_colour_change_counts_from_the_next_check_on() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let code = checkpoint.paper(GREEN);
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::Clear);
    checkpoint.writer.set(GREEN, StatusWord::new(Colour::Red, 1)).unwrap();
    checkpoint.writer.advance(Sequence(5), NOW).unwrap();
    let verdict = checkpoint.show(&mut gate, &code);
    assert_eq!((verdict.reason, verdict.as_of), (Reason::StatusRed, Sequence(5)));
}

#[test]
fn r07_stale_data_is_a_reason_of_its_own() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, STATION);
    let later = UnixMillis(NOW.0 + 4_500);
    let code = checkpoint.phone(GREEN);
    assert_eq!(checkpoint.show_at(later, &mut gate, &code).reason, Reason::StaleData);
}

#[test]
fn r09_another_gate_is_refused_and_a_retransmission_gets_the_same_verdict() {
    let mut checkpoint = Checkpoint::new();
    let (mut north, mut south) = (checkpoint.gate(1, SCHOOL), checkpoint.gate(2, SCHOOL));
    let code = checkpoint.phone(GREEN);
    let request = north.request(&code);
    for _ in 0..3 {
        let reply = checkpoint.answer(&request).unwrap();
        assert_eq!(north.session.open(&reply).unwrap().reason, Reason::Clear, "the same bytes again");
    }
    let request = south.request(&code);
    for _ in 0..3 {
        let reply = checkpoint.answer(&request).unwrap();
        assert_eq!(south.session.open(&reply).unwrap().reason, Reason::PassBack);
    }
    assert_eq!(checkpoint.reason(&mut north, &code), Reason::Clear, "the first gate may scan again");
    let before = checkpoint.phone_in(GREEN, Step(NOW.seconds().step().0 - 1));
    assert_eq!(checkpoint.reason(&mut south, &before), Reason::PassBack, "a thief can make the step before");
    let next = checkpoint.phone_in(GREEN, Step(NOW.seconds().step().0 + 1));
    assert_eq!(checkpoint.reason(&mut south, &next), Reason::Clear, "the next step is a new presentation");
}

#[test]
fn r09_who_was_not_admitted_has_used_nothing() {
    let mut checkpoint = Checkpoint::new();
    let (mut school, mut station) = (checkpoint.gate(1, SCHOOL), checkpoint.gate(2, STATION));
    let paper = checkpoint.paper(GREEN);
    assert_eq!(checkpoint.reason(&mut station, &paper), Reason::KindNotAccepted);
    assert_eq!(checkpoint.reason(&mut school, &paper), Reason::Clear);
}

#[test]
fn r01_a_revoked_key_takes_its_verified_credentials_with_it() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let code = checkpoint.paper(GREEN);
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::Clear);
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::Clear);
    assert_eq!((checkpoint.counters.seen_first(), checkpoint.counters.seen_again()), (1, 1));
    let revoked = keyring(&checkpoint.operator, 2, &[(&checkpoint.signer, true)]);
    checkpoint.engine.set_keyring(revoked).unwrap();
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::KeyRevoked);
}

/// A thief of an ended key dates its codes back into the key's time, and may have shown one before the day was over.
#[test]
fn b15_an_ended_key_s_code_is_refused_also_when_it_was_seen_before() {
    let mut checkpoint = Checkpoint::new();
    let until = UnixSeconds(NOW.seconds().0 + 5 - limits::ENDED_KEY_S_MAX);
    let from = UnixSeconds(until.0 - 1_000);
    let key = checkpoint.signer.listed(Uses::CODES, from, from, until);
    let list = TrustList::sign(2, from, &[key], &checkpoint.operator);
    let operator = PreparedKey::new(checkpoint.operator.public()).unwrap();
    let list = TrustList::open(&list, &operator).unwrap();
    let ended = Keyring::empty().update(&list, NOW.seconds()).unwrap();
    checkpoint.engine.set_keyring(ended).unwrap();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let code = signed(&checkpoint, |it| {
        it.issued = UnixSeconds(until.0 - 10);
        it.expires = UnixSeconds(it.issued.0 + 7 * 86_400);
    });
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::Clear);
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::Clear);
    assert_eq!(checkpoint.counters.seen_again(), 1);
    let later = UnixMillis(NOW.0 + 6_000);
    assert_eq!(checkpoint.show_at(later, &mut gate, &code).reason, Reason::KeyNotValid);

    let groups = [(ISSUER, &[GREEN][..])];
    let roster = checkpoint.signer.sign_roster(SCHOOL, from, UnixSeconds(u32::MAX), &groups).unwrap();
    let mut asked = |now| {
        let mut out = Vec::new();
        checkpoint.spine.check_roster(now, &gate.grant, &roster, &mut out);
        hufu_wire::read::<hufu_wire::RosterReply>(&out[..hufu_wire::RosterReply::BYTES]).unwrap().reason
    };
    assert_eq!(asked(NOW), Reason::Clear);
    assert_eq!(asked(later), Reason::KeyNotValid);
}

#[test]
fn r43_revocation_bites_at_once_and_a_new_generation_may_come_back() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let code = checkpoint.paper(GREEN);
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::Clear);
    checkpoint.engine.devices().revoke(gate.grant.device, DeviceGeneration(0));
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::DeviceRevoked);
    assert!(checkpoint.engine.enrol(gate.grant, 1, LATER, NOW).is_err(), "no new cookie either");
    let anew = hufu_wire::Grant { generation: DeviceGeneration(1), ..gate.grant };
    let enrolled = checkpoint.engine.enrol(anew, 1, LATER, UnixMillis(NOW.0 + 1000)).unwrap();
    let mut gate = Gate { session: hufu_client::Session::new(enrolled), grant: anew };
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::Clear);
}

#[test]
fn a_device_over_its_rate_is_told_so() {
    let mut checkpoint = Checkpoint::with_rate(Rate { per_s: 1, burst: 2 });
    let mut gate = checkpoint.gate(1, SCHOOL);
    let code = checkpoint.paper(GREEN);
    let reasons: Vec<_> = (0..3).map(|_| checkpoint.reason(&mut gate, &code)).collect();
    assert_eq!(reasons, [Reason::Clear, Reason::Clear, Reason::RateExceeded]);
    let request = gate.request(&code);
    assert!(checkpoint.answer(&request).is_some(), "told twice");
    assert_eq!(checkpoint.answer(&gate.request(&code)), None, "and no more");
    assert_eq!(checkpoint.counters.silence(Silence::Flood), 1);
}

/// R12: a roster is worth as many checks as it costs.
#[test]
fn r12_a_roster_is_charged_by_its_size() {
    let mut checkpoint = Checkpoint::with_rate(Rate { per_s: 1, burst: 5 });
    let gate = checkpoint.gate(1, SCHOOL);
    let holders: Vec<_> = (0..300).map(hufu_wire::HolderIndex).collect();
    let (from, until) = (UnixSeconds(NOW.seconds().0 - 60), UnixSeconds(NOW.seconds().0 + 3600));
    let roster = checkpoint.signer.sign_roster(SCHOOL, from, until, &[(ISSUER, &holders)]).unwrap();
    for reason in [Reason::Clear, Reason::RateExceeded] {
        let mut out = Vec::new();
        checkpoint.spine.check_roster(NOW, &gate.grant, &roster, &mut out);
        let reply: hufu_wire::RosterReply = hufu_wire::read(&out[..hufu_wire::RosterReply::BYTES]).unwrap();
        assert_eq!(reply.reason, reason);
    }
}

/// A revoked device is told so, also when its cookie has expired; a cookie never outlives its certificate.
#[test]
fn r43_revocation_is_told_before_expiry() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    checkpoint.engine.devices().revoke(gate.grant.device, DeviceGeneration(0));
    let code = checkpoint.paper(GREEN);
    let hour = UnixMillis(NOW.0 + 3_600_000);
    assert_eq!(checkpoint.show_at(hour, &mut gate, &code).reason, Reason::DeviceRevoked);

    let grant = hufu_wire::Grant { device: hufu_wire::DeviceId(2), ..gate.grant };
    let soon = UnixSeconds(NOW.seconds().0 + 10);
    assert_eq!(checkpoint.engine.enrol(grant, 1, soon, NOW).unwrap().expires, soon);
    let beyond = hufu_wire::Grant { device: hufu_wire::DeviceId(64), ..grant };
    assert_eq!(
        checkpoint.engine.enrol(beyond, 1, LATER, NOW),
        Err(NotEnrolled::Refused(Reason::DeviceUnknown))
    );
}

/// A device beyond what the engine has room for is told so, and is not called revoked.
#[test]
fn r43_a_device_beyond_the_last_is_told_the_same_at_every_door() {
    let mut checkpoint = Checkpoint::new();
    let beyond = hufu_wire::Grant { device: hufu_wire::DeviceId(64), ..checkpoint.gate(1, SCHOOL).grant };
    let enrolled = checkpoint.engine.enrol(beyond, 1, LATER, NOW);
    assert_eq!(enrolled, Err(NotEnrolled::Refused(Reason::DeviceUnknown)));

    let code = checkpoint.paper(GREEN);
    let request = hufu_wire::CheckRequest::of_scan(hufu_wire::Lane(0), code.as_bytes());
    let mut verdict = [Verdict::of(hufu_wire::CheckNumber(0), NOW, Reason::Clear)];
    checkpoint.spine.check(NOW, &beyond, &[(hufu_wire::CheckNumber(1), request)], &mut verdict);
    assert_eq!(verdict[0].reason, Reason::DeviceUnknown);

    let mut reply = Vec::new();
    checkpoint.spine.check_roster(NOW, &beyond, b"", &mut reply);
    assert_eq!(hufu_wire::read::<hufu_wire::RosterReply>(&reply).unwrap().reason, Reason::DeviceUnknown);
}

/// A captured packet, replayed for as long as its cookie lives, keeps nobody out of other gates.
#[test]
fn r09_a_replay_starts_no_new_pass_back_window() {
    let mut checkpoint = Checkpoint::new();
    let (mut north, mut south) = (checkpoint.gate(1, SCHOOL), checkpoint.gate(2, SCHOOL));
    let code = checkpoint.paper(GREEN);
    let captured = north.request(&code);
    assert!(checkpoint.answer(&captured).is_some());
    for round in 1..20 {
        let now = UnixMillis(NOW.0 + round * 95_000);
        checkpoint.writer.heard(now);
        assert!(checkpoint.answer_at(now, &captured).is_some());
        if round == 19 {
            assert_eq!(checkpoint.show_at(now, &mut south, &code).reason, Reason::Clear);
        }
    }
}

#[test]
fn r24_data_dated_in_the_future_is_stale() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    checkpoint.writer.heard(UnixMillis(NOW.0 + 31_536_000_000));
    let code = checkpoint.paper(GREEN);
    let verdict = checkpoint.show(&mut gate, &code);
    assert_eq!((verdict.reason, verdict.age), (Reason::StaleData, Age::Unknown));
}

#[test]
fn an_expired_cookie_is_told_so_and_one_of_a_lost_epoch_gets_silence() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let code = checkpoint.paper(GREEN);
    let hour = UnixMillis(NOW.0 + 3_600_000);
    assert_eq!(checkpoint.show_at(hour, &mut gate, &code).reason, Reason::CookieExpired);
    let request = gate.request(&code);
    let two_days = UnixMillis(NOW.0 + 48 * 3_600_000);
    assert_eq!(checkpoint.answer_at(two_days, &request), None);
    assert_eq!(checkpoint.counters.silence(Silence::Epoch), 1);
}

#[test]
fn a_site_whose_policy_is_gone_is_a_reason() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let other = "[[site]]\nid = 9\nname = \"Elsewhere\"\n";
    checkpoint.engine.set_sites(hufu_policy::Sites::parse(other, "sites.toml").unwrap());
    assert_eq!(checkpoint.engine.sites().iter().map(|site| site.id.0).collect::<Vec<_>>(), [9]);
    let code = checkpoint.paper(GREEN);
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::SiteUnknown);
    assert!(checkpoint.engine.enrol(gate.grant, 1, LATER, NOW).is_err());
}

#[test]
fn a_restarted_engine_needs_no_handshake() {
    let before = Checkpoint::new();
    let mut gate = before.gate(1, SCHOOL);
    let request = gate.request(&before.paper(GREEN));
    drop(before);
    let mut after = Checkpoint::new();
    let reply = after.answer(&request).unwrap();
    assert_eq!(gate.session.open(&reply).unwrap().reason, Reason::Clear);
}
