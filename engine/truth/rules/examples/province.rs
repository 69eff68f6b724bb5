//! How long a province takes: generated facts of many holders, a colour each, on one core.
//!
//! `cargo run --release -p hufu-rules --example province -- 1000000`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::time::Instant;

use hufu_rules::{
    Contact, Facts, FactsDigest, Grade, Moment, Outcome, Risk, Rules, Sample, SampleResult, Stay,
};

const DAY: u64 = 86_400;

/// A small generator of numbers (SplitMix64); the same each time.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

fn facts(holder: u32, now: Moment) -> Facts {
    let of = |what: u64, below: u64| mixed(u64::from(holder) << 8 | what) % below;
    let ago = |what| Moment(now.0 - i64::try_from(of(what, 20 * DAY)).unwrap_or(0));
    let stay = |what| {
        let from = ago(what);
        let risk = [Risk::High, Risk::Medium, Risk::Low]
            [usize::try_from(of(what + 1, 40)).map_or(2, |kind| kind.min(2))];
        Stay { from, to: Moment(from.0 + 3600), risk }
    };
    let contact = Contact { at: ago(20), grade: Grade::Close, minutes: 20 };
    let sample = |what| Sample { at: ago(what), result: SampleResult::Negative };
    Facts {
        cases: Some(vec![]),
        contacts: (of(1, 100) > 0).then(|| if of(2, 200) == 0 { vec![contact] } else { vec![] }),
        stays: Some((0..5).map(|place| stay(40 + 2 * place)).collect()),
        arrivals: Some(vec![]),
        tests: Some((0..4).map(|test| sample(60 + test)).collect()),
        symptoms: Some(of(3, 300) == 0),
        quarantines: Some(vec![]),
        ..Facts::unknown(holder, now)
    }
}

fn main() {
    let holders = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let rules = include_str!("../../../../docs/examples/rules.toml");
    let rules = Rules::parse(rules, "rules.toml").expect("the example");
    let now = Moment(rules.from.0 + 28 * 86_400);
    let people: Vec<Facts> = (0..holders).map(|holder| facts(holder, now)).collect();
    let begun = Instant::now();
    let mut counts = [0_u32; 4];
    for facts in &people {
        let outcome = rules.decide(facts).map(|ruling| ruling.outcome);
        let place = match outcome {
            Some(Outcome::Colour(colour)) => colour as usize,
            _ => 3,
        };
        counts[place] += 1;
    }
    let decided = begun.elapsed();
    let begun = Instant::now();
    let digests =
        people.iter().map(|facts| FactsDigest::of(facts).0[0]).fold(0_u64, |sum, byte| sum + u64::from(byte));
    let [green, red, amber, undecided] = counts;
    println!(
        "{holders} holders: {:.2} s for colours, {:.2} s for digests of facts ({digests}); green {green}, amber {amber}, red {red}, \
         undecided {undecided}",
        decided.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
}
