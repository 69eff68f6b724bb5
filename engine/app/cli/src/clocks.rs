//! What a signer compares its own clock with before it signs a time: the registry's clock, and the last change of the
//! chain (docs/OPERATIONS.md, Clocks).

use anyhow::{Context as _, bail};
use clap::Args;
use hufu_contract::Tip;
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{IssuerId, UnixMillis};

use crate::remote::Remote;
use hufu_files::moment::{self, Span};

/// How far clocks may be wrong unnoticed.
#[derive(Debug, Args)]
pub(crate) struct ClockArgs {
    /// Refuse to sign when the chain's last change is older than this by this machine's clock: the clock may be ahead
    #[arg(long, value_name = "SPAN", default_value = "7d")]
    quiet_max: Span,
}

impl ClockArgs {
    /// The end of a chain, as the registry tells it, when this machine's clock may be believed beside it.
    ///
    /// # Errors
    /// Two clocks differ, or the chain was quiet for longer than it may be.
    pub(crate) fn tip(&self, remote: &Remote, issuer: IssuerId) -> anyhow::Result<Tip> {
        let asked = moment::now();
        let tip = remote.ask(|api| api.tip(issuer))?;
        self.check(&tip, asked, moment::now())?;
        Ok(tip)
    }

    fn check(&self, tip: &Tip, asked: UnixMillis, answered: UnixMillis) -> anyhow::Result<()> {
        let registry = UnixMillis(tip.now_ms.context("the registry does not tell its clock: update it")?);
        for (ms, where_) in [(asked.since(registry), "ahead of"), (registry.since(answered), "behind")] {
            if ms > CHAIN_SKEW_MS_MAX {
                bail!(
                    "this machine's clock is {} {where_} the registry's: nothing was signed; set the clock that is wrong",
                    span(ms)
                );
            }
        }
        let quiet_ms = answered.since(UnixMillis(tip.confirmed_ms));
        if tip.sequence > 0 && quiet_ms > u64::from(self.quiet_max.s) * 1000 {
            bail!(
                "the chain's last change, set {}, was confirmed {} ago by this machine's clock: nothing was signed; if \
                 nothing has changed for so long, say so with a longer --quiet-max, else this clock and the registry's are \
                 ahead",
                tip.sequence,
                span(quiet_ms)
            );
        }
        Ok(())
    }
}

/// Milliseconds as people read them.
pub(crate) fn span(ms: u64) -> String {
    moment::show_span(u32::try_from(ms / 1000).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use hufu_contract::Hex;

    use super::*;

    const NOW: u64 = 1_790_000_000_000;
    const HOUR: u64 = 3_600_000;
    const DAY: u64 = 24 * HOUR;

    #[track_caller]
    fn check(case: &str, registry: u64, confirmed: u64, told: Option<&str>) {
        let tip = Tip {
            sequence: 7,
            digest: Hex([7; 32]),
            proposed_ms: confirmed,
            era: 0,
            confirmed_ms: confirmed,
            now_ms: Some(registry),
        };
        let clocks = ClockArgs { quiet_max: Span { s: 7 * 86_400 } };
        let answer =
            clocks.check(&tip, UnixMillis(NOW), UnixMillis(NOW + 100)).map_err(|fault| fault.to_string());
        match told {
            None => assert!(answer.is_ok(), "{case}: {answer:?}"),
            Some(told) => {
                assert!(answer.as_ref().is_err_and(|fault| fault.contains(told)), "{case}: {answer:?}");
            }
        }
    }

    #[test]
    fn r21_no_time_is_signed_by_a_clock_that_disagrees() {
        let before = NOW - HOUR;
        check("the same clock", NOW + 50, before, None);
        check("as far as clocks differ, behind", NOW - CHAIN_SKEW_MS_MAX, before, None);
        check("as far as clocks differ, ahead", NOW + 100 + CHAIN_SKEW_MS_MAX, before, None);
        check("a registry 3 s behind", NOW - 3000, before, Some("3 s ahead of the registry's"));
        check("a registry 3 s ahead", NOW + 3100, before, Some("3 s behind the registry's"));
        check("this clock 8 h ahead", NOW - 8 * HOUR, before, Some("8 h ahead of the registry's"));
        check("this clock 8 h behind", NOW + 8 * HOUR, before, Some("7 h behind the registry's"));
        check("this clock 200 d ahead", NOW - 200 * DAY, before, Some("200 d ahead of the registry's"));
        check("all clocks 8 h ahead", NOW, NOW - 8 * HOUR, None);
        check("all clocks 200 d ahead", NOW, NOW - 200 * DAY, Some("200 d ago by this machine's clock"));
        check("a chain that is ahead", NOW, NOW + 8 * HOUR, None);
    }
}
