//! What a signature claims, `r = e + x of [s]G + [t]Q` with `t = r + s`, and whether it holds (GB/T 32918.2 section 7).

use sm2::dsa::{Signature, signature::hazmat::PrehashVerifier as _};
use sm2::elliptic_curve::PrimeField as _;
use sm2::elliptic_curve::ops::Reduce as _;
use sm2::{FieldBytes, Scalar};
use sm3::{Digest as _, Sm3};

use super::key::Key;
use super::table::{self, DIGITS, Fe, Table};
use crate::verify::MESSAGE_PARTS;

/// One signature's numbers: all rules that need no point were checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Equation {
    /// The message's digest e, as SM3 gives it.
    digest: [u8; 32],
    r: Scalar,
    s: Scalar,
    /// r + s, which is not zero.
    t: Scalar,
}

/// A scalar in signed digits, -127 to 128: `digits[i] * 256^i` add up to it. The last is the carry, 0 or 1.
type Digits = [i16; DIGITS + 1];

/// A point as (x / z², y / z³), never infinity.
#[derive(Clone, Copy)]
struct Jacobian {
    x: Fe,
    y: Fe,
    z: Fe,
}

/// p - n: below it, two x coordinates have the same residue modulo n.
const P_MINUS_N: [u8; 32] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
    0x8d, 0xfc, 0x20, 0x93, 0xde, 0x39, 0xfa, 0xd5, 0xac, 0x44, 0x0b, 0xf6, 0xc6, 0x2a, 0xbe, 0xdc,
];
/// n, the group's order, as an element of the field.
const ORDER: Fe = Fe::from_hex_vartime("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");

impl Equation {
    /// The claim of a signature; `None` when it is refused whatever the key: r and s must lie in 1 ..= n - 1, and r + s
    /// must not be n.
    pub(super) fn of(key: &Key, message: &[&[u8]; MESSAGE_PARTS], signature: &[u8; 64]) -> Option<Equation> {
        let mut hash = Sm3::new().chain_update(key.identity());
        for part in message {
            hash.update(part);
        }
        Equation::with_digest(hash.finalize().into(), signature)
    }

    fn with_digest(digest: [u8; 32], signature: &[u8; 64]) -> Option<Equation> {
        let (halves, _) = signature.as_chunks::<32>();
        let scalar = |bytes: &[u8; 32]| Scalar::from_repr((*bytes).into()).into_option();
        let (r, s) = (scalar(&halves[0])?, scalar(&halves[1])?);
        let t = r + s;
        let has_zero = [r, s, t].iter().any(|scalar| scalar.is_zero().into());
        (!has_zero).then_some(Equation { digest, r, s, t })
    }

    /// Whether it holds for `key`. Allocates nothing.
    pub(super) fn holds(&self, key: &Key) -> bool {
        match sum([(table::base(), &self.s), (key.multiples(), &self.t)]) {
            Some(point) => self.is_met_by(&point),
            None => self.holds_slowly(key),
        }
    }

    /// Whether x of the point is r - e modulo n, without dividing by z²: x is below p, so it is one of two numbers.
    fn is_met_by(&self, point: &Jacobian) -> bool {
        let x = (self.r - Scalar::reduce(&FieldBytes::from(self.digest))).to_repr();
        let has_second = x.as_slice() < P_MINUS_N.as_slice();
        let Some(x) = Fe::from_repr(x).into_option() else { return false };
        let zz = point.z.square();
        point.x == x.multiply(&zz) || (has_second && point.x == x.add(&ORDER).multiply(&zz))
    }

    /// The same by the library, which adds a point to itself and to its negative too.
    #[cold]
    fn holds_slowly(&self, key: &Key) -> bool {
        let signature = Signature::from_scalars(self.r.to_repr(), self.s.to_repr());
        signature.is_ok_and(|signature| key.library().verify_prehash(&self.digest, &signature).is_ok())
    }
}

/// The sum of scalars' multiples. `None` when a point would have to be added to itself or to its negative, which happens
/// to one who knows the private key and wants it to, and else with probability 2^-250.
fn sum<const N: usize>(terms: [(&Table, &Scalar); N]) -> Option<Jacobian> {
    let terms = terms.map(|(table, scalar)| (table, digits(scalar)));
    let mut sum: Option<Jacobian> = None;
    for position in 0..=DIGITS {
        for (table, digits) in &terms {
            let digit = digits[position];
            let Some(row) = table.row(position, digit) else { continue };
            let y = if digit < 0 { row.y.neg() } else { row.y };
            sum = Some(match sum {
                Some(sum) => sum.plus(&row.x, &y)?,
                None => Jacobian { x: row.x, y, z: Fe::ONE },
            });
        }
    }
    sum
}

impl Jacobian {
    /// This point and an affine one with another x coordinate: 8 multiplications and 3 squares.
    #[inline]
    fn plus(&self, x: &Fe, y: &Fe) -> Option<Jacobian> {
        let zz = self.z.square();
        let width = x.multiply(&zz).sub(&self.x);
        if width == Fe::ZERO {
            return None;
        }
        let height = y.multiply(&self.z.multiply(&zz)).sub(&self.y);
        let square = width.square();
        let cube = width.multiply(&square);
        let corner = self.x.multiply(&square);
        let x = height.square().sub(&cube).sub(&corner.double());
        let y = height.multiply(&corner.sub(&x)).sub(&self.y.multiply(&cube));
        Some(Jacobian { x, y, z: self.z.multiply(&width) })
    }
}

fn digits(scalar: &Scalar) -> Digits {
    let mut carry = 0;
    let mut digits = [0; DIGITS + 1];
    for (digit, byte) in digits.iter_mut().zip(scalar.to_repr().iter().rev()) {
        let sum = i16::from(*byte) + carry;
        carry = i16::from(sum > 128);
        *digit = sum - 256 * carry;
    }
    digits[DIGITS] = carry;
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sm2::elliptic_curve::point::{AffineCoordinates as _, DecompressPoint as _};
    use sm2::elliptic_curve::sec1::ToSec1Point as _;
    use sm2::{AffinePoint, ProjectivePoint};

    fn key(point: &ProjectivePoint) -> Key {
        Key::new(point.to_affine().to_sec1_point(false).as_bytes().try_into().unwrap()).unwrap()
    }

    /// The claim that makes `[s]G + [t]Q` the point with this x, or off by `error`.
    fn claim(s: Scalar, t: Scalar, x: FieldBytes, error: u64) -> Option<Equation> {
        let r = t - s;
        let digest = r - Scalar::reduce(&x) + Scalar::from(error);
        let signature: [u8; 64] = [r.to_repr(), s.to_repr()].concat().try_into().unwrap();
        Equation::with_digest(digest.to_repr().into(), &signature)
    }

    /// Ours and the library's answer, which are one.
    fn answer(key: &Key, claim: &Equation) -> bool {
        assert_eq!(claim.holds(key), claim.holds_slowly(key), "{claim:?}");
        claim.holds(key)
    }

    #[test]
    fn sums_that_need_more_than_additions_get_the_librarys_answer() {
        let number =
            |n: i64| if n < 0 { -Scalar::from(n.unsigned_abs()) } else { Scalar::from(n.unsigned_abs()) };
        let (mut asked, mut infinite) = (0, 0);
        // The base point itself, its negative and its double as keys: partial sums meet the rows that are added.
        for private in [1, -1, 2, 255, -256] {
            let point = ProjectivePoint::GENERATOR * number(private);
            let key = key(&point);
            for (s, t) in [
                (1, 1),
                (1, -1),
                (2, 1),
                (1, 2),
                (256, 1),
                (1, 256),
                (257, 255),
                (512, 2),
                (-2, 2),
                (128, 129),
            ] {
                let (s, t) = (number(s), number(t));
                let sum = ProjectivePoint::GENERATOR * s + point * t;
                for error in [0, 1] {
                    let Some(claim) = claim(s, t, sum.to_affine().x(), error) else { continue };
                    let is_infinite = bool::from(sum.to_affine().is_identity());
                    assert_eq!(answer(&key, &claim), error == 0 && !is_infinite, "{private} {s:?} {t:?}");
                    asked += usize::from(super::sum([(table::base(), &s), (key.multiples(), &t)]).is_none());
                    infinite += usize::from(is_infinite);
                }
            }
        }
        assert!(asked > 10 && infinite > 2, "{asked} {infinite}");
    }

    #[test]
    fn both_coordinates_of_one_residue_are_taken() {
        // A point with x of n or more: one in 2^128 has such an x, so it is looked for.
        let high = (0_u64..).find_map(|more| {
            let x = ORDER.add(&Fe::from(more)).to_repr();
            AffinePoint::decompress(&x, 0.into()).into_option()
        });
        let high = high.expect("every second x is a point's");
        let low =
            (0_u64..).find_map(|x| AffinePoint::decompress(&Fe::from(x).to_repr(), 0.into()).into_option());
        for point in [high, low.expect("every second x is a point's")] {
            let (s, t) = (Scalar::from(77_u64), Scalar::from(99_u64));
            // [s]G + [t]Q is the point.
            let inverse = t.invert().unwrap();
            let key = key(&((ProjectivePoint::from(point) - ProjectivePoint::GENERATOR * s) * inverse));
            assert!(answer(&key, &claim(s, t, point.x(), 0).unwrap()));
            assert!(!answer(&key, &claim(s, t, point.x(), 1).unwrap()));
        }
        // The constants: n - 1, and p - n.
        assert_eq!(ORDER.sub(&Fe::ONE).to_repr(), (-Scalar::ONE).to_repr());
        assert_eq!(ORDER.neg().to_repr().as_slice(), P_MINUS_N);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn claims_about_any_scalars_get_the_librarys_answer(s: [u8; 32], t: [u8; 32], private: [u8; 32], error in 0_u64..2) {
            let [s, t, private] = [s, t, private].map(|bytes| Scalar::reduce(&FieldBytes::from(bytes)));
            let point = ProjectivePoint::GENERATOR * private;
            let x = (ProjectivePoint::GENERATOR * s + point * t).to_affine().x();
            if let Some(claim) = claim(s, t, x, error) {
                prop_assert_eq!(answer(&key(&point), &claim), error == 0);
            }
        }

        #[test]
        fn digits_add_up_to_the_scalar(bytes: [u8; 32]) {
            let scalar = Scalar::reduce(&FieldBytes::from(bytes));
            let sum = digits(&scalar).iter().rev().fold(Scalar::ZERO, |sum, digit| {
                let size = Scalar::from(u64::from(digit.unsigned_abs()));
                sum * Scalar::from(256_u64) + if *digit < 0 { -size } else { size }
            });
            prop_assert_eq!(sum, scalar);
            prop_assert!(digits(&scalar).iter().all(|digit| (-127..=128).contains(digit)));
        }
    }
}
