//! The engine's keys from outside: what moves with the epochs, and what is never the same twice (issue 7, B10 and C).

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

mod common;

use std::collections::BTreeSet;

use common::{Checkpoint, GREEN, LATER, NOW, SCHOOL};
use hufu_check::{ClusterKeys, Silence, Spine};
use hufu_wire::{HolderIndex, Reason, ReplyHeader, UnixMillis, limits, read, sealed};

fn later(epochs: u64) -> UnixMillis {
    UnixMillis(NOW.0 + epochs * u64::from(limits::EPOCH_S) * 1000)
}

fn keys() -> ClusterKeys {
    ClusterKeys::from_seed(&[3; 32], NOW).unwrap()
}

fn nonce_of(reply: &[u8; sealed::REPLY_BYTES]) -> u128 {
    let header: ReplyHeader = read(&reply[..sealed::REPLY_HEADER_BYTES]).unwrap();
    let mut nonce = [0; 16];
    nonce[..sealed::NONCE_BYTES].copy_from_slice(&header.nonce);
    u128::from_le_bytes(nonce)
}

/// With the clock going either way.
#[test]
fn b10_a_cookie_is_sealed_under_the_epoch_of_its_time() {
    let checkpoint = Checkpoint::new();
    let grant = checkpoint.gate(1, SCHOOL).grant;
    for epochs in [0, 1, 1, 3, 1] {
        let enrolled = checkpoint.engine.enrol(grant, 1, LATER, later(epochs)).unwrap();
        assert_eq!(enrolled.epoch.number(), ClusterKeys::epoch_at(later(epochs)));
    }
}

/// Issue 7, C: two enrolments that shared a nonce would share it under the cluster's key.
#[test]
fn b10_no_two_enrolments_share_a_nonce_or_a_key() {
    let engines: Vec<_> = (0..2).map(|_| Checkpoint::new()).collect();
    let grant = engines[0].gate(1, SCHOOL).grant;
    let enrol = |checkpoint: &Checkpoint| checkpoint.engine.enrol(grant, 1, LATER, NOW).unwrap();
    let enrolled: Vec<_> = engines.iter().cycle().take(50).map(enrol).collect();
    let nonces: BTreeSet<_> = enrolled.iter().map(|enrolled| enrolled.cookie_nonce).collect();
    assert_eq!(nonces.len(), enrolled.len());
    let keys: BTreeSet<_> =
        enrolled.iter().flat_map(|enrolled| [enrolled.keys.request, enrolled.keys.reply]).collect();
    assert_eq!(keys.len(), 2 * enrolled.len(), "requests and replies have keys of their own");
}

/// Issue 7, C: workers that all began at one nonce would share every one under a session's reply key.
#[test]
fn b10_no_two_workers_share_a_reply_nonce() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let mut firsts = BTreeSet::new();
    for _ in 0..20 {
        checkpoint.spine = Spine::new(checkpoint.engine.clone()).unwrap();
        let request = gate.request("no code");
        firsts.insert(nonce_of(&checkpoint.answer(&request).unwrap()));
    }
    // Starts are random 96-bit numbers: that two of twenty lie within 2^40 has a chance below 2^-46.
    let apart = firsts.iter().zip(firsts.iter().skip(1)).all(|(one, next)| next - one > 1 << 40);
    assert!(firsts.len() == 20 && apart, "{firsts:x?}");
}

/// A machine that is cloned while it runs seals other verdicts under a nonce that was used: with AES-GCM two such
/// replies differ by exactly what their verdicts differ by, which gives the key stream away.
#[test]
fn b10_a_reply_nonce_that_is_used_twice_gives_nothing_away() {
    use aws_lc_rs::aead::{AES_128_GCM, AES_128_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
    let mut checkpoint = Checkpoint::new();
    let grant = checkpoint.gate(1, SCHOOL).grant;
    let enrolled = checkpoint.engine.enrol(grant, 1, LATER, NOW).unwrap();
    let key = enrolled.keys.reply;
    let mut gate = common::Gate { session: hufu_client::Session::new(enrolled), grant };
    let request = gate.request("no code");
    let reply = checkpoint.answer(&request).unwrap();
    let (header, cipher) = reply.split_at(sealed::REPLY_HEADER_BYTES);
    let opens = |algorithm| {
        let key = LessSafeKey::new(UnboundKey::new(algorithm, &key).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(&header[12..]).unwrap();
        key.open_in_place(nonce, Aad::from(header), &mut cipher.to_vec()).is_ok()
    };
    assert!(opens(&AES_128_GCM_SIV) && !opens(&AES_128_GCM));
}

/// Sessions outlive the step from one epoch to the next, on every engine, whenever each takes it.
#[test]
fn b10_a_session_lives_on_while_the_keys_move_forward() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let code = checkpoint.paper(GREEN);
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::Clear);
    let mut moved = keys();
    moved.advance_to(ClusterKeys::epoch_at(NOW) + 1).unwrap();
    checkpoint.engine.set_cluster(moved.clone());
    assert_eq!(checkpoint.reason(&mut gate, &code), Reason::Clear, "a key that was kept");
    moved.advance_to(ClusterKeys::epoch_at(NOW) + 5).unwrap();
    checkpoint.engine.set_cluster(moved);
    let request = gate.request(&code);
    assert_eq!(checkpoint.answer(&request), None, "a key that is gone");
    assert_eq!(checkpoint.counters.silence(Silence::Epoch), 1);
}

/// The whole point: what was recorded cannot be opened with what is there later.
#[test]
fn b10_keys_of_today_open_nothing_that_was_recorded_days_before() {
    let mut recorded = Checkpoint::new();
    let mut gate = recorded.gate(1, SCHOOL);
    let packet = gate.request("no code");
    assert!(recorded.answer(&packet).is_some());

    let mut stolen = keys();
    stolen.advance_to(ClusterKeys::epoch_at(later(160))).unwrap();
    let stolen = ClusterKeys::from_bytes(&stolen.to_bytes()).unwrap();
    let mut thief = Checkpoint::new();
    thief.engine.set_cluster(stolen);
    for now in [NOW, later(1), later(160)] {
        assert_eq!(thief.answer_at(now, &packet), None);
    }
    assert_eq!(thief.counters.silence(Silence::Epoch), 3);
}

#[test]
fn b10_two_chains_are_accepted_at_a_time_and_gates_notice_nothing() {
    let mut checkpoint = Checkpoint::new();
    let mut old = checkpoint.gate(1, SCHOOL);
    let mut cluster = keys();
    cluster.add_next(NOW, [8; 8], &[8; 32]).unwrap();
    checkpoint.engine.set_cluster(cluster.clone());
    assert_eq!(checkpoint.reason(&mut old, "no code"), Reason::NotACode);
    cluster.use_newer(NOW).unwrap();
    checkpoint.engine.set_cluster(cluster.clone());
    let mut new = checkpoint.gate(2, SCHOOL);
    assert_eq!(checkpoint.reason(&mut old, "no code"), Reason::NotACode);
    assert_eq!(checkpoint.reason(&mut new, "no code"), Reason::NotACode);
    cluster.drop_older(NOW, true).unwrap();
    checkpoint.engine.set_cluster(cluster);
    assert_eq!(checkpoint.reason(&mut new, "no code"), Reason::NotACode);
    let request = old.request("no code");
    assert_eq!(checkpoint.answer(&request), None, "not even out of the worker's memory");
}

/// R51: the engine's clock leaps 200 days ahead for a minute and back.
#[test]
fn r51_sessions_outlive_a_clock_that_was_far_ahead() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let request = gate.request("no code");
    assert_eq!(checkpoint.answer_at(later(800), &request), None, "its cookie is over, by that clock");
    let enrolled_then = checkpoint.gate_at(2, SCHOOL, later(800));
    drop(enrolled_then);
    assert_eq!(checkpoint.reason(&mut gate, "no code"), Reason::NotACode);
}

/// R51: a clock that was believed by mistake; the engine goes on under the keys that it has.
#[test]
fn r51_an_engine_whose_keys_are_ahead_of_its_clock_still_enrols_and_answers() {
    let mut checkpoint = Checkpoint::new();
    let mut before = checkpoint.gate(1, SCHOOL);
    let mut ahead = keys();
    ahead.advance_to(ClusterKeys::epoch_at(later(800))).unwrap();
    checkpoint.engine.set_cluster(ahead);
    let request = before.request("no code");
    assert_eq!(checkpoint.answer(&request), None, "that session is lost");
    let mut again = checkpoint.gate(1, SCHOOL);
    assert_eq!(checkpoint.reason(&mut again, "no code"), Reason::NotACode);
}

/// Which credentials a full cache forgets follows from its key: a new trust list brings a new one.
#[test]
fn the_cache_of_verified_credentials_has_a_new_key_after_a_new_trust_list() {
    let mut checkpoint = Checkpoint::with_seen_entries(16);
    let mut gate = checkpoint.gate(1, SCHOOL);
    let codes: Vec<String> = (100..124).map(|holder| checkpoint.paper(HolderIndex(holder))).collect();
    let mut forgotten = || -> Vec<bool> {
        let trust = common::keyring(&checkpoint.operator, 2, &[(&checkpoint.signer, false)]);
        checkpoint.engine.set_keyring(trust).unwrap();
        let mut verified = |code: &String| {
            let before = checkpoint.counters.seen_first();
            checkpoint.show(&mut gate, code);
            checkpoint.counters.seen_first() > before
        };
        for code in &codes {
            assert!(verified(code), "a new trust list remembers nothing");
        }
        codes.iter().map(verified).collect()
    };
    let patterns: BTreeSet<Vec<bool>> = (0..3).map(|_| forgotten()).collect();
    assert!(patterns.len() > 1, "{patterns:?}");
}
