//! What the command says to people who err, and in which status it ends.

mod common;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use common::{check, eventually, ok, said};
use nix::pty::openpty;
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};

/// Who gives up at the question for a password goes on in a terminal that shows what is typed.
#[test]
fn a_password_that_is_not_given_leaves_a_terminal_that_shows_what_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    let pty = openpty(None, None).unwrap();
    let shows = || tcgetattr(&pty.slave).unwrap().local_modes.contains(LocalModes::ECHO);
    let asks = || {
        let child = Command::new(env!("CARGO_BIN_EXE_hufu"))
            .args("console account add li --role operator".split(' '))
            .current_dir(folder.path())
            .stdin(pty.slave.try_clone().unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        eventually("it asks", || if shows() { Err("not yet".to_owned()) } else { Ok(()) });
        child
    };
    assert!(shows());
    for signal in [Signal::INT, Signal::TERM] {
        let child = asks();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(shows(), "{signal:?}: {}", said(&output));
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("cancelled: nothing was changed"), "{}", said(&output));
    }
    let mut child = asks();
    let mut person = File::from(pty.master.try_clone().unwrap());
    // What is typed before the second question is not taken for its answer: it is typed until both are answered.
    let status = eventually("both questions are answered", || {
        person.write_all(b"five words make a password\n").unwrap();
        child.try_wait().unwrap().ok_or_else(|| "it asks".to_owned())
    });
    assert!(status.success() && shows(), "{}", said(&child.wait_with_output().unwrap()));
    assert!(fs::read_to_string(folder.path().join("accounts.toml")).unwrap().contains("li"));
}

#[test]
fn mistakes_end_in_status_2_and_name_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("empty"), "").unwrap();
    fs::write(folder.join("binary"), [0xff, 0, 1]).unwrap();
    for name in ["empty", "binary"] {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    for (line, wanted) in [
        (&["fly"][..], "unrecognized subcommand"),
        (&["keys", "generate", "issuer", "--out", "x"], "--issuer"),
        (&["keys", "generate", "operator", "--issuer", "1", "--out", "x"], "has no --issuer"),
        (&["keys", "generate", "operator", "--out", "missing/x"], "cannot write missing/x.key"),
        (&["keys", "trust", "show", "--operator", "none.pub", "--list", "l"], "cannot read none.pub"),
        (&["keys", "trust", "show", "--operator", "empty", "--list", "l"], "empty is not a public key"),
        (
            &[
                "ca",
                "device",
                "--dir",
                ".",
                "--device",
                "1",
                "--site",
                "1",
                "--engine",
                "127.0.0.1:1",
                "--out",
                "g",
            ],
            ". has no certificate authority",
        ),
        (
            &[
                "ca", "device", "--dir", ".", "--device", "x", "--site", "1", "--engine", "nowhere", "--out",
                "g",
            ],
            "invalid value",
        ),
        (&["issue", "phone", "--key", "none.key", "--holder", "1", "--out", "h"], "cannot read none.key"),
        (&["issue", "paper", "--key", "binary", "--holder", "1"], "binary is not text"),
        (&["issue", "paper", "--key", "empty", "--holder", "1"], "empty is not a secret key"),
        (
            &["issue", "paper", "--key", "empty", "--holder", "1", "--valid", "7w"],
            "write a number and s, m, h or d",
        ),
        (
            &[
                "issue", "trip", "--key", "empty", "--holder", "1", "--hub", "1", "--from", "soon",
                "--until", "now",
            ],
            "write now, +7d",
        ),
        (&["present", "--holder", "empty"], "empty is not a holder's file"),
        (&["check", "--gate", "none", "HF1:"], "cannot read none/gate.toml"),
        (&["check", "--gate", "none"], "required"),
        (
            &["check", "--gate", "none", "--image", "empty"],
            "cannot read a code from empty: it is neither PNG, JPEG nor WebP",
        ),
        (&["snapshot", "show", "binary"], "binary: "),
        (&["snapshot", "set", "none.snapshot", "--holder", "1", "--colour", "green"], "none.snapshot"),
        (&["snapshot", "set", "none.snapshot", "--holder", "1", "--colour", "blue"], "possible values"),
        (&["inspect", "ff00ff"], "3 bytes are not a complete message"),
        (&["inspect", "nothere"], "nothere is neither a file nor a code"),
        (&["inspect", "x", "--trust", "l"], "--operator"),
        (&["serve", "--config", "none.toml"], "cannot read none.toml"),
        (&["batch", "roster", "--gate", "none", "none.roster"], "cannot read none.roster"),
    ] {
        check(folder, line, 2, wanted);
    }
}

/// A slip of the keyboard makes no green without end, no test of tomorrow and no paper of 1970.
#[test]
fn r47_a_typed_time_that_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["keys", "generate", "issuer", "--issuer", "1", "--out", "a"]);
    ok(folder, &["keys", "generate", "operator", "--out", "op"]);
    ok(folder, &["keys", "trust", "new", "--operator", "op.key", "--out", "t"]);
    ok(folder, &["snapshot", "new", "--issuer", "1", "--out", "s"]);
    let set = |more: &[&'static str], wanted: &str| {
        let line = [&["snapshot", "set", "s", "--holder", "44", "--colour", "green"], more].concat();
        check(folder, &line, 2, wanted);
    };
    for bare in ["20261127", "2026", "1795883865"] {
        set(&["--until", bare], "a bare number is no time");
    }
    set(&["--until", "2090-12-01"], "which zone?");
    set(
        &["--until", "2016-12-01", "--time-zone", "Asia/Shanghai"],
        "2016-12-01T00:00:00+08:00 is in the past",
    );
    set(&["--until", "-14d"], "in the past");
    set(&["--until", "2090-12-01Z"], "write now");
    set(&["--until", "2090-12-01T00:00Z"], "too late");
    set(
        &["--test", "negative", "--tested", "2030-01-01T00:00Z"],
        "--tested: 2030-01-01T00:00:00Z is in the future",
    );
    set(&["--test", "negative", "--tested", "2019-06-01T00:00Z"], "before 2020");
    set(&["--until", "+1d", "--time-zone", "Asia/Beijing"], "no such time zone");
    let paper = ["issue", "paper", "--key", "a.key", "--holder", "1", "--issued"];
    check(folder, &[&paper[..], &["2026"]].concat(), 2, "a bare number is no time");
    check(folder, &[&paper[..], &["@1"]].concat(), 2, "--issued: 1970-01-01T00:00:01Z is before 2020");
    let trip =
        ["issue", "trip", "--key", "a.key", "--holder", "1", "--hub", "1", "--from", "-2h", "--until", "-1h"];
    check(folder, &trip, 2, "in the past");
    let add =
        ["keys", "trust", "add", "--operator", "op.key", "--list", "t", "--key", "a.pub", "--until", "-1d"];
    check(folder, &add, 2, "--until: ");
    check(folder, &["inspect", "ff00ff", "--at", "2026"], 2, "a bare number");
    check(folder, &["present", "--holder", "none", "--at", "2026-11-21"], 2, "which zone?");

    let zoned = ["snapshot", "set", "s", "--holder", "44", "--colour", "green", "--until", "2050-01-01"];
    let said = ok(folder, &[&zoned[..], &["--time-zone", "Asia/Shanghai"]].concat());
    assert!(said.contains("is green until 2050-01-01T00:00:00+08:00"), "{said}");
    let said = ok(folder, &["snapshot", "show", "s", "--holder", "44"]);
    assert!(said.contains("green until 2049-12-31T16:00:00Z"), "{said}");
}

#[test]
fn help_and_version_say_what_is_asked_in_bug_reports() {
    let folder = tempfile::tempdir().unwrap();
    let version = ok(folder.path(), &["--version"]);
    for wanted in ["hufu ", "commit ", "signatures ", "processor ", "huge pages "] {
        assert!(version.contains(wanted), "{version}");
    }
    for subcommand in
        ["serve", "demo", "keys", "ca", "issue", "present", "check", "batch", "snapshot", "inspect", "doctor"]
    {
        let help = ok(folder.path(), &[subcommand, "--help"]);
        assert!(help.contains("Examples:"), "{help}");
    }
    assert!(ok(folder.path(), &["--help"]).contains("Exit status:"));
}

#[test]
fn shells_and_manuals_know_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for shell in ["bash", "zsh", "fish"] {
        let script = ok(folder, &["completions", shell]);
        for wanted in ["inspect", "hand-over", "page-size"] {
            assert!(script.contains(wanted), "{shell} does not know {wanted}");
        }
    }
    ok(folder, &["man", "share/man1"]);
    for page in ["hufu.1", "hufu-check.1", "hufu-keys-trust-add.1"] {
        let text = fs::read_to_string(folder.join("share/man1").join(page)).unwrap();
        assert!(text.starts_with(".ie") || text.contains(".TH "), "{page}: {text}");
    }
    let check = fs::read_to_string(folder.join("share/man1/hufu-check.1")).unwrap();
    assert!(check.contains("Exit status: 0 admitted"), "{check}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(["inspect", "--as", "status", "0400000000000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(output.stderr.is_empty(), "{}", said(&output));
}
