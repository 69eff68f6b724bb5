//! The holder's page, with a registry, an engine and a service of the holder's view behind it.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use hufu_registry::IdNumber;
use serde_json::json;

use crate::common::source::Source;
use crate::common::{browser, free_address};

/// A registry that serves phones, with holder 0, and everything for an engine with records.
struct Holders {
    source: Source,
    phones: String,
    views: String,
}

impl Holders {
    fn new() -> Holders {
        let source = Source::over_http();
        let [phones, views] = [free_address(), free_address()];
        let deployment = &source.deployment;
        deployment.keep_records();
        deployment.write_tomorrow();
        let sites = fs::read_to_string(deployment.path("sites.toml")).unwrap();
        deployment.write("sites.toml", &format!("{sites}organisation = \"No. 2 School\"\n"));
        fs::copy(deployment.path("issuer.key"), deployment.path("registry/issuer.key")).unwrap();
        let config = fs::read_to_string(deployment.path("registry/registry.toml")).unwrap();
        let listening = config.replacen("[listen]\n", &format!("[listen]\nphones = \"{phones}\"\n"), 1);
        assert_ne!(config, listening);
        let config = listening
            .replace("# credential_keys = [\"issuer-310000.key\"]", "credential_keys = [\"issuer.key\"]");
        assert_ne!(config, listening);
        deployment
            .write("registry/registry.toml", &format!("{config}\n[phones]\nviews = \"http://{views}\"\n"));
        let holders = Holders { source, phones, views };
        let registry = holders.source.registry();
        let added = holders
            .with_input(&["holder", "add", "--issuer", "310000", "--name", "王小明"], "11010519491231002X\n");
        assert!(added.contains("holder 0"), "{added}");
        drop(registry);
        holders
    }

    /// Runs a command with something on standard input.
    fn with_input(&self, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hufu"))
            .args(arguments)
            .current_dir(self.source.deployment.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn run(&self, test: &str) -> serde_json::Value {
        browser::run(
            test,
            &json!({
                "hufu": env!("CARGO_BIN_EXE_hufu"),
                "folder": self.source.deployment.folder(),
                "origin": format!("http://{}", self.phones),
                "views": self.views,
            }),
        )
    }
}

/// One phone's life, because each step needs the one before: activation, ADMIT from a picture of the screen, red and REFUSE,
/// both in the history that the phone finds, and a day without a network. About 20 s: four servers and a browser.
#[test]
fn r41_r61_a_code_in_a_browser_is_admitted_refused_after_red_found_again_and_good_for_a_day_offline() {
    let seen = Holders::new().run("holder");
    assert!(seen["checks"].as_u64().unwrap() >= 2, "{seen}");
}

/// The number of a child of three years.
fn child() -> String {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let year = 1970 + now_s / 31_556_952 - 3;
    let numbers = "10X98765432".chars().map(|check| format!("110105{year}0101002{check}"));
    numbers.into_iter().find(|number| IdNumber::read(number).is_ok()).unwrap()
}

/// What goes wrong on phones, with the real registry: wrong, lost, used and replaced numbers, answers that are lost, two tabs, a
/// registry with too much to do, wrong clocks, an ended phone, cleared storage; large print, speech, languages, relatives.
/// About 20 s: eight phones in a browser.
#[test]
fn r46_r61_r62_a_phone_says_what_is_wrong_goes_on_by_itself_and_keeps_its_keys_from_scripts() {
    let holders = Holders::new();
    let registry = holders.source.registry();
    let child = child();
    let add = ["holder", "add", "--issuer", "310000", "--name", "王小宝"];
    assert!(holders.with_input(&add, &format!("{child}\n")).contains("holder 1"));
    let bind = [
        "family",
        "bind",
        "--issuer",
        "310000",
        "--user",
        "0",
        "--name",
        "王小宝",
        "--recorded-by",
        "counter 3",
        "--commitment",
        "zh-1",
        "--signed-name",
        "王小明",
        "--consent",
        "guardian",
    ];
    holders.with_input(&bind, &format!("{child}\n"));
    drop(registry);
    holders.run("holder_faults");
}

/// The other engine of browsers. About 10 s: Firefox starts.
#[test]
fn r61_the_page_makes_its_codes_in_firefox_too() {
    let firefox = std::path::Path::new("/usr/bin/firefox-esr");
    assert!(firefox.exists(), "Firefox is missing: apt-get install firefox-esr");
    Holders::new().run("holder_firefox");
}
