//! Lists as they arrive, and as they are due: rollback, expiry, restarts, other keys, several lists. No clock but numbers.

#![allow(clippy::unwrap_used, reason = "a test")]

use hufu_statuslist::colours::{Amber, INVALID, SUSPENDED, VALID};
use hufu_statuslist::{
    Bits, Claims, Fault, Follower, Format, Keys, Publisher, Shards, Signer, StatusList, Terms, look, write,
};
use hufu_table::{Limits, Reader, Table, Writer};
use hufu_wire::{Colour, HolderIndex, IssuerId, Sequence, StatusMinute, StatusWord, UnixMillis, UnixSeconds};

const NOW: UnixSeconds = UnixSeconds(1_790_000_000);
const ISSUER: IssuerId = IssuerId(900_001);
const URI: &str = "https://a.example/{shard}";

fn signer() -> Signer {
    Signer::from_pem(Signer::generate().unwrap().as_bytes(), b"").unwrap()
}

fn later(seconds: u32) -> UnixSeconds {
    UnixSeconds(NOW.0 + seconds)
}

fn token(signer: &Signer, shard: u32, at: UnixSeconds, values: &[u8]) -> Vec<u8> {
    token_of(Bits::Two, signer, shard, at, values)
}

fn token_of(bits: Bits, signer: &Signer, shard: u32, at: UnixSeconds, values: &[u8]) -> Vec<u8> {
    let expires = Some(UnixSeconds(at.0 + 100));
    let uri = Shards::new(URI.to_owned(), 4).uri(shard);
    let claims = Claims { uri, issued: at, expires, ttl_s: Some(30) };
    let zlib = StatusList::of(bits, values.iter().copied()).deflate();
    write(Format::Cwt, &claims, bits, &zlib, signer).unwrap()
}

/// A follower of `count` lists of four holders, and what checks see of it.
fn follower(table: &Table, count: u32, signers: &[&Signer]) -> Follower {
    let keys = signers.iter().fold(Keys::default(), |keys, signer| keys.with(signer.public().clone()));
    Follower::new(table.writer(ISSUER).unwrap(), Shards::new(URI.to_owned(), 4), count, None, keys)
}

fn table() -> Table {
    Table::new(Limits::for_holders(1, 1_000_000)).unwrap()
}

fn colours(reader: &Reader, holders: u32) -> Vec<Option<Colour>> {
    let slot = reader.slot(ISSUER).unwrap();
    (0..holders).map(|holder| reader.lookup(slot, HolderIndex(holder)).colour()).collect()
}

fn heard(reader: &Reader) -> Option<UnixSeconds> {
    reader.as_of(reader.slot(ISSUER).unwrap()).heard.map(UnixMillis::seconds)
}

#[test]
fn r64_a_list_is_applied_whole_and_never_an_older_one() {
    let (table, signer) = (table(), signer());
    let reader = table.reader();
    let mut follower = follower(&table, 1, &[&signer]);
    assert_eq!(follower.wait_s(60), 60);
    let taken = follower.take(0, &token(&signer, 0, NOW, &[VALID, INVALID, SUSPENDED, 3]), NOW).unwrap();
    assert_eq!((taken.changed, taken.entries, taken.issued), (3, 4, NOW), "the fourth stays unknown");
    let said = [Some(Colour::Green), Some(Colour::Red), Some(Colour::Amber), None, None];
    assert_eq!(colours(&reader, 5), said);
    assert_eq!(reader.as_of(reader.slot(ISSUER).unwrap()).sequence, Sequence(NOW.0.into()));
    assert_eq!((heard(&reader), follower.wait_s(60), follower.wait_s(5)), (Some(NOW), 30, 5));

    let older = token(&signer, 0, UnixSeconds(NOW.0 - 1), &[VALID; 4]);
    assert_eq!(follower.take(0, &older, NOW), Err(Fault::Older { found: NOW.0 - 1, held: NOW.0 }));
    let wrong = [
        token(&signer, 1, later(5), &[VALID; 4]),
        token(&self::signer(), 0, later(5), &[VALID; 4]),
        token(&signer, 0, later(120), &[VALID; 4]),
    ];
    for wrong in wrong {
        assert!(follower.take(0, &wrong, NOW).is_err());
    }
    assert_eq!((colours(&reader, 5), heard(&reader)), (said.to_vec(), Some(NOW)), "nothing has changed");
    // A list that shrinks forgets all but red of what it no longer says.
    follower.take(0, &token(&signer, 0, later(1), &[VALID; 8]), later(1)).unwrap();
    follower.take(0, &token(&signer, 0, later(2), &[INVALID; 4]), later(2)).unwrap();
    assert_eq!(colours(&reader, 8), [[Some(Colour::Red); 4], [None; 4]].concat());
}

#[test]
fn r64_an_expired_list_counts_for_nothing_but_red() {
    let (table, signer) = (table(), signer());
    let reader = table.reader();
    let mut follower = follower(&table, 1, &[&signer]);
    follower.take(0, &token(&signer, 0, NOW, &[VALID, INVALID, SUSPENDED, VALID]), NOW).unwrap();
    assert!(follower.look(later(99)).is_empty());
    assert_eq!(follower.look(later(100)), [0]);
    assert_eq!(colours(&reader, 4), [None, Some(Colour::Red), None, None]);
    assert_eq!(
        (heard(&reader), follower.look(later(101)).len()),
        (Some(NOW), 0),
        "it grows old, and is told once"
    );
    follower.take(0, &token(&signer, 0, later(101), &[VALID; 4]), later(101)).unwrap();
    assert_eq!(colours(&reader, 4), [Some(Colour::Green); 4]);
}

#[test]
fn r64_a_restart_serves_what_was_there_and_takes_nothing_older() {
    let (signer, kept) = (signer(), |signer: &Signer| token(signer, 0, NOW, &[VALID, INVALID, VALID, VALID]));
    let kept = kept(&signer);
    let table_of = |now| {
        let table = table();
        let mut follower = follower(&table, 1, &[&signer]);
        follower.recall(0, &kept, now).unwrap();
        (table.reader(), follower)
    };
    let (reader, mut follower) = table_of(later(10));
    assert_eq!(colours(&reader, 2), [Some(Colour::Green), Some(Colour::Red)]);
    assert_eq!(heard(&reader), Some(NOW));
    let older = token(&signer, 0, UnixSeconds(NOW.0 - 1), &[VALID; 4]);
    assert!(matches!(follower.take(0, &older, later(10)), Err(Fault::Older { .. })));
    // Expired while the engine was down: its date counts, its colours do not.
    let (reader, mut follower) = table_of(later(1_000));
    assert_eq!(colours(&reader, 2), [None; 2]);
    assert!(matches!(follower.take(0, &older, later(10)), Err(Fault::Older { .. })));
    // Without the token there is still the date.
    let table = table();
    let mut lost = self::follower(&table, 1, &[&signer]);
    lost.not_before(NOW);
    assert!(matches!(lost.take(0, &older, NOW), Err(Fault::Older { .. })));
    assert!(lost.take(0, &kept, NOW).is_ok());
}

#[test]
fn r64_another_key_counts_once_it_is_named() {
    let (table, first, second) = (table(), signer(), signer());
    let mut follower = follower(&table, 1, &[&first, &second]);
    follower.take(0, &token(&first, 0, NOW, &[VALID; 4]), NOW).unwrap();
    follower.take(0, &token(&second, 0, later(1), &[INVALID; 4]), later(1)).unwrap();
    assert_eq!(colours(&table.reader(), 1), [Some(Colour::Red)]);
    let third = token(&signer(), 0, later(2), &[VALID; 4]);
    assert_eq!(follower.take(0, &third, later(2)), Err(Fault::Signature));
}

#[test]
fn r64_several_lists_are_as_old_as_the_oldest() {
    let (table, signer) = (table(), signer());
    let reader = table.reader();
    let mut follower = follower(&table, 2, &[&signer]);
    follower.take(1, &token(&signer, 1, later(5), &[INVALID; 4]), later(5)).unwrap();
    assert_eq!(heard(&reader), None, "until each has come, the age is unknown");
    follower.take(0, &token(&signer, 0, NOW, &[VALID; 4]), later(5)).unwrap();
    assert_eq!(heard(&reader), Some(NOW));
    assert_eq!(colours(&reader, 8), [[Some(Colour::Green); 4], [Some(Colour::Red); 4]].concat());
    follower.take(0, &token(&signer, 0, later(9), &[VALID; 4]), later(9)).unwrap();
    assert_eq!(heard(&reader), Some(later(5)));
    // Lists must not overlap: each has exactly the number of entries that is agreed.
    let long = token(&signer, 0, later(10), &[VALID; 8]);
    assert!(matches!(follower.take(0, &long, later(10)), Err(Fault::Entries { expected: 4, .. })));
    let short = token(&signer, 0, later(10), &[]);
    assert!(follower.take(0, &short, later(10)).is_err());
}

#[test]
fn r64_what_fills_the_last_byte_of_a_list_is_of_no_holder() {
    let (table, signer) = (table(), signer());
    let mut several = follower(&table, 2, &[&signer]);
    several.take(1, &token_of(Bits::One, &signer, 1, NOW, &[INVALID; 4]), NOW).unwrap();
    let newer = token_of(Bits::One, &signer, 0, later(1), &[VALID; 4]);
    let taken = several.take(0, &newer, later(1)).unwrap();
    assert_eq!((taken.changed, taken.entries, several.entries()), (4, 4, 8), "a byte has eight");
    let said = [[Some(Colour::Green); 4], [Some(Colour::Red); 4], [None; 4]].concat();
    assert_eq!(colours(&table.reader(), 12), said, "red of the next list stays red");

    let (table, keys) = (self::table(), Keys::default().with(signer.public().clone()));
    let shards = Shards::new(URI.to_owned(), 4);
    let mut alone = Follower::new(table.writer(ISSUER).unwrap(), shards, 1, Some(3), keys);
    alone.take(0, &token_of(Bits::One, &signer, 0, NOW, &[VALID; 3]), NOW).unwrap();
    let said = [vec![Some(Colour::Green); 3], vec![None; 5]].concat();
    assert_eq!(colours(&table.reader(), 8), said);
}

#[test]
fn r64_an_issuer_larger_than_the_table_changes_nothing() {
    let table = Table::new(Limits {
        issuers_max: 2,
        holders_max: 1 << 20,
        bytes_max: hufu_table::SEGMENT_BYTES as u64,
    })
    .unwrap();
    let signer = signer();
    let mut follower = follower(&table, 1, &[&signer]);
    let large = token(&signer, 0, NOW, &vec![VALID; hufu_table::SEGMENT_WORDS + 1]);
    assert!(matches!(follower.take(0, &large, NOW), Err(Fault::NoRoom(_))));
    assert_eq!((colours(&table.reader(), 1), follower.as_of()), (vec![None], None));
    let mut other = table.writer(IssuerId(310_000)).unwrap();
    other.make_room(HolderIndex(0)).expect("what was refused has taken no room of others");
}

/// A publisher of lists of four holders over a table of ours.
fn publisher() -> (Writer, Publisher) {
    publisher_of(1 << 17)
}

fn publisher_of(entries: u32) -> (Writer, Publisher) {
    let table = table();
    let mut writer = table.writer(ISSUER).unwrap();
    for (holder, colour) in [(0, Colour::Green), (1, Colour::Red), (2, Colour::Amber), (5, Colour::Green)] {
        writer.set(HolderIndex(holder), StatusWord::new(colour, 9)).unwrap();
    }
    let shards = Shards::new(URI.to_owned(), entries);
    let terms = Terms { shards, amber: Amber::Suspended, ttl_s: 60, valid_s: 600 };
    let (reader, slot) = (table.reader(), writer.slot());
    (writer, Publisher::new(terms, signer(), reader, slot))
}

#[test]
fn r64_lists_are_published_when_they_change_and_before_their_ttl_ends() {
    let (mut writer, mut publisher) = publisher();
    assert!(publisher.look(NOW).unwrap().is_empty(), "nothing before the first head");
    writer.advance(Sequence(1), NOW.millis()).unwrap();
    let first = publisher.look(later(3)).unwrap();
    assert_eq!(
        first.iter().map(|list| list.shard).collect::<Vec<_>>(),
        [0, 1],
        "as far as holders may be known"
    );
    assert_eq!(first[0].claims.issued, NOW, "dated by the head, not by the clock");
    assert_eq!(first[0].claims.expires, Some(later(600)));
    let list = look(&first[0].tokens[1]).unwrap().list;
    assert_eq!((0..7).map(|index| list.get(index).unwrap()).collect::<Vec<_>>(), [0, 1, 2, 1, 1, 0, 1]);
    assert_eq!(first[0].not_valid, (1 << 17) - 2);
    assert_eq!(look(&first[0].tokens[0]).unwrap().list, list, "both forms are of one list");

    writer.heard(later(10).millis());
    assert!(publisher.look(later(10)).unwrap().is_empty(), "nothing has changed");
    writer.set(HolderIndex(0), StatusWord::new(Colour::Red, 9)).unwrap();
    writer.advance(Sequence(2), later(11).millis()).unwrap();
    let second = publisher.look(later(11)).unwrap();
    assert_eq!(
        second.iter().map(|list| list.shard).collect::<Vec<_>>(),
        [0],
        "the list that has changed alone"
    );
    assert_eq!(look(&second[0].tokens[0]).unwrap().list.get(0), Some(INVALID));
    writer.heard(later(30).millis());
    let third = publisher.look(later(30)).unwrap();
    assert_eq!(third.iter().map(|list| list.shard).collect::<Vec<_>>(), [1], "half of the ttl is over");
    assert!(publisher.look(later(500)).unwrap().is_empty(), "without a head nothing is made to look fresh");
}

#[test]
fn r64_a_list_that_cannot_be_written_is_not_dated_forward() {
    let (mut writer, mut publisher) = publisher();
    writer.advance(Sequence(1), NOW.millis()).unwrap();
    for second in 0..20 {
        let lists = publisher.look(later(second)).unwrap();
        assert_eq!(lists.first().map(|list| (list.shard, list.claims.issued)), Some((0, NOW)), "{second}");
        publisher.lost(0);
    }
    // A head may be later, and another list has another date: a part of the lost one may have been read.
    writer.heard(later(5).millis());
    assert_eq!(publisher.look(later(30)).unwrap()[0].claims.issued, later(5));
    publisher.lost(0);
    writer.set(HolderIndex(0), StatusWord::new(Colour::Red, 9)).unwrap();
    writer.advance(Sequence(2), later(5).millis()).unwrap();
    assert_eq!(publisher.look(later(31)).unwrap()[0].claims.issued, later(6));
}

#[test]
fn r64_a_publisher_that_starts_again_dates_no_list_before_those_of_the_earlier_run() {
    let (mut writer, mut publisher) = publisher();
    publisher.not_before(0, later(10));
    publisher.not_before(0, later(8));
    let mut written = |writer: &mut Writer, heard: u32| {
        writer.heard(later(heard).millis());
        let lists = publisher.look(later(20)).unwrap();
        lists.iter().map(|list| (list.shard, list.claims.issued)).collect::<Vec<_>>()
    };
    writer.advance(Sequence(1), NOW.millis()).unwrap();
    assert_eq!(written(&mut writer, 9), [(1, later(9))], "the head is older than the first list");
    assert_eq!(written(&mut writer, 10), [(0, later(11))], "no two lists have one date");
    assert!(written(&mut writer, 12).is_empty(), "nothing has changed");
}

#[test]
fn r64_a_colour_that_ends_is_published_as_ended_and_no_date_comes_twice() {
    let (mut writer, mut publisher) = publisher();
    let ends = StatusMinute::nearest(later(120));
    writer.set(HolderIndex(0), StatusWord::new(Colour::Green, 9).with_until(ends)).unwrap();
    writer.advance(Sequence(1), later(60).millis()).unwrap();
    let before = publisher.look(later(60)).unwrap();
    let after = publisher.look(UnixSeconds(ends.starts().0 + 1)).unwrap();
    assert_eq!(look(&before[0].tokens[0]).unwrap().list.get(0), Some(VALID));
    assert_eq!(look(&after[0].tokens[0]).unwrap().list.get(0), Some(INVALID));
    assert!(after[0].claims.issued > before[0].claims.issued);
}

#[test]
fn r64_many_lists_are_written_a_few_at_a_time_and_each_has_its_turn() {
    let (mut writer, mut publisher) = publisher_of(1 << 10);
    writer.advance(Sequence(1), NOW.millis()).unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        // A change in the first list, again and again, keeps no other one waiting.
        let written = publisher.look(later(3)).unwrap();
        assert!(written.len() <= 64, "{} lists at once", written.len());
        seen.extend(written.iter().map(|list| list.shard));
        let red = if seen.len() % 128 == 0 { Colour::Green } else { Colour::Red };
        writer.set(HolderIndex(0), StatusWord::new(red, 9)).unwrap();
        let next = Sequence(u64::try_from(seen.len()).unwrap() + 1);
        writer.advance(next, NOW.millis()).unwrap();
    }
    let lists: std::collections::BTreeSet<u32> = seen.iter().copied().collect();
    assert!(lists.len() > 128, "{lists:?}");
    assert_eq!(lists.len(), *lists.last().unwrap() as usize + 1, "none is left out");
}
