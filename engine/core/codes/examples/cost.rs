//! What each step of a check costs in this crate: `cargo run --release -p hufu-codes --example cost`.
//!
//! Nanoseconds of one operation in a warm cache, the best of many short runs, so that other work on the
//! machine disturbs it least. Signatures have their own benchmark.

use std::hint::black_box;
use std::time::Instant;

use hufu_codes::issue::{IssuerSigner, OperatorSigner, Secret, code_text};
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_codes::presentation::{Salt, StepIndex, StepTree, present, present_all, verify};
use hufu_codes::seen::SeenCache;
use hufu_codes::{Credential, Detail, code, text};
use hufu_signature::Scheme;
use hufu_wire::{HolderIndex, IssuerId, Reason, UnixSeconds, limits};
use sha2::Digest as _;

const RUNS: usize = 200;
const NOW: UnixSeconds = UnixSeconds(1_790_000_000);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let issuer = IssuerSigner::from_seed(&[0x11; 32], IssuerId(110_000));
    let operator = OperatorSigner::from_seed(&[0x22; 32]);
    let listed = issuer.listed(Uses::CODES, NOW, NOW, UnixSeconds(u32::MAX));
    let list = TrustList::sign(1, NOW, &[listed], &operator);
    let list = TrustList::open(&list, &hufu_signature::PreparedKey::new(operator.public())?)?;
    let keyring = Keyring::empty().update(&list, NOW)?;

    let (holder, generation, origin) = (HolderIndex(1_234_567_890), 7, NOW.step());
    let salt = Salt::of(issuer.key(), holder, generation, origin, NOW);
    let tree = StepTree::new(&[0x33; 32], &salt);
    let root = tree.root();
    let credential = Credential {
        key: issuer.key(),
        issued: NOW,
        expires: UnixSeconds(NOW.0 + limits::PHONE_VALIDITY_S_MAX),
        holder,
        generation,
        display: "张*1234",
        detail: Detail::Phone { root, origin },
    };
    let signed = issuer.sign_credential(&credential)?;
    // One step of each place in a chain, so that the mean is the mean of a day.
    let steps: Vec<StepIndex> = (0..16).filter_map(|at| StepIndex::new(256 * at + at)).collect();
    let texts: Vec<String> =
        steps.iter().map(|step| code_text(&signed, Some(&tree.present(*step)))).collect();
    let mut out = [0; limits::CODE_BINARY_BYTES_MAX];
    let binaries = texts.iter().map(|text| text::decode(text.as_bytes(), &mut out).map(<[u8]>::to_vec));
    let binaries: Vec<Vec<u8>> = binaries.collect::<Result<_, _>>().map_err(Reason::slug)?;
    let codes = binaries.iter().map(|binary| code::parse(binary)).collect::<Result<Vec<_>, _>>();
    let codes = codes.map_err(Reason::slug)?;

    let seen = SeenCache::new(1 << 16, [1; 16]);
    let admit = || keyring.admit(black_box(codes[0].credential), NOW);
    let Err(unseen) = seen.recall(admit().map_err(Reason::slug)?) else {
        return Err("seen too early".into());
    };
    let mut answers = [Err(Reason::Busy)];
    seen.verify(hufu_signature::backend(), &[unseen], &mut answers);
    let verified = answers[0].map_err(Reason::slug)?;

    let mut message = [7_u8; 51];
    measure("SHA-256 of 51 bytes, sha2", 1000, |_| {
        let digest = sha2::Sha256::digest(message);
        message[..32].copy_from_slice(&digest);
    });
    measure("SHA-256 of 51 bytes, aws-lc-rs", 1000, |_| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &message);
        message[..32].copy_from_slice(digest.as_ref());
    });
    measure("text::decode, 445 characters", 160, |at| {
        _ = black_box(text::decode(black_box(texts[at % 16].as_bytes()), &mut out));
    });
    measure("code::parse", 160, |at| _ = black_box(code::parse(black_box(&binaries[at % 16]))));
    measure("Keyring::admit", 1000, |_| _ = black_box(admit()));
    measure("Keyring::admit, SeenCache::recall", 1000, |_| {
        _ = black_box(admit().map(|admitted| seen.recall(admitted).is_ok()));
    });
    let shown: Vec<_> = codes.iter().filter_map(|code| code.presentation).collect();
    measure("presentation::verify, 16.5 blocks", 160, |at| {
        _ = black_box(verify(&root, &salt, black_box(&shown[at % 16])));
    });
    measure("presentation::present, 17.5 blocks", 160, |at| {
        _ = black_box(present(&verified, black_box(Some(&shown[at % 16]))));
    });
    let batch: Vec<_> = (0..32).map(|at| shown[at % 16]).collect();
    let mut answers = [Err(Reason::Busy); 32];
    measure("presentation::present_all, 32 of them, each", 5 * 32, |at| {
        if at % 32 == 0 {
            present_all(batch.iter().map(|shown| (&verified, Some(black_box(shown)))), &mut answers);
        }
    });
    for scheme in Scheme::ALL {
        let secret = Secret::new(scheme, &[0x44; 32])?;
        measure(&format!("Secret::sign, {scheme}"), 4, |_| {
            _ = black_box(secret.sign(&[black_box(&message)]));
        });
    }
    measure("StepTree::new, 4607 blocks", 1, |_| _ = black_box(StepTree::new(&[0x33; 32], &salt)));
    Ok(())
}

fn measure(what: &str, repeats: usize, mut work: impl FnMut(usize)) {
    let best_ns = (0..RUNS).map(|_| {
        let start = Instant::now();
        (0..repeats).for_each(&mut work);
        start.elapsed().as_nanos() / repeats as u128
    });
    println!("{what:40} {:>8} ns", best_ns.min().unwrap_or(0));
}
