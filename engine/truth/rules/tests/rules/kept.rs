//! What goes with a colour: a person's look before it worsens, the word, the next time to decide (R28).

use super::*;

fn person() -> Facts {
    Facts { tests: Some(vec![negative(20)]), ..nothing() }
}

fn high(days: i64) -> Stay {
    Stay { from: ago(days), to: Moment(ago(days).0 + 3600), risk: Risk::High }
}

/// "An automatic pre-review compares the last 7 days of itinerary with risk places before a colour is proposed."
#[test]
fn r28_a_colour_worsens_without_a_person_only_where_itinerary_or_contact_says_why() {
    let stayed = Facts { stays: Some(vec![high(3)]), ..person() };
    let amber = Outcome::Colour(Colour::Amber);
    let review = Outcome::Review { to: Colour::Amber };
    assert_eq!(colour(&stayed), review, "no itinerary is known");
    assert_eq!(colour(&Facts { overlap_minutes: Some(0), ..stayed.clone() }), review);
    assert_eq!(colour(&Facts { overlap_minutes: Some(1), ..stayed.clone() }), amber);
    let contact = Contact { at: ago(14), grade: Grade::Secondary, minutes: 1 };
    assert_eq!(colour(&Facts { contacts: Some(vec![contact]), ..stayed.clone() }), amber);
    let old = Contact { at: Moment(ago(14).0 - 1), ..contact };
    assert_eq!(colour(&Facts { contacts: Some(vec![old]), ..stayed.clone() }), review);
    // What is no worse is not looked at, and what speaks for itself is not either.
    let current = |colour, days| Some(Current { colour, since: ago(days) });
    assert_eq!(colour(&Facts { current: current(Colour::Amber, 9), ..stayed.clone() }), amber);
    let case = Facts { cases: Some(vec![ago(1)]), ..person() };
    assert_eq!(colour(&case), amber);
    let both = Facts { cases: Some(vec![ago(1)]), ..stayed.clone() };
    assert_eq!(colour(&both), Outcome::Review { to: Colour::Red }, "red by the stay, which nothing confirms");
    assert_eq!(example().decide(&stayed).unwrap().outcome.name(), "review");
}

#[test]
fn r28_an_itinerary_is_held_against_places_of_risk() {
    let text = r#"
        [[place]]
        prefix = "310105"
        from = "2026-11-24T00:00:00Z"
        until = "2026-11-28T00:00:00Z"
        risk = "high"
        [[place]]
        prefix = "310105-0042"
        from = "2026-11-20T00:00:00Z"
        until = "2026-11-25T00:00:00Z"
        risk = "medium"
        [[place]]
        prefix = "44"
        from = "2026-11-01T00:00:00Z"
        until = "2026-12-01T00:00:00Z"
        risk = "low"
    "#;
    let places = RiskPlaces::parse(text, "places.toml").unwrap();
    // 2026-11-24T00:00:00Z.
    let begin = 1_795_478_400;
    let visit = |place: &str, from: i64, to: i64| Visit {
        place: place.into(),
        from: Moment(begin + from),
        to: Moment(begin + to),
    };
    let minutes = |visits: &[Visit]| places.overlap_minutes(visits, NOW, 7);
    assert_eq!(minutes(&[visit("310105-0042", -3600, 3600)]), 120, "the house before, both after, once each");
    assert_eq!(minutes(&[visit("310105-0007", -3600, 3600)]), 60, "the district from midnight on");
    assert_eq!(minutes(&[visit("310104-0007", 0, 3600), visit("440000", 0, 3600)]), 0, "elsewhere; low");
    assert_eq!(minutes(&[visit("310105", 4 * DAY - 60, 4 * DAY + 60)]), 1, "no risk any more");
    let edge = NOW.0 - 7 * DAY - begin;
    assert_eq!(minutes(&[visit("310105-0042", edge - 3600, edge + 120)]), 2, "eight days ago does not count");
    assert_eq!(minutes(&[]), 0);
    for wrong in ["[[place]]\nprefix = \"\"", "[[places]]", &text.replace("2026-11-28", "2026-11-23")] {
        assert!(RiskPlaces::parse(wrong, "places.toml").is_err(), "{wrong}");
    }
}

#[test]
fn r28_a_word_carries_the_last_test_and_the_doses() {
    let rules = example();
    let word = |facts: &Facts, current| rules.decide(facts).unwrap().word(facts, current);
    let minute =
        |hours_ago: i64| StatusMinute::nearest(UnixSeconds(u32::try_from(NOW.0 - hours_ago * 3600).unwrap()));
    let green = StatusWord::new(Colour::Green, 3);
    let tested = green.with_test(minute(20), TestResult::Negative);
    assert_eq!(word(&person(), StatusWord::UNKNOWN.with_generation(3)), Some(tested));
    assert_eq!(word(&person(), green.with_until(minute(-1))), Some(tested.with_until(minute(-1))));
    assert_eq!(word(&person(), green.with_until(minute(1))), Some(tested), "an end that has passed");
    let newer = green.with_test(minute(2), TestResult::Negative);
    assert_eq!(word(&person(), newer), Some(newer), "a word by hand that is newer");
    let sample = |hours_ago: i64, result| Sample { at: Moment(NOW.0 - hours_ago * 3600), result };
    let pending = Facts { tests: Some(vec![sample(2, SampleResult::Pending), negative(20)]), ..person() };
    assert_eq!(word(&pending, green), Some(tested), "a sample without an answer takes nothing away");
    let only = Facts { tests: Some(vec![sample(2, SampleResult::Pending)]), ..person() };
    assert_eq!(word(&only, tested), Some(tested));
    let later = Facts { tests: Some(vec![negative(-2)]), ..person() };
    assert_eq!(word(&later, StatusWord::UNKNOWN), Some(StatusWord::new(Colour::Green, 0)), "a test to come");
    let doses = Facts { doses: Some(vec![ago(90), ago(30), Moment(NOW.0 + 1)]), ..person() };
    assert_eq!(word(&doses, green).unwrap().doses(), 2);
    assert_eq!(word(&doses, green.with_doses(3)).unwrap().doses(), 3);
    let both = Facts {
        tests: Some(vec![sample(2, SampleResult::Negative), sample(2, SampleResult::Positive)]),
        ..person()
    };
    assert_eq!(word(&both, green).unwrap().test_result(), TestResult::Positive);
    let unknown = Facts { contacts: None, ..person() };
    let ended = tested.with_until(minute(1));
    assert_eq!(word(&unknown, ended), Some(ended), "a person decides: an end that has passed stays one");
    // What was recorded by mistake leaves the word; what was there by hand stays.
    let void = Facts { tests: Some(vec![negative(40)]), void_tests: vec![negative(20)], ..nothing() };
    assert_eq!(word(&void, tested), Some(green.with_test(minute(40), TestResult::Negative)));
    assert_eq!(word(&Facts { tests: Some(vec![]), ..void.clone() }, tested), Some(green));
    assert_eq!(word(&void, newer), Some(newer));
    let void = Facts { doses: Some(vec![ago(30)]), void_doses: 1, ..person() };
    assert_eq!(word(&void, green.with_doses(2)).unwrap().doses(), 1);
    assert_eq!(word(&void, green.with_doses(3)).unwrap().doses(), 3);
    assert_eq!(word(&unknown, StatusWord::UNKNOWN), None, "undecided");
    assert_eq!(word(&unknown, green), Some(tested), "undecided, and the test counts all the same");
}

proptest! {
    /// Who decides again at each instant that `next_change` names misses nothing.
    #[test]
    fn r28_nothing_changes_before_the_next_change(
        stays in proptest::collection::vec((-20 * DAY..DAY, 0..2 * DAY, any::<bool>()), 0..3),
        contacts in proptest::collection::vec((-20 * DAY..DAY, any::<bool>()), 0..3),
        tests in proptest::collection::vec((-20 * DAY..DAY, any::<bool>()), 0..7),
        quarantine in (-20 * DAY..DAY, 0..3 * DAY),
        current in (0..3_usize, -20 * DAY..0),
        looks in proptest::collection::vec(0.0..1.0_f64, 8),
    ) {
        let rules = example();
        let moment = |offset: i64| Moment(NOW.0 + offset);
        let grade = |close| if close { Grade::Close } else { Grade::Secondary };
        let result = |negative| if negative { SampleResult::Negative } else { SampleResult::Positive };
        let stay = |(from, long, high): (i64, i64, bool)| Stay {
            from: moment(from),
            to: moment(from + long),
            risk: if high { Risk::High } else { Risk::Medium },
        };
        let facts = Facts {
            current: Some(Current { colour: Colour::ALL[current.0], since: moment(current.1) }),
            stays: Some(stays.into_iter().map(stay).collect()),
            contacts: Some(contacts.into_iter().map(|(at, close)| Contact { at: moment(at), grade: grade(close), minutes: 9 }).collect()),
            tests: Some(tests.into_iter().map(|(at, negative)| Sample { at: moment(at), result: result(negative) }).collect()),
            quarantines: Some(vec![hufu_rules::Quarantine { from: moment(quarantine.0), to: moment(quarantine.0 + quarantine.1) }]),
            overlap_minutes: Some(1),
            ..nothing()
        };
        let before = colour(&facts);
        let next = rules.next_change(&facts).unwrap_or(moment(30 * DAY));
        prop_assert!(next > facts.at);
        let last = next.0 - 1 - facts.at.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "some instants between the two")]
        let between = looks.into_iter().map(|look| (look * last as f64) as i64).chain([last]);
        for offset in between {
            let slides = next.0 - facts.at.0 <= 60;
            let then = Facts { at: moment(offset), ..facts.clone() };
            prop_assert!(slides || colour(&then) == before, "{offset} s later, before {}", next);
        }
    }
}
