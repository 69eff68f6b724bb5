//! Every back end gives the answer of `verify_strict`, on signatures made to tell implementations apart, and
//! gives each job the same answer alone and in any batch (R01).

mod forge;

use std::io::Write;

use ed25519_dalek::{Signature, VerifyingKey};
use forge::{Case, KINDS, Kind};
use hufu_signature::{BATCH_MAX, Backend, Job, KeyFault, PreparedKey, PublicKey, backend, backends};
use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// A case with the key prepared and the oracle's answer.
struct Question {
    case: Case,
    key: PreparedKey,
    expected: bool,
}

impl Question {
    /// `None` for keys that are refused at registration.
    fn new(case: Case) -> Option<Question> {
        let key = PreparedKey::new(&PublicKey::Ed25519(case.public)).ok()?;
        Some(Question::under(key, case))
    }

    fn under(key: PreparedKey, case: Case) -> Question {
        let expected = strict(&case);
        Question { case, key, expected }
    }

    fn job(&self) -> Job<'_> {
        Job { key: &self.key, message: self.case.parts(), signature: &self.case.signature }
    }
}

/// The oracle.
fn strict(case: &Case) -> bool {
    let signature = Signature::from_bytes(&case.signature);
    VerifyingKey::from_bytes(&case.public)
        .is_ok_and(|key| key.verify_strict(&case.message, &signature).is_ok())
}

fn answers(backend: &dyn Backend, questions: &[Question]) -> Vec<bool> {
    let jobs: Vec<Job<'_>> = questions.iter().map(Question::job).collect();
    // Starting from the opposite shows that every answer is written.
    let mut genuine: Vec<bool> = questions.iter().map(|question| !question.expected).collect();
    backend.verify(&jobs, &mut genuine);
    genuine
}

/// All questions in batches of several sizes and orders, on every back end.
fn check(questions: &mut [Question], rng: &mut ChaCha12Rng) {
    for batch in [1, 2, 3, 4, 5, 8, 9, 13, BATCH_MAX, questions.len()] {
        questions.shuffle(rng);
        for backend in backends() {
            for questions in questions.chunks(batch) {
                for (question, genuine) in questions.iter().zip(answers(backend, questions)) {
                    let Question { case, expected, .. } = question;
                    assert_eq!(genuine, *expected, "{} in a batch of {batch}: {case:?}", backend.name());
                }
            }
        }
    }
}

fn questions(kinds: &[Kind], count: usize, rng: &mut ChaCha12Rng) -> Vec<Question> {
    (0..count).filter_map(|i| Question::new(kinds[i % kinds.len()](rng))).collect()
}

#[test]
fn every_kind_of_forgery_gets_the_strict_answer() {
    for (name, kind) in KINDS {
        println!("{name}");
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        let mut questions = questions(&[kind], 24, &mut rng);
        check(&mut questions, &mut rng);
    }
}

/// The corpus would prove nothing if the oracle refused everything that is odd, or accepted it.
#[test]
fn the_oracle_accepts_and_refuses_as_the_corpus_intends() {
    let mut rng = ChaCha12Rng::seed_from_u64(2);
    for (name, kind) in KINDS {
        let cases: Vec<Case> = (0..64).map(|_| kind(&mut rng)).collect();
        let strict = cases.iter().filter(|case| strict(case)).count();
        let lenient = cases.iter().filter(|case| case.is_accepted_leniently()).count();
        let (strict_wanted, lenient_wanted) = match name {
            "valid" | "mixed-order key" | "mixed-order key and R" => (64, 64),
            "small-order R, equation holds" => (0, 64),
            _ => (0, 0),
        };
        assert_eq!((strict, lenient), (strict_wanted, lenient_wanted), "{name}");
    }
}

#[test]
fn a_flip_of_any_bit_of_the_signature_is_refused() {
    let mut rng = ChaCha12Rng::seed_from_u64(3);
    let case = forge::valid(&mut rng);
    let key = PreparedKey::new(&PublicKey::Ed25519(case.public)).unwrap();
    let flipped = (0..512).map(|bit| {
        let mut case = case.clone();
        case.signature[bit / 8] ^= 1 << (bit % 8);
        Question::under(key.clone(), case)
    });
    let mut questions: Vec<Question> = flipped.chain([Question::under(key.clone(), case.clone())]).collect();
    assert_eq!(questions.iter().filter(|question| question.expected).count(), 1);
    check(&mut questions, &mut rng);
}

#[test]
fn keys_are_refused_only_where_no_issuer_could_want_them() {
    let mut rng = ChaCha12Rng::seed_from_u64(4);
    for _ in 0..16 {
        let mut public: [u8; 32] = rng.random();
        let oracle = VerifyingKey::from_bytes(&public);
        assert_eq!(
            PreparedKey::new(&PublicKey::Ed25519(public)).err(),
            oracle.is_err().then_some(KeyFault::NotAPoint)
        );
        // Small order: `verify_strict` refuses every signature of such a key, so refusing the key changes nothing.
        public = forge::small_order_point(&mut rng).compress().to_bytes();
        assert_eq!(PreparedKey::new(&PublicKey::Ed25519(public)).err(), Some(KeyFault::SmallOrder));
    }
}

/// A log says what was tested: `.ci/nextest.toml` shows this line, and `cargo test` does not capture it.
#[test]
fn the_back_ends_under_test_are_named() {
    let names: Vec<&str> = backends().map(Backend::name).collect();
    writeln!(std::io::stderr(), "Ed25519 back ends tested: {}", names.join(", ")).expect("standard error");
    assert!(names.contains(&backend().name()));
}

#[test]
fn no_job_is_no_work() {
    for backend in backends() {
        backend.verify(&[], &mut []);
    }
}

#[test]
fn the_best_back_end_is_the_first_of_those_available() {
    assert_eq!(Some(backend().name()), backends().next().map(Backend::name));
    assert_eq!(backends().filter(|each| each.name() == "comb").count(), 1, "the portable one is everywhere");
}

#[test]
#[should_panic(expected = "one answer for each job")]
fn answers_must_be_as_many_as_jobs() {
    backend().verify(&[], &mut [false]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Good and bad, of several keys, in any order and batch.
    #[test]
    fn batches_of_everything_get_the_strict_answers(seed: u64) {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let kinds: Vec<Kind> = KINDS.iter().map(|&(_, kind)| kind).collect();
        let mut questions = questions(&kinds, 2 * kinds.len(), &mut rng);
        check(&mut questions, &mut rng);
    }

    /// Bytes that nobody aimed: S is reduced often enough to reach the arithmetic.
    #[test]
    fn random_signatures_get_the_strict_answer(seed: u64, mut signature: [[u8; 32]; 2]) {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        signature[1][31] &= 0x1f;
        let case = Case { signature: signature.concat().try_into().unwrap(), ..forge::valid(&mut rng) };
        check(&mut [Question::new(case).unwrap()], &mut rng);
    }
}
