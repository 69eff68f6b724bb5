//! Clocks that were wrong while sets were signed.

use std::sync::Arc;

use hufu_wire::UnixMillis;
use hufu_wire::chain::{Change, Proposed};
use tempfile::tempdir;

use crate::chain::{Draft, Link, sign};
use crate::source::{Source, Store};
use crate::world::{QUICK, RED, grown, now, start};

const HOUR: u64 = 3_600_000;

fn signed(before: &Link, era: u8, at: u64, holder: u32) -> Link {
    let (at, changes) = (UnixMillis(at), [(holder, Change::Status(RED))]);
    sign(
        &before.tip,
        &before.words,
        &Draft { changes: &changes, proposed: Proposed::new(era, at), confirmed: at },
    )
}

/// Without a checkpoint: the sets are followed once both authorities have said that their time was wrong.
#[test]
fn r21_an_engine_follows_over_sets_of_a_clock_that_was_ahead_after_a_reset() {
    for leap in [8 * HOUR, 200 * 24 * HOUR] {
        let (links, folder) = (grown(2), tempdir().unwrap());
        let ahead = signed(&links[1], 0, now().0 + leap, 3);
        let source = Source::with(&links);
        source.push(&ahead);
        let engine = start(folder.path(), source.feed(), Arc::new(Store::default()), QUICK);
        engine.until("a refusal", |status| status.counters.sets_refused >= 1);
        engine.is_at(&links[1]);
        let reset = signed(&ahead, 1, now().0, 4);
        source.push(&reset);
        let status = engine.until_at(4);
        engine.is_at(&reset);
        assert_eq!((engine.word(3), status.counters.snapshots_loaded), (RED, 0));
        engine.until("a head that agrees", |status| status.heard.is_some());
        // A restart reads the tail, with the sets that are dated ahead.
        assert!(engine.following.stop());
        let again = start(folder.path(), source.feed(), Arc::new(Store::default()), QUICK);
        again.is_at(&reset);
    }
}
