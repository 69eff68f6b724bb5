//! Keys and nonces, as whoever holds packets sees them: none is used twice.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::*;
use hufu_check::{Replies, Spine};
use hufu_wire::{HolderIndex, ReplyHeader, read, sealed};

#[test]
fn no_two_enrolments_share_a_key_a_nonce_or_a_cookie() {
    let engines = [Checkpoint::new(), Checkpoint::new()];
    let (mut nonces, mut cookies, mut keys) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for round in 0..64 {
        let engine = &engines[round % 2].engine;
        let enrolled = engine.enrol(grant(1, 0, SCHOOL), 1, LATER, NOW).unwrap();
        assert!(nonces.insert(enrolled.cookie_nonce), "a cookie's nonce");
        assert!(cookies.insert(enrolled.cookie), "a cookie");
        assert!(keys.insert(enrolled.keys.request), "a request key");
        assert!(keys.insert(enrolled.keys.reply), "a reply key");
    }
}

/// All workers of all engines of a cluster seal the replies of one session: no nonce may come twice.
#[test]
fn no_two_workers_seal_a_reply_under_one_nonce() {
    let engines = [Checkpoint::new(), Checkpoint::new()];
    let mut gate = engines[0].gate(1, SCHOOL);
    let mut nonces = BTreeSet::new();
    for engine in engines.iter().cycle().take(8) {
        let mut worker = Spine::new(Arc::clone(&engine.engine)).unwrap();
        for _ in 0..40 {
            let mut request = gate.request("");
            let mut replies = Replies::new();
            worker.check_sealed(NOW, &mut [&mut request], &mut replies);
            let reply = replies.get(0).unwrap();
            let header: ReplyHeader = read(&reply[..sealed::REPLY_HEADER_BYTES]).unwrap();
            assert!(nonces.insert(header.nonce), "{:?}", header.nonce);
        }
    }
}

/// Which credentials a full cache forgets follows from its key: a new trust list brings a new one.
#[test]
fn the_cache_of_verified_credentials_has_a_new_key_after_a_new_trust_list() {
    let mut checkpoint = Checkpoint::with_seen_entries(16);
    let mut gate = checkpoint.gate(1, SCHOOL);
    let codes: Vec<String> = (100..124).map(|holder| checkpoint.paper(HolderIndex(holder))).collect();
    let mut forgotten = || -> Vec<bool> {
        let trust = keyring(&checkpoint.operator, 2, &[(&checkpoint.signer, false)]);
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
