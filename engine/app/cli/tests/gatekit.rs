//! `libhufu-gate` from C and from Python, against a real engine (R60).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use common::source::Source;
use common::{Deployment, eventually, free_address, said};
use serde_json::Value;

const KIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../checks/gatekit");

/// Where this build's libraries are.
fn libraries() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_hufu")).parent().unwrap().join("deps")
}

/// Compiles the example of a gate with warnings as errors, and links the static library.
fn compiled(folder: &Path, name: &str, more: &[&str]) -> PathBuf {
    compiled_from("gate", folder, name, more)
}

fn compiled_from(example: &str, folder: &Path, name: &str, more: &[&str]) -> PathBuf {
    let program = folder.join(name);
    let built = Command::new("gcc")
        .args(["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"])
        .args(more)
        .arg(format!("-I{KIT}/include"))
        .arg(format!("{KIT}/examples/{example}.c"))
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
    scanned_at("127.0.0.1", enrol, folder, program, scans)
}

fn scanned_at(engine: &str, enrol: &str, folder: &Path, program: &[&str], scans: &[&str]) -> Output {
    let mut gate = Command::new(program[0])
        .args(&program[1..])
        .args([engine, enrol])
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
    // What looks like a device's own word, in front of a scanner, is no code.
    let scans = [green.as_str(), red.as_str(), "https://example.com/", "", "SL1:900001.0", green.as_str()];
    let wanted = [
        "open  clear",
        "shut  status-red",
        "shut  not-a-code",
        "shut  not-a-code",
        "shut  bad-text",
        "open  clear",
    ];
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
    deployment.run("enrol --gate gate --out other.bin");
    engine.signal("-TERM");
    engine.ended();
    let output = scanned_with("cat session.bin", folder, &[plain], &[&green]);
    assert!(said(&output).contains("shut  no verdict: no engine answers"), "{}", said(&output));
    // No program may send there: a network that is gone refuses packets, too.
    let output = scanned_at("255.255.255.255", "cat other.bin", folder, &python, &[&green]);
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

#[test]
fn r60_makers_find_the_library_with_pkg_config_and_cmake() {
    installed_and_found("gate", &[]);
    installed_and_found("offline", &["--offline"]);
}

/// Installs the libraries of this build, as makers install theirs, and builds this example with them.
fn installed_and_found(example: &str, options: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("usr");
    let run = |program: &mut Command| {
        let output = program.output().expect("it is there (Debian: apt-get install cmake make pkg-config)");
        assert!(output.status.success(), "{program:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    run(Command::new(format!("{KIT}/packaging/install.sh")).args(options).arg(libraries()).arg(&prefix));
    let flags = run(Command::new("pkg-config")
        .args(["--cflags", "--libs", "hufu-gate"])
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")));
    let program = folder.path().join("gate");
    run(Command::new("gcc")
        .arg(format!("{KIT}/examples/{example}.c"))
        .arg("-o")
        .arg(&program)
        .args(flags.split_whitespace()));
    let needed = run(Command::new("readelf").arg("--dynamic").arg(&program));
    assert!(needed.contains("[libhufu_gate.so.0]"), "{needed}");
    let lists =
        "cmake_minimum_required(VERSION 3.16)\nproject(gate C)\nfind_package(hufu-gate 0.1 REQUIRED)\n";
    let gates = ["gate", "gate-static"].map(|library| {
        format!("add_executable({library}-c {KIT}/examples/{example}.c)\ntarget_link_libraries({library}-c hufu::{library})\n")
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
        assert_eq!(output.status.code(), Some(2), "it runs, and cannot do more: {}", said(&output));
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

/// A gate that decides without a network, with its own folder and so its own book of records.
struct Alone {
    child: Child,
    scans: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Alone {
    fn new(deployment: &Deployment, program: &[&str]) -> Alone {
        let mut child = Command::new(program[0])
            .args(&program[1..])
            .current_dir(deployment.folder())
            .env("HUFU_GATE_LIBRARY", libraries().join("libhufu_gate_kit.so"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs (Debian: apt-get install python3 valgrind)");
        let (scans, told) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Alone { child, scans, told }
    }

    /// Scans a code; the verdict, and what was said before it.
    fn scan(&mut self, code: &str) -> (String, Vec<String>) {
        writeln!(self.scans, "{code}").unwrap();
        let mut before = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.told.read_line(&mut line).unwrap() > 0, "it ended: {before:?}");
            let line = line.trim_end().to_owned();
            if !line.starts_with("turned red") {
                return (line, before);
            }
            before.push(line);
        }
    }

    fn end(self) {
        let Alone { mut child, scans, told } = self;
        drop((scans, told));
        assert!(child.wait().unwrap().success());
    }
}

/// Engine and registry are real, over HTTPS: everything is fetched, the engine goes, the gates decide, a restart changes
/// nothing; the engine comes back, has the records of each gate once, and says who has turned red.
#[test]
fn r06_gates_in_c_and_python_go_on_without_a_network() {
    let source = Source::over_http();
    let deployment = &source.deployment;
    let https = free_address();
    let config = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    deployment
        .write("engine.toml", &config.replace("metrics = ", &format!("https = \"{https}\"\nmetrics = ")));
    let _registry = source.registry();
    for (holder, colour) in [("42", "green"), ("43", "red")] {
        source.set_of(holder, colour);
    }
    deployment.issue("43");
    let engine = deployment.serve();
    deployment.becomes("43", "status-red", 1);

    let port = https.rsplit(':').next().unwrap();
    let ask = format!("python3 {KIT}/python/enrol.py gate 127.0.0.1 {port}");
    let key = fs::read_to_string(deployment.path("operator.pub")).unwrap();
    let key = key.split("public = \"").nth(1).unwrap().split('"').next().unwrap();
    // An interpreter that starts on a busy machine is no slow network.
    let offline = ["-DHUFU_GATE_OFFLINE", "-DASK_MS_MAX=10000"];
    let plain = compiled_from("offline", deployment.folder(), "offline-c", &offline);
    let guard = ["-fsanitize=address,undefined", "-fno-sanitize-recover", offline[0], offline[1]];
    let guarded = compiled_from("offline", deployment.folder(), "offline-asan", &guard);
    let (plain, guarded) = (plain.to_str().unwrap(), guarded.to_str().unwrap());
    let once = |folder, code: &str| {
        let mut gate = Alone::new(deployment, &[plain, folder, key, "7", common::SITE, &ask]);
        let told = gate.scan(code).0;
        gate.end();
        told
    };
    let (green, red) = (|| deployment.code("42"), || deployment.code("43"));
    assert_eq!(once("forbidden", &green()), "shut  no verdict: fault 6", "its site does not allow it");

    let sites = fs::read_to_string(deployment.path("sites.toml")).unwrap();
    deployment.write("sites.toml", &format!("{sites}offline_age_s_max = 7200\npass_back_s = 0\n"));
    eventually("the site allows it", || {
        let mut asking = Command::new("sh");
        asking.args(["-c", &format!("{ask} GET /v1/offline/site")]).current_dir(deployment.folder());
        let output = asking.output().unwrap();
        if output.status.success() { Ok(()) } else { Err(said(&output)) }
    });
    // Rust keeps the main thread's name in a place that valgrind takes for one that may be lost.
    let leaks = ["--errors-for-leak-kinds=definite", "--show-leak-kinds=definite"];
    let memory =
        ["valgrind", "--error-exitcode=9", "--leak-check=full", leaks[0], leaks[1], "--quiet", plain];
    let with = |program: &[&str], folder| {
        Alone::new(deployment, &[program, &[folder, key, "7", common::SITE, &ask]].concat())
    };
    let script = format!("{KIT}/python/offline.py");
    let python = ["python3", &script, "gate", "127.0.0.1", port, "operator.pub", "7", common::SITE];
    let mut gates = [with(&memory, "one"), with(&[guarded], "two"), Alone::new(deployment, &python)];
    let decide = |gates: &mut [Alone]| {
        for gate in gates {
            // Without a verdict it leaves no record. An answer that took longer than a second tells no time.
            let first = eventually("the gate decides", || {
                let (told, _) = gate.scan(&green());
                if told.starts_with("shut  no verdict") { Err(told) } else { Ok(told) }
            });
            let told = [first, gate.scan(&red()).0];
            assert!(told[0].starts_with("open  clear") && told[0].contains("without a network"), "{told:?}");
            assert!(told[1].starts_with("shut  status-red"), "{told:?}");
        }
    };
    decide(&mut gates);
    eventually("it decides", || {
        let told = once("three", &green());
        if told.starts_with("open  clear") { Ok(()) } else { Err(told) }
    });
    let slow = format!("sh -c 'case $2 in */enrol) sleep 1.1;; esac; exec {ask} \"$@\"' slow");
    let strict = compiled_from("offline", deployment.folder(), "offline-strict", &offline[..1]);
    let strict = strict.to_str().unwrap();
    let mut late = Alone::new(deployment, &[strict, "late", key, "7", common::SITE, &slow]);
    assert_eq!(late.scan(&green()).0, "shut  no verdict: fault 6", "told too late");
    late.end();
    assert!(!deployment.path("late/time").exists());

    engine.signal("-KILL");
    assert_eq!(engine.ended(), None, "killed");
    source.set("red");
    decide(&mut gates);
    assert!(once("three", &green()).starts_with("open  clear"), "from its folder alone");

    let engine = deployment.serve();
    deployment.becomes("42", "status-red", 1);
    for gate in &mut gates {
        let turned_red = eventually("the gate hears of it", || {
            let (told, before) = gate.scan(&green());
            if told.starts_with("shut  status-red") { Ok(before) } else { Err(told) }
        });
        assert_eq!(turned_red.len(), 1, "{turned_red:?}");
        assert!(turned_red[0].starts_with("turned red: issuer 310000, record "), "{turned_red:?}");
    }
    gates.into_iter().for_each(Alone::end);
    let records = deployment.run("records offline state/offline-records --json");
    let records: Vec<Value> = records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (number, reason) in [(1, "clear"), (2, "status-red"), (3, "clear"), (4, "status-red")] {
        let of_number = records.iter().filter(|record| record["number"] == number);
        let reasons: Vec<_> = of_number.map(|record| record["reason"].as_str().unwrap()).collect();
        assert_eq!(reasons, [reason; 3], "number {number} of each gate, once");
    }
    deployment.run("ca revoke --dir ca --device 7");
    engine.logs("revoked");
    let forgotten = |told: String| if told == "shut  no verdict: fault 6" { Ok(()) } else { Err(told) };
    eventually("a gate in C forgets everything", || forgotten(once("one", &green())));
    let mut python = Alone::new(deployment, &python);
    eventually("a gate in Python forgets everything", || forgotten(python.scan(&green()).0));
    python.end();
}
