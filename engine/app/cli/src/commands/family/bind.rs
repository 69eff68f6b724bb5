//! `hufu family bind`: an application as a counter enters it.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;
use hufu_authority::Remote;
use hufu_contract::{Assurance, BindRelative, Consent, ConsentWay};
use hufu_files as files;
use hufu_files::moment::{Clock, Moment};
use hufu_wire::IssuerId;

use super::show;
use crate::idnumber::IdNumberArgs;
use crate::remote::RegistryArgs;
use crate::words::words;

/// An application.
#[derive(Debug, Args)]
#[group(id = "assurance", required = true, multiple = false, args = ["face", "commitment"])]
pub(crate) struct BindArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose holders
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The user's index
    #[arg(long, value_name = "HOLDER")]
    user: u32,
    /// The relative's full name, as registered
    #[arg(long)]
    name: String,
    #[command(flatten)]
    id_number: IdNumberArgs,
    /// The relative's date of birth, YYYY-MM-DD, of a document that does not say it
    #[arg(long, value_name = "DATE")]
    born: Option<String>,
    /// The signed statement of a face check, for relatives above 6 years
    #[arg(long, value_name = "FILE")]
    face: Option<PathBuf>,
    /// The version of the commitment that the user signed, for a child up to 6 years
    #[arg(long, value_name = "VERSION", requires = "signed_name")]
    commitment: Option<String>,
    /// The user's full name as it stands under the commitment
    #[arg(long, value_name = "NAME", requires = "commitment")]
    signed_name: Option<String>,
    /// A file with the signature itself, such as a picture of the handwriting; kept sealed
    #[arg(long, value_name = "FILE", requires = "commitment")]
    signature: Option<PathBuf>,
    /// When the commitment was signed
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    signed: Moment,
    /// How the relative consented; for a child under 14 a guardian does
    #[arg(long, value_parser = words(ConsentWay::ALL.map(ConsentWay::slug), ConsentWay::from_slug))]
    consent: ConsentWay,
    /// Who recorded the consent: a counter, a clerk's number
    #[arg(long, value_name = "TEXT")]
    recorded_by: String,
    /// When the relative consented
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    consented: Moment,
}

pub(super) fn run(args: &BindArgs) -> anyhow::Result<()> {
    let remote = args.registry.connect()?;
    let number = args.id_number.read_or_ask()?;
    let wanted = BindRelative {
        user: args.user,
        name: args.name.clone(),
        id_number: number.to_string(),
        born: args.born.clone(),
        assurance: assurance(args, &remote)?,
        consent: Consent {
            how: args.consent,
            recorded_by: args.recorded_by.clone(),
            given_ms: Clock::here().any(args.consented).context("--consented")?.millis().0,
        },
    };
    show(&remote.ask(|api| api.bind_relative(IssuerId(args.issuer), &wanted))?);
    Ok(())
}

fn assurance(args: &BindArgs, remote: &Remote) -> anyhow::Result<Assurance> {
    if let Some(face) = &args.face {
        let text = files::read_text(face)?;
        let statement = text.trim().parse();
        let statement = statement.map_err(|fault| anyhow!("{}: {fault}", face.display()))?;
        return Ok(Assurance::Face { statement });
    }
    let version = args.commitment.as_deref().context("--face or --commitment is required")?;
    let texts = remote.ask(|api| api.commitments(IssuerId(args.issuer)))?.commitments;
    let text = texts.into_iter().find(|text| text.version == version);
    let text =
        text.context("the registry has no commitment of this version; `hufu family commitment` shows them")?;
    let signature =
        args.signature.as_ref().map(|path| std::fs::read(path).with_context(|| path.display().to_string()));
    Ok(Assurance::Commitment {
        version: text.version,
        text_digest: text.text_digest,
        signed_name: args.signed_name.clone().context("--signed-name is required")?,
        signature: signature.transpose()?.map(hufu_contract::Base64Url),
        signed_ms: Clock::here().any(args.signed).context("--signed")?.millis().0,
    })
}
