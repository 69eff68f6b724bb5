//! What one signature costs, every way there is, in one run:
//! `cargo run --release -p hufu-signature --example signature_cost`.
//!
//! Prints CPU microseconds a signature, medians over rounds in which all ways take turns, so that a busy or
//! throttled machine disturbs them alike.

use std::hint::black_box;

use ::sm2::dsa;
use ::sm2::dsa::signature::{MultipartSigner as _, MultipartVerifier as _};
use ::sm2::elliptic_curve::sec1::ToSec1Point as _;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey, verify_batch};
use hufu_signature::{BATCH_MAX, Job, PreparedKey, PublicKey, Scheme, backend, backends, ed25519, sm2};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use rustix::time::{ClockId, clock_gettime};

/// Bytes that a phone code's signature covers.
const MESSAGE_BYTES: usize = 130;
/// Different signatures, so that tables are looked up all over.
const SIGNATURES: usize = 512;
const ROUNDS: usize = 15;
const KEYS_PREPARED: u8 = 64;

struct Signed {
    key: usize,
    message: [u8; MESSAGE_BYTES],
    signature: [u8; 64],
}

/// One way to verify all signatures.
struct Way<'a> {
    name: String,
    verify_all: Box<dyn FnMut() + 'a>,
    costs_us: Vec<f64>,
}

fn main() {
    println!("CPU: {}", features().join(" "));
    let before_us = cpu_us();
    for seed in 0..KEYS_PREPARED {
        let public = SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes();
        black_box(PreparedKey::new(&PublicKey::Ed25519(public)).expect("an honest key"));
    }
    let key_ms = (cpu_us() - before_us) / 1e3 / f64::from(KEYS_PREPARED);
    println!(
        "Preparing a key: {key_ms:.1} ms, {} KiB and once {} KiB",
        ed25519::Key::TABLE_BYTES / 1024,
        ed25519::Key::BASE_TABLE_BYTES / 1024
    );
    for keys in [1, 8, 64] {
        println!("\n{keys} issuer key(s), {MESSAGE_BYTES}-byte messages, CPU µs a signature");
        compare(keys);
    }
    println!("\nSM2, preparing a key: {:.1} ms, {} KiB", sm2_key_ms(), sm2::Key::TABLE_BYTES / 1024);
    for keys in [1, 8, 64] {
        println!("\nSM2, {keys} issuer key(s), {MESSAGE_BYTES}-byte messages, CPU µs a signature");
        compare_sm2(keys);
    }
}

/// CPU milliseconds that preparing a key takes.
fn sm2_key_ms() -> f64 {
    let keys: Vec<SmKey> = (1..=16).map(sm2_key).collect();
    let before_us = cpu_us();
    for (_, public) in &keys {
        black_box(PreparedKey::new(public).expect("an honest key"));
    }
    (cpu_us() - before_us) / 1e3 / 16.0
}

type SmKey = (dsa::SigningKey, PublicKey);

fn sm2_key(seed: u8) -> SmKey {
    let key = dsa::SigningKey::from_slice(sm2::DISTINGUISHING_ID, &[seed; 32]).expect("a private key");
    let public = key.verifying_key().to_sec1_point(false);
    let public = PublicKey::new(Scheme::Sm2, public.as_bytes()).expect("65 bytes");
    (key, public)
}

fn compare_sm2(keys: u8) {
    let keys: Vec<SmKey> = (1..=keys).map(sm2_key).collect();
    let prepared: Vec<PreparedKey> =
        keys.iter().map(|(_, public)| PreparedKey::new(public).expect("an honest key")).collect();
    let signed: Vec<Signed> = (0..SIGNATURES)
        .map(|i| {
            let mut message = [0; MESSAGE_BYTES];
            message[..8].copy_from_slice(&i.to_le_bytes());
            let signature = keys[i % keys.len()].0.multipart_sign(&[&message]).to_bytes().into();
            Signed { key: i % keys.len(), message, signature }
        })
        .collect();
    let jobs: Vec<Job<'_>> = signed
        .iter()
        .map(|Signed { key, message, signature }| Job {
            key: &prepared[*key],
            message: [message, &[], &[], &[]],
            signature,
        })
        .collect();
    let mut ways = vec![
        Way::new("the library, key read before", || {
            for Signed { key, message, signature } in &signed {
                let signature = dsa::Signature::from_slice(signature).expect("64 bytes");
                assert!(keys[*key].0.verifying_key().multipart_verify(&[message], &signature).is_ok());
            }
        }),
        Way::new("the library, signing", || {
            for Signed { key, message, .. } in &signed {
                black_box(keys[*key].0.multipart_sign(&[message]));
            }
        }),
    ];
    for batch in [1, BATCH_MAX] {
        let jobs = &jobs;
        ways.push(Way::new(&format!("table of the key in batches of {batch}"), move || {
            let mut genuine = [false; BATCH_MAX];
            for jobs in jobs.chunks_exact(batch) {
                backend().verify(black_box(jobs), &mut genuine[..batch]);
                assert!(genuine[..batch].iter().all(|&genuine| genuine));
            }
        }));
    }
    show(&mut ways);
}

fn compare(keys: usize) {
    let mut rng = ChaCha12Rng::seed_from_u64(7);
    let signing: Vec<SigningKey> = (0..keys)
        .map(|_| {
            let mut seed = [0; 32];
            rng.fill_bytes(&mut seed);
            SigningKey::from_bytes(&seed)
        })
        .collect();
    let signed: Vec<Signed> = (0..SIGNATURES)
        .map(|i| {
            let mut message = [0; MESSAGE_BYTES];
            rng.fill_bytes(&mut message);
            Signed { key: i % keys, message, signature: signing[i % keys].sign(&message).to_bytes() }
        })
        .collect();
    let dalek: Vec<VerifyingKey> = signing.iter().map(SigningKey::verifying_key).collect();
    let prepared: Vec<PreparedKey> = dalek
        .iter()
        .map(|key| PreparedKey::new(&PublicKey::Ed25519(key.to_bytes())).expect("an honest key"))
        .collect();
    let jobs: Vec<Job<'_>> = signed
        .iter()
        .map(|signed| Job {
            key: &prepared[signed.key],
            message: [&signed.message, &[], &[], &[]],
            signature: &signed.signature,
        })
        .collect();

    let mut ways = vec![
        Way::new("dalek verify_strict", || {
            for Signed { key, message, signature } in &signed {
                assert!(dalek[*key].verify_strict(message, &Signature::from_bytes(signature)).is_ok());
            }
        }),
        Way::new("dalek verify_batch of 16 (not strict)", || verify_in_sixteens(&signed, &dalek)),
        Way::new("aws-lc-rs", || {
            for Signed { key, message, signature } in &signed {
                let key = UnparsedPublicKey::new(&ED25519, dalek[*key].as_bytes());
                assert!(key.verify(message, signature).is_ok());
            }
        }),
    ];
    for backend in backends() {
        for batch in [1, 2, 3, 4, 8, 16, BATCH_MAX] {
            let jobs = &jobs;
            ways.push(Way::new(&format!("{} in batches of {batch}", backend.name()), move || {
                let mut genuine = [false; BATCH_MAX];
                for jobs in jobs.chunks_exact(batch) {
                    backend.verify(black_box(jobs), &mut genuine[..batch]);
                    assert!(genuine[..batch].iter().all(|&genuine| genuine));
                }
            }));
        }
    }

    show(&mut ways);
}

/// Runs all ways in turn and prints what each costs, and how often it fits into the first.
fn show(ways: &mut [Way<'_>]) {
    for _ in 0..ROUNDS {
        ways.iter_mut().for_each(Way::run);
    }
    let first = ways[0].median_us();
    for way in ways {
        let cost = way.median_us();
        println!("{:38} {cost:6.2}   {:4.1}x", way.name, first / cost);
    }
}

fn verify_in_sixteens(signed: &[Signed], keys: &[VerifyingKey]) {
    for signed in signed.chunks_exact(16) {
        let messages: Vec<&[u8]> = signed.iter().map(|signed| signed.message.as_slice()).collect();
        let signatures: Vec<Signature> =
            signed.iter().map(|signed| Signature::from_bytes(&signed.signature)).collect();
        let keys: Vec<VerifyingKey> = signed.iter().map(|signed| keys[signed.key]).collect();
        assert!(verify_batch(&messages, &signatures, &keys).is_ok());
    }
}

impl<'a> Way<'a> {
    fn new(name: &str, verify_all: impl FnMut() + 'a) -> Way<'a> {
        Way { name: name.into(), verify_all: Box::new(verify_all), costs_us: Vec::new() }
    }

    fn run(&mut self) {
        let before_us = cpu_us();
        (self.verify_all)();
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let signatures = SIGNATURES as f64;
        self.costs_us.push((cpu_us() - before_us) / signatures);
    }

    fn median_us(&mut self) -> f64 {
        self.costs_us.sort_by(f64::total_cmp);
        self.costs_us[self.costs_us.len() / 2]
    }
}

/// CPU time of this thread, microseconds.
fn cpu_us() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "a run takes seconds")]
    let us = time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3;
    us
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<&'static str> {
    macro_rules! present {
        ($($feature:tt),*) => { [$((std::is_x86_feature_detected!($feature), $feature)),*] };
    }
    let all = present!["avx2", "fma", "bmi2", "adx", "avx512f", "avx512vl", "avx512dq", "avx512ifma"];
    all.into_iter().filter(|(present, _)| *present).map(|(_, feature)| feature).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<&'static str> {
    vec![std::env::consts::ARCH]
}
