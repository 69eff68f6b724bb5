//! The golden chain, as somebody with another implementation would bring it.

mod common;

use common::*;
use hufu_sync::{CheckpointAnswer, HeadAnswer, SetAnswer, SyncFault};
use hufu_wire::{Colour, Sequence};
use serde_json::Value;

/// The bytes of every case of a golden file, in order.
fn golden(name: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/../../../fixtures/golden/wire/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a golden file");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let cases = file["cases"].as_array().expect("cases");
    let bytes = |case: &Value| hex::decode(case["hex"].as_str().expect("hex")).expect("hex");
    cases.iter().map(bytes).collect()
}

#[test]
fn r22_the_golden_chain_is_followed() {
    let (sets, heads) = (golden("change-set"), golden("head"));
    let mut engine = engine();
    let follower = &mut engine.follower;
    let now = later();
    assert!(matches!(follower.head(&heads[0], keyring(), now).unwrap(), HeadAnswer::Current { .. }));
    let gap = HeadAnswer::Gap { from: Sequence(1), to: Sequence(2) };
    assert_eq!(follower.head(&heads[2], keyring(), now).unwrap(), gap);
    for set in &sets[..2] {
        assert!(matches!(follower.change_set(set, keyring(), now).unwrap(), SetAnswer::Applied { .. }));
    }
    assert_eq!(follower.head(&heads[1], keyring(), now).unwrap(), HeadAnswer::Late);
    let checkpoint = &golden("checkpoint")[0];
    assert_eq!(follower.checkpoint(checkpoint, keyring(), now).unwrap(), CheckpointAnswer::Agrees);
    // An earlier instant, in the next era of the chain's time.
    assert!(matches!(follower.change_set(&sets[2], keyring(), now).unwrap(), SetAnswer::Applied { .. }));
    assert_eq!(follower.tip().proposed.era(), 1);
    let checkpoint = &golden("checkpoint")[1];
    assert_eq!(follower.checkpoint(checkpoint, keyring(), now).unwrap(), CheckpointAnswer::Agrees);
    let heard = engine.heard().expect("the second head counts once its set is here");
    assert_eq!(heard.0 % 10_000, 2000);
    assert_eq!(engine.word(262_144).colour(), Some(Colour::Red));
    assert_eq!(engine.word(8).colour(), None, "a new phone makes nobody known");
}

#[test]
fn r22_no_cut_and_no_flipped_bit_of_the_golden_sets_is_applied() {
    for (at, good) in golden("change-set").iter().enumerate() {
        let mut engine = engine();
        let follower = &mut engine.follower;
        for earlier in &golden("change-set")[..at] {
            follower.change_set(earlier, keyring(), later()).unwrap();
        }
        let before = *follower.tip();
        let mut refused = |bytes: &[u8], what: &str, place: usize| {
            let answer = follower.change_set(bytes, keyring(), later());
            assert!(
                matches!(answer, Err(SyncFault::Chain(_)) | Ok(SetAnswer::Behind)),
                "{what} {place}: {answer:?}"
            );
            assert_eq!(follower.tip(), &before, "{what} {place}");
        };
        for length in 0..good.len() {
            refused(&good[..length], "cut to", length);
        }
        for bit in 0..good.len() * 8 {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            refused(&flipped, "bit", bit);
        }
    }
}
