//! Load for `hufu bridge`: terminals that ask at fixed moments, whether they were answered or not.
//!
//! Makes an engine and a bridge with the binary it is given, asks from as many terminals as told, each on a connection of
//! its own, and prints one object: answers, latency from the moment a scan was due, and CPU of both processes.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use serde_json::json;

/// Measure a bridge.
#[derive(Parser)]
struct Args {
    /// The binary to measure
    #[arg(long, value_name = "FILE", default_value = "target/release/hufu")]
    hufu: PathBuf,
    /// A new folder for the deployment
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Terminals, each a device; a device may ask 200 times a second
    #[arg(long, value_name = "N", default_value_t = 64)]
    terminals: u32,
    /// Checks a second of all terminals
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    rate: u32,
    /// How long
    #[arg(long, value_name = "N", default_value_t = 10)]
    seconds: u32,
}

const SITE: u32 = 310_101;

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(args.terminals > 0 && args.rate > 0, "terminals and rate are at least 1");
    let hufu =
        args.hufu.canonicalize().with_context(|| format!("{}: build it first", args.hufu.display()))?;
    fs::create_dir(&args.out).with_context(|| format!("{} must be new", args.out.display()))?;
    let out = args.out.canonicalize()?;
    make(&hufu, &out, args.terminals)?;
    let engine = Running::start(&hufu, &out, &["serve", "--config", "engine.toml"])?;
    let bridge = Running::start(&hufu, &out, &["bridge"])?;
    let address = bridge.ready.trim().rsplit('=').next().unwrap_or_default().to_owned();
    wait_until_ready(&address)?;
    let code = run(&hufu, &out, "present --holder 42.holder")?;
    let before = [&engine, &bridge].map(Running::cpu_us);
    let mut latencies = load(&address, code.trim(), &args)?;
    let after = [&engine, &bridge].map(Running::cpu_us);
    let answered = latencies.len();
    latencies.sort_unstable();
    // Places in ten thousand.
    let at = |place: usize| latencies.get(answered * place / 10_000);
    let each_ns = |process: usize| (after[process] - before[process]) * 1_000 / answered.max(1) as u64;
    let report = json!({
        "terminals": args.terminals, "rate": args.rate, "seconds": args.seconds,
        "asked": args.rate * args.seconds / args.terminals * args.terminals, "admitted": answered,
        "p50_us": at(5_000), "p99_us": at(9_900), "p999_us": at(9_990),
        "bridge_cpu_ns_a_check": each_ns(1), "engine_cpu_ns_a_check": each_ns(0),
    });
    println!("{report:#}");
    Ok(())
}

/// Keys, an engine, a green holder, and a gate and a token for each terminal.
fn make(hufu: &Path, out: &Path, terminals: u32) -> anyhow::Result<()> {
    let quic = "127.0.0.1:17411";
    for line in [
        "keys generate operator --out operator",
        "keys generate issuer --issuer 310000 --out issuer",
        "keys cluster new --state state",
        "keys trust new --operator operator.key --out trust.hufu",
        "keys trust add --operator operator.key --list trust.hufu --key issuer.pub",
        "ca init --dir ca",
        "ca server --dir ca --out engine",
        "snapshot new --issuer 310000 --out statuses.snapshot",
        "snapshot set statuses.snapshot --holder 42 --colour green",
        "issue phone --key issuer.key --holder 42 --display L*0042 --out 42.holder",
    ] {
        run(hufu, out, line)?;
    }
    let mut settings = "listen = '127.0.0.1:0'\n".to_owned();
    for device in 1..=terminals {
        run(
            hufu,
            out,
            &format!("ca device --dir ca --device {device} --site {SITE} --engine {quic} --out g{device}"),
        )?;
        let token = out.join(format!("{device}.token"));
        fs::write(&token, token_of(device))?;
        fs::set_permissions(token, fs::Permissions::from_mode(0o600))?;
        writeln!(settings, "[[terminal]]\nname = '{device}'\ngate = 'g{device}'\ntoken = '{device}.token'")?;
    }
    fs::write(out.join("bridge.toml"), settings)?;
    let site = format!(
        "[[site]]\nid = {SITE}\nname = 'Hall'\naccepts = ['phone']\npass_back_s = 0\nstaleness_ms_max = 86400000\n"
    );
    fs::write(out.join("sites.toml"), site)?;
    let engine = format!(
        "[listen]\nudp = '127.0.0.1:17410'\nquic = '{quic}'\nmetrics = ''\n[workers]\nthreads = 1\n[files]\n\
         operator_key = 'operator.pub'\ntrust_list = 'trust.hufu'\nsites = 'sites.toml'\n\
         snapshots = ['statuses.snapshot']\nca = 'ca/ca.pem'\ncertificate = 'engine.pem'\nkey = 'engine.key'\n\
         crl = 'ca/crl.pem'\nstate = 'state'\n"
    );
    fs::write(out.join("engine.toml"), engine)?;
    Ok(())
}

fn token_of(device: u32) -> String {
    format!("token-of-terminal-{device:06}")
}

fn run(hufu: &Path, out: &Path, line: &str) -> anyhow::Result<String> {
    let done = Command::new(hufu).args(line.split(' ')).current_dir(out).output()?;
    if !done.status.success() {
        bail!("hufu {line}: {}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(String::from_utf8(done.stdout)?)
}

fn wait_until_ready(address: &str) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET /readyz HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200") {
            return Ok(());
        }
        ensure!(begun.elapsed() < Duration::from_secs(60), "not ready: {answer}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Microseconds from the moment each scan was due to its answer, of those that were admitted.
fn load(address: &str, code: &str, args: &Args) -> anyhow::Result<Vec<u32>> {
    let every = Duration::from_secs_f64(f64::from(args.terminals) / f64::from(args.rate));
    let count = args.rate * args.seconds / args.terminals;
    let begin = Instant::now() + Duration::from_millis(200);
    thread::scope(|scope| {
        let terminals: Vec<_> = (0..args.terminals)
            .map(|at| {
                let first = begin + every.mul_f64(f64::from(at) / f64::from(args.terminals));
                scope.spawn(move || terminal(address, code, at + 1, first, every, count))
            })
            .collect();
        let mut all = Vec::new();
        for terminal in terminals {
            match terminal.join() {
                Ok(latencies) => all.extend(latencies?),
                Err(_) => bail!("a terminal panicked"),
            }
        }
        Ok(all)
    })
}

fn terminal(
    address: &str,
    code: &str,
    device: u32,
    first: Instant,
    every: Duration,
    count: u32,
) -> anyhow::Result<Vec<u32>> {
    let body = json!({ "code": code }).to_string();
    let request = format!(
        "POST /v1/check HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
        token_of(device),
        body.len()
    );
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut latencies = Vec::with_capacity(count as usize);
    let mut answer = [0; 4096];
    for scan in 0..count {
        let due = first + every * scan;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        stream.write_all(request.as_bytes())?;
        // An answer is one segment.
        let bytes = stream.read(&mut answer)?;
        let text = String::from_utf8_lossy(&answer[..bytes]);
        ensure!(text.starts_with("HTTP/1.1 200") && text.ends_with('}'), "terminal {device}: {text}");
        if text.contains("\"decision\":\"admit\"") {
            latencies.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    }
    Ok(latencies)
}

/// A process that ends with this one.
struct Running {
    child: Child,
    ready: String,
}

impl Running {
    fn start(hufu: &Path, out: &Path, arguments: &[&str]) -> anyhow::Result<Running> {
        let mut child = Command::new(hufu)
            .args(arguments)
            .arg("--until-stdin-ends")
            .current_dir(out)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().context("no output")?;
        let mut ready = String::new();
        BufReader::new(output).read_line(&mut ready)?;
        ensure!(ready.starts_with("ready "), "hufu {arguments:?} did not start");
        Ok(Running { child, ready })
    }

    /// CPU time of all its threads so far.
    fn cpu_us(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        // utime and stime, proc(5), after the name; in ticks of 10 ms.
        (ticks(11) + ticks(12)) * 10_000
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It has been told.
        let _ = self.child.wait();
    }
}
