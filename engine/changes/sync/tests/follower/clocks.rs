//! Clocks that were wrong, in either direction (R21, R22, R24).

use hufu_codes::chain::Tip;
use hufu_sync::{CheckpointAnswer, Follower, HeadAnswer, SetAnswer, SyncFault, Wanted};
use hufu_table::Snapshot;
use hufu_wire::chain::Proposed;
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{Sequence, UnixMillis};
use tempfile::tempdir;

use crate::common::*;
use crate::*;

const HOUR: u64 = 3_600_000;
/// How far ahead the clocks of registry and authorities were.
const LEAPS: [u64; 2] = [8 * HOUR, 200 * 24 * HOUR];

/// A set that both sign `ms` after [`START`] in an era, confirmed 300 ms later.
fn signed(before: &Link, era: u8, ms: u64, changes: &[(u32, Change)]) -> Link {
    let proposed = Proposed::new(era, UnixMillis(START.0 + ms));
    let confirmed = UnixMillis(START.0 + ms + 300);
    sign(&before.tip, &before.words, &Draft { changes, proposed, confirmed })
}

/// A set of the right time, two of a clock that was `leap` ahead, and one that resets the time of the chain.
fn leapt(leap: u64) -> [Link; 4] {
    let first = next(&Tip::START, &Words::new(), &[(1, turned(GREEN)), (2, turned(GREEN))]);
    let ahead = signed(&first, 0, leap + 2000, &[(1, turned(RED))]);
    let further = signed(&ahead, 0, leap + 3000, &[(2, Change::Generation(1))]);
    let reset = signed(&further, 1, 5000, &[(3, turned(GREEN))]);
    [first, ahead, further, reset]
}

impl Engine {
    fn at(&mut self, link: &Link, now: u64) -> Result<SetAnswer, SyncFault> {
        self.follower.change_set(&link.bytes, keyring(), UnixMillis(START.0 + now))
    }
}

#[test]
fn r21_a_reset_leads_past_sets_of_a_clock_that_was_ahead() {
    for leap in LEAPS {
        let chain @ [first, ahead, further, reset] = &leapt(leap);
        let mut engine = engine();
        let now = 6000;
        engine.at(first, now).expect("its own warm copy");
        let fault = engine.at(ahead, now).unwrap_err();
        assert!(matches!(fault, SyncFault::FromTheFuture { sequence: Sequence(2), .. }), "{fault}");
        assert!(fault.to_string().contains("Clocks"), "it says where to look: {fault}");
        assert_eq!(engine.word(1), GREEN);

        // The reset is believed before it can be applied; then nothing of what came before it is lost.
        let missing = SetAnswer::Gap { from: Sequence(2), to: Sequence(4) };
        assert_eq!(engine.at(reset, now).unwrap(), missing);
        assert_eq!(engine.follower.wants(), Wanted::Sets { from: Sequence(2), to: Sequence(4) });
        for link in &chain[1..] {
            assert!(matches!(engine.at(link, now), Ok(SetAnswer::Applied { .. })), "{}", link.tip.sequence);
        }
        assert_eq!(engine.follower.tip(), &reset.tip);
        assert_eq!((engine.word(1), engine.word(2)), (RED, GREEN.with_generation(1)), "no set is lost");

        // From here on the new time counts.
        let fifth = signed(reset, 1, 6000, &[(2, turned(RED))]);
        engine.at(&fifth, 7000).unwrap();
        let same = signed(&fifth, 1, 6000, &[(2, turned(GREEN))]);
        assert!(matches!(engine.at(&same, 7000), Err(SyncFault::OutOfOrder { .. })), "not later");
        let soon = signed(&fifth, 1, 7000 + CHAIN_SKEW_MS_MAX + 1, &[(2, turned(GREEN))]);
        assert!(matches!(engine.at(&soon, 7000), Err(SyncFault::FromTheFuture { .. })), "of this era");
        let later = signed(&fifth, 3, 7000, &[(2, turned(GREEN))]);
        assert!(matches!(engine.at(&later, 7000), Err(SyncFault::OutOfOrder { .. })), "an era left out");
        assert_eq!(further.tip.sequence, Sequence(3));
    }
}

#[test]
fn r21_a_reset_that_is_dated_ahead_is_refused_and_changes_nothing() {
    for leap in LEAPS {
        let [first, ahead, further, _] = &leapt(leap);
        let mut engine = engine();
        let now = 6000;
        engine.at(first, now).unwrap();
        // The clock is still wrong in the era that was to put it right.
        let early = signed(further, 1, leap, &[(3, turned(GREEN))]);
        let fault = engine.at(&early, now).unwrap_err();
        assert!(matches!(fault, SyncFault::FromTheFuture { sequence: Sequence(4), .. }), "{fault}");
        assert_eq!(engine.follower.wants(), Wanted::Nothing, "nothing is fetched for it");
        let fault = engine.at(ahead, now).unwrap_err();
        assert!(matches!(fault, SyncFault::FromTheFuture { .. }), "the era is not believed: {fault}");
        assert_eq!((engine.sequence(), engine.word(1)), (Sequence(1), GREEN));
    }
}

#[test]
fn r21_what_was_signed_before_a_reset_counts_once_also_when_its_time_has_come() {
    for leap in LEAPS {
        let [first, ahead, further, reset] = &leapt(leap);
        let mut engine = engine();
        engine.apply_at(std::slice::from_ref(first), 6000);
        engine.at(reset, 6000).unwrap();
        engine.apply_at(&[ahead.clone(), further.clone(), reset.clone()], 6000);
        // Holder 1 is green again, by a decision of the new era.
        let green = signed(reset, 1, 7000, &[(1, turned(GREEN))]);
        engine.apply_at(std::slice::from_ref(&green), 8000);
        // The national platform confirms the old instruction again, when the real time has come so far.
        for era in [0, 1] {
            let time = leap + 2000;
            let again = signed(&green, 0, time, &[(1, turned(RED))]);
            let answer = engine.at(&again, time + 300);
            assert!(matches!(answer, Err(SyncFault::OutOfOrder { .. })), "{answer:?}");
            if era == 0 {
                // Nor does a restart forget the era.
                engine = restarted(&engine, time);
            }
        }
    }
}

#[test]
fn r22_a_checkpoint_carries_the_era_of_the_chains_time() {
    let folder = tempdir().expect("a folder");
    let [first, ahead, further, reset] = leapt(8 * HOUR);
    let now = UnixMillis(START.0 + 6000);
    let mut engine = engine();
    engine.apply_at(&[first], 6000);
    // At the tip of the wrong clock, too, a table can be vouched for: it is made now.
    let tip = Tip { confirmed: UnixMillis(START.0 + 5000), ..further.tip };
    for (tip, words) in [(tip, &further.words), (reset.tip, &reset.words)] {
        let vouched = vouched(&tip, words, folder.path());
        let answer = engine.follower.checkpoint(&vouched.bytes, keyring(), now).expect("its own warm copy");
        let CheckpointAnswer::Load(checkpoint) = answer else { panic!("{answer:?}") };
        engine.follower.load(&checkpoint, &vouched.snapshot, now).expect("its own warm copy");
        assert_eq!(engine.follower.tip().proposed, tip.proposed);
    }
    let again = signed(&reset, 0, 9 * HOUR, &[(1, turned(GREEN))]);
    assert!(matches!(engine.at(&again, 9 * HOUR + 300), Err(SyncFault::OutOfOrder { .. })));
    engine.apply_at(&[signed(&reset, 1, 6000, &[(1, turned(GREEN))])], 7000);
    assert_eq!(ahead.tip.proposed.era(), 0);
}

#[test]
fn r22_a_checkpoint_of_the_future_waits() {
    let (chain, folder) = (chain(), tempdir().expect("a folder"));
    let mut engine = engine();
    engine.apply(&chain[..1]);
    let vouched = vouched(&chain[2].tip, &chain[2].words, folder.path());
    let made = vouched.tip.confirmed;
    for leap in [CHAIN_SKEW_MS_MAX + 1, 8 * HOUR, 200 * 24 * HOUR] {
        let now = UnixMillis(made.0 - leap);
        let fault = engine.follower.checkpoint(&vouched.bytes, keyring(), now).unwrap_err();
        assert!(matches!(fault, SyncFault::FromTheFuture { ahead_ms, .. } if ahead_ms == leap), "{fault}");
    }
    assert_eq!((engine.sequence(), engine.follower.counters().checkpoints_refused), (Sequence(1), 3));
    let now = UnixMillis(made.0 - CHAIN_SKEW_MS_MAX);
    let answer = engine.follower.checkpoint(&vouched.bytes, keyring(), now).expect("its own warm copy");
    assert!(matches!(answer, CheckpointAnswer::Load(_)), "as far as clocks differ");
}

#[test]
fn r24_a_head_of_a_clock_that_was_ahead_weighs_until_the_next_set() {
    for leap in LEAPS {
        let chain = chain();
        let mut engine = engine();
        engine.apply(&chain[..1]);
        let real = |ms| after(&chain[0].tip, 1000 + ms);
        // This engine's clock and the publisher's were ahead together, and are set right.
        let wrong = real(leap);
        assert_eq!(engine.head(&chain[0].tip, wrong, wrong).unwrap(), HeadAnswer::Current { age_ms: 0 });
        assert_eq!(engine.follower.heard_ahead_ms(real(0)), Some(leap));
        // For the same set a head of now cannot be told from a repeated one by a clock that was set back.
        assert_eq!(engine.head(&chain[0].tip, real(1), real(1)).unwrap(), HeadAnswer::Late);
        assert_eq!(engine.heard(), Some(wrong), "which lies ahead: the age is unknown");
        // A later set shows that the chain went on.
        engine.follower.change_set(&chain[1].bytes, keyring(), real(2)).unwrap();
        assert_eq!(
            engine.head(&chain[0].tip, real(3), real(3)).unwrap(),
            HeadAnswer::Late,
            "of the set before"
        );
        assert_eq!(engine.head(&chain[1].tip, real(3), real(4)).unwrap(), HeadAnswer::Current { age_ms: 1 });
        assert_eq!((engine.heard(), engine.follower.heard_ahead_ms(real(4))), (Some(real(3)), None));
        assert_eq!(engine.head(&chain[1].tip, real(2), real(5)).unwrap(), HeadAnswer::Late, "never back");
    }
}

#[test]
fn r24_a_head_that_was_announced_by_a_clock_ahead_makes_no_set_current() {
    let chain = chain();
    let mut engine = engine();
    engine.apply(&chain[..1]);
    let (real, wrong) = (after(&chain[1].tip, 100), after(&chain[1].tip, 8 * HOUR));
    assert!(matches!(engine.head(&chain[1].tip, wrong, wrong).unwrap(), HeadAnswer::Gap { .. }));
    // The clock is set back before the set comes.
    engine.follower.change_set(&chain[1].bytes, keyring(), real).unwrap();
    assert_eq!(engine.heard(), None, "cut to now it would look current");
    assert_eq!(
        engine.head(&chain[1].tip, real, real).unwrap(),
        HeadAnswer::Late,
        "cannot be told from a repeat"
    );
    engine.follower.change_set(&chain[2].bytes, keyring(), after(&chain[2].tip, 0)).unwrap();
    let now = after(&chain[2].tip, 100);
    assert_eq!(engine.head(&chain[2].tip, now, now).unwrap(), HeadAnswer::Current { age_ms: 0 });
}

#[test]
fn r24_an_engine_whose_clock_was_behind_goes_on_when_it_is_right() {
    for leap in LEAPS {
        let chain = chain();
        let mut engine = engine();
        let (real, wrong) = (after(&chain[2].tip, 100), after(&chain[2].tip, 0).0 - leap);
        for link in &chain {
            assert!(engine.follower.change_set(&link.bytes, keyring(), UnixMillis(wrong)).is_err());
        }
        assert!(engine.head(&chain[2].tip, real, UnixMillis(wrong)).is_err());
        assert_eq!((engine.sequence(), engine.heard()), (Sequence(0), None));
        engine.apply(&chain);
        assert!(matches!(engine.head(&chain[2].tip, real, real).unwrap(), HeadAnswer::Current { age_ms: 0 }));
    }
}

#[test]
fn r24_an_engine_whose_clock_was_ahead_tells_great_ages_and_goes_on_when_it_is_right() {
    for leap in LEAPS {
        let chain = chain();
        let mut engine = engine();
        engine.apply(&chain);
        let real = after(&chain[2].tip, 100);
        let wrong = UnixMillis(real.0 + leap);
        assert_eq!(engine.head(&chain[2].tip, real, wrong).unwrap(), HeadAnswer::Current { age_ms: leap });
        let next = UnixMillis(real.0 + 1000);
        assert_eq!(engine.head(&chain[2].tip, next, next).unwrap(), HeadAnswer::Current { age_ms: 0 });
    }
}

impl Engine {
    fn apply_at(&mut self, links: &[Link], now: u64) {
        for link in links {
            let answer = self.at(link, now);
            assert!(matches!(answer, Ok(SetAnswer::Applied { .. })), "{}: {answer:?}", link.tip.sequence);
        }
    }
}

/// The same engine after a restart from its warm copy.
fn restarted(engine: &Engine, now: u64) -> Engine {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("warm");
    let info = hufu_table::write_snapshot(&engine.table.reader(), ISSUER, &path).expect("a snapshot");
    let state = engine.follower.warm().seal(&info).expect("its own snapshot");
    let (table, snapshot) = (table(), Snapshot::open(&path).expect("readable"));
    let now = UnixMillis(START.0 + now);
    let writer = table.writer(ISSUER).expect("no other writer");
    let follower =
        Follower::resume(writer, authorities(), &state, &snapshot, now).expect("its own warm copy");
    Engine { table, follower }
}
