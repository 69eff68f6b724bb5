//! Genuine certificates in every form that issuers write.

use hufu_check::{Foreign as _, Genuine};
use hufu_hc1::Verifier;
use hufu_hc1::signers::Kinds;
use hufu_policy::foreign::{Country, Product, Proof, TestKind};
use hufu_wire::{Reason, UnixSeconds};

use crate::made::{self, DAY_S, NOW, Said, Signer, Value};

const KEY_ID: [u8; 8] = [7; 8];

fn verifier(signers: &[&Signer]) -> Verifier {
    Verifier::new(made::opened(signers), None, 64).unwrap()
}

fn check(verifier: &Verifier, text: &str) -> Result<Genuine, Reason> {
    assert!(verifier.takes(text.as_bytes()));
    verifier.verify(NOW, text.as_bytes())
}

fn day(text: &str) -> UnixSeconds {
    hufu_hc1::date::day(text).unwrap()
}

#[test]
fn r63_each_kind_of_certificate_gives_its_facts_by_either_algorithm_and_again() {
    let proofs = [
        (Said::vaccination(), {
            let product = Product::of("EU/1/20/1528");
            Proof::Vaccination { product, dose: 2, of: 2, on: day(made::VACCINATED) }
        }),
        (Said::test(), {
            let taken = hufu_hc1::date::moment(made::TESTED).unwrap();
            Proof::Test { kind: TestKind::Naat, negative: true, taken }
        }),
        (Said::recovery(), {
            let until = UnixSeconds(day("2027-01-28").0 + DAY_S);
            Proof::Recovery { positive: day("2026-08-01"), from: day("2026-08-12"), until }
        }),
    ];
    for signer in [Signer::es256("DE", KEY_ID), Signer::ps256("DE", KEY_ID)] {
        let verifier = verifier(&[&signer]);
        for (said, proof) in &proofs {
            let text = signer.text(said);
            let first = check(&verifier, &text).unwrap();
            assert_eq!((first.certificate.country, first.certificate.proof), (Country(*b"DE"), *proof));
            assert!(!first.remembered);
            assert_eq!(check(&verifier, &text), Ok(Genuine { remembered: true, ..first }));
        }
        let ids: std::collections::BTreeSet<_> =
            proofs.iter().map(|(said, _)| check(&verifier, &signer.text(said)).unwrap().id).collect();
        assert_eq!(ids.len(), proofs.len(), "each has an identifier of its own");
    }
}

#[test]
fn r63_forms_that_issuers_write_are_read_alike() {
    let signer = Signer::es256("DE", KEY_ID);
    let verifier = verifier(&[&signer]);
    let said = Said::vaccination();
    let expected = check(&verifier, &signer.text(&said)).unwrap().certificate;
    let seconds = |value: &Value| match value {
        Value::Int(seconds) => f64::from(u32::try_from(*seconds).unwrap()) + 0.75,
        _ => unreachable!(),
    };
    let floats = Said {
        issued: Value::Float(seconds(&said.issued)),
        expires: Value::Float(seconds(&said.expires)),
        ..said.clone()
    }
    .with("dn", Value::Float(2.0));
    let untagged = |text: &[u8]| text[1..].to_vec();
    for (what, text) in [
        ("lengths that end with a break", signer.text(&Said { open: true, ..said.clone() })),
        ("floats", signer.text(&floats)),
        ("no issuer", signer.text(&Said { issuer: None, ..said.clone() })),
        ("a name for an issuer", signer.text(&Said { issuer: Some("Ministry of Health"), ..said.clone() })),
        ("a moment for a day", signer.text(&said.clone().with("dt", Value::Text("2026-09-01T00:00:00Z")))),
        ("no tag", made::text(&untagged(&signer.sign(&said.payload())))),
        ("the tag of a CWT too", made::text(&[&[0xd8, 61][..], &signer.sign(&said.payload())].concat())),
        ("the key id unprotected", made::text(&signer.sign_as(-7, None, Some(KEY_ID), &said.payload()))),
        ("another id unprotected", {
            made::text(&signer.sign_as(-7, Some(KEY_ID), Some([1; 8]), &said.payload()))
        }),
    ] {
        assert_eq!(check(&verifier, &text).map(|genuine| genuine.certificate), Ok(expected), "{what}");
    }
}

#[test]
fn r63_all_keys_with_an_id_are_tried_each_as_what_it_is() {
    let [first, second, third] = ["DE", "FR", "DE"].map(|country| Signer::es256(country, KEY_ID));
    let rsa = Signer::ps256("DE", KEY_ID);
    let verifier = verifier(&[&first, &second, &third, &rsa]);
    let said = Said::vaccination();
    for signer in [&first, &third, &rsa] {
        assert!(check(&verifier, &signer.text(&said)).is_ok());
    }
    assert_eq!(
        check(&verifier, &second.text(&said)).map(drop),
        Err(Reason::KeyOutOfScope),
        "a key of France under a certificate of Germany"
    );
    let french = Said { issuer: Some("FR"), ..said };
    assert_eq!(check(&verifier, &second.text(&french)).unwrap().certificate.country, Country(*b"FR"));
}

#[test]
fn r63_a_key_signs_what_its_usage_says_and_no_longer_than_its_certificate() {
    let mut signer = Signer::es256("DE", KEY_ID);
    signer.listed.kinds = Kinds::VACCINATION | Kinds::RECOVERY;
    let text = signer.text(&Said::test());
    assert_eq!(check(&verifier(&[&signer]), &text).map(drop), Err(Reason::KeyOutOfScope));
    let text = signer.text(&Said::recovery());
    assert!(check(&verifier(&[&signer]), &text).is_ok());
    for (from, until) in [(NOW.0 - DAY_S, NOW.0 - 1), (NOW.0 + 1, NOW.0 + DAY_S)] {
        (signer.listed.from, signer.listed.until) = (UnixSeconds(from), UnixSeconds(until));
        let verifier = verifier(&[&signer]);
        for _ in 0..2 {
            assert_eq!(check(&verifier, &text).map(drop), Err(Reason::KeyNotValid), "also when remembered");
        }
    }
}

#[test]
fn r63_validity_is_held_against_the_clock_also_of_what_is_remembered() {
    let signer = Signer::es256("DE", KEY_ID);
    let verifier = verifier(&[&signer]);
    let said = Said { issued: Value::Int(1_790_000_000), expires: Value::Int(1_790_001_000), ..Said::test() };
    let text = signer.text(&said);
    for (now, expected) in [
        (1_789_999_939, Some(Reason::NotYetValid)),
        (1_789_999_940, None),
        (1_790_000_999, None),
        (1_790_001_000, Some(Reason::Expired)),
        (1_789_999_939, Some(Reason::NotYetValid)),
    ] {
        assert_eq!(verifier.verify(UnixSeconds(now), text.as_bytes()).err(), expected, "at {now}");
    }
}
