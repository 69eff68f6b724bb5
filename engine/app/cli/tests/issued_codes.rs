//! Codes that are issued, printed and explained.

mod common;

use std::fs;

use common::{check, hufu, ok, said};

#[test]
fn a_credential_that_every_gate_would_refuse_is_not_issued() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["keys", "generate", "issuer", "--issuer", "1", "--out", "a"]);
    for (line, wanted) in [
        (&["issue", "paper", "--key", "a.key", "--holder", "1", "--valid", "8d"][..], "at most 7 d"),
        (
            &["issue", "phone", "--key", "a.key", "--holder", "1", "--valid", "25h", "--out", "h"],
            "at most 24 h",
        ),
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
    check("HC1:6BF", 1, "foreign-unreadable");
    check("t", 0, "trust list");
    let old = paper("a.key", &["--issued", "now", "--valid", "1d"]);
    let at_end = ["inspect", &old, "--at", "+2d"];
    common::check(folder, &at_end, 1, "expired");
    common::check(folder, &["inspect", "--as", "verdict", &"00".repeat(40)], 1, "unknown decision");
    common::check(folder, &["inspect", "--as", "sealed-request", "00"], 1, "cannot be read");
    common::check(folder, &["inspect", "--as", "status", "0400000000000000", "--json"], 0, "green");
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
