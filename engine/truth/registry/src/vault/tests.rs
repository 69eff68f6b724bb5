//! What is sealed opens at its place, with its key, in its suite.

use std::process::Command;

use super::*;

const ISSUER: IssuerId = IssuerId(310_000);
const SEVENTH: HolderIndex = HolderIndex(7);

fn person() -> Person {
    Person::new("王小明".into(), IdNumber::read("11010519491231002X").unwrap(), Some("+86 21 1234".into()))
        .unwrap()
}

#[test]
fn r45_sealed_fields_open_at_their_place_alone_in_either_suite() {
    Suite::ALL.into_iter().for_each(open_at_their_place_alone);
}

fn open_at_their_place_alone(suite: Suite) {
    let mut file = KeyFile::generate().unwrap();
    file.rotate(suite).unwrap();
    let vault = file.vault().unwrap();
    let sealed = vault.seal(ISSUER, SEVENTH, &person()).unwrap();
    assert_eq!(vault.open_person(ISSUER, SEVENTH, &sealed).unwrap(), person());
    assert_ne!(vault.seal(ISSUER, SEVENTH, &person()).unwrap(), sealed, "another nonce");
    assert!(!sealed.windows(6).any(|window| window == "王小".as_bytes()));

    let damaged = |found: Result<Person, Fault>| matches!(found, Err(Fault::Damaged(_)));
    assert!(damaged(vault.open_person(ISSUER, HolderIndex(8), &sealed)), "moved to another holder");
    assert!(damaged(vault.open_person(IssuerId(1), SEVENTH, &sealed)), "moved to another issuer");
    for at in 4..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        assert!(damaged(vault.open_person(ISSUER, SEVENTH, &altered)), "altered at {at}");
    }
    assert!(damaged(vault.open_person(ISSUER, SEVENTH, &sealed[..31])), "cut");
    assert!(damaged(vault.open_person(ISSUER, SEVENTH, &[])), "empty");
}

#[test]
fn old_keys_open_and_the_newest_seals() {
    let mut file = KeyFile::generate().unwrap();
    let old = file.vault().unwrap();
    let sealed = old.seal(ISSUER, SEVENTH, &person()).unwrap();
    file.rotate(Suite::Aes).unwrap();
    let new = file.vault().unwrap();
    assert_eq!(new.open_person(ISSUER, SEVENTH, &sealed).unwrap(), person());
    let resealed = new.reseal(&Place::holder(ISSUER, SEVENTH), &sealed).unwrap().unwrap();
    assert_eq!(new.reseal(&Place::holder(ISSUER, SEVENTH), &resealed).unwrap(), None);
    assert_eq!(new.open_person(ISSUER, SEVENTH, &resealed).unwrap(), person());
    let found = old.open_person(ISSUER, SEVENTH, &resealed);
    assert!(matches!(found, Err(Fault::Misconfigured(_))), "the old file lacks the new key: {found:?}");
    let number = person();
    assert_eq!(old.subject(ISSUER, number.id_number()), new.subject(ISSUER, number.id_number()));
}

#[test]
fn a_subject_says_who_in_one_issuer_only() {
    let vault = KeyFile::generate().unwrap().vault().unwrap();
    let number = |text| IdNumber::read(text).unwrap();
    let subject = vault.subject(ISSUER, &number("11010519491231002x"));
    assert_eq!(subject, vault.subject(ISSUER, &number("11010519491231002X")));
    assert_ne!(subject, vault.subject(IssuerId(1), &number("11010519491231002X")));
    assert_ne!(subject, vault.subject(ISSUER, &number("440524188001010014")));
    let other = KeyFile::generate().unwrap().vault().unwrap();
    assert_ne!(subject, other.subject(ISSUER, &number("11010519491231002X")), "keyed");
}

fn file(lines: &[(&str, &str)]) -> Vault {
    let keys: Vec<_> = lines.iter().map(|(word, byte)| format!("{word} {}", byte.repeat(32))).collect();
    Vault::open(&format!("hufu-vault 1\nindex {}\n{}\n", "a1".repeat(32), keys.join("\n"))).unwrap()
}

fn open(vault: &Vault, sealed: &[u8]) -> Result<Person, Fault> {
    vault.open_person(ISSUER, SEVENTH, sealed)
}

#[test]
fn r45_rows_of_both_suites_are_read_side_by_side_and_pass_from_one_to_the_other_and_back() {
    let of_aes = file(&[("seal", "b2")]);
    let to_sm4 = file(&[("seal-sm4", "c3"), ("seal", "b2")]);
    let back = file(&[("seal", "d4"), ("seal-sm4", "c3")]);
    let place = Place::holder(ISSUER, SEVENTH);
    let first = of_aes.seal(ISSUER, SEVENTH, &person()).unwrap();
    let second = to_sm4.reseal(&place, &first).unwrap().unwrap();
    let third = back.reseal(&place, &second).unwrap().unwrap();
    assert_eq!([&first, &second, &third].map(Vec::len), [first.len(); 3]);
    for (vault, sealed) in [(&to_sm4, &first), (&to_sm4, &second), (&back, &second), (&back, &third)] {
        assert_eq!(open(vault, sealed), Ok(person()));
    }
    assert_eq!(to_sm4.reseal(&place, &second), Ok(None), "it is sealed with the newest already");
    let number = person();
    assert_eq!(of_aes.subject(ISSUER, number.id_number()), back.subject(ISSUER, number.id_number()));
}

#[test]
fn r45_a_key_in_a_line_of_the_wrong_suite_opens_nothing_and_says_which_is_right() {
    for (right, wrong, says) in [("seal", "seal-sm4", "`seal`"), ("seal-sm4", "seal", "`seal-sm4`")] {
        let sealed = file(&[(right, "b2")]).seal(ISSUER, SEVENTH, &person()).unwrap();
        let found = open(&file(&[(wrong, "b2")]), &sealed);
        let Err(Fault::Misconfigured(why)) = found else { panic!("{found:?}") };
        assert!(why.contains(&format!("begin its line with {says}")), "{why}");
        let Err(Fault::Misconfigured(why)) = open(&file(&[(wrong, "c3")]), &sealed) else { panic!() };
        assert!(why.contains("put it back") && why.contains("restart the registry"), "{why}");
    }
}

#[test]
fn r45_a_line_of_an_unknown_suite_is_told_as_such_and_no_new_file_is_advised() {
    let text = format!("hufu-vault 1\nindex {}\nseal-sm5 {}\n", "a1".repeat(32), "b2".repeat(31));
    let told = KeyFile::read(&text).map(drop).unwrap_err().to_string();
    assert!(told.contains("line 3") && told.contains("seal-sm4 KEY") && told.contains("backup"), "{told}");
    assert!(!told.contains("init"), "{told}");
}

/// Bytes that were sealed before there was a second suite, and some of SM4: both stay readable for good.
#[test]
fn r45_golden_fields_of_both_suites_open() {
    for (word, golden) in GOLDEN {
        let golden = golden.replace(char::is_whitespace, "");
        let sealed: Vec<u8> = (0..golden.len() / 2)
            .map(|at| u8::from_str_radix(&golden[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        assert_eq!(open(&file(&[(word, "b2")]), &sealed), Ok(person()), "{word}");
    }
}

/// What the OpenSSL program says.
fn openssl(arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).output();
    let output = output.expect("the tests need the `openssl` program: install the package openssl");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The key of SM4 is HKDF with HMAC-SM3 of the secret, as another implementation makes it.
#[test]
fn r45_an_sm4_key_follows_from_its_secret_as_openssl_derives_it() {
    let vault = file(&[("seal-sm4", "c3")]);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let secret = format!("hexkey:{}", "c3".repeat(32));
    let (salt, info) = (hex(b"hufu/1 vault"), hex(b"hufu/1 holder fields"));
    let derived = openssl(&[
        "kdf",
        "-keylen",
        "16",
        "-kdfopt",
        "digest:SM3",
        "-kdfopt",
        &secret,
        "-kdfopt",
        &format!("hexsalt:{salt}"),
        "-kdfopt",
        &format!("hexinfo:{info}"),
        "HKDF",
    ]);
    let derived = derived.trim().replace(':', "").to_lowercase();
    let mut key = [0; 16];
    hufu_contract::read_hex(&derived, &mut key).unwrap();
    let sealed = vault.seal(ISSUER, SEVENTH, &person()).unwrap();
    let (front, text) = sealed.split_at(16);
    let place = Place::holder(ISSUER, SEVENTH).authenticated;
    let nonce = front[4..].try_into().unwrap();
    assert!(hufu_seal::Key::sm4_gcm(&key).open(nonce, &place, &mut text.to_vec()).is_some());
}

/// Made by other programs: Python's `cryptography` for AES; for SM4 the `kdf`, `dgst -sm3`, `enc -sm4-ctr` and
/// `enc -sm4-ecb` of OpenSSL, and GHASH written out by hand.
const GOLDEN: [(&str, &str); 2] = [
    (
        "seal",
        "16db6568000102030405060708090a0b608d8116fc19db35189cf03294ab0c1d270340cb5d19bdd7b1083569449f160a \
         db72b835273e9162ab05e383069ca917327203ffe0c549d2d36484c83563647b6c1bc6c9d22ffdb6ac2d7a1b486ee8b1 \
         26afcd54c66fdb25d50525",
    ),
    (
        "seal-sm4",
        "13dd7c3d000102030405060708090a0be864f7f1ab648c319c03b69b1ddd455c7995e42f665155bcb84e1ef45eec27ef \
         caff1c86ba003afb1b2444ba7079557d255e62b0c07613acbcf90b79f2949b68362ec253a6631da367de87a85914d9a2 \
         6c5037de10237f9e35cf7b",
    ),
];
