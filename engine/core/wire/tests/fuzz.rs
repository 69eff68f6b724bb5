//! Bytes nobody would send: every message is read without a panic, and what is read is written as the very
//! same bytes. The first byte of an input says which message the rest is; the kept corpus in `__fuzz__` begins
//! with the golden bytes.

use core::fmt::Debug;

use hufu_wire::chain::{ChangeSet, Checkpoint, Head, Instruction, Release};
use hufu_wire::{
    CheckRequest, Cookie, Enrolled, FrameHeader, MemberVerdict, Message, ReplyHeader, RequestHeader,
    RosterReply, ServerTime, StatusWord, Suites, Verdict, read, sealed, write,
};

#[test]
fn any_message() {
    bolero::check!().for_each(|input: &[u8]| {
        let Some((message, bytes)) = input.split_first() else { return };
        match message % 17 {
            0 => check::<CheckRequest<'_>>(bytes),
            1 => check::<Cookie>(&sized(bytes, Cookie::BYTES)),
            2 => check::<Enrolled>(&sized(bytes, Enrolled::BYTES)),
            3 => check::<FrameHeader>(&sized(bytes, hufu_wire::FRAME_HEADER_BYTES)),
            4 => check::<MemberVerdict>(&sized(bytes, MemberVerdict::BYTES)),
            5 => check::<RosterReply>(&sized(bytes, RosterReply::BYTES)),
            6 => check::<ReplyHeader>(&sized(bytes, sealed::REPLY_HEADER_BYTES)),
            7 => check::<RequestHeader>(&sized(bytes, sealed::REQUEST_HEADER_BYTES)),
            8 => check::<ServerTime>(&sized(bytes, ServerTime::BYTES)),
            9 => check::<Verdict>(&sized(bytes, Verdict::BYTES)),
            10 => status_word(&sized(bytes, 8)),
            11 => check::<ChangeSet<'_>>(bytes),
            12 => check::<Instruction<'_>>(bytes),
            13 => check::<Head>(&sized(bytes, Head::BYTES)),
            14 => check::<Checkpoint>(&sized(bytes, Checkpoint::BYTES)),
            15 => check::<Release>(&sized(bytes, Release::BYTES)),
            _ => check::<Suites>(&sized(bytes, Suites::BYTES)),
        }
        // A message of a fixed length is refused at any other.
        if bytes.len() != Verdict::BYTES {
            assert!(read::<Verdict>(bytes).is_err());
        }
    });
}

fn check<'a, M: Message<'a> + PartialEq + Debug>(bytes: &'a [u8]) {
    let Ok(message) = read::<M>(bytes) else { return };
    let mut written = vec![0xa5; message.size()];
    let length = write(&message, &mut written).expect("as long as it says");
    // All reasons of newer engines are one reason here, which never admits.
    let message_text = format!("{message:?}");
    if message_text.contains("reason: Unrecognised") {
        assert!(!message_text.contains("decision: Admit"), "{message_text}");
        return;
    }
    assert_eq!(&written[..length], bytes, "{message:?} has two byte strings");
}

fn status_word(bytes: &[u8]) {
    let bits = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    let word = StatusWord::from_bits(bits);
    let _ = format!("{word:?}");
    assert_eq!(word.to_bits(), bits);
    assert!(bits != 0 || word.colour().is_none());
}

/// `bytes` cut or filled with zeroes, so that random input gets past the check of its length.
fn sized(bytes: &[u8], length: usize) -> Vec<u8> {
    let mut sized = bytes.to_vec();
    sized.resize(length, 0);
    sized
}
