//! Every check leaves one record, whatever its answer; what is not authentic leaves none (R40).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use hufu_check::{Channel, Rate, Record, Replies, Spine, Subject};
use hufu_client::Session;
use hufu_codes::Detail;
use hufu_codes::issue::code_text;
use hufu_wire::{
    CheckNumber, CheckRequest, DeviceGeneration, Grant, HolderIndex, Lane, MemberVerdict, Reason,
    RosterReply, Scope, UnixSeconds, Verdict, read,
};

const LANE: Lane = Lane(7);

fn noting(checkpoint: &Checkpoint) -> Spine<Recorder> {
    Spine::with_journal(checkpoint.engine.clone(), Recorder::default()).unwrap()
}

fn subject(holder: HolderIndex) -> Subject {
    Subject { issuer: ISSUER, holder }
}

/// Codes of which each gets another answer, with whom it shows to be there.
fn codes(checkpoint: &Checkpoint) -> [(String, Option<Subject>, Reason); 6] {
    let mut forged = checkpoint.signer.sign_credential(&checkpoint.credential(RED, Detail::Paper)).unwrap();
    *forged.last_mut().unwrap() ^= 1;
    [
        (checkpoint.paper(GREEN), Some(subject(GREEN)), Reason::Clear),
        (checkpoint.phone(RED), Some(subject(RED)), Reason::StatusRed),
        (checkpoint.trip(AMBER, HUB), Some(subject(AMBER)), Reason::KindNotAccepted),
        (checkpoint.paper(UNKNOWN), Some(subject(UNKNOWN)), Reason::StatusUnknown),
        (code_text(&forged, None), None, Reason::BadSignature),
        ("hello".to_owned(), None, Reason::NotACode),
    ]
}

#[test]
fn r40_every_answered_packet_is_noted_once_and_no_other() {
    let checkpoint = Checkpoint::with_rate(Rate { per_s: 1, burst: 8 });
    let mut spine = noting(&checkpoint);
    let (mut gate, mut revoked) = (checkpoint.gate(1, SCHOOL), checkpoint.gate(2, SCHOOL));
    checkpoint.engine.devices().revoke(revoked.grant.device, DeviceGeneration(0));
    let unreadable = grant(3, 0, SCHOOL);
    let enrolled = checkpoint.engine.enrol(unreadable, 1, LATER, NOW).unwrap();

    let codes = codes(&checkpoint);
    let mut packets: Vec<Vec<u8>> = codes.iter().map(|(code, ..)| gate.request_of(LANE, code)).collect();
    let mut wanted: Vec<_> =
        codes.iter().map(|(_, subject, reason)| (gate.grant, Some(LANE), *subject, *reason)).collect();
    packets.push(sealed_by_hand(&enrolled, CheckNumber(1), &[0xff; 32]));
    wanted.push((unreadable, None, None, Reason::BadRequest));
    packets.push(revoked.request_of(LANE, &codes[0].0));
    wanted.push((revoked.grant, Some(LANE), None, Reason::DeviceRevoked));
    for reason in [Reason::NotACode, Reason::NotACode, Reason::RateExceeded] {
        packets.push(gate.request_of(LANE, "hello"));
        wanted.push((gate.grant, Some(LANE), None, reason));
    }
    let mut changed = packets[0].clone();
    *changed.last_mut().unwrap() ^= 1;
    packets.splice(1..1, [vec![1; 10], vec![0; 300], packets[0][..200].to_vec(), changed]);

    let (mut replies, mut opened) = (Replies::new(), packets.clone());
    let mut slices: Vec<&mut [u8]> = opened.iter_mut().map(Vec::as_mut_slice).collect();
    let mark = spine.check_sealed(NOW, &mut slices, &mut replies);
    assert_eq!(mark.0, wanted.len() as u64);

    let sessions = [&gate.session, &revoked.session, &Session::new(enrolled)];
    let verdicts: Vec<Verdict> = (0..packets.len())
        .filter_map(|index| replies.get(index))
        .map(|reply| sessions.iter().find_map(|session| session.open(reply).ok()).unwrap())
        .collect();
    let told = |record: &Record| (record.grant, record.lane, record.subject, record.verdict.reason);
    assert_eq!(spine.journal().0.iter().map(told).collect::<Vec<_>>(), wanted);
    let noted: Vec<_> = spine.journal().0.iter().map(|record| record.verdict).collect();
    assert_eq!(noted, verdicts, "what is noted is what was answered");
    assert!(spine.journal().0.iter().all(|record| record.channel == Channel::Sealed));
}

#[test]
fn r40_every_check_over_a_connection_is_noted_once() {
    let checkpoint = Checkpoint::with_rate(Rate { per_s: 1, burst: 6 });
    let mut spine = noting(&checkpoint);
    let grant = grant(1, 0, SCHOOL);
    let codes = codes(&checkpoint);
    let request = |code: &'static str| CheckRequest { lane: LANE, code: code.as_bytes() };
    let mut requests: Vec<_> = (1..)
        .zip(&codes)
        .map(|(n, (code, ..))| (CheckNumber(n), CheckRequest { lane: LANE, code: code.as_bytes() }))
        .collect();
    requests.push((CheckNumber(7), request("over the rate")));
    let mut verdicts = vec![Verdict::of(CheckNumber(0), NOW, Reason::Busy); requests.len()];
    spine.check(NOW, &grant, &requests, &mut verdicts);
    checkpoint.engine.devices().revoke(grant.device, DeviceGeneration(0));
    let mut refused = verdicts[..1].to_vec();
    spine.check(NOW, &grant, &[(CheckNumber(8), request("revoked"))], &mut refused);

    let over = [(None, Reason::RateExceeded), (None, Reason::DeviceRevoked)];
    let subjects = codes.iter().map(|(_, subject, reason)| (*subject, *reason)).chain(over);
    let wanted: Vec<Record> = subjects
        .zip(verdicts.into_iter().chain(refused))
        .map(|((subject, reason), verdict)| {
            assert_eq!(verdict.reason, reason);
            Record { channel: Channel::Connection, grant, lane: Some(LANE), subject, verdict }
        })
        .collect();
    assert_eq!(spine.journal().0, wanted);
}

#[test]
fn r40_every_member_of_a_roster_is_noted_once_and_a_roster_that_is_turned_down_once() {
    let checkpoint = Checkpoint::new();
    let mut spine = noting(&checkpoint);
    let terminal = grant(1, 0, SCHOOL);
    let holders: Vec<_> =
        [GREEN, RED, AMBER, UNKNOWN].into_iter().chain((100..200).map(HolderIndex)).collect();
    let (from, until) = (UnixSeconds(NOW.seconds().0 - 60), UnixSeconds(NOW.seconds().0 + 3600));
    let roster = checkpoint.signer.sign_roster(SCHOOL, from, until, &[(ISSUER, &holders)]).unwrap();
    let mut out = Vec::new();
    let mark = spine.check_roster(NOW, &terminal, &roster, &mut out);
    assert_eq!(mark.0, holders.len() as u64);
    let members = out[RosterReply::BYTES..].chunks(MemberVerdict::BYTES);
    for ((record, member), holder) in spine.journal().0.iter().zip(members).zip(&holders) {
        let MemberVerdict { decision, reason, colour } = read(member).unwrap();
        let verdict = Verdict { decision, reason, colour, ..record.verdict };
        let (subject, channel) = (Some(subject(*holder)), Channel::Roster);
        assert_eq!(*record, Record { channel, grant: terminal, lane: None, subject, verdict });
        assert_eq!((verdict.as_of.0, verdict.age), (4, hufu_wire::Age::Millis(700)));
    }

    let gate = Grant { scope: Scope::CHECKS, ..terminal };
    for (grant, reason) in [(gate, Reason::OutOfScope), (terminal, Reason::RosterInvalid)] {
        let before = spine.journal().0.len();
        spine.check_roster(NOW, &grant, &roster[..roster.len() / 2], &mut Vec::new());
        let verdict = Verdict::of(CheckNumber(0), NOW, reason);
        let wanted = Record { channel: Channel::Roster, grant, lane: None, subject: None, verdict };
        assert_eq!(spine.journal().0[before..], [wanted]);
    }
}
