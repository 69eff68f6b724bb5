//! What happens when nobody takes what is printed: the work is completed, and the exit status says so.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
mod registry;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, PipeReader, pipe};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{Deployment, eventually, get, said};
use registry::World;

/// Standard output or standard error of a command.
#[derive(Clone, Copy, Debug)]
enum Stream {
    Out,
    Error,
}

/// Runs the binary with one stream in a pipe that nobody reads, or on a full disk.
fn run(folder: &Path, line: &str, stream: Stream, to: impl Into<Stdio>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hufu"));
    command.args(line.split_whitespace()).current_dir(folder).env_remove("RUST_LOG").stdin(Stdio::null());
    match stream {
        Stream::Out => command.stdout(to).stderr(Stdio::piped()),
        Stream::Error => command.stderr(to).stdout(Stdio::piped()),
    };
    command.spawn().unwrap().wait_with_output().unwrap()
}

/// A pipe whose reader has gone away.
fn closed() -> Stdio {
    pipe().unwrap().1.into()
}

fn full_disk() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

#[test]
fn a8_a_closed_pipe_changes_no_status_and_a_full_disk_ends_in_5() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = |name: &str| format!("keys generate operator --out {name}");
    let ended = |name: &str, stream, to: Stdio| {
        let output = run(folder, &key(name), stream, to);
        assert!(folder.join(format!("{name}.key")).exists(), "the work is done: {}", said(&output));
        assert!(!said(&output).contains("panicked"), "{}", said(&output));
        (output.status.code(), said(&output))
    };
    assert_eq!(ended("closed", Stream::Out, closed()).0, Some(0));
    let (status, said) = ended("full", Stream::Out, full_disk());
    assert!(status == Some(5) && said.contains("the output could not be written"), "{said}");
    assert_eq!(ended("quiet", Stream::Error, closed()).0, Some(0));
    // Again, which is refused: the message is lost, the status is not.
    for to in [closed(), full_disk()] {
        let refused = run(folder, &key("quiet"), Stream::Error, to);
        assert_eq!(refused.status.code(), Some(2));
    }
    // The answer counts more than that nobody reads it.
    for to in [closed(), full_disk()] {
        assert_eq!(run(folder, "inspect HF1:0", Stream::Out, to).status.code(), Some(1));
    }
    for to in [closed(), full_disk()] {
        assert_eq!(run(folder, "--help", Stream::Out, to).status.code(), Some(0));
    }
}

#[test]
fn a8_confirmations_go_on_when_nobody_reads_what_they_say() {
    let world = World::new();
    world.add_holders(4);
    for holder in 0..4 {
        world.propose(&format!("--holder {holder} --colour green --rule 1"));
    }
    let folder = world.path("");
    let confirm = "change confirm --issuer 310000 --all --key national.key --yes";
    let output = run(&folder, confirm, Stream::Out, closed());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let list: serde_json::Value =
        serde_json::from_str(&world.ok("change list --issuer 310000 --json")).unwrap();
    let states: Vec<_> = list.as_array().unwrap().iter().map(|proposal| proposal["state"].as_str()).collect();
    assert_eq!(states, [Some("confirmed"); 4]);

    for holder in 0..2 {
        world.propose(&format!("--holder {holder} --colour amber --rule 1"));
    }
    let output = run(&folder, confirm, Stream::Error, closed());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2, "{}", said(&output));
}

/// Starts a service whose log goes into a pipe, and waits for its `ready` line.
fn service(folder: &Path, line: &str) -> (std::process::Child, String, PipeReader) {
    let (log, writer) = pipe().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(writer)
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    (child, ready, log)
}

/// The address after `name` in a `ready` line.
fn address(ready: &str, name: &str) -> String {
    let after = ready.split_once(name).unwrap_or_else(|| panic!("{ready:?}")).1;
    after.split_ascii_whitespace().next().unwrap().to_owned()
}

/// Collectors of logs read one JSON object a line, from the first line on.
#[test]
fn a_log_in_json_has_one_object_a_line() {
    let deployment = Deployment::new();
    let text = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    deployment.write("engine.toml", &format!("log = \"json\"\n{text}"));
    let (mut child, _, log) = service(deployment.folder(), "serve --until-stdin-ends --config engine.toml");
    drop(child.stdin.take());
    child.wait().unwrap();
    let lines: Vec<_> = BufReader::new(log).lines().map(Result::unwrap).collect();
    assert!(lines.len() > 3, "{lines:?}");
    for line in &lines {
        let line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|why| panic!("{line}: {why}"));
        for key in ["timestamp", "level", "message"] {
            assert!(line[key].is_string(), "{line}");
        }
    }
}

#[test]
fn a8_an_engine_outlives_the_reader_of_its_log_and_counts_what_it_dropped() {
    let deployment = Deployment::new();
    let text = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    deployment.write("engine.toml", &text.replace("metrics = \"\"", "metrics = \"127.0.0.1:0\""));
    let (mut child, ready, log) =
        service(deployment.folder(), "serve --until-stdin-ends --config engine.toml");
    let metrics = address(&ready, "metrics=");
    let dropped = || {
        let page = get(&metrics, "/metrics").1;
        let line = page.lines().find_map(|line| line.strip_prefix("hufu_log_lines_dropped_total ")).unwrap();
        line.parse::<u64>().unwrap()
    };
    assert_eq!(dropped(), 0);
    drop(log);
    // Each change of a file is a line in the log.
    deployment.set("42", "red");
    eventually("a line is dropped", || if dropped() > 0 { Ok(()) } else { Err(get(&metrics, "/metrics").1) });
    assert_eq!(get(&metrics, "/readyz").0, 200);
    assert!(child.try_wait().unwrap().is_none(), "it runs");
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0), "and stops as ever");
}

#[test]
fn a8_a_registry_outlives_the_reader_of_its_log() {
    let world = World::new();
    world.ok("registry init second --issuer 310000=Shanghai --listen 127.0.0.1:0 --operator operator.pub \
              --trust trust.hufu --token-out second.token");
    let folder = world.path("");
    let line = "registry serve --until-stdin-ends --config second/registry.toml";
    let (mut child, ready, log) = service(&folder, line);
    drop(log);
    assert!(ready.starts_with("ready api="), "{ready}");
    // It says in its log that the list has changed, and that it stops.
    let list = fs::read(world.path("second/trust.hufu")).unwrap();
    fs::write(world.path("second/trust.new"), list).unwrap();
    fs::rename(world.path("second/trust.new"), world.path("second/trust.hufu")).unwrap();
    assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
