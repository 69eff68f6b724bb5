//! A registry's process.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use hufu_upstream::{Api, ApiOptions};

use crate::deployment::{Deployment, ISSUER, NATIONAL, PUBLISHER};
use crate::process::{Process, free_port};

/// What a registry is set up with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The database; a file of its own when absent.
    pub store: Option<String>,
    /// More lines for the `[listen]` table.
    pub listen_more: String,
    /// NATS servers to publish to.
    pub nats: Option<String>,
    /// More lines for the `[nats]` table.
    pub nats_more: String,
}

/// A registry, in a folder of a deployment.
#[derive(Debug)]
pub struct Registry {
    name: String,
    port: u16,
    process: Option<Process>,
}

impl Registry {
    /// Makes a registry of one issuer and starts it. Tokens `NAME-admin.token` and `NAME-feed.token` lie in the deployment's
    /// folder.
    ///
    /// # Errors
    /// A command failed.
    pub fn start(deployment: &Deployment, name: &str, settings: &Settings) -> Result<Registry> {
        let port = free_port();
        let store = settings.store.as_deref().unwrap_or("sqlite:registry.db");
        let who = format!("--issuer {ISSUER}=Shanghai --national {NATIONAL} --publisher {PUBLISHER}");
        let keys = "--operator operator.pub --trust trust.hufu --credential-key issuer.key";
        let files = format!("{keys} --token-out {name}-admin.token");
        deployment
            .run(&format!("registry init {name} {who} --store {store} --listen 127.0.0.1:{port} {files}"))?;
        deployment.trust(&format!("{name}/publisher.pub"), "head")?;
        fs::copy(deployment.path("trust.hufu"), deployment.path(&format!("{name}/trust.hufu")))?;
        let mut registry = Registry { name: name.to_owned(), port, process: None };
        registry.configure(deployment, settings)?;
        let label = "--label engines --scopes feed";
        deployment.run(&format!(
            "registry token new --config {name}/registry.toml {label} --out {name}-feed.token"
        ))?;
        registry.restart(deployment)?;
        Ok(registry)
    }

    /// Another process on the database of `other`, with its keys.
    ///
    /// # Errors
    /// A file cannot be copied, or it does not start.
    pub fn beside(deployment: &Deployment, name: &str, other: &Registry) -> Result<Registry> {
        let (from, to) = (deployment.path(&other.name), deployment.path(name));
        fs::create_dir(&to)?;
        for file in fs::read_dir(&from)? {
            let file = file?;
            if file.file_type()?.is_file() {
                fs::copy(file.path(), to.join(file.file_name()))?;
            }
        }
        for token in ["admin", "feed"] {
            let of = |name: &str| deployment.path(&format!("{name}-{token}.token"));
            fs::copy(of(&other.name), of(name))?;
        }
        fs::create_dir_all(to.join("ca"))?;
        fs::copy(from.join("ca/ca.pem"), to.join("ca/ca.pem"))?;
        let port = free_port();
        let config = to.join("registry.toml");
        let text = fs::read_to_string(&config)?;
        let address = |port| format!("127.0.0.1:{port}");
        fs::write(config, text.replace(&address(other.port), &address(port)))?;
        let mut registry = Registry { name: name.to_owned(), port, process: None };
        registry.restart(deployment)?;
        Ok(registry)
    }

    /// Lets as many people be set back as come: in hours of changes they are more than the brake lets pass.
    ///
    /// # Errors
    /// It does not take that.
    pub fn without_brake(&self, deployment: &Deployment) -> Result<()> {
        let who = format!("--name Shanghai --national {NATIONAL} --publisher {PUBLISHER}");
        let brake = "--brake 1000,60,4000000000";
        deployment.run(&format!("registry issuer put {ISSUER} {who} {brake} {}", self.arguments()))?;
        Ok(())
    }

    /// Starts it again where it was.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self, deployment: &Deployment) -> Result<()> {
        let (command, log) = self.command(deployment);
        self.process = Some(Process::start(command, &log, "ready")?);
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
        let line = format!("registry serve --until-stdin-ends --config {}/registry.toml", self.name);
        (deployment.command(&line), deployment.path(&format!("{}.log", self.name)))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Kills it: SIGKILL.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("the registry does not run")?.kill()
    }

    /// Lets it end as it should.
    ///
    /// # Errors
    /// It does not.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().context("the registry does not run")?.stop()
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// A caller of it with an administrator's token.
    ///
    /// # Errors
    /// Its certificate cannot be read.
    pub fn api(&self, deployment: &Deployment) -> Result<Api> {
        Ok(Api::open(&ApiOptions {
            url: self.url(),
            token: Some(deployment.path(&format!("{}-admin.token", self.name))),
            ca: Some(deployment.path(&format!("{}/ca/ca.pem", self.name))),
        })?)
    }

    /// Arguments of commands that call it.
    pub fn arguments(&self) -> String {
        let Registry { name, .. } = self;
        format!("--registry {} --token {name}-admin.token --ca {name}/ca/ca.pem", self.url())
    }

    /// What it has logged.
    pub fn log(&self, deployment: &Deployment) -> String {
        fs::read_to_string(deployment.path(&format!("{}.log", self.name))).unwrap_or_default()
    }

    /// Its folder's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process.
    ///
    /// # Errors
    /// It does not run.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.process.as_ref().context("the registry does not run")?.id())
    }

    fn configure(&mut self, deployment: &Deployment, settings: &Settings) -> Result<()> {
        let config = format!("{}/registry.toml", self.name);
        let mut text = fs::read_to_string(deployment.path(&config))?;
        text = text.replacen("[listen]\n", &format!("[listen]\n{}\n", settings.listen_more), 1);
        if let Some(servers) = &settings.nats {
            text = format!("{text}\n[nats]\nservers = \"{servers}\"\n{}\n", settings.nats_more);
        }
        deployment.write(&config, &text)
    }
}
