//! Which bytes are a list of the operator, and what stands in it.

use super::*;

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
