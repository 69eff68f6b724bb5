//! Checkpoints and their snapshots: when they are loaded, and when not.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hufu_follow::Timings;
use hufu_wire::Sequence;
use tempfile::tempdir;

use crate::chain::vouched;
use crate::restarts::copied;
use crate::source::{Manner, Source, Store};
use crate::world::{QUICK, grown, start};

/// Nothing half fetched or half written.
#[track_caller]
pub fn is_tidy(folder: &Path) {
    let names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.iter().all(|name| !name.contains("partial")), "{names:?}");
    assert_eq!(fs::read_dir(folder.join("incoming")).map_or(0, Iterator::count), 0);
    assert!(names.iter().filter(|name| name.ends_with(".snapshot")).count() <= 1, "{names:?}");
}

#[test]
fn r22_a_checkpoint_leads_over_sets_that_a_feed_no_longer_has() {
    let (links, folder, files) = (grown(8), tempdir().unwrap(), tempdir().unwrap());
    let (source, store) = (Source::with(&links), Store::default());
    source.trims(5);
    let engine = start(folder.path(), source.feed(), Arc::new(store.clone()), QUICK);
    let begun = Instant::now();
    engine.until("five questions for a checkpoint", |_| source.asked() >= 5);
    // Twice as long each time, from a fiftieth of a second on, give or take a quarter.
    assert!(begun.elapsed() > Duration::from_millis(150), "later each time: {:?}", begun.elapsed());
    assert_eq!(engine.sequence(), Sequence(0));

    // One is of use even if the sets after it are gone too: its words are later.
    for (at, damaged) in [(3, 3), (5, 0)] {
        let checkpoint = vouched(&links[at].tip, &links[at].words, files.path());
        store.put(&checkpoint, files.path());
        store.damages(damaged);
        source.vouches(&checkpoint);
        engine.until("its words", |status| status.tip.sequence >= links[at].tip.sequence);
    }
    let status = engine.until_at(8);
    engine.is_at(&links[7]);
    assert_eq!((status.counters.snapshots_loaded, status.tally.snapshots_failed), (2, 3));
    assert_eq!(store.fetches(), 5);
    engine.until("the snapshot as warm copy", |status| status.tally.warm_copies >= 2);
    let before = engine.following.status();
    let heads = before.counters.heads_current + 10;
    let after = engine.until("more heads", |status| status.counters.heads_current >= heads);
    let (wakes, heads) = (
        after.tally.wakes - before.tally.wakes,
        after.counters.heads_current - before.counters.heads_current,
    );
    assert!(wakes <= 2 * heads + 5, "it does not rest: {wakes} for {heads} heads");
    // Killed now, it begins with the snapshot and the sets after it.
    let killed = copied(folder.path());
    source.is(Manner::Silent);
    let again = start(killed.path(), source.feed(), Arc::new(store), QUICK);
    again.is_at(&links[7]);
    assert_eq!(again.following.status().tally.tail_sets, 2);
    assert!(engine.following.stop());
    is_tidy(folder.path());
}

#[test]
fn r22_where_a_snapshot_cannot_be_had_a_newer_checkpoint_is_asked_for() {
    let (links, folder, files) = (grown(8), tempdir().unwrap(), tempdir().unwrap());
    let (source, store) = (Source::with(&links), Store::default());
    source.trims(5);
    source.vouches(&vouched(&links[5].tip, &links[5].words, files.path()));
    let engine = start(folder.path(), source.feed(), Arc::new(store.clone()), QUICK);
    engine.until("fetches in vain", |status| status.tally.snapshots_failed >= 3);
    let newer = vouched(&links[6].tip, &links[6].words, files.path());
    store.put(&newer, files.path());
    source.vouches(&newer);
    engine.until_at(8);
    engine.is_at(&links[7]);
}

/// A set that is never believed, under a revoked key for example, with later ones behind it that are.
#[test]
fn r22_a_checkpoint_leads_over_a_set_that_never_comes() {
    let (links, folder, files) = (grown(8), tempdir().unwrap(), tempdir().unwrap());
    let (source, store) = (Source::with(&links), Store::default());
    source.is(Manner::Without(Sequence(3)));
    let checkpoint = vouched(&links[5].tip, &links[5].words, files.path());
    store.put(&checkpoint, files.path());
    source.vouches(&checkpoint);
    let engine = start(folder.path(), source.feed(), Arc::new(store), QUICK);
    let status = engine.until_at(8);
    engine.is_at(&links[7]);
    assert_eq!(status.counters.snapshots_loaded, 1);
}

#[test]
fn sets_that_are_few_are_followed_and_many_are_not() {
    for (gap_sets_max, loads) in [(100, 0), (6, 1)] {
        let (links, folder, files) = (grown(8), tempdir().unwrap(), tempdir().unwrap());
        let (source, store) = (Source::with(&links), Store::default());
        let checkpoint = vouched(&links[6].tip, &links[6].words, files.path());
        store.put(&checkpoint, files.path());
        source.vouches(&checkpoint);
        // Sets that come too slowly to make the choice needless.
        source.is(Manner::Hung);
        let timings = Timings { gap_sets_max, hung_ms: 60_000, ..QUICK };
        let engine = start(folder.path(), source.feed(), Arc::new(store.clone()), timings);
        // Whoever would load it has done so when the tenth head comes.
        engine.until("the gap", |status| status.counters.heads_beyond_gap >= 10 || store.fetches() > 0);
        source.is(Manner::Honest);
        let status = engine.until_at(8);
        engine.is_at(&links[7]);
        assert_eq!((status.counters.snapshots_loaded, store.fetches()), (loads, loads), "{gap_sets_max}");
    }
}

#[test]
fn r22_killed_while_it_loads_a_snapshot_it_has_it_again() {
    let (links, folder, files) = (grown(4), tempdir().unwrap(), tempdir().unwrap());
    let checkpoint = vouched(&links[2].tip, &links[2].words, files.path());
    let digest = checkpoint.snapshot.info().digest;
    let name = format!("{}-{}.snapshot", links[2].tip.sequence, links[2].tip.digest);
    // What is there between naming the snapshot and sealing it.
    fs::write(folder.path().join("loading.checkpoint"), &checkpoint.bytes).unwrap();
    fs::copy(files.path().join(name), folder.path().join(format!("{digest}.snapshot"))).unwrap();
    let source = Source::with(&links);
    source.is(Manner::Silent);
    let engine = start(folder.path(), source.feed(), Arc::new(Store::default()), QUICK);
    engine.is_at(&links[2]);
    source.is(Manner::Honest);
    engine.until_at(4);
    assert!(engine.following.stop());
    is_tidy(folder.path());
    assert!(!folder.path().join("loading.checkpoint").exists());
}

#[test]
fn r22_a_snapshot_that_is_refused_makes_nobody_forget_the_one_before() {
    let (links, folder, files) = (grown(8), tempdir().unwrap(), tempdir().unwrap());
    // A disk that takes no warm copy: a folder that has its name cannot be replaced by a file.
    fs::create_dir(folder.path().join("warm.state")).unwrap();
    let (source, store) = (Source::with(&links[..6]), Store::default());
    source.trims(5);
    let loaded = vouched(&links[5].tip, &links[5].words, files.path());
    store.put(&loaded, files.path());
    source.vouches(&loaded);
    let engine = start(folder.path(), source.feed(), Arc::new(store.clone()), QUICK);
    engine.until_at(6);
    engine.until("disk faults", |status| status.tally.disk_faults >= 2);
    let damaged = vouched(&links[7].tip, &links[7].words, files.path());
    store.put(&damaged, files.path());
    store.damages(u32::MAX);
    source.goes_on(&links);
    source.trims(8);
    source.vouches(&damaged);
    engine.until("a refusal", |status| status.counters.snapshots_refused >= 1);
    assert_eq!(engine.sequence(), Sequence(6));

    let killed = copied(folder.path());
    source.is(Manner::Silent);
    start(killed.path(), source.feed(), Arc::new(store), QUICK).is_at(&links[5]);
}
