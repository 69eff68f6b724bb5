//! The rule that decides: the market asks for green alone, the airport for everything there is.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hufu_fixtures::sites::{AIRPORT, MARKET, SITES_TOML};
use hufu_policy::{Facts, Presented, Shown, Sites, evaluate};
use hufu_wire::{Age, Colour, IssuerId, StatusMinute, StatusWord, TestResult, UnixSeconds};

fn policy(criterion: &mut Criterion) {
    let sites = Sites::parse(SITES_TOML, "sites.toml").expect("a world's sites");
    let now = UnixSeconds(1_795_000_000);
    let tested = StatusMinute::nearest(UnixSeconds(now.0 - 3600));
    let facts = Facts {
        now,
        shown: Shown::Phone { generation: 3, presented: Presented::Current },
        issuer: IssuerId(610_000),
        status: StatusWord::new(Colour::Green, 3).with_doses(3).with_test(tested, TestResult::Negative),
        age: Age::Millis(800),
    };
    let mut group = criterion.benchmark_group("policy");
    for site in [MARKET, AIRPORT] {
        group.bench_function(site.name, |bencher| {
            bencher.iter(|| sites.get(black_box(site.id)).map(|policy| evaluate(policy, black_box(&facts))));
        });
    }
}

criterion_group!(benches, policy);
criterion_main!(benches);
