//! Codes of every kind: one spelling each, and no other byte string is believed (R01-R04, R10).

mod common;

use common::*;
use hufu_codes::cbor::Writer;
use hufu_codes::credential::{ORIGIN_MAX, masked};
use hufu_codes::issue::{IssuerSigner, Misissued, code_text};
use hufu_codes::keyring::{Keyring, Uses};
use hufu_codes::presentation::Shown;
use hufu_codes::{Credential, Detail, code, text};
use hufu_wire::{CodeKind, HolderIndex, HubId, Reason, Step, UnixSeconds, limits};
use proptest::prelude::*;

#[test]
fn r01_a_code_of_each_kind_is_genuine() {
    let keyring = keyring();
    for (kind, text) in texts() {
        let shown = if kind == "phone" { Shown::At(NOW.step()) } else { Shown::NotNeeded };
        assert_eq!(check_text(&keyring, text.as_bytes(), NOW), Ok(shown), "{kind}");
    }
}

#[test]
fn r01_every_truncation_and_every_extension_is_refused() {
    let keyring = keyring();
    for (kind, text) in texts() {
        for length in 0..text.len() {
            assert!(check_text(&keyring, &text.as_bytes()[..length], NOW).is_err(), "{kind} cut to {length}");
        }
        let whole = binary(&text);
        for length in 0..whole.len() {
            assert!(code::parse(&whole[..length]).is_err(), "{kind} cut to {length} bytes");
        }
        for byte in 0..=u8::MAX {
            let longer = [whole.as_slice(), &[byte]].concat();
            assert_eq!(code::parse(&longer), Err(Reason::BadEncoding), "{kind} with {byte:02x} after it");
        }
    }
}

#[test]
fn r01_every_bit_of_text_and_bytes_counts() {
    let keyring = keyring();
    for (kind, text) in texts() {
        for (bit, flipped) in bit_flips(text.as_bytes()) {
            assert!(check_text(&keyring, &flipped, NOW).is_err(), "{kind}, bit {bit} of the text");
        }
        for (bit, flipped) in bit_flips(&binary(&text)) {
            assert!(check_binary(&keyring, &flipped, NOW).is_err(), "{kind}, bit {bit} of the bytes");
        }
    }
}

#[test]
fn r01_another_spelling_of_the_same_items_is_refused() {
    for (kind, text) in texts() {
        for spelling in other_spellings(&binary(&text)) {
            assert_eq!(
                code::parse(&spelling),
                Err(Reason::BadEncoding),
                "{kind}: {}",
                hex::encode(&spelling)
            );
        }
    }
}

/// What a careless issuer might sign: the signature is genuine and the payload is not the one encoding.
#[test]
fn r01_another_spelling_of_the_payload_is_refused_however_genuine_its_signature() {
    let keyring = keyring();
    let check = |payload: &[u8]| {
        let code = code::write(&issuer().sign_payload(payload), None);
        check_binary(&keyring, &code, NOW)
    };
    let payload = paper().payload();
    assert_eq!(check(&payload), Ok(Shown::NotNeeded));
    for credential in [paper(), trip()] {
        for spelling in other_spellings(&credential.payload()) {
            assert_eq!(check(&spelling), Err(Reason::BadEncoding), "{}", hex::encode(spelling));
        }
    }
    let claims = |write: &dyn Fn(&mut Writer)| {
        let mut writer = Writer::new();
        write(&mut writer);
        check(&writer.into_bytes())
    };
    let [exp, nbf] = [paper().expires.0, paper().issued.0];
    let private = |writer: &mut Writer| {
        writer.int(-65537).array(4).uint(2_u8).uint(1_u8).uint(0_u8).text("");
    };
    for (case, answer, refused) in [
        (
            "as it should be",
            Ok(Shown::NotNeeded),
            claims(&|w| private(w.map(3).int(4).uint(exp).int(5).uint(nbf))),
        ),
        ("keys out of order", BAD, claims(&|w| private(w.map(3).int(5).uint(nbf).int(4).uint(exp)))),
        (
            "a key twice",
            BAD,
            claims(&|w| private(w.map(4).int(4).uint(exp).int(4).uint(exp).int(5).uint(nbf))),
        ),
        (
            "a key too many",
            BAD,
            claims(&|w| private(w.map(4).int(4).uint(exp).int(5).uint(nbf).int(6).uint(nbf))),
        ),
        ("no issue time", BAD, claims(&|w| private(w.map(2).int(4).uint(exp)))),
        ("beyond 32 bits", BAD, claims(&|w| private(w.map(3).int(4).uint(1_u64 << 32).int(5).uint(nbf)))),
        ("expired when issued", BAD, claims(&|w| private(w.map(3).int(4).uint(nbf).int(5).uint(nbf)))),
        ("a tag", BAD, claims(&|w| private(w.raw(&[0xd8, 61]).map(3).int(4).uint(exp).int(5).uint(nbf)))),
    ] {
        assert_eq!(refused, answer, "{case}");
    }
}

const BAD: Result<Shown, Reason> = Err(Reason::BadEncoding);

#[test]
fn r01_bombs_are_refused_at_their_head() {
    let deep = [0x81; limits::CODE_BINARY_BYTES_MAX];
    assert_eq!(code::parse(&deep), Err(Reason::BadEncoding));
    let deep = [0xa1; limits::CODE_BINARY_BYTES_MAX];
    assert_eq!(code::parse(&deep), Err(Reason::BadEncoding));
    for length in [[0x5b, 0xff], [0x7b, 0x7f], [0x9b, 0xff], [0xbb, 0x00]] {
        for prefix in [&[][..], &[0x81], &[0x81, 0x84], &[0x81, 0x84, 0x4d]] {
            let bomb = [prefix, &length, &[0xff; 7]].concat();
            assert_eq!(code::parse(&bomb), Err(Reason::BadEncoding));
        }
    }
}

#[test]
fn r01_foreign_and_oversized_texts_have_their_own_reasons() {
    let keyring = keyring();
    let check = |text: &str| check_text(&keyring, text.as_bytes(), NOW);
    assert_eq!(check("https://example.com/?q=1"), Err(Reason::NotACode));
    assert_eq!(check("HC1:6BF+70790T9WJWG.FKY*4GO0"), Err(Reason::ForeignCode));
    assert_eq!(check(&format!("HF1:{}", "0".repeat(600))), Err(Reason::CodeTooLong));
    assert_eq!(check("HF1:hello"), Err(Reason::BadText));
    assert_eq!(check("HF1:"), Err(Reason::BadEncoding));
    let (_, paper) = &texts()[1];
    assert_eq!(check(&paper.to_lowercase()), Err(Reason::NotACode));
    assert_eq!(check(&format!("{paper} ")), Err(Reason::BadText));
}

#[test]
fn codes_fit_their_qr_versions() {
    // Alphanumeric capacities at level L, ISO/IEC 18004 table 7: version 11 has 468, version 6 has 195.
    let largest = Credential { holder: HolderIndex(u32::MAX), generation: u8::MAX, ..paper() };
    let (phone, tree) = phone();
    let Detail::Phone { root, .. } = phone.detail else { panic!("a phone") };
    let detail = Detail::Phone { root, origin: ORIGIN_MAX };
    let phone = Credential { detail, expires: phone.expires, ..largest };
    let last = tree.present(step(4095));

    assert_eq!(code_text(&signed(&phone), Some(&last)).len(), 445);
    assert_eq!(code_text(&signed(&largest), None).len(), 186);
    let trip = Credential { detail: trip().detail, ..largest };
    assert_eq!(code_text(&signed(&trip), None).len(), 208);

    // The longest display still leaves every kind within the limit of a code.
    assert_eq!(LONGEST_DISPLAY.len(), limits::DISPLAY_BYTES_MAX);
    let phone = Credential { display: LONGEST_DISPLAY, ..phone };
    let longest = code_text(&signed(&phone), Some(&last));
    assert_eq!(longest.len(), 483);
    assert_eq!(code::parse(&binary(&longest)).map(|code| *code.credential.claims()), Ok(phone));
}

#[test]
fn r03_a_kind_is_signed_and_cannot_be_changed() {
    let keyring = keyring();
    let (phone, tree) = phone();
    let shown = tree.present(step(0));
    // A phone code that leaves its presentation at home does not become paper.
    let alone = code_text(&signed(&phone), None);
    assert_eq!(check_text(&keyring, alone.as_bytes(), NOW), Err(Reason::PresentationMissing));
    // Nor does paper become anything by having a presentation beside it.
    for credential in [paper(), trip()] {
        let with = code_text(&signed(&credential), Some(&shown));
        assert_eq!(check_text(&keyring, with.as_bytes(), NOW), Err(Reason::BadEncoding));
    }
    // A phone's claims under a paper's signature are nobody's.
    let bytes = code::write(&signed(&paper()), None);
    let paper_code = code::parse(&bytes).expect("our own");
    let mut forged = Writer::new();
    let mut protected = Writer::new();
    protected.map(2).int(1).int(-8).int(4).bytes(&issuer().key().0);
    forged.array(2).array(4).bytes(&protected.into_bytes()).map(0).bytes(&phone.payload());
    forged.bytes(paper_code.credential.envelope().signature);
    forged.array(3).uint(0_u8).bytes(&shown.preimage).bytes(&shown.path);
    assert_eq!(check_binary(&keyring, &forged.into_bytes(), NOW), Err(Reason::BadSignature));
}

#[test]
fn r03_r04_r27_kinds_carry_their_own_claims() {
    let check = |credential: Credential<'_>, kind| {
        let bytes = code::write(&signed(&credential), None);
        let claims = *code::parse(&bytes).expect("our own").credential.claims();
        assert_eq!(claims, credential);
        assert_eq!(claims.kind(), kind);
    };
    check(paper(), CodeKind::Paper);
    check(family(), CodeKind::Family);
    check(trip(), CodeKind::Trip);
    check(phone().0, CodeKind::Phone);
}

/// The order of the rules is part of the format: a code that breaks two is refused for the first.
#[test]
fn r01_rules_of_keys_and_time_by_their_reasons() {
    let stranger = IssuerSigner::from_seed(&[0x44; 32], ISSUER);
    let paper_only = IssuerSigner::from_seed(&[0x55; 32], ISSUER);
    let retired = IssuerSigner::from_seed(&[0x66; 32], ISSUER);
    let stolen = IssuerSigner::from_seed(&[0x77; 32], ISSUER);
    let keys = [
        listed(&issuer(), Uses::CODES),
        listed(&paper_only, Uses::PAPER),
        hufu_codes::keyring::ListedKey { until: UnixSeconds(NOW.0 - 1), ..listed(&retired, Uses::CODES) },
        hufu_codes::keyring::ListedKey { revoked: true, ..listed(&stolen, Uses::CODES) },
    ];
    let keyring = Keyring::empty().update(&list(1, &keys), NOW).expect("a good list");
    let check = |signer: &IssuerSigner, credential: Credential<'_>, now| {
        let payload = Credential { key: signer.key(), ..credential }.payload();
        check_binary(&keyring, &code::write(&signer.sign_payload(&payload), None), now)
    };
    let at = |seconds: u32| UnixSeconds(NOW.0 + seconds);
    let too_long = Credential { expires: at(limits::PAPER_VALIDITY_S_MAX + 1), ..paper() };
    let early = Credential { issued: UnixSeconds(NOW.0 - 3601), expires: at(60), ..paper() };
    let tolerance = UnixSeconds(NOW.0 - limits::NOT_BEFORE_TOLERANCE_S);
    let ok = Ok(Shown::NotNeeded);

    for (case, answer, given) in [
        ("genuine", ok, check(&issuer(), paper(), NOW)),
        ("genuine under a narrow key", ok, check(&paper_only, paper(), NOW)),
        ("a stranger's key", Err(Reason::KeyUnknown), check(&stranger, paper(), NOW)),
        ("a revoked key", Err(Reason::KeyRevoked), check(&stolen, paper(), NOW)),
        ("a key that may not", Err(Reason::KeyOutOfScope), check(&paper_only, trip(), NOW)),
        ("a key that may no longer", Err(Reason::KeyNotValid), check(&retired, paper(), NOW)),
        ("a key that could not yet", Err(Reason::KeyNotValid), check(&issuer(), early, NOW)),
        ("too long", Err(Reason::ValidityTooLong), check(&issuer(), too_long, NOW)),
        (
            "scope before validity",
            Err(Reason::KeyOutOfScope),
            check(&paper_only, trip(), at(u32::MAX - NOW.0)),
        ),
        ("key before validity", Err(Reason::KeyNotValid), check(&retired, too_long, NOW)),
        (
            "before its time",
            Err(Reason::NotYetValid),
            check(&issuer(), paper(), UnixSeconds(tolerance.0 - 1)),
        ),
        ("a clock a little behind", ok, check(&issuer(), paper(), tolerance)),
        ("in its last second", ok, check(&issuer(), paper(), at(limits::PAPER_VALIDITY_S_MAX - 1))),
        ("expired", Err(Reason::Expired), check(&issuer(), paper(), at(limits::PAPER_VALIDITY_S_MAX))),
    ] {
        assert_eq!(given, answer, "{case}");
    }
}

#[test]
fn r02_r03_r04_each_kind_has_its_longest_validity() {
    for (credential, validity_s_max) in [(phone().0, 86_400), (paper(), 604_800), (trip(), 5_184_000)] {
        let valid_for = |s: u32| Credential { expires: UnixSeconds(NOW.0 + s), ..credential }.validity_fits();
        assert_eq!(valid_for(validity_s_max), Ok(()));
        assert_eq!(valid_for(validity_s_max + 1), Err(Reason::ValidityTooLong));
    }
}

#[test]
fn an_issuer_signs_nothing_that_every_gate_refuses() {
    let control = Credential { display: "张\n1234", ..paper() };
    let long = Credential { display: "张*12345678901234567890123456789012", ..paper() };
    let backwards = Detail::Trip { hub: HubId(1), from: NOW, until: UnixSeconds(NOW.0 - 1) };
    let beyond = Detail::Phone { root: [0; 16], origin: Step(ORIGIN_MAX.0 + 1) };
    let brief = UnixSeconds(NOW.0 + 60);
    for (case, credential) in [
        ("another key", Credential { key: operator_id(), ..paper() }),
        ("too long a validity", Credential { expires: FOREVER, ..paper() }),
        ("no validity", Credential { expires: NOW, ..paper() }),
        ("control characters", control),
        ("too long a display", long),
        ("a window that ends before it begins", Credential { detail: backwards, ..trip() }),
        ("steps beyond time", Credential { detail: beyond, expires: brief, ..paper() }),
    ] {
        assert!(issuer().sign_credential(&credential).is_err(), "{case}");
    }
    let another = issuer().sign_credential(&Credential { key: operator_id(), ..paper() });
    assert!(matches!(another, Err(Misissued::AnotherKey { .. })));
}

/// docs/CODES.md: a verifier holds a step origin against its range and against nothing else.
#[test]
fn a_step_origin_may_lie_anywhere_in_its_range() {
    for origin in [Step(0), NOW.step(), Step(NOW.step().0 + 10_000), ORIGIN_MAX] {
        let credential = Credential { detail: Detail::Phone { root: [0; 16], origin }, ..phone().0 };
        assert!(issuer().sign_credential(&credential).is_ok(), "{origin:?}");
    }
}

fn operator_id() -> hufu_wire::KeyId {
    hufu_codes::cose::key_id(operator().public())
}

/// A lost phone's code dies by its generation, so the generation is signed like everything else.
#[test]
fn r05_a_generation_travels_signed() {
    let keyring = keyring();
    for generation in [0, 1, 23, 24, u8::MAX] {
        let credential = Credential { generation, ..paper() };
        let bytes = code::write(&signed(&credential), None);
        assert_eq!(check_binary(&keyring, &bytes, NOW), Ok(Shown::NotNeeded));
        assert_eq!(code::parse(&bytes).map(|code| code.credential.claims().generation), Ok(generation));

        let newer = Credential { generation: generation.wrapping_add(1), ..credential };
        let older = code::parse(&bytes).expect("our own").credential;
        let mut renewed = Writer::new();
        let mut protected = Writer::new();
        protected.map(2).int(1).int(-8).int(4).bytes(&newer.key.0);
        renewed.array(1).array(4).bytes(&protected.into_bytes()).map(0).bytes(&newer.payload());
        renewed.bytes(older.envelope().signature);
        assert_eq!(check_binary(&keyring, &renewed.into_bytes(), NOW), Err(Reason::BadSignature));
    }
}

/// What a gate may show travels signed, and is no more than R10 allows.
#[test]
fn r10_a_display_is_one_character_and_a_tail() {
    for (name, id_number, shown) in [
        ("张三丰", "110101199003071234", "张*1234"),
        ("Zhang", "11010119900307123X", "Z*123X"),
        ("", "110101199003071234", "*1234"),
        ("阿", "123456", "阿*456"),
        ("阿", "1", "阿*"),
        ("欧阳修", "", "欧*"),
    ] {
        assert_eq!(masked(name, id_number), shown);
    }
    let keyring = keyring();
    let text = code_text(&signed(&paper()), None);
    let changed = text::encode(&{
        let mut bytes = binary(&text);
        let at = bytes.windows(4).position(|window| window == b"1234").expect("the tail");
        bytes[at] = b'9';
        bytes
    });
    assert_eq!(check_text(&keyring, changed.as_bytes(), NOW), Err(Reason::BadSignature));
}

prop_compose! {
    fn details()(
        kind in 0..4, root: [u8; 16], origin in 0..=ORIGIN_MAX.0, hub: u32, from: u32, length: u32,
    ) -> Detail {
        match kind {
            0 => Detail::Phone { root, origin: Step(origin) },
            1 => Detail::Paper,
            2 => Detail::Family,
            _ => Detail::Trip {
                hub: HubId(hub),
                from: UnixSeconds(from),
                until: UnixSeconds(from.saturating_add(length)),
            },
        }
    }
}

prop_compose! {
    fn credentials()(
        issued in 0..u32::MAX - limits::PHONE_VALIDITY_S_MAX,
        validity in 1..=limits::PHONE_VALIDITY_S_MAX,
        holder: u32, generation: u8, display in "\\PC{0,8}", detail in details(),
    ) -> (Credential<'static>, String) {
        let credential = Credential {
            key: issuer().key(),
            issued: UnixSeconds(issued),
            expires: UnixSeconds(issued + validity),
            holder: HolderIndex(holder),
            generation,
            display: "",
            detail,
        };
        (credential, display)
    }
}

/// One small change of a byte string.
#[derive(Clone, Debug)]
enum Edit {
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match *self {
            Edit::Set(at, byte) => {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            Edit::Insert(at, byte) => bytes.insert(at % (bytes.len() + 1), byte),
            Edit::Remove(at) if bytes.len() > 1 => _ = bytes.remove(at % bytes.len()),
            Edit::Remove(_) => {}
        }
    }
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        4 => (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        1 => (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Edit::Insert(at, byte)),
        1 => any::<usize>().prop_map(Edit::Remove),
    ];
    proptest::collection::vec(edit, 1..4)
}

proptest! {
    #[test]
    fn r01_what_is_signed_is_what_is_read((credential, display) in credentials()) {
        let credential = Credential { display: &display, ..credential };
        let bytes = code::write(&signed(&credential), None);
        let code = code::parse(&bytes).expect("our own");
        prop_assert_eq!(*code.credential.claims(), credential);
        prop_assert_eq!(rewritten(&code), bytes);
    }

    /// Whatever still reads after it was tampered with is the one spelling of what it now says.
    #[test]
    fn r01_any_bytes_that_read_write_back_the_same(kind in 0_usize..3, edits in edits()) {
        let mut bytes = binary(&texts()[kind].1);
        for edit in edits {
            edit.apply(&mut bytes);
        }
        if let Ok(code) = code::parse(&bytes) {
            prop_assert_eq!(rewritten(&code), bytes);
        }
    }

    #[test]
    fn r01_noise_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..340)) {
        prop_assert!(code::parse(&bytes).is_err());
    }
}
