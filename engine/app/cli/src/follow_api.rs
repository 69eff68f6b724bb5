//! A chain as a registry hands it out, into a ledger that believes none of it unseen.

use anyhow::Context as _;
use hufu_codes::keyring::Keyring;
use hufu_upstream::ApiFault;
use hufu_wire::{IssuerId, Sequence, UnixMillis};

use crate::ledger::Ledger;
use crate::remote::{Remote, told};
use hufu_files::moment;

/// Sets asked for at once, bytes: a few of the largest.
const BYTES_MAX: u32 = 4 << 20;

/// Shows every set after `after` to `visit`, in order, as far as the registry has them or `visit` says that it is
/// enough.
pub(crate) fn each_set(
    remote: &Remote,
    issuer: IssuerId,
    mut after: Sequence,
    mut visit: impl FnMut(Sequence, &[u8]) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    loop {
        let sets = match remote.try_ask(|api| api.sets(issuer, after, BYTES_MAX)) {
            // One of them is damaged: those before it come one by one, and then it is the one that is named.
            Err(fault) if is_damage(&fault) => {
                let next = Sequence(after.0 + 1);
                let set = remote.ask(|api| api.set(issuer, next));
                vec![set.with_context(|| format!("change set {next} of issuer {issuer}"))?]
            }
            sets => sets.map_err(told)?,
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

/// Whether a registry says that its store contradicts itself.
pub(crate) fn is_damage(fault: &ApiFault) -> bool {
    fault.problem().is_some_and(|problem| problem.name() == "damaged")
}

/// Which sets are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dated {
    /// Those that this machine's clock has reached, and those before a reset of the chain's time.
    ByNow,
    /// All: the caller is about to reset the chain's time.
    Whenever,
}

/// Follows the chain as far as the registry has it.
pub(crate) fn follow_to_end(
    remote: &Remote,
    ledger: &mut Ledger,
    keyring: &Keyring,
    dated: Dated,
) -> anyhow::Result<()> {
    learn_reset(remote, ledger, keyring)?;
    let (issuer, after) = (ledger.issuer(), ledger.tip().sequence);
    each_set(remote, issuer, after, |_, set| {
        let now = match dated {
            Dated::ByNow => moment::now(),
            Dated::Whenever => UnixMillis(u64::MAX),
        };
        ledger.take(set, keyring, now)?;
        Ok(true)
    })
}

/// Where the time of the chain was reset, shows the ledger its last set first. Both authorities signed that after the
/// reset, so the sets before it may be dated ahead of this machine's clock.
pub(crate) fn learn_reset(remote: &Remote, ledger: &mut Ledger, keyring: &Keyring) -> anyhow::Result<()> {
    let (issuer, held) = (ledger.issuer(), *ledger.tip());
    let tip = remote.ask(|api| api.tip(issuer))?;
    if tip.era <= held.proposed.era() || tip.sequence <= held.next().0 {
        return Ok(());
    }
    let set = remote.ask(|api| api.set(issuer, Sequence(tip.sequence)))?;
    ledger.look_ahead(&set, keyring, moment::now())
}
