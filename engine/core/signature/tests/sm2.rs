//! SM2: the standard's samples, the answers of the library and of a second one on good and hostile signatures, and
//! batches of both schemes (R45).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use ed25519_dalek::Signer as _;
use gmcrypto_core::asn1::encode_sig;
use gmcrypto_core::sm2::{DEFAULT_SIGNER_ID, Sm2PrivateKey, Sm2PublicKey, sign_raw_with_id, verify_with_id};
use hufu_signature::sm2::{DISTINGUISHING_ID, Key, digest};
use hufu_signature::{BATCH_MAX, Job, KeyFault, PreparedKey, PublicKey, Scheme, backend, backends};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha12Rng;
use sm2::dsa::signature::{MultipartSigner as _, Verifier as _};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::elliptic_curve::sec1::ToSec1Point as _;
use sm3::Digest as _;

/// n, the group's order.
const ORDER: &str = "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123";

/// A key that signs for tests.
struct Pair {
    signing: SigningKey,
    public: [u8; 65],
}

impl Pair {
    fn new(private: &[u8; 32]) -> Pair {
        let signing = SigningKey::from_slice(DISTINGUISHING_ID, private).unwrap();
        let point = signing.verifying_key().to_sec1_point(false);
        Pair { public: point.as_bytes().try_into().unwrap(), signing }
    }

    fn prepared(&self) -> PreparedKey {
        PreparedKey::new(&PublicKey::Sm2(self.public)).unwrap()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.multipart_sign(&[message]).to_bytes().into()
    }
}

fn pair(seed: u8) -> Pair {
    Pair::new(&[seed; 32])
}

fn ours(key: &PreparedKey, message: &[u8], signature: &[u8; 64]) -> bool {
    let (head, tail) = message.split_at(message.len() / 2);
    let job = Job { key, message: [head, &[], tail, &[]], signature };
    let mut genuine = [false];
    backend().verify(&[job], &mut genuine);
    // The slow way is asked too.
    assert_eq!(key.public().verify_once(&[head, tail], signature), genuine[0], "{signature:02x?}");
    genuine[0]
}

fn library(public: &[u8; 65], message: &[u8], signature: &[u8; 64]) -> bool {
    let key = VerifyingKey::from_sec1_bytes(DISTINGUISHING_ID, public).unwrap();
    Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

fn second(public: &[u8; 65], message: &[u8], signature: &[u8; 64]) -> bool {
    let key = Sm2PublicKey::from_sec1_bytes(public).unwrap();
    let (halves, _) = signature.as_chunks();
    verify_with_id(&key, DEFAULT_SIGNER_ID, message, &encode_sig(&halves[0], &halves[1]))
}

fn number(bytes: &[u8]) -> sm2::U256 {
    sm2::U256::from_be_slice(bytes)
}

/// The one answer of all three.
fn agreed(key: &PreparedKey, message: &[u8], signature: &[u8; 64]) -> bool {
    let PublicKey::Sm2(public) = key.public() else { panic!("a key of SM2") };
    let answer = ours(key, message, signature);
    assert_eq!(answer, library(&public, message, signature), "the library: {signature:02x?}");
    assert_eq!(answer, second(&public, message, signature), "the second opinion: {signature:02x?}");
    answer
}

fn bytes<const N: usize>(digits: &str) -> [u8; N] {
    hex::decode(digits.replace(' ', "")).unwrap().try_into().unwrap()
}

/// GB/T 32918.5-2017, annex A.2, and GB/T 32905-2016, annex A.1.
#[test]
fn r45_the_standards_samples_come_out() {
    let private = bytes("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8");
    let public = bytes(
        "04 09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020 \
            CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13",
    );
    let signature = bytes(
        "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3 \
         B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA",
    );
    assert_eq!(Pair::new(&private).public, public);
    let message: &[u8] = b"message digest";
    let e = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640";
    assert_eq!(digest(&public, &[&message[..3], &message[3..]]).map(hex::encode).as_deref(), Some(e));
    let key = PreparedKey::new(&PublicKey::Sm2(public)).unwrap();
    assert!(agreed(&key, message, &signature));
    assert!(!agreed(&key, b"message digesT", &signature));

    let abc = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
    assert_eq!(hex::encode(sm3::Sm3::digest(b"abc")), abc);
    assert_eq!(hex::encode(gmcrypto_core::sm3::hash(b"abc")), abc);
}

#[test]
fn r45_what_breaks_a_rule_of_signatures_is_refused() {
    let (signer, message) = (pair(7), b"a message");
    let (key, good) = (signer.prepared(), signer.sign(message));
    assert!(agreed(&key, message, &good));
    let n: [u8; 32] = bytes(ORDER);
    let (r, s): ([u8; 32], [u8; 32]) = (good[..32].try_into().unwrap(), good[32..].try_into().unwrap());
    let [zero, one, most] = [[0; 32], small(1), minus(&n, &small(1))];
    let (plus_n, over) = (|half: &[u8; 32]| minus(half, &minus(&[0; 32], &n)), [0xff; 32]);
    for (case, r, s) in [
        ("r of zero", zero, s),
        ("s of zero", r, zero),
        ("both zero", zero, zero),
        ("r of n", n, s),
        ("s of n", r, n),
        ("r above n", over, s),
        ("s above n", r, over),
        ("r + s = n", r, minus(&n, &r)),
        ("r + s = n at the ends", one, most),
        ("the other ends", most, one),
        ("swapped", s, r),
        ("s negated, which ECDSA takes", r, minus(&n, &s)),
        ("r negated", minus(&n, &r), s),
        ("r + n, cut to 32 bytes", plus_n(&r), s),
        ("s + n, cut to 32 bytes", r, plus_n(&s)),
        ("r and s of one", one, one),
        ("r and s of n - 1", most, most),
    ] {
        let signature: [u8; 64] = [r, s].concat().try_into().unwrap();
        assert!(!agreed(&key, message, &signature), "{case}");
    }
    for bit in 0..512 {
        let mut flipped = good;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!ours(&key, message, &flipped), "bit {bit}");
    }
    // Signed under another distinguishing id, by another key, or as another scheme's.
    for id in ["", "ALICE123@YAHOO.COM", "12345678123456781", "123456781234567"] {
        let other = SigningKey::from_slice(id, &[7; 32]).unwrap();
        let signature: [u8; 64] = other.multipart_sign(&[message]).to_bytes().into();
        assert!(!agreed(&key, message, &signature), "id {id:?}");
    }
    assert!(!agreed(&pair(8).prepared(), message, &good));
}

#[test]
fn r45_a_key_has_one_encoding_and_lies_on_the_curve() {
    let good = pair(7).public;
    let refused = |public: &[u8; 65], fault| {
        assert_eq!(Key::new(public).err(), Some(fault), "{public:02x?}");
        assert!(!PublicKey::Sm2(*public).verify_once(&[b"m"], &pair(7).sign(b"m")));
        assert_eq!(digest(public, &[b"m"]), None);
    };
    for tag in (0..=u8::MAX).filter(|tag| *tag != 4) {
        let mut public = good;
        public[0] = tag;
        refused(&public, KeyFault::NotCanonical);
    }
    let mut infinity = [0; 65];
    refused(&infinity, KeyFault::NotCanonical);
    infinity[0] = 4;
    refused(&infinity, KeyFault::NotAPoint);
    for bit in 8..520 {
        let mut public = good;
        public[bit / 8] ^= 1 << (bit % 8);
        refused(&public, KeyFault::NotAPoint);
    }
    // A point with small x (x = 2 is one) has no second encoding with x + p.
    let p: [u8; 32] = bytes("fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff");
    let mut over = good;
    over[1..33].copy_from_slice(&p);
    refused(&over, KeyFault::NotAPoint);
    // Coordinates are padded: what is shorter, compressed or DER has another length.
    for bytes in [0, 1, 32, 33, 64, 66, 91] {
        let fault = KeyFault::Length { scheme: Scheme::Sm2, bytes };
        assert_eq!(PublicKey::new(Scheme::Sm2, &vec![4; bytes]), Err(fault));
    }
    assert_eq!(format!("{:?}", Key::new(&good).unwrap()), format!("Key({})", hex::encode(good)));
}

#[test]
fn r45_batches_of_both_schemes_get_their_own_answers() {
    let edwards = ed25519_dalek::SigningKey::from_bytes(&[5; 32]);
    let of_edwards = PreparedKey::new(&PublicKey::Ed25519(edwards.verifying_key().to_bytes())).unwrap();
    let (sm2, of_sm2) = (pair(9), pair(9).prepared());
    // Genuine and not, and each under the key of the other scheme.
    let questions: Vec<(&PreparedKey, [u8; 1], [u8; 64], bool)> = (0..67_u8)
        .map(|n| {
            let by_sm2 = (n / 2) % 3 == 1 || n % 7 == 0;
            let signature = if by_sm2 { sm2.sign(&[n]) } else { edwards.sign(&[n]).to_bytes() };
            let (fits, is_of_sm2) = (n % 5 != 0, by_sm2 != (n % 11 == 0));
            let message = if fits { [n] } else { [n + 1] };
            (if is_of_sm2 { &of_sm2 } else { &of_edwards }, message, signature, fits && is_of_sm2 == by_sm2)
        })
        .collect();
    assert!((20..50).contains(&questions.iter().filter(|question| question.3).count()));
    for backend in backends() {
        for batch in [1, 2, 3, 5, 8, 16, 17, BATCH_MAX, questions.len()] {
            for questions in questions.chunks(batch) {
                let job = |(key, message, signature, _): &'_ (_, [u8; 1], [u8; 64], bool)| {
                    (*key, *message, *signature)
                };
                let parts: Vec<_> = questions.iter().map(job).collect();
                let jobs: Vec<Job<'_>> = parts
                    .iter()
                    .map(|(key, message, signature)| Job {
                        key,
                        message: [message, &[], &[], &[]],
                        signature,
                    })
                    .collect();
                let expected: Vec<bool> = questions.iter().map(|question| question.3).collect();
                let mut genuine: Vec<bool> = expected.iter().map(|expected| !expected).collect();
                backend.verify(&jobs, &mut genuine);
                assert_eq!(genuine, expected, "{} in batches of {batch}", backend.name());
            }
        }
    }
}

/// The number of this size.
fn small(size: u8) -> [u8; 32] {
    let mut number = [0; 32];
    number[31] = size;
    number
}

/// The difference modulo 2^256.
fn minus(from: &[u8; 32], take: &[u8; 32]) -> [u8; 32] {
    number(from).wrapping_sub(&number(take)).to_be_bytes().into()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Signed by the library and by the second one, then changed in one place or not.
    #[test]
    fn r45_three_implementations_agree(
        private in 1_u8..=0xfe,
        message: Vec<u8>,
        by_second: bool,
        change in proptest::option::of(0_usize..64),
        value: u8,
    ) {
        let pair = pair(private);
        let mut signature = if by_second {
            let key = Sm2PrivateKey::from_bytes_be(&[private; 32]).unwrap();
            let (r, s) = sign_raw_with_id(&key, DEFAULT_SIGNER_ID, &message, &mut ChaCha12Rng::from_seed([value; 32])).unwrap();
            [r, s].map(|number| <[u8; 32]>::from(number.to_be_bytes())).concat().try_into().unwrap()
        } else {
            pair.sign(&message)
        };
        let before = signature;
        if let Some(place) = change {
            signature[place] = value;
        }
        prop_assert_eq!(agreed(&pair.prepared(), &message, &signature), signature == before);
    }

    /// Bytes without a meaning.
    #[test]
    fn r45_random_signatures_are_refused_by_all(message: Vec<u8>, signature: [[u8; 32]; 2]) {
        prop_assert!(!agreed(&pair(3).prepared(), &message, &signature.concat().try_into().unwrap()));
    }
}
