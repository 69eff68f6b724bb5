//! The console, with a real engine, a real registry and a gate behind it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::common::source::Source;
use crate::common::{SITE, browser, eventually, free_address, get};

const PASSWORD: &str = "five words make a password";

/// An engine with live events and its registry, and a console that reads both.
fn console(more: &str) -> (Source, String) {
    let source = Source::over_http();
    let deployment = &source.deployment;
    deployment.keep_records();
    deployment.run("records secret --out events.token");
    let [metrics, pages] = [free_address(), free_address()];
    let engine = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    let engine = engine.replace("metrics = \"\"", &format!("metrics = \"{metrics}\""));
    deployment.write("engine.toml", &format!("{engine}events = 'events.token'\n"));
    deployment.run(
        "registry token new --config registry/registry.toml --label console --scopes audit --out console.token",
    );
    let hufu = fs::read_to_string(deployment.path("hufu.toml")).unwrap();
    let registry = hufu.split('"').nth(1).unwrap();
    deployment.write("secret", PASSWORD);
    for (name, role) in [("li", "operator"), ("audit", "auditor")] {
        deployment.run(&format!("console account add {name} --role {role} --password-file secret"));
    }
    deployment.write(
        "console.toml",
        &format!(
            "listen = \"{pages}\"\naccounts = \"accounts.toml\"\n{more}\n\
             [[engine]]\nname = \"east\"\nmetrics = \"http://{metrics}\"\nevents = \"events.token\"\n\
             [[engine]]\nname = \"west\"\nmetrics = \"http://127.0.0.1:9\"\n\
             [[registry]]\nname = \"registry\"\nurl = \"{registry}\"\ntoken = \"console.token\"\nca = \"registry/ca/ca.pem\"\n\
             [[ends]]\nname = \"CA\"\nfile = \"ca/ca.pem\"\n\
             [[ends]]\nname = \"list\"\nfile = \"trust.hufu\"\noperator = \"operator.pub\"\n"
        ),
    );
    (source, pages)
}

#[test]
fn r61_operators_see_engines_registries_and_gates_live_in_a_browser() {
    let (source, pages) = console("");
    let deployment = &source.deployment;
    let _registry = source.registry();
    deployment.write("policy.toml", "accepts = [\"phone\"]\n");
    deployment.run(&format!("site put {SITE} --name North --policy policy.toml"));
    source.set("green");
    let _engine = deployment.serve();
    let _console = deployment.serve_console("console.toml");
    deployment.becomes("42", "clear", 0);
    let seen = browser::run(
        "console",
        &json!({
            "address": format!("http://{pages}"), "name": "li", "password": PASSWORD, "auditor": "audit",
            "site": "North", "device": "7",
        }),
    );
    for (page, weight) in seen["pages"].as_object().unwrap() {
        println!("{page}: {weight}");
    }
}

#[test]
fn r61_headers_of_every_answer_are_strict_and_problems_are_pages_in_the_readers_language() {
    let (source, pages) = console("");
    let _console = source.deployment.serve_console("console.toml");
    let (status, page) = get(&pages, "/nowhere?lang=de");
    assert_eq!(status, 404);
    assert!(page.contains("Diese Seite gibt es nicht.") && page.contains("lang=\"de\""), "{page}");
    let (status, page) = get(&pages, "/nowhere?lang=ar");
    assert_eq!(status, 404);
    assert!(page.contains("dir=\"rtl\""), "{page}");
    eventually("the console answers strangers with its form", || {
        let (status, page) = get(&pages, "/login");
        (status == 200 && page.contains("name=\"csrf\"")).then_some(()).ok_or(page)
    });
}

#[test]
fn r61_an_organisation_signs_people_in_and_their_groups_decide_what_they_see() {
    let issuer = format!("http://{}", free_address());
    let organisation = format!(
        "[organisation]\nissuer = \"{issuer}\"\nclient = \"hufu\"\nsecret = \"oidc.secret\"\nscopes = [\"groups\"]\n\
         [[organisation.group]]\nname = \"hufu-operators\"\nrole = \"operator\"\n\
         [[organisation.group]]\nname = \"auditors\"\nrole = \"auditor\"\n"
    );
    let (source, pages) = console(&organisation);
    source.deployment.write("oidc.secret", "a secret of the test\n");
    fs::set_permissions(source.deployment.path("oidc.secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let _console = source.deployment.serve_console("console.toml");
    browser::run("organisation", &json!({ "address": format!("http://{pages}"), "issuer": issuer }));
}

#[test]
fn r61_accounts_are_kept_by_commands_that_take_no_password_as_an_argument() {
    let (source, pages) = console("");
    let deployment = &source.deployment;
    let list: serde_json::Value =
        serde_json::from_str(&deployment.run("console account list --json")).unwrap();
    let listed = json!({"name": "audit", "role": "auditor", "site": null});
    assert_eq!(list[0], listed, "{list}");
    let accounts = deployment.path("accounts.toml");
    assert_eq!(fs::metadata(&accounts).unwrap().permissions().mode() & 0o777, 0o600);
    deployment.run("console account passwd li --password-file secret");
    deployment.run("console account remove audit");
    deployment.write("short", "too short");
    for (line, says) in [
        ("console account add wu --role operator --password-file short", "at least 15 characters"),
        ("console account add wu --role school --password-file secret", "needs the site"),
        ("console account add li --role operator --password-file secret", "is there"),
        ("console account remove nobody", "no account nobody"),
        ("console account add wu --role operator", "--password-file"),
    ] {
        let output = deployment.attempt(line);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(says), "{line}: {output:?}");
    }
    let looked = deployment.run("console serve --config console.toml --check --json");
    let looked: serde_json::Value = serde_json::from_str(&looked).unwrap();
    assert_eq!((&looked["engines"], &looked["registries"]), (&json!(2), &json!(1)));
    fs::set_permissions(&accounts, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = deployment.attempt("console serve --config console.toml");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("chmod 600"), "{refused:?} {pages}");
}
