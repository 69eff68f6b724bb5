//! The kept bytes of every message, `fixtures/golden/wire/`, are read, are written again as they are, and are
//! nothing else: no flipped bit and no other length reads as the same message.

use core::fmt::Debug;
use std::fs;

use hufu_wire::chain::{ChangeSet, Checkpoint, Head, Instruction, Release};
use hufu_wire::{
    CheckRequest, Cookie, Enrolled, FrameHeader, FrameKind, MemberVerdict, Message, ReplyHeader,
    RequestHeader, RosterReply, ServerTime, Verdict, read, write,
};

/// The byte strings of one file.
fn kept(message: &str) -> Vec<Vec<u8>> {
    let file = format!("{}/../../../fixtures/golden/wire/{message}.json", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&file).expect("a golden file");
    let values = text.split("\"hex\": \"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
    let bytes = |hex: &str| {
        let pairs = hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("digits"));
        pairs.map(|pair| u8::from_str_radix(pair, 16).expect("two digits")).collect()
    };
    values.map(bytes).collect()
}

fn written<'a>(message: &impl Message<'a>) -> Vec<u8> {
    let mut bytes = vec![0xa5; message.size() + 1];
    let length = write(message, &mut bytes).expect("room");
    assert_eq!(length, message.size());
    assert_eq!(bytes.pop(), Some(0xa5), "nothing is written past the message");
    bytes
}

/// Reads and writes every kept byte string of `$message` as `$type`.
macro_rules! check {
    ($message:literal, $type:ty) => {{
        let all = kept($message);
        assert!(!all.is_empty(), "{} has no case", $message);
        for bytes in all {
            check_one(&bytes, read::<$type>, $message);
            for bit in 0..bytes.len().min(256) * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let Ok(other) = read::<$type>(&flipped) else { continue };
                // Reasons of newer engines are one reason here.
                if !format!("{other:?}").contains("Unrecognised") {
                    assert_eq!(written(&other), flipped, "{}: bit {bit} of {bytes:02x?}", $message);
                }
            }
        }
    }};
}

fn check_one<'a, M: Message<'a> + Debug, E: Debug>(
    bytes: &'a [u8],
    read: impl Fn(&'a [u8]) -> Result<M, E>,
    name: &str,
) {
    let message = read(bytes).unwrap_or_else(|fault| panic!("{name}: {fault:?} in {bytes:02x?}"));
    // What a newer engine's reason was is not kept.
    if !format!("{message:?}").contains("Unrecognised") {
        assert_eq!(written(&message), bytes, "{name}");
    }
    assert!(read(&bytes[..bytes.len() - 1]).is_err(), "{name} reads without its last byte");
    assert!(read(&[]).is_err(), "{name} reads out of nothing");
}

#[test]
fn r01_every_golden_message_is_written_as_it_was_read() {
    check!("check-request", CheckRequest<'_>);
    check!("cookie", Cookie);
    check!("enrolled", Enrolled);
    check!("frame-header", FrameHeader);
    check!("member-verdict", MemberVerdict);
    check!("roster-reply", RosterReply);
    check!("sealed-reply-header", ReplyHeader);
    check!("sealed-request-header", RequestHeader);
    check!("server-time", ServerTime);
    check!("verdict", Verdict);
    check!("change-set", ChangeSet<'_>);
    check!("instruction", Instruction<'_>);
    check!("head", Head);
    check!("checkpoint", Checkpoint);
    check!("release", Release);
}

#[test]
fn every_kind_of_frame_has_its_number_and_no_other_number_is_one() {
    let kinds: Vec<(u8, FrameKind)> =
        (0..=u8::MAX).filter_map(|byte| Some((byte, FrameKind::from_byte(byte)?))).collect();
    let expected = [
        (1, FrameKind::Enrol),
        (2, FrameKind::Enrolled),
        (3, FrameKind::Checks),
        (4, FrameKind::Verdicts),
        (5, FrameKind::Roster),
        (6, FrameKind::RosterVerdicts),
        (7, FrameKind::Time),
        (8, FrameKind::ServerTime),
        (9, FrameKind::Offline),
        (10, FrameKind::OfflinePart),
        (11, FrameKind::OfflineRecords),
        (12, FrameKind::RecordsKept),
        (13, FrameKind::Revocations),
        (14, FrameKind::RevocationLists),
        (15, FrameKind::Refused),
    ];
    assert_eq!(kinds, expected);
    for (byte, kind) in expected {
        let header = FrameHeader { kind, payload_bytes: 7 };
        assert_eq!(written(&header), [1, byte, 0, 0, 7, 0, 0, 0]);
    }
}
