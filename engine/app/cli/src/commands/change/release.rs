//! `hufu change release`: the national platform's second look at a change that turns very many red.

use anyhow::{Context as _, ensure};
use clap::Args;
use hufu_codes::chain::{Authorities, open_instruction};
use hufu_contract::ProposalPhase;
use hufu_registry::ProposalId;
use hufu_wire::IssuerId;
use hufu_wire::chain::Release;

use super::confirm::{Confirmer, Outcome, told_braked};
use super::propose::LINES_MAX;
use crate::clocks::ClockArgs;
use crate::outcome::Exit;
use crate::remote::RegistryArgs;
use crate::signer::KeyArgs;
use crate::term::{self, note, say};
use crate::trust::TrustArgs;
use crate::{ask, instructed};
use hufu_files::moment;

/// Release a proposal that the brake holds, and confirm it.
#[derive(Debug, Args)]
pub(crate) struct ReleaseArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// Whose chain
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The proposal
    #[arg(value_name = "PROPOSAL")]
    proposal: u64,
    /// Confirm a change that resets the time of the chain: a clock was ahead, and both authorities know
    #[arg(long)]
    reset_time: bool,
    #[command(flatten)]
    clocks: ClockArgs,
    /// Release it and leave its confirmation to another run
    #[arg(long)]
    only: bool,
    /// Do not ask before signing
    #[arg(long)]
    yes: bool,
}

/// Runs `hufu change release`.
pub(super) fn run(args: &ReleaseArgs) -> anyhow::Result<Exit> {
    let (issuer, id) = (IssuerId(args.issuer), ProposalId(args.proposal));
    let signer = args.key.open()?;
    let keyring = args.trust.load(moment::now().seconds())?;
    let authorities = Authorities::new(issuer, signer.key().issuer(), signer.key().issuer())?;
    let remote = args.registry.connect()?;
    args.clocks.tip(&remote, issuer)?;

    let proposal = remote.ask(|api| api.proposal(issuer, id))?;
    ensure!(
        proposal.state == ProposalPhase::Braked,
        "proposal {id} is not held by the brake: there is nothing to release"
    );
    let brake = proposal.brake.context("the registry does not say what its brake saw")?;
    let instruction = remote.ask(|api| api.instruction(issuer, id))?;
    let verified = open_instruction(&instruction, &authorities, &keyring, hufu_signature::backend())?;
    let content = &verified.content;
    term::note_text(&instructed::describe(issuer, content, LINES_MAX, term::stderr()));
    note!("{}", told_braked(issuer, proposal.id, &brake));
    let question = format!("Let {} holders turn red?", brake.reds);
    if !ask::sure(&question, args.yes)? {
        note!("nothing was released");
        return Ok(Exit::No);
    }
    let release = Release {
        issuer,
        content: instructed::digest_of(content),
        made: moment::now(),
        national_key: signer.key().id(),
        reds: brake.reds,
        holders: u32::try_from(brake.holders).unwrap_or(u32::MAX),
        signature: [0; 64],
    };
    let release = signer.sign(signer.key().release(&release)?)?;
    remote.ask(|api| api.release(issuer, id, release))?;
    if args.only {
        say!("proposal {id} is released for {} reds; confirm it again", brake.reds);
        return Ok(Exit::Yes);
    }
    let confirmer = Confirmer {
        remote: &remote,
        signer: &signer,
        keyring: &keyring,
        authorities,
        clocks: &args.clocks,
        resets: args.reset_time,
    };
    match confirmer.confirm(proposal.id, &instruction)? {
        Outcome::Confirmed(confirmed) => {
            say!("proposal {id} is released, and change set {} of issuer {issuer}", confirmed.sequence);
            Ok(Exit::Yes)
        }
        Outcome::Braked(brake) => {
            note!("more turned red meanwhile: {}", told_braked(issuer, proposal.id, &brake));
            Ok(Exit::Refer)
        }
    }
}
