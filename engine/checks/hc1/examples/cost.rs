//! What a certificate costs: `cargo run --release -p hufu-hc1 --example cost`.
//!
//! Microseconds of one operation in a warm cache, the least of many short runs that take turns, so that other work on the
//! machine disturbs them least and alike.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]
#![allow(clippy::cast_precision_loss, reason = "sixteen")]

#[path = "../tests/made/mod.rs"]
mod made;

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PSS_2048_8192_SHA256, VerificationAlgorithm,
};
use hufu_check::Foreign as _;
use hufu_codes::issue::{IssuerSigner, OperatorSigner, code_text};
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_codes::seen::SeenCache;
use hufu_codes::{Credential, Detail, code};
use hufu_hc1::Verifier;
use hufu_hc1::revoked::{Digested, Group};
use hufu_wire::{HolderIndex, IssuerId, Reason, UnixSeconds, limits};
use made::{NOW, Said, Signer};

const ROUNDS: usize = 400;
const CERTIFICATES: usize = 16;

fn main() {
    let (curve, rsa) = (Signer::es256("DE", [1; 8]), Signer::ps256("DE", [2; 8]));
    for (name, signer, algorithm) in [
        ("ES256", &curve, &ECDSA_P256_SHA256_FIXED as &'static dyn VerificationAlgorithm),
        ("PS256", &rsa, &RSA_PSS_2048_8192_SHA256),
    ] {
        let payload = Said::vaccination().payload();
        let protected = made::header(Some(signer.listed.algorithm.cose()), Some(signer.listed.key_id));
        let message = made::to_sign(&protected, &payload);
        let signatures: Vec<_> = (0..CERTIFICATES).map(|_| signer.signature(&message)).collect();
        let texts: Vec<_> = signatures
            .iter()
            .map(|signature| made::text(&made::message(&protected, &[0xa0], &payload, signature)))
            .collect();
        let key = ParsedPublicKey::new(algorithm, &signer.listed.public).unwrap();
        let revoked = || {
            let digests = (0..=u8::MAX).map(|byte| [byte; 16]).collect();
            made::revoked(vec![Group { key_id: None, of: Digested::Signature, digests }])
        };
        let again = Verifier::new(made::opened(&[&curve, &rsa]), Some(revoked()), 1024).unwrap();
        let mut least = [f64::MAX; 3];
        for _ in 0..ROUNDS {
            let first = Verifier::new(made_once(&curve, &rsa), Some(revoked()), 1024).unwrap();
            let runs: [&dyn Fn(usize); 3] = [
                &|at| key.verify_sig(black_box(&message), &signatures[at]).unwrap(),
                &|at| _ = black_box(first.verify(NOW, black_box(texts[at].as_bytes())).unwrap()),
                &|at| _ = black_box(again.verify(NOW, black_box(texts[at].as_bytes())).unwrap()),
            ];
            for (least, run) in least.iter_mut().zip(runs) {
                let begun = Instant::now();
                (0..CERTIFICATES).for_each(run);
                *least = least.min(begun.elapsed().as_secs_f64() * 1e6 / CERTIFICATES as f64);
            }
        }
        let [bare, first, again] = least;
        println!("{name}, a text of {} characters", texts[0].len());
        println!("  one signature by the library     {bare:7.2} µs");
        println!("  certificate, first seen          {first:7.2} µs, {:.2} times that", first / bare);
        println!("  certificate, seen again          {again:7.3} µs");
    }
    println!("a paper code of ours, seen again   {:7.3} µs", paper());
}

/// The lists are opened again so that nothing is remembered; the operator's key is made ready only once.
fn made_once(curve: &Signer, rsa: &Signer) -> hufu_hc1::signers::Signers {
    use std::sync::OnceLock;
    static KEY: OnceLock<hufu_signature::PreparedKey> = OnceLock::new();
    static LIST: OnceLock<Vec<u8>> = OnceLock::new();
    let list = LIST.get_or_init(|| made::signers(1, &[curve, rsa]));
    hufu_hc1::signers::Signers::open(list, KEY.get_or_init(made::operator_key)).unwrap()
}

/// The same steps for a paper code of ours: text, structure, key, memory.
fn paper() -> f64 {
    let issuer = IssuerSigner::from_seed(&[0x11; 32], IssuerId(110_000));
    let operator = OperatorSigner::from_seed(&[0x22; 32]);
    let listed = issuer.listed(Uses::CODES, NOW, NOW, UnixSeconds(u32::MAX));
    let list = TrustList::sign(1, NOW, &[listed], &operator);
    let list = TrustList::open(&list, &hufu_signature::PreparedKey::new(operator.public()).unwrap()).unwrap();
    let keyring = Keyring::empty().update(&list, NOW).unwrap();
    let credential = Credential {
        key: issuer.key(),
        issued: NOW,
        expires: UnixSeconds(NOW.0 + limits::PAPER_VALIDITY_S_MAX),
        holder: HolderIndex(1_234_567_890),
        generation: 7,
        display: "张*1234",
        detail: Detail::Paper,
    };
    let text = code_text(&issuer.sign_credential(&credential).unwrap(), None);
    let seen = SeenCache::new(1 << 10, [1; 16]);
    let mut least = f64::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..CERTIFICATES {
            let mut room = [0; limits::CODE_BINARY_BYTES_MAX];
            let code = code::parse_text(black_box(text.as_bytes()), &mut room).unwrap();
            if let Err(unseen) = seen.recall(keyring.admit(code.credential, NOW).unwrap()) {
                let mut answers = [Err(Reason::Busy)];
                seen.verify(hufu_signature::backend(), &[unseen], &mut answers);
                answers[0].unwrap();
            }
        }
        least = least.min(begun.elapsed().as_secs_f64() * 1e6 / CERTIFICATES as f64);
    }
    least
}
