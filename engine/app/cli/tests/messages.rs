//! What people read when a path, an address or a number is wrong: what it is and what to do, and no words of a library that
//! leave both open.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use common::{hufu, ok, said};

/// Words that help nobody.
const NEVER: [&str; 8] = [
    "os error",
    "relative URL",
    "invalid digit",
    "expected value",
    "at path",
    "error sending",
    "utf-8 sequence",
    "panicked",
];

#[test]
fn a_wrong_path_address_or_number_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    };
    fs::create_dir(folder.join("dir")).unwrap();
    for (name, bytes) in
        [("empty", &b""[..]), ("binary", &[0xff, 0]), ("token", b"hufu_x"), ("members", b"1\nx\n")]
    {
        write(name, bytes);
    }
    ok(folder, &["keys", "generate", "operator", "--out", "op"]);
    ok(folder, &["keys", "generate", "issuer", "--issuer", "1", "--out", "a"]);
    ok(folder, &["ca", "init", "--dir", "ca"]);
    // Nothing listens at port 1 of this machine.
    let list = "site list --token token --registry";
    for (line, status, wanted) in [
        (&*format!("{list} foo"), 2, "registry \"foo\": write the registry's address, https://HOST:PORT"),
        (&format!("{list} 127.0.0.1:7420"), 2, "write the registry's address, https://HOST:PORT"),
        (&format!("{list} ftp://x"), 2, "write the registry's address, https://HOST:PORT"),
        (
            &format!("{list} https://127.0.0.1:1"),
            3,
            "https://127.0.0.1:1 cannot be reached: nothing listens there; start what serves it, or correct its address",
        ),
        (
            &format!("{list} https://127.0.0.1:1 --ca dir"),
            2,
            "the registry's roots, dir: the file cannot be read",
        ),
        (&format!("{list} https://127.0.0.1:1 --ca empty"), 2, "no certificate in it; PEM is expected"),
        (
            "site list --registry https://x --token dir",
            2,
            "cannot read dir: it is a folder, and a file is needed",
        ),
        (
            "site list --registry https://x --token none",
            2,
            "cannot read none: there is no such file or folder",
        ),
        (
            "keys trust show --operator dir --list l",
            2,
            "cannot read dir: it is a folder, and a file is needed",
        ),
        (
            "keys trust show --operator a.pub --list l",
            2,
            "a.pub is a key of another use: it is an issuer's, and an operator's",
        ),
        ("keys trust show --operator op.pub --list none", 2, "cannot read none: there is no such file"),
        ("keys cluster export --state dir --for dir --out x", 2, "hufu: cannot read dir: it is a folder"),
        (
            "keys cluster export --state dir --for empty --out x",
            2,
            "empty is not a request of `hufu keys cluster ask`",
        ),
        ("ca server --dir ca --out none/x", 2, "cannot write none/x.key: there is no such file or folder"),
        (
            "ca device --dir ca --device 1 --site 1 --engine 127.0.0.1:1 --out empty",
            2,
            "cannot make the folder empty: a file of this name exists",
        ),
        ("import none --issuer 1 --dry-run", 2, "hufu: cannot read none: there is no such file or folder"),
        ("serve --config binary", 2, "binary is not text: it is not in UTF-8"),
        ("check --gate none HF1:0", 2, "cannot read none/gate.toml: there is no such file or folder"),
        (
            "issue paper --key a.key --holder x",
            2,
            "for '--holder <N>': write a whole number, in digits alone",
        ),
        ("issue paper --key a.key --holder 99999999999999999999", 2, "the number is too large"),
        ("issue paper --key a.key --holder 1 --png dir", 2, "cannot write dir: it is a folder"),
        (
            "batch sign --key a.key --site 1 --members members --out r",
            2,
            "members:2: write a holder's index, or issuer,holder\n",
        ),
        ("inspect empty", 2, "empty is empty"),
        ("records offline none", 2, "cannot read none: there is no such file or folder"),
        ("records offline dir", 0, "dir: no gate's records are here"),
        (
            "snapshot new --issuer 1 --out none/x",
            2,
            "cannot lock the folder none: there is no such file or folder",
        ),
    ] {
        let output = hufu(folder, &line.split(' ').collect::<Vec<_>>());
        let told = said(&output);
        assert_eq!(output.status.code(), Some(status), "{line}: {told}");
        assert!(told.contains(wanted), "{line} does not say {wanted:?}: {told}");
        for never in NEVER {
            assert!(!told.contains(never), "{line} says {never:?}: {told}");
        }
    }
    let doctor = hufu(folder, &["doctor", "--gate", "none", "--json"]);
    let rows: serde_json::Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let key = rows.as_array().unwrap().iter().find(|row| row["what"] == "gate key").unwrap();
    assert_eq!(key["todo"], "correct its path, or put the file back", "{key}");
}

#[test]
fn r45_suites_that_name_none_and_a_country_that_is_none_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["ca", "init", "--dir", "ca"]);
    let device = "ca device --dir ca --device 7 --site 1 --engine 127.0.0.1:1 --out g";
    ok(folder, &device.split(' ').collect::<Vec<_>>());
    fs::write(folder.join("g/gate.toml"), "engines = [\"127.0.0.1:1\"]\nsuites = []\n").unwrap();
    for (line, wanted) in [
        ("check --gate g HF1:X", "g/gate.toml: suites: write [\"aes\"], [\"sm4\"] or both"),
        ("abroad signer --country Cn --name x --out d", "write two letters of upper case"),
    ] {
        let told = said(&hufu(folder, &line.split(' ').collect::<Vec<_>>()));
        assert!(told.contains(wanted), "{line} does not say {wanted:?}: {told}");
    }
}
