//! `hufu family`: relatives bound to users in a registry, and the paper codes printed for them (R27).

mod bind;
mod print;

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use hufu_authority::{Remote, marked};
use hufu_contract::{Base64Url, Binding, BindingId, Side};
use hufu_files::keys::{Owner, SecretKey};
use hufu_files::moment;
use hufu_files::{self as files, Readable};
use hufu_registry::FaceStatement;
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};
use serde_json::json;

use crate::listing;
use crate::outcome::Exit;
use crate::remote::RegistryArgs;
use crate::term::{self, note, printable, tell};
use crate::words::words;

pub(crate) const EXAMPLES: &str = "Examples:
  hufu family commitment --issuer 310000 --version zh-1
  hufu family bind --issuer 310000 --user 42 --name 'Wang Xiaobao' --commitment zh-1 --signed-name 'Wang Xiaoming' \
--consent guardian --recorded-by 'counter 3'
  hufu family attest --key face.key --issuer 310000 --user 42 --relative 43 --level 2 --out face.statement
  hufu family bind --issuer 310000 --user 42 --name 'Wang Nainai' --id-number-file nainai.txt --face face.statement \
--consent in-person --recorded-by 'counter 3'
  hufu family list --issuer 310000 --user 42
  hufu family list --issuer 310000 --relative 43
  hufu family print --issuer 310000 --user 42 --page family.pdf
  hufu family print --issuer 310000 7 --page child.pdf
  hufu family end --issuer 310000 7 --by user

Relatives are 16 and under or 60 and over on the day; both people are registered before. Up to 6 years the user signs a \
commitment; above, a face check is needed, whose signed statement comes from the service that made it: attest is what that \
service does, with a key of registry.toml, [families] face_keys. A user has at most 8 relatives, a relative at most 3 users; \
either side can end a binding 24 hours after it was made. A child's binding ends on the 17th birthday. print puts one code on \
a page, and several on sheets of A4.

Exit status of `family end`: 1 when it is too early, and the binding goes on.";

/// Bind relatives to users, and print their codes.
#[derive(Debug, Subcommand)]
pub(crate) enum FamilyCommand {
    /// Bind a relative to a user; the same again changes nothing
    Bind(Box<bind::BindArgs>),
    /// List the relatives of a user, or the users of a relative
    List(ListArgs),
    /// End a binding from one of its sides, 24 hours after it was made
    End {
        #[command(flatten)]
        which: WhichArgs,
        /// Which side ends it
        #[arg(long, value_parser = words(Side::ALL.map(Side::slug), Side::from_slug))]
        by: Side,
    },
    /// Print family codes: one on a page, several on sheets of A4
    Print(print::PrintArgs),
    /// Show the commitment that a user signs for a child up to 6 years
    Commitment {
        #[command(flatten)]
        registry: RegistryArgs,
        /// Whose
        #[arg(long, value_name = "ID")]
        issuer: u32,
        /// Only this version
        #[arg(long, value_name = "VERSION")]
        version: Option<String>,
    },
    /// Sign that a relative's face was compared, as the service does that compares it
    Attest(AttestArgs),
}

/// One binding.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose holders
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The binding's number
    #[arg(value_name = "BINDING")]
    binding: u64,
}

/// Whose bindings.
#[derive(Debug, Args)]
#[group(id = "side", required = true, multiple = false, args = ["user", "relative"])]
pub(crate) struct ListArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose holders
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The relatives of this holder
    #[arg(long, value_name = "HOLDER")]
    user: Option<u32>,
    /// The users of this holder
    #[arg(long, value_name = "HOLDER")]
    relative: Option<u32>,
}

/// A face check.
#[derive(Debug, Args)]
pub(crate) struct AttestArgs {
    /// The service's secret key, of `hufu keys generate issuer`
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Whose holders
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The user who applies
    #[arg(long, value_name = "HOLDER")]
    user: u32,
    /// Whose face was compared
    #[arg(long, value_name = "HOLDER")]
    relative: u32,
    /// How surely; registry.toml says the lowest that is taken
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    level: u8,
    /// Where to write the statement [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Bindings asked for at once.
const PAGE: u32 = 500;

/// Runs `hufu family`.
pub(crate) fn run(command: &FamilyCommand) -> anyhow::Result<Exit> {
    match command {
        FamilyCommand::Bind(args) => bind::run(args)?,
        FamilyCommand::List(args) => return list(args),
        FamilyCommand::End { which: WhichArgs { registry, issuer, binding }, by } => {
            return end(&registry.connect()?, (IssuerId(*issuer), BindingId(*binding)), *by);
        }
        FamilyCommand::Print(args) => print::run(args)?,
        FamilyCommand::Commitment { registry, issuer, version } => {
            let texts = registry.connect()?.ask(|api| api.commitments(IssuerId(*issuer)))?.commitments;
            let wanted = |text: &&hufu_contract::CommitmentText| {
                version.as_ref().is_none_or(|one| *one == text.version)
            };
            let texts: Vec<_> = texts.iter().filter(wanted).collect();
            ensure!(
                !texts.is_empty(),
                "the registry has no commitment of this version; without --version all are shown"
            );
            let shown = |text: &&hufu_contract::CommitmentText| {
                format!("version {}, SHA-256 {}\n\n{}", printable(&text.version), text.text_digest, text.text)
            };
            term::outcome(|| json!(texts), || texts.iter().map(shown).collect::<Vec<_>>().join("\n"));
        }
        FamilyCommand::Attest(args) => attest(args)?,
    }
    Ok(Exit::Yes)
}

fn end(remote: &Remote, (issuer, id): (IssuerId, BindingId), by: Side) -> anyhow::Result<Exit> {
    match remote.with(|api| api.end_binding(issuer, id, by)) {
        Ok(ended) => {
            show(&ended);
            Ok(Exit::Yes)
        }
        Err(fault) => {
            let too_early = fault
                .problem()
                .filter(|problem| problem.name() == "conflict")
                .map(|problem| problem.detail.clone());
            let Some(detail) = too_early else { return Err(marked(fault)) };
            note!("{detail}");
            show(&remote.ask(|api| api.binding(issuer, id))?);
            Ok(Exit::No)
        }
    }
}

fn list(args: &ListArgs) -> anyhow::Result<Exit> {
    let remote = args.registry.connect()?;
    let whose = match (args.user, args.relative) {
        (Some(user), _) => (Side::User, HolderIndex(user)),
        (None, relative) => {
            (Side::Relative, HolderIndex(relative.context("--user or --relative is required")?))
        }
    };
    let all = all_of(&remote, IssuerId(args.issuer), whose)?;
    let header = ["binding", "user", "relative", "state", "made", "until"];
    Ok(listing::list(&all, header, |binding| {
        let at = |ms| moment::show(UnixMillis(ms).seconds());
        [
            binding.id.to_string(),
            format!("{} {}", binding.user, printable(&binding.user_display)),
            format!("{} {}", binding.relative, printable(&binding.relative_display)),
            binding.state.to_string(),
            at(binding.made_ms),
            binding.ended_ms.or(binding.until_ms).map_or_else(|| "-".to_owned(), at),
        ]
    }))
}

/// Every binding of which a holder is this side.
fn all_of(remote: &Remote, issuer: IssuerId, whose: (Side, HolderIndex)) -> anyhow::Result<Vec<Binding>> {
    let mut all: Vec<Binding> = Vec::new();
    loop {
        let after = all.last().map_or(0, |last| last.id);
        let page = remote.ask(|api| api.bindings(issuer, whose, after, PAGE))?.bindings;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

fn show(binding: &Binding) {
    let at = |ms| moment::show(UnixMillis(ms).seconds());
    term::outcome(
        || json!(binding),
        || {
            let until = binding.until_ms.map_or(String::new(), |until| format!(", until {}", at(until)));
            format!(
                "binding {} of issuer {}, {}{until}: relative {} ({}) of user {} ({}); either side can end it from {} on",
                binding.id,
                binding.issuer,
                binding.state,
                binding.relative,
                printable(&binding.relative_display),
                binding.user,
                printable(&binding.user_display),
                at(binding.endable_ms),
            )
        },
    );
}

fn attest(args: &AttestArgs) -> anyhow::Result<()> {
    let key = SecretKey::load(&args.key, Owner::Issuer)?;
    let statement = FaceStatement {
        issuer: IssuerId(args.issuer),
        user: HolderIndex(args.user),
        relative: HolderIndex(args.relative),
        level: args.level,
        at: moment::now(),
    };
    let statement = Base64Url(statement.sign(&key.secret()?)).to_string();
    match &args.out {
        Some(out) => {
            files::replace(out, statement.as_bytes(), Readable::All)?;
            tell!(
                { "file": out },
                "{}: a statement that holder {} was seen, good for an hour",
                out.display(),
                args.relative
            );
        }
        None => term::outcome(|| json!({ "statement": statement }), || statement.clone()),
    }
    Ok(())
}
