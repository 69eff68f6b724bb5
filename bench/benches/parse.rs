//! Bytes to a credential and a presentation: strict CBOR, COSE, CWT claims.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hufu_bench::Stage;
use hufu_codes::{code, text};
use hufu_wire::limits;

fn parse(criterion: &mut Criterion) {
    let stage = Stage::new(10_000, 1);
    let mut group = criterion.benchmark_group("parse");
    for (name, codes) in [("phone", stage.phone_codes(1)), ("paper", stage.paper_codes(1))] {
        let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
        let binary = text::decode(&codes[0].0, &mut binary).expect("a code's text");
        group.bench_function(name, |bencher| bencher.iter(|| code::parse(black_box(binary))));
    }
}

criterion_group!(benches, parse);
criterion_main!(benches);
