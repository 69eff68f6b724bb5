//! Policy files nobody would write: no panic, and either a policy in range or an error of one line. The kept
//! corpus is beside this file, in `__fuzz__`; `BOLERO_RANDOM_TEST_TIME_MS` sets how long it goes on.

use bolero::check;
use hufu_policy::{KEYS, SitePolicy, Sites, limits};
use hufu_wire::CodeKind;

#[test]
fn any_bytes() {
    check!().for_each(|bytes: &[u8]| {
        if let Ok(text) = core::str::from_utf8(bytes) {
            read(text);
        }
    });
}

#[test]
fn any_sequence_of_pieces() {
    check!().with_type::<Vec<(u8, u8)>>().for_each(|pieces| {
        let mut text = String::from("[[site]]\nid=1\nname=\"a\"\n");
        for (key, value) in pieces {
            match KEYS.get(usize::from(*key) % (KEYS.len() + 1)) {
                Some(key) => text.push_str(key.name),
                None => text.push_str("\n[[site]]\nname=\"b\"\nid"),
            }
            text.push('=');
            text.push_str(VALUES[usize::from(*value) % VALUES.len()]);
            text.push('\n');
        }
        read(&text);
    });
}

const VALUES: &[&str] = &[
    "0",
    "1",
    "2",
    "-1",
    "7",
    "48",
    "3600",
    "60000",
    "4294967295",
    "4294967296",
    "1e9",
    "0x7",
    "true",
    "false",
    "\"refer\"",
    "\"refuse\"",
    "\"all-trusted\"",
    "\"\"",
    "[]",
    "[\"green\"]",
    "[\"green\",\"amber\"]",
    "[\"phone\",\"paper\"]",
    "[\"trip\"]",
    "[1,2]",
    "[[1]]",
    "{}",
    "{a=1}",
    "1979-05-27",
    "'''\n'''",
    "\"\\u0000\"",
];

fn read(text: &str) {
    match Sites::parse(text, "fuzz.toml") {
        Ok(sites) => {
            assert!(sites.iter().len() > 0);
            for site in sites.iter() {
                assert!(core::ptr::eq(sites.get(site.id).expect("it was listed"), site));
                assert_in_range(site);
            }
        }
        Err(fault) => {
            let lines = text.split('\n').count();
            assert!((1..=lines).contains(&fault.line), "line {} of {lines}", fault.line);
            assert!(!fault.to_string().contains('\n'), "{fault}");
        }
    }
}

fn assert_in_range(site: &SitePolicy) {
    assert!(limits::DOSES.contains(&site.doses_min.into()));
    assert!(limits::SKEW_STEPS.contains(&site.skew_steps.into()));
    assert!(limits::PASS_BACK_S.contains(&site.pass_back_s.into()));
    assert!(limits::STALENESS_MS.contains(&site.staleness_ms_max.into()));
    assert!(site.offline_age_s_max.is_none_or(|age_s| limits::OFFLINE_AGE_S.contains(&age_s.into())));
    assert!(site.hub.is_some() || !site.accepts.contains(CodeKind::Trip));
    assert!(
        site.roster
            || [CodeKind::Phone, CodeKind::Paper, CodeKind::Trip, CodeKind::Family, CodeKind::Reference]
                .iter()
                .any(|kind| site.accepts.contains(*kind))
    );
}
