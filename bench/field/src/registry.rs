//! A registry's process.

use std::fs;

use anyhow::{Context as _, Result};
use hufu_upstream::{Api, ApiOptions};

use crate::land::{ISSUER, Land, NATIONAL, PUBLISHER};
use crate::process::{Process, free_port};

/// What a registry is set up with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The database; a file of its own when absent.
    pub store: Option<String>,
    /// NATS servers to publish to.
    pub nats: Option<String>,
    /// More lines for the `[nats]` table.
    pub nats_more: String,
}

/// A registry, in a folder of a land.
#[derive(Debug)]
pub struct Registry {
    name: String,
    port: u16,
    process: Option<Process>,
}

impl Registry {
    /// Makes a registry of one issuer and starts it. Tokens `NAME-admin.token` and `NAME-feed.token` lie in the land's
    /// folder.
    ///
    /// # Errors
    /// A command failed.
    pub fn start(land: &Land, name: &str, settings: &Settings) -> Result<Registry> {
        let port = free_port();
        let store = settings.store.as_deref().unwrap_or("sqlite:registry.db");
        let who = format!("--issuer {ISSUER}=Shanghai --national {NATIONAL} --publisher {PUBLISHER}");
        let files = format!("--operator operator.pub --trust trust.hufu --token-out {name}-admin.token");
        land.run(&format!("registry init {name} {who} --store {store} --listen 127.0.0.1:{port} {files}"))?;
        land.trust(&format!("{name}/publisher.pub"), "head")?;
        fs::copy(land.path("trust.hufu"), land.path(&format!("{name}/trust.hufu")))?;
        let mut registry = Registry { name: name.to_owned(), port, process: None };
        registry.configure(land, settings)?;
        let label = "--label engines --scopes feed";
        land.run(&format!(
            "registry token new --config {name}/registry.toml {label} --out {name}-feed.token"
        ))?;
        registry.restart(land)?;
        Ok(registry)
    }

    /// Another process on the database of `other`, with its keys.
    ///
    /// # Errors
    /// A file cannot be copied, or it does not start.
    pub fn beside(land: &Land, name: &str, other: &Registry) -> Result<Registry> {
        let (from, to) = (land.path(&other.name), land.path(name));
        fs::create_dir(&to)?;
        for file in fs::read_dir(&from)? {
            let file = file?;
            if file.file_type()?.is_file() {
                fs::copy(file.path(), to.join(file.file_name()))?;
            }
        }
        for token in ["admin", "feed"] {
            let of = |name: &str| land.path(&format!("{name}-{token}.token"));
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
        registry.restart(land)?;
        Ok(registry)
    }

    /// Starts it again where it was.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self, land: &Land) -> Result<()> {
        let line = format!("registry serve --until-stdin-ends --config {}/registry.toml", self.name);
        let log = land.path(&format!("{}.log", self.name));
        self.process = Some(Process::start(land.command(&line), &log, "ready")?);
        Ok(())
    }

    /// Kills it: SIGKILL.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("the registry does not run")?.kill()
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// A caller of it with an administrator's token.
    ///
    /// # Errors
    /// Its certificate cannot be read.
    pub fn api(&self, land: &Land) -> Result<Api> {
        Ok(Api::open(&ApiOptions {
            url: self.url(),
            token: Some(land.path(&format!("{}-admin.token", self.name))),
            ca: Some(land.path(&format!("{}/ca/ca.pem", self.name))),
        })?)
    }

    /// Arguments of commands that call it.
    pub fn arguments(&self) -> String {
        let Registry { name, .. } = self;
        format!("--registry {} --token {name}-admin.token --ca {name}/ca/ca.pem", self.url())
    }

    /// What it has logged.
    pub fn log(&self, land: &Land) -> String {
        fs::read_to_string(land.path(&format!("{}.log", self.name))).unwrap_or_default()
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

    fn configure(&mut self, land: &Land, settings: &Settings) -> Result<()> {
        if let Some(servers) = &settings.nats {
            let config = format!("{}/registry.toml", self.name);
            let text = fs::read_to_string(land.path(&config))?;
            let more = &settings.nats_more;
            land.write(&config, &format!("{text}\n[nats]\nservers = \"{servers}\"\n{more}\n"))?;
        }
        Ok(())
    }
}
