//! The draft's own examples (`tests/vectors/README.md`).

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hufu_statuslist::{Bits, Expected, Fault, Format, Keys, StatusList, look, read};
use hufu_wire::UnixSeconds;

/// The public half of the key by which the examples are signed (`src/util.py` beside the draft).
const KEY: &[u8] = br#"{"kty":"EC","use":"sig","crv":"P-256","kid":"12","alg":"ES256",
    "x":"I3HWm_0Ds1dPMI-IWmf4mBmH-YaeAVbPVu7vB27CxXo","y":"6N_d5Elj9bs1htgV3okJKIdbHEpkgTmAluYKJemzn1M"}"#;
const URI: &str = "https://example.com/statuslists/1";

#[derive(serde::Deserialize)]
struct Vector {
    bits: u64,
    status: BTreeMap<u64, u8>,
    lst: String,
}

#[test]
fn r64_the_draft_s_lists_of_a_million_entries_are_read() {
    for text in [
        include_str!("vectors/1-bit.json"),
        include_str!("vectors/2-bit.json"),
        include_str!("vectors/4-bit.json"),
        include_str!("vectors/8-bit.json"),
    ] {
        let vector: Vector = serde_json::from_str(text).unwrap();
        let bits = Bits::of(vector.bits).unwrap();
        let zlib = URL_SAFE_NO_PAD.decode(&vector.lst).unwrap();
        let list = StatusList::inflate(bits, &zlib, Some(1 << 20)).unwrap();
        for (index, value) in &vector.status {
            assert_eq!(list.get(*index), Some(*value), "{bits:?} {index}");
        }
        let others = (0..list.entries()).filter(|index| !vector.status.contains_key(index));
        assert!(others.into_iter().all(|index| list.get(index) == Some(0)), "{bits:?}");
        assert_eq!(list.get(1 << 20), None);
        // Our own list has the same bytes inside, and they come back.
        let values = (0..1 << 20).map(|index| vector.status.get(&index).copied().unwrap_or(0));
        let own = StatusList::of(bits, values);
        assert_eq!(own, list);
        assert_eq!(StatusList::inflate(bits, &own.deflate(), Some(1 << 20)).unwrap(), list);
        assert!(own.deflate().len() <= zlib.len() + zlib.len() / 10, "as small as zlib's");
    }
}

#[test]
fn r64_the_draft_s_small_lists_are_written_byte_for_byte() {
    let check = |bits: Bits, values: &[u8], packed: &[u8], zlib: &str| {
        let list = StatusList::of(bits, values.iter().copied());
        assert_eq!(list.bytes(), packed);
        assert_eq!(hex::encode(list.deflate()), zlib, "section 4.1");
    };
    let one = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
    check(Bits::One, &one, &[0xb9, 0xa3], "78dadbb918000217015d");
    let two = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3];
    check(Bits::Two, &two, &[0xc9, 0x44, 0xf9], "78da3be9f2130003df0207");
}

#[test]
fn r64_the_draft_s_signed_examples_are_believed_under_their_key() {
    let mut keys = Keys::default();
    keys.add_file(KEY).unwrap();
    let jwt = include_bytes!("vectors/token.jwt").to_vec();
    let cwt = hex::decode(include_str!("vectors/token.cwt.hex")).unwrap();
    for (token, format) in [(jwt, Format::Jwt), (cwt, Format::Cwt)] {
        let expected = Expected { uri: Some(URI), entries: Some(16), now: UnixSeconds(1_700_000_000) };
        let read_token = read(&token, &keys, &expected).unwrap();
        assert_eq!((read_token.format, read_token.key_id.as_deref()), (format, Some("12")));
        assert_eq!(read_token.claims.issued, UnixSeconds(1_686_920_170));
        assert_eq!(read_token.claims.expires, Some(UnixSeconds(2_291_720_170)));
        assert_eq!(read_token.claims.ttl_s, Some(43_200));
        assert_eq!(read_token.list.bytes(), [0xb9, 0xa3]);
        assert_eq!(look(&token).unwrap(), read_token);
        let mut changed = token.clone();
        let at = changed.len() - 5;
        changed[at] ^= 1;
        assert_eq!(read(&changed, &keys, &expected), Err(Fault::Signature));
    }
}
