//! Certificates for other countries, with the real binary: a signer, a clerk's claim, a registry that agrees or not (R63).

mod common;
mod registry;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use common::said;
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
        assert!(!world.path("wang.pdf").exists(), "{to}");
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
        ("abroad signer --country China --name Shanghai --out other", "names a country"),
        ("abroad digest URN:UVCI:01:SE:EHM/C878/123456789ABD#B", "the check character behind # does not fit"),
    ] {
        let output = world.hufu(line);
        assert_eq!(output.status.code(), Some(2), "{line}: {}", said(&output));
        assert!(said(&output).contains(wanted), "{line}: {}", said(&output));
    }
}
