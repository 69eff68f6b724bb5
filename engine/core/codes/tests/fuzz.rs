//! Bytes nobody would issue: every parser answers without a panic, and what reads has one spelling. Each
//! target takes whole inputs, with a kept corpus in `__fuzz__` that begins with good ones, and altered good
//! ones.

mod common;

use common::*;
use hufu_codes::cbor::Reader;
use hufu_codes::cose::Sign1;
use hufu_codes::issue::{IssuerSigner, Secret};
use hufu_codes::keyring::{Keyring, ListDigest, TrustList, Uses};
use hufu_codes::{code, roster, text};
use hufu_signature::{Job, PreparedKey, PublicKey, Scheme};
use hufu_wire::{HolderIndex, SiteId, UnixSeconds, limits};

/// What happens to a good input: places, and what is done there.
type Alterations = Vec<(u16, u8, u8)>;

fn altered(good: &[u8], alterations: &Alterations) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for &(at, what, byte) in alterations {
        let at = usize::from(at) % (bytes.len() + 1);
        match what % 4 {
            0 => bytes.insert(at, byte),
            1 => bytes.truncate(at.max(1)),
            _ if at == bytes.len() => bytes.push(byte),
            2 => _ = bytes.remove(at),
            _ => bytes[at] = byte,
        }
    }
    bytes
}

#[test]
fn any_text() {
    bolero::check!().for_each(|input: &[u8]| text_has_one_spelling(input));
}

#[test]
fn altered_text() {
    let texts = texts();
    bolero::check!().with_type::<(u8, Alterations)>().for_each(|(kind, alterations)| {
        let (_, text) = &texts[usize::from(*kind) % texts.len()];
        text_has_one_spelling(&altered(text.as_bytes(), alterations));
    });
}

fn text_has_one_spelling(input: &[u8]) {
    let mut out = [0; limits::CODE_BINARY_BYTES_MAX];
    if let Ok(binary) = text::decode(input, &mut out) {
        assert_eq!(text::encode(binary).as_bytes(), input);
    }
}

#[test]
fn any_code() {
    bolero::check!().for_each(|input: &[u8]| code_has_one_spelling(input));
}

#[test]
fn altered_code() {
    let (keyring, codes) = (keyring(), texts().map(|(_, text)| binary(&text)));
    bolero::check!().with_type::<(u8, Alterations)>().for_each(|(kind, alterations)| {
        let good = &codes[usize::from(*kind) % codes.len()];
        let bytes = altered(good, alterations);
        code_has_one_spelling(&bytes);
        if let Ok(code) = code::parse(&bytes) {
            let genuine = keyring
                .admit(code.credential, NOW)
                .is_ok_and(|it| it.verify(hufu_signature::backend()).is_ok());
            let untouched = codes.iter().any(|good| good[1..].starts_with(code.credential.bytes()));
            assert!(!genuine || untouched, "{} is believed", hex::encode(&bytes));
        }
    });
}

fn code_has_one_spelling(input: &[u8]) {
    if let Ok(code) = code::parse(input) {
        assert_eq!(rewritten(&code), input);
    }
}

#[test]
fn any_roster() {
    bolero::check!().for_each(|input: &[u8]| roster_is_sound(input));
}

#[test]
fn altered_roster() {
    let members: Vec<_> = (0..20).map(|n| HolderIndex(n * 1000)).collect();
    let expires = UnixSeconds(NOW.0 + 60);
    let good = issuer().sign_roster(SiteId(7), NOW, expires, &[(ISSUER, &members)]).expect("a good roster");
    bolero::check!()
        .with_type::<Alterations>()
        .for_each(|alterations| roster_is_sound(&altered(&good, alterations)));
}

fn roster_is_sound(input: &[u8]) {
    if let Ok(roster) = roster::parse(input) {
        let claims = roster.claims();
        assert_eq!(claims.members().count(), claims.len());
        assert!(claims.members().is_sorted());
    }
}

#[test]
fn any_trust_list() {
    bolero::check!().for_each(|input: &[u8]| list_is_sound(input));
}

#[test]
fn altered_trust_list() {
    let good = TrustList::sign(1, NOW, &[listed(&issuer(), Uses::CODES)], &operator());
    bolero::check!()
        .with_type::<Alterations>()
        .for_each(|alterations| list_is_sound(&altered(&good, alterations)));
}

/// A payload is read only under a genuine signature, so here it is altered first and signed afterwards.
#[test]
fn altered_and_signed_trust_list() {
    let keys = [listed(&issuer(), Uses::CODES)];
    let settles = [ListDigest([7; 32]), ListDigest([8; 32])];
    let goods = [
        TrustList::sign(1, NOW, &keys, &operator()),
        TrustList::sign_dated(1, (NOW, FOREVER), &settles, &keys, &operator()),
        unnamed_schemes(&list(1, &keys)),
        TrustList::sign(1, NOW, &[listed(&of_sm2(), Uses::CODES)], &operator()),
    ];
    let payloads = goods.each_ref().map(|good| Sign1::read(&mut Reader::new(good)).expect("our own").payload);
    bolero::check!().with_type::<Alterations>().for_each(|alterations| {
        for payload in payloads {
            list_is_sound(&operator().sign_payload(&altered(payload, alterations)));
        }
    });
}

fn list_is_sound(input: &[u8]) {
    if let Ok(list) = TrustList::open(input, operator_key()) {
        assert_eq!(list.signed(), input);
        let keys: Vec<_> = list.keys().iter().map(|(_, key)| *key).collect();
        let again = match list.next_by() {
            None => TrustList::sign(list.version(), list.made_at(), &keys, &operator()),
            Some(next_by) => {
                let times = (list.made_at(), next_by);
                TrustList::sign_dated(list.version(), times, list.settles(), &keys, &operator())
            }
        };
        assert!(again == input || unnamed_schemes(&list) == input, "one spelling in each layout");
    }
}

/// R45: a key of SM2, a signature and a message that were altered together: nothing but the untouched ones is genuine.
#[test]
fn altered_sm2_signature() {
    let secret = Secret::new(Scheme::Sm2, &[0x11; 32]).expect("a private key");
    let prepared = PreparedKey::new(secret.public()).expect("a good key");
    let good = [secret.public().bytes(), &secret.sign(&[b"message"]), b"message"].concat();
    bolero::check!().with_type::<Alterations>().for_each(|alterations| {
        let bytes = altered(&good, alterations);
        let Some((public, rest)) = bytes.split_at_checked(Scheme::Sm2.public_bytes()) else { return };
        let Some((signature, message)) = rest.split_first_chunk::<64>() else { return };
        let public = PublicKey::new(Scheme::Sm2, public).expect("so many bytes");
        assert_eq!(public.verify_once(&[message], signature), bytes == good);
        let job = Job { key: &prepared, message: [message, &[], &[], &[]], signature };
        let mut genuine = [false];
        hufu_signature::backend().verify(&[job], &mut genuine);
        assert_eq!(genuine[0], rest == &good[65..]);
    });
}

fn of_sm2() -> IssuerSigner {
    IssuerSigner::new(Secret::new(Scheme::Sm2, &[0x11; 32]).expect("a private key"), ISSUER)
}

#[test]
fn any_kept_keyring() {
    bolero::check!().for_each(|input: &[u8]| {
        if let Ok(keyring) = Keyring::from_state(input, operator_key()) {
            assert_eq!(keyring.to_state(), input);
        }
    });
}
