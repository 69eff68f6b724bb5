//! Sessions of AES and of SM4 side by side, and what no gate, and no one between it and its engine, can make of one (R45).

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

mod common;

use std::collections::BTreeSet;

use common::*;
use hufu_check::{NotEnrolled, Silence};
use hufu_client::Session;
use hufu_wire::{
    Actor, CheckNumber, Enrolled, HolderIndex, KeyEpoch, Reason, ReplyHeader, RequestHeader, Suite, Suites,
    read, sealed,
};

/// What a device that takes `suites` is given.
fn enrolled(checkpoint: &Checkpoint, device: u32, suites: Suites) -> Result<Enrolled, NotEnrolled> {
    checkpoint.engine.enrol_bound(grant(device, 0, SCHOOL), suites, 1, LATER, NOW, &[9; 32])
}

fn gate(checkpoint: &Checkpoint, device: u32, suites: Suites) -> Gate {
    let session = Session::new(enrolled(checkpoint, device, suites).unwrap());
    Gate { session, grant: grant(device, 0, SCHOOL) }
}

#[test]
fn r45_gates_of_both_suites_ask_one_engine_in_one_batch() {
    let mut checkpoint = Checkpoint::offering(Suites::AES_AND_SM4);
    let mut of_before = gate(&checkpoint, 1, Suites::AES);
    let mut of_both = gate(&checkpoint, 2, Suites::AES_AND_SM4);
    assert_eq!([&of_before, &of_both].map(|gate| gate.session.suite()), [Suite::Aes, Suite::Sm4]);
    for (gate, green) in [(&mut of_before, GREEN), (&mut of_both, HolderIndex(100))] {
        for (holder, reason) in [(green, Reason::Clear), (RED, Reason::StatusRed)] {
            let code = checkpoint.paper(holder);
            assert_eq!(checkpoint.reason(gate, &code), reason);
        }
    }
    let mut requests = [&mut of_before, &mut of_both].map(|gate| gate.request("no code"));
    let mut replies = hufu_check::Replies::new();
    let mut slices: Vec<&mut [u8]> = requests.iter_mut().map(Vec::as_mut_slice).collect();
    checkpoint.spine.check_sealed(NOW, &mut slices, &mut replies);
    for (index, session) in [of_before.session, of_both.session].iter().enumerate() {
        assert_eq!(session.open(replies.get(index).unwrap()).unwrap().reason, Reason::NotACode);
        assert!(session.open(replies.get(1 - index).unwrap()).is_err(), "of another session");
    }
}

#[test]
fn r45_a_gate_gets_no_session_where_it_takes_nothing_that_the_engine_offers() {
    let refused = Err(NotEnrolled::Refused(Reason::SuiteNotShared));
    assert_eq!(enrolled(&Checkpoint::offering(Suites::SM4), 1, Suites::AES), refused);
    assert_eq!(enrolled(&Checkpoint::offering(Suites::AES), 1, Suites::SM4), refused);
    assert_eq!(Reason::SuiteNotShared.actor(), Actor::Operator, "who has the settings of both");
}

/// An attacker who wants the weaker of two suites, whichever that is.
#[test]
fn r45_nothing_that_is_changed_in_a_packet_changes_its_suite() {
    let mut checkpoint = Checkpoint::offering(Suites::AES_AND_SM4);
    for (device, suites) in [(1, Suites::AES), (2, Suites::SM4)] {
        let request = gate(&checkpoint, device, suites).request("no code");
        for bit in 0..sealed::REQUEST_HEADER_BYTES * 8 {
            let mut flipped = request.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(checkpoint.answer(&flipped), None, "bit {bit}");
        }
        // The bit of the header that selects the key: there is a key, and it does not open.
        let before = checkpoint.counters.silence(Silence::Cookie);
        let mut flipped = request.clone();
        flipped[6] ^= 1 << 7;
        assert_eq!(checkpoint.answer(&flipped), None);
        assert_eq!(checkpoint.counters.silence(Silence::Cookie), before + 1);
        assert!(checkpoint.answer(&request).is_some());
    }
}

/// A gate whose firmware mixes the suites up is not served by either.
#[test]
fn r45_keys_of_one_suite_are_of_no_use_with_the_other() {
    let mut checkpoint = Checkpoint::offering(Suites::AES_AND_SM4);
    for (suites, other) in [(Suites::AES, Suite::Sm4), (Suites::SM4, Suite::Aes)] {
        let given = enrolled(&checkpoint, 1, suites).unwrap();
        let mut wrong = Session::new(Enrolled { suite: other, ..given.clone() });
        let mut packet = [0; Session::REQUEST_BYTES_MAX];
        let (_, length) = wrong.seal(b"no code", hufu_wire::Lane(0), &mut packet).unwrap();
        let before = checkpoint.counters.silence(Silence::Request);
        assert_eq!(checkpoint.answer(&packet[..length]), None);
        assert_eq!(checkpoint.counters.silence(Silence::Request), before + 1);
        let mut right = Gate { session: Session::new(given), grant: grant(1, 0, SCHOOL) };
        let request = right.request("no code");
        assert!(wrong.open(&checkpoint.answer(&request).unwrap()).is_err());
    }
}

#[test]
fn r45_where_sm4_alone_is_offered_sessions_of_aes_end_at_once_and_those_of_sm4_live_on_everywhere() {
    let [before, mut both, mut strict] =
        [Suites::AES, Suites::AES_AND_SM4, Suites::SM4].map(Checkpoint::offering);
    let mut old = gate(&before, 1, Suites::AES);
    assert_eq!(both.reason(&mut old, "no code"), Reason::NotACode);
    assert_eq!(strict.reason(&mut old, "no code"), Reason::CookieExpired, "which it hears, and enrols again");
    let mut new = gate(&strict, 1, Suites::AES_AND_SM4);
    assert_eq!(new.session.suite(), Suite::Sm4);
    let mut other = before;
    for engine in [&mut strict, &mut both, &mut other] {
        assert_eq!(engine.reason(&mut new, "no code"), Reason::NotACode);
    }
}

#[test]
fn r45_no_two_enrolments_or_replies_of_sm4_share_a_nonce_or_a_key() {
    let mut engines: Vec<_> = (0..2).map(|_| Checkpoint::offering(Suites::SM4)).collect();
    let all: Vec<_> =
        engines.iter().cycle().take(50).map(|engine| enrolled(engine, 1, Suites::SM4).unwrap()).collect();
    let nonces: BTreeSet<_> = all.iter().map(|one| one.cookie_nonce).collect();
    let keys: BTreeSet<_> = all.iter().flat_map(|one| [one.keys.request, one.keys.reply]).collect();
    assert_eq!((nonces.len(), keys.len()), (50, 100));
    // One session at two engines: both seal under its reply key.
    let mut gate = gate(&engines[0], 1, Suites::SM4);
    let mut of_replies = BTreeSet::new();
    for _ in 0..20 {
        let request = gate.request("no code");
        for engine in &mut engines {
            let reply = engine.answer(&request).unwrap();
            gate.session.open(&reply).unwrap();
            of_replies.insert(read::<ReplyHeader>(&reply[..sealed::REPLY_HEADER_BYTES]).unwrap().nonce);
        }
    }
    assert_eq!(of_replies.len(), 40);
}

/// Garbage that says it is of SM4 costs a look at a key, and gets silence.
#[test]
fn r45_a_cookie_of_sm4_that_no_engine_made_is_silence_everywhere() {
    for suites in [Suites::AES, Suites::AES_AND_SM4, Suites::SM4] {
        let mut checkpoint = Checkpoint::offering(suites);
        let epoch = KeyEpoch::of(0, NOW.seconds().0 / hufu_wire::limits::EPOCH_S).sealed_with(Suite::Sm4);
        let (cookie_nonce, cookie) = ([1; 12], [2; 80]);
        let mut packet = vec![0; 200];
        let header = RequestHeader { epoch, cookie_nonce, cookie, number: CheckNumber(1) };
        hufu_wire::write(&header, &mut packet[..sealed::REQUEST_HEADER_BYTES]).unwrap();
        assert_eq!(checkpoint.answer(&packet), None);
        assert_eq!(checkpoint.counters.silence(Silence::Cookie), 1);
    }
}
