//! `hufu change confirm`: the national platform gives proposals their place in the chain.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use hufu_codes::chain::{Authorities, Tip, open_instruction};
use hufu_codes::keyring::Keyring;
use hufu_contract::{self as types, BrakeReport, Confirmed, Proposal, ProposalPhase};
use hufu_registry::ProposalId;
use hufu_wire::chain::{ChainDigest, Proposed};
use hufu_wire::{IssuerId, Sequence, UnixMillis};
use serde_json::{Value, json};

use super::propose::LINES_MAX;
use crate::clocks::ClockArgs;
use crate::follow_api::{Dated, follow_to_end};
use crate::ledger::{Ledger, LedgerFolder};
use crate::outcome::Exit;
use crate::remote::{RegistryArgs, Remote, told};
use crate::signer::{KeyArgs, Signer};
use crate::term::{self, note, say};
use crate::trust::TrustArgs;
use crate::{ask, instructed};
use hufu_files::moment;

/// Confirm proposals.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct ConfirmArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// Whose chain
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The proposals
    #[arg(value_name = "PROPOSAL", required_unless_present = "all")]
    proposals: Vec<u64>,
    /// Every proposal that is pending, in the order in which they were made
    #[arg(long, conflicts_with = "proposals")]
    all: bool,
    /// Confirm a change that resets the time of the chain: a clock was ahead, and both authorities know
    #[arg(long)]
    reset_time: bool,
    #[command(flatten)]
    clocks: ClockArgs,
    /// A folder where this platform follows the chain itself: a registry that hides or rewrites sets is told here
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// Do not ask before signing
    #[arg(long)]
    yes: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Confirms one proposal after the other.
pub(crate) struct Confirmer<'a> {
    pub(crate) remote: &'a Remote,
    pub(crate) signer: &'a Signer,
    pub(crate) keyring: &'a Keyring,
    pub(crate) authorities: Authorities,
    pub(crate) clocks: &'a ClockArgs,
    /// Whether an instruction may reset the time of the chain.
    pub(crate) resets: bool,
}

/// What became of a confirmation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// It is in the chain.
    Confirmed(Confirmed),
    /// It would turn too many red at once: a release lets it through.
    Braked(BrakeReport),
}

/// How often another set may take the place that was signed before this one gives up.
const TRIES: usize = 16;

/// Runs `hufu change confirm`.
pub(super) fn run(args: &ConfirmArgs) -> anyhow::Result<Exit> {
    let issuer = IssuerId(args.issuer);
    let signer = args.key.open()?;
    let keyring = args.trust.load(moment::now().seconds())?;
    let national = signer.key().issuer();
    let authorities = Authorities::new(issuer, national, national)?;
    let remote = args.registry.connect()?;
    let confirmer = Confirmer {
        remote: &remote,
        signer: &signer,
        keyring: &keyring,
        authorities,
        clocks: &args.clocks,
        resets: args.reset_time,
    };
    let Some(folder) = &args.state else { return confirm_chosen(args, &confirmer) };
    let folder = LedgerFolder::open(folder, authorities)?;
    let mut ledger = check_history(&folder, &confirmer)?;
    let outcome = confirm_chosen(args, &confirmer);
    // However it ended: a place that was signed for must never be signed for again, whatever the registry forgets.
    follow_to_end(&remote, &mut ledger, &keyring, confirmer.dated())?;
    folder.store(&ledger)?;
    outcome
}

fn confirm_chosen(args: &ConfirmArgs, confirmer: &Confirmer<'_>) -> anyhow::Result<Exit> {
    let mut done = Vec::new();
    let outcome = confirm_each(args, confirmer, &mut done);
    // Also after a fault: what is in the chain by then stays there.
    if args.json && (outcome.is_ok() || !done.is_empty()) {
        say!("{:#}", Value::from(done));
    } else if done.is_empty() && matches!(outcome, Ok(Exit::Yes)) {
        say!("nothing is pending");
    }
    outcome
}

/// Confirms the chosen proposals until one cannot be; `done` gets what became of each, for a machine.
fn confirm_each(
    args: &ConfirmArgs,
    confirmer: &Confirmer<'_>,
    done: &mut Vec<Value>,
) -> anyhow::Result<Exit> {
    let Confirmer { remote, keyring, authorities, .. } = *confirmer;
    let issuer = authorities.issuer();
    for proposal in args.chosen(remote, issuer)? {
        let instruction = remote.ask(|api| api.instruction(issuer, ProposalId(proposal.id)))?;
        let verified = open_instruction(&instruction, &authorities, keyring, hufu_signature::backend())
            .with_context(|| format!("proposal {}", proposal.id))?;
        if !args.json {
            note!("proposal {}", proposal.id);
            term::note_text(&instructed::describe(issuer, &verified.content, LINES_MAX, term::stderr()));
        }
        if !ask::sure("Confirm this change?", args.yes)? {
            note!("proposal {} was not confirmed", proposal.id);
            return Ok(Exit::No);
        }
        match confirmer.confirm(proposal.id, &instruction)? {
            Outcome::Confirmed(confirmed) => {
                if !args.json {
                    say!("proposal {} is change set {} of issuer {issuer}", proposal.id, confirmed.sequence);
                }
                done.push(json!({ "proposal": proposal.id, "confirmed": confirmed }));
            }
            Outcome::Braked(brake) => {
                if !args.json {
                    note!("{}", told_braked(issuer, proposal.id, &brake));
                }
                done.push(json!({ "proposal": proposal.id, "braked": brake }));
                return Ok(Exit::Refer);
            }
        }
    }
    Ok(Exit::Yes)
}

/// What a person is told whose change the brake holds.
pub(crate) fn told_braked(issuer: IssuerId, proposal: u64, brake: &BrakeReport) -> String {
    let BrakeReport { reds, recent, holders, share_permille, .. } = *brake;
    format!(
        "proposal {proposal} is held: it turns {reds} holders red, {recent} turned red shortly before, and \
         {share_permille} in a thousand of {holders} may at once; if that is meant, `hufu change release --issuer \
         {issuer} {proposal}` lets it through"
    )
}

impl Confirmer<'_> {
    /// Before a reset, the sets that are dated ahead are followed too.
    fn dated(&self) -> Dated {
        if self.resets { Dated::Whenever } else { Dated::ByNow }
    }

    /// Signs the place after the chain's end for an instruction, again where others were faster.
    ///
    /// # Errors
    /// The instruction is not the local authority's, can no longer be confirmed, or the registry refuses.
    pub(crate) fn confirm(&self, proposal: u64, instruction: &[u8]) -> anyhow::Result<Outcome> {
        let issuer = self.authorities.issuer();
        let verified =
            open_instruction(instruction, &self.authorities, self.keyring, hufu_signature::backend())?;
        for _ in 0..TRIES {
            let tip = tip_of(self.clocks.tip(self.remote, issuer)?);
            ensure!(
                self.resets || verified.content.proposed.era() <= tip.proposed.era(),
                "proposal {proposal} resets the time of the chain: confirm it with --reset-time if a clock was ahead and is \
                 right now"
            );
            let unsigned = self.signer.key().confirm(&verified, &tip, moment::now())?;
            let set = self.signer.sign(unsigned)?;
            match self.remote.try_ask(|api| api.confirm(issuer, ProposalId(proposal), set)) {
                Ok(confirmed) => return Ok(Outcome::Confirmed(confirmed)),
                Err(fault) => match fault.problem() {
                    Some(problem) if problem.name() == "moved" => {}
                    Some(problem) if problem.name() == "braked" => {
                        let brake = problem.brake.context("the registry does not say what its brake saw")?;
                        return Ok(Outcome::Braked(brake));
                    }
                    _ => return Err(told(fault)),
                },
            }
        }
        bail!("others confirm faster than this: {TRIES} times another set came first; try again")
    }
}

/// The chain's end as the registry tells it.
fn tip_of(tip: types::Tip) -> Tip {
    Tip {
        sequence: Sequence(tip.sequence),
        digest: ChainDigest(tip.digest.0),
        proposed: Proposed::new(tip.era, UnixMillis(tip.proposed_ms)),
        confirmed: UnixMillis(tip.confirmed_ms),
    }
}

/// Follows the chain to the end that the registry names: both must be the history that was followed before.
fn check_history(folder: &LedgerFolder, confirmer: &Confirmer<'_>) -> anyhow::Result<Ledger> {
    let mut ledger = folder.load(moment::now())?;
    follow_to_end(confirmer.remote, &mut ledger, confirmer.keyring, confirmer.dated())?;
    let named = tip_of(confirmer.remote.ask(|api| api.tip(confirmer.authorities.issuer()))?);
    let own = ledger.tip();
    ensure!(
        named.sequence != own.sequence || named.digest == own.digest,
        "the registry names another history at {} than its own sets make: nothing was signed",
        own.sequence
    );
    ensure!(named.sequence >= own.sequence, "the registry has lost sets: it ends at {}", named.sequence);
    folder.store(&ledger)?;
    Ok(ledger)
}

impl ConfirmArgs {
    /// The proposals to confirm, in the order in which they were made.
    fn chosen(&self, remote: &Remote, issuer: IssuerId) -> anyhow::Result<Vec<Proposal>> {
        let mut chosen = Vec::new();
        if self.all {
            chosen = super::list::pages(remote, issuer, Some(ProposalPhase::Pending))?;
        } else {
            for id in &self.proposals {
                chosen.push(remote.ask(|api| api.proposal(issuer, ProposalId(*id)))?);
            }
        }
        chosen.sort_by_key(|proposal| (proposal.era, proposal.proposed_ms));
        Ok(chosen)
    }
}
