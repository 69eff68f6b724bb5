//! What firmware links is small (docs/GATES.md): no crate of it brings more than a gate needs.

use std::process::Command;

/// The crates that a package is built of, with these features and no others.
fn built_of(package: &str, more: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").expect("tests are run by cargo");
    let tree = Command::new(cargo)
        .args(["tree", "--offline", "--locked", "--edges", "normal,build", "--prefix", "none"])
        .args(["--package", package])
        .args(more)
        .output()
        .expect("cargo starts");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    String::from_utf8(tree.stdout).expect("names")
}

#[test]
fn a_gate_without_a_network_is_built_without_a_cryptographic_library_in_c() {
    let crates = built_of("hufu-offline", &[]);
    assert!(crates.contains("hufu-check ") && !crates.contains("aws-lc"), "{crates}");
    // What it leaves out is what an engine is made of.
    assert!(built_of("hufu-check", &[]).contains("aws-lc-sys "));
}

#[test]
fn firmware_links_what_its_gate_needs_and_no_more() {
    let small = built_of("hufu-gatekit", &[]);
    assert!(small.contains("hufu-gate ") && !small.contains("hufu-offline "), "{small}");
    let large = built_of("hufu-gatekit", &["--features", "offline"]);
    assert!(large.contains("hufu-offline "), "{large}");
    for heavy in ["icu_", "jiff ", "rustls ", "serde_json ", "tokio "] {
        assert!(
            !large.lines().any(|line| line.starts_with(heavy)),
            "{heavy}is too large for firmware: {large}"
        );
    }
}
