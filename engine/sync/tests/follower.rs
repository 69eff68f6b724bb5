//! What a follower does with each thing that can come, one by one.

mod common;

use common::*;
use hufu_codes::chain::{ChainFaultKind, Role, Tip};
use hufu_sync::{CheckpointAnswer, Counters, Follower, HeadAnswer, SetAnswer, SyncFault, Wanted};
use hufu_table::{Limits, Snapshot, Table};
use hufu_wire::chain::{ChainDigest, Change, Head};
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{Colour, IssuerId, Sequence, StatusWord, UnixMillis};
use tempfile::tempdir;

const GREEN: StatusWord = StatusWord::new(Colour::Green, 0);
const RED: StatusWord = StatusWord::new(Colour::Red, 0);

fn turned(word: StatusWord) -> Change {
    Change::Status(word)
}

/// Holder 1 becomes green, red, and gets a new phone.
fn chain() -> [Link; 3] {
    let first = next(&Tip::START, &Words::new(), &[(1, turned(GREEN)), (2, turned(GREEN))]);
    let second = next(&first.tip, &first.words, &[(1, turned(RED))]);
    let third = next(&second.tip, &second.words, &[(1, Change::Generation(1))]);
    [first, second, third]
}

/// Another second set that both authorities signed: holder 1 stays green.
fn twin(chain: &[Link; 3]) -> Link {
    next(&chain[0].tip, &chain[0].words, &[(2, turned(RED))])
}

fn head(tip: &Tip, time: UnixMillis) -> [u8; Head::BYTES] {
    publisher().head(ISSUER, tip, time)
}

fn after(tip: &Tip, ms: u64) -> UnixMillis {
    UnixMillis(tip.confirmed.0 + ms)
}

impl Engine {
    fn set(&mut self, link: &Link) -> Result<SetAnswer, SyncFault> {
        self.follower.change_set(&link.bytes, keyring(), later())
    }

    fn apply(&mut self, links: &[Link]) {
        for link in links {
            let (sequence, words) = (link.tip.sequence, &link.words);
            assert!(matches!(self.set(link), Ok(SetAnswer::Applied { .. })), "{sequence}");
            assert_eq!((self.sequence(), self.follower.tip()), (sequence, &link.tip));
            assert!(words.iter().all(|(holder, word)| self.word(*holder) == *word), "{sequence}");
        }
    }

    fn head(&mut self, tip: &Tip, time: UnixMillis, now: UnixMillis) -> Result<HeadAnswer, SyncFault> {
        self.follower.head(&head(tip, time), keyring(), now)
    }
}

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
fn r22_two_histories_stop_the_follower_until_a_later_checkpoint() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let twin = twin(&chain);
    let on_twin = next(&twin.tip, &twin.words, &[(3, turned(GREEN))]);
    // After the second set: another second one, or a third one that follows another second one.
    for stray in [&twin, &on_twin] {
        let mut engine = engine();
        engine.apply(&chain[..2]);
        let at = Sequence(2);
        assert_eq!(engine.set(stray).unwrap(), SetAnswer::Fork { at });
        assert_eq!(engine.set(&chain[2]).unwrap(), SetAnswer::Fork { at }, "nothing is applied now");
        assert_eq!((engine.sequence(), engine.word(1)), (at, RED), "red stays red");
        assert_eq!(engine.follower.wants(), Wanted::Checkpoint { from: at });
        let time = after(&chain[1].tip, 100);
        assert_eq!(engine.head(&chain[1].tip, time, time).unwrap(), HeadAnswer::Fork { at });
        assert_eq!(engine.heard(), None, "words in doubt are not told fresh");

        // The authorities choose the first history and go on above both.
        let above = Tip { sequence: Sequence(9), ..chain[1].tip };
        let vouched = vouched(&above, &chain[1].words, folder.path());
        let CheckpointAnswer::Load(checkpoint) =
            engine.follower.checkpoint(&vouched.bytes, keyring(), later()).unwrap()
        else {
            panic!("a checkpoint ahead is loaded");
        };
        engine.follower.load(&checkpoint, &vouched.snapshot, later()).unwrap();
        assert!(!engine.follower.is_forked());
        assert_eq!((engine.sequence(), engine.word(1)), (Sequence(9), RED));
        assert_eq!(engine.set(stray).unwrap(), SetAnswer::Behind, "old history is no fork");
        let tenth = next(&vouched.tip, &vouched.words, &[(1, turned(GREEN))]);
        engine.apply(&[tenth]);
    }
}

#[test]
fn r22_a_checkpoint_of_the_same_place_settles_a_fork() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let twin = twin(&chain);
    let mut engine = engine();
    engine.apply(&chain[..2]);
    engine.set(&twin).unwrap();
    let checkpoint = |link: &Link| vouched(&link.tip, &link.words, folder.path()).bytes;
    let mut give = |bytes: &[u8]| engine.follower.checkpoint(bytes, keyring(), later()).unwrap();
    assert_eq!(give(&checkpoint(&chain[0])), CheckpointAnswer::Behind);
    assert_eq!(give(&checkpoint(&twin)), CheckpointAnswer::Fork { at: Sequence(2) }, "it cannot be both");
    assert_eq!(give(&checkpoint(&chain[1])), CheckpointAnswer::Agrees);
    assert_eq!(give(&checkpoint(&twin)), CheckpointAnswer::Behind, "settled is settled");
    assert_eq!(engine.set(&twin).unwrap(), SetAnswer::Behind);
    engine.apply(&chain[2..]);
}

#[test]
fn r22_only_the_announced_snapshot_is_loaded() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let mut engine = engine();
    engine.apply(&chain[..1]);
    let wanted = vouched(&chain[2].tip, &chain[2].words, folder.path());
    let mut give = |bytes: &[u8]| engine.follower.checkpoint(bytes, keyring(), later());
    let CheckpointAnswer::Load(checkpoint) = give(&wanted.bytes).unwrap() else { panic!("it is ahead") };
    for length in 0..wanted.bytes.len() {
        assert!(give(&wanted.bytes[..length]).is_err(), "cut to {length}");
    }

    // One status word altered where the snapshot was made: another digest, so nobody vouched for it.
    let mut altered = chain[2].words.clone();
    altered.insert(1, GREEN);
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let altered = vouched(&chain[2].tip, &altered, &other);
    let fault = engine.follower.load(&checkpoint, &altered.snapshot, later()).unwrap_err();
    assert!(matches!(fault, SyncFault::AnotherSnapshot { .. }), "{fault}");

    // The right one with a damaged word: the digest in its list no longer fits.
    let path = folder.path().join(format!("3-{}.snapshot", chain[2].tip.digest));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[64 + 8] ^= 1;
    std::fs::write(folder.path().join("damaged"), &bytes).unwrap();
    let damaged = Snapshot::open(folder.path().join("damaged")).expect("its list is whole");
    let fault = engine.follower.load(&checkpoint, &damaged, later()).unwrap_err();
    assert!(matches!(fault, SyncFault::Snapshot { .. }), "{fault}");
    assert_eq!((engine.sequence(), engine.word(1)), (Sequence(1), GREEN), "as before");

    engine.follower.load(&checkpoint, &wanted.snapshot, later()).unwrap();
    assert_eq!((engine.sequence(), engine.word(1)), (Sequence(3), RED.with_generation(1)));
    let fault = engine.follower.load(&checkpoint, &wanted.snapshot, later()).unwrap_err();
    assert!(matches!(fault, SyncFault::Overtaken { .. }), "{fault}");
    let (loaded, refused) = (1, 3);
    let counters = engine.follower.counters();
    assert_eq!((counters.snapshots_loaded, counters.snapshots_refused), (loaded, refused));
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
    let (changes, proposed) = ([(1, turned(RED))], START);
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
        "issuer 110000, head 1: made 2001 ms after this engine's now",
        "a head of the future"
    );
    assert_eq!(engine.heard(), Some(time));
    assert_eq!(engine.head(&tip, skewed, now).unwrap(), HeadAnswer::Current { age_ms: 0 });
    assert_eq!(engine.heard(), Some(now), "no younger than now");
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
fn r22_a_checkpoint_of_another_history_is_a_fork_too() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let twin = twin(&chain);
    let mut engine = engine();
    engine.apply(&chain[..2]);
    let of_twin = vouched(&twin.tip, &twin.words, folder.path()).bytes;
    let at = Sequence(2);
    let answer = engine.follower.checkpoint(&of_twin, keyring(), later()).unwrap();
    assert_eq!(answer, CheckpointAnswer::Fork { at });
    assert_eq!(engine.set(&chain[2]).unwrap(), SetAnswer::Fork { at });
    assert_eq!(engine.word(1), RED);
}

#[test]
fn r22_sets_of_a_history_that_was_given_up_are_no_longer_wanted() {
    let (chain, folder) = (chain(), tempdir().unwrap());
    let twin = twin(&chain);
    let on_twin = next(&twin.tip, &twin.words, &[(3, turned(GREEN))]);
    let mut engine = engine();
    assert!(matches!(engine.set(&on_twin).unwrap(), SetAnswer::Gap { .. }));
    let chosen = vouched(&chain[1].tip, &chain[1].words, folder.path());
    let answer = engine.follower.checkpoint(&chosen.bytes, keyring(), later()).unwrap();
    let CheckpointAnswer::Load(checkpoint) = answer else { panic!("it is ahead") };
    engine.follower.load(&checkpoint, &chosen.snapshot, later()).unwrap();
    assert_eq!(engine.follower.wants(), Wanted::Nothing);
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
