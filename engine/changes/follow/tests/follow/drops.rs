//! Folders that people fill.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use hufu_codes::chain::Tip;
use hufu_follow::{Bundle, FileDrop, FollowStatus};
use hufu_sync::{FeedFault, Snapshots as _};
use hufu_wire::Sequence;
use tempfile::{TempDir, tempdir};

use crate::chain::vouched;
use crate::source::head_now;
use crate::world::{Engine, QUICK, grown, start};

fn follow(drop: &Path) -> (TempDir, Engine) {
    let folder = tempdir().unwrap();
    let engine = start(folder.path(), Box::new(FileDrop::new(drop)), Arc::new(FileDrop::new(drop)), QUICK);
    (folder, engine)
}

fn quiet(status: &FollowStatus) -> bool {
    status.is_connected && status.tally.trips_silent == 0
}

#[test]
fn what_is_put_there_is_followed() {
    let (links, drop) = (grown(5), tempdir().unwrap());
    let (_folder, engine) = follow(&drop.path().join("not-yet"));
    engine.until("a fault", |status| status.tally.feed_faults > 0);
    let bundle = Bundle::open(drop.path().join("not-yet")).unwrap();
    for link in &links[..3] {
        assert_eq!(bundle.set(&link.bytes).unwrap(), link.tip.sequence);
    }
    bundle.head(&head_now(&links[2].tip)).unwrap();
    engine.until("three sets and a head", |status| {
        status.tip.sequence == Sequence(3) && status.heard.is_some()
    });
    assert!(quiet(&engine.following.status()), "silence is no fault here");
    for link in &links[3..] {
        bundle.set(&link.bytes).unwrap();
    }
    engine.until_at(5);
    engine.is_at(&links[4]);
    assert_eq!(fs::read_dir(drop.path().join("not-yet")).unwrap().count(), 6, "nothing is removed");
    assert!(bundle.set(b"no set").is_err() && bundle.head(&links[0].bytes).is_err());
}

#[test]
fn files_in_any_order_and_with_a_hole_are_looked_at_again() {
    let (links, drop) = (grown(3), tempdir().unwrap());
    let (_folder, engine) = follow(drop.path());
    let path = |sequence: u64| drop.path().join(format!("{sequence:020}.set"));
    fs::write(path(3), &links[2].bytes).unwrap();
    fs::create_dir(path(4)).unwrap();
    fs::write(drop.path().join("2.set"), b"another name").unwrap();
    fs::write(path(1), &links[0].bytes).unwrap();
    let mut holes = links[1].bytes.clone();
    let end = holes.len() - 64;
    holes[end..].fill(0);
    fs::write(path(2), &holes).unwrap();
    let status = engine.until("a refusal", |status| status.counters.sets_refused >= 1);
    assert_eq!(status.tip.sequence, Sequence(1), "only its signature is not there yet");
    fs::write(path(2), &links[1].bytes).unwrap();
    engine.until_at(3);
    engine.is_at(&links[2]);
}

#[test]
fn a_set_that_is_written_again_holds_nothing_up() {
    let (links, drop) = (grown(6), tempdir().unwrap());
    let (_folder, engine) = follow(drop.path());
    let bundle = Bundle::open(drop.path()).unwrap();
    for link in &links[..4] {
        bundle.set(&link.bytes).unwrap();
    }
    engine.until_at(4);
    bundle.set(&links[1].bytes).unwrap();
    engine.until("the repetition", |status| status.counters.sets_behind == 1);
    // No head says that there is more.
    for link in &links[4..] {
        bundle.set(&link.bytes).unwrap();
    }
    engine.until_at(6);
    engine.is_at(&links[5]);
    assert_eq!(engine.following.status().tally.subscriptions, 1);
}

#[test]
fn r22_a_checkpoint_leads_over_sets_that_were_never_carried() {
    let (links, drop, files) = (grown(8), tempdir().unwrap(), tempdir().unwrap());
    let bundle = Bundle::open(drop.path()).unwrap();
    let checkpoint = vouched(&links[5].tip, &links[5].words, files.path());
    let name = format!("{}-{}.snapshot", links[5].tip.sequence, links[5].tip.digest);
    assert_eq!(bundle.snapshot(&files.path().join(name)).unwrap(), checkpoint.snapshot.info().digest);
    bundle.checkpoint(&checkpoint.bytes).unwrap();
    let (_folder, engine) = follow(drop.path());
    engine.until_at(6);
    for link in &links[6..] {
        bundle.set(&link.bytes).unwrap();
    }
    let status = engine.until_at(8);
    engine.is_at(&links[7]);
    assert_eq!(status.counters.snapshots_loaded, 1);
}

#[test]
fn only_the_snapshot_that_is_wanted_is_copied_and_only_its_owner_reads_it() {
    let (links, drop, home) = (grown(2), tempdir().unwrap(), tempdir().unwrap());
    let wanted = vouched(&links[1].tip, &links[1].words, home.path());
    let other = vouched(&links[0].tip, &links[0].words, home.path());
    let digest = wanted.snapshot.info().digest;
    let (there, here) = (drop.path().join(format!("{digest}.snapshot")), home.path().join("fetched"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let fetch = || runtime.block_on(FileDrop::new(drop.path()).fetch(digest, &here));
    let file = |tip: &Tip| home.path().join(format!("{}-{}.snapshot", tip.sequence, tip.digest));
    let is_refused = |why: &str| {
        let fault = fetch().unwrap_err();
        assert!(matches!(fault, FeedFault::Unreachable { .. }) && fault.to_string().contains(why), "{fault}");
        assert!(!here.exists());
    };
    is_refused("cannot open it");
    fs::copy(file(&links[0].tip), &there).unwrap();
    is_refused(&format!("is snapshot {}", other.snapshot.info().digest));
    // Larger than it says: it would fill the disk.
    fs::copy(file(&links[1].tip), &there).unwrap();
    let bytes = fs::metadata(&there).unwrap().len();
    fs::File::options().write(true).open(&there).unwrap().set_len(bytes + (64 << 20)).unwrap();
    is_refused("damaged");
    fs::copy(file(&links[1].tip), &there).unwrap();
    fetch().unwrap();
    assert_eq!(fs::read(&here).unwrap(), fs::read(&there).unwrap());
    assert_eq!(fs::metadata(&here).unwrap().permissions().mode() & 0o077, 0);
}
