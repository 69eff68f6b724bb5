//! SM2 on the signing side and in codes, lists and keyrings (R45): the OpenSSL program and a second library as oracles.

mod common;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use common::{
    FOREVER, HOLDER, LONGEST_DISPLAY, NOW, PHONE_SEED, binary, check_binary, check_text, operator, paper,
    step, trip,
};
use gmcrypto_core::asn1::{decode_sig, encode_sig};
use gmcrypto_core::sm2::{DEFAULT_SIGNER_ID, Sm2PrivateKey, Sm2PublicKey, sign_with_id, verify_with_id};
use hufu_codes::cbor::{Reader, Writer};
use hufu_codes::cose::{Sign1, key_id};
use hufu_codes::issue::{IssuerSigner, NotAPrivateKey, OperatorSigner, Secret, code_text};
use hufu_codes::keyring::{Keyring, TrustFault, TrustList, Uses};
use hufu_codes::presentation::{Salt, StepTree};
use hufu_codes::{Credential, Detail, roster};
use hufu_signature::sm2::{DISTINGUISHING_ID, digest};
use hufu_signature::{KeyFault, PreparedKey, PublicKey, Scheme};
use hufu_wire::{HolderIndex, IssuerId, Reason, SiteId, UnixSeconds, limits};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha12Rng;
use sm2::Scalar;
use sm2::dsa::SigningKey;
use sm2::dsa::signature::MultipartSigner as _;
use sm2::elliptic_curve::PrimeField as _;

const GUANGDONG: IssuerId = IssuerId(440_000);

fn secret(seed: u8) -> Secret {
    Secret::new(Scheme::Sm2, &[seed; 32]).expect("a private key")
}

fn issuer() -> IssuerSigner {
    IssuerSigner::new(secret(0x11), GUANGDONG)
}

fn signed(credential: &Credential<'_>) -> Vec<u8> {
    issuer().sign_credential(&Credential { key: issuer().key(), ..*credential }).expect("a good credential")
}

/// Of the issuer that signs with SM2 and the one that signs with Ed25519, listed by an operator who signs with SM2.
fn keyring() -> Keyring {
    let since = UnixSeconds(NOW.0 - 3600);
    let operator = OperatorSigner::new(secret(0x22));
    let keys = [issuer(), common::issuer()].map(|signer| signer.listed(Uses::CODES, since, since, FOREVER));
    let bytes = TrustList::sign(1, NOW, &keys, &operator);
    let key = PreparedKey::new(operator.public()).expect("a good key");
    let keyring =
        Keyring::empty().update(&TrustList::open(&bytes, &key).expect("genuine"), NOW).expect("good");
    let kept = keyring.to_state();
    assert_eq!(Keyring::from_state(&kept, &key).map(|kept| kept.to_state()), Ok(kept));
    keyring
}

#[test]
fn r45_codes_rosters_and_lists_of_sm2_keys_stand_beside_those_of_ed25519() {
    let keyring = keyring();
    assert!(common::texts().iter().all(|(_, text)| check_text(&keyring, text.as_bytes(), NOW).is_ok()));

    // The largest of each kind are six characters longer than with Ed25519, and fit the same versions of QR.
    let largest = Credential { holder: HolderIndex(u32::MAX), generation: u8::MAX, ..paper() };
    let origin = NOW.step();
    let salt = Salt::of(issuer().key(), largest.holder, largest.generation, origin, largest.issued);
    let tree = StepTree::new(&PHONE_SEED, &salt);
    let detail = Detail::Phone { root: tree.root(), origin };
    let expires = UnixSeconds(NOW.0 + limits::PHONE_VALIDITY_S_MAX);
    let phone = Credential { detail, expires, ..largest };
    let texts = [
        (code_text(&signed(&phone), Some(&tree.present(step(0)))), 451, 468),
        (code_text(&signed(&largest), None), 192, 195),
        (
            code_text(
                &signed(&Credential { detail: trip().detail, expires: trip().expires, ..largest }),
                None,
            ),
            214,
            224,
        ),
    ];
    for (text, length, room) in &texts {
        assert!(text.len() <= *length && length <= room, "{} {length}", text.len());
        assert!(check_text(&keyring, text.as_bytes(), NOW).is_ok(), "{text}");
        let bytes = binary(text);
        for bit in (0..bytes.len() * 8).step_by(41) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(check_binary(&keyring, &flipped, NOW).is_err(), "bit {bit}");
        }
    }
    let long =
        code_text(&signed(&Credential { display: LONGEST_DISPLAY, ..phone }), Some(&tree.present(step(0))));
    assert!(long.len() <= limits::CODE_TEXT_BYTES_MAX);
    assert!(check_text(&keyring, long.as_bytes(), NOW).is_ok());

    let members: &[HolderIndex] = &[HOLDER];
    let roster = issuer().sign_roster(SiteId(7), NOW, expires, &[(GUANGDONG, members)]).expect("good");
    let admitted = keyring.admit(roster::parse(&roster).expect("one"), NOW).expect("may sign it");
    assert!(admitted.verify(hufu_signature::backend()).is_ok());
}

/// The header says another scheme than the key has: refused before any signature is looked at.
#[test]
fn r45_a_message_names_the_scheme_of_its_key() {
    let keyring = keyring();
    for (signer, number, other) in [(issuer(), -65_793, -8), (common::issuer(), -8, -65_793)] {
        let bytes = signer.sign_credential(&Credential { key: signer.key(), ..paper() }).expect("good");
        let own = Sign1::read(&mut Reader::new(&bytes)).expect("one");
        assert_eq!(own.scheme.cose(), number);
        let named = |algorithm: i64| {
            let mut protected = Writer::new();
            protected.map(2).int(1).int(algorithm).int(4).bytes(&signer.key().0);
            let mut sign1 = Writer::new();
            sign1.array(4).bytes(&protected.into_bytes()).map(0).bytes(own.payload).bytes(own.signature);
            let mut code = Writer::new();
            code.array(1).raw(&sign1.into_bytes());
            check_binary(&keyring, &code.into_bytes(), NOW).err()
        };
        assert_eq!(named(number), None, "as it was signed");
        assert_eq!(named(other), Some(Reason::KeyOutOfScope));
        // ES256, HMAC 256/256, and numbers for private use that have no scheme.
        for unknown in [-7, 5, -65_792, -65_794, -65_537] {
            assert_eq!(named(unknown), Some(Reason::BadEncoding), "{unknown}");
        }
    }
}

#[test]
fn r45_a_list_takes_points_of_the_curve_in_their_one_encoding() {
    let good = *issuer().public().bytes().first_chunk::<65>().expect("65 bytes");
    let open = |public: &[u8]| {
        let id = hufu_wire::KeyId(*sha256(public).first_chunk().expect("8 bytes"));
        let mut w = Writer::new();
        w.map(1).int(-65_540).array(3).uint(1_u8).uint(NOW.0).array(1).array(9).bytes(&id.0).uint(1_u8);
        w.int(-65_793).bytes(public).uint(5_u8).uint(6_u8).uint(4_u8).uint(1_u8).bool(false);
        let opened = TrustList::open(&operator().sign_payload(&w.into_bytes()), common::operator_key());
        (id, opened.and_then(|list| Keyring::empty().update(&list, NOW)).err())
    };
    assert_eq!(open(&good).1, None);
    let compressed = [&[2 + (good[64] & 1)], &good[1..33]].concat();
    let (mut off, mut hybrid, mut zero) = (good, good, [0; 65]);
    off[64] ^= 1;
    hybrid[0] = 6 + (good[64] & 1);
    zero[0] = 4;
    let length = |bytes| KeyFault::Length { scheme: Scheme::Sm2, bytes };
    for (public, expected) in [
        (&off[..], KeyFault::NotAPoint),
        (&zero, KeyFault::NotAPoint),
        (&hybrid, KeyFault::NotCanonical),
        (&compressed, length(33)),
        (&good[1..], length(64)),
        (&[0], length(1)),
        // A coordinate that begins with a zero byte, not padded.
        (&[&good[..33], &good[34..]].concat(), length(64)),
    ] {
        let (kid, fault) = open(public);
        assert_eq!(fault, Some(TrustFault::BadKey { kid, fault: expected }));
    }
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

#[test]
fn r45_a_private_key_lies_between_one_and_n_minus_two() {
    let order = "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d541";
    let of = |digits: &str| {
        let bytes: [u8; 32] = hex::decode(digits).expect("digits").try_into().expect("32 bytes");
        Secret::new(Scheme::Sm2, &bytes)
    };
    for good in [format!("{order}21"), format!("{:064x}", 1)] {
        let secret = of(&good).expect("a private key");
        assert!(secret.public().verify_once(&[b"m"], &secret.sign(&[b"m"])), "{good}");
    }
    for bad in
        [format!("{order}22"), format!("{order}23"), format!("{order}24"), "0".repeat(64), "f".repeat(64)]
    {
        assert_eq!(of(&bad).err(), Some(NotAPrivateKey), "{bad}");
    }
    // GB/T 32918.5-2017, annex A.2.
    let sample = of("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8").expect("a key");
    assert!(hex::encode(sample.public().bytes()).starts_with("0409f9df311e5421a150dd7d161e4bc5c672179fad"));
    assert_eq!(format!("{sample:?}"), format!("Secret(SM2 {})", key_id(sample.public())));
}

/// Which of these signatures of one key, with the digests that they sign, share their k: r - e is the x coordinate that
/// k leads to. Needs nothing secret, so every reader can look for it.
fn sharing_a_nonce(signatures: &[([u8; 32], [u8; 64])]) -> Vec<(usize, usize)> {
    let mut first = HashMap::new();
    let mut sharing = Vec::new();
    for (at, (digest, signature)) in signatures.iter().enumerate() {
        let x = scalar(&signature[..32]) - scalar_of_digest(digest);
        match first.insert(x.to_repr().to_vec(), at) {
            Some(before) if signatures[before] != signatures[at] => sharing.push((before, at)),
            _ => {}
        }
    }
    sharing
}

fn scalar(bytes: &[u8]) -> Scalar {
    let bytes: [u8; 32] = bytes.try_into().expect("32 bytes");
    Scalar::from_repr(bytes.into()).expect("below n")
}

fn scalar_of_digest(digest: &[u8; 32]) -> Scalar {
    sm2::elliptic_curve::ops::Reduce::reduce(&sm2::FieldBytes::from(*digest))
}

#[test]
fn r45_no_k_is_used_for_two_messages() {
    let secret = secret(7);
    let of = |message: &[u8]| digest(secret.public().bytes(), &[message]).expect("a key");
    let messages: Vec<[u8; 2]> = (0..400_u16).map(u16::to_le_bytes).collect();
    let mut made: Vec<_> = messages.iter().map(|message| (of(message), secret.sign(&[message]))).collect();
    assert_eq!(sharing_a_nonce(&made), []);
    // One message has one signature, however its parts are cut: registries depend on it.
    assert!(
        messages
            .iter()
            .zip(&made)
            .all(|(message, made)| secret.sign(&[&message[..1], &message[1..]]) == made.1)
    );
    let other = Secret::new(Scheme::Sm2, &[8; 32]).expect("a key");
    assert_ne!(other.sign(&[b"m"])[..32], secret.sign(&[b"m"])[..32]);

    // A signer who does use one is found, and has told the private key.
    let (d, nonce) = (scalar(&[7; 32]), Scalar::from(0x5eed_u64));
    let x = scalar(&{
        use sm2::elliptic_curve::point::AffineCoordinates as _;
        (sm2::ProjectivePoint::GENERATOR * nonce).to_affine().x()
    });
    let careless = [b"one", b"two"].map(|message| {
        let r = scalar_of_digest(&of(message)) + x;
        let s = (d + Scalar::ONE).invert().expect("not zero") * (nonce - r * d);
        let signature: [u8; 64] = [r.to_repr(), s.to_repr()].concat().try_into().expect("64 bytes");
        assert!(secret.public().verify_once(&[message], &signature));
        (of(message), signature)
    });
    made.extend(careless);
    assert_eq!(sharing_a_nonce(&made), [(400, 401)]);
    let [(r1, s1), (r2, s2)] = careless.map(|(_, made)| (scalar(&made[..32]), scalar(&made[32..])));
    // k = s + d (r + s) for both.
    assert_eq!((s2 - s1) * ((r1 + s1) - (r2 + s2)).invert().expect("different"), d);
}

#[test]
fn r45_openssl_takes_our_signatures_and_we_take_its() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let message = b"signed by one and verified by the other";
    fs::write(path("message"), message).expect("it can be written");
    let id = format!("distid:{DISTINGUISHING_ID}");
    let verify = |key: &str, signature: &[u8; 64], id: &str| {
        let (halves, _) = signature.as_chunks();
        fs::write(path("signature"), encode_sig(&halves[0], &halves[1])).expect("it can be written");
        openssl(
            folder.path(),
            &["pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-digest", "sm3", "-in", "message"],
            &["-sigfile", "signature", "-pkeyopt", id],
        )
    };

    // Ours: SubjectPublicKeyInfo of RFC 5480 with the curve of GM/T 0006 before the 65 bytes.
    let secret = secret(0x3a);
    let info = hex::decode("3059301306072a8648ce3d020106082a811ccf5501822d034200").expect("digits");
    fs::write(path("ours.der"), [info.as_slice(), secret.public().bytes()].concat())
        .expect("it can be written");
    let pem = ["pkey", "-pubin", "-inform", "DER", "-in", "ours.der", "-out", "ours.pem"];
    assert!(openssl(folder.path(), &pem, &[]), "the key can be read");
    let ours = secret.sign(&[message]);
    assert!(verify("ours.pem", &ours, &id));
    assert!(!verify("ours.pem", &ours, "distid:somebody"), "another id");
    let mut swapped = ours;
    swapped.rotate_left(32);
    assert!(!verify("ours.pem", &swapped, &id));

    // Theirs.
    for command in [
        &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", "theirs.key"][..],
        &["pkey", "-in", "theirs.key", "-pubout", "-outform", "DER", "-out", "theirs.der"],
    ] {
        assert!(openssl(folder.path(), command, &[]), "{command:?}");
    }
    let der = fs::read(path("theirs.der")).expect("a key");
    let public = PublicKey::new(Scheme::Sm2, &der[info.len()..]).expect("65 bytes at the end");
    let key = PreparedKey::new(&public).expect("a good key");
    for (id, genuine) in [(id.as_str(), true), ("distid:somebody", false)] {
        let sign = ["pkeyutl", "-sign", "-inkey", "theirs.key", "-rawin", "-digest", "sm3", "-in", "message"];
        assert!(openssl(folder.path(), &sign, &["-out", "theirs", "-pkeyopt", id]));
        let (r, s) = decode_sig(&fs::read(path("theirs")).expect("a signature")).expect("DER");
        let signature: [u8; 64] = [r, s].concat().try_into().expect("64 bytes");
        assert_eq!(public.verify_once(&[message], &signature), genuine, "{id}");
        let mut answer = [!genuine];
        let job = hufu_signature::Job { key: &key, message: [message, &[], &[], &[]], signature: &signature };
        hufu_signature::backend().verify(&[job], &mut answer);
        assert_eq!(answer, [genuine], "{id}");
    }
}

/// Whether the program ends well.
fn openssl(folder: &Path, arguments: &[&str], more: &[&str]) -> bool {
    let run = Command::new("openssl").args(arguments).args(more).current_dir(folder).output();
    run.expect("openssl 3 is needed: apt-get install openssl").status.success()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// With the same numbers the library signs the same bytes; the second library takes ours, and we take its.
    #[test]
    fn r45_signatures_are_the_librarys_and_the_second_ones(private in 1_u8..=0xfe, message: Vec<u8>, cut: u8) {
        let secret = secret(private);
        let (head, tail) = message.split_at(usize::from(cut) % (message.len() + 1));
        let ours = secret.sign(&[head, tail]);
        let library = SigningKey::from_slice(DISTINGUISHING_ID, &[private; 32]).expect("a key");
        prop_assert_eq!(&library.multipart_sign(&[&message]).to_bytes()[..], &ours[..]);

        let (halves, _) = ours.as_chunks();
        let public = Sm2PublicKey::from_sec1_bytes(secret.public().bytes()).expect("a point");
        prop_assert!(verify_with_id(&public, DEFAULT_SIGNER_ID, &message, &encode_sig(&halves[0], &halves[1])));

        let second = Sm2PrivateKey::from_bytes_be(&[private; 32]).into_option().expect("a key");
        prop_assert_eq!(&second.public_key().to_sec1_uncompressed()[..], secret.public().bytes());
        let mut rng = ChaCha12Rng::from_seed([cut; 32]);
        let der = sign_with_id(&second, DEFAULT_SIGNER_ID, &message, &mut rng).expect("signed");
        let (r, s) = decode_sig(&der).expect("DER");
        prop_assert!(secret.public().verify_once(&[&message], &[r, s].concat().try_into().expect("64 bytes")));
    }
}
