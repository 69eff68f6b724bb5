//! An engine that follows a chain, with the real binary: signed sets in, verdicts out; restarts; what it says.

mod common;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::figures::{rows_without_alarm, shown_figures, used_figures};
use common::{Deployment, Engine, ISSUER, eventually, get, said};
use hufu_codes::chain::{Authorities, AuthoritySigner, Tip, open_instruction};
use hufu_codes::issue::OperatorSigner;
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_signature::PreparedKey;
use hufu_wire::chain::{Change, Changes, Content, InputsDigest, Record};
use hufu_wire::{Colour, HolderIndex, IssuerId, RuleId, StatusWord, UnixMillis, UnixSeconds};
use serde_json::{Value, json};

const LOCAL: IssuerId = IssuerId(310_000);
const NATIONAL: IssuerId = IssuerId(100_000);

/// A deployment whose issuer is followed out of a folder, and the two authorities and the publisher of its chain.
struct Chain {
    deployment: Deployment,
    local: AuthoritySigner,
    national: AuthoritySigner,
    tip: Tip,
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
impl Chain {
    /// Followed from `drop`, with keys of all three in the trust list.
    fn new() -> Chain {
        let deployment = Deployment::new();
        let local = signer(&deployment, "local", LOCAL);
        let national = signer(&deployment, "national", NATIONAL);
        let chain = Chain { deployment, local, national, tip: Tip::START };
        chain.trust("trust.hufu", "local", "instruction");
        chain.trust("trust.hufu", "national", "confirmation,head");
        fs::create_dir(chain.deployment.path("drop")).unwrap();
        chain.configure(|text| {
            let text = text.replace("snapshots = [\"statuses.snapshot\"]\n", "");
            let text = text.replace("metrics = \"\"", "metrics = \"127.0.0.1:0\"");
            format!("{text}\n[[follow]]\nissuer = {LOCAL}\nnational = {NATIONAL}\npublisher = {NATIONAL}\nfeed = \"file:drop\"\n")
        });
        chain
    }

    fn trust(&self, list: &str, name: &str, uses: &str) {
        self.deployment.run(&format!(
            "keys trust add --operator operator.key --list {list} --key {name}.pub --uses {uses}"
        ));
    }

    fn configure(&self, change: impl FnOnce(&str) -> String) {
        let text = fs::read_to_string(self.deployment.path("engine.toml")).unwrap();
        self.deployment.write("engine.toml", &change(&text));
    }

    /// Confirms a colour, and says that this is where the chain ends.
    fn set(&mut self, holder: u32, colour: Colour) {
        let records = [Record::new(HolderIndex(holder), Change::Status(StatusWord::new(colour, 0)))];
        let now = UnixMillis(now().0.max(self.tip.proposed.at().0 + 1));
        let content = Content {
            proposed: now.into(),
            valid_s: 60,
            rule: RuleId(7),
            inputs: InputsDigest([0; 32]),
            local_key: self.local.key(),
            reason: "a test",
            changes: Changes::new(&records).unwrap(),
        };
        let instruction = self.local.instruct(&content).unwrap();
        let authorities = Authorities::new(LOCAL, NATIONAL, NATIONAL).unwrap();
        let keyring = self.keyring();
        let verified =
            open_instruction(&instruction, &authorities, &keyring, hufu_signature::backend()).unwrap();
        let set = self.national.confirm(&verified, &self.tip, now).unwrap();
        let unconfirmed = hufu_codes::chain::Unconfirmed::read(&set, &authorities).unwrap();
        self.tip = *unconfirmed.confirm(&keyring, hufu_signature::backend()).unwrap().tip();
        self.put(&format!("{:020}.set", self.tip.sequence.0), &set);
        let head = self.national.head(LOCAL, &self.tip, now);
        self.put("newest.head", &head);
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let new = self.deployment.path("new");
        fs::write(&new, bytes).unwrap();
        fs::rename(new, self.drop().join(name)).unwrap();
    }

    fn drop(&self) -> PathBuf {
        self.deployment.path("drop")
    }

    /// A keyring of both authorities, for the side that signs.
    fn keyring(&self) -> Keyring {
        let of = |signer: &AuthoritySigner, uses| {
            signer.listed(uses, UnixSeconds(0), UnixSeconds(0), UnixSeconds(u32::MAX))
        };
        let keys = [of(&self.local, Uses::INSTRUCTION), of(&self.national, Uses::CONFIRMATION | Uses::HEAD)];
        let operator = OperatorSigner::from_seed(&[1; 32]);
        let signed = TrustList::sign(1, UnixSeconds(1), &keys, &operator);
        let public = PreparedKey::new(operator.public()).unwrap();
        Keyring::empty().update(&TrustList::open(&signed, &public).unwrap(), UnixSeconds(1)).unwrap()
    }

    fn becomes(&self, holder: &str, reason: &str, status: i32) {
        self.deployment.becomes(holder, reason, status);
    }
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn signer(deployment: &Deployment, name: &str, issuer: IssuerId) -> AuthoritySigner {
    deployment.run(&format!("keys generate issuer --issuer {issuer} --out {name}"));
    let text = fs::read_to_string(deployment.path(&format!("{name}.key"))).unwrap();
    let key: toml::Table = text.parse().unwrap();
    let mut seed = [0; 32];
    hex::decode_to_slice(key["seed"].as_str().unwrap(), &mut seed).unwrap();
    AuthoritySigner::from_seed(&seed, issuer)
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn now() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    UnixMillis(u64::try_from(since.as_millis()).unwrap())
}

/// The metrics page of an engine that was started last.
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn metrics(engine: &Engine) -> String {
    let log = engine.log();
    let address = log.rsplit_once("metrics=").unwrap().1.split_whitespace().next().unwrap();
    get(address, "/metrics").1
}

/// Alarms, dashboard and runbook name figures that an engine shows, and Prometheus reads their expressions.
#[test]
fn operators_are_told_of_figures_that_there_are() {
    let chain = Chain::new();
    let page = metrics(&chain.deployment.serve());
    let shown = shown_figures(&page);
    let used = used_figures();
    // The registry shows its own, and those of lists are there where lists are: their tests look at them.
    let elsewhere = ["hufu_registry_", "hufu_foreign_list_", "hufu_status_list_"];
    let is_here = |name: &str| !elsewhere.iter().any(|prefix| name.starts_with(prefix));
    let missing: Vec<_> = used.iter().filter(|name| is_here(name) && !shown.contains(*name)).collect();
    assert!(used.len() > 40 && missing.is_empty(), "{missing:?} of {}", used.len());
    assert_eq!(rows_without_alarm(), [""; 0], "rows of the table without an alarm");

    let page = page.split_once("\r\n\r\n").unwrap().1;
    promtool(&["check", "metrics"], &chain.deployment, page);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/operations");
    promtool(
        &["test", "rules", &folder.join("alerts.test.yml").display().to_string()],
        &chain.deployment,
        "",
    );

    // The dashboard's expressions, as rules: that is what promtool reads.
    let dashboard = fs::read_to_string(folder.join("dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let rules: Vec<_> = targets
        .enumerate()
        .map(|(number, target)| {
            let expression = target["expr"].as_str().unwrap();
            let expression = expression.replace("$__rate_interval", "5m").replace("$engine", ".*");
            json!({"record": format!("panel_{number}"), "expr": expression})
        })
        .collect();
    // JSON is YAML.
    let rules = json!({"groups": [{"name": "dashboard", "rules": rules}]});
    chain.deployment.write("dashboard.yml", &rules.to_string());
    promtool(&["check", "rules", "dashboard.yml"], &chain.deployment, "");
}

/// Runs Prometheus' own reader, which must have nothing to say against it.
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn promtool(arguments: &[&str], deployment: &Deployment, input: &str) {
    let mut promtool = Command::new("promtool");
    promtool.args(arguments).current_dir(deployment.folder());
    let child = promtool.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("promtool is needed: apt-get install prometheus");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "promtool {arguments:?}: {}", said(&output));
}

/// R21, R22, R24: what both authorities signed decides; the page tells sequence and digest.
#[test]
fn r22_colours_follow_the_chain_and_the_page_tells_where_it_is() {
    let mut chain = Chain::new();
    chain.deployment.issue("42");
    chain.set(42, Colour::Green);
    let engine = chain.deployment.serve();
    chain.becomes("42", "clear", 0);
    chain.set(42, Colour::Red);
    chain.becomes("42", "status-red", 1);

    let page = metrics(&engine);
    let digest = chain.tip.digest;
    for row in [
        format!("hufu_follow_sequence{{issuer=\"{ISSUER}\"}} 2"),
        format!("hufu_follow_digest_info{{issuer=\"{ISSUER}\",digest=\"{digest}\"}} 1"),
        format!("hufu_follow_connected{{issuer=\"{ISSUER}\"}} 1"),
        format!("hufu_follow_forked{{issuer=\"{ISSUER}\"}} 0"),
        format!("hufu_follow_sets_total{{issuer=\"{ISSUER}\",outcome=\"applied\"}} 2"),
        format!("hufu_follow_changes_total{{issuer=\"{ISSUER}\"}} 2"),
        format!("hufu_follow_turned_total{{issuer=\"{ISSUER}\",outcome=\"red\"}} 1"),
        format!("hufu_follow_turned_total{{issuer=\"{ISSUER}\",outcome=\"green\"}} 1"),
        format!("hufu_follow_trips_total{{issuer=\"{ISSUER}\",outcome=\"silent\"}} 0"),
        format!("hufu_issuer_sequence{{issuer=\"{ISSUER}\"}} 2"),
    ] {
        assert!(page.contains(&row), "{row} is missing in\n{page}");
    }
    assert!(page.contains(&format!("hufu_follow_heard_seconds{{issuer=\"{ISSUER}\"}} ")), "{page}");
}

/// R22: stopped or killed, an engine begins with what it has served, without its feed; red stays red.
#[test]
fn r22_a_restart_serves_what_was_served_before_at_once() {
    let mut chain = Chain::new();
    chain.deployment.issue("42");
    chain.set(42, Colour::Green);
    let engine = chain.deployment.serve();
    chain.becomes("42", "clear", 0);
    engine.signal("-TERM");
    assert_eq!(engine.ended(), Some(0));

    let engine = chain.deployment.serve();
    engine.logs("issuer 310000 is at 1 again");
    assert_eq!(chain.deployment.check("42").0, "clear", "from the warm copy");
    chain.set(42, Colour::Red);
    chain.becomes("42", "status-red", 1);
    engine.signal("-KILL");
    assert_eq!(engine.ended(), None, "killed");
    fs::remove_dir_all(chain.drop()).unwrap();
    let _engine = chain.deployment.serve();
    assert_eq!(chain.deployment.check("42").0, "status-red", "from the tail");
}

/// R22: what was lost from the engine's own folder is told, and comes back with the sets.
#[test]
fn r22_an_engine_that_begins_with_less_than_it_had_says_so() {
    let mut chain = Chain::new();
    chain.deployment.issue("42");
    chain.set(42, Colour::Green);
    chain.set(42, Colour::Red);
    drop(chain.deployment.serve());
    let engine = chain.deployment.serve();
    chain.becomes("42", "status-red", 1);
    drop(engine);
    fs::remove_dir_all(chain.deployment.path("state/follow-310000")).unwrap();
    let engine = chain.deployment.serve();
    engine.logs("issuer 310000 begins at sequence 0, and this engine has served 2 before");
    chain.becomes("42", "status-red", 1);
}

/// A key that the trust list brings later counts from then on, without a restart.
#[test]
fn a_newer_trust_list_lets_the_chain_go_on() {
    let mut chain = Chain::new();
    chain.deployment.issue("42");
    chain.set(42, Colour::Green);
    let engine = chain.deployment.serve();
    chain.becomes("42", "clear", 0);
    // The engine has the list a moment later than the platform has the key.
    chain.national = signer(&chain.deployment, "other", NATIONAL);
    let [list, next] = ["trust.hufu", "next.hufu"].map(|name| chain.deployment.path(name));
    fs::copy(&list, &next).unwrap();
    chain.trust("next.hufu", "other", "confirmation,head");
    chain.set(42, Colour::Red);
    engine.logs("the national key");
    assert_eq!(chain.deployment.check("42").0, "clear", "nobody knows that key yet");
    fs::rename(next, list).unwrap();
    chain.becomes("42", "status-red", 1);
}

#[test]
fn an_issuer_has_one_source() {
    let chain = Chain::new();
    let check = |wanted: &str| {
        let output = chain.deployment.attempt("serve --config engine.toml --check");
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(wanted), "not {wanted:?}: {}", said(&output));
    };
    let good = chain.deployment.attempt("serve --config engine.toml --check");
    assert_eq!(good.status.code(), Some(0), "{}", said(&good));
    assert!(
        said(&good).contains("0 holders of 0 issuers") && said(&good).contains("; 1 issuers are followed"),
        "{}",
        said(&good)
    );
    let state = fs::read_dir(chain.deployment.path("state")).unwrap();
    let names: Vec<_> = state.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["cluster.keys"], "looking writes nothing");

    let text = fs::read_to_string(chain.deployment.path("engine.toml")).unwrap();
    chain
        .deployment
        .write("engine.toml", &text.replace("state = ", "snapshots = [\"statuses.snapshot\"]\nstate = "));
    let line = 1 + text.lines().position(|line| line == "[[follow]]").unwrap() + 2;
    check(&format!("issuer 310000 is followed (engine.toml:{line}, file:drop), and statuses.snapshot in"));
    chain
        .deployment
        .write("engine.toml", &text.replace("file:drop\"", "https://127.0.0.1:1\"\ntoken = \"none.token\""));
    check("cannot read none.token");
    chain.deployment.write("engine.toml", &format!("{text}snapshots = \"file:none\"\n"));
    check("No such file or directory");
}

/// `serve --follow` asks the trust list who is meant.
#[test]
fn the_short_form_follows_whom_the_trust_list_names() {
    let mut chain = Chain::new();
    chain.deployment.issue("42");
    chain.set(42, Colour::Green);
    chain.configure(|text| {
        text.split_once("\n[[follow]]").map_or_else(String::new, |(before, _)| before.to_owned())
    });
    let check = |follow: &str| {
        let line = format!("serve --config engine.toml --check --follow {follow}");
        said(&chain.deployment.attempt(&line))
    };
    assert!(check("file:drop").contains("1 issuers are followed"), "{}", check("file:drop"));
    let named = check("file:drop,310000,100000,100000");
    assert!(named.contains("1 issuers are followed") && !named.contains("has no valid key"), "{named}");
    let other = check("file:drop,310000,200000,100000");
    assert!(
        other.contains("the trust list has no valid key with which issuer 200000 may sign as national"),
        "{other}"
    );
    let own = check("file:drop,310000,310000,100000");
    assert!(own.contains("issuer 310000 cannot confirm its own changes"), "{own}");
    signer(&chain.deployment, "second", IssuerId(200_000));
    chain.trust("trust.hufu", "second", "confirmation");
    let unclear = check("file:drop");
    assert!(unclear.contains("exactly one issuer that may confirm changes"), "{unclear}");

    let engine = chain.deployment.serve_with(&["--follow", "file:drop,310000,100000,100000"]);
    chain.becomes("42", "clear", 0);
    eventually("the page tells of it", || {
        let page = metrics(&engine);
        if page.contains("hufu_follow_sequence{issuer=\"310000\"} 1") { Ok(()) } else { Err(page) }
    });
}
