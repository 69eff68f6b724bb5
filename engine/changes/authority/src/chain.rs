//! A chain as a registry hands it out, into a ledger that believes none of it unverified.

use anyhow::Context as _;
use hufu_codes::chain::{Authorities, Tip};
use hufu_codes::keyring::Keyring;
use hufu_files::moment;
use hufu_upstream::ApiFault;
use hufu_wire::{IssuerId, Sequence, UnixMillis};

use crate::clocks::Clocks;
use crate::ledger::Ledger;
use crate::remote::{Remote, marked};

/// One issuer's chain at a registry, and what an authority believes of it.
#[derive(Clone, Copy)]
pub struct Chain<'a> {
    /// Where it is.
    pub remote: &'a Remote,
    /// Who signs it.
    pub authorities: Authorities,
    /// Whose keys count.
    pub keyring: &'a Keyring,
    /// How far clocks may be wrong before nothing is signed.
    pub clocks: Clocks,
}

/// Which sets are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dated {
    /// Those that this machine's clock has reached, and those before a reset of the chain's time.
    ByNow,
    /// All: the caller is about to reset the chain's time.
    Whenever,
}

/// Sets asked for at once, bytes: a few of the largest.
const BYTES_MAX: u32 = 4 << 20;

impl Remote {
    /// Shows every set after `after` to `visit`, in order, as far as the registry has them or until `visit` returns
    /// `false`.
    ///
    /// # Errors
    /// Those of [`ask`](Self::ask) and of `visit`, with the set's sequence.
    pub fn each_set(
        &self,
        issuer: IssuerId,
        mut after: Sequence,
        mut visit: impl FnMut(Sequence, &[u8]) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        loop {
            let sets = match self.with(|api| api.sets(issuer, after, BYTES_MAX)) {
                // One of them is damaged: those before it come one by one, and then the error names it.
                Err(fault) if is_damage(&fault) => {
                    let next = Sequence(after.0 + 1);
                    let set = self.ask(|api| api.set(issuer, next));
                    vec![set.with_context(|| format!("change set {next} of issuer {issuer}"))?]
                }
                sets => sets.map_err(marked)?,
            };
            if sets.is_empty() {
                return Ok(());
            }
            for set in sets {
                after = Sequence(after.0 + 1);
                let goes_on =
                    visit(after, &set).with_context(|| format!("change set {after} of issuer {issuer}"))?;
                if !goes_on {
                    return Ok(());
                }
            }
        }
    }
}

/// Whether a registry says that its store contradicts itself.
pub(crate) fn is_damage(fault: &ApiFault) -> bool {
    fault.problem().is_some_and(|problem| problem.name() == "damaged")
}

impl Chain<'_> {
    /// Whose chain.
    pub fn issuer(&self) -> IssuerId {
        self.authorities.issuer()
    }

    /// The chain's end as the registry names it, when this machine's clock agrees with the registry's.
    ///
    /// # Errors
    /// Those of [`Clocks::tip`].
    pub fn tip(&self) -> anyhow::Result<Tip> {
        self.clocks.tip(self.remote, self.issuer())
    }

    /// Brings a ledger to the end of the chain.
    ///
    /// # Errors
    /// The registry does not answer, or hands out something else than both authorities signed.
    pub fn follow(&self, ledger: &mut Ledger, dated: Dated) -> anyhow::Result<()> {
        self.learn_reset(ledger)?;
        let after = ledger.tip().sequence;
        self.remote.each_set(self.issuer(), after, |_, set| {
            let now = match dated {
                Dated::ByNow => moment::now(),
                Dated::Whenever => UnixMillis(u64::MAX),
            };
            ledger.take(set, self.keyring, now)?;
            Ok(true)
        })
    }

    /// Where the time of the chain was reset, shows the ledger its last set first. Both authorities signed that after
    /// the reset, so the sets before it may be dated ahead of this machine's clock.
    pub(crate) fn learn_reset(&self, ledger: &mut Ledger) -> anyhow::Result<()> {
        let (held, tip) = (*ledger.tip(), self.remote.tip(self.issuer())?);
        if tip.proposed.era() <= held.proposed.era() || tip.sequence <= held.next() {
            return Ok(());
        }
        let set = self.remote.ask(|api| api.set(self.issuer(), tip.sequence))?;
        ledger.look_ahead(&set, self.keyring, moment::now())
    }
}
