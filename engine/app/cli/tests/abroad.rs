//! Certificates for other countries, with the real binary: a signer, a clerk's claim, a registry that agrees or not (R63).

mod common;
mod registry;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use common::{hufu, said};
use registry::World;
use serde_json::Value;

const DOSE: &str = "surname = 'Wang'\ngiven = 'Xiaoming'\nborn = '1949-12-31'\n[vaccination]\nvaccine = '1119349007'\n\
                    product = 'CoronaVac'\nmaker = 'Sinovac-Biotech'\ndose = 2\nseries = 2\ndate = '2021-09-01'\n\
                    country = 'CN'\nissued_by = 'Shanghai Health Commission'\n";
const ISSUE: &str =
    "abroad issue --signer dsc --issuer 310000 0 --claim wang.toml --page wang.pdf --language fr";

/// A registry with one holder of two doses, and a signer.
fn world() -> World {
    let world = World::new();
    assert!(world.add_holder("Wang Xiaoming", "11010519491231002X").status.success());
    world.propose("--holder 0 --colour green --doses 2 --rule 1");
    world.ok("change confirm --issuer 310000 --all --key national.key --yes");
    world.ok("abroad signer --country CN --name Shanghai --out dsc");
    world.write("wang.toml", DOSE);
    world
}

#[test]
fn r63_a_known_dose_becomes_a_certificate_and_a_page() {
    let world = world();
    let mode = fs::metadata(world.path("dsc.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o77, 0, "the key is for the authority alone");
    let request = Command::new("openssl")
        .args(["req", "-verify", "-noout", "-subject", "-in", "dsc.csr"])
        .current_dir(world.path(""))
        .output()
        .expect("the program openssl is needed: apt-get install openssl");
    assert!(said(&request).contains("C = CN, CN = Shanghai"), "{}", said(&request));

    let issued: Value = serde_json::from_str(&world.ok(&format!("{ISSUE} --json"))).unwrap();
    assert!(issued["code"].as_str().unwrap().starts_with("HC1:"), "{issued}");
    assert_eq!(issued["display"], "W*002X", "the clerk sees whose record it is");
    let identifier = issued["identifier"].as_str().unwrap();
    assert!(identifier.starts_with("URN:UVCI:01:CN:310000/"), "{identifier}");
    assert_eq!(world.ok(&format!("abroad digest {identifier}")).trim(), issued["digest"].as_str().unwrap());
    // Taken back: the identifier, or what the trail has, becomes a batch for partners and for the own gates.
    let digest = issued["digest"].as_str().unwrap();
    world.ok(&format!("abroad digest {identifier} {digest} --batch revoked.json"));
    let import = "foreign revocations import revoked.json --operator operator.key --list revocations";
    assert!(world.ok(import).contains("list 1 of "), "the operator's own list takes it");
    let again: Value = serde_json::from_str(&world.ok(&format!("{ISSUE} --json"))).unwrap();
    assert_ne!(again["identifier"], issued["identifier"], "each has one of its own");
    assert!(fs::read(world.path("wang.pdf")).unwrap().starts_with(b"%PDF-"));
    let mode = fs::metadata(world.path("wang.pdf")).unwrap().permissions().mode();
    assert_eq!(mode & 0o77, 0, "a whole name and a date of birth are no one else's");
    world.audit_agrees();
}

#[test]
fn r63_what_a_hurried_clerk_claims_is_refused_and_nothing_is_printed() {
    let world = world();
    let refused = |from: &str, to: &str, more: &str, wanted: &str| {
        assert!(DOSE.contains(from), "{from}");
        world.write("wang.toml", &DOSE.replacen(from, to, 1));
        let output = world.hufu(&format!("{ISSUE} {more}"));
        assert_eq!(output.status.code(), Some(2), "{to}: {}", said(&output));
        assert!(said(&output).contains(wanted), "{to}: {}", said(&output));
        assert!(!said(&output).contains("Xiaoming"), "{}", said(&output));
        assert!(!world.path("wang.pdf").exists() && !world.path("wang.pdf.new").exists(), "{to}");
    };
    refused("dose = 2", "dose = 3", "", "the holder's status has 2 doses, and dose 3 is claimed");
    refused("'Wang'", "'Zhang'", "", "registered with another name");
    refused("1949-12-31", "1949-12-30", "", "another date of birth");
    refused("2021-09-01", "2021-09-99", "", "wang.toml: date: a day that there is");
    refused("born", "bron", "", "wang.toml, line 3: unknown field `bron`");
    refused("dose = 2", "dose = 300", "", "wang.toml, line 8: ");
    refused("'Wang'", "'王'", "", "surname_icao: needed: copy it from the machine-readable lines");
    refused("dose", "dose", "--valid 366d", "at most 365 days");
    world.ok("abroad signer --country CN --name Shanghai --out short --valid 30d");
    world.write("wang.toml", DOSE);
    let outlived = world.hufu(&ISSUE.replace("--signer dsc", "--signer short"));
    assert!(said(&outlived).contains("outlive the signer's certificate"), "{}", said(&outlived));
    fs::copy(world.path("short.pem"), world.path("dsc.pem")).unwrap();
    refused("dose", "dose", "", "the certificate is another key's");
    fs::set_permissions(world.path("dsc.key"), Permissions::from_mode(0o640)).unwrap();
    refused("dose", "dose", "", "other users of this machine may use this secret key");
    for (line, wanted) in [
        ("abroad signer --country CN --name Shanghai --out dsc", "exists already and is not overwritten"),
        ("abroad signer --country China --name Shanghai --out other", "write two letters of upper case"),
        ("abroad digest URN:UVCI:01:SE:EHM/C878/123456789ABD#B", "the check character behind # does not fit"),
    ] {
        let output = world.hufu(line);
        assert_eq!(output.status.code(), Some(2), "{line}: {}", said(&output));
        assert!(said(&output).contains(wanted), "{line}: {}", said(&output));
    }
}

#[test]
fn r63_a_page_that_cannot_be_written_leaves_no_line_in_the_trail() {
    let world = world();
    let lines = || -> Value {
        let told = world.ok("registry trail verify --config reg/registry.toml --json");
        serde_json::from_str::<Value>(&told).unwrap()["lines"].clone()
    };
    let before = lines();
    let refused = world.hufu(&ISSUE.replace("wang.pdf", "nowhere/wang.pdf"));
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("nowhere/wang.pdf"), "{}", said(&refused));
    assert_eq!(lines(), before, "nothing was certified");

    // A page that only lacks its name: the certificate is told, and where its page is.
    fs::create_dir(world.path("wang.pdf")).unwrap();
    let unnamed = world.hufu(ISSUE);
    assert_eq!(unnamed.status.code(), Some(2), "{}", said(&unnamed));
    assert!(said(&unnamed).contains("HC1:") && said(&unnamed).contains("rename it"), "{}", said(&unnamed));
    assert!(fs::read(world.path("wang.pdf.new")).unwrap().starts_with(b"%PDF-"));
    assert_ne!(lines(), before);
}

/// What the files of this part are, as `hufu inspect` explains them, and what is told of one in the place of another.
#[test]
fn r63_signers_and_lists_are_explained_and_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str| hufu(folder.path(), &line.split(' ').collect::<Vec<_>>());
    let ok = |line: &str| {
        let output = run(line);
        assert!(output.status.success(), "{line}: {}", said(&output));
        said(&output)
    };
    let refused = |line: &str, wanted: &str| {
        let told = said(&run(line));
        assert!(told.contains(wanted), "{line} does not say {wanted:?}: {told}");
    };
    ok("keys generate operator --out operator");
    let two_lines = ["abroad", "signer", "--country", "CN", "--name", "a\nb", "--out", "dsc"];
    assert!(said(&hufu(folder.path(), &two_lines)).contains("control character"));
    assert!(!folder.path().join("dsc.key").exists());
    ok("abroad signer --country CN --name Shanghai --out dsc");
    ok("status-list key --out list");
    let certificate = ok("inspect dsc.pem");
    for wanted in ["certificate, X.509", "CN", "ES256", "vaccination, test, recovery"] {
        assert!(certificate.contains(wanted), "{wanted}: {certificate}");
    }
    assert!(ok("inspect dsc.csr").contains("signing authority (CSCA)"));
    for name in ["dsc", "list"] {
        let shown = ok(&format!("inspect {name}.key"));
        assert!(shown.contains("private key, PEM"), "{shown}");
        let pem = fs::read_to_string(folder.path().join(format!("{name}.key"))).unwrap();
        for line in pem.lines().filter(|line| !line.starts_with('-')) {
            assert!(!shown.contains(line), "a part of the key is shown: {shown}");
        }
    }
    ok("keys generate issuer --issuer 7 --scheme SM2 --out sm2");
    for (name, what) in [("pub", "public key of Hufu"), ("key", "secret key of Hufu")] {
        let shown = ok(&format!("inspect sm2.{name}"));
        assert!(shown.contains(what) && shown.contains("SM2"), "{shown}");
    }
    let seed = fs::read_to_string(folder.path().join("sm2.key")).unwrap();
    let seed = seed.lines().find_map(|line| line.strip_prefix("seed = ")).unwrap().trim_matches('"');
    assert!(!ok("inspect sm2.key").contains(&seed[..8]));
    let jwk: Value = serde_json::from_slice(&fs::read(folder.path().join("list.jwk")).unwrap()).unwrap();
    assert!(ok("inspect list.jwk").contains(jwk["kid"].as_str().unwrap()));

    let signers = "foreign signers import dsc.pem dsc.pem --operator operator.key --list signers.hufu";
    assert!(ok(signers).contains("list 1 of 1 signers"), "the same key twice is one");
    let batch = r#"{"kid":"UNKNOWN_KID","hashType":"UCI","entries":[{"hash":"AAAAAAAAAAAAAAAAAAAAAA=="}]}"#;
    fs::write(folder.path().join("batch.json"), batch).unwrap();
    let revocations = "foreign revocations import batch.json batch.json --operator operator.key --list";
    assert!(ok(&format!("{revocations} revoked.hufu")).contains("list 1 of 1 revocations"));
    for (list, wanted) in [("signers.hufu", "CN, ES256"), ("revoked.hufu", "1 by identifier")] {
        assert!(ok(&format!("inspect {list}")).contains("--operator FILE verifies it"));
        let shown = ok(&format!("inspect {list} --operator operator.pub"));
        assert!(shown.contains(wanted) && shown.contains("Signed by this operator"), "{shown}");
    }
    refused(&format!("{revocations} signers.hufu"), "is not replaced: this is a list of foreign signers");
    refused(
        "foreign signers show --operator operator.pub --list revoked.hufu",
        "one of foreign signers is needed",
    );
    refused(
        "foreign signers import dsc.key --operator operator.key --list x",
        "dsc.key: it is PEM without a certificate",
    );
    ok("keys generate operator --out other");
    refused("inspect signers.hufu --operator other.pub", "not signed by this operator: its key is");
}
