//! The national platform's half of a change: the place in the chain, and the release of what the brake holds.

use std::path::Path;

use anyhow::{Context as _, anyhow, ensure};
use hufu_codes::Verified;
use hufu_codes::chain::{Authorities, Tip, Unconfirmed, open_instruction};
use hufu_contract::{BrakeReport, Confirmed, ProposalId, ProposalPhase};
use hufu_files::moment;
use hufu_wire::UnixMillis;
use hufu_wire::chain::{Instruction, Release};

use crate::chain::{Chain, Dated};
use crate::ledger::{Ledger, LedgerFolder};
use crate::propose::digest_of;
use crate::remote::marked;
use crate::signer::Signer;

/// Confirms one proposal after the other.
#[derive(Clone, Copy)]
pub struct Confirmer<'a> {
    /// The chain that grows.
    pub chain: Chain<'a>,
    /// The national platform's key.
    pub signer: &'a dyn Signer,
    /// Whether an instruction may reset the time of the chain.
    pub resets: bool,
}

/// What became of a confirmation.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// It is in the chain, which ends with this tip.
    Confirmed(Confirmed, Tip),
    /// It would turn too many red at once: a release lets it through.
    Braked(BrakeReport),
}

/// A change set with both signatures that is not handed in yet.
pub struct SignedSet {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The tip of a chain that ends with it.
    pub tip: Tip,
}

/// Marks a fault that is not the proposal's: a clock, an agent, a disk. The same proposal may be confirmed later.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("nothing was confirmed")]
pub(crate) struct Ours;

/// How often another set may take the place that was signed before this one gives up.
const TRIES: usize = 16;

/// Signs the place after `tip` for an instruction.
///
/// # Errors
/// Those of [`Signer::sign`]; every follower would refuse the set.
pub fn place(
    signer: &dyn Signer,
    authorities: &Authorities,
    instruction: &Verified<Instruction<'_>>,
    tip: &Tip,
    now: UnixMillis,
) -> anyhow::Result<SignedSet> {
    let bytes = signer.sign(signer.key().confirm(instruction, tip, now)?).context(Ours)?;
    let set = Unconfirmed::read(&bytes, authorities)?;
    let (sequence, digest) = (set.set().position.sequence, set.digest());
    let tip = Tip { sequence, digest, proposed: instruction.content.proposed, confirmed: now };
    Ok(SignedSet { bytes, tip })
}

impl Confirmer<'_> {
    /// The bytes of a proposal's instruction, as the registry has them.
    ///
    /// # Errors
    /// Those of [`Remote::ask`](crate::Remote::ask).
    pub fn fetch(&self, proposal: ProposalId) -> anyhow::Result<Vec<u8>> {
        Ok(self.chain.remote.ask(|api| api.instruction(self.chain.issuer(), proposal))?.to_vec())
    }

    /// The instruction in these bytes, when the local authority signed it.
    ///
    /// # Errors
    /// It is not an instruction of the local authority.
    pub fn open<'b>(&self, instruction: &'b [u8]) -> anyhow::Result<Verified<Instruction<'b>>> {
        let Chain { authorities, keyring, .. } = &self.chain;
        Ok(open_instruction(instruction, authorities, keyring, hufu_signature::backend())?)
    }

    /// Signs the place after the chain's end for an instruction, and hands that in; again where others were faster.
    ///
    /// # Errors
    /// The instruction can no longer be confirmed, or the registry refuses.
    pub fn confirm(
        &self,
        proposal: ProposalId,
        instruction: &Verified<Instruction<'_>>,
    ) -> anyhow::Result<Outcome> {
        let Chain { remote, authorities, .. } = &self.chain;
        for _ in 0..TRIES {
            let tip = self.chain.tip().context(Ours)?;
            ensure!(
                self.resets || instruction.content.proposed.era() <= tip.proposed.era(),
                "proposal {proposal} resets the time of the chain: confirm it with --reset-time if a clock was ahead and is \
                 right now"
            );
            let SignedSet { bytes, tip } = place(self.signer, authorities, instruction, &tip, moment::now())?;
            match remote.with(|api| api.confirm(self.chain.issuer(), proposal, bytes)) {
                Ok(confirmed) => return Ok(Outcome::Confirmed(confirmed, tip)),
                Err(fault) => match fault.problem() {
                    Some(problem) if problem.name() == "moved" => {}
                    Some(problem) if problem.name() == "braked" => {
                        return Ok(Outcome::Braked(problem.brake.context(NO_REPORT)?));
                    }
                    _ => return Err(marked(fault)),
                },
            }
        }
        Err(anyhow!("{TRIES} times another change set was confirmed first: try again").context(Ours))
    }

    /// What the brake saw that holds a proposal.
    ///
    /// # Errors
    /// The proposal is not held; clocks differ.
    pub fn held(&self, proposal: ProposalId) -> anyhow::Result<BrakeReport> {
        self.chain.tip()?;
        let held = self.chain.remote.ask(|api| api.proposal(self.chain.issuer(), proposal))?;
        ensure!(
            held.state == ProposalPhase::Braked,
            "the brake does not hold proposal {proposal}: there is nothing to release"
        );
        held.brake.context(NO_REPORT)
    }

    /// Releases a proposal for as many holders as `brake` saw set back, and hands that in. It is confirmed afterwards.
    ///
    /// # Errors
    /// Those of [`Signer::sign`] and of the registry.
    pub fn release(
        &self,
        proposal: ProposalId,
        instruction: &Verified<Instruction<'_>>,
        brake: &BrakeReport,
    ) -> anyhow::Result<()> {
        let key = self.signer.key();
        let release = key.release(&Release {
            issuer: self.chain.issuer(),
            content: digest_of(&instruction.content),
            made: moment::now(),
            national_key: key.id(),
            set_back: brake.set_back,
            holders: u32::try_from(brake.holders).unwrap_or(u32::MAX),
            signature: [0; 64],
        })?;
        let release = self.signer.sign(release)?;
        self.chain.remote.ask(|api| api.release(self.chain.issuer(), proposal, release))?;
        Ok(())
    }

    /// Runs `work` between two looks at the chain, followed in the folder `state`. Before: the end that the registry
    /// names must be the history that was followed. After, however `work` ended: a place that was signed for must never
    /// be signed for again, whatever the registry forgets.
    ///
    /// # Errors
    /// Another history; those of [`Chain::follow`]; those of `work`.
    pub fn following<T>(&self, state: &Path, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let folder = LedgerFolder::open(state, self.chain.authorities)?;
        let mut ledger = folder.load(moment::now())?;
        self.chain.follow(&mut ledger, self.dated())?;
        self.check_history(&ledger)?;
        folder.store(&ledger)?;
        let outcome = work();
        self.chain.follow(&mut ledger, self.dated())?;
        folder.store(&ledger)?;
        outcome
    }

    fn check_history(&self, ledger: &Ledger) -> anyhow::Result<()> {
        let (named, own) = (self.chain.remote.tip(self.chain.issuer())?, ledger.tip());
        ensure!(
            named.sequence != own.sequence || named.digest == own.digest,
            "the registry's tip at {} does not match its own sets: nothing was signed",
            own.sequence
        );
        ensure!(named.sequence >= own.sequence, "the registry has lost sets: it ends at {}", named.sequence);
        Ok(())
    }

    /// Before a reset, the sets that are dated ahead are followed too.
    fn dated(&self) -> Dated {
        if self.resets { Dated::Whenever } else { Dated::ByNow }
    }
}

const NO_REPORT: &str = "the registry does not say why its brake holds the proposal";
