//! What an enrolled device costs while it does nothing: measured in a process of its own, with its clients in
//! another one.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

#[path = "../serve/ca.rs"]
#[expect(dead_code, reason = "shared with the tests that need all of it")]
mod ca;
#[path = "../serve/recorder.rs"]
#[expect(dead_code, reason = "shared with the tests that need all of it")]
mod recorder;
#[path = "../serve/rig.rs"]
#[expect(dead_code, reason = "shared with the tests that need all of it")]
mod rig;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use hufu_client::{Control, Identity, endpoint};
use hufu_transport::profile::{ENGINE_NAME, names};
use rig::{Rig, block_on};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

const CONNECTIONS: usize = 400;
const BYTES_MAX: usize = 64 << 10;
/// Names the engine's address to the process that plays the devices.
const ENGINE: &str = "HUFU_TEST_IDLE_ENGINE";

#[test]
fn an_idle_connection_takes_less_than_64_kib() {
    if let Ok(engine) = std::env::var(ENGINE) {
        return be_the_devices(engine.parse().unwrap());
    }
    let rig = Rig::start_with(|setup| {
        setup.options.quic.connections_per_device_max = 2 * CONNECTIONS;
        setup.options.quic.handshakes_per_source_max = CONNECTIONS;
    });
    // The first connections pay for what all share.
    let warm = Devices::connect(&rig);
    let before = resident_bytes();
    let idle = Devices::connect(&rig);
    assert_eq!(rig.metric("hufu_quic_connections"), 2 * CONNECTIONS as u64);
    let each = resident_bytes().saturating_sub(before) / CONNECTIONS;
    println!("{each} bytes for each idle mTLS connection");
    assert!(each < BYTES_MAX, "{each} bytes");
    idle.disconnect();
    warm.disconnect();
    rig.running.stop();
}

/// The process that plays the devices.
struct Devices(Child);

impl Devices {
    /// Returns once all connections are there and idle.
    fn connect(rig: &Rig) -> Devices {
        let grant = rig.grant(0);
        let (certificate, key) = rig.ca.device_certificate(&names(grant), grant);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--nocapture", "an_idle_connection"])
            .env(ENGINE, rig.running.quic_addr.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        for der in [certificate.as_ref(), key.secret_der(), rig.ca.root().as_ref()] {
            let mut stdin = child.stdin.as_ref().unwrap();
            for byte in der {
                write!(stdin, "{byte:02x}").unwrap();
            }
            writeln!(stdin).unwrap();
        }
        let told = BufReader::new(child.stdout.as_mut().unwrap()).lines().map(Result::unwrap);
        assert!(told.into_iter().any(|line| line.contains("all connected")), "the devices have connected");
        Devices(child)
    }

    fn disconnect(mut self) {
        writeln!(self.0.stdin.as_ref().unwrap(), "go").unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

fn be_the_devices(engine: SocketAddr) {
    let mut lines = std::io::stdin().lines().map(Result::unwrap);
    let mut der = || {
        let line = lines.next().unwrap();
        (0..line.len()).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap()).collect()
    };
    let (certificate, key, root): (Vec<u8>, Vec<u8>, Vec<u8>) = (der(), der(), der());
    // It holds the lock on standard input, which is read again below.
    drop(lines);
    let chain = vec![CertificateDer::from(certificate)];
    let identity =
        Identity::from_der(chain, PrivateKeyDer::Pkcs8(key.into()), &[CertificateDer::from(root)]).unwrap();
    block_on(async {
        let endpoint = endpoint(engine).unwrap();
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let control = Control::connect_from(&endpoint, engine, ENGINE_NAME, &identity).await.unwrap();
            control.enrol().await.unwrap();
            connections.push(control);
        }
        println!("all connected");
        let told = tokio::task::spawn_blocking(|| std::io::stdin().lines().next());
        assert!(told.await.unwrap().is_some());
    });
}

/// Resident memory of this process (proc(5)).
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let row = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    row.split_ascii_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
}
