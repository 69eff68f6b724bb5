//! What the command says to people who err, and in which status it ends.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use common::{hufu, ok, said};

/// Runs a line that must end in `status` and say `wanted`.
fn check(folder: &Path, line: &[&str], status: i32, wanted: &str) {
    let output = hufu(folder, line);
    assert_eq!(output.status.code(), Some(status), "{line:?}: {}", said(&output));
    assert!(said(&output).contains(wanted), "{line:?} does not say {wanted:?}: {}", said(&output));
    assert!(!said(&output).contains("panicked"), "{line:?}: {}", said(&output));
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
fn secrets_are_the_owners_alone_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["keys", "generate", "issuer", "--issuer", "1", "--out", "a"]);
    ok(folder, &["keys", "cluster", "new", "--state", "state"]);
    ok(folder, &["keys", "cluster", "ask", "--out", "r"]);
    ok(folder, &["ca", "init", "--dir", "ca"]);
    ok(folder, &["issue", "phone", "--key", "a.key", "--holder", "1", "--out", "h"]);
    for name in ["a.key", "state/cluster.keys", "r.ask.key", "ca/ca.key", "h"] {
        let mode = fs::metadata(folder.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let before = fs::read(folder.join("a.key")).unwrap();
    check(folder, &["keys", "generate", "issuer", "--issuer", "1", "--out", "a"], 2, "not overwritten");
    check(folder, &["keys", "cluster", "new", "--state", "state"], 2, "not overwritten");
    check(folder, &["keys", "cluster", "ask", "--out", "r"], 2, "not overwritten");
    check(folder, &["ca", "init", "--dir", "ca"], 2, "not overwritten");
    check(folder, &["issue", "phone", "--key", "a.key", "--holder", "1", "--out", "h"], 2, "not overwritten");
    assert_eq!(fs::read(folder.join("a.key")).unwrap(), before);
}

#[test]
fn a_trust_list_only_goes_forward() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["keys", "generate", "operator", "--out", "op"]);
    ok(folder, &["keys", "generate", "operator", "--out", "other"]);
    ok(folder, &["keys", "generate", "issuer", "--issuer", "310000", "--out", "a"]);
    ok(folder, &["keys", "trust", "new", "--operator", "op.key", "--out", "t"]);
    let add =
        ["keys", "trust", "add", "--operator", "op.key", "--list", "t", "--key", "a.pub", "--uses", "paper"];
    assert!(ok(folder, &add).contains("version 2, key "));
    check(folder, &add, 2, "is on the list");
    let show = ["keys", "trust", "show", "--operator", "op.pub", "--list", "t", "--json"];
    let list: serde_json::Value = serde_json::from_str(&ok(folder, &show)).unwrap();
    let key_id = list["keys"][0]["key_id"].as_str().unwrap().to_owned();
    assert_eq!(list["keys"][0]["uses"], "paper");

    let revoke = ["keys", "trust", "revoke", "--operator", "op.key", "--list", "t", "--key-id", &key_id];
    assert!(ok(folder, &revoke).contains("version 3"));
    check(folder, &revoke, 2, "revoked already");
    check(
        folder,
        &["keys", "trust", "revoke", "--operator", "op.key", "--list", "t", "--key-id", "zz"],
        2,
        "16 hexadecimal",
    );
    let list: serde_json::Value = serde_json::from_str(&ok(folder, &show)).unwrap();
    assert_eq!(list["keys"][0]["revoked"], true);
    check(
        folder,
        &["keys", "trust", "show", "--operator", "other.pub", "--list", "t"],
        2,
        "not this operator's key",
    );
    // An issuer's key signs no lists, an operator's key no codes.
    check(folder, &["keys", "trust", "new", "--operator", "a.key", "--out", "u"], 2, "a key of another use");
    check(folder, &["issue", "paper", "--key", "op.key", "--holder", "1"], 2, "a key of another use");
}

/// Runs these lines at the same time; each must end well.
fn at_once(folder: &Path, lines: &[String]) {
    std::thread::scope(|scope| {
        for line in lines {
            scope.spawn(move || ok(folder, &line.split(' ').collect::<Vec<_>>()));
        }
    });
}

#[test]
fn changes_at_the_same_time_are_all_kept() {
    const CHANGES: u32 = 16;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["snapshot", "new", "--issuer", "1", "--out", "s"]);
    let red = |holder| format!("snapshot set s --holder {holder} --colour red");
    at_once(folder, &(0..CHANGES).map(red).collect::<Vec<_>>());
    check(folder, &["snapshot", "show", "s"], 0, "sequence 17");
    check(folder, &["snapshot", "show", "s"], 0, "16 holders known");

    ok(folder, &["ca", "init", "--dir", "ca"]);
    let device = |device| match device % 2 {
        0 => format!("ca revoke --dir ca --device {device}"),
        _ => format!("ca device --dir ca --device {device} --site 1 --engine 127.0.0.1:1 --out g{device}"),
    };
    at_once(folder, &(0..CHANGES).map(device).collect::<Vec<_>>());
    let listed = ok(folder, &["ca", "list", "--dir", "ca"]);
    assert_eq!(listed.matches("revoked").count(), 8, "{listed}");
    assert_eq!(listed.matches("valid").count(), 8, "{listed}");

    ok(folder, &["keys", "generate", "operator", "--out", "op"]);
    ok(folder, &["keys", "trust", "new", "--operator", "op.key", "--out", "t"]);
    let add = |issuer| {
        let key = format!("i{issuer}");
        ok(folder, &["keys", "generate", "issuer", "--issuer", "7", "--out", &key]);
        format!("keys trust add --operator op.key --list t --key {key}.pub")
    };
    at_once(folder, &(0..CHANGES).map(add).collect::<Vec<_>>());
    check(folder, &["keys", "trust", "show", "--operator", "op.pub", "--list", "t"], 0, "version 17");
}

#[test]
fn a_trust_list_is_handed_over_only_by_who_signed_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for name in ["op", "next"] {
        ok(folder, &["keys", "generate", "operator", "--out", name]);
    }
    ok(folder, &["keys", "generate", "issuer", "--issuer", "1", "--out", "a"]);
    ok(folder, &["keys", "trust", "new", "--operator", "op.key", "--out", "t"]);
    ok(folder, &["keys", "trust", "add", "--operator", "op.key", "--list", "t", "--key", "a.pub"]);
    let hand_over =
        |from| ["keys", "trust", "hand-over", "--operator", "next.key", "--from", from, "--list", "t"];
    check(folder, &hand_over("next.pub"), 2, "are one key");
    check(folder, &hand_over("op.pub"), 0, "version 3, signed by operator");
    check(folder, &hand_over("op.pub"), 2, "not this operator's key");
    let show = ["keys", "trust", "show", "--operator", "next.pub", "--list", "t"];
    check(folder, &show, 0, "in force");
}

#[test]
fn a_secret_key_that_others_can_read_is_refused_where_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["keys", "generate", "issuer", "--issuer", "1", "--out", "a"]);
    ok(folder, &["issue", "phone", "--key", "a.key", "--holder", "1", "--out", "h"]);
    ok(folder, &["ca", "init", "--dir", "ca"]);
    ok(
        folder,
        &[
            "ca",
            "device",
            "--dir",
            "ca",
            "--device",
            "1",
            "--site",
            "1",
            "--engine",
            "127.0.0.1:1",
            "--out",
            "g",
        ],
    );
    for (secret, line) in [
        ("a.key", &["issue", "paper", "--key", "a.key", "--holder", "1"][..]),
        ("h", &["present", "--holder", "h"]),
        ("ca/ca.key", &["ca", "refresh", "--dir", "ca"]),
        ("g/device.key", &["check", "--gate", "g", "HF1:"]),
    ] {
        fs::set_permissions(folder.join(secret), fs::Permissions::from_mode(0o640)).unwrap();
        check(folder, line, 2, &format!("run `chmod 600 {secret}`"));
    }
}

#[test]
fn a_credential_that_every_gate_would_refuse_is_not_issued() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["keys", "generate", "issuer", "--issuer", "1", "--out", "a"]);
    for (line, wanted) in [
        (&["issue", "paper", "--key", "a.key", "--holder", "1", "--valid", "8d"][..], "validity"),
        (&["issue", "phone", "--key", "a.key", "--holder", "1", "--valid", "25h", "--out", "h"], "validity"),
        (&["issue", "paper", "--key", "a.key", "--holder", "1", "--valid", "0s"], "cannot be read back"),
        (
            &[
                "issue", "trip", "--key", "a.key", "--holder", "1", "--hub", "1", "--from", "+2h", "--until",
                "+1h",
            ],
            "later than --from",
        ),
        (
            &[
                "issue", "trip", "--key", "a.key", "--holder", "1", "--hub", "1", "--from", "+1h", "--until",
                "+61d",
            ],
            "60 days",
        ),
    ] {
        check(folder, line, 2, wanted);
    }
    assert!(!folder.join("h").exists(), "no holder's file is left of a credential that was not issued");
}

/// The same mask as the registry's, whatever the document, and no number that is mistyped.
#[test]
fn r10_a_credential_shows_no_more_than_the_registry_would() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["keys", "generate", "issuer", "--issuer", "1", "--out", "a"]);
    let issue = |number: &str| {
        fs::write(folder.join("n"), format!("\u{feff}{number}\r\n")).unwrap();
        ["issue", "paper", "--key", "a.key", "--holder", "5", "--name", "Anna", "--id-number-file", "n"]
    };
    for (number, wanted) in [
        ("passport:E123", "\"A*23\""),
        ("Passport:e-1234-5678", "\"A*5678\""),
        ("310101199001011234", "\"A*1234\""),
    ] {
        let code = ok(folder, &issue(number));
        check(folder, &["inspect", code.trim()], 0, wanted);
    }
    check(folder, &issue("310101199001011235"), 2, "--id-number-file: the check character is wrong");
    check(folder, &issue("E123"), 2, "--id-number-file: 18 characters of a resident's number");
    check(folder, &issue(""), 2, "there is no id number in n");
    check(folder, &issue("passport:E123\npassport:E124"), 2, "n must have one id number, and nothing else");
    let listed = ["holder", "add", "--issuer", "1", "--name", "Anna", "--id-number", "passport:E123"];
    check(folder, &listed, 2, "unexpected argument '--id-number'");
}

/// R03: what is printed shows that it is paper, whose it is and until when, and a gate reads it.
#[test]
fn r03_a_paper_code_is_printed_as_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["keys", "generate", "issuer", "--issuer", "1", "--out", "a"]);
    let issue = |page: &'static str, size: &'static str| {
        let whom = ["issue", "paper", "--key", "a.key", "--holder", "5", "--display", "L*0042"];
        [&whom[..], &["--page", page, "--page-size", size]].concat()
    };
    for (page, size, first) in
        [("page.svg", "a4", &b"<svg"[..]), ("page.pdf", "a4", b"%PDF-"), ("page.png", "a6", b"\x89PNG")]
    {
        let output = hufu(folder, &issue(page, size));
        assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b""[..]), "{}", said(&output));
        assert!(fs::read(folder.join(page)).unwrap().starts_with(first), "{page}");
    }
    check(folder, &["inspect", "page.png"], 0, "\"L*0042\"");
    check(folder, &issue("page.gif", "a6"), 2, "must end in .pdf, .svg or .png");
}

/// A slip of the keyboard, `.key` for `.pub`, must not put the seed on the screen.
#[test]
fn a_secret_key_in_the_place_of_a_public_one_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["keys", "generate", "operator", "--out", "operator"]);
    let key = fs::read_to_string(folder.join("operator.key")).unwrap();
    let seed = key.lines().find_map(|line| line.strip_prefix("seed = ")).unwrap().trim_matches('"');
    let line = ["keys", "trust", "show", "--operator", "operator.key", "--list", "none"];
    check(folder, &line, 2, "operator.key is a secret key; give its public half, operator.pub");
    assert!(!said(&hufu(folder, &line)).contains(&seed[..16]));
}

#[test]
fn inspect_explains_and_ends_in_1_when_something_would_be_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["keys", "generate", "operator", "--out", "op"]);
    ok(folder, &["keys", "generate", "issuer", "--issuer", "1", "--out", "a"]);
    ok(folder, &["keys", "generate", "issuer", "--issuer", "1", "--out", "stranger"]);
    ok(folder, &["keys", "trust", "new", "--operator", "op.key", "--out", "t"]);
    ok(folder, &["keys", "trust", "add", "--operator", "op.key", "--list", "t", "--key", "a.pub"]);
    let paper = |key: &str, more: &[&str]| {
        let line = [&["issue", "paper", "--key", key, "--holder", "5", "--display", "W*1"], more].concat();
        ok(folder, &line).trim().to_owned()
    };
    let genuine = paper("a.key", &[]);
    let trust = ["--trust", "t", "--operator", "op.pub"];
    let inspect = |what: &str| -> Vec<String> {
        [&["inspect", what], &trust[..]].concat().into_iter().map(str::to_owned).collect()
    };
    let check = |what: &str, status: i32, wanted: &str| {
        let line = inspect(what);
        check(folder, &line.iter().map(String::as_str).collect::<Vec<_>>(), status, wanted);
    };
    check(&genuine, 0, "Genuine and valid");
    check(&genuine, 0, "\"W*1\"");
    check(&paper("stranger.key", &[]), 1, "key-unknown");
    let flipped = genuine.replacen(&genuine[60..61], if &genuine[60..61] == "A" { "B" } else { "A" }, 1);
    check(&flipped, 1, "would be refused");
    check(&genuine[..80], 1, "would be refused");
    check("HF1:abc", 1, "bad-text");
    check("HC1:6BF", 1, "foreign-code");
    check("t", 0, "trust list");
    let old = paper("a.key", &["--issued", "now", "--valid", "1d"]);
    let at_end = ["inspect", &old, "--at", "+2d"];
    self::check(folder, &at_end, 1, "expired");
    self::check(folder, &["inspect", "--as", "verdict", &"00".repeat(40)], 1, "unknown decision");
    self::check(folder, &["inspect", "--as", "sealed-request", "00"], 1, "cannot be read");
    self::check(folder, &["inspect", "--as", "status", "0400000000000000", "--json"], 0, "green");
}

/// What is not known is never called sound, and what belongs to others is called by its name.
#[test]
fn inspect_names_what_it_is_given_and_guesses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("eight"), [4, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    fs::write(folder.join("word"), "ABCDEFGH").unwrap();
    fs::write(folder.join("note"), "See you at the gate.\n".repeat(10)).unwrap();
    fs::write(folder.join("note.gif"), "GIF89a").unwrap();
    let golden = |name: &str| {
        let path = format!("{}/../../../fixtures/golden/wire/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let golden: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        golden["cases"][0]["hex"].as_str().unwrap().to_owned()
    };
    // {1: -7}, {4: h'3131'}, h'a1', and a signature; tagged, tagged twice, and bare.
    let es256 = format!("8443a10126a1044231 3141a15840{}", "07".repeat(64)).replace(' ', "");
    for (line, status, wanted) in [
        (&["inspect", "ABCDEFGH"][..], 2, "neither a file nor a code"),
        (&["inspect", "0400000000000000"], 2, "--as status if it is a status word"),
        (&["inspect", "eight"], 2, "--as status if it is a status word"),
        (&["inspect", "--as", "status", "eight"], 0, "green"),
        (&["inspect", "word"], 1, "not-a-code"),
        (&["inspect", "note"], 1, "not-a-code"),
        (&["inspect", "note.gif"], 2, "it is GIF; save it as PNG"),
        (&["inspect", "HC1:6BFOXN"], 1, "EU Digital COVID Certificate"),
        (&["inspect", "]Q1shc:/5676"], 1, "SMART Health Card"),
        (&["inspect", &format!("d2{es256}")], 1, "COSE_Sign1 message of another system"),
        (&["inspect", &format!("d83dd2{es256}")], 1, "CWT, COSE_Sign1 message of another system"),
        (&["inspect", &es256], 1, "ES256"),
        (&["inspect", &golden("checkpoint")], 0, "checkpoint"),
        (&["inspect", &golden("head")], 0, "head"),
        (&["inspect", &golden("instruction")], 0, "not confirmed"),
    ] {
        check(folder, line, status, wanted);
    }
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
