//! Trust lists and the keyring they make: published before use, never back, revoked for good.

#[path = "../common/mod.rs"]
mod common;
mod due;
mod kept;
mod opened;

use common::*;
use hufu_codes::cbor::{Fault, Writer};
use hufu_codes::cose;
use hufu_codes::issue::{IssuerSigner, OperatorSigner, code_text};
use hufu_codes::keyring::{Keyring, ListDigest, ListedKey, TrustFault, TrustList, Uses};
use hufu_signature::{KeyFault, PreparedKey, PublicKey, Scheme};
use hufu_wire::{KeyId, Reason, UnixSeconds, limits};
use sha2::{Digest as _, Sha256};

fn signer(n: u8) -> IssuerSigner {
    IssuerSigner::from_seed(&[n; 32], ISSUER)
}

fn key(n: u8) -> ListedKey {
    listed(&signer(n), Uses::CODES)
}

fn revoked(n: u8) -> ListedKey {
    ListedKey { revoked: true, ..key(n) }
}

/// A key that was first published at `published` and is in force from then on.
fn published(n: u8, published: u32) -> ListedKey {
    let published = UnixSeconds(published);
    ListedKey { published, from: published, ..key(n) }
}

fn reason(keyring: &Keyring, n: u8) -> Option<Reason> {
    keyring.key_for(signer(n).key(), Uses::PHONE, NOW).err()
}

fn open(keys: &[ListedKey]) -> Result<TrustList, TrustFault> {
    TrustList::open(&TrustList::sign(1, NOW, keys, &operator()), operator_key())
}

/// A list that says when the next one is due, and what it settles.
fn dated(version: u64, next_by: UnixSeconds, settles: &[ListDigest], keys: &[ListedKey]) -> TrustList {
    let made_at = UnixSeconds(NOW.0 - 300);
    let bytes = TrustList::sign_dated(version, (made_at, next_by), settles, keys, &operator());
    TrustList::open(&bytes, operator_key()).expect("our own list")
}

#[test]
fn one_list_after_another() {
    let made_at = NOW.0 - 600;
    let held = Keyring::empty().update(&list(5, &[key(1), key(2), revoked(3)]), NOW).expect("good");
    let kid = |n: u8| signer(n).key();
    let moved = ListedKey { issuer: hufu_wire::IssuerId(310_000), ..key(1) };
    let earlier = ListedKey { from: UnixSeconds(NOW.0 - 3599), ..key(1) };
    let shorter = ListedKey { until: NOW, uses: Uses::PHONE, ..key(1) };
    let fine = None;

    for (case, version, keys, fault) in [
        ("the same list again", 5, vec![key(1), key(2), revoked(3)], fine),
        ("a newer one", 6, vec![key(1), key(2), revoked(3)], fine),
        ("a much newer one", u64::MAX, vec![key(1), key(2), revoked(3)], fine),
        ("an older one", 4, vec![key(1), key(2)], Some(TrustFault::Rollback { held: 5, offered: 4 })),
        ("another with the same number", 5, vec![key(1)], Some(TrustFault::Fork { version: 5 })),
        ("one that drops a key", 6, vec![key(2)], fine),
        ("one that forgets a revocation", 6, vec![key(1), key(2), key(3)], fine),
        ("a new key", 6, vec![published(4, made_at)], fine),
        ("a new key from before the last list", 6, vec![key(4)], Some(TrustFault::Backdated { kid: kid(4) })),
        ("an old key that is heard of as revoked", 6, vec![revoked(4)], fine),
        ("a key that moves to another issuer", 6, vec![moved], Some(TrustFault::Changed { kid: kid(1) })),
        ("a key that begins at another time", 6, vec![earlier], Some(TrustFault::Changed { kid: kid(1) })),
        ("a key that ends sooner and may do less", 6, vec![shorter], fine),
    ] {
        assert_eq!(held.update(&list(version, &keys), NOW).err(), fault, "{case}");
    }
}

#[test]
fn a_revoked_key_never_comes_back() {
    let first = Keyring::empty().update(&list(1, &[key(1), key(2)]), NOW).expect("good");
    assert_eq!(reason(&first, 1), None);
    let second = first.update(&list(2, &[revoked(1), key(2)]), NOW).expect("good");
    assert_eq!(reason(&second, 1), Some(Reason::KeyRevoked));
    let forgetful = second.update(&list(3, &[key(2)]), NOW).expect("good");
    assert_eq!(reason(&forgetful, 1), Some(Reason::KeyRevoked));
    let reviving = forgetful.update(&list(4, &[key(1), key(2)]), NOW).expect("good");
    assert_eq!(reason(&reviving, 1), Some(Reason::KeyRevoked));
    assert!(reviving.find(signer(1).key()).is_none());
    assert_eq!(reason(&reviving, 2), None);
    // The list before the revocation is refused, and what was kept on disk remembers it too.
    let older = list(1, &[key(1), key(2)]);
    assert_eq!(reviving.update(&older, NOW).err(), Some(TrustFault::Rollback { held: 4, offered: 1 }));
    let kept = Keyring::from_state(&reviving.to_state(), operator_key()).expect("our own state");
    assert_eq!(reason(&kept, 1), Some(Reason::KeyRevoked));
    assert_eq!(kept.update(&older, NOW).err(), Some(TrustFault::Rollback { held: 4, offered: 1 }));
}

#[test]
fn keys_are_published_before_use_and_sound() {
    let kid = |key: &ListedKey| cose::key_id(&key.public);
    let late = ListedKey { published: UnixSeconds(NOW.0 - 3599), ..key(1) };
    let never = ListedKey { until: UnixSeconds(NOW.0 - 3601), ..key(1) };
    assert_eq!(open(&[late]), Err(TrustFault::UsedBeforePublished { kid: kid(&late) }));
    assert_eq!(open(&[never]), Err(TrustFault::NeverInForce { kid: kid(&never) }));
    assert_eq!(open(&[key(1), key(1)]), Err(TrustFault::Malformed(Fault::Order)));

    let mut identity = [0; 32];
    identity[0] = 1;
    // The same point, with y = p + 1.
    let mut identity_again = [0xff; 32];
    (identity_again[0], identity_again[31]) = (0xee, 0x7f);
    let mut no_point = [0; 32];
    no_point[0] = 2;
    for (public, fault) in [
        (identity, KeyFault::SmallOrder),
        (identity_again, KeyFault::NotCanonical),
        (no_point, KeyFault::NotAPoint),
    ] {
        let bad = ListedKey { public: PublicKey::Ed25519(public), ..key(1) };
        let refused = Keyring::empty().update(&list(1, &[bad]), NOW).err();
        assert_eq!(refused, Some(TrustFault::BadKey { kid: kid(&bad), fault }));
    }
}

#[test]
fn an_issuer_may_have_several_keys_each_with_its_time_and_use() {
    let first = ListedKey { until: UnixSeconds(NOW.0 + 100), uses: Uses::PHONE | Uses::PAPER, ..key(1) };
    let second = ListedKey { from: UnixSeconds(NOW.0 + 50), uses: Uses::TRIP, ..key(2) };
    let keyring = Keyring::empty().update(&list(1, &[first, second]), NOW).expect("good");
    let at = |n: u8, uses, seconds: u32| {
        keyring.key_for(signer(n).key(), uses, UnixSeconds(NOW.0 + seconds)).map(|key| key.issuer)
    };
    assert_eq!(at(1, Uses::PHONE, 0), Ok(ISSUER));
    assert_eq!(at(1, Uses::PHONE, 100), Ok(ISSUER));
    assert_eq!(at(1, Uses::PHONE, 101), Err(Reason::KeyNotValid));
    assert_eq!(at(1, Uses::PHONE | Uses::PAPER, 0), Ok(ISSUER));
    assert_eq!(at(1, Uses::PHONE | Uses::TRIP, 0), Err(Reason::KeyOutOfScope));
    assert_eq!(at(2, Uses::TRIP, 49), Err(Reason::KeyNotValid));
    assert_eq!(at(2, Uses::TRIP, 50), Ok(ISSUER));
    assert_eq!(at(2, Uses::ROSTER, 50), Err(Reason::KeyOutOfScope));
    assert_eq!(at(3, Uses::PHONE, 0), Err(Reason::KeyUnknown));
    assert_eq!(keyring.keys().len(), 2);
}

#[test]
fn a_list_of_the_future_waits() {
    let made = |ahead: u32| {
        let bytes = TrustList::sign(1, UnixSeconds(NOW.0 + ahead), &[key(1)], &operator());
        let list = TrustList::open(&bytes, operator_key()).expect("our own list");
        Keyring::empty().update(&list, NOW).err()
    };
    assert_eq!(made(300), None);
    assert_eq!(made(301), Some(TrustFault::FromTheFuture));
}

#[test]
fn an_operator_changes_its_key_without_forgetting() {
    let keyring = Keyring::empty().update(&list(7, &[key(1), revoked(2)]), NOW).expect("good");
    let kept = Keyring::from_state(&keyring.to_state(), operator_key()).expect("under the old key");
    let successor = OperatorSigner::from_seed(&[0x98; 32]);
    let successor_key = PreparedKey::new(successor.public()).expect("a good key");
    let bytes = TrustList::sign(8, NOW, &[key(1), key(2)], &successor);
    let list = TrustList::open(&bytes, &successor_key).expect("under the new key");
    let next = kept.update(&list, NOW).expect("good");
    assert_eq!(reason(&next, 1), None);
    assert_eq!(reason(&next, 2), Some(Reason::KeyRevoked));
}

#[test]
fn b15_what_an_ended_key_signs_is_admitted_for_a_day_and_no_longer() {
    let until = UnixSeconds(NOW.0 + 10);
    let ending = ListedKey { until, ..listed(&issuer(), Uses::CODES) };
    let keyring = Keyring::empty().update(&list(1, &[ending]), NOW).expect("good");
    let last = UnixSeconds(until.0 + limits::ENDED_KEY_S_MAX);
    let after = UnixSeconds(last.0 + 1);
    let judged = |now: UnixSeconds| {
        let (paper, trip) = (signed(&paper()), signed(&trip()));
        let [paper, trip] = [paper, trip].map(|signed| code_text(&signed, None));
        let roster = issuer().sign_roster(hufu_wire::SiteId(77), NOW, FOREVER, &[(ISSUER, &[HOLDER])]);
        let roster = roster.expect("a good roster");
        let roster = keyring.admit(hufu_codes::roster::parse(&roster).expect("well formed"), now).err();
        let [paper, trip] = [paper, trip].map(|text| check_text(&keyring, text.as_bytes(), now).err());
        [paper, trip, roster]
    };
    assert_eq!(judged(until), [None; 3]);
    // The trip has ended by itself by then.
    let [paper, _, roster] = judged(last);
    assert_eq!([paper, roster], [None; 2]);
    // Both claim to be valid for days: the word of whoever has the key now.
    let [paper, _, roster] = judged(after);
    assert_eq!([paper, roster], [Some(Reason::KeyNotValid); 2]);
    // A phone code of the key's last second is never cut short.
    const { assert!(limits::ENDED_KEY_S_MAX >= limits::PHONE_VALIDITY_S_MAX) };
}
