//! A batch gives the verdicts that its requests would get one at a time, and rosters those of their members.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use hufu_check::{Rate, Replies};
use hufu_client::Session;
use hufu_wire::{
    CheckNumber, CheckRequest, Decision, HolderIndex, Lane, MemberVerdict, Reason, RosterReply, Scope,
    UnixMillis, UnixSeconds, Verdict, limits, read,
};
use proptest::prelude::*;

/// Codes of every kind, good and bad, from several holders.
fn codes(checkpoint: &Checkpoint) -> Vec<String> {
    let mut codes: Vec<String> = (100..108).map(|holder| checkpoint.phone(HolderIndex(holder))).collect();
    codes.extend((108..112).map(|holder| checkpoint.paper(HolderIndex(holder))));
    codes.extend([checkpoint.phone(RED), checkpoint.phone(UNKNOWN), checkpoint.trip(GREEN, HUB)]);
    let mut forged = codes[0].clone().into_bytes();
    let at = forged.len() / 4;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    codes.extend([String::from_utf8(forged).unwrap(), String::new(), "HF1:".into(), "hello".into()]);
    codes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_batch_equals_its_requests_one_at_a_time(
        asked in proptest::collection::vec((0_usize..19, 0_u32..3), 1..=limits::BATCH_MAX),
        flipped in proptest::option::of((0_usize..32, 0_usize..1200)),
    ) {
        let (mut together, mut alone) = (Checkpoint::new(), Checkpoint::new());
        let codes = codes(&together);
        let grants: Vec<_> = (0..3).map(|device| together.gate(device, SCHOOL).grant).collect();
        // Both engines are of one cluster, so the same sealed bytes serve both.
        let mut sessions: Vec<Session> = grants
            .iter()
            .map(|grant| Session::new(together.engine.enrol(*grant, 1, LATER, NOW).unwrap()))
            .collect();
        let mut datagrams: Vec<Vec<u8>> = asked
            .iter()
            .map(|&(code, gate)| {
                let mut bytes = vec![0; Session::REQUEST_BYTES_MAX];
                let code = codes[code].as_bytes();
                let (_, length) = sessions[gate as usize].seal(code, Lane(0), &mut bytes).unwrap();
                bytes.truncate(length);
                bytes
            })
            .collect();
        if let Some((datagram, bit)) = flipped && datagram < datagrams.len() {
            let length = datagrams[datagram].len();
            datagrams[datagram][bit / 8 % length] ^= 1 << (bit % 8);
        }

        let singly: Vec<_> = datagrams.iter().map(|datagram| alone.answer(datagram)).collect();
        let mut replies = Replies::new();
        let mut slices: Vec<&mut [u8]> = datagrams.iter_mut().map(Vec::as_mut_slice).collect();
        together.spine.check_sealed(NOW, &mut slices, &mut replies);

        for (index, (single, &(_, gate))) in singly.iter().zip(&asked).enumerate() {
            let open = |reply: &[u8; 80]| sessions[gate as usize].open(reply).unwrap();
            prop_assert_eq!(replies.get(index).map(open), single.as_ref().map(open), "request {}", index);
        }
    }
}

/// Over a connection the same codes get the same verdicts as over sealed UDP.
#[test]
fn a_connected_batch_equals_sealed_requests() {
    let (mut connected, mut sealed) = (Checkpoint::new(), Checkpoint::new());
    let mut gate = sealed.gate(1, SCHOOL);
    let codes = codes(&connected);
    let requests: Vec<_> = (1..)
        .zip(&codes)
        .map(|(number, code)| (CheckNumber(number), CheckRequest::of_scan(Lane(0), code.as_bytes())))
        .collect();
    let mut verdicts = vec![Verdict::of(CheckNumber(0), NOW, Reason::Busy); requests.len()];
    connected.spine.check(NOW, &gate.grant, &requests, &mut verdicts);
    for (code, verdict) in codes.iter().zip(verdicts) {
        assert_eq!(verdict, sealed.show(&mut gate, code));
    }
}

/// A connection is no way around a device's rate, which is one for both ways of asking.
#[test]
fn r43_checks_over_a_connection_are_charged_to_the_device() {
    let mut checkpoint = Checkpoint::with_rate(Rate { per_s: 1, burst: 3 });
    let mut gate = checkpoint.gate(1, SCHOOL);
    let grant = gate.grant;
    let codes = [GREEN, HolderIndex(100), HolderIndex(101)].map(|holder| checkpoint.paper(holder));
    let ask = |checkpoint: &mut Checkpoint, now, codes: &[String]| -> Vec<Reason> {
        let requests: Vec<_> = (1..)
            .zip(codes)
            .map(|(n, code)| (CheckNumber(n), CheckRequest::of_scan(Lane(0), code.as_bytes())))
            .collect();
        let mut verdicts = vec![Verdict::of(CheckNumber(0), NOW, Reason::Busy); requests.len()];
        checkpoint.spine.check(now, &grant, &requests, &mut verdicts);
        verdicts.iter().map(|verdict| verdict.reason).collect()
    };
    let (clear, over) = (Reason::Clear, Reason::RateExceeded);
    assert_eq!(ask(&mut checkpoint, NOW, &codes[..1]), [clear]);
    assert_eq!(ask(&mut checkpoint, NOW, &codes), [clear, clear, over], "within one batch");
    assert_eq!(ask(&mut checkpoint, NOW, &codes[..1]), [over], "and in the next one");
    let second = UnixMillis(NOW.0 + 1000);
    assert_eq!(ask(&mut checkpoint, second, &codes[..2]), [clear, over]);
    assert_eq!(checkpoint.show_at(second, &mut gate, &codes[0]).reason, over, "sealed requests too");
}

fn roster(checkpoint: &Checkpoint, site: hufu_wire::SiteId, holders: &[HolderIndex]) -> Vec<u8> {
    let (from, until) = (UnixSeconds(NOW.seconds().0 - 60), UnixSeconds(NOW.seconds().0 + 3600));
    checkpoint.signer.sign_roster(site, from, until, &[(ISSUER, holders)]).unwrap()
}

fn ask(
    checkpoint: &mut Checkpoint,
    now: UnixMillis,
    gate: &Gate,
    bytes: &[u8],
) -> (RosterReply, Vec<MemberVerdict>) {
    let mut out = Vec::new();
    checkpoint.spine.check_roster(now, &gate.grant, bytes, &mut out);
    let (summary, members) = out.split_at(RosterReply::BYTES);
    let summary: RosterReply = read(summary).unwrap();
    let members: Vec<MemberVerdict> =
        members.chunks(MemberVerdict::BYTES).map(|member| read(member).unwrap()).collect();
    assert_eq!(summary.members as usize, members.len());
    assert!(out.len() < bytes.len(), "not more bytes than were sent");
    (summary, members)
}

#[test]
fn r12_a_roster_gives_every_members_verdict_and_a_summary() {
    let mut checkpoint = Checkpoint::new();
    let gate = checkpoint.gate(1, SCHOOL);
    let holders: Vec<_> =
        [GREEN, RED, AMBER, UNKNOWN].into_iter().chain((100..200).map(HolderIndex)).collect();
    let bytes = roster(&checkpoint, SCHOOL, &holders);
    let (summary, members) = ask(&mut checkpoint, NOW, &gate, &bytes);
    assert_eq!(
        (summary.reason, summary.admitted, summary.referred, summary.refused),
        (Reason::Clear, 101, 2, 1)
    );
    let reasons: Vec<_> = members[..5].iter().map(|member| member.reason).collect();
    let expected =
        [Reason::Clear, Reason::StatusRed, Reason::StatusAmber, Reason::StatusUnknown, Reason::Clear];
    assert_eq!(reasons, expected);
    let mut out = Vec::new();
    checkpoint.spine.check_roster(NOW, &gate.grant, &bytes, &mut out);
    assert_eq!(out.capacity(), out.len(), "room is made once, and no more than the reply needs");
    assert_eq!(checkpoint.counters.roster_members(), 2 * 104);
    assert_eq!(checkpoint.counters.decision(Decision::Admit), 2 * 101);
}

#[test]
fn r12_a_roster_is_turned_down_whole_with_a_reason() {
    let mut checkpoint = Checkpoint::new();
    let school = checkpoint.gate(1, SCHOOL);
    let (ours, other) = (roster(&checkpoint, SCHOOL, &[GREEN]), roster(&checkpoint, STATION, &[GREEN]));
    let mut forged = ours.clone();
    *forged.last_mut().unwrap() ^= 1;
    let tomorrow = UnixMillis(NOW.0 + 86_400_000);
    let cases = [
        ("of another site", &other, NOW, Reason::RosterOfAnotherSite),
        ("forged", &forged, NOW, Reason::RosterInvalid),
        ("expired", &ours, tomorrow, Reason::RosterExpired),
    ];
    for (name, bytes, now, reason) in cases {
        let (summary, members) = ask(&mut checkpoint, now, &school, bytes);
        assert_eq!((summary.reason, members.len()), (reason, 0), "{name}");
    }
    let mut out = Vec::new();
    checkpoint.spine.check_roster(NOW, &school.grant, &[], &mut out);
    assert_eq!(read::<RosterReply>(&out).unwrap().reason, Reason::RosterInvalid);

    let checks_only = Gate { grant: hufu_wire::Grant { scope: Scope::CHECKS, ..school.grant }, ..school };
    assert_eq!(ask(&mut checkpoint, NOW, &checks_only, &ours).0.reason, Reason::OutOfScope);
}

#[test]
fn every_flipped_bit_of_a_roster_is_turned_down() {
    let mut checkpoint = Checkpoint::new();
    let gate = checkpoint.gate(1, SCHOOL);
    let holders: Vec<_> = (100..140).map(HolderIndex).collect();
    let bytes = roster(&checkpoint, SCHOOL, &holders);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let mut out = Vec::new();
        checkpoint.spine.check_roster(NOW, &gate.grant, &flipped, &mut out);
        assert_ne!(read::<RosterReply>(&out).unwrap().reason, Reason::Clear, "bit {bit}");
    }
}

#[test]
fn r07_a_verdict_of_a_settled_case_is_never_an_admission() {
    let mut checkpoint = Checkpoint::new();
    let gate = checkpoint.gate(1, SCHOOL);
    for (number, code) in (1..).zip(["", "HF1:", "HF1:00"]) {
        let request = (CheckNumber(number), CheckRequest::of_scan(Lane(0), code.as_bytes()));
        let mut verdicts = [Verdict::of(CheckNumber(0), NOW, Reason::Clear)];
        checkpoint.spine.check(NOW, &gate.grant, &[request], &mut verdicts);
        assert_eq!(verdicts[0].decision, Decision::Refuse);
        assert_eq!(verdicts[0].number, CheckNumber(number));
    }
}
