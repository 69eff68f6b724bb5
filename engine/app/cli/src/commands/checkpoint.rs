//! `hufu checkpoint`: both authorities' word for a whole table (R22). Each follows the chain itself, from its own
//! folder and by the signatures, and signs what it has found; neither takes the registry's word for it.

mod confirm;
mod export;
mod propose;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hufu_authority::Checkpoint;
use serde_json::{Value, json};

use crate::chain::ChainArgs;
use crate::outcome::Exit;
use crate::signer::KeyArgs;
use crate::term::{self, note};
use crate::{ask, instructed};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu checkpoint propose --issuer 310000 --national 100000 --key shanghai.key --state ledger --out next.checkpoint
  hufu checkpoint confirm --issuer 310000 --key national.key --state ledger next.checkpoint
  hufu checkpoint export --issuer 310000 --out drop/310000

propose follows the chain to its end, hands the snapshot in to the registry and writes a checkpoint with the local \
signature. confirm follows the chain to the same place, makes the snapshot out of its own words, compares, signs, and \
hands the checkpoint in to the registry. --state is a folder that each authority keeps for itself. export fills a folder that engines without a line to the registry \
follow (feed = \"file:...\" in engine.toml): run it again to bring them up to date.";

/// Vouch for a whole table with both keys.
#[derive(Debug, Subcommand)]
pub(crate) enum CheckpointCommand {
    /// Make a checkpoint at the chain's end, as the local authority
    Propose(Box<propose::ProposeArgs>),
    /// Check a checkpoint against the chain, sign it and hand it in, as the national platform
    Confirm(Box<confirm::ConfirmArgs>),
    /// Fill a folder for engines without a line to the registry: checkpoint, snapshot, the sets after it, the head
    Export(export::ExportArgs),
}

/// The arguments of both sides.
#[derive(Debug, Args)]
pub(super) struct CommonArgs {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// The folder in which this authority follows chains itself
    #[arg(long, value_name = "FOLDER")]
    state: PathBuf,
    /// Sign without asking
    #[arg(long)]
    yes: bool,
}

/// Runs `hufu checkpoint`.
pub(crate) fn run(command: &CheckpointCommand) -> anyhow::Result<Exit> {
    match command {
        CheckpointCommand::Propose(args) => propose::run(args),
        CheckpointCommand::Confirm(args) => confirm::run(args),
        CheckpointCommand::Export(args) => export::run(args),
    }
}

fn show(checkpoint: &Checkpoint) {
    let Checkpoint { message, snapshot, .. } = checkpoint;
    term::note_text(&instructed::describe_checkpoint(message, snapshot.holders, term::stderr()));
}

fn to_json(checkpoint: &Checkpoint) -> Value {
    let Checkpoint { message, snapshot, .. } = checkpoint;
    json!({
        "issuer": message.issuer.0, "sequence": message.sequence.0, "digest": message.digest.to_string(),
        "snapshot": snapshot.digest.to_string(), "holders": snapshot.holders,
    })
}

impl CommonArgs {
    /// Whether a person wants it signed.
    fn sure(&self) -> anyhow::Result<bool> {
        let sure = ask::sure("Vouch for this table?", self.yes)?;
        if !sure {
            note!("nothing was signed");
        }
        Ok(sure)
    }
}
