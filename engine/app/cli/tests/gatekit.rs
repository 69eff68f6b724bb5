//! `libhufu-gate` from C and from Python, against a real engine (R60).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{Deployment, said};

const KIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../checks/gatekit");

/// Where this build's libraries are.
fn libraries() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_hufu")).parent().unwrap().join("deps")
}

/// Compiles the example with warnings as errors, and links the static library.
fn compiled(folder: &Path, name: &str, more: &[&str]) -> PathBuf {
    let program = folder.join(name);
    let built = Command::new("gcc")
        .args(["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"])
        .args(more)
        .arg(format!("-I{KIT}/include"))
        .arg(format!("{KIT}/examples/gate.c"))
        .arg(libraries().join("libhufu_gate_kit.a"))
        .args(["-lpthread", "-ldl", "-lm", "-Wl,--gc-sections,--strip-debug", "-o"])
        .arg(&program)
        .output()
        .expect("gcc is there (Debian: apt-get install gcc)");
    assert!(built.status.success(), "{}", said(&built));
    program
}

/// Runs the gate of this folder with what its scanner reads.
fn scanned(folder: &Path, program: &[&str], scans: &[&str]) -> Output {
    scanned_with(&format!("{} enrol --gate gate", env!("CARGO_BIN_EXE_hufu")), folder, program, scans)
}

fn scanned_with(enrol: &str, folder: &Path, program: &[&str], scans: &[&str]) -> Output {
    let mut gate = Command::new(program[0])
        .args(&program[1..])
        .args(["127.0.0.1", enrol])
        .current_dir(folder)
        .env("HUFU_GATE_LIBRARY", libraries().join("libhufu_gate_kit.so"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs (Debian: apt-get install valgrind)");
    let mut stdin = gate.stdin.take().unwrap();
    for scan in scans {
        writeln!(stdin, "{scan}").unwrap();
    }
    drop(stdin);
    gate.wait_with_output().unwrap()
}

#[test]
fn r60_a_gate_in_c_or_python_opens_and_stays_shut() {
    let deployment = Deployment::new();
    deployment.issue("42");
    deployment.set("43", "red");
    deployment.issue("43");
    let engine = deployment.serve();
    let (green, red) = (deployment.code("42"), deployment.code("43"));
    let scans = [green.as_str(), red.as_str(), "https://example.com/", "", green.as_str()];
    let wanted = ["open  clear", "shut  status-red", "shut  not-a-code", "shut  not-a-code", "open  clear"];
    let folder = deployment.folder();
    let plain = compiled(folder, "gate-c", &[]);
    let guarded = compiled(folder, "gate-asan", &["-fsanitize=address,undefined", "-fno-sanitize-recover"]);
    let (plain, guarded) = (plain.to_str().unwrap(), guarded.to_str().unwrap());
    let python = ["python3", &format!("{KIT}/python/hufu_gate.py")];
    let memory = ["valgrind", "--error-exitcode=9", "--leak-check=full", "--quiet", plain];
    for program in [&[plain][..], &[guarded], &memory, &python] {
        let output = scanned(folder, program, &scans);
        assert!(output.status.success(), "{program:?}: {}", said(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), wanted.len(), "{program:?}: {text}");
        for (line, wanted) in lines.iter().zip(wanted) {
            assert!(line.starts_with(wanted), "{program:?}: {line:?} is not {wanted:?}");
        }
    }
    // Its session is good, and the engine is gone: a clear answer within the budget.
    deployment.run("enrol --gate gate --out session.bin");
    engine.signal("-TERM");
    engine.ended();
    let output = scanned_with("cat session.bin", folder, &[plain], &[&green]);
    assert!(said(&output).contains("shut  no verdict: no engine answers"), "{}", said(&output));
    let output = scanned_with("false", folder, &[plain], &[&green]);
    assert_eq!(output.status.code(), Some(2), "no enrolment: {}", said(&output));
}

#[test]
fn r60_a_shared_library_has_only_the_interface() {
    let shared = libraries().join("libhufu_gate_kit.so");
    let symbols = Command::new("nm").args(["--dynamic", "--defined-only"]).arg(shared).output().unwrap();
    let symbols = String::from_utf8(symbols.stdout).unwrap();
    let names: Vec<_> = symbols.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert!(names.contains(&"hufu_gate_new") && names.contains(&"hufu_reason"), "{names:?}");
    let others: Vec<_> = names.iter().filter(|name| !name.starts_with("hufu_")).collect();
    assert!(others.is_empty(), "{others:?}");
}
