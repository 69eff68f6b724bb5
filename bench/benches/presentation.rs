//! Proof that the phone is there: the shortest and the longest hash chain, and the mean over all steps.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hufu_codes::presentation::{Salt, StepIndex, StepTree, verify};
use hufu_wire::{HolderIndex, KeyId, Step, UnixSeconds};

fn presentation(criterion: &mut Criterion) {
    let salt = Salt::of(KeyId([7; 8]), HolderIndex(1), 1, Step(59_000_000), UnixSeconds(1_770_000_000));
    let tree = StepTree::new(&[3; 32], &salt);
    let root = tree.root();
    let shown: Vec<_> = (0..4096).filter_map(StepIndex::new).map(|step| tree.present(step)).collect();

    let mut group = criterion.benchmark_group("presentation");
    // The last step of a leaf releases the start of its chain: sixteen links to hash.
    for (name, step) in [("one link", 0), ("sixteen links", 15)] {
        group.bench_function(name, |bencher| {
            let shown = shown[step].borrowed();
            bencher.iter(|| verify(black_box(&root), &salt, black_box(&shown)));
        });
    }
    group.bench_function("mean", |bencher| {
        let mut shown = shown.iter().cycle();
        bencher.iter(|| shown.next().is_some_and(|shown| verify(black_box(&root), &salt, &shown.borrowed())));
    });
    group.bench_function("salt", |bencher| {
        bencher.iter(|| {
            Salt::of(
                KeyId([7; 8]),
                black_box(HolderIndex(1)),
                1,
                Step(59_000_000),
                UnixSeconds(1_770_000_000),
            )
        });
    });
}

criterion_group!(benches, presentation);
criterion_main!(benches);
