//! Change sets.

use hufu_codes::chain::{Authorities, AuthoritySigner, ChainFaultKind, Role, Tip, Unconfirmed};
use hufu_wire::chain::{ChainDigest, Change, Changes, Content, Parts, Position, Record};
use hufu_wire::{Colour, Reason, Sequence, StatusWord, UnixMillis, limits};

use crate::common::*;
use crate::scene::signed;
use crate::scene::*;

#[test]
fn r21_two_keys_of_two_authorities_confirm_a_set() {
    let bytes = good();
    let confirmed = confirm(&bytes).expect("both signed");
    assert_eq!(confirmed.content.changes.len(), 2);
    let unconfirmed = Unconfirmed::read(&bytes, &authorities()).expect("readable");
    let digest = unconfirmed.digest();
    let tip = Tip { sequence: Sequence(5), digest, proposed: PROPOSED.into(), confirmed: CONFIRMED };
    assert_eq!(confirmed.tip(), &tip);
    for backend in hufu_signature::backends() {
        assert!(unconfirmed.confirm(trusted(), backend).is_ok(), "{}", backend.name());
    }
}

#[test]
fn r21_whatever_is_missing_has_its_own_fault() {
    let (records, position) = (records(), position());
    let content = content(&records);
    let by = |local: &AuthoritySigner, national: &AuthoritySigner| {
        let content = Content { local_key: local.key(), ..content };
        let position = Position { national_key: national.key(), ..position };
        signed(&position, &content, local, national)
    };
    let key =
        |role, signer: &AuthoritySigner, reason| ChainFaultKind::Key { role, kid: signer.key(), reason };
    let another = |role, signer: &AuthoritySigner, found, wanted| ChainFaultKind::AnotherAuthority {
        role,
        kid: signer.key(),
        found,
        wanted,
    };
    let not_genuine = |role| ChainFaultKind::NotGenuine { role };
    let (local, national, greedy) = (local(), national(), greedy());

    check(
        "one authority with two keys",
        &by(&local, &greedy),
        another(Role::National, &greedy, ISSUER, NATIONAL),
    );
    check("one key for both", &by(&greedy, &greedy), another(Role::National, &greedy, ISSUER, NATIONAL));
    check(
        "the national platform decides by itself",
        &by(&national_local(), &national),
        another(Role::Local, &national_local(), NATIONAL, ISSUER),
    );
    check("swapped", &by(&national, &local), key(Role::Local, &national, Reason::KeyOutOfScope));
    check(
        "a publisher instructs",
        &by(&publisher(), &national),
        key(Role::Local, &publisher(), Reason::KeyOutOfScope),
    );
    check(
        "a publisher confirms",
        &by(&local, &publisher()),
        key(Role::National, &publisher(), Reason::KeyOutOfScope),
    );
    check("a retired key", &by(&retired(), &national), key(Role::Local, &retired(), Reason::KeyNotValid));
    check("a revoked key", &by(&local, &stolen()), key(Role::National, &stolen(), Reason::KeyRevoked));
    check("an unlisted key", &by(&unlisted(), &national), key(Role::Local, &unlisted(), Reason::KeyUnknown));

    let bytes = good();
    let parts = Parts::of(&bytes).expect("a set");
    let with =
        |local: &[u8; 64], national: &[u8; 64]| [parts.position, parts.content, local, national].concat();
    let (by_local, by_national) = (parts.local_signature, parts.national_signature);
    check("no local signature", &with(&[0; 64], by_national), not_genuine(Role::Local));
    check("no national signature", &with(by_local, &[0; 64]), not_genuine(Role::National));
    check("signatures swapped", &with(by_national, by_local), not_genuine(Role::Local));
    check("the local signature twice", &with(by_local, by_local), not_genuine(Role::National));
}

#[test]
fn r22_a_set_is_genuine_in_one_place_only() {
    let (records, position) = (records(), position());
    let bytes = good();
    let signatures = Parts::of(&bytes).expect("a set");
    let moved = |position: Position, content: &Content<'_>| {
        let (position, content) = (written(&position), written(content));
        [position.as_slice(), &content, signatures.local_signature, signatures.national_signature].concat()
    };
    let content = content(&records);
    let not_genuine = ChainFaultKind::NotGenuine { role: Role::National };
    let later = UnixMillis(CONFIRMED.0 + 1);
    check(
        "after another set",
        &moved(Position { previous: ChainDigest([8; 32]), ..position }, &content),
        not_genuine,
    );
    check("at another time", &moved(Position { confirmed: later, ..position }, &content), not_genuine);
    let elsewhere = moved(Position { sequence: Sequence(6), ..position }, &content);
    assert_eq!(confirm(&elsewhere).expect_err("moved").kind, not_genuine);
    let greener = Record::new(HOLDER, Change::Status(StatusWord::new(Colour::Green, 0)));
    let green = Content { changes: Changes::new(std::slice::from_ref(&greener)).expect("good"), ..content };
    check("with other changes", &moved(position, &green), ChainFaultKind::NotGenuine { role: Role::Local });

    let foreign = signed(&Position { issuer: NATIONAL, ..position }, &content, &local(), &national());
    assert_eq!(
        confirm(&foreign).expect_err("foreign").kind,
        ChainFaultKind::AnotherIssuer { found: NATIONAL }
    );
}

#[test]
fn r21_a_set_is_confirmed_in_time() {
    let records = records();
    let at = |ms: i64| {
        let confirmed = UnixMillis(PROPOSED.0.saturating_add_signed(ms));
        signed(&Position { confirmed, ..position() }, &content(&records), &local(), &national())
    };
    let skew = limits::CHAIN_SKEW_MS_MAX.cast_signed();
    assert!(confirm(&at(0)).is_ok());
    assert!(confirm(&at(-skew)).is_ok(), "two clocks");
    assert!(confirm(&at(3_599_999)).is_ok());
    check("expired", &at(3_600_000), ChainFaultKind::ExpiredBeforeConfirmation { late_ms: 0 });
    check("long expired", &at(3_700_000), ChainFaultKind::ExpiredBeforeConfirmation { late_ms: 100_000 });
    let early_ms = limits::CHAIN_SKEW_MS_MAX + 1;
    check("too early", &at(-skew - 1), ChainFaultKind::ConfirmedBeforeProposal { early_ms });
}

#[test]
fn r22_no_cut_and_no_flipped_bit_is_believed() {
    let bytes = good();
    for length in 0..bytes.len() {
        let fault = confirm(&bytes[..length]).expect_err("cut");
        assert!(matches!(fault.kind, ChainFaultKind::Malformed(_)), "cut to {length}");
        assert_eq!(fault.sequence, (length >= 24).then_some(Sequence(5)), "cut to {length}");
    }
    assert!(confirm(&[bytes.as_slice(), &[0]].concat()).is_err());
    for (bit, flipped) in bit_flips(&bytes) {
        assert!(confirm(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn equal_histories_have_equal_digests_whoever_signs_how() {
    let bytes = good();
    let digest = |bytes: &[u8]| Unconfirmed::read(bytes, &authorities()).expect("readable").digest();
    let mut other_signatures = bytes.clone();
    let from = bytes.len() - 128;
    other_signatures[from..].fill(7);
    assert_eq!(digest(&other_signatures), digest(&bytes));
    for at in [24, 40, Position::BYTES, Position::BYTES + 64, Position::BYTES + Content::HEADER_BYTES] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_ne!(digest(&changed), digest(&bytes), "byte {at}");
    }
}

#[test]
fn a_national_platform_is_never_the_issuer_itself() {
    assert!(Authorities::new(ISSUER, ISSUER, PUBLISHER).is_err());
    assert!(Authorities::new(ISSUER, NATIONAL, ISSUER).is_ok());
}
