//! Signed messages of other systems, told by the outside of their CBOR, as far as a person needs to know what lies there.

use hufu_codes::cbor::Reader;
use hufu_wire::Reason;

use super::explained::Explained;

/// CBOR tags of CWT and COSE messages (RFC 8392, section 6; RFC 9052, section 2), as they are encoded.
const TAGS: [(&[u8], &str); 7] = [
    (b"\xd8\x3d", "CWT"),
    (b"\xd2", "COSE_Sign1"),
    (b"\xd8\x62", "COSE_Sign"),
    (b"\xd1", "COSE_Mac0"),
    (b"\xd8\x61", "COSE_Mac"),
    (b"\xd0", "COSE_Encrypt0"),
    (b"\xd8\x60", "COSE_Encrypt"),
];
/// "Self-described CBOR" (RFC 8949, section 3.4.6).
const SELF_DESCRIBED: &[u8] = b"\xd9\xd9\xf7";

/// Explains a CWT or a COSE message of another system; `None` for other bytes.
pub(super) fn explain(bytes: &[u8]) -> Option<Explained> {
    let mut rest = bytes.strip_prefix(SELF_DESCRIBED).unwrap_or(bytes);
    let mut tags = Vec::new();
    while let Some((tag, name)) = TAGS.iter().find(|(tag, _)| rest.starts_with(tag)) {
        tags.push(*name);
        rest = &rest[tag.len()..];
    }
    let protected = protected(rest)?;
    let algorithm = algorithm(protected);
    if tags.is_empty() {
        // Without a tag only an algorithm in the first of four parts tells it from any other array.
        algorithm?;
        tags.push("COSE_Sign1");
    }
    let mut explained = Explained::new(format!("{} message of another system", tags.join(", ")));
    explained.field("binary", format!("{} bytes", bytes.len()), "CBOR, RFC 9052");
    if let Some(number) = algorithm {
        explained.field("algorithm", number, algorithm_name(number));
    }
    Some(explained.refused(Reason::ForeignCode))
}

/// The protected header: the first item of an array of three to five.
fn protected(message: &[u8]) -> Option<&[u8]> {
    let [0x83..=0x85 | 0x9f, rest @ ..] = message else { return None };
    Reader::new(rest).bytes().ok()
}

/// Label 1 of the header, RFC 9052 section 3.1, where it comes first.
fn algorithm(protected: &[u8]) -> Option<i64> {
    let [0xa1..=0xb7, rest @ ..] = protected else { return None };
    let mut reader = Reader::new(rest);
    reader.key(1).ok()?;
    reader.int().ok()
}

/// IANA's registry of COSE algorithms.
const fn algorithm_name(number: i64) -> &'static str {
    match number {
        -7 => "ES256",
        -35 => "ES384",
        -36 => "ES512",
        -37 => "PS256",
        -257 => "RS256",
        -8 => "EdDSA",
        5 => "HMAC 256/256",
        _ => "",
    }
}
