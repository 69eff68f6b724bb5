//! What a follower does with change sets (R21, R22).

use hufu_codes::chain::{ChainFaultKind, Role, Tip};
use hufu_sync::{Counters, Follower, SetAnswer, SyncFault, Wanted};
use hufu_table::{Limits, Table};
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{Colour, HolderIndex, IssuerId, Sequence, UnixMillis};

use crate::common::*;
use crate::*;

#[test]
fn r22_sets_are_applied_in_order_and_once() {
    let chain = chain();
    let mut engine = engine();
    engine.apply(&chain);
    assert_eq!(engine.word(1), RED.with_generation(1), "a new generation keeps the colour");
    assert_eq!(engine.set(&chain[2]).unwrap(), SetAnswer::Duplicate);
    assert_eq!(engine.set(&chain[0]).unwrap(), SetAnswer::Behind, "holder 1 was green there");
    assert_eq!(engine.word(1), RED.with_generation(1));
    assert_eq!(engine.follower.wants(), Wanted::Nothing);
    let expected = Counters {
        sets_applied: 3,
        changes_applied: 4,
        sets_duplicate: 1,
        sets_behind: 1,
        // Two turned green, one red, one got another generation.
        turned: [1, 0, 0, 1, 0, 2, 0],
        ..Counters::default()
    };
    assert_eq!(engine.follower.counters(), &expected);
}

#[test]
fn r22_a_gap_is_told_and_filled() {
    let chain = chain();
    let mut engine = engine();
    let [one, two, three] = [1, 2, 3].map(Sequence);
    assert_eq!(engine.set(&chain[2]).unwrap(), SetAnswer::Gap { from: one, to: three });
    assert_eq!(engine.follower.wants(), Wanted::Sets { from: one, to: three });
    engine.apply(&chain[..1]);
    assert_eq!(engine.follower.wants(), Wanted::Sets { from: two, to: three });
    engine.apply(&chain[1..]);
    assert_eq!(engine.follower.wants(), Wanted::Nothing);
}

#[test]
fn r22_a_set_is_applied_whole_or_not_at_all() {
    let first = next(&Tip::START, &Words::new(), &[(1, turned(RED))]);
    let wide = next(&first.tip, &first.words, &[(1, turned(GREEN)), (300_000, turned(GREEN))]);
    let far = next(&first.tip, &first.words, &[(1, turned(GREEN)), (2_000_000, turned(GREEN))]);
    let limits = Limits { holders_max: 1_000_000, ..Limits::for_holders(1, 1) };
    let narrow = Limits { bytes_max: 2 << 20, ..limits };
    for (limits, set) in [(narrow, &wide), (Limits { bytes_max: 8 << 20, ..limits }, &far)] {
        let table = Table::new(limits).unwrap();
        let follower = Follower::new(table.writer(ISSUER).unwrap(), authorities()).unwrap();
        let mut engine = Engine { table, follower };
        engine.apply(std::slice::from_ref(&first));
        let fault = engine.set(set).unwrap_err();
        assert!(matches!(fault, SyncFault::Table { sequence: Sequence(2), .. }), "{fault}");
        assert_eq!((engine.sequence(), engine.word(1)), (Sequence(1), RED), "not even its first word");
        assert_eq!(engine.follower.tip(), &first.tip);
        assert_eq!(engine.follower.counters().sets_without_room, 1);
    }
}

#[test]
fn r21_an_instruction_counts_once() {
    let chain = chain();
    let mut engine = engine();
    engine.apply(&chain[..2]);
    // The national platform confirms the first instruction again: holder 1 would be green once more.
    let Tip { proposed, .. } = chain[0].tip;
    let changes = [(1, turned(GREEN)), (2, turned(GREEN))];
    let confirmed = after(&chain[1].tip, 100);
    let again = sign(&chain[1].tip, &chain[1].words, &Draft { changes: &changes, proposed, confirmed });
    let fault = engine.set(&again).unwrap_err();
    assert!(matches!(fault, SyncFault::OutOfOrder { sequence: Sequence(3), .. }), "{fault}");
    assert_eq!((engine.sequence(), engine.word(1)), (Sequence(2), RED));
}

#[test]
fn r21_what_expired_before_its_confirmation_is_refused() {
    let (changes, proposed) = ([(1, turned(RED))], START.into());
    let confirmed = UnixMillis(START.0 + 60_000);
    let late = sign(&Tip::START, &Words::new(), &Draft { changes: &changes, proposed, confirmed });
    let fault = engine().set(&late).unwrap_err();
    assert_eq!(fault.to_string(), "issuer 110000, change set 1: it had expired 0 ms before it was confirmed");
}

#[test]
fn sets_of_the_future_wait() {
    let [first, ..] = chain();
    let mut engine = engine();
    let mut at = |now| engine.follower.change_set(&first.bytes, keyring(), now);
    let confirmed = first.tip.confirmed;
    let fault = at(UnixMillis(confirmed.0 - CHAIN_SKEW_MS_MAX - 1)).unwrap_err();
    assert!(matches!(fault, SyncFault::FromTheFuture { ahead_ms: 2001, .. }), "{fault}");
    let applied = at(UnixMillis(confirmed.0 - CHAIN_SKEW_MS_MAX)).unwrap();
    assert!(matches!(applied, SetAnswer::Applied { .. }), "two clocks");
}

#[test]
fn r22_no_cut_and_no_flipped_bit_is_applied() {
    let chain = chain();
    let mut engine = engine();
    engine.apply(&chain[..1]);
    let good = &chain[1].bytes;
    for length in 0..good.len() {
        assert!(engine.follower.change_set(&good[..length], keyring(), later()).is_err(), "cut to {length}");
    }
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let answer = engine.follower.change_set(&flipped, keyring(), later());
        // A sequence flipped into the past is not looked at any further.
        assert!(matches!(answer, Err(_) | Ok(SetAnswer::Behind)), "bit {bit}: {answer:?}");
    }
    let fault = engine.follower.change_set(
        &{
            let mut swapped = good.clone();
            let at = swapped.len() - 128;
            swapped[at..].rotate_left(64);
            swapped
        },
        keyring(),
        later(),
    );
    let Err(SyncFault::Chain(fault)) = fault else { panic!("{fault:?}") };
    assert_eq!(fault.kind, ChainFaultKind::NotGenuine { role: Role::Local });
    assert_eq!(fault.to_string(), "issuer 110000, change set 2: the local signature is not genuine");
    assert_eq!((engine.sequence(), engine.word(1)), (Sequence(1), GREEN));
    engine.apply(&chain[1..]);
}

#[test]
fn a_follower_starts_with_a_history_or_with_nothing() {
    let table = table();
    let mut writer = table.writer(ISSUER).unwrap();
    writer.advance(Sequence(5), UnixMillis(1)).unwrap();
    let fault = Follower::new(writer, authorities()).unwrap_err();
    assert!(matches!(fault, SyncFault::WrongWriter { sequence: Sequence(5), .. }), "{fault}");
    let table = Table::new(Limits::for_holders(2, 1)).unwrap();
    let foreign = table.writer(IssuerId(1)).unwrap();
    assert!(matches!(Follower::new(foreign, authorities()), Err(SyncFault::WrongWriter { .. })));
}

#[test]
fn r22_what_is_seen_was_kept_before() {
    let chain = chain();
    let narrow = Limits { bytes_max: 2 << 20, holders_max: 1_000_000, ..Limits::for_holders(1, 1) };
    let table = Table::new(narrow).unwrap();
    let follower = Follower::new(table.writer(ISSUER).unwrap(), authorities()).unwrap();
    let mut engine = Engine { table, follower };
    let reader = engine.table.reader();
    let slot = reader.slot(ISSUER).expect("followed");
    let mut kept = Vec::new();
    let mut give = |bytes: &[u8]| {
        engine.follower.change_set_kept(bytes, keyring(), later(), &mut |tip| {
            let colour = reader.lookup(slot, HolderIndex(1)).colour();
            kept.push((tip.sequence, reader.as_of(slot).sequence, colour));
        })
    };
    give(&chain[0].bytes).unwrap();
    // None of these is applied, so none is kept: repeated, too early, forged, too far for the table.
    let mut forged = chain[1].bytes.clone();
    *forged.last_mut().unwrap() ^= 1;
    let far = next(&chain[0].tip, &chain[0].words, &[(300_000, turned(GREEN))]);
    assert!(give(&chain[0].bytes).is_ok() && give(&chain[2].bytes).is_ok());
    assert!(give(&forged).is_err() && give(&far.bytes).is_err());
    give(&chain[1].bytes).unwrap();
    let [one, two] = [1, 2].map(Sequence);
    let expected = [(one, Sequence(0), None), (two, one, Some(Colour::Green))];
    assert_eq!(kept, expected, "before anybody sees the first word of it");
}
