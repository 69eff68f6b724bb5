//! `--json` on every command: standard output has JSON alone, and no secret.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
mod registry;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{Deployment, SITE, hufu, ok, said};
use hufu_offline::{BookId, Handover, OfflineRecord, Shelf};
use hufu_table::OsDisk;
use hufu_wire::{CheckNumber, DeviceId, Lane, Reason, UnixMillis, Verdict};
use registry::World;
use serde_json::Value;

/// Commands without a registry. `{kid}` is the issuer's key that was made before.
const ALONE: &[&str] = &[
    "records secret --out s.secret",
    "keys generate operator --out op",
    "keys generate issuer --issuer 310000 --out a",
    "keys cluster new --state one",
    "keys cluster migrate --seed seed --state old",
    "keys cluster show --state one",
    "keys cluster ask --out two",
    "keys cluster export --state one --for two.ask --out two.sealed",
    "keys cluster import --state two --ask two --from two.sealed",
    "keys cluster next --state one",
    "keys cluster use --state one",
    "keys cluster drop --state one --now",
    "keys trust new --operator op.key --out t",
    "keys trust add --operator op.key --list t --key a.pub",
    "keys trust new --operator op.key --out u",
    "keys trust add --operator op.key --list u --key a.pub --uses phone",
    "keys trust settle --operator op.key --list t --other u",
    "keys trust revoke --operator op.key --list u --key-id {kid}",
    "keys trust refresh --operator op.key --list t",
    "keys trust show --operator op.pub --list t",
    "keys generate operator --out next",
    "keys trust hand-over --operator next.key --from op.pub --list t",
    "foreign signers import dsc.der --operator next.key --list signers --country DE",
    "foreign signers show --operator next.pub --list signers",
    "foreign revocations import batch.json --operator next.key --list revocations",
    "foreign revocations show --operator next.pub --list revocations",
    "ca init --dir ca",
    "ca server --dir ca --out engine",
    "ca device --dir ca --device 7 --site 1 --engine 127.0.0.1:1 --out gate",
    "ca revoke --dir ca --device 7",
    "ca revoke --dir ca --engine engine.pem",
    "ca refresh --dir ca",
    "ca list --dir ca",
    "issue phone --key a.key --holder 1 --display L*0042 --out h",
    "issue paper --key a.key --holder 1 --display L*0042 --page page.svg --png page.png",
    "issue trip --key a.key --holder 1 --hub 9 --from now --until +4h --qr",
    "present --holder h",
    "inspect page.png",
    "abroad signer --country CN --name Shanghai --out dsc",
    "abroad digest URN:UVCI:01:SE:EHM/C878/123456789ABC#B",
    "status-list key --out list",
    "status-list publish --config lists.toml --check",
    "status-list entry 5 --config lists.toml",
    "1 status-list check token.jwt --index 0 --key list.jwk",
    "snapshot new --issuer 310000 --out s",
    "snapshot set s --holder 42 --colour green",
    "snapshot touch s",
    "rules check rules.toml",
    "rules explain rules.toml --facts facts.jsonl",
    "rules diff rules.toml rules.toml --facts facts.jsonl",
    "rules compute rules.toml --facts facts.jsonl --out changes.toml",
    "snapshot show s --holder 42",
    "batch sign --key a.key --site 1 --members members --out r",
    "completions bash",
    "man pages",
    "demo --golden golden",
    "serve --config golden/engine.toml --check",
    "bridge --config bridge.toml --check",
    "console account add li --role operator --password-file words",
    "console account passwd li --password-file words",
    "console account list",
    "console serve --config console.toml --check",
    "console account remove li",
];

/// Commands of a running engine; a number before the line is the status it ends in.
const AT_A_GATE: &[&str] = &[
    "check --gate gate {code}",
    "2 check --gate gate hf1:6bf",
    "gate --config box.toml --check",
    "enrol --gate gate",
    "enrol --gate gate --out session.bin",
    "batch roster --gate terminal r --csv r.csv",
    "records verify --folder records",
    "records list --folder records --keys record-keys --secret records.secret --day {day} --device 8 \
     --because test",
    "records count --folder records --keys record-keys --secret records.secret --day {day} --device 8 \
     --because test",
    "records export --folder records --keys record-keys --secret records.secret --day {day} --out day.csv \
     --because test",
    "records trail --folder records",
    "records offline state/offline-records",
    "records archive --folder records --store .",
    "records find --folder records --keys record-keys --secret records.secret --day {day} --holder 42.holder",
    "4 doctor --gate gate",
];

/// Commands about a day that is closed.
const AFTER_A_DAY: &[&str] = &[
    "records view --folder records --keys record-keys --secret records.secret --day {day} --out views",
    "records serve --views views --keys record-keys --secret records.secret --check",
];

/// Commands of a running registry. `{id}` is what the line before made.
const WITH_A_REGISTRY: &[&str] = &[
    "registry token new --label feed --scopes feed",
    "registry token list",
    "registry token revoke 2",
    "registry issuer put 310000 --name Shanghai --national 100000 --publisher 900000 --brake 1,3600,0",
    "registry issuer list",
    "holder add --issuer 310000 --name Li --id-number-file number",
    "holder add --issuer 310000 --name Wang --id-number-file other",
    "holder find --issuer 310000 --id-number-file number",
    "holder show --issuer 310000 0",
    "holder correct --issuer 310000 0 --name Lee --reason test --yes",
    "holder join --issuer 310000 1 --into 0 --reason test --yes",
    "holder part --issuer 310000 1 --reason test --yes",
    "change propose --key local.key --holder 0 --colour green --doses 2 --rule 1 --reason test --yes",
    "change list --issuer 310000",
    "change show --issuer 310000 1",
    "change confirm --issuer 310000 1 --key national.key --yes",
    "change undo --issuer 310000 1 --national 100000 --key local.key --yes",
    "change withdraw --issuer 310000 2",
    "change propose --key local.key --holder 1 --colour red --rule 1 --reason test --yes",
    "4 change confirm --issuer 310000 3 --key national.key --yes",
    "change release --issuer 310000 3 --key national.key --yes",
    "change confirm --issuer 310000 --all --key national.key --yes",
    "holder history --issuer 310000 0",
    "registry token new --label board --scopes appeals,history --out board.token",
    "appeal open --issuer 310000 1 --against colour --words-file said",
    "appeal list --issuer 310000 --state open",
    "appeal review --issuer 310000 1 --token board.token",
    "appeal decide --issuer 310000 1 --reject --words no --token board.token",
    "appeal show --issuer 310000 1",
    "appeal open --issuer 310000 1 --against check --check-file said --channel page --words-file said",
    "appeal withdraw --issuer 310000 2",
    "appeal figures --issuer 310000",
    "holder invite --issuer 310000 0 --level in-person --page https://code.example --qr",
    "holder phones --issuer 310000 0",
    "1 holder end-phone --issuer 310000 0 1",
    "holder credential phone --issuer 310000 0 --out h",
    "holder credential paper --issuer 310000 0",
    "holder credential trip --issuer 310000 0 --hub 9 --from now --until +4h",
    "holder credential list --issuer 310000 0",
    "abroad signer --country CN --name Shanghai --out dsc",
    "abroad issue --signer dsc --issuer 310000 0 --claim claim.toml --page abroad.svg --language ar",
    "family commitment --issuer 310000",
    "family attest --key face.key --issuer 310000 --user 1 --relative 0 --level 2 --out face.statement",
    "family bind --issuer 310000 --user 1 --name Lee --id-number-file number --face face.statement --consent in-person \
     --recorded-by counter",
    "family list --issuer 310000 --user 1",
    "family print --issuer 310000 1 --page family.svg",
    "1 family end --issuer 310000 1 --by relative",
    "trip put E1 --office 12306 --issuer 310000 --holder 0 --hub 9 --from now --until +4h --reference G7-1",
    "trip show E1 --office 12306 --issuer 310000",
    "trip cancel E1 --office 12306 --issuer 310000",
    "trip import tickets.csv --office 12306 --issuer 310000 --codes codes.csv",
    "trip ended --issuer 310000 --out ended.list",
    "site put 310101 --name North --policy policy.toml",
    "site list",
    "site show 310101",
    "site export",
    "site export --out sites.toml",
    "device list",
    "device add --site 310101 --name one",
    "device revoke {id}",
    "device renew {id}",
    "roster put class --site 310101 --issuer 310000 --members members",
    "roster list --site 310101",
    "roster show class --site 310101",
    "roster sign class --site 310101 --out r",
    "roster remove class --site 310101",
    "checkpoint propose --issuer 310000 --national 100000 --key local.key --state one --out c --yes",
    "checkpoint confirm --issuer 310000 --key national.key --state two c --yes",
    "checkpoint export --issuer 310000 --out drop",
    "audit --issuer 310000 --national 100000 --publisher 900000",
    "import people.csv --issuer 310000 --dry-run",
    "facts import tests.csv --issuer 310000 --dry-run",
    "facts import tests.csv --issuer 310000",
    "facts open --issuer 310000 0",
    "rules run rules.toml --key local.key --state run --once",
    "rules confirm rules.toml --issuer 310000 --key national.key --state found --once",
    "audit --issuer 310000 --national 100000 --publisher 900000 --rules rules.toml --facts found/facts",
    "registry init second --issuer 310000=Shanghai --operator operator.pub --trust trust.hufu",
    "registry serve --config second/registry.toml --check",
    "registry backup --config second/registry.toml b.db",
    "registry vault rotate --config second/registry.toml --suite sm4",
    "registry vault retire --config second/registry.toml",
    "registry trail verify --config second/registry.toml",
    "registry accept-loss --config second/registry.toml",
    "site put 310102 --name South --policy policy.toml",
    "site remove 310102",
];

/// After the database was removed.
const RESTORED: &[&str] = &["registry restore --config second/registry.toml b.db"];

/// What standard output of a run has.
fn values(line: &str, output: &Output) -> Vec<Value> {
    let text = str::from_utf8(&output.stdout).unwrap();
    let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    let values = values.unwrap_or_else(|why| panic!("hufu {line}: {why}: {}", said(output)));
    // A gate that hears nothing for a moment asks again, and that is a record of its own.
    let is_one = values.len() == 1 || line.starts_with("records find");
    assert!(is_one && !values.is_empty(), "hufu {line}: {}", said(output));
    values
}

/// Runs each line with `--json`; it must end as the line says, and print one value.
fn each(lines: &[&str], folder: &Path, words: &[(&str, &str)], run: impl Fn(&[&str]) -> Output) {
    let (mut kid, mut id) = (String::new(), String::new());
    for line in lines {
        let (status, line) = match line.split_once(' ') {
            Some((status, rest)) if status.parse::<i32>().is_ok() => (status.parse().unwrap(), rest),
            _ => (0, *line),
        };
        let line = line.replace("{kid}", &kid).replace("{id}", &id);
        // A code has spaces in it.
        let named = |word| words.iter().find(|(name, _)| *name == word).map_or(word, |(_, value)| *value);
        let words: Vec<_> = line.split(' ').map(named).chain(["--json"]).collect();
        let output = run(&words);
        assert_eq!(output.status.code(), Some(status), "hufu {line}: {}", said(&output));
        let value = values(&line, &output).remove(0);
        if let Some(made) = value["key_id"].as_str().filter(|_| line.contains("issuer")) {
            made.clone_into(&mut kid);
        }
        id = value["id"].to_string();
        holds_no_secret(&line, folder, &output);
    }
}

/// No seed that a file for its owner alone has, and no id number.
fn holds_no_secret(line: &str, folder: &Path, output: &Output) {
    let printed = said(output);
    for number in ["11010519491231002X", "E12345678"] {
        assert!(!printed.contains(number), "hufu {line} prints an id number: {printed}");
    }
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let is_private = entry.metadata().unwrap().permissions().mode().trailing_zeros() >= 6;
        let Ok(text) = fs::read_to_string(entry.path()) else { continue };
        // The seed of a holder's file proves the phone; its credential is what is shown.
        let secrets = text.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() == 64);
        for secret in secrets.filter(|_| is_private) {
            assert!(!printed.contains(secret), "hufu {line} prints what {} hides", entry.path().display());
        }
    }
}

#[test]
fn json_is_the_output_of_commands_without_a_registry() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("members"), "42\n").unwrap();
    let signer = rcgen::KeyPair::generate().unwrap();
    let signer = rcgen::CertificateParams::new([]).unwrap().self_signed(&signer).unwrap();
    fs::write(folder.join("dsc.der"), signer.der()).unwrap();
    let batch = r#"{"kid":"UNKNOWN_KID","hashType":"UCI","entries":[{"hash":"AAAAAAAAAAAAAAAAAAAAAA=="}]}"#;
    fs::write(folder.join("batch.json"), batch).unwrap();
    fs::write(folder.join("seed"), "5a".repeat(32)).unwrap();
    fs::set_permissions(folder.join("seed"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(folder.join("a.token"), "0123456789abcdef").unwrap();
    fs::set_permissions(folder.join("a.token"), fs::Permissions::from_mode(0o600)).unwrap();
    let terminal = "[[terminal]]\nname = 'north'\ngate = 'gate'\ntoken = 'a.token'\n";
    fs::write(folder.join("bridge.toml"), terminal).unwrap();
    fs::write(folder.join("words"), "five words make a password").unwrap();
    fs::write(folder.join("console.toml"), "accounts = 'accounts.toml'\n").unwrap();
    let rules = include_str!("../../../../docs/examples/rules.toml");
    fs::write(folder.join("rules.toml"), rules).unwrap();
    let lists = include_str!("../../../../docs/examples/status-list.toml");
    let lists =
        lists.replace("operator.pub", "next.pub").replace("trust.hufu", "t").replace("feed.token", "a.token");
    fs::write(folder.join("lists.toml"), lists).unwrap();
    let token = include_str!("../../../changes/statuslist/tests/vectors/token.jwt");
    fs::write(folder.join("token.jwt"), token).unwrap();
    fs::write(folder.join("facts.jsonl"), r#"{"holder":1,"at":"2026-11-29T00:00:00Z"}"#).unwrap();
    each(ALONE, folder, &[], |words| hufu(folder, words));
}

#[test]
fn json_is_the_output_at_a_gate() {
    let deployment = Deployment::new();
    deployment.keep_records();
    let folder = deployment.folder();
    // The line that says where it is.
    let mut engine = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(["serve", "--until-stdin-ends", "--config", "engine.toml", "--json"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(engine.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert!(ready["ready"]["udp"][0].as_str().unwrap().starts_with("127.0.0.1:"), "{ready}");

    deployment.issue("42");
    deployment.write("class.txt", "42\n");
    deployment.write("box.toml", "gate = 'gate'\n[[lane]]\nnumber = 0\nscanner = 'stdin'\n");
    deployment.run(&format!("batch sign --key issuer.key --site {SITE} --members class.txt --out r"));
    assert_eq!(deployment.check("42").1, Some(0));
    let code = deployment.code("42");
    let day = deployment.day();
    // What a gate handed over that had been alone.
    let verdict = Verdict::of(CheckNumber(1), UnixMillis(1_795_000_000_000), Reason::StatusRed);
    let records = vec![OfflineRecord { verdict, lane: Lane(0), uncertain_ms: 1000 }];
    let handover = Handover { device: DeviceId(7), book: BookId([1; 16]), first: 1, records };
    let mut shelf = Shelf::open(&OsDisk::shared(), &deployment.path("state/offline-records")).unwrap();
    shelf.receive(DeviceId(7), &handover).unwrap();
    each(AT_A_GATE, folder, &[("{code}", &code), ("{day}", &day)], |words| hufu(folder, words));
    drop(engine.stdin.take());
    assert!(engine.wait().unwrap().success());
    deployment.close_day();
    each(AFTER_A_DAY, folder, &[("{day}", &day)], |words| hufu(folder, words));
}

#[test]
fn json_is_the_output_of_commands_of_a_registry() {
    let world = World::with("[families]\nface_keys = [\"../face.pub\"]\n");
    world.write("number", "11010519491231002X\n");
    world.write("other", "passport:USA:E12345678\n");
    world.write("policy.toml", "accepts = [\"phone\"]\n");
    world.write("members", "0\n");
    world.write("said", "I was not there.\n");
    let dose = "[vaccination]\nvaccine = '1119349007'\nproduct = 'CoronaVac'\nmaker = 'Sinovac-Biotech'\ndose = 1\nseries = 2\n\
                date = '2021-09-01'\ncountry = 'CN'\nissued_by = 'Shanghai'\n";
    world.write("claim.toml", &format!("surname = 'Lee'\nborn = '1949-12-31'\n{dose}"));
    world.write("people.csv", "name,id_number\nLee,11010519491231002X\n");
    world.write("tests.csv", "holder,kind,at,result,laboratory\n0,test,@1795910400,negative,L-1\n");
    let rules = include_str!("../../../../docs/examples/rules.toml");
    world.write("rules.toml", &rules.replace("2027-02-01", "2099-01-01"));
    let ticket = "E2,Lee,11010519491231002X,9,+1d,+2d";
    world.write("tickets.csv", &format!("ticket,name,id_number,hub,from,until\n{ticket}\n"));
    let folder = world.path("");
    each(WITH_A_REGISTRY, &folder, &[], |words| world.hufu_args(words));
    fs::remove_file(folder.join("second/registry.db")).unwrap();
    each(RESTORED, &folder, &[], |words| world.hufu_args(words));
}

/// Also of arguments that cannot be read.
#[test]
fn json_says_on_standard_error_why_a_run_failed() {
    let folder = tempfile::tempdir().unwrap();
    for line in [
        &["snapshot", "show", "none", "--json"][..],
        &["snapshot", "show", "--json"],
        &["--json", "fly"],
        &["keys", "generate", "operator", "--out", "none/x", "--json"],
    ] {
        let output = hufu(folder.path(), line);
        let told = str::from_utf8(&output.stderr).unwrap().lines().last().unwrap_or_default();
        let told: Value = serde_json::from_str(told).unwrap_or_else(|why| panic!("{why}: {}", said(&output)));
        assert!(told["error"].as_str().is_some_and(|text| !text.is_empty()), "{told}");
        assert_eq!((output.status.code(), &told["exit"]), (Some(2), &2.into()), "{told}");
        assert!(output.stdout.is_empty(), "{}", said(&output));
    }
}

/// A person at a terminal is asked to sign: what it is must stand before the question.
#[test]
fn json_shows_a_person_what_is_to_be_signed() {
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), &["keys", "generate", "issuer", "--issuer", "310000", "--out", "a"]);
    let line = "change propose --key a.key --holder 1 --colour green --whole --rule 1 --reason test --out x \
                --json";
    let words: Vec<_> = line.split(' ').collect();
    let asked = hufu(folder.path(), &words);
    let told = str::from_utf8(&asked.stderr).unwrap();
    let (shown, refused) = told.split_once("cannot ask").unwrap_or_else(|| panic!("{told}"));
    assert!(shown.contains("digest") && refused.contains("--yes"), "{told}");
    assert!(asked.stdout.is_empty() && asked.status.code() == Some(2), "{}", said(&asked));
    let signed = hufu(folder.path(), &[&words[..], &["--yes"]].concat());
    let told = str::from_utf8(&signed.stderr).unwrap();
    assert!(signed.status.success() && !told.contains("  digest "), "{}", said(&signed));
}

/// A command that is not tried above has no place in the command line: the manual pages name every one.
#[test]
fn json_is_tried_on_every_command() {
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), &["man", "pages"]);
    let pages: BTreeSet<String> = fs::read_dir(folder.path().join("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| Some(name.strip_prefix("hufu-")?.strip_suffix(".1")?.to_owned()))
        .collect();
    let is_leaf = |page: &&String| {
        let inner = format!("{page}-");
        // No command stands below one that acts.
        !pages.iter().any(|other| other.starts_with(&inner))
    };
    let tried: BTreeSet<String> = [ALONE, AT_A_GATE, AFTER_A_DAY, WITH_A_REGISTRY, RESTORED]
        .concat()
        .iter()
        .flat_map(|line| {
            let words: Vec<_> = line.split(' ').filter(|word| word.parse::<i32>().is_err()).collect();
            (1..=words.len().min(3)).map(move |count| words[..count].join("-")).collect::<Vec<_>>()
        })
        .collect();
    let leaves: Vec<_> = pages.iter().filter(is_leaf).collect();
    assert!(leaves.len() > 70, "{leaves:?}");
    let untried: Vec<_> = leaves.into_iter().filter(|leaf| !tried.contains(*leaf)).collect();
    assert!(untried.is_empty(), "not tried with --json: {untried:?}");
}
