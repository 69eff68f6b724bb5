//! What sites may say of certificates of other systems, and what follows (R63).

#![allow(clippy::unwrap_used, reason = "tests")]

use hufu_policy::foreign::{Certificate, Country, Days, Product, Proof, TestKind};
use hufu_policy::{Otherwise, Sites, evaluate_foreign};
use hufu_wire::{CodeKind, Decision, Reason, SiteId, UnixSeconds};
use proptest::prelude::*;

const DAY_S: u32 = 86_400;

fn sites(lines: &str) -> Sites {
    Sites::parse(&format!("[[site]]\nid = 1\nname = \"Border\"\n{lines}\n"), "sites.toml").unwrap()
}

fn refused(lines: &str) -> String {
    Sites::parse(&format!("[[site]]\nid = 1\nname = \"Border\"\n{lines}\n"), "sites.toml")
        .unwrap_err()
        .to_string()
}

#[test]
fn r63_a_rule_says_what_it_means_and_has_no_key_without_effect() {
    for (lines, wanted) in [
        ("foreign_kinds = [\"test\"]", "sites.toml:4: foreign_kinds: has no effect"),
        ("foreign_naat_age_max_h = 1", "sites.toml:4: foreign_naat_age_max_h: has no effect"),
        ("accepts = [\"foreign\"]\nforeign_kinds = []", "sites.toml:5: foreign_kinds: is empty"),
        (
            "accepts = [\"foreign\"]\nforeign_kinds = [\"test\"]\nforeign_products = [\"a\"]",
            "sites.toml:6: foreign_products: has no effect, because foreign_kinds does not have its kind",
        ),
        ("accepts = [\"foreign\"]\nforeign_countries = []", "sites.toml:5: foreign_countries: is empty"),
        (
            "accepts = [\"foreign\"]\nforeign_countries = [\"de\"]",
            "sites.toml:5: foreign_countries: is no country",
        ),
        ("accepts = [\"foreign\"]\nforeign_countries = \"all\"", "write \"all-trusted\", or a list"),
        ("accepts = [\"foreign\"]\nforeign_countries = [\"DE\", \"DE\"]", "names the same thing twice"),
        (
            "accepts = [\"foreign\"]\nforeign_recovery_until_d = 10",
            "sites.toml:5: foreign_recovery_until_d: is before foreign_recovery_from_d; write at least 11",
        ),
        ("accepts = [\"foreign\"]\nforeign_naat_age_max_h = 0", "so no test could pass"),
        ("accepts = [\"foreign\"]\nforeign_vaccination_from_d = 4000", "from 0 to 3650"),
        ("accepts = [\"foreign\"]\non_foreign_not_enough = \"admit\"", "on_foreign_not_enough: "),
        ("accepts = [\"foreign\"]\nforeign_kind = [\"test\"]", "did you mean foreign_kinds?"),
    ] {
        let said = refused(lines);
        assert!(said.contains(wanted), "{lines}: {said}");
    }
    let sites = sites(
        "accepts = [\"foreign\"]\non_foreign_not_enough = \"refer\"\nforeign_products = [\"a\", \"b\"]",
    );
    let site = sites.get(SiteId(1)).unwrap();
    let rule = site.foreign.as_deref().unwrap();
    assert!(site.accepts.contains(CodeKind::Foreign) && !site.accepts.contains(CodeKind::Phone));
    assert_eq!(rule.on_not_enough, Otherwise::Refer);
    assert_eq!(rule.vaccination.as_ref().unwrap().products, Some(vec![Product::of("a"), Product::of("b")]));
    assert_eq!(rule.recovery, Some(Days { from: 11, until: Some(180) }));
}

#[test]
fn r63_days_are_counted_from_date_to_date_with_both_ends() {
    let now = UnixSeconds(20_000 * DAY_S + 3600);
    let days = Days { from: 14, until: Some(270) };
    for (ago, holds) in [(13, false), (14, true), (270, true), (271, false)] {
        assert_eq!(days.hold(UnixSeconds((20_000 - ago) * DAY_S), now), holds, "{ago} days ago");
    }
    let any = Days { from: 0, until: None };
    assert!(any.hold(UnixSeconds(0), now) && any.hold(UnixSeconds(20_000 * DAY_S), now));
    assert!(!any.hold(UnixSeconds(20_001 * DAY_S), now), "a day that is still to come");
}

#[test]
fn r63_of_several_faults_the_first_of_the_table_is_told() {
    let now = UnixSeconds(20_000 * DAY_S);
    let sites = sites("accepts = [\"foreign\"]\nforeign_products = [\"a\"]");
    let said = |product, dose, days_ago: u32| {
        let on = UnixSeconds((20_000 - days_ago) * DAY_S);
        let proof = Proof::Vaccination { product: Product::of(product), dose, of: 2, on };
        evaluate_foreign(sites.get(SiteId(1)).unwrap(), now, &Certificate { country: Country(*b"DE"), proof })
            .reason()
    };
    assert_eq!(said("b", 1, 1), Reason::ForeignNotEnough);
    assert_eq!(said("a", 1, 1), Reason::ForeignNotEnough);
    assert_eq!(said("a", 1, 14), Reason::DosesTooFew);
    assert_eq!(said("a", 2, 14), Reason::Clear);
}

fn certificates() -> impl Strategy<Value = Certificate> {
    let second = (0..u32::MAX).prop_map(UnixSeconds);
    let country = prop_oneof![Just(Country(*b"DE")), Just(Country(*b"FR"))];
    let vaccination = (any::<u64>(), any::<u8>(), any::<u8>(), second.clone())
        .prop_map(|(product, dose, of, on)| Proof::Vaccination { product: Product(product), dose, of, on });
    let kind = prop_oneof![Just(TestKind::Naat), Just(TestKind::Rapid), Just(TestKind::Other)];
    let test = (kind, any::<bool>(), second.clone()).prop_map(|(kind, negative, taken)| Proof::Test {
        kind,
        negative,
        taken,
    });
    let recovery = (second.clone(), second.clone(), second)
        .prop_map(|(positive, from, until)| Proof::Recovery { positive, from, until });
    (country, prop_oneof![vaccination, test, recovery])
        .prop_map(|(country, proof)| Certificate { country, proof })
}

proptest! {
    #[test]
    fn r63_only_what_a_site_asks_for_opens_its_gate(certificate in certificates(), now in 0..u32::MAX) {
        let now = UnixSeconds(now);
        let lines = "accepts = [\"foreign\"]\nforeign_countries = [\"DE\"]\nforeign_rapid_age_max_h = 24";
        let asked = sites(lines);
        let ruling = evaluate_foreign(asked.get(SiteId(1)).unwrap(), now, &certificate);
        prop_assert_eq!(ruling.decision() == Decision::Admit, ruling.reason() == Reason::Clear);
        if ruling.decision() == Decision::Admit {
            prop_assert_eq!(certificate.country, Country(*b"DE"));
            match certificate.proof {
                Proof::Vaccination { dose, of, on, .. } => prop_assert!(of > 0 && dose >= of && on.0 + 13 * DAY_S <= now.0),
                Proof::Test { kind, negative, taken } => {
                    let hours_max = if kind == TestKind::Naat { 72 } else { 24 };
                    prop_assert!(negative && kind != TestKind::Other);
                    prop_assert!(now.0.saturating_sub(taken.0) <= hours_max * 3600 && taken.0 <= now.0.saturating_add(3600));
                }
                Proof::Recovery { from, until, .. } => prop_assert!(from <= now && now < until),
            }
        }
        let none = sites("accepts = [\"phone\"]");
        let ruling = evaluate_foreign(none.get(SiteId(1)).unwrap(), now, &certificate);
        prop_assert_eq!(ruling.reason(), Reason::KindNotAccepted);
    }
}
