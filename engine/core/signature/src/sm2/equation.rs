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
    pub(super) fn of(
        key: &Key,
        message: &[&[u8]; MESSAGE_PARTS],
        signature: &[u8; 64],
    ) -> Option<Equation> {
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
