//! When the next list is due, and lists that settle a fork.

use super::*;

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
