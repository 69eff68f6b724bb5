//! Bytes of anyone: nothing panics, nothing large is unpacked. Each target has a kept corpus in `__fuzz__` that begins with
//! a good input.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "made/mod.rs"]
mod made;

use hufu_hc1::claims::Claims;
use hufu_hc1::cose::Sign1;
use hufu_hc1::revoked::Revoked;
use hufu_hc1::signers::Signers;
use hufu_hc1::{date, dsc, text};

#[test]
fn any_text() {
    bolero::check!().for_each(|input: &[u8]| {
        let mut room = [0; text::BYTES_MAX];
        for text in [input.to_vec(), [b"HC1:", input].concat(), made::packed(input).into_bytes()] {
            if let Ok(bytes) = text::open(&text, &mut room) {
                let _ = Sign1::read(bytes).map(|message| message.message());
            }
        }
    });
}

#[test]
fn any_message() {
    bolero::check!().for_each(|input: &[u8]| {
        if let Ok(message) = Sign1::read(input) {
            assert!(input.len() > message.protected.len() + message.payload.len());
            if let Ok(signed) = message.message() {
                assert_eq!(signed.bytes(), made::to_sign(message.protected, message.payload));
            }
        }
    });
}

#[test]
fn any_claims() {
    bolero::check!().for_each(|input: &[u8]| {
        if let Ok(claims) = Claims::read(input) {
            assert!(!claims.id.is_empty());
            let _ = claims.kind();
        }
        if let Ok(text) = std::str::from_utf8(input) {
            let _ = (date::day(text), date::moment(text));
        }
        let _ = dsc::read(input, None, None);
    });
}

/// The input is a payload, signed, so that the signature does not keep everything out.
#[test]
fn any_list() {
    bolero::check!().for_each(|input: &[u8]| {
        let (operator, key) = (made::operator(), made::operator_key());
        let signed = operator.sign_payload(input);
        if let Ok(list) = Signers::open(&signed, &key) {
            let listed: Vec<_> = list.listed().cloned().collect();
            assert_eq!(Signers::sign(list.dated, &listed, &operator), signed);
        }
        if let Ok(list) = Revoked::open(&signed, &key) {
            assert_eq!(Revoked::sign(list.dated, list.groups().to_vec(), &operator), signed);
        }
    });
}
