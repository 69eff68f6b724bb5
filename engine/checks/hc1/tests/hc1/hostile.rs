//! Input that no one means well with.

use hufu_check::Foreign as _;
use hufu_hc1::Verifier;
use hufu_hc1::revoked::{Digested, Group, Sought};
use hufu_wire::Reason;
use proptest::prelude::*;

use crate::made::Value::{Float, Int, Text};
use crate::made::{self, NOW, Said, Signer};

const KEY_ID: [u8; 8] = [7; 8];

fn reason(verifier: &Verifier, text: &str) -> Option<Reason> {
    verifier.verify(NOW, text.as_bytes()).err()
}

#[test]
fn r63_a_bomb_ends_where_its_room_ends() {
    let signer = Signer::es256("DE", KEY_ID);
    let verifier = Verifier::new(made::opened(&[&signer]), None, 4).unwrap();
    let bomb = made::text(&vec![0; 600_000]);
    assert!(bomb.len() < 1068, "it fits a request: {} bytes", bomb.len());
    assert_eq!(reason(&verifier, &bomb), Some(Reason::ForeignUnreadable));
    let plain = made::packed(&signer.sign(&Said::vaccination().payload()));
    assert_eq!(reason(&verifier, &plain), Some(Reason::ForeignUnreadable), "never compressed");
    let good = miniz_oxide::deflate::compress_to_vec_zlib(&signer.sign(&Said::test().payload()), 9);
    assert_eq!(reason(&verifier, &made::packed(&good)), None);
    assert_eq!(
        reason(&verifier, &made::packed(&[&good[..], b"more"].concat())),
        Some(Reason::ForeignUnreadable)
    );
    for cut in 0..good.len() {
        assert!(reason(&verifier, &made::packed(&good[..cut])).is_some(), "cut at {cut}");
    }
}

#[test]
fn r63_what_nests_or_repeats_without_end_is_refused() {
    let signer = Signer::es256("DE", KEY_ID);
    let verifier = Verifier::new(made::opened(&[&signer]), None, 4).unwrap();
    let payload = Said::vaccination().payload();
    let claims = |more: &[u8]| {
        // One claim more, before the others.
        [&[payload[0] + 1][..], more, &payload[1..]].concat()
    };
    let deep = |open: u8, close: &[u8], depth: usize| {
        let mut item = vec![0x18, 99];
        item.extend(std::iter::repeat_n(open, depth));
        item.push(0);
        item.extend(close.repeat(depth));
        item
    };
    for (what, payload, expected) in [
        ("arrays, 15 deep", claims(&deep(0x81, &[], 15)), None),
        ("arrays, 17 deep", claims(&deep(0x81, &[], 17)), Some(())),
        ("arrays without a length, 1,000 deep", claims(&deep(0x9f, &[0xff], 1000)), Some(())),
        ("tags, 1,000 deep", claims(&deep(0xc1, &[], 1000)), Some(())),
        ("an array of 2^60", claims(&[0x18, 99, 0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0]), Some(())),
        ("a map of 2^60", [&[0xbb, 0x10, 0, 0, 0, 0, 0, 0, 0], &payload[1..]].concat(), Some(())),
        ("a claim twice", claims(&[4, 0x1a, 0x7f, 0, 0, 0]), Some(())),
        ("a claim twice, written otherwise", claims(&[0x18, 4, 0x1a, 0x7f, 0, 0, 0]), Some(())),
        ("no claims", vec![0xa0], Some(())),
        ("nothing", Vec::new(), Some(())),
    ] {
        let found = reason(&verifier, &made::text(&signer.sign(&payload)));
        assert_eq!(found, expected.map(|()| Reason::ForeignUnreadable), "{what}");
    }
    let twice = [&[0xa2, 1, 0x26][..], &[1, 0x26]].concat();
    let signature = signer.signature(&made::to_sign(&twice, &payload));
    let text = made::text(&made::message(&twice, &made::header(None, Some(KEY_ID)), &payload, &signature));
    assert_eq!(reason(&verifier, &text), Some(Reason::ForeignUnreadable), "a header twice");
    let critical = [0xa3, 1, 0x26, 2, 0x81, 0x18, 99, 0x18, 99, 0];
    let signature = signer.signature(&made::to_sign(&critical, &payload));
    let text = made::text(&made::message(&critical, &made::header(None, Some(KEY_ID)), &payload, &signature));
    assert_eq!(reason(&verifier, &text), Some(Reason::ForeignUnreadable), "something critical");
}

#[test]
fn r63_a_key_is_never_used_as_another_algorithms() {
    let (curve, rsa) = (Signer::es256("DE", [1; 8]), Signer::ps256("DE", [2; 8]));
    let verifier = Verifier::new(made::opened(&[&curve, &rsa]), None, 4).unwrap();
    let payload = Said::vaccination().payload();
    let check = |signer: &Signer, algorithm, key_id: [u8; 8]| {
        reason(&verifier, &made::text(&signer.sign_as(algorithm, Some(key_id), None, &payload)))
    };
    assert_eq!((check(&curve, -7, [1; 8]), check(&rsa, -37, [2; 8])), (None, None));
    for (what, found) in [
        ("a signature of the curve under the RSA key", check(&curve, -7, [2; 8])),
        ("one of RSA under the key of the curve", check(&rsa, -37, [1; 8])),
        ("ES256 that says PS256", check(&curve, -37, [1; 8])),
        ("PS256 that says ES256", check(&rsa, -7, [2; 8])),
        ("HMAC 256/256", check(&curve, 5, [1; 8])),
        ("RS256", check(&rsa, -257, [2; 8])),
        ("ES384", check(&curve, -35, [1; 8])),
        ("none", check(&curve, 0, [1; 8])),
    ] {
        assert_eq!(found, Some(Reason::BadSignature), "{what}");
    }
    assert_eq!(check(&curve, -7, [3; 8]), Some(Reason::KeyUnknown));
    let no_id = made::text(&curve.sign_as(-7, None, None, &payload));
    assert_eq!(reason(&verifier, &no_id), Some(Reason::KeyUnknown));
    let wrong_and_right = made::text(&curve.sign_as(-7, Some([3; 8]), Some([1; 8]), &payload));
    assert_eq!(reason(&verifier, &wrong_and_right), Some(Reason::KeyUnknown), "the protected id counts");
    let protected = made::header(Some(-7), Some([1; 8]));
    for signature in [vec![], vec![0; 64], vec![0xff; 64], curve.signature(&payload)] {
        let text = made::text(&made::message(&protected, &[0xa0], &payload, &signature));
        assert_eq!(reason(&verifier, &text), Some(Reason::BadSignature), "{signature:02x?}");
    }
}

#[test]
fn r63_entries_and_dates_that_mean_nothing_are_refused() {
    let signer = Signer::es256("DE", KEY_ID);
    let verifier = Verifier::new(made::opened(&[&signer]), None, 4).unwrap();
    let (vaccination, test, recovery) = (Said::vaccination(), Said::test(), Said::recovery());
    for (what, said) in [
        ("a day that no month has", vaccination.clone().with("dt", Text("2021-09-99"))),
        ("no leap year", vaccination.clone().with("dt", Text("2023-02-29"))),
        ("a month alone", vaccination.clone().with("dt", Text("2021-09"))),
        ("a day in other digits", vaccination.clone().with("dt", Text("٢٠٢١-٠٩"))),
        ("a number for a day", vaccination.clone().with("dt", Int(20_210_909))),
        ("no doses", vaccination.clone().with("dn", Int(0))),
        ("doses below none", vaccination.clone().with("dn", Float(-1.0))),
        ("doses that are no number", vaccination.clone().with("sd", Float(f64::NAN))),
        ("300 doses", vaccination.clone().with("sd", Int(300))),
        ("no vaccine", vaccination.clone().without("mp")),
        ("no identifier", vaccination.clone().without("ci")),
        ("another disease", vaccination.clone().with("tg", Text("840539007"))),
        ("no result", test.clone().with("tr", Text("264887000"))),
        ("an hour that no day has", test.clone().with("sc", Text("2021-09-09T25:00:00Z"))),
        ("no time", test.clone().with("sc", Text("2021-09-09"))),
        ("no beginning", recovery.clone().without("df")),
        ("the group of another kind", Said { group: "v", ..recovery.clone() }),
        ("no group", Said { group: "x", ..recovery.clone() }),
        ("no end that is a number", Said { expires: Text("2030-01-01"), ..recovery.clone() }),
        ("an end that is not finite", Said { expires: Float(f64::INFINITY), ..recovery }),
    ] {
        assert_eq!(reason(&verifier, &signer.text(&said)), Some(Reason::ForeignUnreadable), "{what}");
    }
    let late = Said { expires: Float(1e300), ..test };
    assert_eq!(reason(&verifier, &signer.text(&late)), None, "an end after all time is one");
}

/// `(r, n - s)` verifies as `(r, s)` does.
#[test]
fn r63_the_other_signature_of_a_revoked_certificate_is_revoked_too() {
    let signer = Signer::es256("DE", KEY_ID);
    let said = Said::vaccination();
    let (protected, payload) = (made::header(Some(-7), Some(KEY_ID)), said.payload());
    let signature = signer.signature(&made::to_sign(&protected, &payload));
    let mut other = signature.clone();
    let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").unwrap();
    let mut borrow = 0;
    for at in (0..32).rev() {
        let digit = i32::from(order[at]) - i32::from(signature[32 + at]) - borrow;
        borrow = i32::from(digit < 0);
        other[32 + at] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    let texts = [&signature, &other]
        .map(|signature| made::text(&made::message(&protected, &[0xa0], &payload, signature)));
    assert_ne!(texts[0], texts[1]);
    let free = Verifier::new(made::opened(&[&signer]), None, 4).unwrap();
    assert_eq!(texts.each_ref().map(|text| reason(&free, text)), [None, None], "both are genuine");
    let id = "URN:UVCI:01DE/IZ12345A/5CWLU12RNOB9RXSEOP6FG8#W";
    let sought = Sought { key_id: KEY_ID, signature: &signature[..32], country: "DE", id };
    for of in [Digested::Signature, Digested::Id, Digested::CountryAndId] {
        for key_id in [None, Some(KEY_ID)] {
            let group = Group { key_id, of, digests: vec![[0; 16], of.digest(&sought)] };
            let verifier =
                Verifier::new(made::opened(&[&signer]), Some(made::revoked(vec![group])), 4).unwrap();
            for text in &texts {
                assert_eq!(reason(&verifier, text), Some(Reason::ForeignRevoked), "{of:?} {key_id:?}");
            }
            assert_eq!(reason(&verifier, &signer.text(&Said::test())), None, "another certificate");
        }
        let group = Group { key_id: Some([8; 8]), of, digests: vec![of.digest(&sought)] };
        let verifier = Verifier::new(made::opened(&[&signer]), Some(made::revoked(vec![group])), 4).unwrap();
        assert_eq!(reason(&verifier, &texts[0]), None, "of another key");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn r63_a_certificate_with_any_bit_changed_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let signer = Signer::es256("DE", KEY_ID);
        let verifier = Verifier::new(made::opened(&[&signer]), None, 4).unwrap();
        let mut message = signer.sign(&Said::vaccination().payload());
        let place = at.index(message.len());
        message[place] ^= 1 << bit;
        // The tag and the unprotected header, which has nothing, are not signed.
        let unsigned = place == 0 || message.get(place - 1).is_some_and(|_| place < 4);
        let found = reason(&verifier, &made::text(&message));
        prop_assert!(found.is_some() || unsigned, "bit {bit} of byte {place}: {found:?}");
    }
}
