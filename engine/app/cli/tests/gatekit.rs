//! `libhufu-gate` from C and from Python, against a real engine (R60).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
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
fn r60_a_gate_enrols_over_https_with_its_own_tls() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let config = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    deployment.write("engine.toml", &config.replace("metrics = ", "https = \"127.0.0.1:0\"\nmetrics = "));
    let engine = deployment.serve();
    let port = engine.ready.trim().rsplit(':').next().unwrap();
    let folder = deployment.folder();
    let program = compiled(folder, "gate-c", &[]);
    let enrol = format!("python3 {KIT}/python/enrol.py gate 127.0.0.1 {port}");
    let output = scanned_with(&enrol, folder, &[program.to_str().unwrap()], &[&deployment.code("42")]);
    assert!(output.status.success() && said(&output).contains("open  clear"), "{}", said(&output));
    // A device that is revoked is told so, and has no session.
    deployment.run("ca revoke --dir ca --device 7");
    engine.logs("revoked");
    let output = Command::new("sh").args(["-c", &enrol]).current_dir(folder).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{}", said(&output));
}

/// Installs the libraries of this build, as makers install theirs.
#[test]
fn r60_makers_find_the_library_with_pkg_config_and_cmake() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("usr");
    let run = |program: &mut Command| {
        let output = program.output().expect("it is there (Debian: apt-get install cmake make pkg-config)");
        assert!(output.status.success(), "{program:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    run(Command::new(format!("{KIT}/packaging/install.sh")).arg(libraries()).arg(&prefix));
    let flags = run(Command::new("pkg-config")
        .args(["--cflags", "--libs", "hufu-gate"])
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")));
    let program = folder.path().join("gate");
    run(Command::new("gcc")
        .arg(format!("{KIT}/examples/gate.c"))
        .arg("-o")
        .arg(&program)
        .args(flags.split_whitespace()));
    let needed = run(Command::new("readelf").arg("--dynamic").arg(&program));
    assert!(needed.contains("[libhufu_gate.so.0]"), "{needed}");
    let lists =
        "cmake_minimum_required(VERSION 3.16)\nproject(gate C)\nfind_package(hufu-gate 0.1 REQUIRED)\n";
    let gates = ["gate", "gate-static"].map(|library| {
        format!("add_executable({library}-c {KIT}/examples/gate.c)\ntarget_link_libraries({library}-c hufu::{library})\n")
    });
    fs::write(folder.path().join("CMakeLists.txt"), format!("{lists}{}", gates.concat())).unwrap();
    let prefixes = format!("-DCMAKE_PREFIX_PATH={}", prefix.display());
    run(Command::new("cmake").args(["-S", ".", "-B", "build", &prefixes]).current_dir(folder.path()));
    run(Command::new("cmake").args(["--build", "build"]).current_dir(folder.path()));
    for gate in [program, folder.path().join("build/gate-c"), folder.path().join("build/gate-static-c")] {
        let output = Command::new(&gate)
            .args(["127.0.0.1", "false"])
            .env("LD_LIBRARY_PATH", prefix.join("lib"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "it runs, and cannot enrol: {}", said(&output));
    }
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
