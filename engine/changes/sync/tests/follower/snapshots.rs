//! Which snapshots are loaded (R22).

use hufu_sync::{CheckpointAnswer, SyncFault};
use hufu_table::Snapshot;
use hufu_wire::Sequence;
use tempfile::tempdir;

use crate::common::*;
use crate::*;

#[test]
fn r22_only_the_announced_snapshot_is_loaded() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let mut engine = engine();
    engine.apply(&chain[..1]);
    let wanted = vouched(&chain[2].tip, &chain[2].words, folder.path());
    let mut give = |bytes: &[u8]| engine.follower.checkpoint(bytes, keyring(), later());
    let CheckpointAnswer::Load(checkpoint) = give(&wanted.bytes).unwrap() else { panic!("it is ahead") };
    for length in 0..wanted.bytes.len() {
        assert!(give(&wanted.bytes[..length]).is_err(), "cut to {length}");
    }

    // One status word altered where the snapshot was made: another digest, so nobody vouched for it.
    let mut altered = chain[2].words.clone();
    altered.insert(1, GREEN);
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let altered = vouched(&chain[2].tip, &altered, &other);
    let fault = engine.follower.load(&checkpoint, &altered.snapshot, later()).unwrap_err();
    assert!(matches!(fault, SyncFault::AnotherSnapshot { .. }), "{fault}");

    // The right one with a damaged word: the digest in its list no longer fits.
    let path = folder.path().join(format!("3-{}.snapshot", chain[2].tip.digest));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[64 + 8] ^= 1;
    std::fs::write(folder.path().join("damaged"), &bytes).unwrap();
    let damaged = Snapshot::open(folder.path().join("damaged")).expect("its list is whole");
    let fault = engine.follower.load(&checkpoint, &damaged, later()).unwrap_err();
    assert!(matches!(fault, SyncFault::Snapshot { .. }), "{fault}");
    assert_eq!((engine.sequence(), engine.word(1)), (Sequence(1), GREEN), "as before");

    engine.follower.load(&checkpoint, &wanted.snapshot, later()).unwrap();
    assert_eq!((engine.sequence(), engine.word(1)), (Sequence(3), RED.with_generation(1)));
    let fault = engine.follower.load(&checkpoint, &wanted.snapshot, later()).unwrap_err();
    assert!(matches!(fault, SyncFault::Overtaken { .. }), "{fault}");
    let (loaded, refused) = (1, 3);
    let counters = engine.follower.counters();
    assert_eq!((counters.snapshots_loaded, counters.snapshots_refused), (loaded, refused));
}
