//! `hufu present`: a phone's code as it is at this moment.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use hufu_files::moment::{Clock, Moment};

use crate::holder::HolderFile;
use crate::outcome::Exit;
use crate::show::{ShowArgs, show};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu present --holder zhang.holder
  hufu present --holder zhang.holder --png code.png
  hufu present --holder zhang.holder --at -10m --qr";

/// Show a phone's code as it is at this moment.
#[derive(Debug, Args)]
pub(crate) struct PresentArgs {
    /// The holder's file, from `hufu issue phone`
    #[arg(long, value_name = "FILE")]
    holder: PathBuf,
    /// The moment, to see what a phone with a wrong clock shows
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    at: Moment,
    #[command(flatten)]
    show: ShowArgs,
}

/// Runs `hufu present`.
pub(crate) fn run(args: &PresentArgs) -> anyhow::Result<Exit> {
    let at = Clock::here().any(args.at).context("--at")?;
    show(&HolderFile::load(&args.holder)?.present(at)?, &args.show)?;
    Ok(Exit::Yes)
}
