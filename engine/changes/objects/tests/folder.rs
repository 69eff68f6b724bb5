//! Snapshots in a folder.

mod common;

use std::fs;
use std::time::{Duration, SystemTime};

use common::{FEW, MANY, folder, names, snapshot};
use hufu_objects::{Objects, Published};
use hufu_sync::{FeedFault, Snapshots};
use hufu_table::SnapshotDigest;

#[tokio::test]
async fn what_was_published_is_fetched_as_it_was() {
    let (made, shelf, engine) = (folder(), folder(), folder());
    let objects = Objects::folder(shelf.path()).unwrap();
    for holders in [FEW, MANY] {
        let (path, digest) = snapshot(made.path(), holders, holders);
        assert_eq!(objects.publish(&path, digest).await.unwrap(), Published::Stored);
        assert_eq!(objects.publish(&path, digest).await.unwrap(), Published::Known);

        let fetched = engine.path().join("fetched");
        objects.fetch(digest, &fetched).await.unwrap();
        assert!(fs::read(&fetched).unwrap() == fs::read(&path).unwrap(), "{holders}");
        assert_eq!(names(engine.path()), ["fetched"]);
    }
    let all = objects.list().await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(names(shelf.path()).len(), 2, "no part is left behind");
}

#[tokio::test]
async fn a_name_once_taken_keeps_its_content() {
    for holders in [FEW, MANY] {
        let (made, shelf) = (folder(), folder());
        let objects = Objects::folder(shelf.path()).unwrap();
        let (path, digest) = snapshot(made.path(), 1, holders);
        let taken = shelf.path().join(format!("{digest}.snapshot"));
        // One that differs in a word only: of the same length, and with the same word for its digest.
        let mut other = fs::read(&path).unwrap();
        other[64] ^= 1;
        fs::write(&taken, &other).unwrap();

        let fault = objects.publish(&path, digest).await.unwrap_err();
        assert!(
            matches!(&fault, FeedFault::Garbled { what, .. } if what.contains("another file")),
            "{fault}"
        );
        assert!(fs::read(&taken).unwrap() == other);
        assert_eq!(names(shelf.path()).len(), 1, "no part is left behind");
    }
}

#[tokio::test]
async fn only_the_snapshot_of_that_digest_is_published() {
    let (made, shelf) = (folder(), folder());
    let objects = Objects::folder(shelf.path()).unwrap();
    let (path, _) = snapshot(made.path(), 1, FEW);
    let fault = objects.publish(&path, SnapshotDigest([7; 32])).await.unwrap_err();
    assert!(matches!(&fault, FeedFault::Disk { what, .. } if what.contains("and not 0707")), "{fault}");
    fs::write(&path, b"something else").unwrap();
    let fault = objects.publish(&path, SnapshotDigest([7; 32])).await.unwrap_err();
    assert!(matches!(&fault, FeedFault::Disk { what, .. } if what.contains("1-1000")), "{fault}");
    assert!(names(shelf.path()).is_empty());
}

#[tokio::test]
async fn what_cannot_be_fetched_leaves_nothing_behind() {
    let (made, shelf, engine) = (folder(), folder(), folder());
    let objects = Objects::folder(shelf.path()).unwrap();
    let (path, digest) = snapshot(made.path(), 1, FEW);
    let fetched = engine.path().join("fetched");
    let fault = objects.fetch(digest, &fetched).await.unwrap_err();
    assert!(matches!(fault, FeedFault::Refused { .. }), "{fault}");

    objects.publish(&path, digest).await.unwrap();
    let fault = objects.clone().with_bytes_max(1000).fetch(digest, &fetched).await.unwrap_err();
    assert!(matches!(&fault, FeedFault::Garbled { what, .. } if what.contains("1000 bytes")), "{fault}");
    assert!(names(engine.path()).is_empty());

    let fault = objects.fetch(digest, &engine.path().join("no/such/folder")).await.unwrap_err();
    assert!(matches!(&fault, FeedFault::Disk { what, .. } if what.contains("no/such/folder")), "{fault}");
}

#[tokio::test]
async fn pruning_keeps_what_it_is_told_and_what_is_new() {
    let (made, shelf) = (folder(), folder());
    let objects = Objects::folder(shelf.path()).unwrap();
    let mut digests = Vec::new();
    for sequence in 1..=3 {
        let (path, digest) = snapshot(made.path(), sequence, FEW);
        objects.publish(&path, digest).await.unwrap();
        digests.push(digest);
    }
    let partial = format!("{}.snapshot.0123456789abcdef.partial", digests[0]);
    for name in [partial.as_str(), "README", "0123.snapshot"] {
        fs::write(shelf.path().join(name), b"").unwrap();
    }

    let now = SystemTime::now();
    assert_eq!(objects.prune(&[], now - Duration::from_secs(3600)).await.unwrap(), []);
    let later = now + Duration::from_secs(3600);
    let mut gone: Vec<_> =
        objects.prune(&digests[1..2], later).await.unwrap().iter().map(|one| one.snapshot).collect();
    gone.sort_by_key(|digest| digest.0);
    let mut expected = vec![digests[0], digests[2]];
    expected.sort_by_key(|digest| digest.0);
    assert_eq!(gone, expected);
    let mut left = vec![format!("{}.snapshot", digests[1]), "README".to_owned(), "0123.snapshot".to_owned()];
    left.sort();
    assert_eq!(names(shelf.path()), left);
}

#[tokio::test]
async fn a_file_keeps_its_name_and_its_content() {
    let (made, shelf) = (folder(), folder());
    common::files_keep_their_content(&Objects::folder(shelf.path()).unwrap(), made.path()).await;
    assert_eq!(names(shelf.path()), ["days", "large"]);
}

#[test]
fn a_folder_that_is_not_there_is_told_at_once() {
    let fault = Objects::folder("/no/such/folder").unwrap_err();
    assert!(fault.to_string().contains("/no/such/folder"), "{fault}");
    assert!(fault.what.contains("mount"), "{fault}");
}
