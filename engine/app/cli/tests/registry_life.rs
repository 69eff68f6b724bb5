//! A registry from its first file to its audit, with the real binary alone.

mod common;
mod registry;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use common::figures::{shown_figures, used_figures};
use common::{Deployment, SITE, get, hufu, ok, said};
use registry::World;
use serde_json::Value;

#[test]
fn r21_r22_two_keys_bring_a_change_into_the_chain_and_a_table_into_a_checkpoint() {
    let world = World::new();
    world.ok("registry serve --config reg/registry.toml --check");
    for (name, number) in [("Wang Xiaoming", "11010519491231002X"), ("Li Hua", "passport:E12345678")] {
        assert!(world.add_holder(name, number).status.success());
    }
    let add = |name| world.add_holder(name, "11010519491231002x");
    let other = add("Wang");
    assert_eq!(other.status.code(), Some(2), "{}", said(&other));
    assert!(said(&other).contains("is registered with another name"), "{}", said(&other));
    let again = String::from_utf8(add("WANG Xiao Ming").stdout).expect("text");
    assert_eq!(again.trim(), "holder 0 of issuer 310000, registered before");
    let found = String::from_utf8(world.find_holder("passport:e12345678").stdout).expect("text");
    assert!(found.starts_with("holder 1 of issuer 310000: L") && found.contains("unknown"), "{found}");
    assert!(!found.contains("Hua") && !found.contains("1234"), "no more than a gate shows: {found}");
    let nobody = world.find_holder("passport:X999999");
    assert_eq!(nobody.status.code(), Some(1), "{}", said(&nobody));

    // Nothing is signed unasked.
    let unasked =
        world.hufu("change propose --key local.key --holder 0 --colour green --rule 1 --reason first");
    assert!(said(&unasked).contains("run the command again with --yes"), "{}", said(&unasked));
    world.propose("--holder 0 --holder 1 --colour green --doses 2 --rule 1");
    let shown = world.ok("change show --issuer 310000 1");
    assert!(shown.contains("2 holders: 2 green") && shown.contains("reason    a test"), "{shown}");
    let by_local = world.hufu("change confirm --issuer 310000 1 --key local.key --yes");
    assert!(said(&by_local).contains("cannot confirm its own changes"), "{}", said(&by_local));
    let confirmed =
        world.ok("change confirm --issuer 310000 --all --key national.key --state national --yes");
    assert_eq!(confirmed.trim(), "proposal 1 is change set 1 of issuer 310000");
    let again = world.hufu("change confirm --issuer 310000 1 --key national.key --yes");
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    assert!(said(&again).contains("proposal 1 is confirmed already, as set 1"), "{}", said(&again));
    let view = world.ok("holder show --issuer 310000 1");
    assert!(view.contains("green (generation 0, no test, 2 doses)"), "{view}");

    // A lost phone: the colour stays.
    world.propose("--holder 1 --generation 3 --rule 2");
    world.ok("change confirm --issuer 310000 2 --key national.key --yes");
    assert!(world.ok("holder show --issuer 310000 1").contains("green (generation 3"));
    world.propose("--holder 1 --colour amber --rule 2");
    world.ok("change withdraw --issuer 310000 3");
    let list: Value = serde_json::from_str(&world.ok("change list --issuer 310000 --json")).unwrap();
    assert_eq!(list[1]["state"], "confirmed");
    assert_eq!(list[2]["state"], "withdrawn");
    let gone = world.hufu("change confirm --issuer 310000 3 --key national.key --yes");
    assert!(said(&gone).contains("proposal 3 is withdrawn: "), "{}", said(&gone));

    // Each authority follows for itself, and is shown what it is asked to sign, also with --json.
    let propose = "checkpoint propose --issuer 310000 --national 100000 --key local.key --state local \
                   --out next.checkpoint";
    let unasked = world.hufu(&format!("{propose} --json"));
    let shown = String::from_utf8_lossy(&unasked.stderr);
    assert_eq!(unasked.status.code(), Some(2), "{shown}");
    assert!(shown.contains("310000") && shown.lines().count() > 1, "{shown}");
    world.ok(&format!("{propose} --yes"));
    let confirm = "checkpoint confirm --issuer 310000 --key national.key --state national next.checkpoint";
    let unasked = world.hufu(&format!("{confirm} --json"));
    let shown = String::from_utf8_lossy(&unasked.stderr);
    assert!(shown.contains("has the same sets and the same statuses"), "{shown}");
    let signed = world
        .ok("checkpoint confirm --issuer 310000 --key national.key --state national next.checkpoint --yes");
    assert!(signed.contains("checkpoint at 2 of issuer 310000: 2 holders, signed by both"), "{signed}");
    world.ok("checkpoint export --issuer 310000 --out drop");
    let dropped = std::fs::read_dir(world.path("drop")).unwrap().count();
    assert_eq!(dropped, 3, "a snapshot, its checkpoint and the head");
    world.ok("checkpoint export --issuer 310000 --out drop --from 1");
    assert_eq!(std::fs::read_dir(world.path("drop")).unwrap().count(), 5, "and two sets");

    let forged = world.path("next.checkpoint");
    let mut bytes = std::fs::read(&forged).unwrap();
    bytes[90] ^= 1;
    std::fs::write(&forged, bytes).unwrap();
    let refused = world
        .hufu("checkpoint confirm --issuer 310000 --key national.key --state national next.checkpoint --yes");
    assert!(said(&refused).contains("local signature is not genuine"), "{}", said(&refused));
}

/// R45: the operator, both authorities and the issuer sign with SM2; the publisher and a second key of the issuer with
/// Ed25519. From keys over chain, checkpoint, code and roster to verdicts, with the real binary alone.
#[test]
fn r45_keys_of_both_schemes_bring_codes_and_rosters_to_their_verdicts() {
    let world = World::of("SM2", "");
    world.add_holders(2);
    world.propose("--holder 0 --holder 1 --colour green --doses 2 --rule 1");
    world.ok("change confirm --issuer 310000 1 --key national.key --yes");
    world.ok("checkpoint propose --issuer 310000 --national 100000 --key local.key --state local \
              --out next.checkpoint --yes");
    world.ok("checkpoint confirm --issuer 310000 --key national.key --state national next.checkpoint --yes");
    world.ok("checkpoint export --issuer 310000 --out drop");
    let shown = world.ok("keys trust show --operator operator.pub --list trust.hufu --json");
    let listed: Value = serde_json::from_str(&shown).unwrap();
    let schemes = listed["keys"].as_array().unwrap().iter().filter(|key| key["scheme"] == "SM2").count();
    assert_eq!(schemes, 3, "{listed}");

    let gates = Deployment::new();
    let both = |name: &str| [gates.path(&format!("{name}.key")), gates.path(&format!("{name}.pub"))];
    for (from, to) in both("issuer").iter().zip(both("edwards")) {
        std::fs::rename(from, to).unwrap();
    }
    let second = gates.path("edwards.pub");
    let add = "keys trust add --operator operator.key --list trust.hufu --uses paper --key";
    world.ok(&format!("{add} {}", second.display()));
    for (from, to) in
        [("codes.key", "issuer.key"), ("operator.pub", "operator.pub"), ("trust.hufu", "trust.hufu")]
    {
        std::fs::copy(world.path(from), gates.path(to)).unwrap();
    }
    let config = std::fs::read_to_string(gates.path("engine.toml")).unwrap();
    gates.write("engine.toml", &config.replace("snapshots = [\"statuses.snapshot\"]\n", ""));
    let follow = format!("file:{},310000,100000,900000", world.path("drop").display());
    let _engine = gates.serve_with(&["--follow", &follow]);

    gates.issue("0");
    gates.becomes("0", "clear", 0);
    gates.issue("2");
    gates.becomes("2", "status-unknown", 4);
    for key in ["issuer.key", "edwards.key"] {
        let code = gates.run(&format!("issue paper --key {key} --holder 1 --display W*1234"));
        // A code may have blanks in it.
        let check = || -> Value {
            let checked = hufu(gates.folder(), &["check", "--gate", "gate", "--json", code.trim()]);
            serde_json::from_slice(&checked.stdout).unwrap()
        };
        // Each command has a session of its own, and a device has three: a fourth waits for the oldest to end.
        let mut verdict = check();
        for _ in 0..40 {
            if verdict["reason"] != "cookie-expired" {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(250));
            verdict = check();
        }
        assert_eq!(
            (&verdict["decision"], &verdict["kind"]),
            (&"admit".into(), &"paper".into()),
            "{key}: {verdict}"
        );
        let told = ["inspect", "--trust", "trust.hufu", "--operator", "operator.pub", code.trim()];
        let told = ok(gates.folder(), &told);
        let by = if key == "issuer.key" { "SM2 with SM3" } else { "Ed25519" };
        assert!(told.contains(by) && told.contains("Genuine and valid"), "{told}");
    }
    gates.write("class.txt", "0\n1\n2\n");
    gates.run(&format!("batch sign --key issuer.key --site {SITE} --members class.txt --out class.roster"));
    let text = said(&gates.attempt("batch roster --gate terminal class.roster"));
    assert!(text.contains("3 members: 2 may enter, 1 need a look, 0 may not enter"), "{text}");
}

#[test]
fn a9_a_check_of_a_registry_fails_for_what_serve_would_fail_for_and_changes_nothing() {
    let mut world = World::new();
    world.stop();
    let check = "registry serve --config reg/registry.toml --check";
    let text = world.read("reg/registry.toml");
    let refused = |text: &str, wanted: &str| {
        world.write("reg/other.toml", text);
        let output = world.hufu("registry serve --config reg/other.toml --check");
        assert!(!output.status.success() && said(&output).contains(wanted), "{wanted}: {}", said(&output));
    };
    for key in ["api", "metrics"] {
        let [here, there] = ["127.0.0.1", "192.0.2.1"].map(|host| format!("\n{key} = \"{host}:0\""));
        let elsewhere = text.replace(&here, &there);
        refused(&elsewhere, &format!("the address of `{key}` in [listen] cannot be served"));
    }
    let one = ["api", "metrics"].into_iter().fold(text.clone(), |text, key| {
        text.replace(&format!("\n{key} = \"127.0.0.1:0\""), &format!("\n{key} = \"127.0.0.1:65431\""))
    });
    refused(&one, "have the address 127.0.0.1:65431");
    refused(&text.replace("\"registry.pem\"", "\"missing.pem\""), "missing.pem");
    let [own, shared] = ["reg/registry.key", "reg/shared.key"].map(|name| world.path(name));
    fs::copy(own, &shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&text.replace("\"registry.key\"", "\"shared.key\""), "mode 644");
    let phones = "\n[phones]\ncertificate = \"registry.pem\"\nkey = \"shared.key\"\n";
    refused(&format!("{text}{phones}"), "mode 644");

    assert_eq!(world.forget_migration(), 1);
    let told = world.ok(check);
    assert!(told.contains("the next start runs 1 migrations"), "{told}");
    assert_eq!(world.forget_migration(), 0, "the check has run none");
    for name in ["registry.db", "registry.db-wal", "registry.db-shm"] {
        let _ = fs::remove_file(world.path("reg").join(name));
    }
    let told = world.ok(check);
    assert!(told.contains("the next start makes its tables"), "{told}");
    assert!(!world.path("reg/registry.db").exists());
}

#[test]
fn too_much_red_at_once_waits_for_a_second_word() {
    let world = World::new();
    world.ok(
        "registry issuer put 310000 --name Shanghai --national 100000 --publisher 900000 --brake 1,3600,0",
    );
    world.add_holders(3);
    world.propose("--holder 0 --holder 1 --colour red --rule 1");
    let held = world.hufu("change confirm --issuer 310000 1 --key national.key --yes");
    assert_eq!(held.status.code(), Some(4), "{}", said(&held));
    assert!(said(&held).contains("it sets 2 holders back (2 turn red)"), "{}", said(&held));
    assert!(world.ok("holder show --issuer 310000 0").contains("unknown"), "nothing has happened");
    let by_local = world.hufu("change release --issuer 310000 1 --key local.key --yes");
    assert!(!by_local.status.success(), "{}", said(&by_local));
    let released = world.ok("change release --issuer 310000 1 --key national.key --yes");
    assert!(released.contains("change set 1 of issuer 310000"), "{released}");
    assert!(world.ok("holder show --issuer 310000 1").contains("red"));
    world.audit_agrees();
}

#[test]
fn tokens_do_what_they_are_for_and_no_more() {
    let world = World::new();
    world.add_holders(1);
    world.ok_args(&[
        "registry",
        "token",
        "new",
        "--label",
        "a feed",
        "--scopes",
        "feed",
        "--out",
        "feed.token",
    ]);
    let refused = world.hufu("holder show --issuer 310000 0 --token feed.token");
    assert!(said(&refused).contains("scope holders"), "{}", said(&refused));
    let list: Value = serde_json::from_str(&world.ok("registry token list --json")).unwrap();
    let id =
        list.as_array().unwrap().iter().find(|token| token["label"] == "a feed").unwrap()["id"].to_string();
    world.ok(&format!("registry token revoke {id}"));
    let refused = world.hufu("checkpoint export --issuer 310000 --out drop --token feed.token");
    assert!(said(&refused).contains("revoked"), "{}", said(&refused));
    // Whoever has the registry's files needs no token.
    world.ok(
        "registry token new --config reg/registry.toml --label another --scopes admin --out another.token",
    );
    world.ok("registry token list --token another.token");
    // Also in the shell that the README prepares: it names a registry for other commands.
    let words =
        "registry token new --config reg/registry.toml --label third --scopes admin --out third.token";
    let here = std::process::Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(words.split(' '))
        .current_dir(world.path(""))
        .env("HUFU_REGISTRY", "https://127.0.0.1:1")
        .env("HUFU_TOKEN_FILE", "none.token")
        .env("HUFU_CA", "none.pem")
        .output()
        .unwrap();
    assert!(here.status.success(), "{}", said(&here));
    world.ok("registry token list --token third.token");

    let nowhere = world.hufu("holder show --issuer 310000 0 --registry https://127.0.0.1:1");
    assert_eq!(nowhere.status.code(), Some(3), "{}", said(&nowhere));
    std::fs::write(world.path("no.token"), "not a token").unwrap();
    let refused = world.hufu("holder show --issuer 310000 0 --token no.token");
    assert!(said(&refused).contains("no.token is not a token"), "{}", said(&refused));
}

#[test]
fn credentials_sites_devices_and_rosters_come_from_the_registry() {
    let world = World::new();
    world.add_holders(2);
    let paper = world.ok("holder credential paper --issuer 310000 0 --text");
    assert!(paper.starts_with("HF1:"), "{paper}");
    let explained = world.ok_args(&["inspect", paper.trim()]);
    assert!(explained.contains("paper code") && explained.contains("L*0001"), "{explained}");
    world.ok("holder credential phone --issuer 310000 1 --out li.holder");
    assert!(world.ok("present --holder li.holder").starts_with("HF1:"));
    world.ok("holder credential trip --issuer 310000 1 --hub 9 --from now --until +4h --png trip.png");
    let list: Value =
        serde_json::from_str(&world.ok("holder credential list --issuer 310000 1 --json")).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2, "{list}");

    world.write("north.toml", "accepts = [\"phone\", \"paper\"]\nroster = true\nstaleness_ms_max = 5000\n");
    world.ok_args(&["site", "put", "310101", "--name", "North station", "--policy", "north.toml"]);
    world.write("bad.toml", "accept = [\"phone\"]\n");
    let refused = world.hufu("site put 310102 --name South --policy bad.toml");
    assert!(said(&refused).contains("bad.toml") && said(&refused).contains("accept"), "{}", said(&refused));
    world.ok("site export --out sites.toml");
    assert!(world.read("sites.toml").contains("North station"));

    let device: Value =
        serde_json::from_str(&world.ok("device add --site 310101 --name Gate --json")).unwrap();
    let device = device["id"].to_string();
    assert!(world.ok(&format!("device revoke {device}")).contains("revoked"));
    assert!(world.ok(&format!("device renew {device}")).contains(", in use"));
    world.write("class.txt", "0\n310000,1\n");
    world.ok("roster put class-3b --site 310101 --issuer 310000 --members class.txt");
    assert_eq!(world.ok("roster show class-3b --site 310101"), "310000,0\n310000,1\n");
    world.ok("roster sign class-3b --site 310101 --out class.roster");
    assert!(world.ok("inspect class.roster").contains("310101"));
    world.ok("roster remove class-3b --site 310101");
}

#[test]
fn r44_an_audit_finds_one_altered_status() {
    let world = World::new();
    world.add_holders(3);
    world.propose("--holder 0 --holder 1 --holder 2 --colour green --rule 1");
    world.propose("--holder 1 --colour red --rule 1");
    world.ok("change confirm --issuer 310000 --all --key national.key --yes");
    world.ok(
        "checkpoint propose --issuer 310000 --national 100000 --key local.key --state local --out c --yes",
    );
    world.ok("checkpoint confirm --issuer 310000 --key national.key --state national c --yes");
    world.propose("--holder 2 --colour amber --rule 1");
    world.ok("change confirm --issuer 310000 --all --key national.key --yes");
    let report = world.audit_agrees();
    assert_eq!(report["sequence"], 3, "{report}");
    assert_eq!(
        report["compared"].as_array().unwrap().len(),
        7,
        "chain, statuses, tip, head, checkpoint, snapshot, trail"
    );

    // Holder 1 is red. Somebody with the database makes them green.
    world.alter_status(1, 0b100);
    let found = world.hufu(&format!("audit {AUDIT} --json"));
    assert_eq!(found.status.code(), Some(1), "{}", said(&found));
    let report: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(report["agrees"], false);
    let differing: Vec<_> =
        report["compared"].as_array().unwrap().iter().filter(|one| one["agrees"] == false).collect();
    assert_eq!(differing.len(), 1, "{report:#}");
    let difference = &differing[0]["difference"];
    assert_eq!(
        (&difference["holder"], &differing[0]["sequence"]),
        (&Value::from(1), &Value::from(3)),
        "{report:#}"
    );
    assert_eq!(difference["held"]["colour"], "green");
    assert_eq!(difference["should"]["colour"], "red");
    let told = world.hufu(&format!("audit {AUDIT}"));
    assert!(said(&told).contains("holder 1 is green"), "{}", said(&told));
}

/// How audits here are asked for.
const AUDIT: &str = "--issuer 310000 --national 100000 --publisher 900000";

#[test]
fn a_key_may_come_from_standard_input_or_stay_with_its_agent() {
    let world = World::new();
    world.add_holders(2);
    let key = world.read("local.key");
    let piped = world.hufu_with(
        &[
            "change", "propose", "--key", "-", "--holder", "0", "--colour", "green", "--rule", "1",
            "--reason", "r", "--yes",
        ],
        &key,
    );
    assert!(piped.status.success(), "{}", said(&piped));
    // An agent that signs nothing, and one that signs with something else.
    for (agent, wanted) in
        [("exit 1", "did not answer"), ("printf '%0128d' 0", "not key"), ("sleep 9", "no answer")]
    {
        let refused = world.hufu_args(&[
            "change",
            "propose",
            "--agent",
            agent,
            "--public",
            "local.pub",
            "--agent-timeout",
            "1s",
            "--holder",
            "1",
            "--colour",
            "red",
            "--rule",
            "1",
            "--reason",
            "r",
            "--yes",
        ]);
        assert!(said(&refused).contains(wanted), "{agent}: {}", said(&refused));
    }
    let list: Value = serde_json::from_str(&world.ok("change list --issuer 310000 --json")).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1, "nothing was handed in unsigned");

    // Signed on one machine, handed in from another.
    let away = "change propose --key local.key --holder 1 --colour red --rule 1 --reason r --out set.instruction --yes";
    let refused = world.hufu(away);
    assert!(said(&refused).contains("what the holders have is not known"), "{}", said(&refused));
    world.ok(&format!("{away} --test none --doses 0"));
    world.ok("change propose --instruction set.instruction");
    world.ok("change propose --instruction set.instruction");
    let list: Value = serde_json::from_str(&world.ok("change list --issuer 310000 --json")).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2, "the same instruction twice is one proposal");
}

#[test]
fn b13_a_registry_shows_what_it_did_and_refused() {
    let world = World::new();
    let value = |name: &str| {
        let (status, page) = get(&world.metrics, "/metrics");
        assert_eq!(status, 200);
        let line = page.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} is not on the page:\n{page}")).trim().parse::<u64>().unwrap()
    };
    assert!(world.add_holder("Li", "passport:E12345678").status.success());
    world.propose("--holder 0 --colour green --rule 1");
    world.ok("change confirm --issuer 310000 1 --key national.key --yes");
    world.write("bad.token", "hufu_0000000000000000000000000000000000000000000\n");
    let refused = world.hufu("holder show --issuer 310000 0 --token bad.token");
    assert!(!refused.status.success(), "{}", said(&refused));

    assert_eq!(value("hufu_registry_refusals_total{cause=\"unauthenticated\"}"), 1);
    assert!(value("hufu_registry_requests_total{class=\"holders\",status=\"200\"}") >= 1);
    // What the store knows is looked at every ten seconds: this is still of the start.
    assert!(value("hufu_registry_chain_sequence{issuer=\"310000\"}") <= 1);
    assert!(value("hufu_registry_trail_lines") >= 1);
    assert!(value("hufu_registry_tokens") >= 1);
    assert_eq!(value("hufu_registry_store_up"), 1);
    assert_eq!(get(&world.metrics, "/readyz").0, 200);

    let shown = shown_figures(&get(&world.metrics, "/metrics").1);
    let used = used_figures();
    let missing: Vec<_> =
        used.iter().filter(|name| name.starts_with("hufu_registry_") && !shown.contains(*name)).collect();
    assert!(missing.is_empty(), "operators are told of {missing:?}");
    let page = get(&world.metrics, "/metrics").1;
    let left = page.lines().find_map(|line| line.strip_prefix("hufu_registry_trust_list_left_seconds "));
    assert!(left.unwrap().parse::<f64>().unwrap() > 86_400.0, "{left:?}");
}
