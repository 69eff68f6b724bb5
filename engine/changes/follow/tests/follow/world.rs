//! An engine with one issuer, on a folder.

use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hufu_codes::chain::Tip;
use hufu_follow::{FollowStatus, Following, Keys, Options, Timings};
use hufu_sync::{Feed, Snapshots};
use hufu_table::{Reader, Table};
use hufu_wire::chain::Change;
use hufu_wire::{Colour, HolderIndex, Sequence, StatusWord, UnixMillis};

use crate::chain::{ISSUER, Link, Words, authorities, keyring, next, table};

pub const GREEN: StatusWord = StatusWord::new(Colour::Green, 0);
pub const RED: StatusWord = StatusWord::new(Colour::Red, 0);

/// Times so short that a test is done soon.
pub const QUICK: Timings = Timings {
    silent_ms: 300,
    hung_ms: 150,
    stale_ms: 1_000,
    answer_ms: 300,
    fetch_ms: 2_000,
    ask_ms_min: 50,
    backoff_ms_min: 20,
    backoff_ms_max: 200,
    warm_every_s: 3_600,
    disk_again_ms: 100,
    stop_ms: 5_000,
    gap_sets_max: 1_000,
};

pub fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    UnixMillis(u64::try_from(since.as_millis()).expect("before the year 500 million"))
}

/// `count` sets after one another. Holder `n` turns red with set `n`, holder 0 green and red by turns.
pub fn grown(count: u64) -> Vec<Link> {
    grown_after(&Tip::START, &Words::new(), count)
}

pub fn grown_after(tip: &Tip, words: &Words, count: u64) -> Vec<Link> {
    let (mut tip, mut words, mut links) = (*tip, words.clone(), Vec::new());
    for _ in 0..count {
        let sequence = u32::try_from(tip.sequence.0 + 1).expect("few");
        let turn = if sequence.is_multiple_of(2) { GREEN } else { RED };
        let changes = [(0, Change::Status(turn)), (sequence, Change::Status(RED))];
        let link = next(&tip, &words, &changes);
        (tip, words) = (link.tip, link.words.clone());
        links.push(link);
    }
    links
}

/// An engine as far as these tests need one.
pub struct Engine {
    pub table: Table,
    pub following: Following,
}

pub fn keys() -> Keys {
    Keys::new(Arc::new(keyring().clone()))
}

pub fn start(folder: &Path, feed: Box<dyn Feed>, snapshots: Arc<dyn Snapshots>, timings: Timings) -> Engine {
    start_with(folder, feed, snapshots, timings, keys())
}

pub fn start_with(
    folder: &Path,
    feed: Box<dyn Feed>,
    snapshots: Arc<dyn Snapshots>,
    timings: Timings,
    keys: Keys,
) -> Engine {
    let table = table();
    let following = Following::start(Options {
        writer: table.writer(ISSUER).expect("free"),
        authorities: authorities(),
        feed,
        snapshots,
        folder: folder.to_owned(),
        keys,
        timings,
    });
    Engine { table, following: following.expect("a good folder") }
}

impl Engine {
    pub fn reader(&self) -> Reader {
        self.table.reader()
    }

    pub fn sequence(&self) -> Sequence {
        let reader = self.reader();
        reader.as_of(reader.slot(ISSUER).expect("followed")).sequence
    }

    pub fn word(&self, holder: u32) -> StatusWord {
        let reader = self.reader();
        reader.lookup(reader.slot(ISSUER).expect("followed"), HolderIndex(holder))
    }

    /// Waits until the status is as wanted.
    #[track_caller]
    pub fn until(&self, what: &str, wanted: impl Fn(&FollowStatus) -> bool) -> Arc<FollowStatus> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let status = self.following.status();
            if wanted(&status) {
                return status;
            }
            assert!(Instant::now() < end, "{what} does not come: {status:#?}");
            sleep(Duration::from_millis(2));
        }
    }

    #[track_caller]
    pub fn until_at(&self, sequence: u64) -> Arc<FollowStatus> {
        self.until(&format!("sequence {sequence}"), |status| status.tip.sequence == Sequence(sequence))
    }

    /// Every word is the oracle's.
    #[track_caller]
    pub fn is_at(&self, link: &Link) {
        assert_eq!(self.sequence(), link.tip.sequence);
        assert_eq!(self.following.status().tip.digest, link.tip.digest);
        for (holder, word) in &link.words {
            assert_eq!(self.word(*holder), *word, "holder {holder} at {}", link.tip.sequence);
        }
    }
}
