//! Base45 text to bytes: the longest phone code and a paper code.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hufu_bench::Stage;
use hufu_codes::text;
use hufu_wire::limits;

fn decode(criterion: &mut Criterion) {
    let stage = Stage::new(10_000, 1);
    let mut group = criterion.benchmark_group("text");
    for (name, codes) in [("phone", stage.phone_codes(1)), ("paper", stage.paper_codes(1))] {
        let (code, _) = &codes[0];
        let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
        group.throughput(Throughput::Bytes(code.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| text::decode(black_box(code), &mut binary).is_ok());
        });
    }
}

criterion_group!(benches, decode);
criterion_main!(benches);
