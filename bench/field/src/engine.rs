//! An engine's process.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use hufu_authority::figures;

use crate::deployment::{Deployment, ISSUER, NATIONAL, PUBLISHER};
use crate::process::{Process, free_port};
use crate::registry::Registry;
use crate::relay::Line;

/// Where an engine's changes come from.
#[derive(Clone, Debug)]
pub struct Follow {
    /// The lines of its `[[follow]]` table after the three ids.
    pub lines: String,
}

/// An engine, in a folder of a deployment.
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

    /// From a registry through a line to it.
    pub fn through(registry: &Registry, line: &Line) -> Follow {
        let (lines, url) = (Follow::registry(registry).lines, registry.url());
        Follow { lines: lines.replace(&url, &format!("https://{}", line.address())) }
    }

    /// Through NATS, with snapshots in a folder of the deployment.
    pub fn nats(servers: &str, snapshots: &str) -> Follow {
        Follow { lines: format!("feed = \"{servers}\"\nsnapshots = \"file:../{snapshots}\"\n") }
    }

    /// From a folder of the deployment that the caller fills.
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
    pub fn start(deployment: &Deployment, name: &str, follow: &Follow) -> Result<Engine> {
        let mut engine =
            Engine { name: name.to_owned(), ports: [free_port(), free_port(), free_port()], process: None };
        let [udp, quic, metrics] = engine.ports;
        fs::create_dir(deployment.path(name))?;
        let files = "operator_key = \"../operator.pub\"\ntrust_list = \"../trust.hufu\"\nsites = \"../sites.toml\"\n\
                     ca = \"../ca/ca.pem\"\ncertificate = \"../engine.pem\"\n\
                     key = \"../engine.key\"\ncrl = \"../ca/crl.pem\"\nstate = \"state\"\n";
        let ids = format!("issuer = {ISSUER}\nnational = {NATIONAL}\npublisher = {PUBLISHER}\n");
        let listen = format!(
            "udp = \"127.0.0.1:{udp}\"\nquic = \"127.0.0.1:{quic}\"\nmetrics = \"127.0.0.1:{metrics}\"\n"
        );
        deployment.write(
            &format!("{name}/engine.toml"),
            &format!(
                "[listen]\n{listen}\n[workers]\nthreads = 1\n\n[devices]\ndevices_max = 1024\nrate_per_s = 1000000\n\
                 burst = 1000000\n\n[memory]\nholders_max = 20000000\nseen_entries = 1048576\npass_back_entries = 65536\n\n\
                 [files]\n{files}snapshots = {:?}\n\n[[follow]]\n{ids}{}",
                deployment.snapshots(),
                follow.lines
            ),
        )?;
        engine.restart(deployment)?;
        Ok(engine)
    }

    /// Starts it again where it was.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self, deployment: &Deployment) -> Result<()> {
        let state = format!("{}/state", self.name);
        if !deployment.path(&format!("{state}/cluster.keys")).exists() {
            deployment.run(&format!("keys cluster migrate --seed cluster.seed --state {state}"))?;
        }
        let (command, log) = self.command(deployment);
        self.process = Some(Process::start(command, &log, "ready udp=")?);
        Ok(())
    }

    /// The same, without waiting until it is ready.
    ///
    /// # Errors
    /// There is no such program.
    pub fn begin(&mut self, deployment: &Deployment) -> Result<()> {
        let (command, log) = self.command(deployment);
        self.process = Some(Process::begin(command, &log)?);
        Ok(())
    }

    fn command(&self, deployment: &Deployment) -> (Command, PathBuf) {
        let line = format!("serve --until-stdin-ends --config {}/engine.toml", self.name);
        (deployment.command(&line), deployment.path(&format!("{}.log", self.name)))
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

    /// Where it answers sealed UDP.
    pub fn udp(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.ports[0]))
    }

    /// The folder's name in the deployment.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its metrics page's address.
    pub fn metrics_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.ports[2])
    }

    /// What it has logged.
    pub fn log(&self, deployment: &Deployment) -> String {
        fs::read_to_string(deployment.path(&format!("{}.log", self.name))).unwrap_or_default()
    }

    /// The folder in which it keeps the followed issuer.
    pub fn kept(&self, deployment: &Deployment) -> PathBuf {
        deployment.path(&format!("{}/state/follow-{ISSUER}", self.name))
    }

    /// Its process.
    ///
    /// # Errors
    /// It does not run.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.process.as_ref().context("the engine does not run")?.id())
    }

    /// One figure of the followed issuer: the level or count `name` without the prefix `hufu_follow_`, of one outcome
    /// where it is counted by outcome.
    ///
    /// # Errors
    /// There is no such figure.
    pub fn figure(&self, name: &str, outcome: Option<&str>) -> Result<f64> {
        let page = figures::page(&self.metrics_url())?;
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
        let place = figures::followed(&figures::page(&self.metrics_url())?, ISSUER);
        Ok(place.context("no digest on the page")?.1)
    }
}
