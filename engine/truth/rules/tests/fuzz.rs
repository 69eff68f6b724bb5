//! Bytes that anyone may write: rule files and facts.

use hufu_rules::{Facts, Rules};

const EXAMPLE: &str = include_str!("../../../../docs/examples/rules.toml");

#[test]
fn fuzz_rule_files_and_facts_never_panic() {
    let rules = Rules::parse(EXAMPLE, "rules.toml").expect("the example");
    bolero::check!().with_type::<Vec<u8>>().for_each(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = Rules::parse(&text, "rules.toml");
        if let Ok(facts) = Facts::read(&text) {
            rules.decide(&facts);
        }
    });
}
