//! Trust lists and the keyring they make: published before use, never back, revoked for good.

mod common;

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
fn only_the_operators_own_list_is_opened() {
    let bytes = TrustList::sign(1, NOW, &[key(1)], &operator());
    assert!(TrustList::open(&bytes, operator_key()).is_ok());
    let stranger = OperatorSigner::from_seed(&[0x99; 32]);
    let foreign = TrustList::sign(1, NOW, &[key(1)], &stranger);
    let kid = cose::key_id(stranger.public());
    assert_eq!(TrustList::open(&foreign, operator_key()), Err(TrustFault::AnotherOperator { kid }));

    for length in 0..bytes.len() {
        assert!(TrustList::open(&bytes[..length], operator_key()).is_err(), "cut to {length}");
    }
    assert!(TrustList::open(&[bytes.as_slice(), &[0]].concat(), operator_key()).is_err());
    for (bit, flipped) in bit_flips(&bytes) {
        assert!(TrustList::open(&flipped, operator_key()).is_err(), "bit {bit}");
    }
    for spelling in other_spellings(&bytes) {
        assert!(matches!(TrustList::open(&spelling, operator_key()), Err(TrustFault::Malformed(_))));
    }
    // Another kind of message under the operator's key is no list.
    let paper = operator().sign_payload(&paper().payload());
    assert!(matches!(TrustList::open(&paper, operator_key()), Err(TrustFault::Malformed(_))));
}

#[test]
fn a_list_that_is_genuine_and_ill_formed_is_refused() {
    let open = |write: &dyn Fn(&mut Writer)| {
        let mut writer = Writer::new();
        write(&mut writer);
        TrustList::open(&operator().sign_payload(&writer.into_bytes()), operator_key()).err()
    };
    let key_item = |w: &mut Writer, kid: KeyId, uses: u8| {
        w.array(9).bytes(&kid.0).uint(1_u8).int(-8).bytes(signer(1).public().bytes());
        w.uint(5_u8).uint(6_u8).uint(4_u8).uint(uses).bool(false);
    };
    let kid = signer(1).key();
    let other = signer(2).key();
    let many = limits::ISSUER_KEYS_MAX + 1;
    let malformed = |fault| Some(TrustFault::Malformed(fault));
    let head = |w: &mut Writer, keys: usize| {
        w.map(1).int(-65540).array(3).uint(1_u8).uint(1_u8).array(keys);
    };
    for (case, fault, given) in [
        ("none at all", None, open(&|w| head(w, 0))),
        (
            "one key",
            None,
            open(&|w| {
                head(w, 1);
                key_item(w, kid, 127);
            }),
        ),
        (
            "unknown uses",
            malformed(Fault::Range),
            open(&|w| {
                head(w, 1);
                key_item(w, kid, 128);
            }),
        ),
        (
            "another's id",
            Some(TrustFault::WrongKeyId { kid: other }),
            open(&|w| {
                head(w, 1);
                key_item(w, other, 1);
            }),
        ),
        ("a declared million", malformed(Fault::Truncated), open(&|w| head(w, 1_000_000))),
        (
            "too many",
            Some(TrustFault::TooManyKeys { count: many }),
            open(&|w| {
                head(w, many);
                w.raw(&vec![0; many]);
            }),
        ),
        (
            "another claim",
            malformed(Fault::Key),
            open(&|w| {
                w.map(1).int(-65538).array(0);
            }),
        ),
    ] {
        assert_eq!(given, fault, "{case}");
    }
}

/// In both layouts, dated or not, and kept by an engine.
#[test]
fn a_list_from_before_schemes_were_named_is_read_as_one_of_ed25519() {
    for list in
        [list(7, &[key(1), revoked(2)]), dated(7, FOREVER, &[ListDigest([9; 32])], &[key(1), revoked(2)])]
    {
        let bytes = unnamed_schemes(&list);
        assert_ne!(bytes, list.signed());
        let earlier = TrustList::open(&bytes, operator_key()).expect("still read");
        let said =
            |list: &TrustList| (list.version(), list.made_at(), list.next_by(), list.settles().to_vec());
        assert_eq!((said(&earlier), earlier.keys()), (said(&list), list.keys()));
        let held = Keyring::empty().update(&earlier, NOW).expect("good");
        let kept = Keyring::from_state(&held.to_state(), operator_key()).expect("our own state");
        assert_eq!((reason(&kept, 1), reason(&kept, 2)), (None, Some(Reason::KeyRevoked)));
        // Its successor names schemes, and is of the same keys.
        let successor = dated(8, FOREVER, &[], &[key(1), revoked(2)]);
        assert_eq!(kept.update(&successor, NOW).map(|next| next.version()), Ok(8));
        assert!(TrustList::open(&bytes[..bytes.len() - 1], operator_key()).is_err());
    }
}

#[test]
fn a_key_is_of_a_scheme_that_is_known_and_as_long_as_it_says() {
    let open = |items: usize, claim: i64, algorithm: Option<i64>, public: &[u8]| {
        let kid = KeyId(core::array::from_fn(|at| Sha256::digest(public)[at]));
        let mut w = Writer::new();
        w.map(1).int(claim).array(3).uint(1_u8).uint(1_u8).array(1).array(items).bytes(&kid.0).uint(1_u8);
        algorithm.map(|algorithm| w.int(algorithm));
        w.bytes(public).uint(5_u8).uint(6_u8).uint(4_u8).uint(1_u8).bool(false);
        (kid, TrustList::open(&operator().sign_payload(&w.into_bytes()), operator_key()).err())
    };
    let public = signer(1).public().bytes().to_vec();
    assert_eq!(open(9, -65540, Some(-8), &public).1, None);
    assert_eq!(open(8, -65539, None, &public).1, None);
    // ES256 (RFC 9053 section 2.1) with a compressed point of P-256.
    let (kid, fault) = open(9, -65540, Some(-7), &[2; 33]);
    assert_eq!(fault, Some(TrustFault::UnknownScheme { kid, algorithm: -7 }));
    let said = fault.map(|fault| fault.to_string()).unwrap_or_default();
    assert!(said.contains("COSE algorithm -7, is unknown to this program; update the program"), "{said}");
    for public in [&public[1..], &[2; 33], &[]] {
        for (kid, fault) in [open(9, -65540, Some(-8), public), open(8, -65539, None, public)] {
            let length = KeyFault::Length { scheme: Scheme::Ed25519, bytes: public.len() };
            assert_eq!(fault, Some(TrustFault::BadKey { kid, fault: length }));
        }
    }
    // Neither layout takes the keys of the other.
    for fault in [open(8, -65540, None, &public).1, open(9, -65539, Some(-8), &public).1] {
        assert_eq!(fault, Some(TrustFault::Malformed(Fault::Count)));
    }
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
fn what_is_kept_is_what_was_known_and_damage_is_noticed() {
    let keyring = Keyring::empty().update(&list(7, &[key(1), revoked(2)]), NOW).expect("good");
    let state = keyring.to_state();
    let kept = Keyring::from_state(&state, operator_key()).expect("our own state");
    assert_eq!(kept.version(), 7);
    assert_eq!(kept.to_state(), state);
    assert_eq!(kept.keys().len(), 1);
    for length in 0..state.len() {
        assert_eq!(Keyring::from_state(&state[..length], operator_key()).err(), Some(TrustFault::Damaged));
    }
    for (bit, flipped) in bit_flips(&state) {
        assert_eq!(
            Keyring::from_state(&flipped, operator_key()).err(),
            Some(TrustFault::Damaged),
            "bit {bit}"
        );
    }
    let empty = Keyring::from_state(&Keyring::empty().to_state(), operator_key()).expect("an empty state");
    assert_eq!((empty.version(), empty.keys().len()), (0, 0));
}

/// A state of another program, sealed well: the digest holds and the revoked keys do not.
#[test]
fn a_state_with_odd_revoked_keys_is_damaged() {
    let state = |revoked: &[u8]| {
        // Three members: version 1, an empty list, the revoked keys (RFC 8949 section 3.1).
        let length = u32::try_from(revoked.len()).expect("short");
        let content = [&[0x83, 0x01, 0x40, 0x5a], &length.to_be_bytes()[..], revoked].concat();
        [Sha256::digest(&content).as_slice(), &content].concat()
    };
    let kids = |count: u64| (0..count).flat_map(u64::to_be_bytes).collect::<Vec<u8>>();
    let read = |revoked: &[u8]| Keyring::from_state(&state(revoked), operator_key()).err();
    // A CBOR length is as short as it can be, so only a long list is written with four bytes.
    let most = 1 << 16;
    assert_eq!(read(&kids(most)), None);
    assert_eq!(read(&kids(most + 1)), Some(TrustFault::Damaged), "one too many");
    assert_eq!(read(&kids(most)[..8 * 65_536 - 1]), Some(TrustFault::Damaged), "a key cut short");
    let twice = [kids(most - 1), (most - 2).to_be_bytes().to_vec()].concat();
    assert_eq!(read(&twice), Some(TrustFault::Damaged), "one key twice");
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

/// A list that says when the next one is due, and what it settles.
fn dated(version: u64, next_by: UnixSeconds, settles: &[ListDigest], keys: &[ListedKey]) -> TrustList {
    let made_at = UnixSeconds(NOW.0 - 300);
    let bytes = TrustList::sign_dated(version, (made_at, next_by), settles, keys, &operator());
    TrustList::open(&bytes, operator_key()).expect("our own list")
}

#[test]
fn b14_a_list_says_when_the_next_one_is_due() {
    let settles = [ListDigest([2; 32]), ListDigest([1; 32])];
    let read = dated(3, NOW, &settles, &[key(1)]);
    assert_eq!((read.version(), read.next_by(), read.keys().len()), (3, Some(NOW), 1));
    assert_eq!(read.settles(), [ListDigest([1; 32]), ListDigest([2; 32])]);
    assert_eq!(list(3, &[key(1)]).next_by(), None, "a list of before");

    let open = |write: &dyn Fn(&mut Writer)| {
        let mut writer = Writer::new();
        writer.map(1).int(-65540);
        write(&mut writer);
        TrustList::open(&operator().sign_payload(&writer.into_bytes()), operator_key()).err()
    };
    let head = |w: &mut Writer, next_by: u32, settles: &[[u8; 32]]| {
        w.array(5).uint(1_u8).uint(9_u8).uint(next_by).array(settles.len());
        for digest in settles {
            w.bytes(digest);
        }
        w.array(0);
    };
    let digests = |count: u8| -> Vec<[u8; 32]> { (0..count).map(|n| [n; 32]).collect() };
    let malformed = |fault| Some(TrustFault::Malformed(fault));
    for (case, fault, given) in [
        ("a second later", None, open(&|w| head(w, 10, &[]))),
        ("due when it is made", malformed(Fault::Range), open(&|w| head(w, 9, &[]))),
        ("sixteen branches", None, open(&|w| head(w, 10, &digests(16)))),
        ("too many", malformed(Fault::Count), open(&|w| head(w, 10, &digests(17)))),
        ("one twice", malformed(Fault::Order), open(&|w| head(w, 10, &[[1; 32]; 2]))),
        (
            "four items",
            malformed(Fault::Count),
            open(&|w| {
                w.array(4).uint(1_u8).uint(9_u8).uint(10_u8).array(0);
            }),
        ),
    ] {
        assert_eq!(given, fault, "{case}");
    }
}

#[test]
fn b14_a_keyring_that_must_be_fresh_admits_nothing_under_a_list_that_is_overdue() {
    let text = code_text(&signed(&paper()), None);
    let keyring = Keyring::empty().that_must_be_fresh(true);
    let held = keyring.update(&dated(1, NOW, &[], &[key(0x11)]), NOW).expect("good");
    let later = UnixSeconds(NOW.0 + 1);
    assert!(check_text(&held, text.as_bytes(), NOW).is_ok(), "its last second");
    assert_eq!(check_text(&held, text.as_bytes(), later).err(), Some(Reason::StaleData));
    let lenient = held.clone().that_must_be_fresh(false);
    assert!(check_text(&lenient, text.as_bytes(), later).is_ok());
    let next = held.update(&dated(2, UnixSeconds(NOW.0 + 9), &[], &[key(0x11)]), NOW).expect("good");
    assert!(check_text(&next, text.as_bytes(), later).is_ok(), "heard of in time");
    // A list of before says no time: nothing would ever make it too old.
    let undated = next.update(&list(3, &[key(0x11)]), NOW).expect("good");
    assert_eq!(check_text(&undated, text.as_bytes(), NOW).err(), Some(Reason::StaleData));
}

#[test]
fn b14_a_fork_is_settled_by_a_list_that_names_both_branches() {
    let made = |version: u64, made_at: u32, keys: &[ListedKey]| {
        let bytes = TrustList::sign(version, UnixSeconds(made_at), keys, &operator());
        TrustList::open(&bytes, operator_key()).expect("our own list")
    };
    // Each branch has a key of its own, one that both published at different times, and a revocation of its own.
    let at = NOW.0 - 900;
    let shared = [published(3, at), published(3, at + 100)];
    let left = made(5, at + 200, &[published(1, at), shared[0], revoked(6), key(7)]);
    let right = made(5, at + 200, &[published(2, at), shared[1], key(6), revoked(7)]);
    let [on_left, on_right] =
        [&left, &right].map(|list| Keyring::empty().update(list, NOW).expect("a good list"));
    assert_eq!(on_left.update(&right, NOW).err(), Some(TrustFault::Fork { version: 5 }));

    let keys = [published(1, at), published(2, at), shared[1], revoked(6), revoked(7)];
    let settles = [left.digest(), right.digest()];
    // A list that is only newer contradicts one branch or the other.
    for unnamed in [dated(6, FOREVER, &[], &keys), dated(6, FOREVER, &settles[1..], &keys)] {
        assert!(matches!(
            on_left.update(&unnamed, NOW),
            Err(TrustFault::Backdated { .. } | TrustFault::Changed { .. })
        ));
    }
    let moved = ListedKey { issuer: hufu_wire::IssuerId(9), ..published(1, at) };
    let moving = on_left.update(&dated(6, FOREVER, &settles, &[moved]), NOW);
    assert_eq!(moving.err(), Some(TrustFault::Changed { kid: signer(1).key() }), "no key changes its issuer");
    let settled = dated(6, FOREVER, &settles, &keys);
    for held in [on_left, on_right] {
        let next = held.update(&settled, NOW).expect("it names this branch");
        assert_eq!([1, 2, 3].map(|n| reason(&next, n)), [None; 3]);
        assert_eq!([6, 7].map(|n| reason(&next, n)), [Some(Reason::KeyRevoked); 2]);
        // Revocations of a branch stay, also when the settling list forgets them.
        let forgetful = held.update(&dated(6, FOREVER, &settles, &[key(1), key(6), key(7)]), NOW);
        let forgetful = forgetful.expect("a good list");
        assert_eq!([6, 7].map(|n| reason(&forgetful, n)).iter().flatten().count(), 1);
        // What it settles is said of that list alone: from here on contradictions are refused again.
        let backdated = dated(7, FOREVER, &settles, &[key(9)]);
        assert!(matches!(next.update(&backdated, NOW), Err(TrustFault::Backdated { .. })));
    }
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
