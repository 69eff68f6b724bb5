//! Feeds that behave, and feeds that do not.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use hufu_codes::chain::{Authorities, Tip};
use hufu_codes::keyring::Keyring;
use hufu_follow::{FollowStatus, Following, Life, Options, Timings};
use hufu_table::{Limits, Table};
use hufu_wire::chain::Change;
use hufu_wire::{IssuerId, Sequence};
use tempfile::tempdir;

use crate::chain::{ISSUER, NATIONAL, PUBLISHER, authorities, next, vouched};
use crate::source::{Manner, Source, Store};
use crate::world::{GREEN, QUICK, RED, grown, keys, now, start, start_with};

/// Follows five sets from a feed with this manner for a while, then from an honest one.
fn check(manner: Manner, timings: Timings, then: impl Fn(&crate::world::Engine, &Source)) {
    let (links, folder) = (grown(5), tempdir().unwrap());
    let source = Source::with(&links);
    source.is(manner);
    let engine = start(folder.path(), source.feed(), Arc::new(Store::default()), timings);
    then(&engine, &source);
    source.is(Manner::Honest);
    let status = engine.until("a head that agrees", |status| status.heard.is_some());
    assert_eq!(status.tip, links[4].tip, "{manner:?}");
    engine.is_at(&links[4]);
    // Quiet again: nothing wakes it but the heads.
    let before = engine.following.status();
    let after = heads_later(&engine, 10);
    let wakes = after.tally.wakes - before.tally.wakes;
    let heads = after.counters.heads_current - before.counters.heads_current;
    assert!(wakes <= 2 * heads + 5, "{wakes} for {heads} heads");
    assert!(engine.following.stop());
}

/// How it is when so many more heads have agreed.
fn heads_later(engine: &crate::world::Engine, heads: u64) -> Arc<FollowStatus> {
    let wanted = engine.following.status().counters.heads_current + heads;
    engine.until("more heads", |status| status.counters.heads_current >= wanted)
}

#[test]
fn r22_an_honest_feed_is_followed() {
    check(Manner::Honest, QUICK, |engine, source| {
        let status =
            engine.until("a head", |status| status.heard.is_some_and(|heard| now().since(heard) < 1000));
        assert!(status.is_connected && status.life == Life::Running);
        assert_eq!((status.counters.sets_applied, source.subscriptions()), (5, 1));
        // Each is a fiftieth of a second after the one before: longer together than silence may last.
        heads_later(engine, 20);
        assert_eq!(source.subscriptions(), 1, "quiet is not silent");
    });
}

#[test]
fn r24_a_silent_feed_is_asked_again() {
    check(Manner::Silent, QUICK, |engine, _| {
        engine.until_at(0);
        let status = engine.until("silence", |status| status.tally.trips_silent >= 3);
        assert!(!status.is_connected && status.heard.is_none());
    });
}

#[test]
fn r24_a_feed_that_does_not_answer_is_asked_again() {
    check(Manner::Deaf, QUICK, |engine, _| {
        let status = engine.until("faults", |status| status.tally.feed_faults >= 2);
        assert!(!status.is_connected);
    });
}

#[test]
fn r22_a_hung_subscription_is_made_anew() {
    check(Manner::Hung, QUICK, |engine, source| {
        engine.until("trips", |status| status.tally.trips_hung >= 3);
        assert!(source.subscriptions() >= 3);
        assert!(source.asked() >= 1, "it may no longer have them");
    });
}

#[test]
fn r22_a_lost_set_is_asked_for_again() {
    check(Manner::Without(Sequence(3)), QUICK, |engine, source| {
        engine.until("to be asked again", |_| source.subscriptions() >= 3);
        assert_eq!(engine.sequence(), Sequence(2));
        assert!(engine.following.status().counters.sets_beyond_gap >= 2);
    });
}

#[test]
fn r22_a_feed_that_breaks_off_is_followed_all_the_same() {
    check(Manner::Breaking, QUICK, |engine, _| {
        let status = engine.until_at(5);
        assert!(status.tally.feed_faults >= 4, "{status:?}");
    });
}

#[test]
fn r21_what_is_altered_is_refused_until_the_genuine_one_comes() {
    check(Manner::Lying, QUICK, |engine, _| {
        let status = engine.until("refusals", |status| status.counters.sets_refused >= 2);
        assert_eq!((status.tip.sequence, engine.sequence()), (Sequence(0), Sequence(0)));
    });
}

#[test]
fn a_feed_that_panics_is_asked_again() {
    check(Manner::Panicking, QUICK, |engine, _| {
        let status = engine.until("a panic", |status| status.tally.panics >= 2);
        assert_eq!(status.life, Life::Running);
    });
}

/// The question for a checkpoint comes first of what a fork makes it do.
#[test]
fn a_feed_that_panics_loses_nothing_else_that_was_to_be_done() {
    let (links, folder) = (grown(3), tempdir().unwrap());
    let stray = next(&links[1].tip, &links[1].words, &[(0, Change::Status(GREEN))]);
    let source = Source::with(&links);
    source.panics_when_asked();
    let engine = start(folder.path(), source.feed(), Arc::new(Store::default()), QUICK);
    engine.until_at(3);
    source.keeps_aside(&stray);
    source.is(Manner::Stray);
    engine.until("the fork", |status| status.is_forked && status.tally.panics >= 2);
    engine.until("a warm copy with the fork", |status| status.tally.warm_copies >= 1);
}

/// How often it is looked at meanwhile the tests of the machine count.
fn bounded(manner: Manner) {
    let timings = Timings { ask_ms_min: 200, backoff_ms_min: 100, backoff_ms_max: 10_000, ..QUICK };
    check(manner, timings, |engine, source| {
        engine.until("a flood", |status| status.tally.trips_flooded >= 1);
        engine.until("to be left", |_| source.left() >= 1);
    });
}

#[test]
fn a_feed_that_repeats_itself_is_left_for_a_while() {
    bounded(Manner::Repeating(Sequence(1)));
}

#[test]
fn a_feed_that_floods_is_left_for_a_while() {
    bounded(Manner::Flooding);
}

#[test]
fn a_feed_of_endless_gaps_is_asked_a_few_times_a_second() {
    bounded(Manner::Beyond(Sequence(4)));
}

#[test]
fn r22_two_histories_stop_it_until_a_checkpoint_above_both() {
    let (links, folder, files) = (grown(3), tempdir().unwrap(), tempdir().unwrap());
    let stray =
        next(&links[1].tip, &links[1].words, &[(0, Change::Status(GREEN)), (3, Change::Status(GREEN))]);
    let (source, store) = (Source::with(&links), Store::default());
    let engine = start(folder.path(), source.feed(), Arc::new(store.clone()), QUICK);
    engine.until_at(3);
    source.keeps_aside(&stray);
    source.is(Manner::Stray);
    let status = engine.until("the fork", |status| status.is_forked);
    assert_eq!((status.tip.sequence, engine.word(3)), (Sequence(3), RED), "red stays red");
    engine.until("a warm copy with the fork", |status| status.tally.warm_copies >= 1);
    let (asked, begun) = (source.asked(), Instant::now());
    engine.until("four questions for a checkpoint", |_| source.asked() >= asked + 4);
    // Of four, three have waited before them: a few milliseconds less than the first wait, or longer.
    assert!(begun.elapsed() > Duration::from_millis(3 * 15), "not all the time: {:?}", begun.elapsed());
    assert!(engine.following.stop());

    // A restart forgets no fork.
    let engine = start(folder.path(), source.feed(), Arc::new(store.clone()), QUICK);
    assert!(engine.following.status().is_forked && engine.word(3) == RED);
    let above = Tip { sequence: Sequence(9), ..links[2].tip };
    let chosen = vouched(&above, &links[2].words, files.path());
    store.put(&chosen, files.path());
    let tenth = next(&chosen.tip, &links[2].words, &[(0, Change::Status(GREEN))]);
    source.goes_on(std::slice::from_ref(&tenth));
    source.vouches(&chosen);
    let status = engine.until_at(10);
    assert!(!status.is_forked && status.counters.snapshots_loaded == 1);
    engine.is_at(&tenth);
}

#[test]
fn r21_a_new_trust_list_is_in_force_at_once() {
    let (links, folder, keys) = (grown(3), tempdir().unwrap(), hufu_follow::Keys::new(Arc::default()));
    let source = Source::with(&links);
    let slow = Timings {
        backoff_ms_min: 60_000,
        backoff_ms_max: 60_000,
        hung_ms: 60_000,
        silent_ms: 60_000,
        ..QUICK
    };
    let store = Arc::new(Store::default());
    let engine = start_with(folder.path(), source.feed(), store, slow, keys.clone());
    engine.until("a refusal", |status| status.counters.sets_refused >= 1);
    assert_eq!(engine.sequence(), Sequence(0));
    keys.change(Arc::new(crate::chain::keyring().clone()));
    engine.until_at(3);
    engine.is_at(&links[2]);
    keys.change(Arc::new(Keyring::empty()));
}

#[test]
fn r20_one_issuers_flood_does_not_delay_another() {
    let (links, folder) = (grown(40), tempdir().unwrap());
    let table = Table::new(Limits::for_holders(2, 1_000)).unwrap();
    let (calm, flood) = (Source::with(&links[..1]), Source::default());
    flood.is(Manner::Flooding);
    let follow = |issuer: IssuerId, authorities, source: &Source| {
        Following::start(Options {
            writer: table.writer(issuer).unwrap(),
            authorities,
            feed: source.feed(),
            snapshots: Arc::new(Store::default()),
            folder: folder.path().join(issuer.to_string()),
            keys: keys(),
            timings: QUICK,
        })
        .unwrap()
    };
    let other = IssuerId(120_000);
    let flooded = follow(other, Authorities::new(other, NATIONAL, PUBLISHER).unwrap(), &flood);
    let calm_one = follow(ISSUER, authorities(), &calm);
    let reader = table.reader();
    let slot = reader.slot(ISSUER).unwrap();
    let mut worst = Duration::ZERO;
    for link in &links[1..] {
        let begun = Instant::now();
        calm.push(link);
        while reader.as_of(slot).sequence < link.tip.sequence {
            assert!(begun.elapsed() < Duration::from_secs(10), "it waits for the other");
            sleep(Duration::from_millis(1));
        }
        worst = worst.max(begun.elapsed());
    }
    assert!(flooded.status().counters.sets_refused > 100, "there was a flood");
    assert!(worst < Duration::from_secs(1), "{worst:?}");
    assert!(flooded.stop() && calm_one.stop());
}

#[test]
fn stopping_waits_for_no_feed() {
    for manner in [Manner::Deaf, Manner::Silent, Manner::Flooding] {
        let (folder, source) = (tempdir().unwrap(), Source::with(&grown(1)));
        source.is(manner);
        let slow = Timings { answer_ms: 60_000, ..QUICK };
        let engine = start(folder.path(), source.feed(), Arc::new(Store::default()), slow);
        engine.until("a subscription", |_| source.subscriptions() >= 1);
        let begun = Instant::now();
        assert!(engine.following.stop(), "{manner:?}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{manner:?}: {:?}", begun.elapsed());
    }
}

#[test]
fn many_that_do_not_stop_are_waited_for_no_longer_than_one() {
    let impatient = Timings { stop_ms: 200, ..QUICK };
    let stuck = || {
        let (folder, source) = (tempdir().unwrap(), Source::with(&grown(1)));
        source.is(Manner::Blocking);
        (start(folder.path(), source.feed(), Arc::new(Store::default()), impatient), source, folder)
    };
    // One is waited for 1.2 seconds. One after the other, they would take three times what is allowed here.
    let engines: Vec<_> = (0..20).map(|_| stuck()).collect();
    for (engine, source, _) in &engines {
        engine.until("a subscription", |_| source.subscriptions() >= 1);
    }
    let begun = Instant::now();
    for (engine, ..) in &engines {
        engine.following.end();
    }
    for (engine, ..) in engines {
        assert!(!engine.following.stop(), "it is stuck");
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}
