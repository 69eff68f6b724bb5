//! How many instructions a check is, compared with what it was: on every machine the same, however busy it is. Counted by
//! valgrind, which has AVX2 and FMA where the machine has them, but neither AVX-512 nor the instructions for SHA-256: so
//! signatures are verified by the back end `fours`, and SHA-256 is the portable path, as tests are compiled.

use std::process::Command;

/// What is counted, in the order of `bench/src/instructions/main.rs`, and how many instructions a check was when this was
/// last looked at.
const RECORD: [(&str, f64); 4] = [
    ("paper again", 10_499.0),
    ("phone again", 63_793.0),
    ("paper first", 86_580.0),
    ("phone first", 139_862.0),
];
/// How much more is too much, and how much less is to be written down, in a hundred.
const MORE_MAX: f64 = 5.0;
const LESS_MAX: f64 = 10.0;
/// Checks of each kind.
const CHECKS: f64 = 128.0;

#[test]
fn a_check_is_no_more_instructions_than_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("counts");
    let run = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--toggle-collect=instructions::counted",
            "--dump-after=instructions::counted",
        ])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env!("CARGO_BIN_EXE_instructions"))
        .output()
        .expect("valgrind is installed: `cargo xtask test` asks for it");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let counted = |part: usize| {
        let part =
            std::fs::read_to_string(format!("{}.{part}", out.display())).expect("a part for each kind");
        let (_, total) = part.rsplit_once("totals: ").expect("a part has a total");
        total.trim().parse::<f64>().unwrap() / CHECKS
    };
    let mut told = Vec::new();
    let mut same = true;
    for (part, (kind, was)) in (1..).zip(RECORD) {
        let each = counted(part);
        let more = (each / was - 1.0) * 100.0;
        same &= (-LESS_MAX..=MORE_MAX).contains(&more);
        told.push(format!("{kind}: {each:.0}, which is {more:+.1} %"));
    }
    let told = told.join("\n");
    println!("{told}");
    assert!(same, "find what made a check slower, or write down what it is now\n{told}");
}
