//! What holds for every policy and all facts.

use hufu_policy::{
    Facts, Issuers, Kinds, ORDER, Otherwise, Presented, Shown, SitePolicy, Sites, TestRule, Trip, evaluate,
    limits,
};
use hufu_wire::{
    Age, ClockOffset, CodeKind, Colour, Decision, HubId, IssuerId, Reason, SiteId, StatusMinute, StatusWord,
    TestResult, UnixSeconds,
};
use proptest::prelude::*;

const NOW: u32 = 1_767_268_800;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// R07: never green out of what is unknown, red, expired or stale; an admission has one reason only.
    #[test]
    fn r07_doubt_never_admits(site in policy(), facts in any_facts()) {
        let ruling = evaluate(&site, &facts);
        prop_assert_eq!(ruling.decision() == Decision::Admit, ruling.reason() == Reason::Clear);
        let colour = facts.status.colour();
        let expired = facts.status.until().is_some_and(|until| facts.now >= until.starts());
        let stale = !matches!(facts.age, Age::Millis(age_ms) if age_ms <= site.staleness_ms_max);
        let doubt = colour.is_none() || colour == Some(Colour::Red) || expired || stale;
        prop_assert!(!(doubt && ruling.decision() == Decision::Admit), "{:?}", ruling);
    }

    /// The reason given is the first, in the documented order, of all the reasons there are; and the gate
    /// opens when there is none. The rules are said here a second time, each on its own.
    #[test]
    fn the_first_reason_in_the_documented_order_is_given(site in policy(), facts in any_facts()) {
        let first = ORDER.into_iter().find(|reason| stands(*reason, &site, &facts));
        prop_assert_eq!(evaluate(&site, &facts).reason(), first.unwrap_or(Reason::Clear));
    }

    /// R06: whatever a stricter policy admits, the milder one admits too.
    #[test]
    fn r06_a_stricter_policy_never_admits_more(site in policy(), how in 0..HOW_MANY_WAYS, facts in any_facts()) {
        let strict = stricter(site.clone(), how);
        if evaluate(&strict, &facts).decision() == Decision::Admit {
            prop_assert_eq!(evaluate(&site, &facts).decision(), Decision::Admit);
        }
    }

    /// Refer and refuse are the site's words; they never change the reason and never open the gate.
    #[test]
    fn refer_or_refuse_changes_neither_reason_nor_admission(site in policy(), facts in any_facts()) {
        let harsh = refusing(site.clone());
        let (mild, harsh) = (evaluate(&site, &facts), evaluate(&harsh, &facts));
        prop_assert_eq!(mild.reason(), harsh.reason());
        prop_assert!(mild.decision() <= harsh.decision());
    }
}

fn stands(reason: Reason, site: &SitePolicy, facts: &Facts) -> bool {
    let status = facts.status;
    let trip = match facts.shown {
        Shown::Trip { trip, .. } => Some(trip),
        _ => None,
    };
    let taken = status.test_minute().starts().0;
    let dated_ahead = taken > facts.now.0.saturating_add(limits::TEST_AHEAD_S_MAX);
    let result = status.test_result();
    match reason {
        Reason::KindNotAccepted => match facts.shown.kind() {
            Some(kind) => !site.accepts.contains(kind),
            None => !site.roster,
        },
        Reason::IssuerNotRecognised => !site.issuers.recognise(facts.issuer),
        Reason::WrongHub => trip.is_some_and(|trip| Some(trip.hub) != site.hub),
        Reason::OutsideTripWindow => trip.is_some_and(|trip| !(trip.from..trip.until).contains(&facts.now)),
        Reason::StatusRed => status.colour() == Some(Colour::Red),
        Reason::StaleData => match facts.age {
            Age::Unknown => true,
            Age::Millis(age_ms) => age_ms > site.staleness_ms_max,
        },
        Reason::StatusUnknown => status.colour().is_none(),
        Reason::Superseded => facts.shown.generation().is_some_and(|shown| shown != status.generation()),
        Reason::ClockSkew => matches!(facts.shown, Shown::Phone { presented: Presented::Skewed(_), .. }),
        Reason::StatusExpired => status.until().is_some_and(|until| until.starts() <= facts.now),
        Reason::StatusAmber => status.colour() == Some(Colour::Amber) && site.on_amber.is_some(),
        Reason::TestPositive => result == TestResult::Positive,
        Reason::TestMissing => site.test.is_some() && (result == TestResult::None || dated_ahead),
        Reason::TestTooOld => site
            .test
            .is_some_and(|rule| u64::from(facts.now.0) > u64::from(taken) + u64::from(rule.age_s_max)),
        Reason::TestPending => site.test.is_some() && result == TestResult::Pending,
        Reason::DosesTooFew => status.doses() < site.doses_min,
        other => panic!("no policy gives {other}"),
    }
}

const HOW_MANY_WAYS: usize = 10;

fn stricter(mut site: SitePolicy, how: usize) -> SitePolicy {
    match how {
        0 => site.accepts = site.accepts.without(CodeKind::Phone),
        1 => site.accepts = site.accepts.without(CodeKind::Paper),
        2 => site.accepts = site.accepts.without(CodeKind::Trip),
        3 => site.roster = false,
        4 => {
            site.issuers =
                Issuers::only([IssuerId(2)].into_iter().filter(|one| site.issuers.recognise(*one)));
        }
        5 => site.on_amber = Some(Otherwise::Refer),
        6 => site.staleness_ms_max /= 2,
        7 => site.test = Some(site.test.map_or(test_rule(72 * 3600), |rule| test_rule(rule.age_s_max / 2))),
        8 => site.doses_min += 1,
        _ => site.hub = None,
    }
    site
}

fn refusing(mut site: SitePolicy) -> SitePolicy {
    site.on_amber = site.on_amber.map(|_| Otherwise::Refuse);
    site.test = site.test.map(|rule| TestRule {
        on_missing: Otherwise::Refuse,
        on_too_old: Otherwise::Refuse,
        on_pending: Otherwise::Refuse,
        ..rule
    });
    for on in [
        &mut site.on_unknown,
        &mut site.on_expired,
        &mut site.on_stale,
        &mut site.on_test_positive,
        &mut site.on_doses_too_few,
        &mut site.on_clock_skew,
    ] {
        *on = Otherwise::Refuse;
    }
    site
}

fn test_rule(age_s_max: u32) -> TestRule {
    TestRule {
        age_s_max,
        on_missing: Otherwise::Refer,
        on_too_old: Otherwise::Refer,
        on_pending: Otherwise::Refer,
    }
}

fn policy() -> impl Strategy<Value = SitePolicy> {
    let takes = (any::<[bool; 6]>(), prop::option::of(0_u32..3), prop::option::of(1_u32..3));
    let asks = (any::<bool>(), prop::option::of(1_u32..100), 0_u8..=7, 1_000_u32..100_000);
    (takes, asks, any::<bool>()).prop_map(
        |((kinds, only, hub), (amber, test_h, doses_min, staleness), harsh)| {
            let mut site = default_site();
            site.accepts =
                [CodeKind::Phone, CodeKind::Paper, CodeKind::Trip, CodeKind::Family, CodeKind::Reference]
                    .into_iter()
                    .zip(kinds)
                    .filter(|(_, accepted)| *accepted)
                    .fold(Kinds::NONE, |kinds, (kind, _)| kinds.with(kind));
            site.roster = kinds[5];
            site.hub = hub.map(HubId);
            if let Some(only) = only {
                site.issuers = Issuers::only([IssuerId(only), IssuerId(only + 1)]);
            }
            site.on_amber = (!amber).then_some(Otherwise::Refer);
            site.test = test_h.map(|hours| test_rule(hours * 3600));
            site.doses_min = doses_min;
            site.staleness_ms_max = staleness;
            if harsh { refusing(site) } else { site }
        },
    )
}

fn default_site() -> SitePolicy {
    let sites = Sites::parse("[[site]]\nid = 1\nname = \"Test gate\"", "properties.rs").expect("a policy");
    sites.get(SiteId(1)).expect("the site above").clone()
}

/// Half of the time any facts at all, half of the time facts that come close to admission.
fn any_facts() -> impl Strategy<Value = Facts> {
    let now = prop_oneof![4 => Just(NOW), 1 => any::<u32>()];
    let age = prop_oneof![1 => Just(Age::Unknown), 8 => (0_u32..120_000).prop_map(Age::Millis)];
    (
        now,
        shown(),
        0_u32..4,
        prop_oneof![any::<u64>().prop_map(StatusWord::from_bits), plausible_status()],
        age,
    )
        .prop_map(|(now, shown, issuer, status, age)| Facts {
            now: UnixSeconds(now),
            shown,
            issuer: IssuerId(issuer),
            status,
            age,
        })
}

fn shown() -> impl Strategy<Value = Shown> {
    let presented = prop_oneof![
        4 => Just(Presented::Current),
        1 => any::<i32>().prop_map(|offset| Presented::Skewed(ClockOffset(offset))),
    ];
    let generation = prop_oneof![6 => Just(1_u8), 1 => any::<u8>()];
    let near = || prop_oneof![4 => NOW - 90..NOW + 90, 1 => any::<u32>()].prop_map(UnixSeconds);
    let trip =
        (1_u32..3, near(), near()).prop_map(|(hub, from, until)| Trip { hub: HubId(hub), from, until });
    prop_oneof![
        3 => (generation.clone(), presented)
            .prop_map(|(generation, presented)| Shown::Phone { generation, presented }),
        1 => generation.clone().prop_map(|generation| Shown::Paper { generation }),
        1 => generation.clone().prop_map(|generation| Shown::Family { generation }),
        2 => (generation, trip).prop_map(|(generation, trip)| Shown::Trip { generation, trip }),
        1 => Just(Shown::Reference),
        1 => Just(Shown::Member),
    ]
}

fn plausible_status() -> impl Strategy<Value = StatusWord> {
    let colour = prop_oneof![4 => Just(Colour::Green), 1 => Just(Colour::Amber), 1 => Just(Colour::Red)];
    let result = prop_oneof![
        1 => Just(TestResult::None),
        4 => Just(TestResult::Negative),
        1 => Just(TestResult::Positive),
        1 => Just(TestResult::Pending),
    ];
    let minute = |from_h: u32, to_h: u32| {
        (NOW - from_h * 3600..NOW + to_h * 3600).prop_map(|second| StatusMinute::nearest(UnixSeconds(second)))
    };
    (colour, result, minute(150, 2), prop::option::of(minute(1, 8)), 0_u8..=7).prop_map(
        |(colour, result, test, until, doses)| {
            let word = StatusWord::new(colour, 1).with_test(test, result).with_doses(doses);
            until.map_or(word, |until| word.with_until(until))
        },
    )
}
