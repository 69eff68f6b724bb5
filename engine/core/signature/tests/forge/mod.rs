//! Signatures, genuine and made to tell Ed25519 implementations apart, each from a seeded generator.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as B, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use hufu_signature::MESSAGE_PARTS;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha12Rng;
use sha2::{Digest, Sha512};

/// What a verifier is given.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The encoded key.
    pub public: [u8; 32],
    /// The whole message.
    pub message: Vec<u8>,
    /// Where [`Case::parts`] cuts it.
    pub cuts: [usize; MESSAGE_PARTS - 1],
    /// R and S.
    pub signature: [u8; 64],
}

/// Makes a case of one kind.
pub(crate) type Kind = fn(&mut ChaCha12Rng) -> Case;

/// Every kind by name.
pub(crate) const KINDS: [(&str, Kind); 17] = [
    ("valid", valid),
    ("mixed-order key", |rng| fitting(rng, true, |rng| (scalar(rng), EIGHT_TORSION[0]))),
    ("mixed-order key and R", |rng| fitting(rng, true, |rng| (scalar(rng), torsion_point(rng)))),
    ("mixed-order key and R, unfit", |rng| fitting(rng, false, |rng| (scalar(rng), torsion_point(rng)))),
    ("small-order R, equation holds", |rng| fitting(rng, true, |rng| (Scalar::ZERO, small_order_point(rng)))),
    ("R is zero, of another encoding", |rng| honest(rng, Scalar::ZERO, |rng, _| another_zero(rng))),
    ("small-order R", |rng| other_r(rng, |rng, _| small_order_point(rng).compress().0)),
    ("torsion added to R", |rng| other_r(rng, |rng, r| (r + torsion_point(rng)).compress().0)),
    ("R negated", |rng| other_r(rng, |_, r| (-r).compress().0)),
    ("R of another encoding", |rng| other_r(rng, |rng, _| non_canonical(rng))),
    ("R of no point", |rng| other_r(rng, |rng, _| no_point(rng))),
    ("S + L", s_plus_order),
    ("S with a high bit", |rng| {
        changed(rng, |case, rng| case.signature[63] |= 0x20 << rng.random_range(0..3))
    }),
    ("S of zero", |rng| changed(rng, |case, _| case.signature[32..].fill(0))),
    ("another bit", |rng| changed(rng, |case, rng| flip(&mut case.signature, rng))),
    ("another message", |rng| changed(rng, |case, _| case.message.push(0))),
    ("another key", |rng| changed(rng, |case, rng| case.public = valid(rng).public)),
];

impl Case {
    /// The message cut into parts, some of them empty.
    pub(crate) fn parts(&self) -> [&[u8]; MESSAGE_PARTS] {
        let [a, b, c] = self.cuts;
        let message = self.message.as_slice();
        [&message[..a], &message[a..b], &message[b..c], &message[c..]]
    }

    /// Whether plain, not strict, verification takes it: then only strictness tells it from a valid one.
    pub(crate) fn is_accepted_leniently(&self) -> bool {
        let signature = Signature::from_bytes(&self.signature);
        VerifyingKey::from_bytes(&self.public).is_ok_and(|key| key.verify(&self.message, &signature).is_ok())
    }
}

/// A signature as RFC 8032 makes them.
pub(crate) fn valid(rng: &mut ChaCha12Rng) -> Case {
    other_r(rng, |_, r| r.compress().0)
}

/// One of the eight.
pub(crate) fn small_order_point(rng: &mut ChaCha12Rng) -> EdwardsPoint {
    EIGHT_TORSION[rng.random_range(0..8)]
}

/// One of the eight, not zero.
fn torsion_point(rng: &mut ChaCha12Rng) -> EdwardsPoint {
    EIGHT_TORSION[rng.random_range(1..8)]
}

/// A signature whose R is replaced before k and S are computed.
fn other_r(rng: &mut ChaCha12Rng, replace: fn(&mut ChaCha12Rng, EdwardsPoint) -> [u8; 32]) -> Case {
    let r = scalar(rng);
    honest(rng, r, replace)
}

/// `S = r + k a` for an honest key, with R encoded as `encode` says.
fn honest(rng: &mut ChaCha12Rng, r: Scalar, encode: fn(&mut ChaCha12Rng, EdwardsPoint) -> [u8; 32]) -> Case {
    let a = scalar(rng);
    let encoding = encode(rng, B * r);
    signed(rng, a, (B * a).compress().0, r, encoding)
}

/// A signature under `A + T` whose R is `[r]B + T'`. In `[S]B - [k](A + T)` the torsion is `-[k]T`: it `fits`
/// when that is T', and then the equation holds to the letter.
fn fitting(rng: &mut ChaCha12Rng, fits: bool, r: fn(&mut ChaCha12Rng) -> (Scalar, EdwardsPoint)) -> Case {
    loop {
        let a = scalar(rng);
        let public = (B * a + torsion_point(rng)).compress().0;
        let (r, torsion) = r(rng);
        let case = signed(rng, a, public, r, (B * r + torsion).compress().0);
        if case.is_accepted_leniently() == fits {
            return case;
        }
    }
}

fn signed(rng: &mut ChaCha12Rng, a: Scalar, public: [u8; 32], r: Scalar, encoding: [u8; 32]) -> Case {
    let mut message = vec![0; rng.random_range(0..300)];
    rng.fill_bytes(&mut message);
    let mut cuts = [0; MESSAGE_PARTS - 1].map(|_| rng.random_range(0..=message.len()));
    cuts.sort_unstable();
    let hash = Sha512::new().chain_update(encoding).chain_update(public).chain_update(&message);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let signature = Signature::from_components(encoding, (r + k * a).to_bytes()).to_bytes();
    Case { public, message, cuts, signature }
}

fn changed(rng: &mut ChaCha12Rng, change: fn(&mut Case, &mut ChaCha12Rng)) -> Case {
    let mut case = valid(rng);
    change(&mut case, rng);
    case
}

fn flip(signature: &mut [u8; 64], rng: &mut ChaCha12Rng) {
    signature[rng.random_range(0..64)] ^= 1 << rng.random_range(0..8);
}

/// S + L, once or as often as it fits into 32 bytes.
fn s_plus_order(rng: &mut ChaCha12Rng) -> Case {
    let mut case = valid(rng);
    // -1 is L - 1.
    let order_less_one = (-Scalar::ONE).to_bytes();
    for _ in 0..rng.random_range(1..15) {
        let mut carry = 1;
        for (byte, order) in case.signature[32..].iter_mut().zip(order_less_one) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            [*byte, _] = sum.to_le_bytes();
            carry = sum >> 8;
        }
        assert_eq!(carry, 0, "fifteen times L is below 2^256");
    }
    case
}

/// Zero, the point with y = 1, as no encoder writes it: with y = p + 1, with its sign bit set, or both.
fn another_zero(rng: &mut ChaCha12Rng) -> [u8; 32] {
    let mut encoding = [0xff; 32];
    match rng.random_range(0..3) {
        0 => (encoding[0], encoding[31]) = (0xee, 0x7f),
        1 => encoding[0] = 0xee,
        _ => {
            encoding = [0; 32];
            (encoding[0], encoding[31]) = (1, 0x80);
        }
    }
    encoding
}

/// One of the encodings with y from p to 2^255 - 1, of a point or not.
fn non_canonical(rng: &mut ChaCha12Rng) -> [u8; 32] {
    let mut encoding = [0xff; 32];
    encoding[0] = rng.random_range(0xed..=0xff);
    encoding[31] = rng.random_range(0..2) << 7 | 0x7f;
    encoding
}

fn no_point(rng: &mut ChaCha12Rng) -> [u8; 32] {
    loop {
        let encoding = rng.random();
        if CompressedEdwardsY(encoding).decompress().is_none() {
            return encoding;
        }
    }
}

fn scalar(rng: &mut ChaCha12Rng) -> Scalar {
    let mut wide = [0; 64];
    rng.fill_bytes(&mut wide);
    Scalar::from_bytes_mod_order_wide(&wide)
}
