//! The registry that a command talks to: named on the command line, in the environment or in `hufu.toml`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use hufu_authority::Remote;
use hufu_files as files;
use hufu_files::keys;
use hufu_files::moment::Zone;
use hufu_upstream::ApiOptions;
use serde::Deserialize;

use crate::term::note;

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

/// Defaults of the arguments: `hufu.toml` in the folder that a command runs in.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    registry: Option<String>,
    token: Option<PathBuf>,
    ca: Option<PathBuf>,
    time_zone: Option<String>,
}

const DEFAULTS: &str = "hufu.toml";

impl RegistryArgs {
    /// Whether a registry is named, here or in `hufu.toml`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn is_named(&self) -> anyhow::Result<bool> {
        Ok(self.registry.is_some() || Defaults::load(Path::new(DEFAULTS))?.registry.is_some())
    }

    /// The certificate authority that is named, here or in `hufu.toml`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn ca(&self) -> anyhow::Result<Option<PathBuf>> {
        Ok(self.ca.clone().or(Defaults::load(Path::new(DEFAULTS))?.ca))
    }

    /// Gets ready to ask. Nothing is sent yet.
    ///
    /// # Errors
    /// What is missing or cannot be read, and where to say it.
    pub(crate) fn connect(&self) -> anyhow::Result<Remote> {
        let defaults = Defaults::load(Path::new(DEFAULTS))?;
        let url = self.registry.clone().or(defaults.registry);
        let Some(url) = url else {
            bail!("no registry: give --registry URL, HUFU_REGISTRY, or `registry` in {DEFAULTS}")
        };
        let token = self.token.clone().or(defaults.token);
        let Some(token) = token else {
            bail!("no token: give --token FILE, HUFU_TOKEN_FILE, or `token` in {DEFAULTS}")
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
        let defaults: Defaults =
            toml::from_str(&files::read_text(path)?).with_context(|| path.display().to_string())?;
        defaults.zone().with_context(|| path.display().to_string())?;
        Ok(defaults)
    }

    fn zone(&self) -> anyhow::Result<Option<Zone>> {
        self.time_zone.as_deref().map(str::parse).transpose().context("time_zone")
    }
}

/// `time_zone` in `hufu.toml`. A file that cannot be read gives none; commands that talk to a registry say what is wrong.
pub(crate) fn default_zone() -> Option<Zone> {
    Defaults::load(Path::new(DEFAULTS)).and_then(|defaults| defaults.zone()).ok().flatten()
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
        bail!("{} is not a token of `hufu registry token new`", path.display());
    }
    Ok(())
}
