//! A signed roster of a school and of a district; the throughput is in members.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hufu_bench::Stage;
use hufu_fixtures::sites::SCHOOL;
use hufu_wire::{Scope, limits};

fn roster(criterion: &mut Criterion) {
    let stage = Stage::new(1_000_000, 1);
    let mut spine = stage.spine();
    let terminal = stage
        .world
        .grants()
        .into_iter()
        .find(|grant| grant.site == SCHOOL.id && grant.scope.allows(Scope::CHECKS_AND_ROSTERS))
        .expect("a school has a terminal");
    let mut group = criterion.benchmark_group("roster");
    for members in [1_000, 32_768] {
        assert!(members as usize <= limits::ROSTER_MEMBERS_MAX);
        let signed = stage.world.roster(&SCHOOL, members).bytes;
        let mut reply = Vec::new();
        group.throughput(Throughput::Elements(members.into()));
        group.bench_function(BenchmarkId::from_parameter(members), |bencher| {
            bencher.iter(|| {
                reply.clear();
                spine.check_roster(stage.now, &terminal, &signed, &mut reply);
            });
        });
        assert!(reply.len() > members as usize * 4, "every member was answered");
    }
}

criterion_group!(benches, roster);
criterion_main!(benches);
