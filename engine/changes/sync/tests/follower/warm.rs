//! The way over a restart (R22).

use hufu_sync::{CheckpointAnswer, Follower, HeadAnswer, SetAnswer, SyncFault, WarmCopy};
use hufu_table::Snapshot;
use hufu_wire::{Sequence, UnixMillis};
use sha2::{Digest as _, Sha256};
use tempfile::tempdir;

use crate::common::*;
use crate::*;

#[test]
fn r22_a_restart_goes_on_where_the_warm_copy_was_made() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let path = folder.path().join("warm");
    let mut engine = engine();
    engine.apply(&chain[..1]);
    let time = after(&chain[0].tip, 10);
    engine.head(&chain[0].tip, time, time).unwrap();
    let warm = engine.follower.warm();
    // The follower goes on while the copy is written: later words, and the tail makes them equal.
    engine.apply(&chain[1..2]);
    let info = hufu_table::write_snapshot_as_of(&engine.table.reader(), ISSUER, warm.as_of(), &path).unwrap();
    let state = warm.seal(&info).expect("written as of it");
    assert_eq!(engine.follower.warm().seal(&info), None, "of another moment");

    let resume = |state: &[u8], snapshot: &Snapshot| {
        let table = table();
        let follower =
            Follower::resume(table.writer(ISSUER).unwrap(), authorities(), state, snapshot, later())?;
        Ok::<_, SyncFault>(Engine { table, follower })
    };
    let snapshot = Snapshot::open(&path).unwrap();
    let mut restarted = resume(&state, &snapshot).unwrap();
    assert_eq!((restarted.sequence(), restarted.heard()), (Sequence(1), Some(time)), "as old as it is");
    assert_eq!(restarted.follower.tip(), &chain[0].tip);
    assert_eq!(restarted.head(&chain[0].tip, time, later()).unwrap(), HeadAnswer::Late, "still repeated");
    restarted.apply(&chain[1..]);

    for at in 0..state.len() {
        let mut damaged = state;
        damaged[at] ^= 1;
        assert!(matches!(resume(&damaged, &snapshot), Err(SyncFault::WarmCopy { .. })), "byte {at}");
        assert!(resume(&state[..at], &snapshot).is_err(), "cut to {at}");
    }
    // A state that is sealed well, of another program: magic, version, a flag, each reserved byte.
    for (at, byte) in [(32, b'h'), (40, 2), (88, 2)].into_iter().chain((89..96).map(|at| (at, 1))) {
        let mut odd = state;
        odd[at] = byte;
        let seal: [u8; 32] = Sha256::digest(&odd[32..]).into();
        odd[..32].copy_from_slice(&seal);
        assert!(matches!(resume(&odd, &snapshot), Err(SyncFault::WarmCopy { .. })), "byte {at}");
    }
    let other = vouched(&chain[1].tip, &chain[1].words, folder.path()).snapshot;
    assert!(matches!(resume(&state, &other), Err(SyncFault::WarmCopy { .. })));
}

#[test]
fn r22_a_fork_outlives_a_restart() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let path = folder.path().join("warm");
    let mut engine = engine();
    engine.apply(&chain[..2]);
    engine.set(&twin(&chain)).unwrap();
    let info = hufu_table::write_snapshot(&engine.table.reader(), ISSUER, &path).unwrap();
    let state = engine.follower.warm().seal(&info).unwrap();
    let (table, snapshot) = (table(), Snapshot::open(&path).unwrap());
    let follower =
        Follower::resume(table.writer(ISSUER).unwrap(), authorities(), &state, &snapshot, later()).unwrap();
    let mut restarted = Engine { table, follower };
    assert_eq!(restarted.set(&chain[2]).unwrap(), SetAnswer::Fork { at: Sequence(2) });
}

#[test]
fn r22_what_a_checkpoint_settled_stays_settled_over_a_restart() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let path = folder.path().join("warm");
    let mut engine = engine();
    engine.apply(&chain[..2]);
    let checkpoint = vouched(&chain[1].tip, &chain[1].words, folder.path()).bytes;
    engine.follower.checkpoint(&checkpoint, keyring(), later()).unwrap();
    let info = hufu_table::write_snapshot(&engine.table.reader(), ISSUER, &path).unwrap();
    let state = engine.follower.warm().seal(&info).unwrap();
    let (table, snapshot) = (table(), Snapshot::open(&path).unwrap());
    let follower =
        Follower::resume(table.writer(ISSUER).unwrap(), authorities(), &state, &snapshot, later()).unwrap();
    let mut restarted = Engine { table, follower };
    assert_eq!(restarted.set(&twin(&chain)).unwrap(), SetAnswer::Behind);
    restarted.apply(&chain[2..]);
}

#[test]
fn r22_a_refused_warm_copy_leaves_a_follower_that_can_begin() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let path = folder.path().join("warm");
    let mut engine = engine();
    engine.apply(&chain[..2]);
    let info = hufu_table::write_snapshot(&engine.table.reader(), ISSUER, &path).unwrap();
    let state = engine.follower.warm().seal(&info).unwrap();
    let (warm, digest) = WarmCopy::open(&state, ISSUER).unwrap();
    assert_eq!((warm, digest), (engine.follower.warm(), info.digest));
    assert!(WarmCopy::open(&state, NATIONAL).is_err(), "of another issuer");

    let snapshot = Snapshot::open(&path).unwrap();
    let mut begun = common::engine();
    let mut damaged = state;
    damaged[100] ^= 1;
    assert!(begun.follower.restore(&damaged, &snapshot, later()).is_err());
    begun.apply(&chain[..1]);
    let fault = begun.follower.restore(&state, &snapshot, later()).unwrap_err();
    assert!(fault.to_string().contains("further on"), "{fault}");
    begun.apply(&chain[1..]);
}

#[test]
fn a_warm_copy_is_of_a_moment_whatever_heads_came() {
    let chain = chain();
    let mut engine = engine();
    engine.apply(&chain[..1]);
    let warm = engine.follower.warm();
    let time = after(&chain[0].tip, 10);
    engine.head(&chain[0].tip, time, time).unwrap();
    assert!(engine.follower.warm() != warm && engine.follower.warm().is_at(&warm));
    engine.apply(&chain[1..2]);
    assert!(!engine.follower.warm().is_at(&warm));
}

#[test]
fn r24_a_clock_that_was_set_back_makes_nothing_look_fresh() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let path = folder.path().join("warm");
    let mut engine = engine();
    engine.apply(&chain[..1]);
    let time = after(&chain[0].tip, 10);
    engine.head(&chain[0].tip, time, time).unwrap();
    let info = hufu_table::write_snapshot(&engine.table.reader(), ISSUER, &path).unwrap();
    let state = engine.follower.warm().seal(&info).unwrap();
    let hour_before = UnixMillis(time.0 - 3_600_000);

    // Restarted by such a clock: how old the words are is not known, until a head agrees.
    let (table, snapshot) = (table(), Snapshot::open(&path).unwrap());
    let writer = table.writer(ISSUER).unwrap();
    let follower = Follower::resume(writer, authorities(), &state, &snapshot, hour_before).unwrap();
    let mut restarted = Engine { table, follower };
    assert_eq!((restarted.heard(), restarted.follower.heard()), (None, None));
    restarted.head(&chain[0].tip, time, later()).unwrap();
    assert_eq!(restarted.heard(), Some(time));

    // While it runs: what was heard stays what it is, whatever is loaded.
    let ahead = vouched(&chain[2].tip, &chain[2].words, folder.path());
    let answer = engine.follower.checkpoint(&ahead.bytes, keyring(), later()).unwrap();
    let CheckpointAnswer::Load(checkpoint) = answer else { panic!("it is ahead") };
    engine.follower.load(&checkpoint, &ahead.snapshot, hour_before).unwrap();
    assert_eq!((engine.sequence(), engine.heard()), (Sequence(3), Some(time)));
}

#[test]
fn r22_a_warm_copy_goes_with_its_own_snapshot_and_no_other_of_its_sequence() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let write = |engine: &Engine, name: &str| {
        let path = folder.path().join(name);
        let info = hufu_table::write_snapshot(&engine.table.reader(), ISSUER, &path).unwrap();
        (info, Snapshot::open(&path).unwrap())
    };
    let mut engine = engine();
    engine.apply(&chain[..2]);
    let (info, own) = write(&engine, "own");
    let state = engine.follower.warm().seal(&info).unwrap();

    // The same sequence of another history: holder 1 is still green there.
    let mut other = common::engine();
    other.apply(&chain[..1]);
    assert!(matches!(other.set(&twin(&chain)), Ok(SetAnswer::Applied { .. })));
    let (_, swapped) = write(&other, "swapped");
    assert_eq!(swapped.info().sequence, info.sequence);
    let mut begun = common::engine();
    let fault = begun.follower.restore(&state, &swapped, later()).unwrap_err();
    assert!(fault.to_string().contains("another one"), "{fault}");
    assert_eq!((begun.sequence(), begun.word(1)), (Sequence(0), StatusWord::UNKNOWN), "nothing was loaded");
    // A state that names its own snapshot at another sequence. Its seal is right: it has no key.
    let mut moved = state;
    moved[48..56].copy_from_slice(&3_u64.to_le_bytes());
    let seal = Sha256::digest(&moved[32..]);
    moved[..32].copy_from_slice(&seal);
    let fault = begun.follower.restore(&moved, &own, later()).unwrap_err();
    assert!(fault.to_string().contains("another one"), "{fault}");
    begun.follower.restore(&state, &own, later()).unwrap();
    assert_eq!((begun.sequence(), begun.word(1)), (Sequence(2), RED));

    // A state is sealed for a snapshot of its own issuer and sequence only.
    assert_eq!(engine.follower.warm().seal(&hufu_table::SnapshotInfo { issuer: NATIONAL, ..info }), None);
    let earlier = hufu_table::SnapshotInfo { sequence: Sequence(1), ..info };
    assert_eq!(engine.follower.warm().seal(&earlier), None);
}
