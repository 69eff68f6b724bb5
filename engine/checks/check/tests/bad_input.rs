//! Whatever arrives: a reason or silence, a counter that moves, never a panic, never an admission.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use hufu_check::{Replies, Silence};
use hufu_wire::{Decision, Reason, limits, sealed};
use proptest::prelude::*;

fn silences(checkpoint: &Checkpoint) -> u64 {
    Silence::ALL.iter().map(|&cause| checkpoint.counters.silence(cause)).sum()
}

#[test]
fn every_truncation_of_a_sealed_request_gets_silence() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let request = gate.request(&checkpoint.phone(GREEN));
    for length in 0..request.len() {
        assert_eq!(checkpoint.answer(&request[..length]), None, "{length} bytes");
        assert_eq!(silences(&checkpoint), length as u64 + 1);
    }
    assert!(checkpoint.answer(&request).is_some(), "and the whole one is still answered");
}

#[test]
fn every_flipped_bit_of_a_sealed_request_gets_silence() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let request = gate.request(&checkpoint.phone(GREEN));
    for bit in 0..request.len() * 8 {
        let mut flipped = request.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(checkpoint.answer(&flipped), None, "bit {bit}");
    }
    assert_eq!(silences(&checkpoint), request.len() as u64 * 8);
}

#[test]
fn every_flipped_bit_of_a_code_is_refused() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    for code in [checkpoint.phone(GREEN), checkpoint.paper(GREEN)] {
        let code = code.into_bytes();
        for bit in 0..code.len() * 8 {
            let mut flipped = code.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let mut request = [0; limits::SEALED_REQUEST_BYTES_MAX];
            let (_, length) = gate.session.seal(&flipped, hufu_wire::Lane(0), &mut request).unwrap();
            let reply = checkpoint.answer(&request[..length]).unwrap();
            let verdict = gate.session.open(&reply).unwrap();
            assert_ne!(verdict.decision, Decision::Admit, "bit {bit}: {:?}", verdict.reason);
        }
    }
}

#[test]
fn each_cause_of_silence_moves_its_own_counter() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let request = gate.request(&checkpoint.paper(GREEN));
    let changed = |at: usize, to: u8| {
        let mut request = request.clone();
        request[at] = to;
        request
    };
    let cases = [
        ("too short", request[..155].to_vec(), Silence::Length),
        ("too long", vec![1; limits::SEALED_REQUEST_BYTES_MAX + 1], Silence::Length),
        ("version 2", changed(0, 2), Silence::NotARequest),
        ("a reply", changed(1, sealed::KIND_REPLY), Silence::NotARequest),
        ("reserved bytes", changed(3, 1), Silence::NotARequest),
        ("an epoch of long ago", changed(5, 0), Silence::Epoch),
        ("a changed cookie", changed(30, request[30] ^ 1), Silence::Cookie),
        ("a changed number", changed(100, request[100] ^ 1), Silence::Request),
        ("a changed code", changed(120, request[120] ^ 1), Silence::Request),
    ];
    for (name, datagram, cause) in cases {
        let before = checkpoint.counters.silence(cause);
        assert_eq!(checkpoint.answer(&datagram), None, "{name}");
        assert_eq!(checkpoint.counters.silence(cause), before + 1, "{name}");
    }
    assert_eq!(checkpoint.counters.requests(), 0);
}

#[test]
fn a_cookie_of_another_cluster_gets_silence() {
    let mut ours = Checkpoint::new();
    let theirs = Checkpoint::of_cluster([4; 32]);
    let mut gate = theirs.gate(1, SCHOOL);
    let request = gate.request(&theirs.paper(GREEN));
    assert_eq!(ours.answer(&request), None);
    assert_eq!(ours.counters.silence(Silence::Cookie), 1);
}

/// A device that seals two requests under one number harms its own secrecy; each is judged on its merits.
#[test]
fn a_number_used_twice_confuses_nobody() {
    let mut checkpoint = Checkpoint::new();
    let grant = checkpoint.gate(1, SCHOOL).grant;
    let enrolled = checkpoint.engine.enrol(grant, 1, LATER, NOW).unwrap();
    for (code, reason) in
        [(checkpoint.paper(GREEN), Reason::Clear), (checkpoint.paper(RED), Reason::StatusRed)]
    {
        let mut gate = Gate { session: hufu_client::Session::new(enrolled.clone()), grant };
        assert_eq!(checkpoint.reason(&mut gate, &code), reason);
        assert_eq!(gate.session.last_number().0, 1);
    }
}

/// A device of later times may send more of a scan than ours do: it gets a verdict, not silence.
#[test]
fn a_text_is_answered_up_to_what_a_packet_carries() {
    let mut checkpoint = Checkpoint::new();
    let grant = checkpoint.gate(1, SCHOOL).grant;
    for (prefix, bytes, wanted) in [
        ("HF1:", limits::CODE_TEXT_BYTES_MAX, Some(Reason::BadEncoding)),
        ("HF1:", limits::CODE_TEXT_BYTES_MAX + 1, Some(Reason::CodeTooLong)),
        ("HF1:", limits::PRESENTED_BYTES_MAX, Some(Reason::CodeTooLong)),
        ("HC1:", limits::PRESENTED_BYTES_MAX, Some(Reason::ForeignCode)),
        ("", limits::PRESENTED_BYTES_MAX, Some(Reason::NotACode)),
        ("HC1:", limits::PRESENTED_BYTES_MAX + 1, None),
    ] {
        let enrolled = checkpoint.engine.enrol(grant, 1, LATER, NOW).unwrap();
        let code = format!("{prefix}{}", "0".repeat(bytes - prefix.len())).into_bytes();
        let mut plain = vec![0; limits::CHECK_REQUEST_HEADER_BYTES + bytes];
        let (lane, code) = (hufu_wire::Lane(0), code.as_slice());
        hufu_wire::write(&hufu_wire::CheckRequest { lane, code, is_reference: false }, &mut plain).unwrap();
        let datagram = sealed_by_hand(&enrolled, hufu_wire::CheckNumber(1), &plain);
        let reply = checkpoint.answer(&datagram);
        let reason = reply.map(|reply| hufu_client::Session::new(enrolled).open(&reply).unwrap().reason);
        assert_eq!(reason, wanted, "{prefix} of {bytes} bytes");
        assert_eq!(datagram.len() > limits::SEALED_REQUEST_BYTES_MAX, wanted.is_none());
    }
}

/// What opens and is no check request is told to the gate, which can mend it.
#[test]
fn a_genuine_packet_without_a_request_is_a_bad_request() {
    let mut checkpoint = Checkpoint::new();
    let grant = checkpoint.gate(1, SCHOOL).grant;
    let enrolled = checkpoint.engine.enrol(grant, 1, LATER, NOW).unwrap();
    let session = hufu_client::Session::new(enrolled.clone());
    let too_long = [[0xff, 0xff, 0, 0].as_slice(), &[0; 60]].concat();
    for plain in [vec![0xff; 32], vec![0; 33], too_long, vec![0; limits::CHECK_REQUEST_BYTES_MAX]] {
        let datagram = sealed_by_hand(&enrolled, hufu_wire::CheckNumber(1), &plain);
        let reply = checkpoint.answer(&datagram).unwrap();
        assert_eq!(session.open(&reply).unwrap().reason, Reason::BadRequest);
    }
}

proptest! {
    #[test]
    fn random_datagrams_get_silence(datagrams in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..1300), 0..=limits::BATCH_MAX,
    )) {
        let mut checkpoint = Checkpoint::new();
        let mut datagrams = datagrams;
        let mut slices: Vec<&mut [u8]> = datagrams.iter_mut().map(Vec::as_mut_slice).collect();
        let mut replies = Replies::new();
        checkpoint.spine.check_sealed(NOW, &mut slices, &mut replies);
        for index in 0..limits::BATCH_MAX {
            prop_assert!(replies.get(index).is_none());
        }
        prop_assert_eq!(silences(&checkpoint), datagrams.len() as u64);
    }

    #[test]
    fn random_codes_are_refused(code in proptest::collection::vec(any::<u8>(), 0..=512), prefixed: bool) {
        let mut checkpoint = Checkpoint::new();
        let mut gate = checkpoint.gate(1, SCHOOL);
        let mut code = code;
        if prefixed && code.len() >= 4 {
            code[..4].copy_from_slice(b"HF1:");
        }
        let mut request = [0; limits::SEALED_REQUEST_BYTES_MAX];
        let (_, length) = gate.session.seal(&code, hufu_wire::Lane(0), &mut request).unwrap();
        let reply = checkpoint.answer(&request[..length]).unwrap();
        let verdict = gate.session.open(&reply).unwrap();
        prop_assert_eq!(verdict.decision, Decision::Refuse);
    }
}
