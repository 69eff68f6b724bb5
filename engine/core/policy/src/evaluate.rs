//! The rule that decides: facts in, ruling out, pure and total.

use hufu_wire::{Age, CodeKind, Colour, Decision, Reason, TestResult, UnixSeconds};

use crate::facts::{Facts, Presented, Shown};
use crate::foreign::{Certificate, Proof};
use crate::limits;
use crate::site::{Otherwise, SitePolicy};

/// A decision and why. It admits exactly when its reason is [`Reason::Clear`]: there is nothing else to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling(Result<(), Shut>);

/// Why the gate does not open, and what happens instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shut {
    reason: Reason,
    otherwise: Otherwise,
}

/// Every reason [`evaluate`] gives for a shut gate. When several stand, the first of this list is told: what the
/// place does not take, red, whether the data can say anything, then the credential, the colour, the test, doses.
pub const ORDER: [Reason; 16] = [
    Reason::KindNotAccepted,
    Reason::IssuerNotRecognised,
    Reason::WrongHub,
    Reason::OutsideTripWindow,
    Reason::StatusRed,
    Reason::StaleData,
    Reason::StatusUnknown,
    Reason::Superseded,
    Reason::ClockSkew,
    Reason::StatusExpired,
    Reason::StatusAmber,
    Reason::TestPositive,
    Reason::TestMissing,
    Reason::TestTooOld,
    Reason::TestPending,
    Reason::DosesTooFew,
];

/// Decides one check. Pure, total, no allocation; the first rule of [`ORDER`] that shuts the gate gives the
/// reason.
pub fn evaluate(site: &SitePolicy, facts: &Facts) -> Ruling {
    Ruling(judge(site, facts))
}

/// Decides one check of a certificate of another system (R63). Pure, total, no allocation. Such a certificate has no
/// colour and no table: what it says itself is all that counts.
pub fn evaluate_foreign(site: &SitePolicy, now: UnixSeconds, certificate: &Certificate) -> Ruling {
    Ruling(judge_foreign(site, now, certificate))
}

fn judge_foreign(site: &SitePolicy, now: UnixSeconds, certificate: &Certificate) -> Result<(), Shut> {
    let Some(rule) = site.foreign.as_deref().filter(|_| site.accepts.contains(CodeKind::Foreign)) else {
        return refuse(Reason::KindNotAccepted);
    };
    if !rule.countries.as_ref().is_none_or(|some| some.contains(&certificate.country)) {
        return refuse(Reason::IssuerNotRecognised);
    }
    let not_enough = |reason| shut(reason, rule.on_not_enough);
    match certificate.proof {
        Proof::Vaccination { product, dose, of, on } => {
            let Some(asked) = &rule.vaccination else { return not_enough(Reason::ForeignNotEnough) };
            if asked.products.as_ref().is_some_and(|some| !some.contains(&product)) {
                return not_enough(Reason::ForeignNotEnough);
            }
            if !asked.days.hold(on, now) {
                return not_enough(Reason::ForeignNotEnough);
            }
            if asked.complete && (of == 0 || dose < of) {
                return not_enough(Reason::DosesTooFew);
            }
        }
        Proof::Test { kind, negative, taken } => {
            if !negative {
                return shut(Reason::TestPositive, site.on_test_positive);
            }
            let age_s_max = rule.test.map_or(0, |asked| asked.age_s_max(kind));
            if age_s_max == 0 || taken.0 > now.0.saturating_add(limits::TEST_AHEAD_S_MAX) {
                return not_enough(Reason::ForeignNotEnough);
            }
            if age_s(taken, now) > age_s_max {
                return not_enough(Reason::TestTooOld);
            }
        }
        Proof::Recovery { positive, from, until } => {
            let holds = rule.recovery.is_some_and(|days| days.hold(positive, now));
            if !holds || now < from || now >= until {
                return not_enough(Reason::ForeignNotEnough);
            }
        }
    }
    Ok(())
}

fn judge(site: &SitePolicy, facts: &Facts) -> Result<(), Shut> {
    site_takes_it(site, facts)?;
    // Red comes before any doubt about the data: stale red is still red (R22).
    if facts.status.colour() == Some(Colour::Red) {
        return refuse(Reason::StatusRed);
    }
    data_is_fresh(site, facts)?;
    credential_is_alive(site, facts)?;
    status_admits(site, facts)?;
    test_suffices(site, facts)?;
    if facts.status.doses() < site.doses_min {
        return shut(Reason::DosesTooFew, site.on_doses_too_few);
    }
    Ok(())
}

fn site_takes_it(site: &SitePolicy, facts: &Facts) -> Result<(), Shut> {
    let accepted = facts.shown.kind().map_or(site.roster, |kind| site.accepts.contains(kind));
    if !accepted {
        return refuse(Reason::KindNotAccepted);
    }
    if !site.issuers.recognise(facts.issuer) {
        return refuse(Reason::IssuerNotRecognised);
    }
    if let Shown::Trip { trip, .. } = facts.shown {
        if site.hub != Some(trip.hub) {
            return refuse(Reason::WrongHub);
        }
        if facts.now < trip.from || facts.now >= trip.until {
            return refuse(Reason::OutsideTripWindow);
        }
    }
    Ok(())
}

fn data_is_fresh(site: &SitePolicy, facts: &Facts) -> Result<(), Shut> {
    #[cfg(feature = "planted")]
    if hufu_wire::planted::has(hufu_wire::planted::Bug::StaleIgnored) {
        return Ok(());
    }
    match facts.age {
        Age::Millis(age_ms) if age_ms <= site.staleness_ms_max => Ok(()),
        Age::Millis(_) | Age::Unknown => shut(Reason::StaleData, site.on_stale),
    }
}

fn credential_is_alive(site: &SitePolicy, facts: &Facts) -> Result<(), Shut> {
    // An unknown word has no generation to compare, so this comes first (R07).
    if facts.status.colour().is_none() {
        return shut(Reason::StatusUnknown, site.on_unknown);
    }
    #[cfg(feature = "planted")]
    if hufu_wire::planted::has(hufu_wire::planted::Bug::SupersededAdmitted) {
        return Ok(());
    }
    // Any other generation is dead: eight bits wrap around, so "newer" cannot be told from "older".
    if facts.shown.generation().is_some_and(|generation| generation != facts.status.generation()) {
        return refuse(Reason::Superseded);
    }
    match facts.shown {
        Shown::Phone { presented: Presented::Skewed(_), .. } => shut(Reason::ClockSkew, site.on_clock_skew),
        Shown::Phone { presented: Presented::Current, .. }
        | Shown::Paper { .. }
        | Shown::Family { .. }
        | Shown::Trip { .. }
        | Shown::Reference
        | Shown::Member => Ok(()),
    }
}

fn status_admits(site: &SitePolicy, facts: &Facts) -> Result<(), Shut> {
    if facts.status.until().is_some_and(|until| facts.now >= until.starts()) {
        return shut(Reason::StatusExpired, site.on_expired);
    }
    match (facts.status.colour(), site.on_amber) {
        (Some(Colour::Green), _) | (Some(Colour::Amber), None) => Ok(()),
        (Some(Colour::Amber), Some(otherwise)) => shut(Reason::StatusAmber, otherwise),
        // Decided above; said again so that no reordering can ever let these pass.
        (Some(Colour::Red), _) => refuse(Reason::StatusRed),
        (None, _) => shut(Reason::StatusUnknown, site.on_unknown),
    }
}

fn test_suffices(site: &SitePolicy, facts: &Facts) -> Result<(), Shut> {
    let result = facts.status.test_result();
    if result == TestResult::Positive {
        return shut(Reason::TestPositive, site.on_test_positive);
    }
    let Some(rule) = &site.test else { return Ok(()) };
    let taken = facts.status.test_minute().starts();
    if result == TestResult::None || taken.0 > facts.now.0.saturating_add(limits::TEST_AHEAD_S_MAX) {
        return shut(Reason::TestMissing, rule.on_missing);
    }
    // Age before result: a result that is still to come cannot make an old test young.
    if age_s(taken, facts.now) > rule.age_s_max {
        return shut(Reason::TestTooOld, rule.on_too_old);
    }
    if result == TestResult::Pending {
        return shut(Reason::TestPending, rule.on_pending);
    }
    Ok(())
}

fn age_s(taken: UnixSeconds, now: UnixSeconds) -> u32 {
    now.0.saturating_sub(taken.0)
}

fn shut(reason: Reason, otherwise: Otherwise) -> Result<(), Shut> {
    Err(Shut { reason, otherwise })
}

fn refuse(reason: Reason) -> Result<(), Shut> {
    shut(reason, Otherwise::Refuse)
}

impl Ruling {
    /// What the gate does.
    pub const fn decision(self) -> Decision {
        match self.0 {
            Ok(()) => Decision::Admit,
            Err(shut) => shut.otherwise.decision(),
        }
    }

    /// Why.
    pub const fn reason(self) -> Reason {
        match self.0 {
            Ok(()) => Reason::Clear,
            Err(shut) => shut.reason,
        }
    }
}
