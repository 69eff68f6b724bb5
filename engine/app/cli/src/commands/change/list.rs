//! `hufu change list`, `show` and `withdraw`.

use anyhow::Context as _;
use clap::Args;
use hufu_contract::{Proposal, ProposalId, ProposalPhase};
use hufu_files::moment::{self, Clock, Moment};
use hufu_upstream::WhichProposals;
use hufu_wire::chain::Instruction;
use hufu_wire::{HolderIndex, IssuerId, UnixMillis, read};
use serde_json::json;

use crate::outcome::Exit;
use crate::remote::RegistryArgs;
use crate::term::{self, printable, tell};
use crate::words::words;
use crate::{instructed, listing};

/// List proposals.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose chain
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// Only those in this state
    #[arg(long, value_parser = words(ProposalPhase::ALL.map(ProposalPhase::slug), ProposalPhase::from_slug))]
    state: Option<ProposalPhase>,
    /// Only those that name this holder
    #[arg(long, value_name = "N")]
    holder: Option<u32>,
    /// Only those that came in at this time or later
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<Moment>,
    /// Only those that came in before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<Moment>,
}

/// Show a proposal.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose chain
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The proposal
    #[arg(value_name = "PROPOSAL")]
    proposal: u64,
    /// List every holder, not only the first ten
    #[arg(long)]
    all: bool,
}

/// Withdraw a proposal.
#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose chain
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The proposal
    #[arg(value_name = "PROPOSAL")]
    proposal: u64,
}

/// Runs `hufu change list`.
pub(super) fn list(args: &ListArgs) -> anyhow::Result<Exit> {
    let clock = Clock::here();
    let millis = |moment: Moment| anyhow::Ok(clock.any(moment)?.millis());
    let which = WhichProposals {
        state: args.state,
        holder: args.holder.map(HolderIndex),
        since: args.since.map(millis).transpose().context("--since")?,
        until: args.until.map(millis).transpose().context("--until")?,
    };
    let proposals = args.registry.connect()?.proposals(IssuerId(args.issuer), which)?;
    let header = ["proposal", "state", "changes", "rule", "proposed", "reason"];
    Ok(listing::list(&proposals, header, |proposal| {
        [
            proposal.id.to_string(),
            state_of(proposal),
            proposal.changes.to_string(),
            proposal.rule.to_string(),
            moment::show(UnixMillis(proposal.proposed_ms).seconds()),
            printable(&proposal.reason),
        ]
    }))
}

/// Runs `hufu change show`.
pub(super) fn show(args: &ShowArgs) -> anyhow::Result<Exit> {
    let (remote, issuer) = (args.registry.connect()?, IssuerId(args.issuer));
    let proposal = remote.ask(|api| api.proposal(issuer, ProposalId(args.proposal)))?;
    let bytes = remote.ask(|api| api.instruction(issuer, ProposalId(args.proposal)))?;
    let instruction: Instruction<'_> = read(&bytes).context("the registry's answer is not an instruction")?;
    let content = &instruction.content;
    let object = || {
        let mut object = instructed::to_json(issuer, content, true);
        object["proposal"] = json!(proposal);
        object
    };
    let text = || {
        let lines_max = if args.all { usize::MAX } else { super::propose::LINES_MAX };
        let content = instructed::describe(issuer, content, None, lines_max, term::stdout());
        format!("proposal {}, {}\n{content}", proposal.id, state_of(&proposal))
    };
    term::outcome(object, text);
    Ok(Exit::Yes)
}

/// Runs `hufu change withdraw`.
pub(super) fn withdraw(args: &WithdrawArgs) -> anyhow::Result<Exit> {
    let (remote, issuer) = (args.registry.connect()?, IssuerId(args.issuer));
    let proposal = remote.ask(|api| api.withdraw(issuer, ProposalId(args.proposal)))?;
    let state = state_of(&proposal);
    tell!({ "proposal": proposal }, "proposal {} is {state}", args.proposal);
    Ok(Exit::Yes)
}

fn state_of(proposal: &Proposal) -> String {
    let state = proposal.state.slug();
    proposal.sequence.map_or_else(|| state.to_owned(), |sequence| format!("{state} as change set {sequence}"))
}
