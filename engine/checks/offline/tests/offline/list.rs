//! The list: what it says, its bytes, and what is refused.

use flate2::{Compression, write::ZlibEncoder};
use hufu_offline::{ListFault, OfflineFile, OfflineList, Room};
use hufu_sync::{Follower, SetAnswer, Words as _};
use hufu_wire::chain::{Change, Changes, Record};
use hufu_wire::{Colour, HolderIndex, StatusMinute, StatusWord, TestResult, UnixMillis};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use std::io::Write as _;

use crate::world::{ISSUER, START, World, authorities, gate, keyring, national};

const ROOM: Room = Room { holders_max: 2_000_000, exceptions_max: 100_000 };

fn minute(minute: u32) -> StatusMinute {
    StatusMinute::new(minute).unwrap()
}

/// What a list can say of this word.
fn told(word: StatusWord) -> StatusWord {
    let ends = word.until().filter(|_| word.colour() != Some(Colour::Red)).unwrap_or(minute(0));
    let positive = word.test_result() == TestResult::Positive && word.colour() != Some(Colour::Red);
    match word.colour().filter(|_| !positive) {
        Some(colour) => StatusWord::new(colour, word.generation()).with_until(ends),
        None => StatusWord::UNKNOWN.with_generation(word.generation()),
    }
}

fn any_status(generation: u8) -> impl Strategy<Value = StatusWord> {
    let colour = prop_oneof![8 => Just(Colour::Green), 1 => Just(Colour::Red), 1 => Just(Colour::Amber)];
    let until = prop_oneof![3 => Just(0_u32), 1 => 1_u32..1 << 24];
    (colour, until, 0_u8..4, 0_u8..8).prop_map(move |(colour, until, test, doses)| {
        let word = StatusWord::new(colour, generation).with_until(minute(until)).with_doses(doses);
        match test {
            0 => word.with_test(minute(5), TestResult::Negative),
            1 => word.with_test(minute(5), TestResult::Positive),
            _ => word,
        }
    })
}

fn any_word() -> impl Strategy<Value = StatusWord> {
    let known = prop_oneof![4 => Just(1), 1 => any::<u8>()].prop_flat_map(any_status);
    prop_oneof![1 => Just(StatusWord::UNKNOWN), 9 => known]
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any_word().prop_map(Change::Word),
        any::<u8>().prop_map(Change::Generation),
        any_status(0).prop_map(Change::Status),
    ]
}

/// Holders of two segments of the table.
fn place(holder: u32) -> u32 {
    if holder.is_multiple_of(7) { holder + 300_000 } else { holder }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Made from a table, written, read and kept current, a list says of every holder what the table says.
    #[test]
    fn r06_a_list_says_what_the_table_says(
        words in proptest::collection::vec(any_word(), 1..60),
        sets in proptest::collection::vec(proptest::collection::btree_map(0_u32..80, any_change(), 1..20), 0..4),
    ) {
        let words: Vec<_> = (0..).map(place).zip(words).collect();
        let mut world = World::new(&words);
        let bytes = world.file(START).to_bytes();
        let read = OfflineFile::read(&bytes, ROOM).unwrap();
        prop_assert_eq!(&read.to_bytes(), &bytes);
        let mut list = read.list;
        for set in sets {
            let mut changes: Vec<_> = set.into_iter().map(|(holder, change)| (place(holder), change)).collect();
            changes.sort_unstable_by_key(|(holder, _)| *holder);
            let records: Vec<_> = changes.iter().map(|(holder, change)| Record::new(HolderIndex(*holder), *change)).collect();
            list.make_room(Changes::new(&records).unwrap()).unwrap();
            for (holder, change) in changes {
                list.change(HolderIndex(holder), change).unwrap();
                world.set(holder, change.apply(world.word(holder)));
            }
            let again = OfflineFile::read(&OfflineFile { list, tip: world.tip }.to_bytes(), ROOM).unwrap();
            list = again.list;
        }
        for holder in (0..90).map(place) {
            prop_assert_eq!(list.status(HolderIndex(holder)), told(world.word(holder)), "{}", holder);
        }
    }

    #[test]
    fn r06_no_bytes_make_a_reader_of_lists_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(OfflineFile::read(&bytes, ROOM).is_err());
        // The same behind a genuine front and digest.
        let whole = sample().to_bytes();
        let mut bytes = [&whole[..104.min(whole.len())], &bytes].concat();
        let packed = u32::try_from(bytes.len() - 104).unwrap();
        bytes[92..96].copy_from_slice(&packed.to_le_bytes());
        prop_assert!(OfflineFile::read(&sealed(bytes), ROOM).is_err());
    }
}

fn sample() -> OfflineFile {
    let green = StatusWord::new(Colour::Green, 1);
    World::new(&[
        (0, green),
        (1, green),
        (2, StatusWord::new(Colour::Red, 1)),
        (4, green.with_generation(3)),
        (9, StatusWord::new(Colour::Amber, 1).with_until(minute(4_000_000))),
    ])
    .file(START)
}

/// These bytes with their digest.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend_from_slice(&Sha256::digest(&bytes));
    bytes
}

/// The sample with another packed part and numbers.
fn with_body(holders: u32, exceptions: (u32, &[u8]), bits: &[u8]) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bits).unwrap();
    packed.write_all(exceptions.1).unwrap();
    let packed = packed.finish().unwrap();
    let mut bytes = sample().to_bytes()[..104].to_vec();
    for (at, number) in [
        (80, holders),
        (84, exceptions.0),
        (88, u32::try_from(exceptions.1.len()).unwrap()),
        (92, u32::try_from(packed.len()).unwrap()),
    ] {
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    bytes.extend(packed);
    sealed(bytes)
}

#[test]
fn r06_a_list_that_was_cut_or_altered_is_refused() {
    let bytes = sample().to_bytes();
    for end in 0..bytes.len() {
        let fault = OfflineFile::read(&bytes[..end], ROOM).unwrap_err();
        assert!(matches!(fault, ListFault::Cut), "cut at {end}: {fault}");
    }
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(OfflineFile::read(&altered, ROOM).is_err(), "byte {at}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(OfflineFile::read(&longer, ROOM).unwrap_err(), ListFault::Cut);
}

#[test]
fn r06_a_list_has_one_form_and_fits_the_gate() {
    let refused = |bytes: &[u8]| OfflineFile::read(bytes, ROOM).unwrap_err();
    let odd = |bytes: &[u8], case: &str| {
        let fault = refused(bytes);
        assert!(matches!(fault, ListFault::NotCanonical { .. }), "{case}: {fault}");
    };
    // Holder 0 green, the rest of the byte is padding.
    assert!(OfflineFile::read(&with_body(1, (0, &[]), &[0b1111_1100]), ROOM).is_ok());
    odd(&with_body(1, (0, &[]), &[0]), "padding that says something");
    odd(&with_body(2, (0, &[]), &[0b1111_1100]), "longer than its last holder");
    odd(&with_body(1, (0, &[]), &[0b1111_1100, 0xff]), "a byte too many in the packed part");
    odd(&with_body(5, (0, &[]), &[0]), "a byte too few");
    odd(&with_body(1, (1, &[0, 1]), &[0b1111_1100]), "an exception that is the usual");
    odd(&with_body(1, (1, &[1, 2, 0, 0, 0]), &[0b1111_1100]), "an end that is none");
    odd(&with_body(1, (1, &[1, 1, 9, 0, 0]), &[0b1111_1101]), "an end of red");
    odd(&with_body(1, (1, &[2, 2]), &[0b1111_1100]), "an exception behind the last holder");
    odd(&with_body(1, (1, &[0x80, 0, 2]), &[0b1111_1100]), "a number in a longer form");
    odd(&with_body(1, (1, &[0, 2, 0]), &[0b1111_1100]), "a byte behind the exceptions");
    let too_large = |bytes: &[u8]| matches!(refused(bytes), ListFault::TooLarge { .. });
    assert!(too_large(&with_body(ROOM.holders_max + 1, (0, &[]), &[])));
    assert!(too_large(&with_body(1, (ROOM.exceptions_max + 1, &[]), &[])));
    // 16 MB of zeros in 16 KB, behind a front that says four holders.
    odd(&with_body(4, (0, &[]), &vec![0; 16 << 20]), "a bomb");
    let mut newer = sample().to_bytes();
    newer.truncate(newer.len() - 32);
    newer[8] = 2;
    assert_eq!(refused(&sealed(newer)), ListFault::OtherVersion { found: 2 });
    assert_eq!(refused(&sealed(vec![0; 104])), ListFault::NotAList);
}

#[test]
fn r06_a_list_older_than_the_one_held_is_refused() {
    let mut world = World::new(&[(0, StatusWord::new(Colour::Green, 1))]);
    let red = [(0, Change::Status(StatusWord::new(Colour::Red, 0)))];
    let (oldest, older) = (world.file(UnixMillis(START.0 - 1)), world.file(UnixMillis(START.0 - 1)));
    let mut branch = World::new(&[(0, StatusWord::new(Colour::Green, 1))]);
    let (mut gate, _folder) = gate(&world, 1);
    let offered = gate.take_list(older, authorities(), &mut Vec::new()).unwrap_err();
    assert!(matches!(offered, ListFault::Older { .. }), "the same place, heard of earlier: {offered}");
    world.change(START, &red);
    branch.change(UnixMillis(START.0 + 7), &red);
    gate.take_list(world.file(START), authorities(), &mut Vec::new()).unwrap();
    assert!(matches!(gate.take_list(oldest, authorities(), &mut Vec::new()), Err(ListFault::Older { .. })));
    let fault = gate.take_list(branch.file(START), authorities(), &mut Vec::new()).unwrap_err();
    assert!(matches!(fault, ListFault::AnotherHistory { .. }), "{fault}");
    assert_eq!(gate.lists()[0].words().status(HolderIndex(0)).colour(), Some(Colour::Red));
}

/// The gate verifies what it is given as an engine does: it is the same follower.
#[test]
fn r21_a_list_takes_no_change_that_one_authority_alone_has_signed() {
    let mut world = World::new(&[(0, StatusWord::new(Colour::Red, 1))]);
    let green = [(0, Change::Status(StatusWord::new(Colour::Green, 0)))];
    let OfflineFile { list, tip } = world.file(START);
    let mut follower: Follower<OfflineList> = Follower::at(list, authorities(), tip, Some(START)).unwrap();
    let now = UnixMillis(START.0 + 10_000);
    let mut forged = world.signed(&national(), now, &green);
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert!(follower.change_set(&forged, &keyring(), now).is_err());
    let first = world.change(now, &green);
    let second = world.change(UnixMillis(now.0 + 5), &[(1, Change::Generation(4))]);
    let gap = follower.change_set(&second, &keyring(), UnixMillis(now.0 + 10)).unwrap();
    assert!(matches!(gap, SetAnswer::Gap { .. }), "{gap:?}");
    let status = |follower: &Follower<OfflineList>| follower.words().status(HolderIndex(0)).colour();
    assert_eq!(status(&follower), Some(Colour::Red), "nothing is applied beyond a gap");
    for bytes in [&first, &second] {
        let answer = follower.change_set(bytes, &keyring(), UnixMillis(now.0 + 10)).unwrap();
        assert!(matches!(answer, SetAnswer::Applied { .. }), "{answer:?}");
    }
    assert_eq!(status(&follower), Some(Colour::Green));
    // What it has now it can keep on its disk, and go on from.
    let kept = OfflineFile::read(&OfflineFile::bytes_of(&follower), ROOM).unwrap();
    assert_eq!((kept.tip, kept.list.issuer()), (world.tip, ISSUER));
}

#[test]
fn r06_a_set_without_room_changes_nothing() {
    let world = World::new(&[(0, StatusWord::new(Colour::Green, 1))]);
    let room = Room { holders_max: 8, exceptions_max: 2 };
    let mut list = OfflineFile::read(&world.file(START).to_bytes(), room).unwrap().list;
    let mut room_for = |holders: &[u32]| {
        let records: Vec<_> =
            holders.iter().map(|holder| Record::new(HolderIndex(*holder), Change::Generation(9))).collect();
        list.make_room(Changes::new(&records).unwrap())
    };
    assert!(room_for(&[8]).is_err(), "behind the last holder");
    assert!(room_for(&[0, 1, 2]).is_err(), "too many exceptions");
    assert!(room_for(&[1, 7]).is_ok());
}
