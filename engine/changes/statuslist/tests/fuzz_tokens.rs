//! Bytes that no one signed, and altered good ones: nothing panics, nothing grows, nothing is believed.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::LazyLock;

use hufu_statuslist::{Bits, Claims, Expected, Format, Keys, Signer, StatusList, look, read, write};
use hufu_wire::UnixSeconds;

const NOW: UnixSeconds = UnixSeconds(1_790_000_000);

/// A key, and a good token of each form.
static GOOD: LazyLock<(Keys, [Vec<u8>; 2])> = LazyLock::new(|| {
    let signer = Signer::from_pem(Signer::generate().unwrap().as_bytes(), b"").unwrap();
    let expires = Some(UnixSeconds(NOW.0 + 60));
    let claims = Claims { uri: "https://a.example/0".to_owned(), issued: NOW, expires, ttl_s: Some(60) };
    let zlib = StatusList::of(Bits::Two, [0, 1, 2, 3, 0]).deflate();
    let tokens = Format::ALL.map(|format| write(format, &claims, Bits::Two, &zlib, &signer).unwrap());
    (Keys::default().with(signer.public().clone()), tokens)
});

fn is_not_believed(token: &[u8]) {
    let (keys, good) = &*GOOD;
    // The unprotected header of a CWT is not signed and may change; what is believed may not.
    if let Ok(token) = read(token, keys, &Expected { uri: None, entries: None, now: NOW }) {
        let signed = look(&good[0]).unwrap();
        assert_eq!((token.claims, token.list), (signed.claims, signed.list));
    }
    let _ = look(token);
}

#[test]
fn any_token() {
    bolero::check!().for_each(is_not_believed);
}

/// CBOR without its signature in the way: the claims and headers of a CWT, and the JSON of a JWT.
#[test]
fn any_content() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    bolero::check!().for_each(|content: &[u8]| {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","typ":"statuslist+jwt"}"#);
        let _ = look(format!("{header}.{}.AA", URL_SAFE_NO_PAD.encode(content)).as_bytes());
        let mut cwt = hufu_codes::cbor::Writer::new();
        let header = b"\xa2\x01\x26\x10\x78\x1aapplication/statuslist+cwt";
        cwt.raw(&[0xd2]).array(4).bytes(header).map(0).bytes(content).bytes(&[0; 64]);
        let _ = look(&cwt.into_bytes());
    });
}

#[test]
fn an_altered_token() {
    bolero::check!().with_type::<(bool, Vec<(u16, u8, u8)>)>().for_each(|(which, alterations)| {
        let mut token = GOOD.1[usize::from(*which)].clone();
        for &(at, what, byte) in alterations {
            let at = usize::from(at) % (token.len() + 1);
            match what % 4 {
                0 => token.insert(at, byte),
                1 => token.truncate(at.max(1)),
                _ if at == token.len() => token.push(byte),
                2 => _ = token.remove(at),
                _ => token[at] = byte,
            }
        }
        is_not_believed(&token);
    });
}

#[test]
fn any_list_and_any_key() {
    bolero::check!().for_each(|bytes: &[u8]| {
        for bits in [Bits::One, Bits::Eight] {
            if let Ok(list) = StatusList::inflate(bits, bytes, None) {
                assert_eq!(StatusList::inflate(bits, &list.deflate(), None).unwrap(), list);
            }
        }
        let _ = Keys::default().add_file(bytes);
    });
}
