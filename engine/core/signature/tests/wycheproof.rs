//! The whole Wycheproof Ed25519 set through every back end (R01).

use ed25519_dalek::{Signature, VerifyingKey};
use hufu_signature::{Job, PreparedKey, PublicKey, backends};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

#[test]
fn every_vector_gets_its_answer_from_every_back_end() {
    let set = TestSet::load(TestName::Ed25519).expect("the crate carries the vectors");
    let mut seen = 0;
    for group in &set.test_groups {
        let public: [u8; 32] = group.key.pk.as_ref().try_into().expect("32-byte keys");
        let oracle = VerifyingKey::from_bytes(&public).expect("every key is a point");
        let key =
            PreparedKey::new(&PublicKey::Ed25519(public)).expect("every key is one an issuer could have");
        for test in &group.tests {
            seen += 1;
            // A signature of another length is refused before it can become a job.
            let Ok(signature) = <&[u8; 64]>::try_from(test.sig.as_ref()) else {
                assert_eq!(test.result, TestResult::Invalid, "{test:?}");
                continue;
            };
            let strict = oracle.verify_strict(&test.msg, &Signature::from_bytes(signature)).is_ok();
            assert_eq!(strict, test.result == TestResult::Valid, "the oracle itself: {test:?}");
            let (head, tail) = test.msg.split_at(test.msg.len() / 2);
            let job = Job { key: &key, message: [head, &[], tail, &[]], signature };
            for backend in backends() {
                for batch in 1..=9 {
                    let mut genuine = vec![!strict; batch];
                    backend.verify(&vec![job; batch], &mut genuine);
                    assert_eq!(genuine, vec![strict; batch], "{} x {batch}: {test:?}", backend.name());
                }
            }
        }
    }
    assert_eq!(seen, set.number_of_tests, "no vector is left out");
}
