//! `hufu gate` against a real engine (R60): scanners, a relay, commands, a screen.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../common/mod.rs"]
mod common;
mod screens;

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use common::scanner::Scanner;
use common::{Deployment, eventually, said};
use nix::pty::openpty;
use nix::unistd::ttyname;
use serde_json::Value;

/// A deployment with a green and a red holder.
fn deployment() -> Deployment {
    let deployment = Deployment::new();
    deployment.issue("42");
    deployment.set("43", "red");
    deployment.issue("43");
    deployment
}

/// A gate with these lanes, once it is ready.
fn gate(deployment: &Deployment, lanes: &str) -> (Scanner, Value) {
    deployment.write("box.toml", &format!("gate = \"gate\"\n{lanes}"));
    let mut gate = deployment.types_into(&["gate", "--config", "box.toml", "--json"], "gate.log");
    let ready = gate.next().unwrap_or_else(|| panic!("{}", log(deployment)))["ready"].clone();
    (gate, ready)
}

fn log(deployment: &Deployment) -> String {
    fs::read_to_string(deployment.path("gate.log")).unwrap_or_default()
}

const STDIN: &str = "[[lane]]\nnumber = 3\nscanner = \"stdin\"\n";

/// The far end of a serial line, and a name for the near one that stays when the device is another one.
fn serial(deployment: &Deployment, name: &str) -> (File, File) {
    let pty = openpty(None, None).unwrap();
    // The gate must not hold its own scanner's far end.
    for end in [&pty.master, &pty.slave] {
        rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC).unwrap();
    }
    let link = deployment.path(name);
    let _ = fs::remove_file(&link);
    symlink(ttyname(&pty.slave).unwrap(), link).unwrap();
    (pty.master.into(), pty.slave.into())
}

/// What a relay was told, until it was told to shut.
fn pulse(line: &mut File, open: u8, shut: u8) -> Vec<u8> {
    let mut told = vec![];
    while told.last() != Some(&shut) || !told.contains(&open) {
        let mut byte = [0];
        line.read_exact(&mut byte).unwrap();
        told.push(byte[0]);
    }
    told
}

#[test]
fn r60_a_gate_opens_its_relay_only_for_an_admission_and_shuts_it_at_the_end() {
    let deployment = deployment();
    let engine = deployment.serve();
    let (mut relay, _slave) = serial(&deployment, "relay");
    let lane =
        format!("{STDIN}[lane.relay]\nserial = \"relay\"\nopen = \"4f\"\nshut = \"53\"\npulse_ms = 10000\n");
    let (mut gate, ready) = gate(&deployment, &lane);
    assert_eq!((&ready["lanes"], &ready["session"], &ready["page"]), (&1.into(), &true.into(), &Value::Null));
    let mut byte = [0];
    relay.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"S", "shut at the start");

    let red = gate.scan(deployment.code("43").as_bytes());
    assert_eq!((&red["decision"], &red["reason"]), (&"refuse".into(), &"status-red".into()));
    let anywhere = "Ask the staff, or appeal at the authority that issued the code.";
    assert_eq!(red["appeal"], anywhere, "r29: every refusal names its channel");
    assert_eq!(gate.scan(b"https://example.org/")["reason"], "not-a-code");
    assert_eq!(gate.scan(b"hf1:6bf")["reason"], "scanner-keyboard");
    let green = gate.scan(deployment.code("42").as_bytes());
    assert_eq!(
        (&green["decision"], &green["display"], &green["lane"]),
        (&"admit".into(), &"L*0042".into(), &3.into())
    );
    // Nothing stood between: what was refused told the relay nothing.
    relay.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"O");

    // The engine is away: no verdict, no pulse, within the budget.
    engine.signal("-KILL");
    engine.ended();
    let away = gate.scan(deployment.code("42").as_bytes());
    assert!(
        away["decision"].is_null() && away["offline"].as_str().unwrap().contains("no engine answered"),
        "{away}"
    );
    // The end of the input ends the gate, and its open relay long before its time is over.
    assert_eq!(gate.end(), Some(0));
    relay.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"S");
}

#[test]
fn r60_a_pulse_ends_by_itself_and_a_serial_scanner_is_found_again() {
    let deployment = deployment();
    let _engine = deployment.serve();
    let (mut relay, _slave) = serial(&deployment, "relay");
    let (mut scanner, slave) = serial(&deployment, "scanner");
    let lane = "[[lane]]\nnumber = 0\nscanner = \"serial:scanner\"\nbaud = 115200\n\
                [lane.relay]\nserial = \"relay\"\nopen = \"4f\"\nshut = \"53\"\npulse_ms = 50\n";
    let (mut gate, _) = gate(&deployment, lane);
    eventually("the scanner", || {
        log(&deployment).contains("the scanner is there").then_some(()).ok_or_else(|| log(&deployment))
    });
    let code = deployment.code("42");
    // In parts, as it comes over a line.
    let (first, rest) = code.split_at(30);
    scanner.write_all(first.as_bytes()).unwrap();
    scanner.write_all(format!("{rest}\r").as_bytes()).unwrap();
    assert_eq!(gate.next().unwrap()["reason"], "clear");
    assert_eq!(pulse(&mut relay, b'O', b'S'), b"SOS");

    drop((scanner, slave));
    eventually("the loss is told", || {
        log(&deployment).contains("it is looked for").then_some(()).ok_or_else(|| log(&deployment))
    });
    let (mut scanner, _slave) = serial(&deployment, "scanner");
    eventually("the scanner is back", || {
        let found = log(&deployment).matches("the scanner is there").count();
        (found == 2).then_some(()).ok_or_else(|| log(&deployment))
    });
    scanner.write_all(format!("{}\r\n", deployment.code("43")).as_bytes()).unwrap();
    assert_eq!(gate.next().unwrap()["reason"], "status-red");
    assert_eq!(log(&deployment).matches("it is looked for").count(), 1, "told once: {}", log(&deployment));
}

#[test]
fn r60_a_relay_that_was_unplugged_while_shut_opens_for_the_next_admission() {
    let deployment = deployment();
    let _engine = deployment.serve();
    let (mut relay, slave) = serial(&deployment, "relay");
    let lane =
        format!("{STDIN}[lane.relay]\nserial = \"relay\"\nopen = \"4f\"\nshut = \"53\"\npulse_ms = 10000\n");
    let (mut gate, _) = gate(&deployment, &lane);
    let mut byte = [0];
    relay.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"S", "shut at the start");
    // Another one is in its place before it goes.
    let (mut second, second_slave) = serial(&deployment, "relay");
    drop((relay, slave));
    second.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"S", "found while nothing comes");
    let (mut third, _third_slave) = serial(&deployment, "relay");
    drop((second, second_slave));
    assert_eq!(gate.scan(deployment.code("42").as_bytes())["decision"], "admit");
    let mut told = [0; 2];
    third.read_exact(&mut told).unwrap();
    assert_eq!(told, *b"SO", "shut, and opened for the admission that found the other one gone");
}

#[test]
fn r60_commands_get_verdicts_and_one_that_hangs_is_killed() {
    let deployment = deployment();
    let _engine = deployment.serve();
    let script = |name: &str, text: &str| {
        fs::write(deployment.path(name), format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(deployment.path(name), fs::Permissions::from_mode(0o755)).unwrap();
        deployment.path(name).display().to_string()
    };
    let lamp = script("lamp", "cat >> \"$1\"");
    // It never reads, and its child holds its outputs.
    let hangs = script("hangs", "echo $$ > hangs.pid\nsleep 600");
    let lane = format!(
        "{STDIN}[[lane.command]]\nrun = [\"{lamp}\", \"green; touch no\"]\non = [\"admit\"]\n\
         [[lane.command]]\nrun = [\"{lamp}\", \"rest\"]\non = [\"red\", \"none\"]\n\
         [[lane.command]]\nrun = [\"{hangs}\"]\non = [\"none\"]\ntimeout_ms = 200\n\
         [[lane.command]]\nrun = [\"./none\"]\non = [\"admit\"]\n"
    );
    let (mut gate, _) = gate(&deployment, &lane);
    gate.scan(deployment.code("42").as_bytes());
    gate.scan(deployment.code("43").as_bytes());
    gate.scan(b"hf1:6bf");
    let given = |file: &str, wanted: usize| {
        eventually(file, || {
            let text = fs::read_to_string(deployment.path(file)).unwrap_or_default();
            let verdicts: Vec<Value> =
                text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            if verdicts.len() == wanted { Ok(verdicts) } else { Err(text) }
        })
    };
    let (green, rest) = (given("green; touch no", 1), given("rest", 2));
    assert_eq!((&green[0]["decision"], &green[0]["lane"]), (&"admit".into(), &3.into()));
    assert_eq!((&rest[0]["reason"], &rest[1]["decision"]), (&"status-red".into(), &Value::Null));
    assert!(!deployment.path("no").exists(), "a shell took part");
    for wanted in ["hangs: was killed: it ran for longer than 200 ms", "./none: cannot be started"] {
        eventually(wanted, || {
            log(&deployment).contains(wanted).then_some(()).ok_or_else(|| log(&deployment))
        });
    }
    // With its child: no process of its group is left.
    let group = fs::read_to_string(deployment.path("hangs.pid")).unwrap().trim().parse::<i32>().unwrap();
    eventually("the group ends", || {
        let left = rustix::process::Pid::from_raw(group).map(rustix::process::test_kill_process_group);
        if left.is_some_and(|left| left.is_ok()) { Err("it runs".to_owned()) } else { Ok(()) }
    });
}

#[test]
fn r60_a_gate_starts_without_an_engine_and_stays_shut() {
    let deployment = deployment();
    deployment.write("box.toml", &format!("gate = \"gate\"\n{STDIN}"));
    let mut gate = deployment.types_into(&["gate", "--config", "box.toml", "--json"], "gate.log");
    let first = gate.scan(deployment.code("42").as_bytes());
    assert_eq!(first["ready"]["session"], false, "{first} stands before a verdict");
    let away = gate.next().unwrap();
    assert!(away["decision"].is_null(), "{away}");
    assert!(away["offline"].as_str().unwrap().starts_with("no new session"), "{away}");
    // It goes on asking: the engine comes, and the gate opens without being started again.
    let _engine = deployment.serve();
    eventually("a session", || {
        let answer = gate.scan(deployment.code("42").as_bytes());
        if answer["ready"].is_null() && answer["reason"] == "clear" {
            Ok(())
        } else {
            Err(answer.to_string())
        }
    });
}

#[test]
fn r60_what_is_wrong_with_a_gates_configuration_is_told_before_it_starts() {
    let deployment = Deployment::new();
    let refused = |text: &str, wanted: &str| {
        deployment.write("box.toml", text);
        let output = deployment.attempt("gate --config box.toml --check");
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(wanted), "not {wanted:?}: {}", said(&output));
    };
    let page = |listen: &str| format!("gate = \"gate\"\n{STDIN}[page]\nlisten = \"{listen}\"\n");
    refused(
        &page("0.0.0.0:7470"),
        "box.toml:6: listen: 0.0.0.0:7470 is not an address of this machine alone",
    );
    refused(&format!("gate = \"gate\"\n{STDIN}colour = 1\n"), "box.toml:5: colour: there is no such key");
    refused(&format!("gate = \"elsewhere\"\n{STDIN}"), "elsewhere/gate.toml");
    refused(&format!("{}words = \"none.toml\"\n", page("[::1]:7470")), "none.toml");
    refused("engines = []\n", "engines: there is no such key");
    let offline = |more: &str| format!("gate = \"gate\"\n{STDIN}[offline]\n{more}\n");
    refused(&offline("operator_key = \"nowhere.pub\""), "nowhere.pub");
    let signers = "foreign_signers = \"nosigners.hufu\"";
    refused(&offline(&format!("operator_key = \"operator.pub\"\n{signers}")), "nosigners.hufu");
    // A device that is no scanner is told while the gate runs, and looked for.
    let _engine = deployment.serve();
    deployment.write("box.toml", "gate = \"gate\"\n[[lane]]\nnumber = 0\nscanner = \"evdev:box.toml\"\n[[lane]]\nnumber = 1\nscanner = \"serial:engine.toml\"\n");
    let _gate = deployment.types_into(&["gate", "--config", "box.toml"], "gate.log");
    for wanted in ["box.toml: it is not an input device", "engine.toml: it is not a serial line"] {
        eventually(wanted, || {
            log(&deployment).contains(wanted).then_some(()).ok_or_else(|| log(&deployment))
        });
    }
}

#[test]
fn r60_the_example_gates_can_be_run() {
    let deployment = Deployment::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/examples");
    for entry in fs::read_dir(&examples).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("gate") {
            fs::copy(&path, deployment.path(&name)).unwrap();
        }
    }
    for (name, lanes) in [("gate", 1), ("gate-school", 1), ("gate-station", 40), ("gate-bus", 1)] {
        let output = deployment.attempt(&format!("gate --config {name}.toml --check --json"));
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(object["lanes"], lanes, "{name}");
    }
}

/// 40 lanes share one session, and none waits for long when engines are away.
#[test]
fn r60_many_lanes_get_their_verdicts_and_an_outage_keeps_none_waiting() {
    let deployment = deployment();
    let engine = deployment.serve();
    let mut lines: Vec<_> = (0..12).map(|lane| serial(&deployment, &format!("scanner-{lane}"))).collect();
    let lanes: Vec<_> = (0..12)
        .map(|lane| format!("[[lane]]\nnumber = {lane}\nscanner = \"serial:scanner-{lane}\"\n"))
        .collect();
    // A busy machine gives all their verdicts within it.
    let budget_ms = 1_000;
    let (mut gate, _) = gate(&deployment, &format!("budget_ms = {budget_ms}\n{}", lanes.concat()));
    eventually("the scanners", || {
        let found = log(&deployment).matches("the scanner is there").count();
        (found == lines.len()).then_some(()).ok_or_else(|| log(&deployment))
    });
    let mut all = |gate: &mut Scanner, code: &str| -> Vec<Value> {
        for (line, _) in &mut lines {
            line.write_all(format!("{code}\r").as_bytes()).unwrap();
        }
        let mut answers: Vec<_> = lines.iter().map(|_| gate.next().unwrap()).collect();
        answers.sort_by_key(|answer| answer["lane"].as_u64());
        answers
    };
    let red = deployment.code("43");
    let answers = all(&mut gate, &red);
    assert!(
        answers
            .iter()
            .zip(0..)
            .all(|(answer, lane)| answer["lane"] == lane && answer["reason"] == "status-red"),
        "{answers:?}"
    );
    engine.signal("-KILL");
    engine.ended();
    let begun = std::time::Instant::now();
    let answers = all(&mut gate, &red);
    assert!(answers.iter().all(|answer| answer["decision"].is_null()), "{answers:?}");
    // One check after the other would take 12 budgets.
    assert!(begun.elapsed().as_millis() < 6 * budget_ms, "{:?}", begun.elapsed());
}
