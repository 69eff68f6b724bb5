//! A registry in a folder, with an operator, two authorities and an administrator.

#![allow(dead_code, reason = "every test file uses its own part")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use crate::common::said;

pub(crate) const ISSUER: &str = "310000";

/// Ends with the world.
pub(crate) struct World {
    folder: tempfile::TempDir,
    registry: Child,
    /// Where its metrics page is.
    pub(crate) metrics: String,
    /// Where phones of holders are served.
    pub(crate) phones: String,
}

impl World {
    pub(crate) fn new() -> World {
        World::with("")
    }

    /// With more in the registry's configuration.
    pub(crate) fn with(more: &str) -> World {
        World::of("EdDSA", more)
    }

    /// The same with keys of this signature scheme for the operator, both authorities and the issuer's codes.
    pub(crate) fn of(scheme: &str, more: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        let run = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            let output = command(folder.path(), &words).output().unwrap();
            assert!(output.status.success(), "hufu {line}: {}", said(&output));
        };
        run(&format!("keys generate operator --scheme {scheme} --out operator"));
        for (name, issuer) in [("local", ISSUER), ("codes", ISSUER), ("national", "100000")] {
            run(&format!("keys generate issuer --issuer {issuer} --scheme {scheme} --out {name}"));
        }
        run("keys generate issuer --issuer 310009 --out face");
        run("keys trust new --operator operator.key --out trust.hufu");
        for (key, uses) in
            [("local", "instruction"), ("codes", "phone,paper,trip,roster"), ("national", "confirmation")]
        {
            run(&format!(
                "keys trust add --operator operator.key --list trust.hufu --key {key}.pub --uses {uses}"
            ));
        }
        run("registry init reg --issuer 310000=Shanghai --listen 127.0.0.1:0 --operator operator.pub \
             --trust trust.hufu --credential-key codes.key --token-out admin.token");
        run("keys trust add --operator operator.key --list trust.hufu --key reg/publisher.pub --uses head");
        fs::copy(folder.path().join("trust.hufu"), folder.path().join("reg/trust.hufu")).unwrap();

        let config = folder.path().join("reg/registry.toml");
        let text = fs::read_to_string(&config).unwrap();
        let with_metrics = text.replace("# metrics = \"\"", "metrics = \"127.0.0.1:0\"");
        assert_ne!(text, with_metrics);
        let with_phones = with_metrics.replace("# phones = \"\"", "phones = \"127.0.0.1:0\"");
        assert_ne!(with_phones, with_metrics);
        fs::write(&config, with_phones + more).unwrap();

        let mut registry = command(
            folder.path(),
            &["registry", "serve", "--config", "reg/registry.toml", "--until-stdin-ends"],
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(folder.path().join("registry.log")).unwrap())
        .spawn()
        .unwrap();
        let mut line = String::new();
        BufReader::new(registry.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let served = |name: &str| {
            let named = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            let told = || fs::read_to_string(folder.path().join("registry.log")).unwrap();
            named.unwrap_or_else(|| panic!("{line:?}: {}", told())).to_owned()
        };
        let (address, phones, metrics) = (served("api"), served("phones"), served("metrics"));
        let defaults =
            format!("registry = 'https://{address}'\ntoken = 'admin.token'\nca = 'reg/ca/ca.pem'\n");
        fs::write(folder.path().join("hufu.toml"), defaults).unwrap();
        World { folder, registry, metrics, phones }
    }

    /// Stops the registry as the system would.
    pub(crate) fn stop(&mut self) {
        drop(self.registry.stdin.take());
        self.registry.wait().unwrap();
    }

    /// Starts a line and does not wait for its end. What it says goes to `started.log`.
    pub(crate) fn start(&self, line: &str) -> Child {
        let words: Vec<_> = line.split_whitespace().collect();
        let log = fs::File::options().append(true).create(true).open(self.path("started.log")).unwrap();
        let errors = log.try_clone().unwrap();
        command(self.folder.path(), &words).stdout(log).stderr(errors).spawn().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs a line without quotes.
    pub(crate) fn hufu(&self, line: &str) -> Output {
        self.hufu_args(&line.split_whitespace().collect::<Vec<_>>())
    }

    pub(crate) fn hufu_args(&self, arguments: &[&str]) -> Output {
        command(self.folder.path(), arguments).output().unwrap()
    }

    /// The same with something on standard input.
    pub(crate) fn hufu_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = command(self.folder.path(), arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs a line, which must end well, and returns what it printed.
    pub(crate) fn ok(&self, line: &str) -> String {
        self.ok_args(&line.split_whitespace().collect::<Vec<_>>())
    }

    pub(crate) fn ok_args(&self, arguments: &[&str]) -> String {
        let output = self.hufu_args(arguments);
        assert!(output.status.success(), "hufu {arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Registers holders 0, 1, ...
    pub(crate) fn add_holders(&self, count: u32) {
        for holder in 0..count {
            let number = format!("passport:E{:08}", holder + 1);
            let added = self.add_holder("Li Hua", &number);
            assert!(added.status.success(), "{}", said(&added));
        }
    }

    /// Registers one holder.
    pub(crate) fn add_holder(&self, name: &str, number: &str) -> Output {
        self.hufu_with(&["holder", "add", "--issuer", ISSUER, "--name", name], &format!("{number}\n"))
    }

    /// Looks for a holder.
    pub(crate) fn find_holder(&self, number: &str) -> Output {
        let line = ["holder", "find", "--issuer", ISSUER, "--id-number-file", "-"];
        self.hufu_with(&line, &format!("{number}\n"))
    }

    /// Proposes as the local authority.
    pub(crate) fn propose(&self, what: &str) {
        let mut words = vec!["change", "propose", "--key", "local.key", "--reason", "a test", "--yes"];
        words.extend(what.split_whitespace());
        self.ok_args(&words);
    }

    /// Audits, finds nothing, and returns the report.
    pub(crate) fn audit_agrees(&self) -> Value {
        let report = self.ok("audit --issuer 310000 --national 100000 --publisher 900000 --json");
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["agrees"], true, "{report:#}");
        report
    }

    /// Writes a word past the registry, as whoever has the database can.
    pub(crate) fn alter_status(&self, holder: u32, word: i64) {
        let altered = self.on_database(async |pool| {
            let query = sqlx::query("UPDATE statuses SET word = ?1 WHERE issuer = 310000 AND holder = ?2");
            query.bind(word).bind(holder).execute(pool).await.unwrap().rows_affected()
        });
        assert_eq!(altered, 1);
    }

    /// Takes the newest migration back, as far as the database tells which were run; how many there were to take.
    pub(crate) fn forget_migration(&self) -> u64 {
        self.on_database(async |pool| {
            let query = sqlx::query("DELETE FROM _sqlx_migrations WHERE version = 11");
            query.execute(pool).await.unwrap().rows_affected()
        })
    }

    fn on_database<T>(&self, work: impl AsyncFnOnce(&SqlitePool) -> T) -> T {
        let options = SqliteConnectOptions::new().filename(self.path("reg/registry.db"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pool = SqlitePool::connect_with(options).await.unwrap();
            let done = work(&pool).await;
            pool.close().await;
            done
        })
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hufu"));
    command.args(arguments).current_dir(folder).env_remove("RUST_LOG").stdin(Stdio::null());
    for name in ["HUFU_REGISTRY", "HUFU_TOKEN_FILE", "HUFU_CA", "HUFU_TIME_ZONE"] {
        command.env_remove(name);
    }
    command
}

impl Drop for World {
    fn drop(&mut self) {
        // Its standard input ends: it stops by itself, and in any case.
        drop(self.registry.stdin.take());
        let _ = self.registry.kill();
        let _ = self.registry.wait();
    }
}
