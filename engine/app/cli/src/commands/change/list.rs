//! `hufu change list`, `show` and `withdraw`.

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use comfy_table::{Table, presets};
use hufu_contract::{Proposal, ProposalPhase};
use hufu_registry::ProposalId;
use hufu_wire::chain::Instruction;
use hufu_wire::{IssuerId, UnixMillis, read};
use serde_json::json;

use crate::instructed;
use crate::outcome::Exit;
use crate::remote::{RegistryArgs, Remote};
use crate::term::{self, printable, say};
use hufu_files::moment;

/// List proposals.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose chain
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// Only those in this state
    #[arg(long)]
    state: Option<StateName>,
    /// As JSON
    #[arg(long)]
    json: bool,
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
    /// As JSON, with every holder
    #[arg(long)]
    json: bool,
}

/// Take a proposal back.
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

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StateName {
    Pending,
    Braked,
    Confirmed,
    Withdrawn,
    Expired,
    Overtaken,
}

/// Proposals asked for at once.
const PAGE: u32 = 500;

/// Every proposal of an issuer, in one state or in any.
pub(crate) fn pages(
    remote: &Remote,
    issuer: IssuerId,
    state: Option<ProposalPhase>,
) -> anyhow::Result<Vec<Proposal>> {
    let mut all: Vec<Proposal> = Vec::new();
    loop {
        let after = ProposalId(all.last().map_or(0, |proposal| proposal.id));
        let page = remote.ask(|api| api.proposals(issuer, state, after, PAGE))?.proposals;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// Runs `hufu change list`.
pub(super) fn list(args: &ListArgs) -> anyhow::Result<Exit> {
    let remote = args.registry.connect()?;
    let proposals = pages(&remote, IssuerId(args.issuer), args.state.map(StateName::state))?;
    if args.json {
        say!("{:#}", json!(proposals));
        return Ok(Exit::Yes);
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["proposal", "state", "changes", "rule", "proposed", "reason"]);
    for proposal in &proposals {
        table.add_row([
            proposal.id.to_string(),
            state_of(proposal),
            proposal.changes.to_string(),
            proposal.rule.to_string(),
            moment::show(UnixMillis(proposal.proposed_ms).seconds()),
            printable(&proposal.reason),
        ]);
    }
    say!("{table}");
    Ok(Exit::Yes)
}

/// Runs `hufu change show`.
pub(super) fn show(args: &ShowArgs) -> anyhow::Result<Exit> {
    let (remote, issuer) = (args.registry.connect()?, IssuerId(args.issuer));
    let proposal = remote.ask(|api| api.proposal(issuer, ProposalId(args.proposal)))?;
    let bytes = remote.ask(|api| api.instruction(issuer, ProposalId(args.proposal)))?;
    let instruction: Instruction<'_> = read(&bytes).context("the registry sends no instruction")?;
    if args.json {
        let mut object = instructed::to_json(issuer, &instruction.content, true);
        object["proposal"] = json!(proposal);
        say!("{object:#}");
        return Ok(Exit::Yes);
    }
    say!("proposal {}, {}", proposal.id, state_of(&proposal));
    let lines_max = if args.all { usize::MAX } else { super::propose::LINES_MAX };
    term::text(&instructed::describe(issuer, &instruction.content, lines_max, term::stdout()));
    Ok(Exit::Yes)
}

/// Runs `hufu change withdraw`.
pub(super) fn withdraw(args: &WithdrawArgs) -> anyhow::Result<Exit> {
    let (remote, issuer) = (args.registry.connect()?, IssuerId(args.issuer));
    let proposal = remote.ask(|api| api.withdraw(issuer, ProposalId(args.proposal)))?;
    say!("proposal {} is {}", args.proposal, state_of(&proposal));
    Ok(Exit::Yes)
}

fn state_of(proposal: &Proposal) -> String {
    let state = match proposal.state {
        ProposalPhase::Pending => "pending",
        ProposalPhase::Braked => "braked",
        ProposalPhase::Confirmed => "confirmed",
        ProposalPhase::Withdrawn => "withdrawn",
        ProposalPhase::Expired => "expired",
        ProposalPhase::Overtaken => "overtaken",
    };
    proposal.sequence.map_or_else(|| state.to_owned(), |sequence| format!("{state} as change set {sequence}"))
}

impl StateName {
    const fn state(self) -> ProposalPhase {
        match self {
            StateName::Pending => ProposalPhase::Pending,
            StateName::Braked => ProposalPhase::Braked,
            StateName::Confirmed => ProposalPhase::Confirmed,
            StateName::Withdrawn => ProposalPhase::Withdrawn,
            StateName::Expired => ProposalPhase::Expired,
            StateName::Overtaken => ProposalPhase::Overtaken,
        }
    }
}
