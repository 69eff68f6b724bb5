//! Keys and trust lists: whose they are, and that nothing of them is lost.

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use common::{check, hufu, ok, said};

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
    check(
        folder,
        &add,
        2,
        "is on the list and may sign paper, which stays so; for another use make another key",
    );
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
    let issue = |device| {
        format!("ca device --dir ca --device {device} --site 1 --engine 127.0.0.1:1 --out g{device}")
    };
    for device in (0..CHANGES).step_by(2) {
        ok(folder, &issue(device).split(' ').collect::<Vec<_>>());
    }
    let device = |device| match device % 2 {
        0 => format!("ca revoke --dir ca --device {device}"),
        _ => issue(device),
    };
    at_once(folder, &(0..CHANGES).map(device).collect::<Vec<_>>());
    let listed = ok(folder, &["ca", "list", "--dir", "ca"]);
    assert_eq!(listed.matches("revoked").count(), 8, "{listed}");
    assert_eq!(listed.matches("valid").count(), 8, "{listed}");
    // A mistyped number is told; a device that was revoked before is none.
    for _ in 0..2 {
        check(folder, &["ca", "revoke", "--dir", "ca", "--device", "99"], 4, "no certificate to device 99");
    }
    check(folder, &["ca", "revoke", "--dir", "ca", "--device", "0"], 0, "(0 certificates)");

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
fn r61_a_console_looks_at_its_certificate_and_its_tokens_before_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("words"), "five words make a password").unwrap();
    ok(folder, &["console", "account", "add", "li", "--role", "operator", "--password-file", "words"]);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new([]).unwrap().self_signed(&key).unwrap();
    fs::write(folder.join("tls.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
    fs::write(folder.join("school.token"), "hufu_secret").unwrap();
    let mode = |file: &str, mode: u32| {
        fs::set_permissions(folder.join(file), fs::Permissions::from_mode(mode)).unwrap();
    };
    let look = |more: &str, status: i32, wanted: &str| {
        fs::write(folder.join("console.toml"), format!("accounts = 'accounts.toml'\n{more}\n")).unwrap();
        check(folder, &["console", "serve", "--config", "console.toml", "--check"], status, wanted);
    };
    let tls = "listen = '192.0.2.1:7430'\ncertificate = 'tls.pem'\nkey = 'tls.key'";
    mode("tls.key", 0o640);
    look(tls, 2, "run `chmod 600 tls.key`");
    mode("tls.key", 0o600);
    look(tls, 0, "0 engines");
    look("listen = '192.0.2.1:7430'", 2, "192.0.2.1:7430 is not a loopback address");
    let school = "[[school]]\nsite = 1\nissuer = 2\nregistry = 'https://registry.example'\n\
                  token = 'school.token'\nterminal = 'none'\nfolder = 'kept'";
    mode("school.token", 0o640);
    look(school, 2, "run `chmod 600 school.token`");

    fs::write(folder.join("tls.key"), rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    look(tls, 2, "tls.key: it is not the key of the certificate in");
    fs::write(folder.join("tls.pem"), "").unwrap();
    look(tls, 2, "tls.pem: there is no certificate in it");
}

/// A service could not read what root writes in the place of its keys.
#[test]
fn keys_of_a_service_stay_its_own_where_root_changes_them() {
    const SERVICE: u32 = 12_345;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let give = |name: &str| chown(folder.join(name), Some(SERVICE), Some(SERVICE)).unwrap();
    ok(folder, &["keys", "cluster", "new", "--state", "state"]);
    ["state", "state/cluster.keys"].into_iter().for_each(give);
    for what in ["next", "use", "drop"] {
        let line = ["keys", "cluster", what, "--state", "state"];
        check(folder, &line, 2, "state belongs to #12345, who must run this command");
    }
    ok(folder, &["keys", "cluster", "show", "--state", "state"]);

    ok(folder, &["registry", "init", "reg", "--issuer", "310000=Shanghai", "--token-out", "admin.token"]);
    give("reg/vault.key");
    for what in ["rotate", "retire"] {
        ok(folder, &["registry", "vault", what, "--config", "reg/registry.toml"]);
        let kept = fs::metadata(folder.join("reg/vault.key")).unwrap();
        assert_eq!((kept.uid(), kept.gid(), kept.mode() & 0o777), (SERVICE, SERVICE, 0o600), "{what}");
    }
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
