//! The policy of one site, as the rest of the engine sees it: typed, in range, free of contradictions.

use hufu_wire::{CodeKind, Decision, HubId, IssuerId, SiteId, UnixSeconds};

use crate::foreign::ForeignRule;

/// What happens instead of opening the gate. There is no third way, so no policy can turn doubt into admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Otherwise {
    /// A person must look.
    Refer,
    /// The gate stays shut.
    Refuse,
}

/// One site's rules (R06). Only [`Sites::parse`](crate::Sites::parse) makes one; `docs/POLICY.md` describes
/// the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SitePolicy {
    /// The site, as device certificates name it.
    pub id: SiteId,
    /// What people call it.
    pub name: String,
    /// The hub that trip codes must name; always set where trip codes are accepted.
    pub hub: Option<HubId>,
    /// Where a refused person can turn (R29), `None` for the gate's own default text.
    pub hotline: Option<String>,
    /// Who checks there, as holders read it in their view (R41).
    pub organisation: Option<String>,
    /// Kinds of code accepted.
    pub accepts: Kinds,
    /// Whether signed rosters may be checked.
    pub roster: bool,
    /// Issuers recognised (R26).
    pub issuers: Issuers,
    /// What happens to amber; `None` where amber is admitted like green.
    pub on_amber: Option<Otherwise>,
    /// What happens to a holder of whom nothing is known.
    pub on_unknown: Otherwise,
    /// What happens when the colour's own end has passed.
    pub on_expired: Otherwise,
    /// Oldest issuer data that may admit, milliseconds.
    pub staleness_ms_max: u32,
    /// The same for a gate without a network, seconds; `None` where `staleness_ms_max` holds there too.
    pub offline_age_s_max: Option<u32>,
    /// What happens beyond it.
    pub on_stale: Otherwise,
    /// The test the site asks for, `None` where it asks for none.
    pub test: Option<TestRule>,
    /// What happens when the last test was positive, also where no test is asked for.
    pub on_test_positive: Otherwise,
    /// Fewest vaccine doses, 0 to 7.
    pub doses_min: u8,
    /// What happens with fewer.
    pub on_doses_too_few: Otherwise,
    /// What is asked of certificates of other systems (R63), `None` where they are not accepted.
    pub foreign: Option<Box<ForeignRule>>,
    /// Presentation steps accepted either side of the current one, 0 to 4.
    pub skew_steps: u8,
    /// What happens to a genuine presentation of another time (R08).
    pub on_clock_skew: Otherwise,
    /// Seconds for which a presentation used at one gate is refused at others; 0 switches that off (R09).
    pub pass_back_s: u32,
    /// What counts as another gate there.
    pub pass_back_by: PassBackBy,
    /// How durable the record of a check is before its verdict leaves (R40).
    pub records: Durability,
    /// Until when checks are served without records while the engine cannot keep any; 0 for never.
    pub unrecorded_until: UnixSeconds,
}

/// How durable the record of a check is before its verdict leaves (R40), the strictest last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// The process has it in memory.
    Memory,
    /// The system has it: it survives the end of the process.
    #[default]
    Written,
    /// The disk has it: it survives a loss of power.
    Synced,
}

/// What counts as another gate for pass-back (R09).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PassBackBy {
    /// Another device: all lanes of a device are one gate.
    Device,
    /// Another lane of the same device, too. The device says which lane asks.
    Lane,
}

/// The test a site asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestRule {
    /// Oldest test, seconds.
    pub age_s_max: u32,
    /// What happens when no test is known.
    pub on_missing: Otherwise,
    /// What happens when the last one is too old.
    pub on_too_old: Otherwise,
    /// What happens when it has no result yet.
    pub on_pending: Otherwise,
}

/// A set of code kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Kinds(u8);

/// The issuers a site recognises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuers(Option<Box<[IssuerId]>>);

impl SitePolicy {
    /// The policy of the same site at a gate without a network: only the age of the data that may admit differs.
    #[must_use]
    pub fn offline(&self) -> SitePolicy {
        let staleness_ms_max =
            self.offline_age_s_max.map_or(self.staleness_ms_max, |age_s| age_s.saturating_mul(1000));
        SitePolicy { staleness_ms_max, ..self.clone() }
    }
}

impl Otherwise {
    /// The decision, never [`Decision::Admit`].
    pub const fn decision(self) -> Decision {
        match self {
            Otherwise::Refer => Decision::Refer,
            Otherwise::Refuse => Decision::Refuse,
        }
    }
}

impl Kinds {
    /// No kind at all.
    pub const NONE: Kinds = Kinds(0);

    /// This set and `kind`.
    #[must_use]
    pub const fn with(self, kind: CodeKind) -> Kinds {
        Kinds(self.0 | bit(kind))
    }

    /// This set without `kind`.
    #[must_use]
    pub const fn without(self, kind: CodeKind) -> Kinds {
        Kinds(self.0 & !bit(kind))
    }

    /// Whether `kind` is in the set.
    pub const fn contains(self, kind: CodeKind) -> bool {
        self.0 & bit(kind) != 0
    }
}

const fn bit(kind: CodeKind) -> u8 {
    1 << kind as u8
}

impl Issuers {
    /// Every issuer of the engine's trust list.
    pub const ALL_TRUSTED: Issuers = Issuers(None);

    /// These alone, in any order; they must be on the trust list as well.
    pub fn only(issuers: impl IntoIterator<Item = IssuerId>) -> Issuers {
        let mut issuers: Vec<IssuerId> = issuers.into_iter().collect();
        issuers.sort_unstable();
        issuers.dedup();
        Issuers(Some(issuers.into_boxed_slice()))
    }

    /// Whether codes of `issuer` are recognised.
    pub fn recognise(&self, issuer: IssuerId) -> bool {
        self.0.as_ref().is_none_or(|only| only.binary_search(&issuer).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [CodeKind; 5] =
        [CodeKind::Phone, CodeKind::Paper, CodeKind::Trip, CodeKind::Family, CodeKind::Foreign];

    #[test]
    fn a_set_of_kinds_holds_what_was_put_in_and_not_taken_out() {
        let check =
            |kinds: Kinds, expected: [bool; 5]| assert_eq!(ALL.map(|kind| kinds.contains(kind)), expected);
        let (phone, all) =
            (Kinds::NONE.with(CodeKind::Phone), ALL.into_iter().fold(Kinds::NONE, Kinds::with));
        check(Kinds::NONE, [false; 5]);
        check(phone, [true, false, false, false, false]);
        check(phone.with(CodeKind::Phone), [true, false, false, false, false]);
        check(all, [true; 5]);
        check(all.without(CodeKind::Paper), [true, false, true, true, true]);
        check(phone.without(CodeKind::Paper), [true, false, false, false, false]);
    }

    #[test]
    fn listed_issuers_are_recognised_and_no_others() {
        let only = Issuers::only([7, 3, 7, 5].map(IssuerId));
        let recognised: Vec<u32> = (0..10).filter(|issuer| only.recognise(IssuerId(*issuer))).collect();
        assert_eq!(recognised, [3, 5, 7]);
        assert!(Issuers::ALL_TRUSTED.recognise(IssuerId(9)));
        assert!(!Issuers::only([]).recognise(IssuerId(9)));
    }

    #[test]
    fn nothing_that_happens_instead_opens_a_gate() {
        assert_eq!(Otherwise::Refer.decision(), Decision::Refer);
        assert_eq!(Otherwise::Refuse.decision(), Decision::Refuse);
    }
}
