//! What a follower does with heads (R22, R24).

use hufu_codes::chain::Tip;
use hufu_sync::{HeadAnswer, Wanted};
use hufu_wire::chain::ChainDigest;
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{Sequence, UnixMillis};

use crate::common::*;
use crate::*;

#[test]
fn r24_a_head_tells_the_age_and_never_goes_back() {
    let chain = chain();
    let mut engine = engine();
    engine.apply(&chain[..1]);
    assert_eq!(engine.heard(), None, "a set is no head");
    let tip = chain[0].tip;
    let (time, now) = (after(&tip, 1000), after(&tip, 1250));
    assert_eq!(engine.head(&tip, time, now).unwrap(), HeadAnswer::Current { age_ms: 250 });
    assert_eq!(engine.heard(), Some(time));
    assert_eq!(engine.head(&tip, time, after(&tip, 9000)).unwrap(), HeadAnswer::Late, "repeated");
    assert_eq!(engine.head(&tip, after(&tip, 500), now).unwrap(), HeadAnswer::Late, "reordered");
    assert_eq!(engine.heard(), Some(time), "nothing looks younger by it");

    let skewed = after(&tip, 1250 + CHAIN_SKEW_MS_MAX);
    let fault = engine.head(&tip, UnixMillis(skewed.0 + 1), now).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "issuer 110000, head 1: dated 2001 ms after this machine's clock; compare this clock with the registry's and the authorities' \
         (docs/OPERATIONS.md, Clocks)",
        "a head of the future"
    );
    assert_eq!(engine.heard(), Some(time));
    assert_eq!(engine.head(&tip, skewed, now).unwrap(), HeadAnswer::Current { age_ms: 0 });
    assert_eq!(engine.heard(), Some(now), "no younger than now");
    assert_eq!(engine.follower.heard(), engine.heard(), "the follower and its table");
}

/// Two heads of one time are cut to the clock of each moment.
#[test]
fn r24_a_clock_set_back_by_less_than_clocks_differ_makes_nothing_older() {
    let chain = chain();
    let mut engine = engine();
    engine.apply(&chain[..1]);
    let heard = after(&chain[1].tip, 10_000);
    engine.head(&chain[0].tip, heard, heard).unwrap();
    engine.apply(&chain[1..2]);
    let (time, back) = (UnixMillis(heard.0 + 1), UnixMillis(heard.0 - CHAIN_SKEW_MS_MAX / 2));
    engine.head(&chain[1].tip, time, back).unwrap();
    assert_eq!(engine.heard(), Some(heard));
}

#[test]
fn each_kind_of_head_is_counted_apart() {
    let chain = chain();
    let mut engine = engine();
    engine.apply(&chain[..2]);
    let [first, held, ahead] = [chain[0].tip, chain[1].tip, chain[2].tip];
    let lie = Tip { digest: ChainDigest([9; 32]), ..held };
    let now = |ms| after(&held, 5000 + ms);
    // One current, two late, three rolled back, four forked, five beyond a gap, six refused.
    let heads = [(held, 1), (held, 2), (first, 3), (lie, 4), (ahead, 5)];
    let mut ms = 0;
    for (tip, times) in heads {
        for _ in 0..times {
            // Only what is late has the time of the one before it.
            ms += u64::from(times != 2);
            engine.head(&tip, now(ms), now(ms)).unwrap();
        }
    }
    for _ in 0..6 {
        engine.head(&held, UnixMillis(now(0).0 + 2 * CHAIN_SKEW_MS_MAX), now(0)).unwrap_err();
    }
    let counted = engine.follower.counters();
    assert_eq!(
        [
            counted.heads_current,
            counted.heads_late,
            counted.heads_rolled_back,
            counted.heads_forked,
            counted.heads_beyond_gap,
            counted.heads_refused
        ],
        [1, 2, 3, 4, 5, 6]
    );
}

#[test]
fn r24_a_head_that_comes_before_its_set_counts_when_the_set_is_here() {
    let chain = chain();
    let mut engine = engine();
    engine.apply(&chain[..1]);
    let tip = chain[1].tip;
    let gap = HeadAnswer::Gap { from: Sequence(2), to: Sequence(2) };
    assert_eq!(engine.head(&tip, after(&tip, 10), after(&tip, 20)).unwrap(), gap);
    assert_eq!(
        (engine.heard(), engine.follower.wants()),
        (None, Wanted::Sets { from: Sequence(2), to: Sequence(2) })
    );
    engine.apply(&chain[1..2]);
    assert_eq!((engine.heard(), engine.follower.wants()), (Some(after(&tip, 10)), Wanted::Nothing));
}

#[test]
fn r22_a_publisher_that_lost_sets_is_told_and_believed_in_nothing() {
    let chain = chain();
    let mut engine = engine();
    engine.apply(&chain);
    let tip = chain[2].tip;
    let crossed = after(&tip, CHAIN_SKEW_MS_MAX);
    assert_eq!(engine.head(&chain[1].tip, crossed, crossed).unwrap(), HeadAnswer::Late);
    let lost = after(&tip, CHAIN_SKEW_MS_MAX + 1);
    let rollback = HeadAnswer::Rollback { held: Sequence(3), offered: Sequence(2) };
    assert_eq!(engine.head(&chain[1].tip, lost, lost).unwrap(), rollback);
    assert_eq!((engine.heard(), engine.word(1)), (None, RED.with_generation(1)));
}

#[test]
fn r21_a_publisher_alone_stops_nothing() {
    let chain = chain();
    let mut engine = engine();
    engine.apply(&chain[..1]);
    let lie = Tip { digest: ChainDigest([9; 32]), ..chain[0].tip };
    let now = after(&chain[0].tip, 100);
    assert_eq!(engine.head(&lie, now, now).unwrap(), HeadAnswer::Fork { at: Sequence(1) });
    assert_eq!(engine.follower.wants(), Wanted::Checkpoint { from: Sequence(1) });
    let ahead = Tip { digest: ChainDigest([9; 32]), ..chain[1].tip };
    let now = after(&chain[1].tip, 100);
    engine.head(&ahead, now, now).unwrap();
    engine.apply(&chain[1..]);
    let now = after(&chain[2].tip, 200);
    assert_eq!(engine.head(&chain[2].tip, now, now).unwrap(), HeadAnswer::Current { age_ms: 0 });
    assert_eq!(
        (engine.heard(), engine.follower.wants()),
        (Some(now), Wanted::Nothing),
        "the truth clears it"
    );
}
