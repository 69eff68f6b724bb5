//! Tokens of ours and of attackers.

#![allow(clippy::unwrap_used, reason = "a test")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hufu_codes::cbor::Writer;
use hufu_statuslist::colours::{Amber, INVALID, SUSPENDED, VALID, value_of};
use hufu_statuslist::{
    Bits, Claims, Expected, Fault, Format, INFLATED_BYTES_MAX, Keys, Signer, StatusList, TTL_S_MAX, look,
    read, write,
};
use hufu_wire::{Colour, StatusMinute, StatusWord, UnixSeconds};
use proptest::prelude::*;

mod others;

const NOW: UnixSeconds = UnixSeconds(1_790_000_000);
const URI: &str = "https://status.example/310000/0";

fn claims() -> Claims {
    let (issued, expires) = (UnixSeconds(NOW.0 - 5), Some(UnixSeconds(NOW.0 + 3_600)));
    Claims { uri: URI.to_owned(), issued, expires, ttl_s: Some(300) }
}

fn signer() -> Signer {
    Signer::from_pem(Signer::generate().unwrap().as_bytes(), b"").unwrap()
}

fn list() -> StatusList {
    StatusList::of(Bits::Two, (0..1000).map(|index| [VALID, INVALID, SUSPENDED][index % 3]))
}

fn expected() -> Expected<'static> {
    Expected { uri: Some(URI), entries: Some(1000), now: NOW }
}

fn token(format: Format, claims: &Claims, signer: &Signer) -> Vec<u8> {
    write(format, claims, Bits::Two, &list().deflate(), signer).unwrap()
}

#[test]
fn r64_both_forms_say_the_same() {
    let signer = signer();
    let keys = Keys::default().with(signer.public().clone());
    for format in Format::ALL {
        let token = token(format, &claims(), &signer);
        assert_eq!(Format::of(&token), format);
        let found = read(&token, &keys, &expected()).unwrap();
        assert_eq!((found.format, found.claims, found.list), (format, claims(), list()));
        assert_eq!(found.key_id.as_deref(), Some(signer.public().thumbprint()));
    }
}

#[test]
fn r64_keys_are_read_from_jwk_jwk_set_pem_and_certificate_and_no_private_or_shared_one() {
    let signer = signer();
    let jwk = signer.public().jwk();
    let set = serde_json::json!({ "keys": [jwk] }).to_string();
    let token = token(Format::Jwt, &claims(), &signer);
    for file in [jwk.to_string(), set, signer.public().to_pem()] {
        let mut keys = Keys::default();
        keys.add_file(file.as_bytes()).unwrap();
        assert!(read(&token, &keys, &expected()).is_ok(), "{file}");
    }
    let mut secret = jwk.clone();
    secret["d"] = "AA".into();
    let shared = serde_json::json!({ "kty": "oct", "k": "AAAA" });
    let mut other_curve = jwk.clone();
    other_curve["crv"] = "P-384".into();
    let mut off_curve = jwk;
    off_curve["x"] = URL_SAFE_NO_PAD.encode([7; 32]).into();
    for (file, wanted) in [
        (secret.to_string(), "private"),
        (shared.to_string(), "shared secret"),
        (other_curve.to_string(), "neither of P-256"),
        (off_curve.to_string(), "no public key"),
        (Signer::generate().unwrap(), "no public key"),
        (String::new(), "1 to 16 keys"),
        ("{\"kty\":\"EC\",\"kty\":\"EC\"}".to_owned(), "kty twice"),
    ] {
        let said = Keys::default().add_file(file.as_bytes()).unwrap_err().to_string();
        assert!(said.contains(wanted), "{said}, not {wanted}");
    }
}

/// A token by hand: any header, any payload, signed by `signer` where it can be.
fn jwt(header: &str, payload: &str, signature: impl FnOnce(&str) -> Vec<u8>) -> Vec<u8> {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(signature(&message));
    format!("{message}.{signature}").into_bytes()
}

const HEADER: &str = r#"{"alg":"ES256","typ":"statuslist+jwt"}"#;

fn payload(members: &str) -> String {
    let lst = URL_SAFE_NO_PAD.encode(list().deflate());
    format!(r#"{{"sub":"{URI}","iat":{},"status_list":{{"bits":2,"lst":"{lst}"}}{members}}}"#, NOW.0)
}

#[test]
fn r64_hostile_headers_are_refused_before_anything_is_believed() {
    let signer = signer();
    let keys = Keys::default().with(signer.public().clone());
    let refused = |header: &str| {
        let token = jwt(header, &payload(""), |message| sign(&signer, message.as_bytes()));
        read(&token, &keys, &expected()).unwrap_err()
    };
    for none in ["none", "None", "NONE"] {
        let header = HEADER.replace("ES256", none);
        assert_eq!(
            read(&jwt(&header, &payload(""), |_| Vec::new()), &keys, &expected()),
            Err(Fault::Unsigned)
        );
    }
    for other in ["HS256", "PS256", "ES384", "es256", "RS256"] {
        assert_eq!(refused(&HEADER.replace("ES256", other)), Fault::Algorithm(other.to_owned()));
    }
    assert!(
        matches!(refused(&HEADER.replace("ES256", "EdDSA")), Fault::UnknownKey(_)),
        "a key has one algorithm"
    );
    assert!(matches!(refused(&HEADER.replace("statuslist+jwt", "JWT")), Fault::Type(_)));
    assert!(matches!(refused(r#"{"alg":"ES256"}"#), Fault::Type(_)));
    let twice = HEADER.replace('}', r#","alg":"none"}"#);
    assert_eq!(refused(&twice), Fault::Duplicate("alg".to_owned()));
    assert!(matches!(refused(&HEADER.replace('}', r#","crit":["b64"]}"#)), Fault::Content(_)));
    assert!(matches!(refused(&HEADER.replace('}', r#","kid":null}"#)), Fault::Content(_)));
    // Another key, and one that another id is given for.
    let other = Signer::from_pem(Signer::generate().unwrap().as_bytes(), b"").unwrap();
    let theirs = token(Format::Jwt, &claims(), &other);
    assert_eq!(read(&theirs, &keys, &expected()), Err(Fault::Signature), "the key was given without an id");
    let named = serde_json::json!({ "keys": [signer.public().jwk()] }).to_string();
    let mut by_name = Keys::default();
    by_name.add_file(named.as_bytes()).unwrap();
    assert!(matches!(read(&theirs, &by_name, &expected()), Err(Fault::UnknownKey(_))));
    for cut in ["", "a", "a.b", "a.b.c.d", "....", "\u{fe}"] {
        assert!(read(cut.as_bytes(), &keys, &expected()).is_err(), "{cut}");
    }
}

/// A message repeats little of what is not believed yet, and no line breaks of it.
#[test]
fn r64_a_peer_writes_no_lines_of_its_own_into_a_message() {
    let long = "long ".repeat(1_000);
    let told = |token: &[u8], wanted: &str| {
        let told = look(token).unwrap_err().to_string();
        assert!(told.contains(wanted) && !told.contains(char::is_control), "{told}");
        assert!(told.chars().count() < 200, "{told}");
    };
    let header = |header: &str| jwt(header, &payload(""), |_| Vec::new());
    let twice = format!(r#","a\nERROR b{long}":1,"a\nERROR b{long}":2}}"#);
    told(&header(&HEADER.replace('}', &twice)), "names a ERROR b");
    told(&header(&HEADER.replace("ES256", &format!("a\\nERROR b{long}"))), "is signed with a ERROR b");
    told(&header(&HEADER.replace('}', &format!(r#","x5c":"{long}"}}"#))), "invalid type: string");
    let (name, signer) = (format!("a\nERROR b{long}"), signer());
    let twice = made(|w| _ = w.map(2).text(&name).int(1).text(&name).int(1));
    told(&cwt(&signer, &twice, &made(|w| _ = w.map(0)), &[]), "names Text(\"a ERROR b");
}

fn sign(signer: &Signer, message: &[u8]) -> Vec<u8> {
    signer.sign(message).unwrap()
}

#[test]
fn r64_claims_that_are_not_as_the_draft_says_are_refused() {
    let signer = signer();
    let keys = Keys::default().with(signer.public().clone());
    let answer = |payload: &str| {
        let token = jwt(HEADER, payload, |message| sign(&signer, message.as_bytes()));
        read(&token, &keys, &expected())
    };
    assert!(answer(&payload("")).is_ok());
    assert!(
        answer(&payload(r#","iss":"x","other":{"a":[1,2.5,null,true]}"#)).is_ok(),
        "other claims may be there"
    );
    let refused = |members: &str| answer(&payload(members)).unwrap_err();
    assert_eq!(refused(r#","sub":"b""#), Fault::Duplicate("sub".to_owned()));
    assert_eq!(refused(r#","other":{"a":1,"a":2}"#), Fault::Duplicate("a".to_owned()), "at any depth");
    for bad in
        [r#","exp":null"#, r#","exp":1.8e9"#, r#","exp":"2000000000""#, r#","exp":-1"#, r#","ttl":300.5"#]
    {
        assert!(matches!(refused(bad), Fault::Content(_)), "{bad}");
    }
    assert_eq!(refused(&format!(r#","exp":{}"#, NOW.0)), Fault::Content("exp is not after iat".to_owned()));
    for ttl_s in [0, TTL_S_MAX + 1] {
        assert!(matches!(refused(&format!(r#","ttl":{ttl_s}"#)), Fault::Content(_)), "{ttl_s}");
    }
    assert_eq!(refused(&format!(r#","nbf":{}"#, NOW.0 + 61)), Fault::NotYet(NOW.0 + 61));
    let with = |from: &str, to: &str| answer(&payload("").replace(from, to)).unwrap_err();
    let iat = |at: u32| format!("\"iat\":{at}");
    assert_eq!(with(&iat(NOW.0), &iat(NOW.0 + 61)), Fault::NotYet(NOW.0 + 61));
    assert!(matches!(with("\"iat\"", "\"at\""), Fault::Content(_)));
    assert!(matches!(with("\"bits\":2", "\"bits\":3"), Fault::Content(_)));
    assert_eq!(
        with("\"bits\":2", "\"bits\":1"),
        Fault::Entries { found: 1008, expected: 1000 },
        "a bit is half"
    );
    assert!(matches!(with("310000/0", "310000/1"), Fault::AnotherList { .. }));
    let expired = Claims { issued: UnixSeconds(NOW.0 - 60), expires: Some(NOW), ..claims() };
    for format in Format::ALL {
        let late = token(format, &expired, &signer);
        assert_eq!(read(&late, &keys, &expected()), Err(Fault::Expired(NOW.0)));
        let ahead = Claims { issued: UnixSeconds(NOW.0 + 61), ..claims() };
        assert_eq!(read(&token(format, &ahead, &signer), &keys, &expected()), Err(Fault::NotYet(NOW.0 + 61)));
        let unbounded = Claims { ttl_s: Some(TTL_S_MAX + 1), ..claims() };
        assert!(matches!(
            read(&token(format, &unbounded, &signer), &keys, &expected()),
            Err(Fault::Content(_))
        ));
    }
    assert!(answer(&payload("")[1..]).is_err(), "no JSON");
    let deep = format!(r#","a":{}1{}"#, "[".repeat(5000), "]".repeat(5000));
    assert!(matches!(refused(&deep), Fault::Content(_)));
}

/// A CWT by hand.
fn cwt(signer: &Signer, protected: &[u8], unprotected: &[u8], claims: &[u8]) -> Vec<u8> {
    let mut message = Writer::new();
    message.array(4).text("Signature1").bytes(protected).bytes(&[]).bytes(claims);
    let signature = sign(signer, &message.into_bytes());
    let mut token = Writer::new();
    token.raw(&[0xd2]).array(4).bytes(protected).raw(unprotected).bytes(claims).bytes(&signature);
    token.into_bytes()
}

fn made(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new();
    write(&mut writer);
    writer.into_bytes()
}

#[test]
fn r64_hostile_cbor_is_refused() {
    const TYPE: &str = "application/statuslist+cwt";
    let signer = signer();
    let keys = Keys::default().with(signer.public().clone());
    let good_header = made(|w| _ = w.map(2).int(1).int(-7).int(16).text(TYPE));
    let none = made(|w| _ = w.map(0));
    let zlib = list().deflate();
    let start = |w: &mut Writer, members| _ = w.map(members).int(2).text(URI).int(6).uint(NOW.0);
    let content = |w: &mut Writer| _ = w.int(65_533).map(2).text("bits").uint(2_u8).text("lst").bytes(&zlib);
    let good = made(|w| {
        start(w, 3);
        content(w);
    });
    let answer = |protected: &[u8], unprotected: &[u8], claims: &[u8]| {
        read(&cwt(&signer, protected, unprotected, claims), &keys, &expected())
    };
    assert!(answer(&good_header, &none, &good).is_ok());
    let more = |more: &dyn Fn(&mut Writer)| {
        let claims = made(|w| {
            start(w, 4);
            content(w);
            more(w);
        });
        answer(&good_header, &none, &claims)
    };
    assert!(more(&|w| _ = w.text("other").array(2).uint(1_u8).map(1).int(-1).bytes(b"x")).is_ok());
    assert!(matches!(more(&|w| _ = w.int(2).text("b")), Err(Fault::Duplicate(_))));
    // Not the shortest form of 2: the same key.
    assert!(matches!(more(&|w| _ = w.raw(&[0x18, 2]).text("b")), Err(Fault::Duplicate(_))));
    assert!(
        matches!(more(&|w| _ = w.int(4).raw(&[0xfb, 0x41, 0xda, 0, 0, 0, 0, 0, 0])), Err(Fault::Content(_))),
        "float date"
    );
    assert!(more(&|w| _ = w.int(99).raw(&[0x9f, 0x01, 0xff])).is_err(), "a length that is not said");
    assert!(more(&|w| _ = w.int(99).raw(&[0x81; 5000]).uint(0_u8)).is_err(), "nested deep");
    assert!(more(&|w| _ = w.int(99).raw(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])).is_err());
    let headers = |write: &dyn Fn(&mut Writer)| answer(&made(write), &none, &good).unwrap_err();
    assert_eq!(headers(&|w| _ = w.map(1).int(16).text(TYPE)), Fault::Unsigned);
    assert!(
        matches!(headers(&|w| _ = w.map(2).int(1).int(-37).int(16).text(TYPE)), Fault::Algorithm(_)),
        "PS256"
    );
    assert!(
        matches!(headers(&|w| _ = w.map(2).int(1).int(5).int(16).text(TYPE)), Fault::Algorithm(_)),
        "HMAC"
    );
    assert!(matches!(headers(&|w| _ = w.map(1).int(1).int(-7)), Fault::Type(_)));
    assert!(matches!(
        headers(&|w| _ = w.map(3).int(1).int(-7).int(1).int(-7).int(16).text(TYPE)),
        Fault::Duplicate(_)
    ));
    assert!(matches!(
        headers(&|w| _ = w.map(3).int(1).int(-7).int(2).array(0).int(16).text(TYPE)),
        Fault::Content(_)
    ));
    let typ_outside = made(|w| _ = w.map(1).int(16).text(TYPE));
    let only_alg = made(|w| _ = w.map(1).int(1).int(-7));
    assert!(matches!(answer(&only_alg, &typ_outside, &good), Err(Fault::Content(_))));
    let whole = cwt(&signer, &good_header, &none, &good);
    assert!(look(&[whole.clone(), vec![0]].concat()).is_err(), "more bytes follow");
    assert!(look(&[&[0xd8, 0x3d][..], &whole].concat()).is_err(), "the draft forbids the tag of a CWT");
    assert!(look(&whole[1..]).is_err(), "and demands the tag of COSE_Sign1");
    assert!((0..whole.len()).all(|length| look(&whole[..length]).is_err()), "every cut is seen");
}

#[test]
fn r64_a_list_inflates_within_bounds_and_whole() {
    let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; INFLATED_BYTES_MAX + 1], 9);
    assert!(bomb.len() < 20_000);
    let inflate = |zlib: &[u8], entries| StatusList::inflate(Bits::Two, zlib, entries);
    assert_eq!(inflate(&bomb, None), Err(Fault::TooLarge { max: INFLATED_BYTES_MAX }));
    let largest = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; INFLATED_BYTES_MAX], 9);
    assert_eq!(inflate(&largest, None).unwrap().entries(), 4 * INFLATED_BYTES_MAX as u64);
    assert!(matches!(inflate(&bomb, Some(1000)), Err(Fault::Entries { expected: 1000, .. })), "early");
    let good = list().deflate();
    assert_eq!(inflate(&good, Some(1000)).unwrap(), list());
    assert_eq!(inflate(&good, Some(999)).unwrap(), list(), "of the same bytes");
    for entries in [996, 1001, 4000] {
        assert!(matches!(inflate(&good, Some(entries)), Err(Fault::Entries { .. })), "{entries}");
    }
    assert!((0..good.len()).all(|length| inflate(&good[..length], None).is_err()), "every cut is seen");
    assert_eq!(inflate(&[&good[..], &[0]].concat(), None), Err(Fault::Inflate("more bytes follow it")));
    let raw = miniz_oxide::deflate::compress_to_vec(list().bytes(), 9);
    assert!(inflate(&raw, None).is_err(), "raw deflate has no checksum");
    let mut checksum = good.clone();
    *checksum.last_mut().unwrap() ^= 1;
    assert_eq!(inflate(&checksum, None), Err(Fault::Inflate("its checksum is another")));
    let empty = miniz_oxide::deflate::compress_to_vec_zlib(&[], 9);
    assert!(inflate(&empty, None).is_err());
}

#[test]
fn r64_doubt_is_invalid_for_others() {
    let ended = StatusMinute::nearest(UnixSeconds(NOW.0 - 60));
    let word = |colour| StatusWord::new(colour, 3);
    for (word, two, one) in [
        (word(Colour::Green), VALID, VALID),
        (word(Colour::Red), INVALID, INVALID),
        (word(Colour::Amber), SUSPENDED, INVALID),
        (StatusWord::UNKNOWN, INVALID, INVALID),
        (word(Colour::Green).with_until(ended), INVALID, INVALID),
        (word(Colour::Amber).with_until(ended), INVALID, INVALID),
    ] {
        assert_eq!(
            [Amber::Suspended, Amber::Invalid].map(|amber| value_of(word, amber, NOW)),
            [two, one],
            "{word:?}"
        );
    }
    let later = StatusMinute::nearest(UnixSeconds(NOW.0 + 120));
    assert_eq!(value_of(word(Colour::Green).with_until(later), Amber::Suspended, NOW), VALID);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn r64_every_value_comes_back(
        bits in prop::sample::select(vec![Bits::One, Bits::Two, Bits::Four, Bits::Eight]),
        values in prop::collection::vec(any::<u8>(), 1..300),
    ) {
        let list = StatusList::of(bits, values.iter().copied());
        let back = StatusList::inflate(bits, &list.deflate(), Some(values.len() as u64)).unwrap();
        for (index, value) in (0..).zip(&values) {
            prop_assert_eq!(back.get(index), Some(value & bits.value_max()));
        }
    }
}
