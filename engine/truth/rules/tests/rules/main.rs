//! Rules as data: the example file, every fact, unknowns, releases, digests (R28).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kept;

use hufu_rules::{
    Contact, Current, Fact, Facts, FactsDigest, Grade, Held, Known, Moment, Outcome, Risk, RiskPlaces, Rules,
    RulesDigest, RulesFault, Sample, SampleResult, Says, Stay, Visit, inputs,
};
use hufu_wire::{Colour, StatusMinute, StatusWord, TestResult, UnixSeconds};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../../../../docs/examples/rules.toml");
const DAY: i64 = 86_400;
/// 2026-11-29T08:00:00+08:00.
const NOW: Moment = Moment(1_795_910_400);

fn example() -> Rules {
    Rules::parse(EXAMPLE, "rules.toml").unwrap()
}

/// Nothing happened, and all of it is known.
fn nothing() -> Facts {
    Facts {
        cases: Some(vec![]),
        contacts: Some(vec![]),
        stays: Some(vec![]),
        arrivals: Some(vec![]),
        tests: Some(vec![negative(20)]),
        symptoms: Some(false),
        quarantines: Some(vec![]),
        ..Facts::unknown(42, NOW)
    }
}

fn negative(hours_ago: i64) -> Sample {
    Sample { at: Moment(NOW.0 - hours_ago * 3600), result: SampleResult::Negative }
}

fn ago(days: i64) -> Moment {
    Moment(NOW.0 - days * DAY)
}

fn colour(facts: &Facts) -> Outcome {
    example().decide(facts).unwrap().outcome
}

#[test]
fn r28_the_example_has_twelve_parameters_in_three_classes_and_its_own_tests_pass() {
    let rules = example();
    assert_eq!((rules.parameters.len(), rules.classes.len()), (12, 3));
    let weight = |id| rules.classes.iter().find(|class| class.id == id).unwrap().weight;
    assert_eq!([weight("contact"), weight("place")], [600, 300], "contact weighs 60 %, stays 30 %");
    assert_eq!(rules.parameters.iter().map(|parameter| parameter.ppm).sum::<u32>(), 1_000_000);
    let languages = "ar de en es fr id it ja ko ms pt ru th tr vi zh";
    assert_eq!(
        rules.languages().collect::<Vec<_>>().join(" "),
        languages,
        "the sixteen, in the order of their tags"
    );
    assert_eq!(rules.release.red.days, 14);
    assert_eq!([rules.release.red.negative_tests, rules.release.amber.negative_tests], [5, 2]);
    assert_eq!((rules.release.amber.days, rules.digest()), (3, RulesDigest::of(EXAMPLE)));
}

/// Each parameter alone adds its weight, and the ruling says which it was.
#[test]
fn r28_each_parameter_gives_its_share() {
    let rules = example();
    let contact = |grade, days, minutes| Contact { at: ago(days), grade, minutes };
    let stay =
        |risk, days, minutes: i64| Stay { from: ago(days), to: Moment(ago(days).0 + minutes * 60), risk };
    let cases: [(&[&str], Facts); 10] = [
        (&["case"], Facts { cases: Some(vec![ago(14)]), ..nothing() }),
        (&["close-contact"], Facts { contacts: Some(vec![contact(Grade::Close, 14, 5)]), ..nothing() }),
        (
            &["secondary-contact"],
            Facts { contacts: Some(vec![contact(Grade::Secondary, 7, 5)]), ..nothing() },
        ),
        (
            &["close-contact", "contact-time"],
            Facts {
                contacts: Some(vec![contact(Grade::Close, 13, 7), contact(Grade::Close, 12, 8)]),
                ..nothing()
            },
        ),
        (&["high-risk-place"], Facts { stays: Some(vec![stay(Risk::High, 9, 10)]), ..nothing() }),
        (
            &["medium-risk-place", "left-risk-place"],
            Facts { stays: Some(vec![stay(Risk::Medium, 2, 60), stay(Risk::Low, 1, 600)]), ..nothing() },
        ),
        (
            &["positive-test"],
            Facts {
                tests: Some(vec![negative(20), Sample { at: ago(14), result: SampleResult::Positive }]),
                ..nothing()
            },
        ),
        (&["no-negative-test"], Facts { tests: Some(vec![negative(168)]), ..nothing() }),
        (&["no-negative-test"], Facts { tests: Some(vec![]), ..nothing() }),
        (&["symptoms"], Facts { symptoms: Some(true), ..nothing() }),
    ];
    for (wanted, facts) in cases {
        let ruling = rules.decide(&facts).unwrap();
        let yes = ruling.shares.iter().filter(|share| share.says == Says::Yes);
        let (ids, ppm): (Vec<_>, Vec<_>) =
            yes.map(|share| (share.parameter.id.as_str(), share.parameter.ppm)).unzip();
        assert_eq!((&ids[..], ppm.iter().sum::<u32>()), (wanted, ruling.sum_ppm));
        assert_eq!(ruling.sum_ppm, ruling.most_ppm, "all is known");
    }
}

#[test]
fn what_comes_later_does_not_count_and_no_minute_counts_twice() {
    let later = Facts { cases: Some(vec![Moment(NOW.0 + 1)]), ..nothing() };
    assert_eq!(Fact::CaseDays.of(&later), Known::Never);
    assert_eq!(Fact::CaseDays.of(&Facts { cases: Some(vec![NOW]), ..nothing() }), Known::Is(0));
    let stay =
        |from: i64, to: i64| Stay { from: Moment(NOW.0 + from), to: Moment(NOW.0 + to), risk: Risk::High };
    let stays =
        vec![stay(-3600, -1800), stay(-2400, -1200), stay(-600, 7200), stay(-15 * DAY, -14 * DAY + 60)];
    let facts = Facts { stays: Some(stays), ..nothing() };
    assert_eq!(Fact::HighRiskMinutes.of(&facts), Known::Is(40 + 10 + 1));
    assert_eq!(Fact::RiskPlaceDays.of(&facts), Known::Is(0), "still there");
}

/// What is not known is no zero: where it matters a person decides, where it does not there is a colour.
#[test]
fn r28_unknown_facts_are_an_outcome_of_their_own() {
    let unknown = Facts { contacts: None, ..nothing() };
    assert_eq!(colour(&unknown), Outcome::Undecided { best: Colour::Green, worst: Colour::Amber });
    let ruling = example();
    let ruling = ruling.decide(&unknown).unwrap();
    assert_eq!((ruling.sum_ppm, ruling.most_ppm), (0, 600 * (350 + 150 + 100)));
    let harmless = Facts { symptoms: None, quarantines: None, ..nothing() };
    assert_eq!(colour(&harmless), Outcome::Colour(Colour::Green), "all of it would not change the colour");
    let nothing_known = Facts {
        cases: None,
        contacts: None,
        stays: None,
        arrivals: None,
        tests: None,
        symptoms: None,
        quarantines: None,
        ..nothing()
    };
    assert_eq!(colour(&nothing_known), Outcome::Undecided { best: Colour::Green, worst: Colour::Red });
}

#[test]
fn r28_red_ends_after_14_days_and_5_negative_tests_amber_after_3_and_2() {
    let rules = example();
    let told = |colour, days: i64, tests: Vec<Sample>| {
        let current = Some(Current { colour, since: ago(days) });
        let facts = Facts { current, tests: Some(tests), ..nothing() };
        let ruling = rules.decide(&facts).unwrap();
        (ruling.outcome, ruling.held)
    };
    let daily = |count: i64| (0..count).map(|day| negative(1 + 24 * day)).collect::<Vec<_>>();
    let held = |colour, days_left, tests_left| {
        (Outcome::Colour(colour), Some(Held { colour, days_left, tests_left: Some(tests_left) }))
    };
    let green = (Outcome::Colour(Colour::Green), None);
    assert_eq!(told(Colour::Red, 14, daily(5)), green);
    assert_eq!(told(Colour::Red, 13, daily(5)), held(Colour::Red, 1, 0));
    assert_eq!(told(Colour::Red, 14, daily(4)), held(Colour::Red, 0, 1));
    assert_eq!(told(Colour::Amber, 3, daily(2)), green);
    assert_eq!(told(Colour::Amber, 2, daily(1)), held(Colour::Amber, 1, 1));
    // Five samples of one morning are one, and those before a positive one are none.
    assert_eq!(
        told(Colour::Red, 14, (0..5).map(|hour| negative(1 + hour)).collect()),
        held(Colour::Red, 0, 4)
    );
    let positive = Sample { at: ago(2), result: SampleResult::Positive };
    let (outcome, waits) = told(Colour::Red, 20, [daily(5), vec![positive]].concat());
    assert_eq!((outcome, waits.unwrap().tests_left), (Outcome::Colour(Colour::Red), Some(3)));
    // Samples are not known: a person decides, after the days have passed.
    let red = |days| Facts {
        current: Some(Current { colour: Colour::Red, since: ago(days) }),
        tests: None,
        ..nothing()
    };
    assert_eq!(colour(&red(14)), Outcome::Undecided { best: Colour::Green, worst: Colour::Red });
    assert_eq!(colour(&red(13)), Outcome::Colour(Colour::Red));
    // A worse colour does not wait for anything.
    let worse = Facts {
        current: Some(Current { colour: Colour::Amber, since: NOW }),
        contacts: Some(vec![Contact { at: ago(1), grade: Grade::Close, minutes: 60 }]),
        stays: Some(vec![Stay { from: ago(1), to: NOW, risk: Risk::High }]),
        ..nothing()
    };
    assert_eq!(colour(&worse), Outcome::Colour(Colour::Red));
}

#[test]
fn what_contradicts_itself_is_refused_with_what_to_write() {
    for (from, to, wanted) in [
        ("weight = 600", "weight = 500", "the classes weigh 900 together: all classes together weigh 1000"),
        ("weight = 350", "weight = 340", "the parameters of class \"contact\" weigh 990 together"),
        ("amber = 150", "amber = 400", "thresholds: amber 400 and red 400"),
        ("id = \"close-contact\"", "id = \"case\"", "two parameters are called \"case\""),
        (
            "class = \"place\"\nfact = \"arrival_days\"",
            "class = \"town\"\nfact = \"arrival_days\"",
            "arrival: there is no class \"town\"",
        ),
        (
            "within = 14\nweight = 400\n[parameter.says]",
            "weight = 400\n[parameter.says]",
            "case: when does it say yes?",
        ),
        ("zh = \"有症状\"\n", "", "symptoms: says: write the same languages"),
        ("until = \"2027", "until = \"2026-10-31T00:00:00+08:00\" # \"2027", "is not before until"),
        ("fact = \"symptoms\"", "fact = \"mood\"", "unknown variant `mood`"),
        ("[thresholds]", "colour = 3\n[thresholds]", "unknown field `colour`"),
        ("gives = \"undecided\"", "gives = \"blue\"", "the test \"contacts are not known\" gives \"blue\""),
    ] {
        assert!(EXAMPLE.contains(from), "{from}");
        let said = Rules::parse(&EXAMPLE.replacen(from, to, 1), "rules.toml").unwrap_err().to_string();
        assert!(said.starts_with("rules.toml: ") && said.contains(wanted), "{said}\nnot {wanted}");
    }
    // A file whose tests do not come out is not accepted from any author.
    let milder = EXAMPLE.replace("red = 400", "red = 900");
    let said = Rules::parse(&milder, "rules.toml").unwrap_err();
    assert!(
        matches!(&said, RulesFault::TestFails { wanted, given, .. } if wanted == "red" && given == "amber"),
        "{said}"
    );
    let untested = EXAMPLE.replace("gives = \"amber\"", "gives = \"green\"");
    let said = Rules::parse(&untested, "rules.toml").unwrap_err().to_string();
    assert!(said.contains("a [[test]] for green, amber and red"), "{said}");
}

#[test]
fn facts_have_one_digest_and_bad_ones_are_refused() {
    let json = r#"{"holder":42,"at":"2026-11-29T08:00:00+08:00","contacts":[],"tests":[{"at":"2026-11-27T01:00:00Z","result":"negative"}]}"#;
    let facts = Facts::read(json).unwrap();
    assert_eq!((facts.at, facts.contacts.as_deref(), facts.stays.as_deref()), (NOW, Some(&[][..]), None));
    let other = r#"{ "tests": [{"result":"negative","at":"2026-11-27T09:00:00+08:00"}], "contacts": [], "at": "2026-11-29T00:00:00Z", "holder": 42 }"#;
    let digest = FactsDigest::of(&facts);
    assert_eq!(FactsDigest::of(&Facts::read(other).unwrap()), digest, "one form");
    let salted = Facts { salt: "7f".to_owned(), ..facts.clone() };
    let known = Facts { stays: Some(vec![]), ..facts.clone() };
    for different in [&salted, &known, &Facts { holder: 43, ..facts.clone() }] {
        assert_ne!(FactsDigest::of(different), digest);
    }
    let rules = example().digest();
    assert_ne!(inputs(rules, [digest]), inputs(RulesDigest::of("other"), [digest]));
    assert_ne!(inputs(rules, [digest]), inputs(rules, [digest, digest]));
    for (bad, wanted) in [
        (r#"{"at":"2026-11-29T08:00:00Z"}"#, "missing field `holder`"),
        (r#"{"holder":1,"at":"2026-11-29T08:00:00Z","mood":3}"#, "unknown field `mood`"),
        (r#"{"holder":1,"at":"29.11.2026"}"#, "is no instant such as"),
        (r#"{"holder":1,"at":"2026-11-29T08:00:00.5Z"}"#, "whole seconds"),
        (
            r#"{"holder":1,"at":"2026-11-29T08:00:00Z","stays":[{"from":"2026-11-29T08:00:00Z","to":"2026-11-29T07:00:00Z","risk":"high"}]}"#,
            "ends before it begins",
        ),
    ] {
        let said = Facts::read(bad).unwrap_err().to_string();
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn rules_hold_for_their_time_alone() {
    let rules = example();
    assert!(rules.decide(&Facts { at: Moment(rules.from.0 - 1), ..nothing() }).is_none());
    assert!(rules.decide(&Facts { at: rules.from, ..nothing() }).is_some());
    assert!(rules.decide(&Facts { at: rules.until, ..nothing() }).is_none());
}

fn some_facts() -> impl Strategy<Value = Facts> {
    let moment = (-20 * DAY..DAY).prop_map(|s| Moment(NOW.0 + s));
    let tests = proptest::collection::vec((moment.clone(), 0..3_u8), 0..8).prop_map(|tests| {
        let result =
            |kind| [SampleResult::Negative, SampleResult::Positive, SampleResult::Pending][usize::from(kind)];
        tests.into_iter().map(|(at, kind)| Sample { at, result: result(kind) }).collect::<Vec<_>>()
    });
    let contacts =
        proptest::collection::vec((moment.clone(), any::<bool>(), 0..600_u32), 0..4).prop_map(|contacts| {
            let grade = |close| if close { Grade::Close } else { Grade::Secondary };
            contacts
                .into_iter()
                .map(|(at, close, minutes)| Contact { at, grade: grade(close), minutes })
                .collect::<Vec<_>>()
        });
    let stays = proptest::collection::vec((moment.clone(), 0..DAY, 0..3_u8), 0..4).prop_map(|stays| {
        let risk = |kind| [Risk::High, Risk::Medium, Risk::Low][usize::from(kind)];
        stays
            .into_iter()
            .map(|(from, s, kind)| Stay { from, to: Moment(from.0 + s), risk: risk(kind) })
            .collect::<Vec<_>>()
    });
    let current = proptest::option::of((moment.clone(), 0..3_u8)).prop_map(|current| {
        let colour = |kind| [Colour::Green, Colour::Amber, Colour::Red][usize::from(kind)];
        current.map(|(since, kind)| Current { colour: colour(kind), since })
    });
    let option = |strategy| proptest::option::of(strategy);
    (
        option(contacts),
        proptest::option::of(stays),
        proptest::option::of(tests),
        current,
        proptest::option::of(any::<bool>()),
    )
        .prop_map(|(contacts, stays, tests, current, symptoms)| Facts {
            contacts,
            stays,
            tests,
            current,
            symptoms,
            ..nothing()
        })
}

proptest! {
    /// Whatever is learned of what was not known, the colour lies between what the ruling called best and worst; a colour
    /// that was certain stays.
    #[test]
    fn r28_learning_more_never_contradicts_a_ruling(facts in some_facts(), more in some_facts()) {
        let rules = example();
        let before = rules.decide(&facts).unwrap();
        let learned = Facts {
            contacts: facts.contacts.clone().or(more.contacts),
            stays: facts.stays.clone().or(more.stays),
            tests: facts.tests.clone().or(more.tests),
            symptoms: facts.symptoms.or(more.symptoms),
            ..facts.clone()
        };
        let after = rules.decide(&learned).unwrap();
        let rank = |colour: Colour| [Colour::Green, Colour::Amber, Colour::Red].iter().position(|known| *known == colour);
        let span = |outcome: Outcome| match outcome {
            Outcome::Colour(colour) => (rank(colour), rank(colour)),
            Outcome::Undecided { best, worst } => (rank(best), rank(worst)),
            Outcome::Review { to } => (rank(to), rank(to)),
        };
        let ((best, worst), (best_after, worst_after)) = (span(before.outcome), span(after.outcome));
        prop_assert!(best <= best_after && worst_after <= worst, "{before:?} {after:?}");
        prop_assert!(before.sum_ppm <= after.sum_ppm && after.most_ppm <= before.most_ppm);
    }

    /// The order of lists changes nothing but the digest, and the same facts give the same ruling.
    #[test]
    fn the_order_of_what_is_recorded_changes_no_colour(facts in some_facts()) {
        let rules = example();
        let mut turned = facts.clone();
        turned.contacts.iter_mut().for_each(|list| list.reverse());
        turned.stays.iter_mut().for_each(|list| list.reverse());
        turned.tests.iter_mut().for_each(|list| list.reverse());
        prop_assert_eq!(rules.decide(&turned).unwrap(), rules.decide(&facts).unwrap());
    }
}
