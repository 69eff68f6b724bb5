//! The registry that a command talks to: named on the command line, in the environment or in `hufu.toml`.

use std::future::Future;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use hufu_upstream::{Api, ApiFault, ApiOptions};
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};

use crate::term::note;
use hufu_files as files;
use hufu_files::keys;
use hufu_files::unavailable;

/// Which registry, and with which token.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RegistryArgs {
    /// The registry, https://HOST:PORT; else `registry` in hufu.toml
    #[arg(long, value_name = "URL", env = "HUFU_REGISTRY")]
    registry: Option<String>,
    /// A file with the token; else `token` in hufu.toml
    #[arg(long, value_name = "FILE", env = "HUFU_TOKEN_FILE")]
    token: Option<PathBuf>,
    /// The certificate authority of the registry, PEM; else `ca` in hufu.toml, else the system's
    #[arg(long, value_name = "FILE", env = "HUFU_CA")]
    ca: Option<PathBuf>,
}

/// Where commands find what they are not told: `hufu.toml` in the folder they run in.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    registry: Option<String>,
    token: Option<PathBuf>,
    ca: Option<PathBuf>,
}

const DEFAULTS: &str = "hufu.toml";

/// A registry to ask, one request after the other.
pub(crate) struct Remote {
    api: Api,
    runtime: Runtime,
}

impl RegistryArgs {
    /// Gets ready to ask. Nothing is sent yet.
    ///
    /// # Errors
    /// What is missing or cannot be read, and where to say it.
    pub(crate) fn connect(&self) -> anyhow::Result<Remote> {
        let defaults = Defaults::load(Path::new(DEFAULTS))?;
        let url = self.registry.clone().or(defaults.registry);
        let Some(url) = url else {
            bail!("which registry? --registry URL, HUFU_REGISTRY, or `registry` in {DEFAULTS} says it")
        };
        let token = self.token.clone().or(defaults.token);
        let Some(token) = token else {
            bail!("with which token? --token FILE, HUFU_TOKEN_FILE, or `token` in {DEFAULTS} says it")
        };
        check_token(&token)?;
        Remote::open(&ApiOptions { url, token: Some(token), ca: self.ca.clone().or(defaults.ca) })
    }
}

impl Defaults {
    fn load(path: &Path) -> anyhow::Result<Defaults> {
        if !path.exists() {
            return Ok(Defaults::default());
        }
        toml::from_str(&files::read_text(path)?).with_context(|| path.display().to_string())
    }
}

impl Remote {
    /// A registry to ask. Nothing is sent yet.
    ///
    /// # Errors
    /// What the options lack.
    pub(crate) fn open(options: &ApiOptions) -> anyhow::Result<Remote> {
        let runtime = Builder::new_current_thread().enable_all().build().context("no runtime")?;
        // Clients of HTTP want a runtime around them from the start.
        let api = runtime.block_on(async { Api::open(options) }).map_err(told)?;
        Ok(Remote { api, runtime })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the registry refused, or that it does not answer.
    pub(crate) fn ask<'r, T, F>(&'r self, question: impl FnOnce(&'r Api) -> F) -> anyhow::Result<T>
    where
        F: Future<Output = Result<T, ApiFault>> + 'r,
    {
        self.try_ask(question).map_err(told)
    }

    /// Runs what needs a registry and has faults of its own.
    pub(crate) fn with<'r, F>(&'r self, work: impl FnOnce(&'r Api) -> F) -> F::Output
    where
        F: Future + 'r,
    {
        self.runtime.block_on(work(&self.api))
    }

    /// The same for whoever looks at the fault.
    pub(crate) fn try_ask<'r, T, F>(&'r self, question: impl FnOnce(&'r Api) -> F) -> Result<T, ApiFault>
    where
        F: Future<Output = Result<T, ApiFault>> + 'r,
    {
        self.with(question)
    }
}

/// A fault as a command ends with it.
pub(crate) fn told(fault: ApiFault) -> anyhow::Error {
    if fault.is_passing() { unavailable(fault) } else { anyhow::Error::new(fault) }
}

/// A token, on its own in a file for its owner alone.
fn check_token(path: &Path) -> anyhow::Result<()> {
    if let Some(warning) = keys::warning_if_shared(path)? {
        note!("hufu: warning: {warning}");
    }
    let text = zeroize::Zeroizing::new(files::read_text(path)?);
    let token = text.trim();
    if !token.starts_with("hufu_") || token.contains(char::is_whitespace) {
        // What the file holds may be another secret.
        bail!("{} holds no token of `hufu registry token new`", path.display());
    }
    Ok(())
}
