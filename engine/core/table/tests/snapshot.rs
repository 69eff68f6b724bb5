//! The snapshot file: round trips, and every way of not being one.
#![cfg(not(loom))]

mod common;

use std::fs;

use common::{BEIJING, GREEN, RED, SHANGHAI, content, example, holder, reseal, table, words};
use hufu_table::{
    Limits, SEGMENT_BYTES, SEGMENT_WORDS, Snapshot, SnapshotFaultKind as Kind, SnapshotWriter, Table,
    TableFault, write_snapshot,
};
use hufu_wire::{HolderIndex, Sequence, StatusWord, UnixMillis};
use proptest::prelude::*;
use tempfile::tempdir;

#[test]
fn a_table_written_and_loaded_is_the_same_table() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("beijing.snapshot");
    let first = table();
    let mut writer = first.writer(BEIJING).unwrap();
    writer.set(HolderIndex(5), GREEN).unwrap();
    writer.set(holder(2, 1), RED).unwrap();
    writer.advance(Sequence(7), UnixMillis(1_000)).unwrap();
    let written = write_snapshot(&first.reader(), BEIJING, &path).unwrap();
    assert_eq!((written.sequence, written.holders, written.segments), (Sequence(7), 2, 2));
    assert_eq!(written.bytes, fs::metadata(&path).unwrap().len());

    let second = table();
    let mut writer = second.writer(BEIJING).unwrap();
    let loaded = Snapshot::open(&path).unwrap().load(&mut writer).unwrap();
    assert_eq!(loaded, written);
    let (reader, slot) = (second.reader(), writer.slot());
    assert_eq!(reader.as_of(slot).sequence, Sequence(7));
    assert_eq!(reader.as_of(slot).heard, Some(UnixMillis(1_000)));
    assert_eq!(reader.lookup(slot, HolderIndex(5)), GREEN);
    assert_eq!(reader.lookup(slot, holder(2, 1)), RED);
    assert_eq!(reader.lookup(slot, HolderIndex(4)), StatusWord::UNKNOWN, "R07");
    assert_eq!(reader.lookup(slot, holder(1, 0)), StatusWord::UNKNOWN, "R07: a segment that was left out");
    assert_eq!(reader.memory().unwrap().segments, 2, "an unknown segment costs nothing");
}

#[test]
fn the_bytes_are_those_of_the_drawing() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("example.snapshot");
    example(&path);
    let first: Vec<u8> =
        [0, GREEN.to_bits(), RED.to_bits()].iter().flat_map(|word| word.to_le_bytes()).collect();
    let second = RED.to_bits().to_le_bytes();
    let mut bytes = b"HUFUSNAP".to_vec();
    bytes.extend([1, 0, 0, 0]);
    bytes.extend(110_000_u32.to_le_bytes());
    bytes.extend(9_u64.to_le_bytes());
    bytes.extend(1_795_000_000_000_u64.to_le_bytes());
    bytes.extend(3_u64.to_le_bytes());
    bytes.extend(2_u32.to_le_bytes());
    bytes.extend([0; 20]);
    let mut list = Vec::new();
    for (segment, words) in [(0_u32, &first[..]), (2, &second[..])] {
        list.extend(segment.to_le_bytes());
        list.extend(u32::try_from(words.len() / 8).unwrap().to_le_bytes());
        list.extend(blake3::hash(words).as_bytes());
    }
    let digest = blake3::hash(&[&bytes[..], &list[..]].concat());
    bytes.extend([&first[..], &second, &list, digest.as_bytes()].concat());
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let drawn: Vec<u8> = include_str!("../../../../docs/SNAPSHOT.md")
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.split_once("  "))
        .filter(|(offset, _)| offset.len() == 4 && offset.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .flat_map(|(_, hex)| hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("hex")))
        .collect();
    assert_eq!(drawn, bytes, "docs/SNAPSHOT.md shows this very file");
    assert_eq!(Snapshot::open(&path).unwrap().info().digest.0, *digest.as_bytes());
}

#[test]
fn a_snapshot_over_a_table_in_use_replaces_every_word() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("next.snapshot");
    let mut snapshot = SnapshotWriter::create(&path, BEIJING, Sequence(3), Some(UnixMillis(3))).unwrap();
    snapshot.push(&[RED, GREEN]).unwrap();
    snapshot.skip(SEGMENT_WORDS as u64 - 2).unwrap();
    snapshot.push(&vec![RED; SEGMENT_WORDS]).unwrap();
    snapshot.finish().unwrap();

    let table = table();
    let mut writer = table.writer(BEIJING).unwrap();
    // A few words differ in segment 0, all of them in segment 1; segment 2 is not in the snapshot at all.
    for place in [holder(0, 0), holder(0, 9), holder(1, 0), holder(1, 7), holder(2, 0)] {
        writer.set(place, GREEN).unwrap();
    }
    let reserved = table.reader().memory().unwrap().bytes_reserved;
    Snapshot::open(&path).unwrap().load(&mut writer).unwrap();
    let (reader, slot) = (table.reader(), writer.slot());
    let look = |place| reader.lookup(slot, place);
    assert_eq!((look(holder(0, 0)), look(holder(0, 1))), (RED, GREEN));
    assert_eq!(look(holder(0, 9)), StatusWord::UNKNOWN);
    assert_eq!((look(holder(1, 0)), look(holder(1, 261_000))), (RED, RED));
    assert_eq!(look(holder(2, 0)), StatusWord::UNKNOWN);
    assert_eq!(reader.memory().unwrap().bytes_reserved, reserved, "what was staged is given back");
}

#[test]
fn every_cut_is_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("cut.snapshot");
    example(&path);
    let whole = fs::read(&path).unwrap();
    for bytes in 0..whole.len() {
        fs::write(&path, &whole[..bytes]).unwrap();
        refused(&path, &format!("{bytes} bytes of {}", whole.len()));
    }
    fs::write(&path, [&whole[..], &[0]].concat()).unwrap();
    refused(&path, "a byte too many");
}

#[test]
fn every_flipped_bit_is_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("flipped.snapshot");
    example(&path);
    let whole = fs::read(&path).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bytes).unwrap();
        refused(&path, &format!("bit {bit}"));
    }
}

/// Loads the file over a table in use: an error that names the file, and nothing else happens.
#[track_caller]
fn refused(path: &std::path::Path, what: &str) {
    let table = table();
    let mut writer = table.writer(BEIJING).expect("free");
    writer.set(HolderIndex(1), RED).expect("there is room");
    writer.set(holder(1, 1), GREEN).expect("there is room");
    writer.advance(Sequence(2), UnixMillis(2)).expect("there is room");
    let before = content(&table, &writer);
    let fault = Snapshot::open(path).and_then(|snapshot| snapshot.load(&mut writer)).expect_err(what);
    assert!(fault.to_string().starts_with(&path.display().to_string()), "{what}: {fault}");
    assert_eq!(content(&table, &writer), before, "{what}");
    let verified = Snapshot::open(path).and_then(|snapshot| snapshot.verify()).expect_err(what);
    assert_eq!(verified.to_string(), fault.to_string(), "without a table: {what}");
}

#[test]
fn r22_a_snapshot_is_verified_without_a_table() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("kept.snapshot");
    example(&path);
    let whole = fs::read(&path).unwrap();
    Snapshot::open(&path).unwrap().verify().expect("as it was written");
    // A word of either segment, each of which the header and the segment list know nothing of.
    for at in [64 + 8, 64 + 16, 64 + 24] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        let snapshot = Snapshot::open(&path).expect("only the words are damaged");
        let fault = snapshot.verify().expect_err("a damaged word");
        assert!(fault.to_string().contains("the digest of a segment differs"), "byte {at}: {fault}");
    }
    // What it said when it was opened is not what the file says now.
    fs::write(&path, &whole).unwrap();
    let snapshot = Snapshot::open(&path).unwrap();
    fs::write(&path, &whole[..64 + 24]).unwrap();
    let fault = snapshot.verify().expect_err("cut meanwhile");
    assert!(fault.to_string().contains("it is cut off"), "{fault}");
}

/// Somebody who can compute digests but does not keep to the format: what is altered, and what gives it away.
#[test]
fn a_file_with_good_digests_and_bad_content_is_refused() {
    let check = |what: &str, alter: &dyn Fn(&mut Vec<u8>)| {
        let folder = tempdir().unwrap();
        let path = folder.path().join("made-up.snapshot");
        example(&path);
        let mut bytes = fs::read(&path).unwrap();
        alter(&mut bytes);
        reseal(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        refused(&path, what);
        let fault = Snapshot::open(&path)
            .and_then(|snapshot| snapshot.load(&mut table().writer(BEIJING).unwrap()))
            .expect_err(what);
        assert!(fault.to_string().contains(what), "{fault}");
    };
    let list = |bytes: &[u8]| bytes.len() - 32 - 80;
    check("more segments than holder indexes allow", &|bytes| bytes[40..44].fill(0xFF));
    check("it is cut off", &|bytes| bytes[40..44].copy_from_slice(&16_384_u32.to_le_bytes()));
    check("its length does not match", &|bytes| bytes[40] = 1);
    check("reserved bytes are not zero", &|bytes| bytes[50] = 1);
    check("segments out of order", &|bytes| {
        let at = list(bytes);
        bytes[at] = 2;
    });
    check("segments out of order", &|bytes| {
        let at = list(bytes);
        bytes[at + 40..at + 44].copy_from_slice(&16_384_u32.to_le_bytes());
    });
    check("a segment of impossible length", &|bytes| {
        let at = list(bytes);
        bytes[at + 4..at + 8].copy_from_slice(&262_145_u32.to_le_bytes());
    });
    check("a segment of impossible length", &|bytes| {
        let at = list(bytes);
        bytes[at + 4..at + 8].fill(0);
    });
    check("longer than its last holder", &|bytes| {
        let at = list(bytes);
        bytes[64 + 16..64 + 24].fill(0);
        let digest = blake3::hash(&bytes[64..64 + 24]);
        bytes[at + 8..at + 40].copy_from_slice(digest.as_bytes());
    });
    check("counts its holders wrongly", &|bytes| bytes[32] = 4);
    check("the digest of a segment differs", &|bytes| {
        let at = list(bytes);
        bytes[at + 8] ^= 1;
    });
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("110000.snapshot");
    let check = |bytes: &[u8], expected: &str| {
        fs::write(&path, bytes).unwrap();
        let fault = Snapshot::open(&path).expect_err(expected);
        let text = fault.to_string();
        assert!(text.contains("110000.snapshot") && text.contains(expected), "{text}");
    };
    check(b"", "damaged (it is cut off)");
    check(&[b'#'; 100], "not a Hufu status snapshot; check the path");
    example(&path);
    let mut newer = fs::read(&path).unwrap();
    newer[8] = 2;
    check(&newer, "a snapshot of version 2, but this engine reads version 1");
    let fault = Snapshot::open(folder.path()).expect_err("a folder");
    assert!(matches!(fault.kind, Kind::NotASnapshot | Kind::Io { .. }), "{fault}");
    let fault = Snapshot::open(folder.path().join("none")).expect_err("no file");
    assert!(fault.to_string().contains("cannot open it: No such file"), "{fault}");
}

/// R22: the same sequence with other words is a fork, and the first one stays.
#[test]
fn r22_one_sequence_has_one_content() {
    let folder = tempdir().unwrap();
    let far = SEGMENT_WORDS as u64;
    let write = |name: &str, words: &[StatusWord], gap: u64, beyond: &[StatusWord], heard: u64| {
        let path = folder.path().join(name);
        let mut snapshot =
            SnapshotWriter::create(&path, BEIJING, Sequence(4), Some(UnixMillis(heard))).unwrap();
        snapshot.push(words).unwrap();
        snapshot.skip(gap).unwrap();
        snapshot.push(beyond).unwrap();
        snapshot.finish().unwrap();
        Snapshot::open(&path).unwrap()
    };
    let table = table();
    let mut writer = table.writer(BEIJING).unwrap();
    write("first", &[RED, GREEN], far, &[RED], 1).load(&mut writer).unwrap();
    let forks = [
        ("one word", write("a", &[GREEN, GREEN], far, &[RED], 2)),
        ("one word more", write("b", &[RED, GREEN, RED], far, &[RED], 2)),
        ("a segment less", write("c", &[RED, GREEN], 0, &[], 2)),
        ("a segment more", write("d", &[RED, GREEN], 2 * far, &[RED], 2)),
        ("most words", write("e", &vec![GREEN; SEGMENT_WORDS], far, &[RED], 2)),
        ("nobody", write("f", &[], 0, &[], 2)),
    ];
    for (name, fork) in forks {
        let fault = fork.load(&mut writer).unwrap_err();
        assert!(matches!(fault.kind, Kind::Table(TableFault::Fork { .. })), "{name}: {fault}");
        assert_eq!(table.reader().lookup(writer.slot(), holder(0, 0)), RED, "{name}");
    }
    write("again", &[RED, GREEN], far, &[RED], 9).load(&mut writer).unwrap();
    assert_eq!(table.reader().as_of(writer.slot()).heard, Some(UnixMillis(9)), "heard of anew");
}

#[test]
fn a_snapshot_is_loaded_only_where_it_belongs() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("example.snapshot");
    example(&path);
    let snapshot = Snapshot::open(&path).unwrap();

    let table = table();
    let fault = snapshot.load(&mut table.writer(SHANGHAI).unwrap()).unwrap_err();
    assert!(matches!(fault.kind, Kind::OtherIssuer { found: BEIJING, wanted: SHANGHAI }), "{fault}");

    let mut writer = table.writer(BEIJING).unwrap();
    writer.advance(Sequence(10), UnixMillis(1)).unwrap();
    let fault = snapshot.load(&mut writer).unwrap_err();
    assert!(matches!(fault.kind, Kind::Table(TableFault::Rollback { .. })), "R22: {fault}");

    let one_segment = Limits { bytes_max: SEGMENT_BYTES as u64, ..Limits::for_holders(1, 1) };
    let fault = snapshot.load(&mut Table::new(one_segment).unwrap().writer(BEIJING).unwrap()).unwrap_err();
    assert!(matches!(fault.kind, Kind::Table(TableFault::Full { .. })), "{fault}");

    let few_holders = Limits { holders_max: 1_000, ..Limits::default() };
    let fault = snapshot.load(&mut Table::new(few_holders).unwrap().writer(BEIJING).unwrap()).unwrap_err();
    assert!(matches!(fault.kind, Kind::Table(TableFault::HolderOutOfRange { .. })), "{fault}");

    let fault = write_snapshot(&table.reader(), hufu_wire::IssuerId(1), &path).unwrap_err();
    assert!(matches!(fault.kind, Kind::NotFollowed { .. }), "{fault}");
    assert!(Snapshot::open(&path).is_ok(), "the file that was there still is");
}

#[test]
fn a_snapshot_that_is_not_finished_was_never_there() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("example.snapshot");
    let digest = example(&path).digest;
    let mut abandoned = SnapshotWriter::create(&path, BEIJING, Sequence(1), None).unwrap();
    abandoned.push(&[GREEN; 100]).unwrap();
    drop(abandoned);
    assert_eq!(Snapshot::open(&path).unwrap().info().digest, digest);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no partial file is left");
    assert!(SnapshotWriter::create(folder.path().join("no/folder"), BEIJING, Sequence(1), None).is_err());
}

#[test]
fn more_holders_than_there_are_indexes_are_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("full.snapshot");
    let mut snapshot = SnapshotWriter::create(&path, BEIJING, Sequence(1), None).unwrap();
    snapshot.skip((1 << 32) - 1).unwrap();
    snapshot.push(&[RED]).unwrap();
    assert!(matches!(snapshot.push(&[RED]).unwrap_err().kind, Kind::TooManyHolders));
    let info = snapshot.finish().unwrap();
    assert_eq!((info.holders, info.segments), (1, 1));
    let table = Table::new(Limits::for_holders(1, 1)).unwrap();
    let mut writer = table.writer(BEIJING).unwrap();
    Snapshot::open(&path).unwrap().load(&mut writer).unwrap();
    assert_eq!(table.reader().lookup(writer.slot(), HolderIndex(u32::MAX)), RED);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever was in the table before, after loading it holds the snapshot's words; and writing them again
    /// gives the same digest.
    #[test]
    fn loading_gives_exactly_the_words_pushed(
        runs in prop::collection::vec((0_u64..300_000, prop::collection::vec(any::<u64>(), 0..40)), 0..4),
        before in prop::collection::vec((0_u32..900_000, any::<u64>()), 0..20),
    ) {
        let folder = tempdir().unwrap();
        let path = folder.path().join("any.snapshot");
        let mut snapshot = SnapshotWriter::create(&path, BEIJING, Sequence(4), None).unwrap();
        let mut model = Vec::new();
        for (gap, run) in &runs {
            snapshot.skip(*gap).unwrap();
            model.resize(model.len() + usize::try_from(*gap).unwrap(), 0);
            snapshot.push(&words(run)).unwrap();
            model.extend(run);
        }
        let written = snapshot.finish().unwrap();
        prop_assert_eq!(written.holders, model.iter().filter(|&&bits| bits != 0).count() as u64);

        let table = Table::new(Limits::for_holders(1, 2_000_000)).unwrap();
        let mut writer = table.writer(BEIJING).unwrap();
        for (holder, bits) in before {
            writer.set(HolderIndex(holder), StatusWord::from_bits(bits)).unwrap();
        }
        prop_assert_eq!(Snapshot::open(&path).unwrap().load(&mut writer).unwrap(), written);
        let reader = table.reader();
        for holder in 0..1_300_000_u32 {
            let expected = model.get(holder as usize).copied().unwrap_or(0);
            prop_assert_eq!(reader.lookup(writer.slot(), HolderIndex(holder)).to_bits(), expected, "{}", holder);
        }
        prop_assert_eq!(write_snapshot(&reader, BEIJING, &path).unwrap().digest, written.digest);
    }
}
