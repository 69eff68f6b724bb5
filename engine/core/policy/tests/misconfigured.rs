//! Every way to get a policy file wrong, with the exact words the operator reads.

use hufu_policy::{KEYS, Sites, limits};

/// The error for a file of one site, `id` on line 2, `name` on line 3, and `keys` from line 4 on.
fn told(keys: &str) -> String {
    told_file(&format!("[[site]]\nid = 1\nname = \"Gate\"\n{keys}"))
}

fn told_file(text: &str) -> String {
    Sites::parse(text, "sites.toml").expect_err("the file is wrong").to_string()
}

fn check(keys: &str, message: &str) {
    assert_eq!(told(keys), message, "for:\n{keys}");
}

#[test]
fn a_wrong_key_is_named_with_the_nearest_right_one() {
    check("skew_step = 1", "sites.toml:4: skew_step: there is no such key; did you mean skew_steps?");
    check(
        "passback_by = \"lane\"",
        "sites.toml:4: passback_by: there is no such key; did you mean pass_back_by?",
    );
    check("hotlin = \"12345\"", "sites.toml:4: hotlin: there is no such key; did you mean hotline?");
    check(
        "doses_min = 1\n\ncolour_of_the_door = \"green\"",
        "sites.toml:6: colour_of_the_door: there is no such key; remove it, or see docs/POLICY.md for every key",
    );
    check(
        "z_last = 1\na_first = 1",
        "sites.toml:4: z_last: there is no such key; remove it, or see docs/POLICY.md for every key",
    );
    check(
        "[site.on]\nstale = \"refer\"",
        "sites.toml:4: on: there is no such key; remove it, or see docs/POLICY.md for every key",
    );
}

#[test]
fn numbers_out_of_range_are_told_the_range() {
    check("doses_min = 8", "sites.toml:4: doses_min: 8 is out of range; write a whole number from 0 to 7");
    check("skew_steps = 5", "sites.toml:4: skew_steps: 5 is out of range; write a whole number from 0 to 4");
    check(
        "skew_steps = -1",
        "sites.toml:4: skew_steps: -1 is out of range; write a whole number from 0 to 4",
    );
    check(
        "staleness_ms_max = 999",
        "sites.toml:4: staleness_ms_max: 999 is out of range; write a whole number from 1000 to 2592000000",
    );
    check(
        "offline_age_s_max = 0",
        "sites.toml:4: offline_age_s_max: 0 is out of range; write a whole number from 1 to 2592000",
    );
    check(
        "test_age_max_h = 0",
        "sites.toml:4: test_age_max_h: 0 is out of range; write a whole number from 1 to 8760",
    );
    check(
        "pass_back_s = 3_601",
        "sites.toml:4: pass_back_s: 3601 is out of range; write a whole number from 0 to 3600",
    );
    check(
        "hub = 4294967296",
        "sites.toml:4: hub: 4294967296 is out of range; write a whole number from 0 to 4294967295",
    );
    check(
        "hub = 99999999999999999999999999999999999999999999999999",
        "sites.toml:4: hub: 9999999999999999999999999999999999999999… is out of range; write a whole number from 0 to 4294967295",
    );
}

#[test]
fn wrong_types_are_told_what_belongs_there() {
    check(
        "doses_min = \"2\"",
        "sites.toml:4: doses_min: text stands where a number belongs; write a whole number from 0 to 7",
    );
    check(
        "skew_steps = 1.5",
        "sites.toml:4: skew_steps: a number with a fraction stands where a number belongs; write a whole number from 0 to 4",
    );
    check(
        "roster = \"yes\"",
        "sites.toml:4: roster: text stands where true or false belongs; write true or false, without quotes",
    );
    check(
        "admits = \"green\"",
        "sites.toml:4: admits: text stands where a list belongs; write it in square brackets, with commas between its members",
    );
    check(
        "on_stale = false",
        "sites.toml:4: on_stale: true or false stands where a word belongs; write \"refer\" or \"refuse\"",
    );
    check(
        "pass_back_by = true",
        "sites.toml:4: pass_back_by: true or false stands where a word belongs; write \"device\" or \"lane\"",
    );
    check(
        "hotline = 12345",
        "sites.toml:4: hotline: a whole number stands where text belongs; write 1 to 80 characters on one line, in double quotes",
    );
    check(
        "issuers = [110000, \"310000\"]",
        "sites.toml:4: issuers: text stands where a number belongs; write a whole number from 0 to 4294967295",
    );
}

#[test]
fn unknown_words_are_told_the_known_ones() {
    check(
        "admits = [\"green\", \"blue\"]",
        "sites.toml:4: admits: \"blue\" has no meaning here; write \"green\", \"amber\" or \"red\"",
    );
    check(
        "accepts = [\n  \"phone\",\n  \"papper\",\n]",
        "sites.toml:6: accepts: \"papper\" has no meaning here; did you mean \"paper\"?",
    );
    check(
        "on_stale = \"admit\"",
        "sites.toml:4: on_stale: \"admit\" has no meaning here; write \"refer\" or \"refuse\"",
    );
    check(
        "pass_back_by = \"turnstile\"",
        "sites.toml:4: pass_back_by: \"turnstile\" has no meaning here; write \"device\" or \"lane\"",
    );
    check(
        "pass_back_by = \"lanes\"",
        "sites.toml:4: pass_back_by: \"lanes\" has no meaning here; did you mean \"lane\"?",
    );
    check(
        "records = \"disk\"",
        "sites.toml:4: records: \"disk\" has no meaning here; write \"memory\", \"written\" or \"synced\"",
    );
    check(
        "records = \"sync\"",
        "sites.toml:4: records: \"sync\" has no meaning here; did you mean \"synced\"?",
    );
    check(
        "unrecorded_until = \"tomorrow\"",
        "sites.toml:4: unrecorded_until: text stands where a date and time belongs; write a date and a time with their \
         zone, without quotes: 2026-11-30T18:00:00+08:00",
    );
    check(
        "unrecorded_until = 2026-11-30T18:00:00",
        "sites.toml:4: unrecorded_until: 2026-11-30T18:00:00 is no moment; write a date and a time with their zone, \
         without quotes: 2026-11-30T18:00:00+08:00",
    );
    check(
        "records = true",
        "sites.toml:4: records: true or false stands where a word belongs; write \"memory\", \"written\" or \"synced\"",
    );
    check("issuers = \"all\"", "sites.toml:4: issuers: \"all\" has no meaning here; write \"all-trusted\"");
}

#[test]
fn contradictions_are_told_with_a_way_out() {
    check(
        "admits = []",
        "sites.toml:4: admits: is empty, so nobody could ever pass; write [\"green\"] or [\"green\", \"amber\"]",
    );
    check(
        "admits = [\"green\", \"red\"]",
        "sites.toml:4: admits: has \"red\", which no site may admit; take it out",
    );
    check(
        "admits = [\"amber\"]",
        "sites.toml:4: admits: admits amber and not green; write [\"green\", \"amber\"]",
    );
    check(
        "admits = [\"green\", \"amber\"]\non_amber = \"refer\"",
        "sites.toml:5: on_amber: contradicts admits, which has \"amber\"; keep one of the two",
    );
    check(
        "accepts = []",
        "sites.toml:4: accepts: is empty and roster is false, so nobody could ever pass; name a kind, or write roster = true",
    );
    check(
        "accepts = [\"trip\"]",
        "sites.toml:4: accepts: has \"trip\", and trip codes name a hub; add hub = ..., or take \"trip\" out",
    );
    check(
        "issuers = []",
        "sites.toml:4: issuers: is empty, so nobody could ever pass; write \"all-trusted\", or name issuers",
    );
    check("issuers = [1, 2, 1]", "sites.toml:4: issuers: names the same thing twice; once is enough");
    check(
        "on_test_missing = \"refer\"",
        "sites.toml:4: on_test_missing: has no effect, because the site asks for no test; add test_age_max_h = ..., or remove this key",
    );
    for by in ["device", "lane"] {
        check(
            &format!("pass_back_by = \"{by}\"\npass_back_s = 0"),
            "sites.toml:4: pass_back_by: has no effect, because pass_back_s is 0; write another pass_back_s, or remove this key",
        );
    }
}

#[test]
fn what_only_looks_like_a_contradiction_is_accepted() {
    for keys in [
        "accepts = [\"paper\"]\npass_back_s = 300\nskew_steps = 2",
        "accepts = []\nroster = true",
        "hub = 7",
        "pass_back_by = \"lane\"",
        "pass_back_by = \"device\"\npass_back_s = 1",
        "on_test_positive = \"refer\"",
    ] {
        let text = format!("[[site]]\nid = 1\nname = \"Gate\"\n{keys}");
        assert_eq!(Sites::parse(&text, "sites.toml").err(), None, "for:\n{keys}");
    }
}

#[test]
fn text_must_be_one_line_that_says_something() {
    let mend = "write 1 to 80 characters on one line, in double quotes";
    check("hotline = \" \"", &format!("sites.toml:4: hotline: is empty; {mend}"));
    check(
        "hotline = \"a\\nb\"",
        &format!(
            "sites.toml:4: hotline: has a line break, a control character or an invisible character in it; {mend}"
        ),
    );
    let long = "长".repeat(limits::TEXT_CHARS_MAX + 1);
    check(&format!("hotline = \"{long}\""), &format!("sites.toml:4: hotline: is too long; {mend}"));
}

#[test]
fn the_longest_text_and_list_are_accepted_and_no_longer_ones() {
    let accepted = |keys: &str| {
        Sites::parse(&format!("[[site]]\nid = 1\nname = \"Gate\"\n{keys}"), "sites.toml").is_ok()
    };
    let issuers = |count: usize| format!("issuers = {:?}", (0..count).collect::<Vec<_>>());
    assert!(accepted(&format!("hotline = \"{}\"", "长".repeat(limits::TEXT_CHARS_MAX))));
    assert!(accepted(&issuers(limits::LIST_MAX)));
    check(&issuers(limits::LIST_MAX + 1), "sites.toml:4: issuers: has 1025 members; write at most 1024");
}

#[test]
fn the_file_as_a_whole() {
    assert_eq!(told_file(""), "sites.toml:1: site: there is no site; write at least one [[site]] table");
    assert_eq!(
        told_file("[site]\nid = 1"),
        "sites.toml:1: site: is not a list of tables; write [[site]], in double brackets, above each site"
    );
    assert_eq!(
        told_file("\nsite = [1]"),
        "sites.toml:2: site: is not a list of tables; write [[site]], in double brackets, above each site"
    );
    assert_eq!(
        told_file("# ours\nlog = true\n[[site]]\nid = 1\nname = \"Gate\""),
        "sites.toml:2: log: is outside every site; a policy file holds [[site]] tables: move this below one of them, or remove it"
    );
    assert_eq!(told_file("\n[[site]]\nname = \"Gate\""), "sites.toml:2: id: is missing; every site needs it");
    assert_eq!(told_file("[[site]]\nid = 1"), "sites.toml:1: name: is missing; every site needs it");
    assert_eq!(
        told_file("[[site]]\nid = 42\nname = \"A\"\n[[site]]\nname = \"B\"\nid = 42"),
        "sites.toml:6: id: site 42 is already on line 2; give every site its own id"
    );
}

#[test]
fn faults_of_toml_itself_name_the_line_and_the_key() {
    let mend = "write [[site]] above each site, and below it one key = value a line, text in double quotes";
    check(
        "on_stale = refer",
        &format!(
            "sites.toml:4: on_stale: is not TOML (string values must be quoted, expected literal string); {mend}"
        ),
    );
    check(
        "doses_min = 1\ndoses_min = 2",
        &format!("sites.toml:5: doses_min: is not TOML (duplicate key); {mend}"),
    );
    check("hello", &format!("sites.toml:4: is not TOML (key with no value, expected `=`); {mend}"));
}

#[test]
fn every_key_has_its_own_name() {
    let names: std::collections::BTreeSet<_> = KEYS.iter().map(|key| key.name).collect();
    assert_eq!(names.len(), KEYS.len());
}
