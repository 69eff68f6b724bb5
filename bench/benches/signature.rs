//! One credential's signature, by how many are verified together: every back end of this CPU, and dalek's
//! `verify_strict`, whose answer they all give.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ed25519_dalek::{Signature, VerifyingKey};
use hufu_bench::{BATCH, Stage, read};
use hufu_codes::issue::Secret;
use hufu_signature::{Job, PreparedKey, PublicKey, Scheme, backend, backends};
use hufu_wire::limits;

fn signature(criterion: &mut Criterion) {
    let stage = Stage::new(10_000, 1);
    let keyring = stage.keyring();
    let codes = stage.phone_codes(BATCH);
    let mut binaries = [[0; limits::CODE_BINARY_BYTES_MAX]; BATCH];
    let admitted: Vec<_> = codes
        .iter()
        .zip(&mut binaries)
        .map(|((code, _), binary)| {
            keyring.admit(read(code, binary).credential, stage.now.seconds()).expect("a key in force")
        })
        .collect();
    let jobs: Vec<Job<'_>> = admitted.iter().map(hufu_codes::Admitted::job).collect();

    let mut group = criterion.benchmark_group("signature");
    for backend in backends() {
        for batch in [1, 2, 4, 8, 16, 32] {
            let mut genuine = [false; BATCH];
            group.throughput(Throughput::Elements(batch as u64));
            group.bench_function(BenchmarkId::new(backend.name(), batch), |bencher| {
                bencher.iter(|| backend.verify(black_box(&jobs[..batch]), &mut genuine[..batch]));
            });
            assert!(genuine[..batch].iter().all(|&genuine| genuine), "every code is genuine");
        }
    }

    let strict: Vec<_> = jobs
        .iter()
        .filter_map(|job| {
            let PublicKey::Ed25519(public) = job.key.public() else { return None };
            let key = VerifyingKey::from_bytes(&public).expect("an issuer's key");
            Some((key, job.message.concat(), Signature::from_bytes(job.signature)))
        })
        .collect();
    sm2(&mut group);

    group.throughput(Throughput::Elements(1));
    group.bench_function("dalek verify_strict", |bencher| {
        let mut jobs = strict.iter().cycle();
        bencher.iter(|| {
            jobs.next().is_some_and(|(key, message, signature)| key.verify_strict(message, signature).is_ok())
        });
    });
}

/// The same of SM2: with the key's table, and as the library verifies.
fn sm2(group: &mut BenchmarkGroup<'_, WallTime>) {
    let secret = Secret::new(Scheme::Sm2, &[0x11; 32]).expect("a private key");
    let key = PreparedKey::new(secret.public()).expect("a good key");
    let signed: Vec<([u8; 130], [u8; 64])> = (0..BATCH)
        .map(|at| {
            let mut message = [0; 130];
            message[..8].copy_from_slice(&at.to_le_bytes());
            (message, secret.sign(&[&message]))
        })
        .collect();
    let job = |(message, signature)| Job { key: &key, message: [message, &[], &[], &[]], signature };
    let jobs: Vec<Job<'_>> = signed.iter().map(|(message, signature)| job((message, signature))).collect();
    for batch in [1, 32] {
        let mut genuine = [false; BATCH];
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::new("sm2", batch), |bencher| {
            bencher.iter(|| backend().verify(black_box(&jobs[..batch]), &mut genuine[..batch]));
        });
        assert!(genuine[..batch].iter().all(|&genuine| genuine), "every signature is genuine");
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("sm2 library", |bencher| {
        let mut signed = signed.iter().cycle();
        bencher.iter(|| {
            signed
                .next()
                .is_some_and(|(message, signature)| secret.public().verify_once(&[message], signature))
        });
    });
}

criterion_group!(benches, signature);
criterion_main!(benches);
