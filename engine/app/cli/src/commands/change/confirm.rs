//! `hufu change confirm`: the national platform gives proposals their place in the chain.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use hufu_authority::{Confirmer, Outcome, Signer};
use hufu_contract::{BrakeReport, Proposal, ProposalId, ProposalPhase};
use hufu_upstream::WhichProposals;
use hufu_wire::IssuerId;
use serde_json::{Value, json};

use super::propose::LINES_MAX;
use crate::chain::{ChainArgs, OpenChain};
use crate::current::Current;
use crate::outcome::Exit;
use crate::signer::KeyArgs;
use crate::term::{self, note};
use crate::trust::TrustArgs;
use crate::{ask, instructed};

/// Confirm proposals.
#[derive(Debug, Args)]
pub(crate) struct ConfirmArgs {
    #[command(flatten)]
    platform: PlatformArgs,
    /// The proposals
    #[arg(value_name = "PROPOSAL", required_unless_present = "all")]
    proposals: Vec<u64>,
    /// Every proposal that is pending, in the order in which they were made
    #[arg(long, conflicts_with = "proposals")]
    all: bool,
    /// A folder where this platform follows the chain itself: it finds a registry that hides or rewrites sets
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// Sign without asking
    #[arg(long)]
    yes: bool,
}

/// The national platform, and the chain that it confirms.
#[derive(Debug, Args)]
pub(crate) struct PlatformArgs {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Allow a change that resets the time of the chain, because a clock was ahead
    #[arg(long)]
    reset_time: bool,
}

/// The national platform with its key.
pub(crate) struct Platform {
    chain: OpenChain,
    signer: Box<dyn Signer>,
    resets: bool,
}

impl PlatformArgs {
    /// Whose keys count.
    pub(crate) fn trust(&self) -> &TrustArgs {
        self.chain.trust()
    }

    pub(crate) fn open(&self) -> anyhow::Result<Platform> {
        let signer = self.key.open()?;
        Ok(Platform { chain: self.chain.open(signer.key().issuer())?, signer, resets: self.reset_time })
    }
}

impl Platform {
    pub(crate) fn confirmer(&self) -> Confirmer<'_> {
        Confirmer { chain: self.chain.chain(), signer: &*self.signer, resets: self.resets }
    }
}

/// Runs `hufu change confirm`.
pub(super) fn run(args: &ConfirmArgs) -> anyhow::Result<Exit> {
    let platform = args.platform.open()?;
    let confirmer = platform.confirmer();
    match &args.state {
        None => confirm_chosen(args, &confirmer),
        Some(folder) => confirmer.following(folder, || confirm_chosen(args, &confirmer)),
    }
}

fn confirm_chosen(args: &ConfirmArgs, confirmer: &Confirmer<'_>) -> anyhow::Result<Exit> {
    let mut done = Vec::new();
    let outcome = confirm_each(args, confirmer, &mut done);
    // Also after a fault: what is in the chain by then stays there.
    if outcome.is_ok() || !done.is_empty() {
        let none = done.is_empty() && matches!(outcome, Ok(Exit::Yes));
        let text = if none { "no proposal is pending" } else { "" };
        term::outcome(|| Value::from(done), || text.to_owned());
    }
    outcome
}

/// Confirms the chosen proposals until one cannot be; `done` gets what became of each, for a machine.
fn confirm_each(
    args: &ConfirmArgs,
    confirmer: &Confirmer<'_>,
    done: &mut Vec<Value>,
) -> anyhow::Result<Exit> {
    let issuer = confirmer.chain.issuer();
    for Proposal { id, .. } in args.chosen(confirmer)? {
        let bytes = confirmer.fetch(ProposalId(id))?;
        let instruction = confirmer.open(&bytes).with_context(|| format!("proposal {id}"))?;
        if ask::describes(args.yes) {
            note!("proposal {id}");
            let content = &instruction.content;
            let holders = content.changes.iter().map(|(holder, _)| holder);
            let current = Current::fetch(confirmer.chain.remote, issuer, holders)?;
            term::note_text(&instructed::describe(
                issuer,
                content,
                Some(&current),
                LINES_MAX,
                term::stderr(),
            ));
        }
        if !ask::sure("Confirm this change?", args.yes)? {
            note!("proposal {id} was not confirmed");
            return Ok(Exit::No);
        }
        match confirmer.confirm(ProposalId(id), &instruction)? {
            Outcome::Confirmed(confirmed, _) => {
                let sequence = confirmed.sequence;
                term::along(format_args!("proposal {id} is change set {sequence} of issuer {issuer}"));
                done.push(json!({ "proposal": id, "confirmed": confirmed }));
            }
            Outcome::Braked(brake) => {
                note!("{}", describe_braked(issuer, ProposalId(id), &brake));
                done.push(json!({ "proposal": id, "braked": brake }));
                return Ok(Exit::Refer);
            }
        }
    }
    Ok(Exit::Yes)
}

/// For a person whose change the brake holds.
pub(crate) fn describe_braked(issuer: IssuerId, proposal: ProposalId, brake: &BrakeReport) -> String {
    let BrakeReport { set_back, reds, ambers, forgotten, generations, recent, holders, share_permille } =
        *brake;
    let kinds = [
        (reds, "turn red"),
        (ambers, "turn amber"),
        (forgotten, "are forgotten"),
        (generations, "get another credential generation"),
    ];
    let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
    let kinds: Vec<_> = kinds.map(|(count, what)| format!("{count} {what}")).collect();
    format!(
        "the brake holds proposal {proposal}: it sets {set_back} holders back ({}), {recent} were set back shortly before, \
         and the limit is {share_permille} in a thousand of {holders}; to confirm it all the same, run `hufu change release --issuer \
         {issuer} {proposal}`",
        kinds.join(", ")
    )
}

/// Says what became of a proposal that can no longer be confirmed.
fn ensure_open(proposal: &Proposal) -> anyhow::Result<()> {
    let Proposal { id, state, sequence, .. } = proposal;
    let again = "if the change is still wanted, the local authority proposes it again";
    match state {
        ProposalPhase::Pending | ProposalPhase::Braked => Ok(()),
        ProposalPhase::Confirmed => {
            let set = sequence.map_or_else(String::new, |sequence| format!(", as set {sequence}"));
            bail!("proposal {id} is confirmed already{set}")
        }
        ProposalPhase::Withdrawn => bail!("proposal {id} is withdrawn: {again}"),
        ProposalPhase::Expired => bail!("proposal {id} was not confirmed in time: {again}"),
        ProposalPhase::Overtaken => bail!(
            "proposal {id} is overtaken: another one that was proposed at the same time or later is confirmed; {again}"
        ),
    }
}

impl ConfirmArgs {
    /// The proposals to confirm, in the order in which they were made.
    fn chosen(&self, confirmer: &Confirmer<'_>) -> anyhow::Result<Vec<Proposal>> {
        let (remote, issuer) = (confirmer.chain.remote, confirmer.chain.issuer());
        let mut chosen = if self.all {
            let pending = WhichProposals { state: Some(ProposalPhase::Pending), ..WhichProposals::default() };
            remote.proposals(issuer, pending)?
        } else {
            // All of them before the first is confirmed.
            let get = |id: &u64| -> anyhow::Result<Proposal> {
                let proposal = remote.ask(|api| api.proposal(issuer, ProposalId(*id)))?;
                ensure_open(&proposal)?;
                Ok(proposal)
            };
            self.proposals.iter().map(get).collect::<anyhow::Result<_>>()?
        };
        chosen.sort_by_key(|proposal| (proposal.era, proposal.proposed_ms));
        Ok(chosen)
    }
}
