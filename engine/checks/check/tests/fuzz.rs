//! Datagrams, codes and rosters nobody would send: no panic, no admission, no growth. The kept corpus is in
//! `__fuzz__` beside this file; `BOLERO_RANDOM_TEST_TIME_MS` sets how long it goes on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Mutex;

use bolero::check;
use common::*;
use hufu_check::Replies;
use hufu_client::Session;
use hufu_wire::{CheckNumber, CheckRequest, Decision, Lane, Reason, RosterReply, Suites, limits, read};

/// Whatever arrives from the network: a genuine request with these bytes laid over it.
#[test]
fn datagrams() {
    // One engine, which has given out a session of each suite.
    let checkpoint = Checkpoint::offering(Suites::AES_AND_SM4);
    let of_suite = |device, suites| {
        let enrolled =
            checkpoint.engine.enrol_bound(grant(device, 0, SCHOOL), suites, 1, LATER, NOW, &[0; 32]);
        Gate { session: Session::new(enrolled.unwrap()), grant: grant(device, 0, SCHOOL) }
    };
    let code = checkpoint.phone(GREEN);
    let genuine =
        [(1, Suites::AES), (2, Suites::SM4)].map(|(device, suites)| of_suite(device, suites).request(&code));
    let checkpoint = Mutex::new(checkpoint);
    check!().for_each(|bytes: &[u8]| {
        let (at, laid_over) = bytes.split_first_chunk::<2>().unwrap_or((&[0; 2], bytes));
        let at = usize::from(u16::from_le_bytes(*at)) % genuine[0].len();
        for mut datagram in [bytes.to_vec(), genuine[0].clone(), genuine[1].clone()] {
            let end = (at + laid_over.len()).min(datagram.len());
            if at < end {
                datagram[at..end].copy_from_slice(&laid_over[..end - at]);
            }
            let changed = !genuine.contains(&datagram);
            let mut replies = Replies::new();
            checkpoint.lock().unwrap().spine.check_sealed(NOW, &mut [&mut datagram], &mut replies);
            assert_eq!(replies.get(0).is_some(), !changed, "only the genuine request is answered");
        }
    });
}

/// Whatever a camera may have read.
#[test]
fn codes() {
    let checkpoint = Checkpoint::new();
    let gate = checkpoint.gate(1, SCHOOL);
    let genuine = [checkpoint.phone(GREEN), checkpoint.paper(GREEN)];
    let checkpoint = Mutex::new(checkpoint);
    check!().for_each(|bytes: &[u8]| {
        let code = &bytes[..bytes.len().min(limits::CODE_BYTES_MAX)];
        let mut verdicts = [hufu_wire::Verdict::of(CheckNumber(0), NOW, Reason::Busy)];
        let request = (CheckNumber(1), CheckRequest { lane: Lane(0), code, is_reference: false });
        checkpoint.lock().unwrap().spine.check(NOW, &gate.grant, &[request], &mut verdicts);
        let is_genuine = genuine.iter().any(|genuine| genuine.as_bytes() == code);
        assert_eq!(verdicts[0].decision == Decision::Admit, is_genuine);
    });
}

/// Whatever a terminal may send as a roster.
#[test]
fn rosters() {
    let checkpoint = Mutex::new(Checkpoint::new());
    let gate = checkpoint.lock().unwrap().gate(1, SCHOOL);
    check!().for_each(|bytes: &[u8]| {
        let mut out = Vec::new();
        checkpoint.lock().unwrap().spine.check_roster(NOW, &gate.grant, bytes, &mut out);
        assert_eq!(out.len(), RosterReply::BYTES, "a summary and nobody in it");
        assert_ne!(read::<RosterReply>(&out).unwrap().reason, Reason::Clear);
    });
}
