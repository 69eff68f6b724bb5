//! `docs/POLICY.md` says what the code does: its examples are read, its tables are compared.

use hufu_policy::{KEYS, ORDER, Sites};

const POLICY: &str = include_str!("../../../../docs/POLICY.md");

#[test]
fn every_example_is_a_policy_file() {
    let examples: Vec<_> = blocks("toml").collect();
    assert!(examples.len() >= 4, "{} examples", examples.len());
    for (number, example) in (1..).zip(examples) {
        if let Err(fault) = Sites::parse(example, &format!("example {number}")) {
            panic!("{fault}\n{example}");
        }
    }
}

#[test]
fn the_table_of_keys_is_the_code_s() {
    let documented: Vec<[&str; 3]> = rows("## Keys").map(|row| [row[0], row[1], row[2]]).collect();
    let coded: Vec<_> = KEYS.iter().map(|key| [key.name, key.default, key.unit]).collect();
    assert_eq!(documented, coded);
}

#[test]
fn what_is_left_out_is_as_the_table_says() {
    let parse = |text: &str| Sites::parse(text, "sites.toml").unwrap();
    let without_a_test = "[[site]]\nid = 1\nname = \"Gate\"\n";
    let with_a_test = format!("{without_a_test}test_age_max_h = 48\n");
    let about_tests = |name: &str| name.starts_with("on_test_");
    let about_foreign = |name: &str| name.contains("foreign_");
    let (on_tests, foreign) = (defaults(about_tests), defaults(about_foreign));
    let others = defaults(|name| !about_tests(name) && !about_foreign(name));
    assert_eq!(parse(without_a_test), parse(&format!("{without_a_test}{others}")));
    assert_eq!(parse(&with_a_test), parse(&format!("{with_a_test}{others}{on_tests}")));
    let with_foreign = format!("{without_a_test}accepts = [\"foreign\"]\n");
    assert_eq!(parse(&with_foreign), parse(&format!("{with_foreign}{foreign}")));
}

#[test]
fn the_order_of_the_rules_is_the_code_s() {
    let documented: Vec<_> = rows("## The order of the rules").map(|row| row[1]).collect();
    let coded: Vec<_> = ORDER.iter().map(|reason| reason.slug()).chain(["clear"]).collect();
    assert_eq!(documented, coded);
}

/// The error shown in the document is the one the code gives for the file shown above it.
#[test]
fn the_error_shown_is_the_error_given() {
    let (wrong, shown) = (blocks("toml-wrong").next().unwrap(), blocks("text").next().unwrap());
    assert_eq!(Sites::parse(wrong, "sites.toml").unwrap_err().to_string(), shown.trim_end());
}

/// The keys that have a default and that `wanted` names, each written out with it.
fn defaults(wanted: impl Fn(&str) -> bool) -> String {
    let written_out =
        KEYS.iter().filter(|key| !["required", "none"].contains(&key.default) && wanted(key.name));
    let lines = written_out.map(|key| match key.name {
        "pass_back_s" => "pass_back_s = 90".to_owned(),
        name => format!("{name} = {}", key.default),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// The fenced blocks of one language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let fences: Vec<&str> = POLICY.split("\n```").collect();
    let of_language = |fence: &&'static str| fence.strip_prefix(language)?.strip_prefix('\n');
    fences.iter().filter_map(of_language).collect::<Vec<_>>().into_iter()
}

/// The rows of the first table below `heading`, cells without back quotes.
fn rows(heading: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let section = &POLICY[POLICY.find(&format!("\n{heading}\n")).expect("the heading is there")..];
    section
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect())
}
