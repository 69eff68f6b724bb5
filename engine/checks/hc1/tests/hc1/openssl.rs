//! A second opinion: what is signed here verifies by the OpenSSL program, and what it signs verifies here.

use std::path::Path;
use std::process::Command;

use hufu_check::Foreign as _;
use hufu_hc1::signers::{Algorithm, Kinds, ListedSigner, Signers};
use hufu_hc1::{Verifier, dsc};
use hufu_policy::foreign::Country;

use crate::made::{self, NOW, Said, Signer};

fn openssl(folder: &Path, arguments: &str) -> Vec<u8> {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .expect("the program openssl is needed (docs/TESTING.md)");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A number of DER.
fn integer(half: &[u8]) -> Vec<u8> {
    let from = half.iter().position(|byte| *byte != 0).unwrap_or(31);
    let digits = [if half[from] > 127 { &[0][..] } else { &[] }, &half[from..]].concat();
    [&[2, u8::try_from(digits.len()).unwrap()][..], &digits].concat()
}

const PSS: &str = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";

#[test]
fn r63_signatures_verify_by_openssl_and_openssls_verify_here() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let write = |name: &str, bytes: &[u8]| std::fs::write(at.join(name), bytes).unwrap();
    openssl(at, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out es.pem");
    openssl(at, "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out ps.pem");
    for (name, country) in [("es", "DE"), ("ps", "FR")] {
        openssl(
            at,
            &format!(
                "req -x509 -new -key {name}.pem -sha256 -days 2000 -subj /C={country}/CN=DSC -outform DER -out {name}.der"
            ),
        );
        let der = std::fs::read(at.join(format!("{name}.der"))).unwrap();
        let mut listed = dsc::read(&der, None, None).unwrap();
        assert_eq!((listed.country, listed.kinds), (Country::of(country).unwrap(), Kinds::ALL));
        // Its certificate is of today, the certificates of tests are not.
        listed.from = hufu_wire::UnixSeconds(1);
        listed.until = hufu_wire::UnixSeconds(u32::MAX);
        by_openssl(at, name, &listed);
    }
    for (name, signer) in [("es", Signer::es256("DE", [1; 8])), ("ps", Signer::ps256("DE", [2; 8]))] {
        let protected = made::header(Some(signer.listed.algorithm.cose()), Some(signer.listed.key_id));
        let message = made::to_sign(&protected, &Said::vaccination().payload());
        let signature = signer.signature(&message);
        write("message", &message);
        write("key.der", &info(&signer.listed));
        let (signature, options) = match name {
            "es" => {
                let numbers = [integer(&signature[..32]), integer(&signature[32..])].concat();
                ([&[0x30, u8::try_from(numbers.len()).unwrap()][..], &numbers].concat(), String::new())
            }
            _ => (signature, format!(" {PSS}")),
        };
        write("signature", &signature);
        let verify = format!("dgst -sha256 -verify key.der -keyform DER -signature signature{options} message");
        assert_eq!(openssl(at, &verify), b"Verified OK\n");
    }
}

/// A certificate that the program signs.
fn by_openssl(at: &Path, name: &str, listed: &ListedSigner) {
    let said = Said { issuer: Some(if name == "es" { "DE" } else { "FR" }), ..Said::recovery() };
    let protected = made::header(Some(listed.algorithm.cose()), Some(listed.key_id));
    let payload = said.payload();
    std::fs::write(at.join("message"), made::to_sign(&protected, &payload)).unwrap();
    let options = if name == "es" { String::new() } else { format!(" {PSS}") };
    let signature = openssl(at, &format!("dgst -sha256 -sign {name}.pem{options} message"));
    let signature = match listed.algorithm {
        Algorithm::Es256 => halves(&signature),
        Algorithm::Ps256 => signature,
    };
    let list = Signers::sign(made::dated(1), std::slice::from_ref(listed), &made::operator());
    let verifier = Verifier::new(Signers::open(&list, &made::operator_key()).unwrap(), None, 4).unwrap();
    let text = made::text(&made::message(&protected, &[0xa0], &payload, &signature));
    assert_eq!(verifier.verify(NOW, text.as_bytes()).map(|genuine| genuine.certificate.country), Ok(listed.country));
}

/// The two numbers of a DER signature, 32 bytes each.
fn halves(der: &[u8]) -> Vec<u8> {
    let mut rest = &der[2..];
    let mut out = Vec::new();
    for _ in 0..2 {
        let (number, behind) = rest[2..].split_at(usize::from(rest[1]));
        let digits = &number[number.len().saturating_sub(32)..];
        out.extend(vec![0; 32 - digits.len()]);
        out.extend(digits);
        rest = behind;
    }
    out
}

/// The `SubjectPublicKeyInfo` of a key, in DER.
fn info(listed: &ListedSigner) -> Vec<u8> {
    let (algorithm, key) = match listed.algorithm {
        Algorithm::Es256 => ("301306072a8648ce3d020106082a8648ce3d030107", &listed.public),
        Algorithm::Ps256 => ("300d06092a864886f70d0101010500", &listed.public),
    };
    let sized = |tag: u8, bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, bytes].concat()
    };
    let bits = sized(3, &[&[0][..], key].concat());
    sized(0x30, &[hex::decode(algorithm).unwrap(), bits].concat())
}
