//! Two histories that both authorities signed (R22).

use hufu_codes::chain::Tip;
use hufu_sync::{CheckpointAnswer, HeadAnswer, SetAnswer, Wanted};
use hufu_wire::Sequence;
use tempfile::tempdir;

use crate::common::*;
use crate::*;

#[test]
fn r22_two_histories_stop_the_follower_until_a_later_checkpoint() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let twin = twin(&chain);
    let on_twin = next(&twin.tip, &twin.words, &[(3, turned(GREEN))]);
    // After the second set: another second one, or a third one that follows another second one.
    for stray in [&twin, &on_twin] {
        let mut engine = engine();
        engine.apply(&chain[..2]);
        let at = Sequence(2);
        assert_eq!(engine.set(stray).unwrap(), SetAnswer::Fork { at });
        assert_eq!(engine.set(&chain[2]).unwrap(), SetAnswer::Fork { at }, "nothing is applied now");
        assert_eq!((engine.sequence(), engine.word(1)), (at, RED), "red stays red");
        assert_eq!(engine.follower.wants(), Wanted::Checkpoint { from: at });
        let time = after(&chain[1].tip, 100);
        assert_eq!(engine.head(&chain[1].tip, time, time).unwrap(), HeadAnswer::Fork { at });
        assert_eq!(engine.heard(), None, "words in doubt are not told fresh");

        // The authorities choose the first history and go on above both.
        let above = Tip { sequence: Sequence(9), ..chain[1].tip };
        let vouched = vouched(&above, &chain[1].words, folder.path());
        let CheckpointAnswer::Load(checkpoint) =
            engine.follower.checkpoint(&vouched.bytes, keyring(), later()).unwrap()
        else {
            panic!("a checkpoint ahead is loaded");
        };
        engine.follower.load(&checkpoint, &vouched.snapshot, later()).unwrap();
        assert!(!engine.follower.is_forked());
        assert_eq!((engine.sequence(), engine.word(1)), (Sequence(9), RED));
        assert_eq!(engine.set(stray).unwrap(), SetAnswer::Behind, "old history is no fork");
        let tenth = next(&vouched.tip, &vouched.words, &[(1, turned(GREEN))]);
        engine.apply(&[tenth]);
    }
}

#[test]
fn r22_a_checkpoint_of_the_same_place_settles_a_fork() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let twin = twin(&chain);
    let mut engine = engine();
    engine.apply(&chain[..2]);
    engine.set(&twin).unwrap();
    let checkpoint = |link: &Link| vouched(&link.tip, &link.words, folder.path()).bytes;
    let mut give = |bytes: &[u8]| engine.follower.checkpoint(bytes, keyring(), later()).unwrap();
    assert_eq!(give(&checkpoint(&chain[0])), CheckpointAnswer::Behind);
    assert_eq!(give(&checkpoint(&twin)), CheckpointAnswer::Fork { at: Sequence(2) }, "it cannot be both");
    assert_eq!(give(&checkpoint(&chain[1])), CheckpointAnswer::Agrees);
    assert_eq!(give(&checkpoint(&twin)), CheckpointAnswer::Behind, "settled is settled");
    assert_eq!(engine.set(&twin).unwrap(), SetAnswer::Behind);
    engine.apply(&chain[2..]);
}

#[test]
fn r22_a_checkpoint_of_another_history_is_a_fork_too() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let twin = twin(&chain);
    let mut engine = engine();
    engine.apply(&chain[..2]);
    let of_twin = vouched(&twin.tip, &twin.words, folder.path()).bytes;
    let at = Sequence(2);
    let answer = engine.follower.checkpoint(&of_twin, keyring(), later()).unwrap();
    assert_eq!(answer, CheckpointAnswer::Fork { at });
    assert_eq!(engine.set(&chain[2]).unwrap(), SetAnswer::Fork { at });
    assert_eq!(engine.word(1), RED);
}

#[test]
fn r22_sets_of_a_history_that_was_given_up_are_no_longer_wanted() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let twin = twin(&chain);
    let on_twin = next(&twin.tip, &twin.words, &[(3, turned(GREEN))]);
    let mut engine = engine();
    assert!(matches!(engine.set(&on_twin).unwrap(), SetAnswer::Gap { .. }));
    let chosen = vouched(&chain[1].tip, &chain[1].words, folder.path());
    let answer = engine.follower.checkpoint(&chosen.bytes, keyring(), later()).unwrap();
    let CheckpointAnswer::Load(checkpoint) = answer else { panic!("it is ahead") };
    engine.follower.load(&checkpoint, &chosen.snapshot, later()).unwrap();
    assert_eq!(engine.follower.wants(), Wanted::Nothing);
}
