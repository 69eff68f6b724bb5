//! The chain's messages read as written, and nothing else reads as them.

use core::fmt::Debug;

use hufu_wire::chain::{
    ChainDigest, Change, ChangeSet, Changes, Checkpoint, Content, ContentDigest, Head, InputsDigest,
    Instruction, Position, Record, Release,
};
use hufu_wire::{
    Colour, HolderIndex, IssuerId, KeyId, Message, RuleId, Sequence, StatusWord, UnixMillis, limits, read,
    write,
};

const ISSUER: IssuerId = IssuerId(110_000);

fn records() -> Vec<Record> {
    let red = StatusWord::new(Colour::Red, 0);
    [(1, Change::Word(red.with_generation(3))), (2, Change::Generation(4)), (9, Change::Status(red))]
        .map(|(holder, change)| Record::new(HolderIndex(holder), change))
        .to_vec()
}

fn content<'a>(records: &'a [Record], reason: &'a str) -> Content<'a> {
    Content {
        proposed: UnixMillis(1_790_000_000_000).into(),
        valid_s: 3600,
        rule: RuleId(7),
        inputs: InputsDigest([0x55; 32]),
        local_key: KeyId([1; 8]),
        reason,
        changes: Changes::new(records).expect("good records"),
    }
}

fn change_set<'a>(records: &'a [Record], reason: &'a str) -> ChangeSet<'a> {
    let position = Position {
        issuer: ISSUER,
        sequence: Sequence(2),
        confirmed: UnixMillis(1_790_000_001_000),
        national_key: KeyId([2; 8]),
        previous: ChainDigest([3; 32]),
    };
    let content = content(records, reason);
    ChangeSet { position, content, local_signature: [0x11; 64], national_signature: [0x22; 64] }
}

fn head(sequence: u64, digest: ChainDigest) -> Head {
    let time = UnixMillis(1_790_000_002_000);
    let publisher_key = KeyId([4; 8]);
    Head { issuer: ISSUER, sequence: Sequence(sequence), time, publisher_key, digest, signature: [0x33; 64] }
}

fn checkpoint(sequence: u64, digest: ChainDigest) -> Checkpoint {
    Checkpoint {
        issuer: ISSUER,
        sequence: Sequence(sequence),
        made: UnixMillis(1_790_000_003_000),
        proposed: UnixMillis(1_790_000_000_000).into(),
        local_key: KeyId([1; 8]),
        national_key: KeyId([2; 8]),
        digest,
        snapshot: [6; 32],
        local_signature: [0x11; 64],
        national_signature: [0x22; 64],
    }
}

fn release() -> Release {
    Release {
        issuer: ISSUER,
        content: ContentDigest([7; 32]),
        made: UnixMillis(1_790_000_002_000),
        national_key: KeyId([2; 8]),
        set_back: 30_000,
        holders: 200_000,
        signature: [0x22; 64],
    }
}

fn written<'a>(message: &impl Message<'a>) -> Vec<u8> {
    let mut bytes = vec![0xa5; message.size()];
    write(message, &mut bytes).expect("room");
    bytes
}

/// Reads as written; no part of it does, and nothing longer.
fn check<'a, M: Message<'a> + PartialEq + Debug>(message: &M, bytes: &'a [u8], longer: &'a [u8]) {
    assert_eq!(read::<M>(bytes).as_ref(), Ok(message));
    for length in 0..bytes.len() {
        assert!(read::<M>(&bytes[..length]).is_err(), "{}: {length} bytes", M::NAME);
    }
    for length in bytes.len() + 1..=longer.len() {
        assert!(read::<M>(&longer[..length]).is_err(), "{}: {length} bytes", M::NAME);
    }
}

#[test]
fn messages_read_as_written_and_in_no_other_length() {
    let records = records();
    let longer = |bytes: &[u8]| [bytes, &[0; 40]].concat();
    let set = change_set(&records, "rule 7: contact of a case");
    let bytes = written(&set);
    check(&set, &bytes, &longer(&bytes));
    let instruction = Instruction { issuer: ISSUER, content: set.content, signature: [0x11; 64] };
    let bytes = written(&instruction);
    check(&instruction, &bytes, &longer(&bytes));
    let head = head(9, ChainDigest([5; 32]));
    let bytes = written(&head);
    check(&head, &bytes, &longer(&bytes));
    let checkpoint = checkpoint(9, ChainDigest([5; 32]));
    let bytes = written(&checkpoint);
    check(&checkpoint, &bytes, &longer(&bytes));
    let bytes = written(&release());
    check(&release(), &bytes, &longer(&bytes));
}

#[test]
fn a_release_of_nobody_is_refused() {
    let good = written(&release());
    let cases =
        [(0, 0, "not a release"), (8, 2, "unknown version"), (8 + 8 + 32 + 8 + 8, 0, "a release of nobody")];
    for (at, byte, expected) in cases {
        let mut bad = good.clone();
        bad[at..at + 4].copy_from_slice(&[byte, 0, 0, 0]);
        assert_eq!(read::<Release>(&bad).map_err(|malformed| malformed.fault), Err(expected));
    }
}

#[test]
fn the_largest_set_has_the_size_that_the_limits_name() {
    let word = Change::Word(StatusWord::new(Colour::Amber, 1));
    let most = u32::try_from(limits::CHANGES_MAX).expect("small");
    let records: Vec<_> = (0..most).map(|holder| Record::new(HolderIndex(holder), word)).collect();
    let longest = "因".repeat(limits::REASON_BYTES_MAX / 3);
    let set = change_set(&records, &longest);
    let bytes = written(&set);
    assert_eq!(bytes.len(), limits::CHANGE_SET_BYTES_MAX);
    assert_eq!(read(&bytes), Ok(set));
    let records = [records, vec![Record::new(HolderIndex(most), word)]].concat();
    assert!(Changes::new(&records).is_err());
}

/// Every byte of a change set outside keys, digests and signatures has a rule; this breaks them one by one.
#[test]
fn what_no_authority_writes_is_refused() {
    let records = records();
    let good = written(&change_set(&records, "why"));
    let fault = |at: usize, bytes: &[u8]| {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        read::<ChangeSet<'_>>(&bad).err().map(|malformed| malformed.fault)
    };
    let content = Position::BYTES;
    let changes = content + Content::HEADER_BYTES;
    for (at, bytes, expected) in [
        (0, &b"h"[..], Some("not a change set")),
        (8, &[2], Some("unknown version")),
        (16, &[0], Some("sequence 0 is before the first")),
        (16, &[1], Some("the first follows nothing, and nothing else does")),
        (40, &[0; 32], Some("the first follows nothing, and nothing else does")),
        (content + 8, &[0; 4], Some("a validity that nothing may have")),
        (content + 8, &[0xff; 4], Some("a validity that nothing may have")),
        (content + 8, &limits::INSTRUCTION_VALIDITY_S_MAX.to_le_bytes(), None),
        (
            content + 8,
            &(limits::INSTRUCTION_VALIDITY_S_MAX + 1).to_le_bytes(),
            Some("a validity that nothing may have"),
        ),
        (content + 56, &[2], Some("wrong length")),
        (content + 60, &[0], Some("no reason")),
        (content + 60, &[129], Some("a reason too long")),
        (content + 60, &[2], Some("bytes after the reason are not zero")),
        (content + 61, &[1], Some("reserved bytes are not zero")),
        (content + 64, &[0xff], Some("a reason that is not UTF-8")),
        (content + 64, &[0x1b], Some("control characters in the reason")),
        (content + 191, &[1], Some("bytes after the reason are not zero")),
        (changes, &[2], Some("holders do not rise")),
        (changes + 4, &[4], Some("unknown kind of change")),
        (changes + 5, &[1], Some("a change is not in its only spelling")),
        (changes + 6, &[1], Some("reserved bytes of a change are not zero")),
        (content, &[0; 8], None),
    ] {
        assert_eq!(fault(at, bytes), expected, "at {at}");
    }
}

#[test]
fn a_message_longer_than_any_is_refused_before_it_is_read() {
    let bytes = vec![0; limits::CHANGE_SET_BYTES_MAX + 1];
    let faults = |bytes: &[u8]| {
        let set = read::<ChangeSet<'_>>(bytes).map_err(|malformed| malformed.fault).err();
        (set, read::<Instruction<'_>>(bytes).map_err(|malformed| malformed.fault).err())
    };
    assert_eq!(faults(&bytes), (Some("too long"), Some("too long")));
    assert_eq!(faults(&bytes[1..]), (Some("not a change set"), Some("not an instruction")));
}

#[test]
fn an_instruction_expires_its_validity_after_it_was_proposed() {
    assert_eq!(content(&records(), "why").expires(), UnixMillis(1_790_003_600_000));
}

#[test]
fn only_an_empty_chain_has_no_digest() {
    for (sequence, digest, is_good) in [
        (0, ChainDigest::NONE, true),
        (1, ChainDigest([1; 32]), true),
        (0, ChainDigest([1; 32]), false),
        (1, ChainDigest::NONE, false),
    ] {
        assert_eq!(read::<Head>(&written(&head(sequence, digest))).is_ok(), is_good, "{sequence}, {digest}");
        let is_good = is_good && sequence > 0;
        let checkpoint = written(&checkpoint(sequence, digest));
        assert_eq!(read::<Checkpoint>(&checkpoint).is_ok(), is_good, "{sequence}, {digest}");
    }
}

#[test]
fn a_reason_too_long_does_not_read_back_as_it_was() {
    let records = records();
    let reason = "x".repeat(limits::REASON_BYTES_MAX + 1);
    let set = change_set(&records, &reason);
    assert_ne!(read(&written(&set)), Ok(set));
}
