//! The table of cases in `cases.toml`, through one check.

use hufu_policy::{Facts, Presented, Shown, Sites, Trip, evaluate};
use hufu_wire::{
    Age, ClockOffset, Colour, HubId, IssuerId, Reason, SiteId, StatusMinute, StatusWord, TestResult,
    UnixSeconds,
};
use serde::Deserialize;

const NOW: UnixSeconds = UnixSeconds(1_767_268_800);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    site: String,
    #[serde(default)]
    facts: Tweak,
    ruling: String,
}

/// What differs from the ordinary facts; `cases.toml` explains the fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Tweak {
    shown: String,
    generation: u8,
    skew_s: Option<i32>,
    trip_hub: u32,
    trip_from_s: i32,
    trip_until_s: i32,
    issuer: u32,
    colour: String,
    status_generation: u8,
    until_s: Option<i32>,
    test: String,
    test_s: i32,
    doses: u8,
    age_ms: u32,
    age_unknown: bool,
}

impl Default for Tweak {
    fn default() -> Tweak {
        Tweak {
            shown: "phone".into(),
            generation: 7,
            skew_s: None,
            trip_hub: 0,
            trip_from_s: 0,
            trip_until_s: 0,
            issuer: 110_000,
            colour: "green".into(),
            status_generation: 7,
            until_s: None,
            test: "none".into(),
            test_s: 0,
            doses: 0,
            age_ms: 800,
            age_unknown: false,
        }
    }
}

#[test]
fn r06_r07_every_case_of_the_table_is_ruled_as_it_says() {
    let cases: Cases = toml::from_str(include_str!("cases.toml")).unwrap();
    for case in &cases.case {
        check(case);
    }
}

#[test]
fn the_table_has_a_case_for_every_reason_a_policy_gives() {
    let cases: Cases = toml::from_str(include_str!("cases.toml")).unwrap();
    let tabled = |reason: Reason| cases.case.iter().any(|case| case.ruling.ends_with(&format!(" {reason}")));
    let missing: Vec<_> = hufu_policy::ORDER.into_iter().filter(|reason| !tabled(*reason)).collect();
    assert_eq!(missing, [], "reasons without a case");
}

fn check(case: &Case) {
    let text = format!("[[site]]\nid = 1\nname = \"Test gate\"\n{}", case.site);
    let sites = Sites::parse(&text, "cases.toml").unwrap_or_else(|fault| panic!("{}: {fault}", case.name));
    let ruling = evaluate(sites.get(SiteId(1)).expect("the site above"), &case.facts.facts());
    let told = format!("{:?} {}", ruling.decision(), ruling.reason()).to_lowercase();
    assert_eq!(told, case.ruling, "{}", case.name);
}

impl Tweak {
    fn facts(&self) -> Facts {
        Facts {
            now: NOW,
            shown: self.shown(),
            issuer: IssuerId(self.issuer),
            status: self.status(),
            age: if self.age_unknown { Age::Unknown } else { Age::Millis(self.age_ms) },
        }
    }

    fn shown(&self) -> Shown {
        let generation = self.generation;
        let presented = self.skew_s.map_or(Presented::Current, |s| Presented::Skewed(ClockOffset(s)));
        let trip = Trip {
            hub: HubId(self.trip_hub),
            from: after(self.trip_from_s),
            until: after(self.trip_until_s),
        };
        match self.shown.as_str() {
            "phone" => Shown::Phone { generation, presented },
            "paper" => Shown::Paper { generation },
            "family" => Shown::Family { generation },
            "reference" => Shown::Reference,
            "trip" => Shown::Trip { generation, trip },
            "member" => Shown::Member,
            other => panic!("nobody shows a {other}"),
        }
    }

    fn status(&self) -> StatusWord {
        let colour = match self.colour.as_str() {
            "green" => Colour::Green,
            "amber" => Colour::Amber,
            "red" => Colour::Red,
            "unknown" => return StatusWord::UNKNOWN,
            other => panic!("{other} is no colour"),
        };
        let test = match self.test.as_str() {
            "none" => TestResult::None,
            "negative" => TestResult::Negative,
            "positive" => TestResult::Positive,
            "pending" => TestResult::Pending,
            other => panic!("{other} is no result"),
        };
        let word = StatusWord::new(colour, self.status_generation)
            .with_test(StatusMinute::nearest(after(self.test_s)), test)
            .with_doses(self.doses);
        self.until_s.map_or(word, |until_s| word.with_until(StatusMinute::nearest(after(until_s))))
    }
}

fn after(seconds: i32) -> UnixSeconds {
    UnixSeconds(NOW.0.checked_add_signed(seconds).expect("a time near now"))
}
