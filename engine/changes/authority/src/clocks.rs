//! What a signer compares its own clock with before it signs a time: the registry's clock, and the last change of the
//! chain (docs/OPERATIONS.md, Clocks).

use anyhow::{Context as _, bail};
use hufu_codes::chain::Tip;
use hufu_files::moment::{self, Span};
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{IssuerId, UnixMillis};

use crate::remote::{Remote, tip_of};

/// How far clocks may be wrong unnoticed.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// Nothing is signed when the chain's last change is older than this by this machine's clock.
    pub quiet_max: Span,
}

/// A week.
impl Default for Clocks {
    fn default() -> Clocks {
        Clocks { quiet_max: Span { s: 7 * 86_400 } }
    }
}

impl Clocks {
    /// The end of a chain as the registry names it, when this machine's clock agrees with the registry's.
    ///
    /// # Errors
    /// Two clocks differ, or the chain was quiet for longer than it may be.
    pub fn tip(&self, remote: &Remote, issuer: IssuerId) -> anyhow::Result<Tip> {
        let asked = moment::now();
        let tip = remote.ask(|api| api.tip(issuer))?;
        let registry = tip.now_ms.context("the registry does not tell its clock: update the registry")?;
        let tip = tip_of(&tip);
        self.check(&tip, UnixMillis(registry), asked, moment::now())?;
        Ok(tip)
    }

    fn check(
        self,
        tip: &Tip,
        registry: UnixMillis,
        asked: UnixMillis,
        answered: UnixMillis,
    ) -> anyhow::Result<()> {
        for (ms, where_) in [(asked.since(registry), "ahead of"), (registry.since(answered), "behind")] {
            if ms > CHAIN_SKEW_MS_MAX {
                bail!(
                    "this machine's clock is {} {where_} the registry's: nothing was signed; set the clock that is wrong",
                    span(ms)
                );
            }
        }
        let quiet_ms = answered.since(tip.confirmed);
        if tip.sequence.0 > 0 && quiet_ms > u64::from(self.quiet_max.s) * 1000 {
            bail!(
                "the chain's last change, set {}, was confirmed {} ago by this machine's clock: nothing was signed; if \
                 nothing has changed for so long, give a longer --quiet-max; if not, this clock and the registry's are \
                 ahead",
                tip.sequence,
                span(quiet_ms)
            );
        }
        Ok(())
    }
}

/// Milliseconds as people read them.
pub fn span(ms: u64) -> String {
    moment::show_span(u32::try_from(ms / 1000).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::Sequence;

    const NOW: u64 = 1_790_000_000_000;
    const HOUR: u64 = 3_600_000;
    const DAY: u64 = 24 * HOUR;

    #[track_caller]
    fn check(case: &str, registry: u64, confirmed: u64, told: Option<&str>) {
        let tip = Tip { sequence: Sequence(7), confirmed: UnixMillis(confirmed), ..Tip::START };
        let [registry, asked, answered] = [registry, NOW, NOW + 100].map(UnixMillis);
        let answer = Clocks::default().check(&tip, registry, asked, answered);
        match (answer.map_err(|fault| fault.to_string()), told) {
            (Ok(()), None) => {}
            (Err(fault), Some(told)) => assert!(fault.contains(told), "{case}: {fault}"),
            (answer, _) => panic!("{case}: {answer:?}"),
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
