//! What a pre-review is worth: of generated people that disease control places in a place of risk, some were elsewhere, and
//! itineraries have gaps. How many wrong colours a person is shown before they are given, and how many right ones wait for it (R28).
//!
//! `cargo run --release -p hufu-rules --example review -- 1000000`

#![expect(clippy::print_stdout, reason = "an example prints")]

use hufu_rules::{Contact, Facts, Grade, Moment, Outcome, Risk, Rules, Sample, SampleResult, Stay};
use hufu_wire::Colour;

const DAY: i64 = 86_400;

/// A small generator of numbers (SplitMix64); the same each time.
fn mixed(person: u32, what: u64, below: u64) -> u64 {
    let mut mixed = (u64::from(person) << 8 | what).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ mixed >> 31) % below
}

/// Of a thousand people: how many were in a place of risk, how many more are said to have been by another's telephone or a
/// neighbouring cell, and of a hundred true stays how many the holder's own itinerary has, by codes that were scanned.
const TRUE_PERMILLE: u64 = 20;
const WRONG_PERMILLE: u64 = 4;
const SCANNED_PERCENT: u64 = 85;

fn main() {
    let people: u32 = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let rules = include_str!("../../../../docs/examples/rules.toml");
    let rules = Rules::parse(rules, "rules.toml").expect("the example");
    let at = Moment(rules.from.0 + 28 * DAY);
    // Right and wrong ones: given a worse colour at once, and shown to a person before.
    let (mut given, mut shown) = ([0_u64; 2], [0_u64; 2]);
    for person in 0..people {
        let told = mixed(person, 1, 1000);
        if told >= TRUE_PERMILLE + WRONG_PERMILLE {
            continue;
        }
        let is_wrong = told >= TRUE_PERMILLE;
        let from = Moment(at.0 - i64::try_from(mixed(person, 2, 6)).unwrap_or(0) * DAY - 7200);
        let stay = Stay { from, to: Moment(from.0 + 3600), risk: Risk::High };
        let scanned = !is_wrong && mixed(person, 3, 100) < SCANNED_PERCENT;
        // A twentieth of those who were there met a case; none of the others did.
        let met = !is_wrong && mixed(person, 4, 20) == 0;
        let contact = Contact { at: stay.to, grade: Grade::Close, minutes: 20 };
        let facts = Facts {
            cases: Some(vec![]),
            contacts: Some(if met { vec![contact] } else { vec![] }),
            stays: Some(vec![stay]),
            arrivals: Some(vec![]),
            tests: Some(vec![Sample { at: Moment(at.0 - DAY), result: SampleResult::Negative }]),
            symptoms: Some(false),
            quarantines: Some(vec![]),
            overlap_minutes: Some(if scanned { 60 } else { 0 }),
            ..Facts::unknown(person, at)
        };
        match rules.decide(&facts).map(|ruling| ruling.outcome) {
            Some(Outcome::Review { .. }) => shown[usize::from(is_wrong)] += 1,
            Some(Outcome::Colour(Colour::Amber | Colour::Red)) => given[usize::from(is_wrong)] += 1,
            _ => {}
        }
    }
    let [right, wrong] = [given[0] + shown[0], given[1] + shown[1]];
    println!("{people} people; said to have been in a place of risk: {right} who were, {wrong} who were not");
    println!(
        "without a review {wrong} wrong colours; with it {}, and {} shown to a person",
        given[1],
        shown[0] + shown[1]
    );
    println!(
        "the cost: {} of {right} right colours wait for that person, {:.1} cases looked at for each wrong one found",
        shown[0],
        f64::from(u32::try_from(shown[0] + shown[1]).unwrap_or(u32::MAX))
            / f64::from(u32::try_from(shown[1].max(1)).unwrap_or(1))
    );
}
