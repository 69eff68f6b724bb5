//! Bytes nobody signed: nothing panics, nothing is applied, and no state but the engine's own is resumed. Each
//! target takes whole inputs, with a kept corpus in `__fuzz__` that begins with good ones, and altered good ones.

mod common;

use std::sync::Mutex;

use common::*;
use hufu_codes::chain::Tip;
use hufu_sync::{CheckpointAnswer, Follower, HeadAnswer, SetAnswer};
use hufu_wire::chain::Change;
use hufu_wire::{Colour, Sequence, StatusWord, UnixMillis};

/// What happens to a good input: places, and what is done there.
type Alterations = Vec<(u16, u8, u8)>;

fn altered(good: &[u8], alterations: &Alterations) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for &(at, what, byte) in alterations {
        let at = usize::from(at) % (bytes.len() + 1);
        match what % 4 {
            0 => bytes.insert(at, byte),
            1 => bytes.truncate(at.max(1)),
            _ if at == bytes.len() => bytes.push(byte),
            2 => _ = bytes.remove(at),
            _ => bytes[at] = byte,
        }
    }
    bytes
}

fn chain() -> [Link; 3] {
    let turned = |colour| Change::Status(StatusWord::new(colour, 0));
    let first = next(&Tip::START, &Words::new(), &[(1, turned(Colour::Green)), (2, turned(Colour::Red))]);
    let second = next(&first.tip, &first.words, &[(1, turned(Colour::Red))]);
    let third = next(&second.tip, &second.words, &[(1, Change::Generation(1))]);
    [first, second, third]
}

/// A follower after the first set.
fn begun(chain: &[Link; 3]) -> Follower {
    let mut follower = engine().follower;
    follower.change_set(&chain[0].bytes, keyring(), later()).expect("the first");
    follower
}

/// The two sets that may follow, or nothing: `input` is neither here.
fn is_not_applied(follower: &mut Follower, chain: &[Link; 3], input: &[u8]) {
    if chain.iter().any(|link| link.bytes == input) {
        return;
    }
    let before = *follower.tip();
    let answer = follower.change_set(input, keyring(), later());
    assert!(matches!(answer, Err(_) | Ok(SetAnswer::Behind | SetAnswer::Duplicate)), "{answer:?}");
    assert_eq!(follower.tip(), &before);
    assert!(!follower.is_forked());
}

#[test]
fn any_change_set() {
    let chain = chain();
    let follower = Mutex::new(begun(&chain));
    bolero::check!().for_each(|input: &[u8]| is_not_applied(&mut follower.lock().unwrap(), &chain, input));
}

#[test]
fn altered_change_set() {
    let chain = chain();
    let follower = Mutex::new(begun(&chain));
    bolero::check!().with_type::<(u8, Alterations)>().for_each(|(which, alterations)| {
        let good = &chain[usize::from(*which) % 3].bytes;
        is_not_applied(&mut follower.lock().unwrap(), &chain, &altered(good, alterations));
    });
}

#[test]
fn any_head() {
    let chain = chain();
    let good = publisher().head(ISSUER, &chain[0].tip, UnixMillis(START.0 + 5000));
    let follower = Mutex::new(begun(&chain));
    bolero::check!().for_each(|input: &[u8]| is_not_heard(&mut follower.lock().unwrap(), &good, input));
}

#[test]
fn altered_head() {
    let chain = chain();
    let good = publisher().head(ISSUER, &chain[0].tip, UnixMillis(START.0 + 5000));
    let follower = Mutex::new(begun(&chain));
    bolero::check!().with_type::<Alterations>().for_each(|alterations| {
        is_not_heard(&mut follower.lock().unwrap(), &good, &altered(&good, alterations));
    });
}

fn is_not_heard(follower: &mut Follower, good: &[u8], input: &[u8]) {
    let answer = follower.head(input, keyring(), later());
    let is_good = input == good;
    assert!(
        answer.is_err() || is_good && matches!(answer, Ok(HeadAnswer::Current { .. } | HeadAnswer::Late))
    );
}

#[test]
fn any_checkpoint() {
    let (chain, folder) = (chain(), tempfile::tempdir().expect("a folder"));
    let good = vouched(&chain[2].tip, &chain[2].words, folder.path()).bytes;
    let follower = Mutex::new(begun(&chain));
    bolero::check!().with_type::<(bool, Alterations, Vec<u8>)>().for_each(|(is_raw, alterations, raw)| {
        let input = if *is_raw { raw.clone() } else { altered(&good, alterations) };
        let answer = follower.lock().unwrap().checkpoint(&input, keyring(), later());
        assert!(answer.is_err() || input == good && matches!(answer, Ok(CheckpointAnswer::Load(_))));
    });
}

#[test]
fn any_warm_state() {
    let (chain, folder) = (chain(), tempfile::tempdir().expect("a folder"));
    let path = folder.path().join("warm");
    let mut first = engine();
    first.follower.change_set(&chain[0].bytes, keyring(), later()).expect("the first");
    let info = hufu_table::write_snapshot(&first.table.reader(), ISSUER, &path).expect("room");
    let good = first.follower.warm().seal(&info).expect("as of it");
    let snapshot = hufu_table::Snapshot::open(&path).expect("our own");
    let resumed = Mutex::new((table(), snapshot));
    bolero::check!().with_type::<(bool, Alterations, Vec<u8>)>().for_each(|(is_raw, alterations, raw)| {
        let input = if *is_raw { raw.clone() } else { altered(&good, alterations) };
        if input == good {
            return;
        }
        let (table, snapshot) = &*resumed.lock().unwrap();
        let writer = table.writer(ISSUER).expect("given back");
        assert!(Follower::resume(writer, authorities(), &input, snapshot, later()).is_err());
        let reader = table.reader();
        let as_of = reader.as_of(reader.slot(ISSUER).expect("followed"));
        assert_eq!(as_of.sequence, Sequence(0), "nothing was loaded");
    });
}
