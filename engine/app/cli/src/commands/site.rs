//! `hufu site`: the sites of a registry and their policies.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use hufu_contract::{Site, SiteEdit};
use hufu_files::{self as files, Readable};
use hufu_upstream::Api;
use hufu_wire::SiteId;
use serde_json::json;

use crate::listing::list;
use crate::outcome::Exit;
use crate::remote::RegistryArgs;
use crate::term::{self, printable, tell};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu site put 310101 --name 'North station' --policy north.toml
  hufu site list
  hufu site show 310101
  hufu site export --out sites.toml
  hufu site remove 310101

A policy file has what stands in a [[site]] table of an engine's sites.toml, without id and name. An engine reads what \
export writes.";

/// Say which sites there are and what they admit.
#[derive(Debug, Subcommand)]
pub(crate) enum SiteCommand {
    /// Add a site or change it
    Put {
        #[command(flatten)]
        registry: RegistryArgs,
        /// Its id
        #[arg(value_name = "SITE")]
        site: u32,
        /// What people call it
        #[arg(long)]
        name: String,
        /// Its policy, TOML
        #[arg(long, value_name = "FILE")]
        policy: PathBuf,
    },
    /// List every site
    List {
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Show a site and its policy
    Show {
        #[command(flatten)]
        registry: RegistryArgs,
        /// Its id
        #[arg(value_name = "SITE")]
        site: u32,
    },
    /// Remove a site without devices and rosters
    Remove {
        #[command(flatten)]
        registry: RegistryArgs,
        /// Its id
        #[arg(value_name = "SITE")]
        site: u32,
    },
    /// Write every site as an engine's sites.toml
    Export {
        #[command(flatten)]
        registry: RegistryArgs,
        /// The file, replaced whole; standard output when none is named
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Runs `hufu site`.
pub(crate) fn run(command: &SiteCommand) -> anyhow::Result<Exit> {
    match command {
        SiteCommand::Put { registry, site, name, policy } => {
            let edit = SiteEdit { name: name.clone(), policy: files::read_text(policy)? };
            let remote = registry.connect()?;
            let site = remote
                .ask(|api| api.put_site(SiteId(*site), &edit))
                .with_context(|| format!("the policy in {}", policy.display()))?;
            term::outcome(|| json!(site), || format!("site {}: {}", site.id, printable(&site.name)));
        }
        SiteCommand::List { registry } => {
            let sites = registry.connect()?.ask(Api::sites)?.sites;
            let row = |site: &Site| [site.id.to_string(), printable(&site.name)];
            return Ok(list(&sites, ["site", "name"], row));
        }
        SiteCommand::Show { registry, site } => {
            let site = registry.connect()?.ask(|api| api.site(SiteId(*site)))?;
            let text = || {
                let lines = site.policy.lines().map(|line| format!("\n{}", printable(line)));
                format!("site {}: {}", site.id, printable(&site.name)) + &lines.collect::<String>()
            };
            term::outcome(|| json!(site), text);
        }
        SiteCommand::Remove { registry, site } => {
            registry.connect()?.ask(|api| api.delete_site(SiteId(*site)))?;
            tell!({ "site": site, "removed": true }, "site {site} is removed");
        }
        SiteCommand::Export { registry, out } => {
            let text = registry.connect()?.ask(Api::sites_toml)?;
            let Ok(text) = std::str::from_utf8(&text) else { bail!("the registry's answer is not text") };
            match out {
                Some(path) => {
                    files::replace(path, text.as_bytes(), Readable::All)?;
                    tell!({ "file": path, "bytes": text.len() }, "{}: {} bytes", path.display(), text.len());
                }
                None => tell!({ "sites": text }, "{text}"),
            }
        }
    }
    Ok(Exit::Yes)
}
