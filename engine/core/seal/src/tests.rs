//! SM4-GCM against published vectors, a second implementation and the OpenSSL program.

use std::io::Write as _;
use std::process::{Command, Stdio};

use gmcrypto_core::sm4::mode_gcm;
use proptest::prelude::*;

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace(' ', "")).unwrap()
}

fn key(hex: &str) -> [u8; 16] {
    bytes(hex).try_into().unwrap()
}

/// GB/T 32907-2016, appendix A, example 1: the key and the text are the same.
const SAMPLE: &str = "01234567 89abcdef fedcba98 76543210";
const SAMPLE_SEALED: &str = "681edf34 d206965e 86b3e94f 536e4246";

/// One block, by the OpenSSL program.
fn openssl(arguments: &[&str], text: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .arg("enc")
        .args(arguments)
        .args(["-nopad"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tests need the `openssl` program: install the package openssl");
    child.stdin.take().unwrap().write_all(text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
fn r45_sm4_encrypts_the_sample_of_its_standard_as_openssl_does() {
    let mut block = key(SAMPLE).into();
    let cipher = Sm4::new(&key(SAMPLE).into());
    cipher.encrypt_block(&mut block);
    assert_eq!(block.as_slice(), bytes(SAMPLE_SEALED));
    let of_openssl = openssl(&["-sm4-ecb", "-K", &SAMPLE.replace(' ', "")], &key(SAMPLE));
    assert_eq!(of_openssl, bytes(SAMPLE_SEALED));
    // Example 2: a million times over.
    for _ in 1..1_000_000 {
        cipher.encrypt_block(&mut block);
    }
    assert_eq!(block.as_slice(), bytes("595298c7 c6fd271f 0402f804 c33d3f66"));
}

/// RFC 8998, appendix A.1.
#[test]
fn r45_sm4_gcm_seals_the_vector_of_rfc_8998() {
    let key = Key::sm4_gcm(&key("0123456789ABCDEFFEDCBA9876543210"));
    let nonce: [u8; 12] = bytes("00001234567800000000ABCD").try_into().unwrap();
    let beside = bytes("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2");
    let text = bytes(
        "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD\
         EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA",
    );
    let mut sealed = text.clone();
    let tag = key.seal(nonce, &beside, &mut sealed).unwrap();
    assert_eq!(
        sealed,
        bytes(
            "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735\
             D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        )
    );
    assert_eq!(tag.to_vec(), bytes("83DE3541E4C2B58177E065A9BF7B62EC"));
    sealed.extend(tag);
    assert_eq!(key.open(nonce, &beside, &mut sealed), Some(&mut text.clone()[..]));
}

/// The cipher text of GCM is counter mode that begins at 2 behind the nonce.
#[test]
fn r45_the_cipher_text_of_sm4_gcm_is_counter_mode_as_openssl_does_it() {
    let text: Vec<u8> = (0..=255).collect();
    let mut sealed = text.clone();
    Key::sm4_gcm(&key(SAMPLE)).seal([0xab; 12], b"", &mut sealed).unwrap();
    let start = "ab".repeat(12) + "00000002";
    assert_eq!(openssl(&["-sm4-ctr", "-K", &SAMPLE.replace(' ', ""), "-iv", &start], &text), sealed);
}

#[test]
fn r45_a_key_of_another_suite_opens_nothing() {
    let all = [
        Key::aes_128_gcm(&[7; 16]).unwrap(),
        Key::aes_128_gcm_siv(&[7; 16]).unwrap(),
        Key::sm4_gcm(&[7; 16]),
    ];
    for (at, key) in all.iter().enumerate() {
        let mut sealed = b"who passed".to_vec();
        let tag = key.seal([1; 12], b"gate", &mut sealed).unwrap();
        sealed.extend(tag);
        for (other, opens) in all.iter().enumerate() {
            assert_eq!(opens.open([1; 12], b"gate", &mut sealed.clone()).is_some(), at == other);
        }
    }
}

/// Issue 7, C: a cloned machine draws the same nonce for two texts. Under GCM alone their difference would show.
#[test]
fn r45_a_nonce_that_is_drawn_twice_never_seals_two_texts() {
    let key = Key::sm4_gcm_shared(&[9; 16]);
    let nonces: std::collections::BTreeSet<_> = (0..20_000_u32)
        .map(|text| key.nonce([3; 12], &text.to_le_bytes()))
        .chain((0..40).map(|length| key.nonce([3; 12], &vec![0; length + 5])))
        .collect();
    assert_eq!(nonces.len(), 20_040);
    assert_eq!(key.nonce([3; 12], b"one"), key.nonce([3; 12], b"one"), "the same text is the same packet");
    assert_ne!(key.nonce([3; 12], b"one"), key.nonce([4; 12], b"one"));
    assert_ne!(key.nonce([3; 12], b"one"), Key::sm4_gcm_shared(&[8; 16]).nonce([3; 12], b"one"));
    // Keys whose nonces no one else draws keep them.
    for plain in [Key::sm4_gcm(&[9; 16]), Key::aes_128_gcm_siv(&[9; 16]).unwrap()] {
        assert_eq!(plain.nonce([3; 12], b"one"), [3; 12]);
    }
}

/// The nonce as the decision words it, by a cipher of another make.
#[test]
fn r45_a_made_nonce_is_cbc_mac_as_openssl_does_it() {
    let hex_key = "09".repeat(16);
    let label = openssl(&["-sm4-ecb", "-K", &hex_key], b"hufu/1 nonce\0\0\0\0");
    let text = [5; 40];
    let message = [&[3; 12][..], &40_u32.to_le_bytes(), &text, &[0; 8]].concat();
    let chain = openssl(&["-sm4-cbc", "-K", &hex::encode(label), "-iv", &"00".repeat(16)], &message);
    let made = Key::sm4_gcm_shared(&[9; 16]).nonce([3; 12], &text);
    assert_eq!(made, chain[chain.len() - 16..][..12]);
}

proptest! {
    #[test]
    fn r45_a_second_implementation_seals_and_opens_the_same(
        key: [u8; 16],
        nonce: [u8; 12],
        beside in proptest::collection::vec(any::<u8>(), 0..150),
        text in proptest::collection::vec(any::<u8>(), 0..1200),
        flip: prop::sample::Index,
    ) {
        let (theirs, their_tag) = mode_gcm::encrypt(&key, &nonce, &beside, &text).unwrap();
        for ours in [Key::sm4_gcm(&key), Key::sm4_gcm_shared(&key)] {
            let mut sealed = text.clone();
            let tag = ours.seal(nonce, &beside, &mut sealed).unwrap();
            prop_assert_eq!((&sealed, tag), (&theirs, their_tag));
            sealed.extend(tag);
            prop_assert_eq!(ours.open(nonce, &beside, &mut sealed.clone()).map(|text| text.to_vec()), Some(text.clone()));
            let bit = flip.index(sealed.len() * 8);
            sealed[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(ours.open(nonce, &beside, &mut sealed).is_none());
        }
    }

    #[test]
    fn whatever_is_opened_is_refused_without_a_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(Key::sm4_gcm(&[1; 16]).open([2; 12], b"", &mut bytes).is_none());
    }
}
