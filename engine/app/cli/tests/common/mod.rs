//! A small deployment in a folder, made and used with the real binary alone.

#![allow(dead_code, reason = "every test file uses its own part")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

pub(crate) mod browser;
pub(crate) mod figures;
pub(crate) mod scanner;
pub(crate) mod source;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const ISSUER: &str = "310000";
pub(crate) const SITE: &str = "310101";
/// The zone in which a day ends last.
const ENDS_LAST: &str = "Etc/GMT+12";
/// Slow machines and full cores included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the binary in `folder`.
pub(crate) fn hufu(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .env_remove("HUFU_TIME_ZONE")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Runs the binary, which must end well, and returns what it printed.
pub(crate) fn ok(folder: &Path, arguments: &[&str]) -> String {
    let output = hufu(folder, arguments);
    assert!(output.status.success(), "hufu {arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a line that must end in `status` and say `wanted`.
pub(crate) fn check(folder: &Path, line: &[&str], status: i32, wanted: &str) {
    let output = hufu(folder, line);
    assert_eq!(output.status.code(), Some(status), "{line:?}: {}", said(&output));
    assert!(said(&output).contains(wanted), "{line:?} does not say {wanted:?}: {}", said(&output));
    assert!(!said(&output).contains("panicked"), "{line:?}: {}", said(&output));
}

/// Exit status and everything printed.
pub(crate) fn said(output: &Output) -> String {
    format!(
        "status {:?}\n{}{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// What "at once" means for a file: engines look at theirs once a second, and then act. Slow machines included.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(6);

/// Asks an engine's metrics address for a page: its status and all of the answer.
pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
    (status, answer)
}

/// Repeats `ask` until it is content: engines look at their files once a second.
pub(crate) fn eventually<T>(what: &str, ask: impl FnMut() -> Result<T, String>) -> T {
    within(PATIENCE, what, ask)
}

/// The same, which must happen this soon.
pub(crate) fn within<T>(limit: Duration, what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match ask() {
            Ok(found) => return found,
            Err(why) if begun.elapsed() > limit => panic!("{what} within {limit:?}: {why}"),
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// An address that is free now and fixed from here on, so that a restarted engine is where its gates look for
/// it: below the ports that the system gives to anybody, and never given twice by one process.
pub(crate) fn free_address() -> String {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(97);
    loop {
        let port = 10_000 + first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let address = format!("127.0.0.1:{port}");
        if UdpSocket::bind(&address).is_ok() {
            return address;
        }
    }
}

/// Keys, trust list, CA, a gate (device 7), a terminal (device 8), a snapshot with a green holder 42.
pub(crate) struct Deployment {
    folder: PathBuf,
    /// Removes the folder when it was made here.
    _temporary: Option<tempfile::TempDir>,
}

/// A running engine of a deployment, or a registry.
pub(crate) struct Engine {
    child: Child,
    stdin: Option<ChildStdin>,
    log: PathBuf,
    /// Bytes of the log that are of earlier runs.
    log_begins: usize,
    /// The line in which it said where it is.
    pub(crate) ready: String,
}

impl Deployment {
    pub(crate) fn new() -> Deployment {
        let temporary = tempfile::tempdir().unwrap();
        let deployment = Deployment { folder: temporary.path().to_path_buf(), _temporary: Some(temporary) };
        let [udp, quic] = [free_address(), free_address()];
        deployment.run("keys generate operator --out operator");
        deployment.run(&format!("keys generate issuer --issuer {ISSUER} --out issuer"));
        deployment.run("keys cluster new --state state");
        deployment.run("keys trust new --operator operator.key --out trust.hufu");
        deployment.run("keys trust add --operator operator.key --list trust.hufu --key issuer.pub");
        deployment.run("ca init --dir ca");
        deployment.run("ca server --dir ca --out engine");
        deployment.run(&format!("ca device --dir ca --device 7 --site {SITE} --engine {quic} --out gate"));
        deployment.run(&format!(
            "ca device --dir ca --device 8 --site {SITE} --scope rosters --engine {quic} --out terminal"
        ));
        deployment.run(&format!("snapshot new --issuer {ISSUER} --out statuses.snapshot"));
        deployment.set("42", "green");
        deployment.write(
            "sites.toml",
            &format!("[[site]]\nid = {SITE}\nname = \"North gate\"\naccepts = [\"phone\", \"paper\"]\nroster = true\nstaleness_ms_max = 86400000\n"),
        );
        deployment.write(
            "engine.toml",
            &format!(
                "[listen]\nudp = \"{udp}\"\nquic = \"{quic}\"\nmetrics = \"\"\n\n[workers]\nthreads = 1\n\n\
                 [devices]\ndevices_max = 64\n\n[memory]\nholders_max = 1000000\nseen_entries = 4096\n\
                 pass_back_entries = 4096\n\n[files]\noperator_key = \"operator.pub\"\n\
                 trust_list = \"trust.hufu\"\nsites = \"sites.toml\"\nsnapshots = [\"statuses.snapshot\"]\n\
                 ca = \"ca/ca.pem\"\ncertificate = \"engine.pem\"\n\
                 key = \"engine.key\"\ncrl = \"ca/crl.pem\"\nstate = \"state\"\n"
            ),
        );
        deployment
    }

    /// A deployment that is there already.
    pub(crate) fn at(folder: PathBuf) -> Deployment {
        Deployment { folder, _temporary: None }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        // Replaced, as editors and deployments do: an engine must never read half a file.
        let new = self.path(&format!("{name}.new"));
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path(name)).unwrap();
    }

    /// Runs a command whose words have no spaces.
    pub(crate) fn run(&self, line: &str) -> String {
        ok(self.folder(), &line.split(' ').collect::<Vec<_>>())
    }

    /// Runs a command that may fail.
    pub(crate) fn attempt(&self, line: &str) -> Output {
        hufu(self.folder(), &line.split(' ').collect::<Vec<_>>())
    }

    /// Has its engine keep records of checks, with days of the zone in which they end last.
    pub(crate) fn keep_records(&self) {
        self.run("records secret --out records.secret");
        let config = fs::read_to_string(self.path("engine.toml")).unwrap();
        let records =
            "folder = 'records'\nkeys = 'record-keys'\nsecret = 'records.secret'\nsegment_mib = 1\n";
        let zone = format!("time_zone = '{ENDS_LAST}'\n");
        self.write("engine.toml", &format!("{config}\n[records]\n{records}{zone}"));
    }

    /// The engine's configuration where it is tomorrow, as `tomorrow.toml`.
    pub(crate) fn write_tomorrow(&self) {
        let config = fs::read_to_string(self.path("engine.toml")).unwrap();
        self.write("tomorrow.toml", &config.replace(ENDS_LAST, "Pacific/Kiritimati"));
    }

    /// Closes the day of the records that its engine kept: runs it for a moment where it is tomorrow.
    pub(crate) fn close_day(&self) {
        self.write_tomorrow();
        let arguments = ["serve", "--until-stdin-ends", "--config", "tomorrow.toml"];
        let engine = self.start("engine.log", &arguments, "ready udp=");
        engine.signal("-TERM");
        engine.ended();
    }

    /// The service of the holder's view, which writes everything to its log that it can.
    pub(crate) fn serve_views(&self, more: &[&str]) -> Engine {
        let arguments = [
            "records",
            "serve",
            "--until-stdin-ends",
            "--listen",
            "127.0.0.1:0",
            "--views",
            "views",
            "--keys",
            "record-keys",
            "--secret",
            "records.secret",
            "--sites",
            "sites.toml",
        ];
        let arguments = [&arguments, more].concat();
        self.start_logging(Some("trace"), "views.log", &arguments, "ready api=")
    }

    /// The day that records of now are of.
    pub(crate) fn day(&self) -> String {
        let report = self.run("records verify --folder records --json");
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        report["days"].as_array().unwrap().last().unwrap()["day"].as_str().unwrap().to_owned()
    }

    pub(crate) fn set(&self, holder: &str, colour: &str) {
        self.run(&format!("snapshot set statuses.snapshot --holder {holder} --colour {colour}"));
    }

    /// Issues a phone credential to `holder`.
    pub(crate) fn issue(&self, holder: &str) -> PathBuf {
        let out = self.path(&format!("{holder}.holder"));
        let name = out.to_str().unwrap();
        ok(
            self.folder(),
            &[
                "issue",
                "phone",
                "--key",
                "issuer.key",
                "--holder",
                holder,
                "--display",
                "L*0042",
                "--out",
                name,
            ],
        );
        out
    }

    /// The phone's code of now.
    pub(crate) fn code(&self, holder: &str) -> String {
        self.run(&format!("present --holder {holder}.holder")).trim().to_owned()
    }

    /// Asks about the code of now; the reason that came back, and the exit status.
    pub(crate) fn check(&self, holder: &str) -> (String, Option<i32>) {
        let output = hufu(self.folder(), &["check", "--gate", "gate", "--json", &self.code(holder)]);
        let text = String::from_utf8_lossy(&output.stdout);
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        (answer["reason"].as_str().unwrap_or("no verdict").to_owned(), output.status.code())
    }

    /// Asks until the answer is `reason` with `status`.
    pub(crate) fn becomes(&self, holder: &str, reason: &str, status: i32) {
        eventually(reason, || {
            let answer = self.check(holder);
            if answer == (reason.to_owned(), Some(status)) { Ok(()) } else { Err(format!("{answer:?}")) }
        });
    }

    pub(crate) fn serve(&self) -> Engine {
        self.serve_with(&[])
    }

    /// The same with more arguments.
    pub(crate) fn serve_with(&self, more: &[&str]) -> Engine {
        let arguments = ["serve", "--until-stdin-ends", "--config", "engine.toml"];
        self.start("engine.log", &[&arguments, more].concat(), "ready udp=")
    }

    /// A registry that runs like an engine: until it is dropped.
    pub(crate) fn serve_registry(&self, config: &str) -> Engine {
        let arguments = ["registry", "serve", "--until-stdin-ends", "--config", config];
        self.start("registry.log", &arguments, "ready api=")
    }

    /// Another engine of the same cluster, at another address, which gates ask first.
    pub(crate) fn serve_second(&self) -> Engine {
        for line in [
            "keys cluster ask --out second",
            "keys cluster export --state state --for second.ask --out second.sealed",
            "keys cluster import --state second --ask second --from second.sealed",
        ] {
            self.run(line);
        }
        let config = fs::read_to_string(self.path("engine.toml")).unwrap();
        // Enrolments name one port for sealed requests, at whichever address an engine is.
        let config = config.replace("127.0.0.1", "127.0.0.2").replace("\"state\"", "\"second\"");
        self.write("second.toml", &config);
        let gate = fs::read_to_string(self.path("gate/gate.toml")).unwrap();
        let quic = config.split('"').skip_while(|word| !word.contains("quic")).nth(1).unwrap();
        self.write("gate/gate.toml", &gate.replace("engines = [", &format!("engines = [\"{quic}\", ")));
        self.start("second.log", &["serve", "--until-stdin-ends", "--config", "second.toml"], "ready udp=")
    }

    /// A bridge that runs like an engine.
    pub(crate) fn serve_bridge(&self, config: &str) -> Engine {
        self.start("bridge.log", &["bridge", "--until-stdin-ends", "--config", config], "ready api=")
    }

    /// A console that runs like an engine.
    pub(crate) fn serve_console(&self, config: &str) -> Engine {
        self.start(
            "console.log",
            &["console", "serve", "--until-stdin-ends", "--config", config],
            "ready pages=",
        )
    }

    /// Another service that runs like an engine, and begins with a line `wanted`.
    pub(crate) fn serve_other(&self, log: &str, arguments: &[&str], wanted: &str) -> Engine {
        self.start(log, arguments, wanted)
    }

    fn start(&self, log: &str, arguments: &[&str], wanted: &str) -> Engine {
        self.start_logging(None, log, arguments, wanted)
    }

    fn start_logging(&self, level: Option<&str>, log: &str, arguments: &[&str], wanted: &str) -> Engine {
        let log = self.path(log);
        let log_begins = fs::read(&log).map_or(0, |earlier| earlier.len());
        let mut child = Command::new(env!("CARGO_BIN_EXE_hufu"))
            .args(arguments)
            .current_dir(self.folder())
            .env_remove("RUST_LOG")
            .envs(level.map(|level| ("RUST_LOG", level)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::OpenOptions::new().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let engine = Engine { child, stdin, log, log_begins, ready };
        let ready = &engine.ready;
        assert!(ready.starts_with(wanted), "{ready:?}\n{}", engine.log());
        engine
    }
}

impl Engine {
    /// What this run has written: a restart appends to the log, and must not be believed for what the run before
    /// it wrote.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(log.get(self.log_begins..).unwrap_or_default()).into_owned()
    }

    /// Waits for a line in the log.
    pub(crate) fn logs(&self, wanted: &str) {
        eventually(wanted, || if self.log().contains(wanted) { Ok(()) } else { Err(self.log()) });
    }

    pub(crate) fn signal(&self, signal: &str) {
        assert!(
            Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success()
        );
    }

    /// Waits for the process to end and returns its status.
    pub(crate) fn ended(mut self) -> Option<i32> {
        eventually("the engine ends", || match self.child.try_wait().unwrap() {
            Some(status) => Ok(status.code()),
            None => Err("it runs".to_owned()),
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
