//! Claiming a presentation in a memory of four million: a first showing, and one shown before.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hufu_check::{Gate, PassBack, Use, Windows};
use hufu_policy::PassBackBy;
use hufu_wire::{DeviceId, HolderIndex, IssuerId, Lane, Step, UnixSeconds};

const NOW: UnixSeconds = UnixSeconds(1_795_000_000);

fn pass_back(criterion: &mut Criterion) {
    let memory = PassBack::new(1 << 22, [7; 16]);
    let claim = |holder: u32| {
        let shown =
            Use { issuer: IssuerId(610_000), holder: HolderIndex(holder), step: Some(Step(59_833_333)) };
        let gate = Gate { device: DeviceId(1), lane: Lane(0) };
        let windows = Windows { here_s: 90, longest_s: 90, repeated: false, by: PassBackBy::Device };
        memory.claim(shown, gate, NOW, windows)
    };
    let mut group = criterion.benchmark_group("pass_back");
    group.bench_function("first", |bencher| {
        let mut holder = 0_u32;
        bencher.iter(|| {
            holder = holder.wrapping_add(1);
            claim(black_box(holder))
        });
    });
    group.bench_function("again", |bencher| bencher.iter(|| claim(black_box(1))));
}

criterion_group!(benches, pass_back);
criterion_main!(benches);
