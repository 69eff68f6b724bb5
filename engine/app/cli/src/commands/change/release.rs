//! `hufu change release`: the national platform confirms a change that sets very many holders back.

use clap::Args;
use hufu_authority::Outcome;
use hufu_contract::ProposalId;
use serde_json::json;

use super::confirm::{PlatformArgs, describe_braked};
use super::propose::LINES_MAX;
use crate::outcome::Exit;
use crate::term::{self, note, tell};
use crate::{ask, instructed};

/// Release a proposal that the brake holds, and confirm it.
#[derive(Debug, Args)]
pub(crate) struct ReleaseArgs {
    #[command(flatten)]
    platform: PlatformArgs,
    /// The proposal
    #[arg(value_name = "PROPOSAL")]
    proposal: u64,
    /// Release it, and do not confirm it yet
    #[arg(long)]
    only: bool,
    /// Sign without asking
    #[arg(long)]
    yes: bool,
}

/// Runs `hufu change release`.
pub(super) fn run(args: &ReleaseArgs) -> anyhow::Result<Exit> {
    let id = ProposalId(args.proposal);
    let platform = args.platform.open()?;
    let confirmer = platform.confirmer();
    let issuer = confirmer.chain.issuer();
    let brake = confirmer.held(id)?;
    let bytes = confirmer.fetch(id)?;
    let instruction = confirmer.open(&bytes)?;
    term::note_text(&instructed::describe(issuer, &instruction.content, None, LINES_MAX, term::stderr()));
    note!("{}", describe_braked(issuer, id, &brake));
    if !ask::sure(&format!("Let {} holders be set back?", brake.set_back), args.yes)? {
        note!("proposal {id} was not released");
        return Ok(Exit::No);
    }
    confirmer.release(id, &instruction, &brake)?;
    if args.only {
        tell!(
            { "proposal": id.0, "released": true, "set_back": brake.set_back, "confirmed": null },
            "proposal {id} is released for {} holders; confirm it with `hufu change confirm`",
            brake.set_back
        );
        return Ok(Exit::Yes);
    }
    match confirmer.confirm(id, &instruction)? {
        Outcome::Confirmed(confirmed, _) => {
            tell!(
                { "proposal": id.0, "released": true, "set_back": brake.set_back, "confirmed": confirmed },
                "proposal {id} is released, and change set {} of issuer {issuer}",
                confirmed.sequence
            );
            Ok(Exit::Yes)
        }
        Outcome::Braked(brake) => {
            term::outcome(
                || json!({ "proposal": id.0, "released": true, "confirmed": null, "braked": brake }),
                String::new,
            );
            note!("more holders were set back in the meantime: {}", describe_braked(issuer, id, &brake));
            Ok(Exit::Refer)
        }
    }
}
