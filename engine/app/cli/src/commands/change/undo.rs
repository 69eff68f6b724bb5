//! `hufu change undo`: a change that gives back what another one took.

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use hufu_authority::{Justification, Proposer, Undone, chain_end, undone};
use hufu_contract::{Proposal, ProposalId, ProposalPhase};
use hufu_files::moment::Span;
use hufu_wire::chain::{InputsDigest, Record};
use hufu_wire::{HolderIndex, IssuerId, RuleId, Sequence};
use serde_json::json;

use super::propose::{Signing, VALID, hand_in};
use crate::chain::ChainArgs;
use crate::current::Current;
use crate::listing::first_of;
use crate::outcome::Exit;
use crate::signer::KeyArgs;
use crate::term::{self, note};

/// Propose what was before a proposal.
#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// The national platform that confirms this chain
    #[arg(long, value_name = "ID")]
    national: u32,
    /// The proposal that is undone; it is confirmed
    #[arg(value_name = "PROPOSAL")]
    proposal: u64,
    /// Also holders whom a later change named: its colour is lost
    #[arg(long)]
    force: bool,
    /// Number of the rule; else that of the proposal
    #[arg(long, value_name = "N")]
    rule: Option<u32>,
    /// Why, at most 128 bytes; else that it undoes the proposal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// How long it may be confirmed, at most 7d; else 1d
    #[arg(long, value_name = "SPAN")]
    valid: Option<Span>,
    /// Sign without asking
    #[arg(long)]
    yes: bool,
}

/// Runs `hufu change undo`.
pub(super) fn run(args: &UndoArgs) -> anyhow::Result<Exit> {
    let signer = args.key.open()?;
    let issuer = args.chain.issuer();
    let key = signer.key().issuer();
    ensure!(key == issuer, "the key is issuer {key}'s, and the chain is {issuer}'s");
    let open = args.chain.open(IssuerId(args.national))?;
    let chain = open.chain();
    let proposal = chain.remote.ask(|api| api.proposal(issuer, ProposalId(args.proposal)))?;
    let sequence = confirmed(&proposal, issuer)?;
    let undone = undone(&chain, sequence)?;
    args.check_later(&undone)?;
    let records = records(&undone);
    let left = left(&undone);
    if !left.is_empty() {
        note!(
            "{} of the holders are left out: {}; they had no colour before, and without one their credential generation would \
             be 0: the codes of a lost phone would be valid again. Give them a colour: `hufu change propose --holder N --colour \
             COLOUR`",
            left.len(),
            first_of(&left)
        );
    }
    let kept = undone.len() - records.len() - left.len();
    if kept > 0 {
        note!(
            "{kept} holders have nothing to be given back: they have it, or only their credential generation changed"
        );
    }
    if records.is_empty() {
        term::outcome(|| json!([]), String::new);
        let why = if left.is_empty() { "there is nothing to undo" } else { "all of them are left out" };
        note!("nothing was signed: {why}");
        return Ok(Exit::No);
    }
    let current = Current::fetch(chain.remote, issuer, records.iter().map(Record::holder))?;
    let reason = args.reason.clone().unwrap_or_else(|| format!("undoes proposal {}", args.proposal));
    let justification = Justification {
        rule: RuleId(args.rule.unwrap_or(proposal.rule)),
        reason: &reason,
        // What this change was made of is the change that it undoes.
        inputs: InputsDigest(proposal.content_digest.0),
        valid: args.valid.unwrap_or(VALID),
    };
    current.check_rule(justification.rule)?;
    let mut proposer =
        Proposer::new(&*signer, justification, chain_end(chain.remote, issuer, chain.clocks, false)?);
    let signing = Signing { current: Some(&current), yes: args.yes };
    signing.run(&[records], &mut proposer, |proposer, _, instruction| {
        hand_in(proposer, chain.remote, instruction)
    })
}

/// The set that a proposal became.
fn confirmed(proposal: &Proposal, issuer: IssuerId) -> anyhow::Result<Sequence> {
    let id = proposal.id;
    match (proposal.state, proposal.sequence) {
        (ProposalPhase::Confirmed, Some(sequence)) => Ok(Sequence(sequence)),
        (state, _) if state.is_open() => bail!(
            "proposal {id} is {} and changed nobody: `hufu change withdraw --issuer {issuer} {id}` takes it back",
            state.slug()
        ),
        (state, _) => bail!("proposal {id} is {} and changed nobody", state.slug()),
    }
}

/// What gives back what can be given back.
fn records(undone: &[Undone]) -> Vec<Record> {
    let record = |undone: &Undone| Some(Record::new(undone.holder, undone.restoration()?));
    undone.iter().filter_map(record).collect()
}

/// Holders who had no colour and keep the one of now, with the credential generation of each.
fn left(undone: &[Undone]) -> Vec<String> {
    let left = undone.iter().filter(|undone| undone.resets_generation());
    left.map(|undone| format!("{} (generation {})", undone.holder, undone.now.generation())).collect()
}

impl UndoArgs {
    /// Whether a later change named one of the holders who would get something back.
    fn check_later(&self, undone: &[Undone]) -> anyhow::Result<()> {
        let is_later = |undone: &&Undone| undone.later.is_some() && undone.restoration().is_some();
        let later: Vec<HolderIndex> = undone.iter().filter(is_later).map(|undone| undone.holder).collect();
        if later.is_empty() || self.force {
            return Ok(());
        }
        let set = undone.iter().filter_map(|undone| undone.later).max().context("a later set")?;
        bail!(
            "later changes, up to set {set}, named {} of the holders, {}: nothing was signed; look at them (`hufu change \
             list --holder N`), or give --force to take back what those changes said too",
            later.len(),
            first_of(&later)
        )
    }
}
