//! `hufu issue`: credentials of each kind, as an issuing authority makes them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, ensure};
use clap::{Args, Subcommand};
use hufu_codes::issue::{IssuerSigner, code_text};
use hufu_codes::presentation::{Salt, StepTree};
use hufu_codes::{Credential, Detail};
use hufu_files::keys::{Owner, SecretKey, random_seed};
use hufu_files::moment::{self, Clock, Moment, Span};
use hufu_registry::IdNumber;
use hufu_wire::{HolderIndex, HubId, Step, UnixSeconds, limits};

use crate::holder::HolderFile;
use crate::idnumber::IdNumberArgs;
use crate::outcome::Exit;
use crate::page::PageArgs;
use crate::show::{ShowArgs, show, show_paper};
use crate::term::note;

pub(crate) const EXAMPLES: &str = "Examples:
  hufu issue phone --key shanghai.key --holder 42 --name Zhang --id-number-file zhang.txt --out zhang.holder
  hufu issue paper --key shanghai.key --holder 43 --display 'L*0042' --page paper.pdf
  hufu issue trip --key shanghai.key --holder 42 --hub 9 --from now --until +4h --qr";

/// Steps that a phone's tree holds before its credential is issued, for a phone whose clock is behind.
const STEPS_BEFORE: u32 = 8;

/// Issue a credential and show its code.
#[derive(Debug, Subcommand)]
pub(crate) enum IssueCommand {
    /// A phone code: valid for a day, renewed every 30 seconds by a secret that only the phone has
    Phone {
        #[command(flatten)]
        common: CommonArgs,
        /// How long it is valid, at most 24h
        #[arg(long, value_name = "SPAN", default_value = "24h")]
        valid: Span,
        /// The holder's file to write: the credential and its secret, for `hufu present`
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// A paper code: printed, valid for a week, nothing to renew
    Paper {
        #[command(flatten)]
        common: CommonArgs,
        /// How long it is valid, at most 7d
        #[arg(long, value_name = "SPAN", default_value = "7d")]
        valid: Span,
        #[command(flatten)]
        page: PageArgs,
    },
    /// A trip code: good at one hub and in one window
    Trip {
        #[command(flatten)]
        common: CommonArgs,
        /// The only hub
        #[arg(long, value_name = "ID")]
        hub: u32,
        /// When the window begins
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        from: Moment,
        /// When the window ends
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        until: Moment,
    },
}

/// What every kind has.
#[derive(Debug, Args)]
pub(crate) struct CommonArgs {
    /// The issuer's secret key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The holder's index in the issuer's status list
    #[arg(long, value_name = "N")]
    holder: u32,
    /// Which of the holder's credentials; the status must name the same
    #[arg(long, value_name = "N", default_value_t = 0)]
    generation: u8,
    /// When it is issued
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    issued: Moment,
    /// What a gate may display of the holder, already masked
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["name", "id_number_file"])]
    display: Option<String>,
    /// The holder's name; only its first character goes into the code
    #[arg(long, default_value = "")]
    name: String,
    /// Only the tail of the number goes into the code.
    #[command(flatten)]
    id_number: IdNumberArgs,
    #[command(flatten)]
    show: ShowArgs,
}

/// Runs `hufu issue`.
pub(crate) fn run(command: &IssueCommand) -> anyhow::Result<Exit> {
    match command {
        IssueCommand::Phone { common, valid, out } => phone(common, *valid, out)?,
        IssueCommand::Paper { common, valid, page } => {
            ensure_short(*valid, "paper", limits::PAPER_VALIDITY_S_MAX)?;
            let issued = common.issued()?;
            let expires = UnixSeconds(issued.0.saturating_add(valid.s));
            show_paper(
                &code_text(&common.sign((issued, expires), Detail::Paper)?, None),
                &common.show,
                page,
            )?;
        }
        IssueCommand::Trip { common, hub, from, until } => {
            let (issued, (from, until)) = (common.issued()?, window(*from, *until)?);
            let detail = Detail::Trip { hub: HubId(*hub), from, until: UnixSeconds(until.0 - 1) };
            let latest = issued.0.saturating_add(limits::TRIP_VALIDITY_S_MAX);
            ensure!(until.0 <= latest, "a trip code is issued at most 60 days before the trip ends");
            show(&code_text(&common.sign((issued, until), detail)?, None), &common.show)?;
        }
    }
    Ok(Exit::Yes)
}

/// The first second of a trip's window and the first after it.
pub(crate) fn window(from: Moment, until: Moment) -> anyhow::Result<(UnixSeconds, UnixSeconds)> {
    let clock = Clock::here();
    let (from, until) = (clock.any(from).context("--from")?, clock.end(until).context("--until")?);
    ensure!(until > from, "--until must be later than --from");
    Ok((from, until))
}

/// Refuses a validity that every gate would refuse, before anything is signed.
fn ensure_short(valid: Span, kind: &str, valid_s_max: u32) -> anyhow::Result<()> {
    let most = moment::show_span(valid_s_max);
    ensure!(valid.s <= valid_s_max, "--valid: a {kind} code is valid for at most {most}");
    Ok(())
}

fn phone(common: &CommonArgs, valid: Span, out: &Path) -> anyhow::Result<()> {
    ensure!(!out.exists(), "{} exists already and is not overwritten", out.display());
    ensure_short(valid, "phone", limits::PHONE_VALIDITY_S_MAX)?;
    let signer = common.signer()?;
    let issued = common.issued()?;
    let origin = Step(issued.step().0.saturating_sub(STEPS_BEFORE));
    // In a real deployment the phone draws the seed and sends only the root.
    let seed = random_seed()?;
    let salt = Salt::of(signer.key(), HolderIndex(common.holder), common.generation, origin, issued);
    let root = StepTree::new(&seed, &salt).root();
    let expires = UnixSeconds(issued.0.saturating_add(valid.s));
    let holder = HolderFile::new(common.sign((issued, expires), Detail::Phone { root, origin })?, &seed);
    holder.store(out)?;
    match holder.present(moment::now().seconds()) {
        Ok(text) => show(&text, &common.show),
        Err(error) => {
            note!("hufu: wrote {}; it has no code to show at this time: {error:#}", out.display());
            Ok(())
        }
    }
}

impl CommonArgs {
    fn signer(&self) -> anyhow::Result<IssuerSigner> {
        SecretKey::load(&self.key, Owner::Issuer)?.issuer_signer()
    }

    /// Masked as a registry does it.
    fn display(&self) -> anyhow::Result<String> {
        if let Some(display) = &self.display {
            return Ok(display.clone());
        }
        let number = match self.id_number.read()? {
            Some(number) => {
                Some(IdNumber::read(&number).map_err(|fault| anyhow!("--id-number-file: {fault}"))?)
            }
            None if self.name.is_empty() => return Ok(String::new()),
            None => None,
        };
        Ok(hufu_registry::display(&self.name, number.as_ref()))
    }

    fn issued(&self) -> anyhow::Result<UnixSeconds> {
        Clock::here().any(self.issued).context("--issued")
    }

    fn sign(&self, (issued, expires): (UnixSeconds, UnixSeconds), detail: Detail) -> anyhow::Result<Vec<u8>> {
        let signer = self.signer()?;
        let display = self.display()?;
        Ok(signer.sign_credential(&Credential {
            key: signer.key(),
            issued,
            expires,
            holder: HolderIndex(self.holder),
            generation: self.generation,
            display: &display,
            detail,
        })?)
    }
}
