//! `hufu roster`: who belongs to a site, kept and signed by a registry (R12).

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use hufu_contract::{RosterEdit, RosterGroup, RosterSummary, SignRoster};
use hufu_files::moment::Span;
use hufu_files::{self as files, Readable};
use hufu_wire::{IssuerId, SiteId};
use serde_json::json;

use crate::commands::batch::read_members;
use crate::listing::list;
use crate::outcome::Exit;
use crate::people::{self, PeopleArgs};
use crate::remote::RegistryArgs;
use crate::term::{self, note, printable, tell};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu roster put school --site 310102 --issuer 310000 --people pupils.xlsx --names names.csv
  hufu roster put class-3b --site 310102 --issuer 310000 --members class-3b.txt
  hufu roster sign class-3b --site 310102 --valid 24h --out class-3b.roster
  hufu roster list --site 310102
  hufu roster show class-3b --site 310102
  hufu roster remove class-3b --site 310102

A name list has the columns id_number (身份证号), name (姓名) and, if any, group (班级). The registry keeps the members by \
index; --names writes index and masked name of each line, for the printed list of `hufu batch roster`.

Exit status of `roster put --people`: 1 when more people were unknown than --unknown-max and nothing was put.";

/// Keep and sign rosters.
#[derive(Debug, Subcommand)]
pub(crate) enum RosterCommand {
    /// Add a roster or replace it
    Put {
        #[command(flatten)]
        which: RosterArgs,
        /// Whose holders stand in lines without an issuer
        #[arg(long, value_name = "ID")]
        issuer: u32,
        /// The members: a holder's index a line, or issuer and holder with a comma between them
        #[arg(long, value_name = "FILE", required_unless_present = "people", conflicts_with = "people")]
        members: Option<PathBuf>,
        #[command(flatten)]
        list: PeopleArgs,
        /// How many people of --people may be unknown for the others to be put; the file of --names has all of them
        #[arg(long, value_name = "N", default_value_t = 0, requires = "names")]
        unknown_max: usize,
    },
    /// Have a roster signed by the registry, for a terminal
    Sign {
        #[command(flatten)]
        which: RosterArgs,
        /// How long it is valid
        #[arg(long, value_name = "SPAN", default_value = "24h")]
        valid: Span,
        /// The roster to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// List the rosters of a site
    List {
        #[command(flatten)]
        registry: RegistryArgs,
        /// Whose
        #[arg(long, value_name = "ID")]
        site: u32,
    },
    /// Show who is on a roster
    Show {
        #[command(flatten)]
        which: RosterArgs,
    },
    /// Remove a roster
    Remove {
        #[command(flatten)]
        which: RosterArgs,
    },
}

/// Which roster.
#[derive(Debug, Args)]
pub(crate) struct RosterArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// The site that may ask about it
    #[arg(long, value_name = "ID")]
    site: u32,
}

/// Runs `hufu roster`.
pub(crate) fn run(command: &RosterCommand) -> anyhow::Result<Exit> {
    match command {
        RosterCommand::Put { which, issuer, members, list, unknown_max } => {
            return put(which, IssuerId(*issuer), members.as_deref(), (list, *unknown_max));
        }
        RosterCommand::Sign { which: RosterArgs { registry, name, site }, valid, out } => {
            let sign = SignRoster { valid_s: valid.s };
            let signed = registry.connect()?.ask(|api| api.sign_roster(SiteId(*site), name, sign))?;
            files::replace(out, &signed, Readable::All)?;
            tell!(
                { "roster": name, "site": site, "file": out, "bytes": signed.len() },
                "{}: roster {} of site {site}, {} bytes",
                out.display(),
                printable(name),
                signed.len()
            );
        }
        RosterCommand::List { registry, site } => {
            let rosters = registry.connect()?.ask(|api| api.rosters(SiteId(*site)))?.rosters;
            let row = |roster: &RosterSummary| [printable(&roster.name), roster.members.to_string()];
            return Ok(list(&rosters, ["roster", "members"], row));
        }
        RosterCommand::Show { which: RosterArgs { registry, name, site } } => {
            let roster = registry.connect()?.ask(|api| api.roster(SiteId(*site), name))?;
            // As `put` reads it.
            let line = |issuer, holder| format!("{issuer},{holder}\n");
            let lines = |group: &RosterGroup| -> String {
                group.holders.iter().map(|holder| line(group.issuer, *holder)).collect()
            };
            term::outcome(|| json!(roster), || roster.groups.iter().map(lines).collect());
        }
        RosterCommand::Remove { which: RosterArgs { registry, name, site } } => {
            registry.connect()?.ask(|api| api.delete_roster(SiteId(*site), name))?;
            tell!(
                { "roster": name, "site": site, "removed": true },
                "roster {} of site {site} is removed",
                printable(name)
            );
        }
    }
    Ok(Exit::Yes)
}

fn put(
    which: &RosterArgs,
    issuer: IssuerId,
    members: Option<&Path>,
    (list, unknown_max): (&PeopleArgs, usize),
) -> anyhow::Result<Exit> {
    let RosterArgs { registry, name, site } = which;
    let remote = registry.connect()?;
    let groups = if let Some(members) = members {
        let groups = read_members(members, issuer)?.into_iter().map(|(issuer, holders)| RosterGroup {
            issuer: issuer.0,
            holders: holders.into_iter().map(|holder| holder.0).collect(),
        });
        groups.collect()
    } else {
        let path = list.people.as_deref().context("--members or --people is required")?;
        let named = people::look_up(&remote, issuer, &people::read(path, &list.table)?)?;
        let unknown = people::tell_unfound(&named);
        if let Some(names) = &list.names {
            people::write_names(names, &named)?;
        }
        if unknown > unknown_max {
            note!(
                "nothing was put: {unknown} people are not known, and --unknown-max is {unknown_max}; have them \
                 registered or correct the list, or raise --unknown-max"
            );
            return Ok(Exit::No);
        }
        let holders: Vec<_> = named.iter().filter_map(|named| Some(named.holder.ok()?.1.0)).collect();
        vec![RosterGroup { issuer: issuer.0, holders }]
    };
    let edit = RosterEdit { groups };
    let summary = remote.ask(|api| api.put_roster(SiteId(*site), name, &edit))?;
    term::outcome(
        || json!(summary),
        || format!("roster {} of site {site}: {} members", printable(&summary.name), summary.members),
    );
    Ok(Exit::Yes)
}
