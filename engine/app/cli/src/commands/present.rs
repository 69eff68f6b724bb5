//! `hufu present`: a phone's code as it is at this moment.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use hufu_files::moment::{self, Clock, Moment};
use hufu_records::Finder;

use crate::holder::HolderFile;
use crate::outcome::Exit;
use crate::show::{ShowArgs, show};
use crate::shown::Shown;
use crate::term::note;

pub(crate) const EXAMPLES: &str = "Examples:
  hufu present --holder zhang.holder
  hufu present --holder zhang.holder --png code.png
  hufu present --holder zhang.holder --at -10m --qr

Each step that is shown is remembered for 60 days in a file beside the holder's, zhang.holder.shown, for its owner alone: \
`hufu holder history` finds the checks with it. Remove the file to forget them.";

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
    let holder = HolderFile::load(&args.holder)?;
    let code = holder.present(at)?;
    // A phone that cannot remember shows its code all the same.
    let finder = Finder::of_step(&holder.value(at)?);
    if let Err(why) = Shown::note(&args.holder, at.step(), &finder, moment::now().seconds()) {
        note!("hufu: warning: this step is not remembered for `hufu holder history`: {why:#}");
    }
    show(&code, &args.show)?;
    Ok(Exit::Yes)
}
