//! `hufu holder credential`: what the registry signs for a holder, shown as `hufu issue` shows it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Subcommand;
use hufu_authority::Remote;
use hufu_codes::presentation::{Salt, StepTree};
use hufu_contract::{Hex, IssueCredential, Issued};
use hufu_files::keys::random_seed;
use hufu_files::moment::{self, Moment, Span};
use hufu_wire::{HolderIndex, IssuerId, KeyId, Step, UnixMillis};

use super::WhomArgs;
use crate::commands::issue::window;
use crate::holder::HolderFile;
use crate::listing;
use crate::outcome::Exit;
use crate::page::PageArgs;
use crate::show::{ShowArgs, show, show_paper};
use crate::term::note;

/// Issue credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// A phone code: this machine plays the phone and keeps the secret
    Phone {
        #[command(flatten)]
        whom: WhomArgs,
        /// How long it is valid, at most 24h
        #[arg(long, value_name = "SPAN")]
        valid: Option<Span>,
        /// The holder's file to write: the credential and its secret, for `hufu present`
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        show: ShowArgs,
    },
    /// A paper code
    Paper {
        #[command(flatten)]
        whom: WhomArgs,
        /// How long it is valid, at most 7d
        #[arg(long, value_name = "SPAN")]
        valid: Option<Span>,
        #[command(flatten)]
        show: ShowArgs,
        #[command(flatten)]
        page: PageArgs,
    },
    /// A trip code: good at one hub and in one window
    Trip {
        #[command(flatten)]
        whom: WhomArgs,
        /// The only hub
        #[arg(long, value_name = "ID")]
        hub: u32,
        /// When the window begins
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        from: Moment,
        /// When the window ends
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        until: Moment,
        #[command(flatten)]
        show: ShowArgs,
    },
    /// List what was issued
    List {
        #[command(flatten)]
        whom: WhomArgs,
    },
}

/// Steps that a phone's tree holds before its credential is issued, for a phone whose clock is behind.
const STEPS_BEFORE: u32 = 8;
/// Credentials asked for at once.
const PAGE: u32 = 500;

/// Runs `hufu holder credential`.
pub(super) fn run(command: &CredentialCommand) -> anyhow::Result<Exit> {
    match command {
        CredentialCommand::Phone { whom, valid, out, show } => phone(whom, *valid, out, show)?,
        CredentialCommand::Paper { whom, valid, show, page } => {
            let credential = IssueCredential::Paper { valid_s: valid.map(|valid| valid.s) };
            show_paper(&printed(whom, &credential)?, show, page)?;
        }
        CredentialCommand::Trip { whom, hub, from, until, show } => {
            let (from, until) = window(*from, *until)?;
            // The window's last second.
            let last = hufu_wire::UnixSeconds(until.0 - 1);
            let (from_ms, until_ms) = (from.millis().0, last.millis().0);
            let credential = IssueCredential::Trip { hub: *hub, from_ms, until_ms };
            crate::show::show(&printed(whom, &credential)?, show)?;
        }
        CredentialCommand::List { whom } => return list(whom),
    }
    Ok(Exit::Yes)
}

impl WhomArgs {
    fn issue(&self, remote: &Remote, credential: &IssueCredential) -> anyhow::Result<Issued> {
        remote.ask(|api| api.issue_credential(IssuerId(self.issuer), HolderIndex(self.holder), credential))
    }
}

fn printed(whom: &WhomArgs, credential: &IssueCredential) -> anyhow::Result<String> {
    whom.issue(&whom.registry.connect()?, credential)?
        .code
        .context("the registry's answer has no code to print")
}

/// What a phone does (R02): it asks for the terms, makes a step tree for exactly these, and has its root signed.
fn phone(whom: &WhomArgs, valid: Option<Span>, out: &Path, how: &ShowArgs) -> anyhow::Result<()> {
    ensure!(!out.exists(), "{} exists already and is not overwritten", out.display());
    let remote = whom.registry.connect()?;
    let (issuer, holder) = (IssuerId(whom.issuer), HolderIndex(whom.holder));
    let terms = remote.ask(|api| api.credential_terms(issuer, holder))?;
    let issued = UnixMillis(terms.issued_ms).seconds();
    let origin = Step(issued.step().0.saturating_sub(STEPS_BEFORE));
    let seed = random_seed()?;
    let salt = Salt::of(KeyId(terms.key.0), holder, terms.generation, origin, issued);
    let credential = IssueCredential::Phone {
        step_root: Hex(StepTree::new(&seed, &salt).root()),
        origin_step: origin.0,
        terms,
        valid_s: valid.map(|valid| valid.s),
    };
    let signed = whom.issue(&remote, &credential)?;
    let file = HolderFile::new(signed.credential.0, &seed);
    file.store(out)?;
    note!("{}: a phone's credential and its secret; `hufu present` shows its code", out.display());
    if signed.other_phones > 0 {
        let until = signed.other_phones_until_ms.map_or(0, |ms| ms);
        let next = signed.generation.wrapping_add(1);
        note!(
            "the holder has {} other phone credential(s) of generation {}, the last until {}: if a phone was lost, have \
             generation {next} confirmed (hufu change propose --holder {} --generation {next})",
            signed.other_phones,
            signed.generation,
            moment::show(UnixMillis(until).seconds()),
            whom.holder,
        );
    }
    show(&file.present(moment::now().seconds())?, how)
}

fn list(whom: &WhomArgs) -> anyhow::Result<Exit> {
    let remote = whom.registry.connect()?;
    let (issuer, holder) = (IssuerId(whom.issuer), HolderIndex(whom.holder));
    let mut all = Vec::new();
    loop {
        let after = all.last().map_or(0, |last: &hufu_contract::Credential| last.number);
        let page = remote.ask(|api| api.credentials(issuer, holder, after, PAGE))?.credentials;
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    let header = ["number", "kind", "generation", "issued", "expires", "key"];
    Ok(listing::list(&all, header, |credential| {
        let at = |ms| moment::show(UnixMillis(ms).seconds());
        [
            credential.number.to_string(),
            format!("{:?}", credential.kind).to_lowercase(),
            credential.generation.to_string(),
            at(credential.issued_ms),
            at(credential.expires_ms),
            credential.key.to_string(),
        ]
    }))
}
