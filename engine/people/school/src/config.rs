//! What `console.toml` says of a school.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use hufu_files::keys::ensure_private;
use hufu_files::moment::{Span, Zone};
use hufu_registry::check_name;
use hufu_wire::{IssuerId, SiteId};
use serde::Deserialize;

use crate::terminal::Terminal;

/// One `[[school]]`. Paths are relative to the file's folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchoolConfig {
    /// The school's site; its policy must say `roster = true`.
    pub site: u32,
    /// The issuer of its pupils' codes.
    pub issuer: u32,
    /// The registry, `https://HOST:PORT`.
    pub registry: String,
    /// The file with its token, with the scopes `holders` and `rosters`.
    pub token: PathBuf,
    /// The certificate authority of the registry, PEM; the system's when there is none.
    pub ca: Option<PathBuf>,
    /// The folder of the school's terminal, from `hufu ca device --scope rosters`.
    pub terminal: PathBuf,
    /// Where the list that was checked last is kept, masked. Made when it is missing; for nothing else.
    pub folder: PathBuf,
    /// What the school's rosters are called at the registry; numbers follow.
    #[serde(default = "roster")]
    pub roster: String,
    /// How long a roster's signature is valid.
    #[serde(default = "valid")]
    pub valid: String,
    /// The zone of the times that the page shows.
    #[serde(default = "time_zone")]
    pub time_zone: String,
}

fn roster() -> String {
    "school".to_owned()
}

fn valid() -> String {
    "24h".to_owned()
}

fn time_zone() -> String {
    "UTC".to_owned()
}

/// The same, read.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) site: SiteId,
    pub(crate) issuer: IssuerId,
    pub(crate) terminal: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) roster: String,
    pub(crate) valid_s: u32,
    pub(crate) zone: Zone,
}

impl SchoolConfig {
    /// The same with its paths in `folder`.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> SchoolConfig {
        for path in [&mut self.token, &mut self.terminal, &mut self.folder].into_iter().chain(&mut self.ca) {
            *path = folder.join(&*path);
        }
        self
    }

    /// Without a terminal and a token.
    #[cfg(test)]
    pub(crate) fn of_a_test(site: u32, registry: &str, folder: &Path) -> SchoolConfig {
        let config = SchoolConfig {
            site,
            issuer: 310_000,
            registry: registry.to_owned(),
            token: "school.token".into(),
            ca: None,
            terminal: "terminal".into(),
            folder: "kept".into(),
            roster: roster(),
            valid: valid(),
            time_zone: time_zone(),
        };
        config.within(folder)
    }

    /// Looks at it without asking anybody.
    ///
    /// # Errors
    /// What is wrong, with the site and the key: also a token that others can read.
    pub fn check(&self) -> anyhow::Result<()> {
        let settings = self.read()?;
        ensure_private(&self.token).with_context(|| format!("school of site {}: token", self.site))?;
        Terminal::open(&settings.terminal)
            .with_context(|| format!("school of site {}: terminal", self.site))?;
        Ok(())
    }

    pub(crate) fn read(&self) -> anyhow::Result<Settings> {
        let of = |key: &str| format!("school of site {}: {key}", self.site);
        check_name("roster", &self.roster).with_context(|| of("roster"))?;
        let valid: Span = self.valid.parse().with_context(|| of("valid"))?;
        ensure!(valid.s >= 3600, "{}: at least 1h", of("valid"));
        Ok(Settings {
            site: SiteId(self.site),
            issuer: IssuerId(self.issuer),
            terminal: self.terminal.clone(),
            folder: self.folder.clone(),
            roster: self.roster.clone(),
            valid_s: valid.s,
            zone: self.time_zone.parse().with_context(|| of("time_zone"))?,
        })
    }
}
