//! A redis-server of the run's own: on a Unix socket in a temporary folder, nothing written to disk.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io};

use anyhow::{Context as _, bail};
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

/// The process; it ends with this value.
pub(super) struct RedisServer {
    process: Child,
    client: redis::Client,
    folder: TempDir,
}

const START_WITHIN: Duration = Duration::from_secs(10);

/// Starts a redis-server. Where none is installed, root gets one from the system's packages.
pub(super) async fn start() -> anyhow::Result<RedisServer> {
    let folder = tempfile::tempdir()?;
    let process = match launch(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            install()?;
            launch(&folder)
        }
        started => started,
    };
    let process = process.context("redis-server cannot be started")?;
    let client = redis::Client::open(format!("redis+unix://{}", socket(&folder).display()))?;
    let mut server = RedisServer { process, client, folder };
    let began = Instant::now();
    while server.connect().await.is_err() {
        if let Some(status) = server.process.try_wait()? {
            bail!("redis-server ended at once: {status}: {}", server.log());
        }
        if began.elapsed() > START_WITHIN {
            bail!("redis-server does not answer: {}", server.log());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(server)
}

impl RedisServer {
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(super) async fn connect(&self) -> redis::RedisResult<MultiplexedConnection> {
        self.client.get_multiplexed_async_connection().await
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Either fails only where the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn launch(folder: &TempDir) -> io::Result<Child> {
    let log = File::create(folder.path().join("log"))?;
    Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--daemonize", "no"])
        .arg("--unixsocket")
        .arg(socket(folder))
        .arg("--dir")
        .arg(folder.path())
        .stdin(Stdio::null())
        .stderr(log.try_clone()?)
        .stdout(log)
        .spawn()
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("redis.sock")
}

fn install() -> anyhow::Result<()> {
    const ADVICE: &str =
        "redis-server is not installed; install it (apt-get install redis-server) and run again";
    if !rustix::process::geteuid().is_root() {
        bail!(ADVICE);
    }
    eprintln!("installing redis-server with apt-get");
    let apt = |arguments: &[&str]| {
        let quiet = ["-qq", "-o=Dpkg::Use-Pty=0"];
        Command::new("apt-get")
            .args(quiet)
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            // A service of the package's own would only take time from the others.
            .env("RUNLEVEL", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
    };
    let _ = apt(&["update"]);
    match apt(&["install", "--yes", "--no-install-recommends", "redis-server"]) {
        Ok(status) if status.success() => Ok(()),
        _ => bail!(ADVICE),
    }
}
