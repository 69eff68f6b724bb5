//! What a check costs in CPU time (R13), in an unoptimised build and beside other work.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use hufu_check::Replies;
use hufu_codes::code;
use hufu_wire::{HolderIndex, limits};
use rustix::time::{ClockId, clock_gettime};

/// The CPU time of this thread so far, nanoseconds.
fn cpu_ns() -> u64 {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(used.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(used.tv_nsec).unwrap()
}

/// The CPU time of one sealed batch of these codes, nanoseconds. Each code gets an answer.
fn batch_ns(checkpoint: &mut Checkpoint, gate: &mut Gate, codes: &[String]) -> u64 {
    let mut datagrams: Vec<Vec<u8>> = codes.iter().map(|code| gate.request(code)).collect();
    let mut slices: Vec<&mut [u8]> = datagrams.iter_mut().map(Vec::as_mut_slice).collect();
    let mut replies = Replies::new();
    let begun_ns = cpu_ns();
    checkpoint.spine.check_sealed(NOW, &mut slices, &mut replies);
    let spent_ns = cpu_ns() - begun_ns;
    assert!((0..codes.len()).all(|index| replies.get(index).is_some()));
    spent_ns
}

/// R13 is shown whole by `hufu demo`; this keeps the spine's part of it, for codes that were seen before, within a
/// small share of one core even in an unoptimised build.
#[test]
fn r13_eight_thousand_checks_of_codes_seen_before_take_less_than_a_second_of_one_core() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let codes: Vec<_> = (100..132).map(|holder| checkpoint.phone(HolderIndex(holder))).collect();
    batch_ns(&mut checkpoint, &mut gate, &codes);
    let spent_ns: u64 = (0..250).map(|_| batch_ns(&mut checkpoint, &mut gate, &codes)).sum();
    assert_eq!(checkpoint.counters.seen_again(), 8000);
    assert!(spent_ns < 1_000_000_000, "{} ms for 8,000 checks", spent_ns / 1_000_000);
}

/// The whole check of a code that was never seen before, beside the same signature verified by `ed25519_dalek` alone.
/// The two are measured in turns on one thread, and the least of each counts: what else the machine does adds to
/// both or to neither.
#[test]
fn r13_a_check_of_a_code_seen_first_costs_less_than_one_plain_verification() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let batch = u32::try_from(limits::BATCH_MAX).unwrap();
    let codes: Vec<_> = (100..100 + batch).map(|holder| checkpoint.paper(HolderIndex(holder))).collect();
    let plain: Vec<_> = codes.iter().map(|code| signed(code)).collect();
    let key = SigningKey::from_bytes(&[1; 32]).verifying_key();
    let (mut check_ns, mut plain_ns) = (u64::MAX, u64::MAX);
    for round in 1..=ROUNDS {
        // A new keyring forgets each code that was verified.
        let keyring = keyring(&checkpoint.operator, round, &[(&checkpoint.signer, false)]);
        checkpoint.engine.set_keyring(keyring).unwrap();
        check_ns = check_ns.min(batch_ns(&mut checkpoint, &mut gate, &codes));
        plain_ns = plain_ns.min(verify_ns(&key, &plain));
    }
    assert_eq!(checkpoint.counters.seen_first(), ROUNDS * u64::from(batch));
    let percent = check_ns * 100 / plain_ns;
    println!("{} and {} ns each, {percent} %", check_ns / u64::from(batch), plain_ns / u64::from(batch));
    assert!(percent <= PERCENT_MAX, "a check costs {percent} % of a verification");
}

const ROUNDS: u64 = 20;

/// What a check may cost at most of what a plain verification costs. It is about 30 with AVX-512 and 40 without; with
/// signatures ten times dearer it is above 250.
const PERCENT_MAX: u64 = 100;

/// The bytes that a code's credential signs, and their signature.
fn signed(text: &str) -> (Vec<u8>, Signature) {
    let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
    let code = code::parse_text(text.as_bytes(), &mut binary).unwrap();
    let envelope = code.credential.envelope();
    (envelope.message().concat(), Signature::from_bytes(envelope.signature))
}

/// The CPU time of verifying these signatures one after the other, nanoseconds.
fn verify_ns(key: &VerifyingKey, signed: &[(Vec<u8>, Signature)]) -> u64 {
    let begun_ns = cpu_ns();
    for (message, signature) in signed {
        key.verify_strict(message, signature).unwrap();
    }
    cpu_ns() - begun_ns
}
