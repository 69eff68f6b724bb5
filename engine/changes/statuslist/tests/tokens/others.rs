//! What other programs make of tokens, and tokens that they have made.

use std::path::Path;
use std::process::Command;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;

/// Python's zlib and json read our JWT, and the OpenSSL program verifies both signatures and signs a token of its own.
#[test]
fn r64_python_and_openssl_agree() {
    const READ: &str = r#"
import base64, json, sys, zlib
def part(text): return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
head, body, signature = open(sys.argv[1]).read().split(".")
assert json.loads(part(head))["typ"] == "statuslist+jwt"
claims = json.loads(part(body))
packed = zlib.decompress(part(claims["status_list"]["lst"]))
bits = claims["status_list"]["bits"]
values = [packed[i * bits // 8] >> (i * bits % 8) & (1 << bits) - 1 for i in range(1000)]
print(claims["sub"], claims["iat"], claims["exp"], claims["ttl"], "".join(map(str, values)))
# DER of r and s, and what was signed, for the OpenSSL program.
r, s = (int.from_bytes(half, "big") for half in (part(signature)[:32], part(signature)[32:]))
number = lambda n: b"\x02" + bytes([(n.bit_length() + 8) // 8]) + n.to_bytes((n.bit_length() + 8) // 8, "big")
inner = number(r) + number(s)
open(sys.argv[2], "wb").write(b"\x30" + bytes([len(inner)]) + inner)
open(sys.argv[3], "w").write(head + "." + body)
"#;
    const WRITE: &str = r#"
import base64, json, subprocess, sys, zlib
part = lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")
packed = bytes([0b11100100] * 250)
claims = {"iat": int(sys.argv[2]), "sub": sys.argv[3],
          "status_list": {"lst": part(zlib.compress(packed, 9)), "bits": 2}}
message = part(b'{"typ":"statuslist+jwt","alg":"ES256"}') + "." + part(json.dumps(claims).encode())
der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", sys.argv[1]], input=message.encode(), capture_output=True, check=True).stdout
def number(at): return int.from_bytes(der[at + 2:at + 2 + der[at + 1]], "big"), at + 2 + der[at + 1]
(r, at), = [number(2)]
s, _ = number(at)
print(message + "." + part(r.to_bytes(32, "big") + s.to_bytes(32, "big")), end="")
"#;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let pem = Signer::generate().unwrap();
    let signer = Signer::from_pem(pem.as_bytes(), b"").unwrap();
    std::fs::write(path("list.key"), &pem).unwrap();
    std::fs::write(path("list.pub"), signer.public().to_pem()).unwrap();
    std::fs::write(path("list.jwt"), token(Format::Jwt, &claims(), &signer)).unwrap();

    let said = run("python3", &["-c", READ, &path("list.jwt"), &path("signature"), &path("message")]);
    let values: String = (0..1000).map(|index| char::from(b"012"[index % 3])).collect();
    assert_eq!(said.trim(), format!("{URI} {} {} 300 {values}", NOW.0 - 5, NOW.0 + 3600));
    let verify =
        ["dgst", "-sha256", "-verify", &path("list.pub"), "-signature", &path("signature"), &path("message")];
    assert_eq!(run("openssl", &verify).trim(), "Verified OK");
    assert_eq!(run("openssl", &["pkey", "-in", &path("list.key"), "-pubout"]), signer.public().to_pem());

    let theirs = run("python3", &["-c", WRITE, &path("list.key"), &NOW.0.to_string(), URI]);
    let keys = Keys::default().with(signer.public().clone());
    let found = read(theirs.as_bytes(), &keys, &expected()).unwrap();
    assert!((0..1000).all(|index| found.list.get(index) == Some(u8::try_from(index % 4).unwrap())));
}

/// RFC 8037 names EdDSA and RFC 9864 Ed25519: a publisher may use one for its key and the other for its tokens.
#[test]
fn r64_both_names_of_ed25519_are_known() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let jwk = |alg: &str| {
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let jwk = serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "alg": alg });
        let mut keys = Keys::default();
        keys.add_file(jwk.to_string().as_bytes()).map(|()| keys)
    };
    for key in ["EdDSA", "Ed25519"] {
        for token in ["EdDSA", "Ed25519"] {
            let header = HEADER.replace("ES256", token);
            let signed =
                jwt(&header, &payload(""), |message| pair.sign(message.as_bytes()).as_ref().to_vec());
            assert!(read(&signed, &jwk(key).unwrap(), &expected()).is_ok(), "{token} by a key of {key}");
        }
    }
    assert!(jwk("ES256").unwrap_err().to_string().contains("not of its curve"));
}

/// A chain of certificates made by the OpenSSL program: the root vouches for the signer, and nobody else does.
#[test]
fn r64_a_chain_leads_to_a_trusted_root_or_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let at = |name: &str| Path::new(&path(name)).to_owned();
    std::fs::write(at("list.key"), Signer::generate().unwrap()).unwrap();
    std::fs::write(at("leaf.ext"), "basicConstraints=critical,CA:FALSE\nkeyUsage=digitalSignature\n")
        .unwrap();
    for root in ["root", "other"] {
        run(
            "openssl",
            &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &path(&format!("{root}.key"))],
        );
        let subject = format!("/CN={root}");
        run(
            "openssl",
            &[
                "req",
                "-x509",
                "-new",
                "-key",
                &path(&format!("{root}.key")),
                "-subj",
                &subject,
                "-days",
                "30",
                "-addext",
                "keyUsage=critical,keyCertSign",
                "-out",
                &path(&format!("{root}.pem")),
            ],
        );
    }
    run(
        "openssl",
        &["req", "-new", "-key", &path("list.key"), "-subj", "/CN=lists", "-out", &path("leaf.csr")],
    );
    run(
        "openssl",
        &[
            "x509",
            "-req",
            "-in",
            &path("leaf.csr"),
            "-CA",
            &path("root.pem"),
            "-CAkey",
            &path("root.key"),
            "-CAcreateserial",
            "-days",
            "30",
            "-extfile",
            &path("leaf.ext"),
            "-out",
            &path("leaf.pem"),
        ],
    );
    let file = |name: &str| std::fs::read(at(name)).unwrap();
    let signer = Signer::from_pem(&file("list.key"), &file("leaf.pem")).unwrap();
    let now =
        UnixSeconds(u32::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap());
    let claims = Claims { issued: now, expires: None, ..claims() };
    let believed = |root: &str, token: &[u8], now| {
        let mut keys = Keys::default();
        keys.add_file(&file(root)).unwrap();
        read(token, &keys, &Expected { now, ..expected() }).map(drop)
    };
    for format in Format::ALL {
        let token = token(format, &claims, &signer);
        assert_eq!(believed("root.pem", &token, now), Ok(()));
        assert_eq!(believed("leaf.pem", &token, now), Ok(()), "the certificate itself is trusted");
        assert!(matches!(believed("other.pem", &token, now), Err(Fault::Signature | Fault::UnknownKey(_))));
        let late = UnixSeconds(now.0 + 40 * 86_400);
        assert!(believed("root.pem", &token, late).is_err(), "certificates have ended");
        let early = UnixSeconds(now.0 - 86_400);
        assert!(believed("root.pem", &token, early).is_err());
    }
    let said = Signer::from_pem(&file("list.key"), &file("root.pem")).map(drop).unwrap_err().to_string();
    assert!(said.contains("of another key"), "{said}");
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.expect("it runs (Debian: apt-get install python3 openssl)");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
