//! An engine's process.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::land::{ISSUER, Land, NATIONAL, PUBLISHER};
use crate::process::{Process, free_port};
use crate::registry::Registry;

/// Where an engine's changes come from.
#[derive(Clone, Debug)]
pub struct Follow {
    /// The lines of its `[[follow]]` table after the three ids.
    pub lines: String,
}

/// An engine, in a folder of a land.
#[derive(Debug)]
pub struct Engine {
    name: String,
    ports: [u16; 3],
    process: Option<Process>,
}

impl Follow {
    /// Straight from a registry.
    pub fn registry(registry: &Registry) -> Follow {
        let (url, name) = (registry.url(), registry.name());
        Follow {
            lines: format!(
                "feed = \"{url}\"\ntoken = \"../{name}-feed.token\"\nca = \"../{name}/ca/ca.pem\"\n"
            ),
        }
    }

    /// Through NATS, with snapshots in a folder of the land.
    pub fn nats(servers: &str, snapshots: &str) -> Follow {
        Follow { lines: format!("feed = \"{servers}\"\nsnapshots = \"file:../{snapshots}\"\n") }
    }

    /// From a folder of the land that somebody fills.
    pub fn drop(folder: &str) -> Follow {
        Follow { lines: format!("feed = \"file:../{folder}\"\n") }
    }

    /// With more lines.
    #[must_use]
    pub fn with(mut self, lines: &str) -> Follow {
        self.lines.push_str(lines);
        self
    }
}

impl Engine {
    /// Makes an engine that follows `follow` and starts it.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(land: &Land, name: &str, follow: &Follow) -> Result<Engine> {
        let mut engine =
            Engine { name: name.to_owned(), ports: [free_port(), free_port(), free_port()], process: None };
        let [udp, quic, metrics] = engine.ports;
        fs::create_dir(land.path(name))?;
        let files = "operator_key = \"../operator.pub\"\ntrust_list = \"../trust.hufu\"\nsites = \"../sites.toml\"\n\
                     ca = \"../ca/ca.pem\"\ncertificate = \"../engine.pem\"\n\
                     key = \"../engine.key\"\ncrl = \"../ca/crl.pem\"\nstate = \"state\"\n";
        let ids = format!("issuer = {ISSUER}\nnational = {NATIONAL}\npublisher = {PUBLISHER}\n");
        let listen = format!(
            "udp = \"127.0.0.1:{udp}\"\nquic = \"127.0.0.1:{quic}\"\nmetrics = \"127.0.0.1:{metrics}\"\n"
        );
        land.write(
            &format!("{name}/engine.toml"),
            &format!(
                "[listen]\n{listen}\n[workers]\nthreads = 1\n\n[devices]\ndevices_max = 1024\nrate_per_s = 1000000\n\
                 burst = 1000000\n\n[memory]\nholders_max = 20000000\nseen_entries = 1048576\npass_back_entries = 65536\n\n\
                 [files]\n{files}snapshots = {:?}\n\n[[follow]]\n{ids}{}",
                land.snapshots(),
                follow.lines
            ),
        )?;
        engine.restart(land)?;
        Ok(engine)
    }

    /// Starts it again where it was.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self, land: &Land) -> Result<()> {
        let state = format!("{}/state", self.name);
        if !land.path(&format!("{state}/cluster.keys")).exists() {
            land.run(&format!("keys cluster migrate --seed cluster.seed --state {state}"))?;
        }
        let line = format!("serve --until-stdin-ends --config {}/engine.toml", self.name);
        let log = land.path(&format!("{}.log", self.name));
        self.process = Some(Process::start(land.command(&line), &log, "ready udp=")?);
        Ok(())
    }

    /// Kills it: SIGKILL.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("the engine does not run")?.kill()
    }

    /// Lets it end as it should.
    ///
    /// # Errors
    /// It does not.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().context("the engine does not run")?.stop()
    }

    /// Where gates enrol.
    pub fn control(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.ports[1]))
    }

    /// Its metrics page's address.
    pub fn metrics_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.ports[2])
    }

    /// What it has logged.
    pub fn log(&self, land: &Land) -> String {
        fs::read_to_string(land.path(&format!("{}.log", self.name))).unwrap_or_default()
    }

    /// The folder in which it keeps the followed issuer.
    pub fn kept(&self, land: &Land) -> PathBuf {
        land.path(&format!("{}/state/follow-{ISSUER}", self.name))
    }

    /// Its process.
    ///
    /// # Errors
    /// It does not run.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.process.as_ref().context("the engine does not run")?.id())
    }

    /// Its metrics page.
    ///
    /// # Errors
    /// It does not answer.
    pub fn metrics(&self) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[2]))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        ensure!(page.starts_with("HTTP/1.1 200"), "no metrics: {page}");
        Ok(page)
    }

    /// One figure of the followed issuer: the level or count `name` without the prefix `hufu_follow_`, of one outcome
    /// where it is counted by outcome.
    ///
    /// # Errors
    /// There is no such figure.
    pub fn figure(&self, name: &str, outcome: Option<&str>) -> Result<f64> {
        let page = self.metrics()?;
        let starts = [format!("hufu_follow_{name}{{"), format!("hufu_follow_{name}_total{{")];
        let outcome = outcome.map_or_else(String::new, |outcome| format!("outcome=\"{outcome}\""));
        let is_it =
            |line: &&str| starts.iter().any(|start| line.starts_with(start)) && line.contains(&outcome);
        let line = page.lines().find(is_it);
        let line = line.with_context(|| format!("no {name} {outcome} on the page:\n{page}"))?;
        Ok(line.rsplit(' ').next().unwrap_or_default().parse()?)
    }

    /// The chain digest that its words are at, as hexadecimal digits.
    ///
    /// # Errors
    /// It is not on the page.
    pub fn digest(&self) -> Result<String> {
        let page = self.metrics()?;
        let line = page.lines().find(|line| line.starts_with("hufu_follow_digest_info{"));
        let line = line.context("no digest on the page")?;
        let rest = line.split_once("digest=\"").context("no digest in its line")?.1;
        Ok(rest.split('"').next().unwrap_or_default().to_owned())
    }
}
