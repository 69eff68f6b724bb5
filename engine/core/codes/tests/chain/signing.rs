//! What an authority signs at all, and where a set then belongs.

use hufu_codes::Verified;
use hufu_codes::chain::{ChainFault, Place, Tip, Unsignable, open_instruction};
use hufu_wire::chain::{
    ChainDigest, Change, Changes, Content, InputsDigest, Instruction, Position, Proposed, Record,
};
use hufu_wire::{Colour, HolderIndex, RuleId, Sequence, StatusWord, UnixMillis, limits};

use crate::common::*;
use crate::scene::*;

fn open_by_local(bytes: &[u8]) -> Result<Verified<Instruction<'_>>, ChainFault> {
    open_instruction(bytes, &authorities(), trusted(), hufu_signature::backend())
}

#[test]
fn an_authority_signs_only_what_followers_take() {
    let records = records();
    let content = content(&records);
    let tip = Tip { sequence: Sequence(4), digest: ChainDigest([9; 32]), ..Tip::START };
    let instruction = local().instruct(&content).expect("good");
    let opened = open_by_local(&instruction).expect("genuine");
    let confirm_at = |tip: &Tip, now| national().confirm(&opened, tip, now);
    assert_eq!(confirm_at(&tip, CONFIRMED), Ok(good()), "the same set as by hand");

    assert_eq!(confirm_at(&tip, content.expires()), Err(Unsignable::Expired));
    let before = UnixMillis(PROPOSED.0 - limits::CHAIN_SKEW_MS_MAX - 1);
    assert_eq!(confirm_at(&tip, before), Err(Unsignable::FromTheFuture));
    let settled = Tip { proposed: PROPOSED.into(), ..tip };
    let sequence = Sequence(4);
    assert_eq!(confirm_at(&settled, CONFIRMED), Err(Unsignable::OutOfOrder { sequence }), "once");

    let long = "x".repeat(limits::REASON_BYTES_MAX + 1);
    assert_eq!(local().instruct(&Content { reason: &long, ..content }), Err(Unsignable::Altered));
    let (claimed, signer) = (local().key(), national().key());
    assert_eq!(national().instruct(&content), Err(Unsignable::AnotherKey { claimed, signer }));
    assert!(matches!(local().instruct(&Content { valid_s: 0, ..content }), Err(Unsignable::Malformed(_))));
    for length in 0..instruction.len() {
        assert!(open_by_local(&instruction[..length]).is_err(), "cut to {length}");
    }
    for (bit, flipped) in bit_flips(&instruction) {
        assert!(open_by_local(&flipped).is_err(), "bit {bit}");
    }
    // What the registry gets is no change set, and a change set is no instruction.
    assert!(confirm(&instruction).is_err());
    assert!(hufu_wire::read::<Instruction<'_>>(&good()).is_err());
}

#[test]
fn places_follow_from_sequence_and_digest() {
    let tip = Tip { sequence: Sequence(5), digest: ChainDigest([5; 32]), ..Tip::START };
    let place = |sequence, previous| {
        let (sequence, previous) = (Sequence(sequence), ChainDigest([previous; 32]));
        tip.place(&Position { sequence, previous, ..position() })
    };
    assert_eq!(place(4, 3), Place::Behind);
    assert_eq!(place(5, 4), Place::AtTip);
    assert_eq!(place(6, 5), Place::Next);
    assert_eq!(place(6, 4), Place::Branch);
    assert_eq!(place(7, 5), Place::Beyond);
    assert_eq!(place(u64::MAX, 5), Place::Beyond);
    let last = Tip { sequence: Sequence(u64::MAX), ..tip };
    assert_eq!(last.place(&Position { sequence: Sequence(u64::MAX), ..position() }), Place::AtTip);
}

#[test]
fn r21_a_key_kept_elsewhere_signs_the_same_bytes_and_nothing_it_signed_is_taken_unseen() {
    let records = [Record::new(HolderIndex(7), Change::Word(StatusWord::new(Colour::Red, 0)))];
    let content = Content {
        proposed: PROPOSED.into(),
        valid_s: 3600,
        rule: RuleId(1),
        inputs: InputsDigest([1; 32]),
        local_key: local().key(),
        reason: "a case",
        changes: Changes::new(&records).unwrap(),
    };
    let unsigned = local().authority().instruct(&content).unwrap();
    // What a device elsewhere does with the bytes that it is handed.
    let elsewhere = |seed: u8, bytes: &[u8]| {
        use ed25519_dalek::Signer as _;
        ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).sign(bytes).to_bytes()
    };
    let signature = elsewhere(0x41, unsigned.covered());
    assert_eq!(unsigned.clone().sealed(&signature), local().instruct(&content));
    assert_eq!(local().seal(unsigned.clone()), local().instruct(&content));

    let refused = Err(Unsignable::NotGenuine { signer: local().key() });
    for (case, signature) in [
        ("another key", elsewhere(0x42, unsigned.covered())),
        ("something else", elsewhere(0x41, b"hufu/1 instruction")),
        ("no signature", [0; 64]),
    ] {
        assert_eq!(unsigned.clone().sealed(&signature), refused, "{case}");
    }
    let another = Unsignable::AnotherKey { claimed: local().key(), signer: national().key() };
    assert_eq!(national().seal(unsigned), Err(another));
}

#[test]
fn r21_the_time_of_a_chain_is_reset_only_while_it_is_ahead() {
    const HOUR: u64 = 3_600_000;
    let records = records();
    let at = |tip: Proposed, proposed: Proposed| {
        let instruction = local().instruct(&Content { proposed, ..content(&records) }).expect("good");
        let opened = open_by_local(&instruction).expect("genuine");
        let tip = Tip { sequence: Sequence(4), digest: ChainDigest([9; 32]), proposed: tip, ..Tip::START };
        national().confirm(&opened, &tip, CONFIRMED).map(drop)
    };
    let ms = |ahead: u64| UnixMillis(CONFIRMED.0 + ahead);
    let (now, sequence) = (PROPOSED, Sequence(4));
    for leap in [8 * HOUR, 200 * 24 * HOUR] {
        let ahead = Err(Unsignable::ChainAhead { sequence, ahead_ms: leap });
        assert_eq!(at(ms(leap).into(), now.into()), ahead, "nothing can follow in this era");
        assert_eq!(at(ms(leap).into(), Proposed::new(1, now)), Ok(()));
        assert_eq!(at(Proposed::new(1, ms(leap)), Proposed::new(2, now)), Ok(()), "and again");
        assert_eq!(at(ms(leap).into(), Proposed::new(2, now)), ahead, "one era after the other");
        let behind = UnixMillis(CONFIRMED.0 - leap);
        let needless = Err(Unsignable::NeedlessReset { sequence });
        assert_eq!(at(behind.into(), Proposed::new(1, now)), needless);
    }
    let skew = limits::CHAIN_SKEW_MS_MAX;
    assert_eq!(at(ms(skew).into(), Proposed::new(1, now)), Err(Unsignable::NeedlessReset { sequence }));
    assert_eq!(at(ms(skew + 1).into(), Proposed::new(1, now)), Ok(()));
    assert_eq!(at(ms(skew).into(), now.into()), Err(Unsignable::OutOfOrder { sequence }), "clocks differ");
}
