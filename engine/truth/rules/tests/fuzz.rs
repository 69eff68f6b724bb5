//! Bytes that anyone may write: rule files, places of risk and facts.

use hufu_rules::{Facts, Moment, RiskPlaces, Rules, Visit};

const EXAMPLE: &str = include_str!("../../../../docs/examples/rules.toml");

#[test]
fn fuzz_rule_files_and_facts_never_panic() {
    let rules = Rules::parse(EXAMPLE, "rules.toml").expect("the example");
    bolero::check!().with_type::<Vec<u8>>().for_each(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = Rules::parse(&text, "rules.toml");
        if let Ok(facts) = Facts::read(&text) {
            rules.decide(&facts);
            rules.next_change(&facts);
        }
        if let Ok(places) = RiskPlaces::parse(&text, "places.toml") {
            let visit = Visit { from: Moment(i64::MIN), to: Moment(i64::MAX), place: text.into_owned() };
            places.overlap_minutes(&[visit], Moment(0), u32::MAX);
        }
    });
}
