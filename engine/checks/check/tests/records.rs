//! Every check leaves one record, whatever its answer; what is not authentic leaves none (R40). No record says whose
//! credential was shown (R41).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use hufu_check::{Channel, Durability, Mark, Rate, Record, Replies, RosterTally, Spine, Trace};
use hufu_client::Session;
use hufu_codes::Detail;
use hufu_codes::code::parse_text;
use hufu_codes::issue::code_text;
use hufu_policy::Sites;
use hufu_wire::{
    CheckNumber, CheckRequest, Decision, DeviceGeneration, Grant, HolderIndex, Lane, MemberVerdict, Reason,
    RosterReply, Scope, UnixSeconds, Verdict, limits, read,
};

const LANE: Lane = Lane(7);

fn noting(checkpoint: &Checkpoint) -> Spine<Recorder> {
    Spine::with_journal(checkpoint.engine.clone(), Recorder::default()).unwrap()
}

fn full(checkpoint: &Checkpoint) -> Spine<Recorder> {
    Spine::with_journal(checkpoint.engine.clone(), Recorder { full: true, ..Recorder::default() }).unwrap()
}

/// What the holder's side knows of this text, if it is genuine.
fn trace(text: &str) -> Trace {
    let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
    let code = parse_text(text.as_bytes(), &mut binary).unwrap();
    match code.presentation {
        Some(presentation) => Trace::Step(*presentation.preimage),
        None => Trace::Code(*code.credential.envelope().signature.first_chunk().unwrap()),
    }
}

/// Codes of which each gets another answer, with what is verified of it.
fn codes(checkpoint: &Checkpoint) -> Vec<(String, Trace, Reason)> {
    let mut forged = checkpoint.signer.sign_credential(&checkpoint.credential(RED, Detail::Paper)).unwrap();
    *forged.last_mut().unwrap() ^= 1;
    let expired = checkpoint.credential(GREEN, Detail::Paper);
    let expired = hufu_codes::Credential { expires: UnixSeconds(expired.issued.0 + 60), ..expired };
    let expired = code_text(&checkpoint.signer.sign_credential(&expired).unwrap(), None);
    // The phone that released this value is another one.
    let (own, other) = (checkpoint.phone(RED), checkpoint.phone(AMBER));
    let (mut one, mut two) = ([0; limits::CODE_BINARY_BYTES_MAX], [0; limits::CODE_BINARY_BYTES_MAX]);
    let own = parse_text(own.as_bytes(), &mut one).unwrap().credential;
    let stolen = parse_text(other.as_bytes(), &mut two).unwrap().presentation.unwrap();
    let stolen = hufu_codes::presentation::PresentationBuf {
        step: stolen.step,
        preimage: *stolen.preimage,
        path: *stolen.path,
    };
    let genuine = [
        (checkpoint.paper(GREEN), Reason::Clear),
        (checkpoint.phone(RED), Reason::StatusRed),
        (checkpoint.trip(AMBER, HUB), Reason::KindNotAccepted),
        (checkpoint.paper(UNKNOWN), Reason::StatusUnknown),
        (expired, Reason::Expired),
    ];
    let genuine = genuine.map(|(code, reason)| (code.clone(), trace(&code), reason));
    let worthless = [
        (code_text(&forged, None), Reason::BadSignature),
        (code_text(own.bytes(), Some(&stolen)), Reason::PresentationInvalid),
        (code_text(own.bytes(), None), Reason::PresentationMissing),
        ("hello".to_owned(), Reason::NotACode),
    ];
    let worthless = worthless.map(|(code, reason)| (code, Trace::None, reason));
    genuine.into_iter().chain(worthless).collect()
}

fn answers(spine: &mut Spine<Recorder>, packets: &[Vec<u8>]) -> (Mark, Replies) {
    let (mut replies, mut opened) = (Replies::new(), packets.to_vec());
    let mut slices: Vec<&mut [u8]> = opened.iter_mut().map(Vec::as_mut_slice).collect();
    let mark = spine.check_sealed(NOW, &mut slices, &mut replies);
    (mark, replies)
}

#[test]
fn r40_every_answered_packet_is_noted_once_and_no_other() {
    let checkpoint = Checkpoint::with_rate(Rate { per_s: 1, burst: 11 });
    let mut spine = noting(&checkpoint);
    let (mut gate, mut revoked) = (checkpoint.gate(1, SCHOOL), checkpoint.gate(2, SCHOOL));
    checkpoint.engine.devices().revoke(revoked.grant.device, DeviceGeneration(0));
    let unreadable = grant(3, 0, SCHOOL);
    let enrolled = checkpoint.engine.enrol(unreadable, 1, LATER, NOW).unwrap();

    let codes = codes(&checkpoint);
    let mut packets: Vec<Vec<u8>> = codes.iter().map(|(code, ..)| gate.request_of(LANE, code)).collect();
    let mut wanted: Vec<_> =
        codes.iter().map(|(_, trace, reason)| (gate.grant, Some(LANE), *trace, *reason)).collect();
    packets.push(sealed_by_hand(&enrolled, CheckNumber(1), &[0xff; 32]));
    wanted.push((unreadable, None, Trace::None, Reason::BadRequest));
    packets.push(revoked.request_of(LANE, &codes[0].0));
    wanted.push((revoked.grant, Some(LANE), Trace::None, Reason::DeviceRevoked));
    for reason in [Reason::NotACode, Reason::NotACode, Reason::RateExceeded] {
        packets.push(gate.request_of(LANE, "hello"));
        wanted.push((gate.grant, Some(LANE), Trace::None, reason));
    }
    let mut changed = packets[0].clone();
    *changed.last_mut().unwrap() ^= 1;
    packets.splice(1..1, [vec![1; 10], vec![0; 300], packets[0][..200].to_vec(), changed]);

    let (mark, replies) = answers(&mut spine, &packets);
    assert_eq!(mark, Mark { position: wanted.len() as u64, durability: Durability::Written });
    assert_eq!(spine.journal().begun, [wanted.len()], "packets that get silence are not announced");

    let sessions = [&gate.session, &revoked.session, &Session::new(enrolled)];
    let verdicts: Vec<Verdict> = (0..packets.len())
        .filter_map(|index| replies.get(index))
        .map(|reply| sessions.iter().find_map(|session| session.open(reply).ok()).unwrap())
        .collect();
    let told = |record: &Record| (record.grant, record.lane, record.trace, record.verdict.reason);
    assert_eq!(spine.journal().records.iter().map(told).collect::<Vec<_>>(), wanted);
    let noted: Vec<_> = spine.journal().records.iter().map(|record| record.verdict).collect();
    assert_eq!(noted, verdicts, "what is noted is what was answered");
    assert!(spine.journal().records.iter().all(|record| record.channel == Channel::Sealed));

    let (mark, _) = answers(&mut spine, &[vec![1; 10], vec![0; 300]]);
    assert_eq!((mark, spine.journal().begun.len()), (Mark::default(), 1), "garbage waits for nothing");
}

#[test]
fn r40_every_check_over_a_connection_is_noted_once() {
    let checkpoint = Checkpoint::with_rate(Rate { per_s: 1, burst: 9 });
    let mut spine = noting(&checkpoint);
    let grant = grant(1, 0, SCHOOL);
    let codes = codes(&checkpoint);
    let request = |code: &'static str| CheckRequest::of_scan(LANE, code.as_bytes());
    let mut requests: Vec<_> = (1..)
        .zip(&codes)
        .map(|(n, (code, ..))| (CheckNumber(n), CheckRequest::of_scan(LANE, code.as_bytes())))
        .collect();
    requests.push((CheckNumber(70), request("over the rate")));
    let mut verdicts = vec![Verdict::of(CheckNumber(0), NOW, Reason::Busy); requests.len()];
    spine.check(NOW, &grant, &requests, &mut verdicts);
    checkpoint.engine.devices().revoke(grant.device, DeviceGeneration(0));
    let mut refused = verdicts[..1].to_vec();
    spine.check(NOW, &grant, &[(CheckNumber(80), request("revoked"))], &mut refused);

    let over = [(Trace::None, Reason::RateExceeded), (Trace::None, Reason::DeviceRevoked)];
    let traces = codes.iter().map(|(_, trace, reason)| (*trace, *reason)).chain(over);
    let wanted: Vec<Record> = traces
        .zip(verdicts.into_iter().chain(refused))
        .map(|((trace, reason), verdict)| {
            assert_eq!(verdict.reason, reason);
            let (channel, durability) = (Channel::Connection, Durability::Written);
            Record { channel, grant, lane: Some(LANE), trace, durability, verdict, roster: None }
        })
        .collect();
    assert_eq!(spine.journal().records, wanted);
}

#[test]
fn r40_a_roster_is_noted_once_whole_with_its_tally() {
    let checkpoint = Checkpoint::new();
    let mut spine = noting(&checkpoint);
    let terminal = grant(1, 0, SCHOOL);
    let holders: Vec<_> =
        [GREEN, RED, AMBER, UNKNOWN].into_iter().chain((100..200).map(HolderIndex)).collect();
    let (from, until) = (UnixSeconds(NOW.seconds().0 - 60), UnixSeconds(NOW.seconds().0 + 3600));
    let roster = checkpoint.signer.sign_roster(SCHOOL, from, until, &[(ISSUER, &holders)]).unwrap();
    let mut out = Vec::new();
    let mark = spine.check_roster(NOW, &terminal, &roster, &mut out);
    assert_eq!(mark.position, 1);
    assert_eq!(out.len(), RosterReply::BYTES + holders.len() * MemberVerdict::BYTES);
    let age = read::<RosterReply>(&out[..RosterReply::BYTES]).unwrap().age;
    let verdict = Verdict { age, ..Verdict::of(CheckNumber(0), NOW, Reason::Clear) };
    assert_eq!((verdict.decision, age), (Decision::Admit, hufu_wire::Age::Millis(700)));
    let wanted = Record {
        channel: Channel::Roster,
        grant: terminal,
        lane: None,
        trace: Trace::None,
        durability: Durability::Written,
        verdict,
        roster: Some(RosterTally { members: 104, admitted: 101, referred: 2, refused: 1 }),
    };
    assert_eq!(spine.journal().records, [wanted]);

    let gate = Grant { scope: Scope::CHECKS, ..terminal };
    for (grant, reason) in [(gate, Reason::OutOfScope), (terminal, Reason::RosterInvalid)] {
        let before = spine.journal().records.len();
        spine.check_roster(NOW, &grant, &roster[..roster.len() / 2], &mut Vec::new());
        let verdict = Verdict::of(CheckNumber(0), NOW, reason);
        let roster = Some(RosterTally::default());
        assert_eq!(spine.journal().records[before..], [Record { grant, verdict, roster, ..wanted }]);
    }
}

/// A roster is charged before it is read. What is beyond the rate is answered, and leaves no record.
#[test]
fn r43_rosters_that_are_turned_down_are_charged_and_beyond_the_rate_leave_no_record() {
    let checkpoint = Checkpoint::with_rate(Rate { per_s: 1, burst: 2 });
    let mut spine = noting(&checkpoint);
    let gate = Grant { scope: Scope::CHECKS, ..grant(2, 0, SCHOOL) };
    let nowhere = grant(3, 0, hufu_wire::SiteId(99));
    let cases = [
        (grant(1, 0, SCHOOL), Reason::RosterInvalid),
        (gate, Reason::OutOfScope),
        (nowhere, Reason::SiteUnknown),
    ];
    for (asking, reason) in cases {
        let before = spine.journal().records.len();
        let mut asked = || {
            let mut out = Vec::new();
            let mark = spine.check_roster(NOW, &asking, &[0; 8], &mut out);
            (mark != Mark::default(), read::<RosterReply>(&out).unwrap().reason)
        };
        let told = [asked(), asked(), asked(), asked()];
        let over = (false, Reason::RateExceeded);
        assert_eq!(told, [(true, reason), (true, reason), over, over]);
        assert_eq!(spine.journal().records.len(), before + 2);
    }
    assert_eq!(spine.counters().reason(Reason::RateExceeded), 6);
}

/// A journal that cannot keep records: nothing is checked, nothing is noted, and no admission is used up.
#[test]
fn r40_without_a_record_every_request_is_answered_busy() {
    let checkpoint = Checkpoint::new();
    let (mut spine, mut later) = (full(&checkpoint), noting(&checkpoint));
    let (mut gate, mut revoked) = (checkpoint.gate(1, SCHOOL), checkpoint.gate(2, SCHOOL));
    checkpoint.engine.devices().revoke(revoked.grant.device, DeviceGeneration(0));
    let codes = codes(&checkpoint);
    let mut packets: Vec<Vec<u8>> = codes.iter().map(|(code, ..)| gate.request_of(LANE, code)).collect();
    packets.push(revoked.request(&codes[0].0));

    let (mark, replies) = answers(&mut spine, &packets);
    assert_eq!(mark, Mark::default(), "it waits for nothing");
    let sessions = [&gate.session, &revoked.session];
    for index in 0..packets.len() {
        let reply = replies.get(index).unwrap();
        let verdict = sessions.iter().find_map(|session| session.open(reply).ok()).unwrap();
        assert_eq!(verdict, Verdict::of(verdict.number, NOW, Reason::Busy));
    }
    let request = CheckRequest::of_scan(LANE, codes[0].0.as_bytes());
    let mut verdicts = [Verdict::of(CheckNumber(0), NOW, Reason::Clear); 2];
    let asked = [(CheckNumber(80), request), (CheckNumber(81), request)];
    assert_eq!(spine.check(NOW, &gate.grant, &asked, &mut verdicts), Mark::default());
    assert_eq!(verdicts, [80, 81].map(|n| Verdict::of(CheckNumber(n), NOW, Reason::Busy)));
    let (from, until) = (UnixSeconds(NOW.seconds().0 - 60), UnixSeconds(NOW.seconds().0 + 3600));
    let roster = checkpoint.signer.sign_roster(SCHOOL, from, until, &[(ISSUER, &[GREEN])]).unwrap();
    let mut out = Vec::new();
    assert_eq!(spine.check_roster(NOW, &gate.grant, &roster, &mut out), Mark::default());
    let mut turned_down = Vec::new();
    hufu_check::turn_down_roster(NOW, Reason::Busy, &mut turned_down);
    assert_eq!(out, turned_down);

    assert_eq!((spine.journal().records.len(), &spine.journal().begun[..]), (0, &[packets.len(), 2, 1][..]));
    let counters = spine.counters();
    let refused = packets.len() as u64 + 3;
    assert_eq!((counters.records_refused(), counters.reason(Reason::Busy)), (refused, refused));
    assert_eq!((counters.seen_first(), counters.seen_again(), counters.roster_members()), (0, 0, 0));

    // The same packets, when there is room again: their numbers are still new.
    let (_, replies) = answers(&mut later, &packets[..codes.len()]);
    for (index, (_, _, reason)) in codes.iter().enumerate() {
        assert_eq!(gate.session.open(replies.get(index).unwrap()).unwrap().reason, *reason);
    }
}

/// A site may announce that it goes on without records until some moment; no other site does.
#[test]
fn r40_a_site_goes_on_without_records_as_long_as_it_announced() {
    let checkpoint = Checkpoint::new();
    let (door, hall) = (hufu_wire::SiteId(1), hufu_wire::SiteId(2));
    let sites = "[[site]]\nid = 1\nname = \"Door\"\naccepts = [\"paper\"]\nroster = true\npass_back_s = 0\nunrecorded_until = UNTIL\n\
        [[site]]\nid = 2\nname = \"Hall\"\naccepts = [\"paper\"]\n";
    let announced = |seconds: i64| {
        let until = jiff::Timestamp::from_second(i64::from(NOW.seconds().0) + seconds).unwrap();
        let text = sites.replace("UNTIL", &until.to_string());
        checkpoint.engine.set_sites(Sites::parse(&text, "sites.toml").unwrap());
    };
    announced(1);
    let (mut spine, code) = (full(&checkpoint), checkpoint.paper(GREEN));
    let mut gates = [checkpoint.gate(1, door), checkpoint.gate(2, hall)];
    let mut reasons = |spine: &mut Spine<Recorder>| {
        let packets: Vec<_> = gates.iter_mut().map(|gate| gate.request(&code)).collect();
        let (mark, replies) = answers(spine, &packets);
        assert_eq!(mark, Mark::default(), "there is nothing to wait for");
        let reason = |(at, gate): (usize, &Gate)| gate.session.open(replies.get(at).unwrap()).unwrap().reason;
        gates.iter().enumerate().map(reason).collect::<Vec<_>>()
    };
    assert_eq!(reasons(&mut spine), [Reason::Clear, Reason::Busy]);
    let red = checkpoint.paper(RED);
    let asked = [(CheckNumber(80), CheckRequest::of_scan(LANE, red.as_bytes()))];
    let mut verdicts = [Verdict::of(CheckNumber(0), NOW, Reason::Clear)];
    assert_eq!(spine.check(NOW, &grant(1, 0, door), &asked, &mut verdicts), Mark::default());
    assert_eq!(verdicts[0].reason, Reason::StatusRed);
    let counters = spine.counters();
    assert_eq!((counters.served_unrecorded(), counters.records_refused()), (2, 1));
    assert!(spine.journal().records.is_empty());
    announced(0);
    assert_eq!(reasons(&mut spine), [Reason::Busy; 2], "the time is over");
    // With a journal that works the key changes nothing.
    announced(1);
    let mut spine = noting(&checkpoint);
    let packets = [gates[0].request(&code)];
    assert_ne!(answers(&mut spine, &packets).0, Mark::default());
    assert_eq!((spine.journal().records.len(), spine.counters().served_unrecorded()), (1, 0));
}

/// A site's policy says how durable its records are; refused requests are records of that site too.
#[test]
fn r40_a_record_is_as_durable_as_its_site_asks() {
    let checkpoint = Checkpoint::new();
    let sites = "[[site]]\nid = 1\nname = \"Door\"\naccepts = [\"paper\"]\nrecords = \"memory\"\n\
        [[site]]\nid = 2\nname = \"Hall\"\nrecords = \"synced\"\n[[site]]\nid = 3\nname = \"Lift\"\n";
    let mut gates: Vec<Gate> = [1, 2].map(|id| checkpoint.gate(id, hufu_wire::SiteId(id))).into();
    checkpoint.engine.set_sites(Sites::parse(sites, "sites.toml").unwrap());
    gates.push(checkpoint.gate(3, hufu_wire::SiteId(3)));
    checkpoint.engine.devices().revoke(gates[1].grant.device, DeviceGeneration(0));
    let code = checkpoint.paper(GREEN);
    let packets: Vec<Vec<u8>> = gates.iter_mut().map(|gate| gate.request(&code)).collect();
    let mut spine = noting(&checkpoint);
    let mut noted = |packets: &[Vec<u8>]| {
        let (mark, _) = answers(&mut spine, packets);
        let told = spine.journal().records.iter().map(|record| record.durability);
        (mark.durability, told.collect::<Vec<_>>())
    };
    let (memory, written, synced) = (Durability::Memory, Durability::Written, Durability::Synced);
    assert_eq!(noted(&packets[..1]), (memory, vec![memory]));
    assert_eq!(noted(&packets[1..]), (synced, vec![memory, synced, written]), "also of a revoked device");
    checkpoint.engine.set_sites(Sites::parse("[[site]]\nid = 9\nname = \"Gate\"\n", "sites.toml").unwrap());
    assert_eq!(noted(&[gates[0].request(&code)]).0, written, "of a site that has no policy any more");
}

/// Every field there is, by name: a new one does not compile here until somebody has looked at it. None of these types
/// names a holder, a credential or an issuer.
#[test]
fn r41_no_field_of_a_record_says_whose_credential_it_was() {
    let checkpoint = Checkpoint::new();
    let mut spine = noting(&checkpoint);
    let mut gate = checkpoint.gate(1, SCHOOL);
    let packets = [checkpoint.paper(GREEN), checkpoint.phone(GREEN)].map(|code| gate.request(&code));
    answers(&mut spine, &packets);
    for record in &spine.journal().records {
        let Record { channel, grant, lane, trace, durability, verdict, roster } = *record;
        let _: (Channel, Option<Lane>, Durability, Option<RosterTally>) = (channel, lane, durability, roster);
        let Grant { device: _, generation: _, site: _, scope: _ } = grant;
        let Verdict {
            number: _,
            server_time: _,
            as_of: _,
            age: _,
            clock_offset: _,
            decision: _,
            reason: _,
            colour: _,
            kind: _,
        } = verdict;
        // Its bytes are for the slip alone, and are never shown.
        assert!(["Step(..)", "Code(..)"].contains(&format!("{trace:?}").as_str()), "{trace:?}");
        assert!(format!("{record:?}").contains(&format!("trace: {trace:?},")));
    }
}
