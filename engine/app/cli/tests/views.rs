//! The holder's view with a real engine and a real service: a phone finds who checked it, and no one learns who asked
//! (R41).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use common::{Deployment, Engine, eventually, said};
use hufu_contract::{ViewDay, WantSlips, WantTicket};
use hufu_upstream::{Api, ApiFault};
use serde_json::Value;
use tokio::runtime::Runtime;

const FOLDERS: &str = "--folder records --keys record-keys --secret records.secret";

/// Phones 42 and 43 were checked, 44 showed its code and was not; the day is closed and has its view.
fn checked() -> (Deployment, String) {
    let deployment = Deployment::new();
    deployment.keep_records();
    let sites = fs::read_to_string(deployment.path("sites.toml")).unwrap();
    deployment.write("sites.toml", &format!("{sites}organisation = \"No. 2 School\"\n"));
    for holder in ["42", "43", "44"] {
        deployment.set(holder, "green");
        deployment.issue(holder);
    }
    let engine = deployment.serve();
    for holder in ["42", "43", "42"] {
        assert_eq!(deployment.check(holder).1, Some(0));
    }
    deployment.code("44");
    engine.signal("-TERM");
    assert_eq!(engine.ended(), Some(0));
    let day = deployment.day();
    let open = deployment.attempt(&format!("records view {FOLDERS} --day {day} --out views"));
    assert!(said(&open).contains("is not closed"), "{}", said(&open));
    deployment.close_day();
    let view = deployment.run(&format!("records view {FOLDERS} --day {day} --out views"));
    assert!(view.contains("fewer than 100 slips"), "{view}");
    (deployment, day)
}

fn url(service: &Engine) -> String {
    format!("http://{}", service.ready.trim().strip_prefix("ready api=").unwrap())
}

/// What a phone finds at the service, and the exit status; or what it is told instead.
fn asked(
    deployment: &Deployment,
    service: &Engine,
    holder: &str,
    more: &str,
) -> Result<(Value, Option<i32>), String> {
    let line = format!("holder history --holder {holder}.holder --service {} --json{more}", url(service));
    let output = deployment.attempt(&line);
    let found = serde_json::from_slice(&output.stdout).map_err(|why| format!("{why}: {}", said(&output)))?;
    Ok((found, output.status.code()))
}

fn history(deployment: &Deployment, service: &Engine, holder: &str, more: &str) -> (Value, Option<i32>) {
    asked(deployment, service, holder, more).unwrap_or_else(|told| panic!("{told}"))
}

fn times(checks: &[Value]) -> Vec<String> {
    checks.iter().map(|check| check["time"].to_string()).collect()
}

#[test]
fn r41_a_phone_finds_exactly_its_own_checks_at_the_service() {
    let (deployment, day) = checked();
    let service = deployment.serve_views(&[]);
    for (holder, checks_min) in [("42", 2), ("43", 1)] {
        let (found, status) = history(&deployment, &service, holder, "");
        let checks = found["checks"].as_array().unwrap();
        // What is in the records, neither more nor less.
        let line = format!("records find {FOLDERS} --day {day} --holder {holder}.holder --json");
        let own: Vec<Value> =
            deployment.run(&line).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(own.len() >= checks_min);
        assert_eq!((times(checks), status), (times(&own), Some(0)));
        for check in checks {
            assert_eq!(check["place"], "North gate");
            assert_eq!(check["organisation"], "No. 2 School");
            assert_eq!(check["decision"], "admit");
        }
    }
    let (none, status) = history(&deployment, &service, "44", "");
    assert_eq!((&none["checks"], &none["steps"], status), (&serde_json::json!([]), &1.into(), Some(1)));
    // A phone that remembers nothing asks for every step of a span.
    let memory = deployment.path("42.holder.shown");
    assert_eq!(fs::metadata(&memory).unwrap().permissions().mode() & 0o777, 0o600);
    let (remembered, _) = history(&deployment, &service, "42", "");
    fs::remove_file(&memory).unwrap();
    let (nothing, _) = history(&deployment, &service, "42", "");
    assert_eq!(nothing["steps"], 0);
    let (around, _) = history(&deployment, &service, "42", " --at now --within 5");
    assert_eq!(around["checks"], remembered["checks"]);
    assert!(around["steps"].as_u64().unwrap() > 12, "{around}");
    // A destroyed day is served no more.
    fs::remove_dir_all(deployment.path("record-keys")).unwrap();
    fs::create_dir(deployment.path("record-keys")).unwrap();
    // It may go between the list of days and the day.
    eventually("a day without its key is left out", || match asked(&deployment, &service, "43", "") {
        Ok((found, Some(1))) if found["steps_without_day"] == 1 => Ok(()),
        found => Err(format!("{found:?}")),
    });
}

/// Problem or status of a refusal.
fn refused<T: std::fmt::Debug>(answer: Result<T, ApiFault>) -> String {
    answer.unwrap_err().problem().map_or_else(|| "no problem".to_owned(), |problem| problem.name().to_owned())
}

#[test]
fn r41_the_service_asks_for_a_live_code_and_leaves_no_trace_of_who_asked_for_what() {
    // A prefix that stands in a log for nothing else.
    const ASKED_FOR: u32 = 3_141_592_653;
    let (deployment, day) = checked();
    let service = deployment.serve_views(&["--tickets-source-max", "5"]);
    let runtime = Runtime::new().unwrap();
    let api = runtime.block_on(async { Api::open_views(url(&service), None).unwrap() });
    let ask = |code: &str| {
        let code = WantTicket { code: code.to_owned() };
        runtime.block_on(api.view_ticket(&code))
    };
    let code = deployment.code("44");
    let ticket = ask(&code).unwrap().ticket;
    let days: Vec<ViewDay> = runtime.block_on(api.view_days()).unwrap().days;
    assert_eq!((days.len(), &days[0].day, days[0].prefix_bits), (1, &day, 0));
    let slips = |ticket: &str, bits: u8, prefixes: Vec<u32>| {
        let want = WantSlips { ticket: ticket.to_owned(), day: day.clone(), prefix_bits: bits, prefixes };
        runtime.block_on(api.view_slips(&want))
    };
    // The whole of the one bucket, whoever asks.
    let answer = slips(&ticket, 0, vec![0]).unwrap();
    assert_eq!(answer.len() as u64, 4 + 48 * days[0].slips);
    // A prefix that is longer would tell more than is needed.
    assert_eq!(refused(slips(&ticket, 8, vec![0])), "invalid");
    assert_eq!(refused(slips(&ticket, 0, vec![1])), "invalid");
    assert_eq!(refused(slips(&ticket, 0, vec![ASKED_FOR])), "invalid");
    assert_eq!(refused(slips(&ticket, 0, vec![])), "invalid");
    assert_eq!(refused(slips(&"0".repeat(32), 0, vec![0])), "unauthenticated");
    // Codes of another time, of nobody, and too many of them.
    let old = deployment.attempt("present --holder 44.holder --at -3m");
    let old = String::from_utf8(old.stdout).unwrap();
    assert!(ask(old.trim()).is_ok(), "a step that no gate accepts any more is enough");
    deployment.run("keys generate issuer --issuer 310000 --out forger");
    let issue = "issue phone --key forger.key --holder 44 --display L*0042 --out forged.holder";
    deployment.run(issue);
    assert_eq!(refused(ask(&deployment.code("forged"))), "no-live-code");
    assert_eq!(refused(ask("HF1:ABC")), "no-live-code");
    assert!(ask(&code).is_ok());
    assert_eq!(refused(ask(&code)), "too-many");
    assert!(slips(&ticket, 0, vec![0]).is_ok(), "a ticket stays good");
    // Also at its finest level the log has routes and nothing of who asks for what.
    service.logs("/v1/slips");
    let log = service.log();
    for secret in [&ticket, &code, &code[4..40], old.trim(), "L*0042", "127.0.0.1:"] {
        let told = log.lines().find(|line| line.contains(secret) && line.contains("/v1/"));
        assert!(told.is_none(), "the log tells {secret}: {told:?}");
    }
    assert!(!log.contains(&ticket) && !log.contains(&code));
    let told = log.lines().find(|line| line.contains("prefixes") || line.contains(&ASKED_FOR.to_string()));
    assert!(told.is_none(), "the log tells what was asked for: {told:?}");
}

#[test]
fn what_the_service_cannot_use_is_found_by_its_check() {
    let deployment = Deployment::new();
    deployment.keep_records();
    for folder in ["views", "record-keys"] {
        fs::create_dir(deployment.path(folder)).unwrap();
    }
    let line = "records serve --check --views views --keys record-keys --secret records.secret";
    deployment.run(&format!("{line} --certificate engine.pem --key engine.key --listen 0.0.0.0:7460"));
    for (more, wanted) in [
        ("--listen 0.0.0.0:7460", "0.0.0.0:7460 is not a loopback address"),
        ("--certificate none.pem --key engine.key", "none.pem: "),
        (
            "--certificate engine.pem --key gate/device.key",
            "device.key: it is not the key of the certificate in",
        ),
    ] {
        let refused = deployment.attempt(&format!("{line} {more}"));
        assert_eq!(refused.status.code(), Some(2), "{more}: {}", said(&refused));
        assert!(said(&refused).contains(wanted), "{more}: {}", said(&refused));
    }
}

#[test]
fn a_service_on_another_machine_is_asked_over_tls_alone() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let refused = deployment.attempt("holder history --holder 42.holder --service http://views.example");
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("use https"), "{}", said(&refused));
    let both = deployment.attempt("holder history --issuer 310000");
    assert_eq!(both.status.code(), Some(2), "{}", said(&both));
}
