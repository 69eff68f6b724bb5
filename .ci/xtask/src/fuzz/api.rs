//! The registry's API, tried from its own OpenAPI document by schemathesis: a registry of this tree on this machine, with a
//! token of each scope and one of all of them. A command and no stage: it takes packages from PyPI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::FOLDER;
use crate::process::{Server, cargo, output_of, status_of};

const REQUIREMENT: &str = "schemathesis>=4.32,<5";
const CHECKS: &str = include_str!("api_checks.py");
const ISSUER: &str = "310000";
/// What each part checks. `documented_fault` is in `api_checks.py`.
const WITH_ALL: &str = "documented_fault,status_code_conformance,content_type_conformance,\
    response_schema_conformance,response_headers_conformance,negative_data_rejection";
const WITH_ONE: &str =
    "documented_fault,status_code_conformance,content_type_conformance,response_schema_conformance";
/// A feed does not end, and a token that was revoked by chance ends the run.
const LEFT_OUT: [&str; 2] = ["/v1/issuers/{issuer}/feed", "/v1/tokens/{token}"];

/// What came of it.
pub(super) struct Outcome {
    pub(super) passed: bool,
    pub(super) took: Duration,
    /// The last line that schemathesis printed of each token.
    parts: Vec<(String, String)>,
}

impl Outcome {
    pub(super) fn line(&self) -> String {
        self.parts
            .iter()
            .map(|(scope, line)| format!("api with {scope}: {line}"))
            .collect::<Vec<_>>()
            .join("\n")
    }

    pub(super) fn told(&self) -> Value {
        let parts: Vec<Value> =
            self.parts.iter().map(|(scope, line)| json!({ "scope": scope, "outcome": line })).collect();
        json!({ "passed": self.passed, "seconds": self.took.as_secs(), "parts": parts })
    }
}

/// Tries the API for about `time`: three quarters of it with a token of all scopes, the rest with one of each.
pub(super) fn run(time: Duration) -> Result<Outcome> {
    let started = Instant::now();
    let schemathesis = schemathesis()?;
    let hufu = hufu()?;
    let folder = std::env::current_dir()?.join(FOLDER).join("api");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("api_checks.py"), CHECKS)?;
    let told = told_scopes(&hufu, &folder)?;
    let server = Server::start(
        Command::new(&hufu)
            .args(["registry", "serve", "--config", "registry/registry.toml"])
            .current_dir(&folder)
            .stderr(fs::File::create(folder.join("registry.log"))?),
    )?;
    let address = server.address("api")?;
    let mut parts = Vec::new();
    let mut passed = true;
    let of_one = u32::try_from(told.len()).unwrap_or(u32::MAX).saturating_mul(4);
    let all = ("all", time * 3 / 4);
    for (scope, time) in told.iter().map(|scope| (scope.as_str(), time / of_one)).chain([all]) {
        let checks = if scope == "all" { WITH_ALL } else { WITH_ONE };
        let log = folder.join(format!("{scope}.txt"));
        let token = fs::read_to_string(folder.join(format!("{scope}.token")))?;
        let seconds = time.as_secs().max(5);
        let mut st = Command::new(&schemathesis);
        st.args(["run", &format!("http://{address}/v1/openapi.json"), "--checks", checks]);
        st.args(["--max-time", &seconds.to_string(), "--continue-on-failure", "--request-timeout", "30"]);
        st.args(["--report", "ndjson", "--report-dir", &format!("report-{scope}")]);
        for path in LEFT_OUT {
            st.args(["--exclude-path", path]);
        }
        // In the environment it would be seen by others as much as in the arguments; the registry lives for minutes.
        st.arg("-H").arg(format!("Authorization: Bearer {}", token.trim()));
        st.env("SCHEMATHESIS_HOOKS", "api_checks").env("PYTHONPATH", ".").current_dir(&folder);
        st.stdin(Stdio::null()).stdout(fs::File::create(&log)?);
        eprintln!("$ schemathesis run http://{address}/v1/openapi.json  # with {scope}, about {seconds} s");
        let is_good = st.status().context("schemathesis cannot be started")?.success();
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing was said");
        parts.push((scope.to_owned(), last.trim_matches(|c| c == '=' || c == ' ').to_owned()));
        if !is_good {
            passed = false;
            eprintln!("api with {scope}: failed; {} has each request as a curl command", log.display());
        }
    }
    // It must not have died on the way, and it must still be able to stop well.
    server.stop()?;
    Ok(Outcome { passed, took: started.elapsed(), parts })
}

/// Sets a registry up in `folder` with tokens, and returns the scopes that a token can have.
fn told_scopes(hufu: &Path, folder: &Path) -> Result<Vec<String>> {
    let hufu = |line: &str| output_of(Command::new(hufu).args(line.split(' ')).current_dir(folder));
    hufu("keys generate operator --out operator")?;
    hufu(&format!("keys generate issuer --issuer {ISSUER} --out issuer"))?;
    hufu("keys trust new --operator operator.key --out trust.hufu")?;
    hufu("keys trust add --operator operator.key --list trust.hufu --key issuer.pub")?;
    hufu(&format!(
        "registry init registry --issuer {ISSUER}=Shanghai --listen 127.0.0.1:0 --operator operator.pub --trust trust.hufu \
         --credential-key issuer.key --token-out all.token"
    ))?;
    hufu(
        "keys trust add --operator operator.key --list trust.hufu --key registry/publisher.pub --uses head",
    )?;
    fs::copy(folder.join("trust.hufu"), folder.join("registry/trust.hufu"))?;
    // Over plain HTTP, which a registry serves on its own machine when it has no certificate.
    let config = folder.join("registry/registry.toml");
    let text = fs::read_to_string(&config)?;
    let is_tls = |line: &&str| line.starts_with("certificate = ") || line.starts_with("key = ");
    let text: Vec<&str> = text.lines().filter(|line| !is_tls(line)).collect();
    fs::write(&config, text.join("\n"))?;
    let help = hufu("registry token new --help")?;
    let scopes = help.split("[possible values:").find(|rest| rest.trim_start().starts_with("admin,"));
    let scopes = scopes.context("`hufu registry token new --help` lists no scopes")?;
    let (scopes, _) = scopes.split_once(']').context("a list ends")?;
    let scopes: Vec<String> = scopes.split(',').map(|scope| scope.split_whitespace().collect()).collect();
    ensure!(scopes.len() > 5, "few scopes: {scopes:?}");
    for scope in &scopes {
        hufu(&format!(
            "registry token new --config registry/registry.toml --label {scope} --scopes {scope} --out {scope}.token"
        ))?;
    }
    Ok(scopes)
}

/// The binary that the tests are run with, as for the stage `clients`.
fn hufu() -> Result<PathBuf> {
    let build = ["test", "--locked", "--workspace", "--all-features", "--no-run", "--test", "implementers"];
    let mut build = cargo(build);
    eprintln!("$ {}", crate::process::told(&build));
    let built = build.stdin(Stdio::null()).output()?;
    ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    Ok(std::path::absolute(Path::new(&target).join("debug/hufu"))?)
}

/// Schemathesis in a virtual environment of its own, installed once for each requirement.
fn schemathesis() -> Result<PathBuf> {
    let venv = std::env::current_dir()?.join(FOLDER).join("schemathesis");
    let (program, stamp) = (venv.join("bin/schemathesis"), venv.join("requirement.txt"));
    if program.exists() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENT) {
        return Ok(program);
    }
    let quiet =
        |command: &mut Command| -> Result<bool> { Ok(status_of(command.stdout(Stdio::null()))?.success()) };
    ensure!(
        quiet(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?,
        "python3 cannot make a virtual environment (Debian: apt-get install python3-venv)"
    );
    let install =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
    ensure!(
        quiet(Command::new(venv.join("bin/python")).args(install).arg(REQUIREMENT))?,
        "{REQUIREMENT} could not be installed into {}. Without a network, fill a folder with `pip download '{REQUIREMENT}'` \
         where there is one, and set PIP_NO_INDEX=1 and PIP_FIND_LINKS=FOLDER",
        venv.display()
    );
    fs::write(stamp, REQUIREMENT)?;
    Ok(program)
}
