use std::fs;
use std::process::Command;

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use proptest::prelude::*;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};

use super::*;

const NOW: UnixSeconds = UnixSeconds(1_795_219_200);
const DAY: u32 = 86_400;
const DOSE: &str = "surname = 'Wang'\ngiven = 'Xiao-Ming'\nborn = '1949-12-31'\n[vaccination]\nvaccine = '1119349007'\n\
                    product = 'CoronaVac'\nmaker = 'Sinovac-Biotech'\ndose = 2\nseries = 2\ndate = '2021-09-01'\n\
                    country = 'CN'\nissued_by = 'Shanghai Health Commission'\n";
const TEST: &str = "surname = '王'\ngiven = '小明'\nsurname_icao = 'WANG'\ngiven_icao = 'XIAOMING'\nborn = '1949-12'\n[test]\n\
                    method = 'naat'\nname = 'RT-PCR'\ntaken = '2026-11-20T08:00:00+08:00'\ncentre = '瑞金医院'\ncountry = 'CN'\n\
                    issued_by = 'Shanghai Health Commission'\n";
const RECOVERY: &str = "surname = 'محمد'\nsurname_icao = 'MUHAMMAD'\nborn = '1990'\n[recovery]\nfirst_positive = '2026-05-01'\n\
                        from = '2026-05-12'\nuntil = '2026-10-28'\ncountry = 'CN'\nissued_by = 'Shanghai Health Commission'\n";

fn claim(text: &str) -> Claim {
    toml::from_str(text).unwrap()
}

/// A signer of the country `CN` whose certificate ends a year from now, with that certificate.
fn signer(key: &KeyPair, country: &str) -> (Result<Signer, Unfit>, Vec<u8>) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CountryName, country);
    params.not_before = rcgen::date_time_ymd(2026, 11, 1);
    params.not_after = rcgen::date_time_ymd(2027, 11, 1);
    let certificate = params.self_signed(key).unwrap().der().to_vec();
    (Signer::new(&key.serialize_der(), &certificate, NOW), certificate)
}

fn said(text: &str) -> String {
    claim(text).check(NOW).err().map(|unfit| unfit.to_string()).unwrap_or_default()
}

/// Base45 by the book (RFC 9285), one group after the other.
fn unbased(text: &str) -> Vec<u8> {
    let value = |c: char| "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:".find(c).unwrap();
    let digits: Vec<usize> = text.chars().map(value).collect();
    let groups = digits.chunks(3).map(|group| match *group {
        [a, b, c] => (a + 45 * b + 45 * 45 * c, 2),
        [a, b] => (a + 45 * b, 1),
        _ => panic!("a digit is left over"),
    });
    groups.flat_map(|(value, bytes)| value.to_be_bytes()[8 - bytes..].to_vec()).collect()
}

/// The parts of a COSE_Sign1: protected header, payload, signature. Read by another CBOR reader than the one in use here.
fn parts(text: &str) -> [Vec<u8>; 3] {
    let packed = unbased(text.strip_prefix("HC1:").unwrap());
    let message = decompress_to_vec_zlib_with_limit(&packed, 4096).unwrap();
    let mut reader = minicbor::Decoder::new(&message);
    assert_eq!(reader.tag().unwrap().as_u64(), 18);
    assert_eq!(reader.array().unwrap(), Some(4));
    let protected = reader.bytes().unwrap().to_vec();
    assert_eq!(reader.map().unwrap(), Some(0));
    let [payload, signature] = [(); 2].map(|()| reader.bytes().unwrap().to_vec());
    assert_eq!(reader.position(), message.len());
    [protected, payload, signature]
}

/// The signature as OpenSSL wants it: a sequence of two integers (DER).
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        let zero = if bytes[0] < 0x80 { vec![] } else { vec![0] };
        let length = u8::try_from(zero.len() + bytes.len()).unwrap();
        [vec![2, length], zero, bytes].concat()
    };
    let both = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [vec![0x30, u8::try_from(both.len()).unwrap()], both].concat()
}

/// Whether OpenSSL believes this signature over these bytes.
fn openssl_believes(key: &KeyPair, signed: &[u8], signature: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in
        [("key", key.public_key_pem().as_bytes()), ("signed", signed), ("sig", &der(signature))]
    {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let run = Command::new("openssl")
        .args(["dgst", "-sha256", "-verify", "key", "-signature", "sig", "signed"])
        .current_dir(folder.path())
        .output()
        .expect("the program openssl is needed: apt-get install openssl");
    run.status.success()
}

#[test]
fn r63_what_is_signed_is_byte_for_byte_what_the_schema_says() {
    let uvci = Uvci::new("CN", 310_000, &[7; 16]);
    let cases = [("vaccination", DOSE), ("test", TEST), ("recovery", RECOVERY)].map(|(name, text)| {
        let claim = claim(text);
        let checked = claim.check(NOW).unwrap();
        format!("{name} {}\n", hex::encode(payload(&checked, "CN", (NOW, UnixSeconds(NOW.0 + DAY)), &uvci)))
    });
    let golden = include_str!("golden.txt");
    assert_eq!(cases.concat(), golden, "{}", cases.concat());
}

#[test]
fn r63_a_certificate_is_believed_by_openssl_and_found_by_its_key_id() {
    let key = KeyPair::generate().unwrap();
    let (signer, certificate) = signer(&key, "CN");
    let signer = signer.unwrap();
    let uvci = Uvci::new(signer.country(), 310_000, &[7; 16]);
    for text in [DOSE, TEST, RECOVERY] {
        let claim = claim(text);
        let code =
            signer.sign(&claim.check(NOW).unwrap(), (NOW, UnixSeconds(NOW.0 + 30 * DAY)), &uvci).unwrap();
        let [protected, signed, signature] = parts(&code);
        let id = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &certificate);
        // {1: -7, 4: kid}
        assert_eq!(protected, [&[0xa2, 1, 0x26, 4, 0x48], &id.as_ref()[..8]].concat());
        let golden = payload(&claim.check(NOW).unwrap(), "CN", (NOW, UnixSeconds(NOW.0 + 30 * DAY)), &uvci);
        assert_eq!(signed, golden);
        // ["Signature1", protected, h'', payload], written by another CBOR writer.
        let mut structure = minicbor::Encoder::new(minicbor::encode::write::Cursor::new([0; 2048]));
        structure.array(4).unwrap().str("Signature1").unwrap().bytes(&protected).unwrap();
        structure.bytes(&[]).unwrap().bytes(&signed).unwrap();
        let written = structure.into_writer();
        let mut structure = written.get_ref()[..written.position()].to_vec();
        assert_eq!(signature.len(), 64);
        assert!(openssl_believes(&key, &structure, &signature));
        *structure.last_mut().unwrap() ^= 1;
        assert!(!openssl_believes(&key, &structure, &signature));
        assert!(code.len() < 700, "{} characters: a symbol that phones read off paper", code.len());
    }
}

#[test]
fn r63_a_signer_is_a_p256_key_with_its_own_certificate_of_a_country_and_of_today() {
    let key = KeyPair::generate().unwrap();
    let (good, certificate) = signer(&key, "CN");
    let good = good.unwrap();
    assert_eq!((good.country(), good.ends()), ("CN", UnixSeconds(1_825_027_200)));
    let said = |signer: Result<Signer, Unfit>| signer.err().unwrap().to_string();
    let other = KeyPair::generate().unwrap();
    assert!(said(Signer::new(&other.serialize_der(), &certificate, NOW)).contains("another key's"));
    let wide = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    assert!(said(Signer::new(&wide.serialize_der(), &certificate, NOW)).contains("not on P-256"));
    assert!(said(signer(&key, "China").0).contains("names a country"));
    for at in [UnixSeconds(1_790_000_000), good.ends()] {
        assert!(said(Signer::new(&key.serialize_der(), &certificate, at)).contains("not valid today"));
    }
    assert!(said(Signer::new(&key.serialize_der(), &certificate[1..], NOW)).contains("no X.509 certificate"));
    let claim = claim(DOSE);
    let uvci = Uvci::new("CN", 1, &[0; 16]);
    for (expires, wanted) in
        [(NOW.0, "at least a second"), (NOW.0 + VALIDITY_S_MAX + 1, "365 days"), (good.ends().0 + 1, "")]
    {
        let signed = good.sign(&claim.check(NOW).unwrap(), (NOW, UnixSeconds(expires)), &uvci);
        assert!(signed.unwrap_err().to_string().contains(wanted));
    }
    // A certificate for tests alone (hcert-spec, section 3.3.1), which a country's authority may issue.
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CountryName, "CN");
    params.not_before = rcgen::date_time_ymd(2026, 11, 1);
    params.not_after = rcgen::date_time_ymd(2027, 11, 1);
    let usage = ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 1847, 2021, 1, 1]);
    params.extended_key_usages = vec![usage];
    let tests_alone = params.self_signed(&key).unwrap();
    let tests_alone = Signer::new(&key.serialize_der(), tests_alone.der(), NOW).unwrap();
    let signed = tests_alone.sign(&claim.check(NOW).unwrap(), (NOW, UnixSeconds(NOW.0 + DAY)), &uvci);
    assert!(signed.unwrap_err().to_string().contains("for another kind"));
    let late = UnixSeconds(NOW.0 + 350 * DAY);
    let outlived = good.sign(&claim.check(NOW).unwrap(), (NOW, late), &uvci).unwrap_err();
    assert!(outlived.to_string().contains("outlive"), "{outlived}");
}

#[test]
fn r63_what_a_clerk_mistypes_is_refused_by_the_name_of_the_field() {
    for (text, from, to, wanted) in [
        (DOSE, "2021-09-01", "2021-09-99", "date: a day that there is"),
        (DOSE, "2021-09-01", "2021-02-29", "date: a day that there is"),
        (DOSE, "2021-09-01", "2021-9-1", "date: a day that there is"),
        (DOSE, "2021-09-01", "20210901", "date: a day that there is"),
        (DOSE, "2021-09-01", "２０２１-09-01", "date: a day that there is"),
        (DOSE, "2021-09-01", "2019-12-31", "date: not before 2020"),
        (DOSE, "2021-09-01", "2026-11-23", "date: not before 2020 or the birth, and not in the future"),
        (DOSE, "1949-12-31", "2022-01-01", "date: not before 2020 or the birth"),
        (DOSE, "1949-12-31", "2049-12-31", "born: a day that was"),
        (DOSE, "1949-12-31", "", "born: a day that was"),
        (DOSE, "1949-12-31", "31.12.1949", "born: a day that was"),
        (DOSE, "1949-12-31", "1949-12-3é", "born: a day that was"),
        (DOSE, "dose = 2", "dose = 0", "dose: a number from 1 to 9"),
        (DOSE, "series = 2", "series = 10", "series: a number from 1 to 9"),
        (DOSE, "'CN'", "'cn'", "country: two capital letters"),
        (DOSE, "CoronaVac", "Corona Vac", "product: the code"),
        (DOSE, "Shanghai Health Commission", "", "issued_by: 1 to 80"),
        (DOSE, "'Wang'", "' Wang'", "surname: 1 to 80"),
        (DOSE, "'Wang'", "\"W\\u202Eang\"", "surname: 1 to 80"),
        (DOSE, "'Wang'", "\"W\\nang\"", "surname: 1 to 80"),
        (DOSE, "'Wang'", "'Wäng'", "surname_icao: needed"),
        (DOSE, "'Wang'", "'-'", "surname_icao: needed"),
        (DOSE, "born", "surname_icao = 'ZHANG'\nborn", "surname_icao: not the same name"),
        (DOSE, "born", "surname_icao = 'Wang'\nborn", "surname_icao: 1 to 80 of A to Z"),
        (DOSE, "born", "given_icao = '<<'\nborn", "given_icao: 1 to 80 of A to Z"),
        (
            DOSE,
            "[vaccination]",
            "[test]\nmethod='naat'\nname='x'\ntaken=''\ncentre=''\ncountry=''\nissued_by=''\n[vaccination]",
            "claim: give one",
        ),
        (TEST, "surname_icao = 'WANG'\n", "", "surname_icao: needed: copy it"),
        (TEST, "08:00:00+08:00", "08:00:00", "taken: an instant"),
        (TEST, "08:00:00+08:00", "24:00:00Z", "taken: an instant"),
        (TEST, "08:00:00+08:00", "08:00é0Z", "taken: an instant"),
        (TEST, "2026-11-20T", "2026-11-22T", "taken: an instant that was"),
        (TEST, "'naat'", "'antigen'", "name: of an antigen test"),
        (RECOVERY, "surname_icao = 'MUHAMMAD'\n", "", "surname_icao: needed"),
        (RECOVERY, "born", "given_icao = 'X'\nborn", "given_icao: there is no given name"),
        (RECOVERY, "2026-05-12", "2026-05-11", "from: 11 to 180 days"),
        (RECOVERY, "2026-10-28", "2026-10-29", "until: not before `from`"),
    ] {
        assert!(text.contains(from), "{from}");
        let told = said(&text.replacen(from, to, 1));
        assert!(told.starts_with(wanted), "{from} as {to}: {told:?}");
    }
    let long = "A".repeat(81);
    assert!(said(&DOSE.replacen("Wang", &long, 1)).starts_with("surname: 1 to 80"));
    assert_eq!(said(&DOSE.replacen("Wang", &long[1..], 1)), "");
    let stranger = toml::from_str::<Claim>(&DOSE.replacen("born", "colour = 'green'\nborn", 1));
    assert!(stranger.is_err(), "an unknown key is refused");
}

#[test]
fn r63_a_name_is_written_for_machines_only_where_there_is_one_way() {
    let icao = |text: &str| {
        let claim = claim(text);
        let checked = claim.check(NOW).unwrap();
        (checked.surname_icao().to_owned(), checked.given_icao().to_owned())
    };
    assert_eq!(icao(DOSE), ("WANG".to_owned(), "XIAO<MING".to_owned()));
    assert_eq!(icao(&DOSE.replacen("'Wang'", "\"O'Neil St. James\"", 1)).0, "ONEIL<ST<JAMES");
    assert_eq!(icao(TEST), ("WANG".to_owned(), "XIAOMING".to_owned()));
    assert_eq!(icao(RECOVERY), ("MUHAMMAD".to_owned(), String::new()));
    // Passports cut long names.
    assert_eq!(icao(&DOSE.replacen("born", "given_icao = 'XIAO<'\nborn", 1)).1, "XIAO<");
}

/// The example of the eHealth Network's guidelines, and the European schema's.
#[test]
fn r63_an_identifier_has_the_check_character_of_the_guidelines() {
    for known in ["URN:UVCI:01:SE:EHM/C878/123456789ABC#B", "URN:UVCI:01:SE:EHM/V12907267LAJW#E"] {
        assert_eq!(Uvci::read(known).unwrap().as_str(), known);
    }
    for (text, wanted) in [
        ("URN:UVCI:01:SE:EHM/C878/123456789ABD#B", "does not fit"),
        ("URN:UVCI:01:SE:EHM/C878/123456789ABC#", "does not fit"),
        ("URN:UVCI:01:SE:ehm#B", "capital letters"),
        ("URN:UVCI:02:SE:EHM", "must begin with"),
        ("URN:UVCI:01:SEE:EHM", "must begin with"),
    ] {
        assert!(Uvci::read(text).unwrap_err().to_string().contains(wanted), "{text}");
    }
    // printf 'URN:UVCI:01:SE:EHM/C878/123456789ABC#B' | sha256sum
    let digest = Uvci::read("URN:UVCI:01:SE:EHM/C878/123456789ABC#B").unwrap().digest();
    assert_eq!(hex::encode(digest), "e0f144127c2cd974485707ae8589f65c");
}

proptest! {
    #[test]
    fn r63_every_identifier_is_read_back_and_no_mistyped_one(random: [u8; 16], at in 15usize..48, by in 1u8..26) {
        let uvci = Uvci::new("CN", 310_000, &random);
        prop_assert_eq!(Uvci::read(uvci.as_str()).unwrap(), uvci.clone());
        let mut typed = uvci.as_str().as_bytes().to_vec();
        if typed[at].is_ascii_uppercase() {
            typed[at] = b'A' + (typed[at] - b'A' + by) % 26;
            prop_assert!(Uvci::read(str::from_utf8(&typed).unwrap()).is_err());
        }
    }

    #[test]
    fn r63_no_text_of_a_date_or_time_breaks_what_reads_it(text in ".{0,30}", date in "[0-9]{4}-[0-9]{2}-[0-9]{2}") {
        let _ = (crate::date::days(&text), super::date::birth(&text), super::date::instant(&text));
        let _ = super::date::instant(&format!("{date}T{text}"));
    }
}

#[test]
fn r63_days_are_those_of_the_calendar() {
    for (text, days) in [
        ("1970-01-01", 0),
        ("1900-01-01", -25_567),
        ("2000-02-29", 11_016),
        ("2020-01-01", 18_262),
        ("2099-12-31", 47_481),
    ] {
        assert_eq!(crate::date::days(text), Some(days), "{text}");
    }
    for text in [
        "2106-01-01",
        "1900-02-29",
        "2021-00-01",
        "2021-13-01",
        "2021-04-31",
        "2021-01-00",
        "2021/01/01",
        "+021-01-01",
    ] {
        assert_eq!(crate::date::days(text), None, "{text}");
    }
    assert_eq!(super::date::instant("1970-01-02T08:00:01+08:00"), Some(UnixSeconds(86_401)));
    assert_eq!(super::date::instant("1970-01-01T00:00:00-00:01"), Some(UnixSeconds(60)));
    assert_eq!(super::date::instant("1970-01-01T00:00:00Z"), Some(UnixSeconds(0)));
    assert_eq!(super::date::instant("1970-01-01T00:00:00+00:01"), None);
}
