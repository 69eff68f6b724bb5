//! `hufu checkpoint confirm`: the national platform's half.

use std::path::PathBuf;

use clap::Args;
use hufu_authority::Checkpoint;
use hufu_files as files;

use super::{CommonArgs, show, to_json};
use crate::ask;
use crate::outcome::Exit;
use crate::term::{self, note};

/// Check, sign and hand in a checkpoint.
#[derive(Debug, Args)]
pub(crate) struct ConfirmArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The checkpoint with the local signature
    #[arg(value_name = "FILE")]
    checkpoint: PathBuf,
}

/// Runs `hufu checkpoint confirm`.
pub(super) fn run(args: &ConfirmArgs) -> anyhow::Result<Exit> {
    let common = &args.common;
    let signer = common.key.open()?;
    let bytes = files::read(&args.checkpoint)?;
    let open = common.chain.open(signer.key().issuer())?;
    let chain = open.chain();
    let checkpoint = Checkpoint::check(&chain, &common.state, &bytes)?;
    if ask::describes(common.yes) {
        show(&checkpoint);
        note!("the chain that was followed here has the same sets and the same statuses");
    }
    if !common.sure()? {
        return Ok(Exit::No);
    }
    let signed = checkpoint.sign(&chain, &*signer)?;
    chain.remote.ask(|api| api.put_checkpoint(chain.issuer(), signed))?;
    let text = || {
        let (sequence, holders) = (checkpoint.message.sequence, checkpoint.snapshot.holders);
        format!("checkpoint at {sequence} of issuer {}: {holders} holders, signed by both", chain.issuer())
    };
    term::outcome(|| to_json(&checkpoint), text);
    Ok(Exit::Yes)
}
