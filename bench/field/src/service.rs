//! What serves pages and terminals beside engines and registries: a bridge, a console.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};

use crate::deployment::{Deployment, SITE};
use crate::engine::Engine;
use crate::process::{Process, free_port};
use crate::registry::Registry;

/// One of them, running.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    process: Process,
}

impl Service {
    /// A bridge for so many terminals, each a device of its own at `engine`, on the site of the followed issuer. The token
    /// of terminal `n` is [`token`](Self::token).
    ///
    /// # Errors
    /// A command failed, or it does not start.
    pub fn bridge(deployment: &Deployment, engine: &Engine, terminals: u32) -> Result<Service> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut settings = format!("listen = '{address}'\n");
        for terminal in 0..terminals {
            let (device, folder) = (500 + terminal, format!("terminals/{terminal}"));
            let at = engine.control();
            let line = format!("--device {device} --site {SITE} --engine {at} --out {folder}");
            deployment.run(&format!("ca device --dir ca {line}"))?;
            deployment.write(&format!("{folder}.token"), &Service::token(terminal))?;
            let files = format!("gate = '{folder}'\ntoken = '{folder}.token'");
            settings = format!("{settings}[[terminal]]\nname = '{terminal}'\n{files}\n");
        }
        deployment.write("bridge.toml", &settings)?;
        Service::start(deployment, "bridge", "bridge --config bridge.toml", address)
    }

    /// The token of a terminal of [`bridge`](Self::bridge).
    pub fn token(terminal: u32) -> String {
        format!("token-of-terminal-{terminal:06}")
    }

    /// A console of one engine and one registry.
    ///
    /// # Errors
    /// A command failed, or it does not start.
    pub fn console(deployment: &Deployment, engine: &Engine, registry: &Registry) -> Result<Service> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let who = "--label console --scopes audit --out console.token";
        deployment.run(&format!("registry token new --config registry/registry.toml {who}"))?;
        deployment.write("secret", "five words make a password")?;
        deployment.run("console account add li --role operator --password-file secret")?;
        let (metrics, url) = (engine.metrics_url(), registry.url());
        let metrics = metrics.trim_end_matches("/metrics");
        deployment.write(
            "console.toml",
            &format!(
                "listen = \"{address}\"\naccounts = \"accounts.toml\"\n[[engine]]\nname = \"one\"\nmetrics = \"{metrics}\"\n\
                 [[registry]]\nname = \"one\"\nurl = \"{url}\"\ntoken = \"console.token\"\nca = \"registry/ca/ca.pem\"\n"
            ),
        )?;
        let line = "console serve --until-stdin-ends --config console.toml";
        Service::start(deployment, "console", line, address)
    }

    fn start(deployment: &Deployment, name: &str, line: &str, address: SocketAddr) -> Result<Service> {
        let log = deployment.path(&format!("{name}.log"));
        let process = Process::start(deployment.command(line), &log, "ready")
            .with_context(|| format!("the {name} at {address}"))?;
        Ok(Service { address, process })
    }

    /// Where it listens, without TLS.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}
