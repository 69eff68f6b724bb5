//! `hufu demo`.
use crate::outcome::Exit;
use clap::Args;
pub(crate) const EXAMPLES: &str = "Examples:
  hufu demo";
/// Show the whole thing at work.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {}
/// Runs `hufu demo`.
pub(crate) fn run(_args: &DemoArgs) -> anyhow::Result<Exit> {
    Ok(Exit::Yes)
}
