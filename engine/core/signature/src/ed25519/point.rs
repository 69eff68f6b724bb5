//! Points of the curve `-x^2 + y^2 = 1 + d x^2 y^2`.

use super::field::Fe;

/// A point in extended coordinates: `x = X/Z`, `y = Y/Z`, `xy = T/Z`, all tight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) x: Fe,
    pub(super) y: Fe,
    pub(super) z: Fe,
    pub(super) t: Fe,
}

/// A point without T, which is enough to be encoded: all coordinates loose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Projective {
    pub(super) x: Fe,
    pub(super) y: Fe,
    pub(super) z: Fe,
}

/// An affine point, prepared to be added: `y + x`, `y - x` and `2dxy`, each below p and in limbs of 51 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addend {
    pub(super) y_plus_x: Fe,
    pub(super) y_minus_x: Fe,
    pub(super) xy2d: Fe,
}

impl Point {
    /// Zero of the group.
    pub(super) const ZERO: Point = Point { x: Fe::ZERO, y: Fe::ONE, z: Fe::ONE, t: Fe::ZERO };

    /// B, the base point (RFC 8032 section 5.1).
    pub(super) fn base() -> Point {
        Point::of(
            Fe([
                1_738_742_601_995_546,
                1_146_398_526_822_698,
                2_070_867_633_025_821,
                562_264_141_797_630,
                587_772_402_128_613,
            ]),
            Fe([
                1_801_439_850_948_184,
                1_351_079_888_211_148,
                450_359_962_737_049,
                900_719_925_474_099,
                1_801_439_850_948_198,
            ]),
        )
    }

    /// The point with these affine coordinates, both tight.
    fn of(x: Fe, y: Fe) -> Point {
        Point { x, y, z: Fe::ONE, t: x.mul(y) }
    }

    /// Decodes 32 bytes (RFC 8032 section 5.1.3, but taking a y above p too), `None` when they are no point.
    pub(super) fn decode(bytes: &[u8; 32]) -> Option<Point> {
        let y = Fe::decode(bytes);
        Some(Point::of(Fe::x_of(y, bytes[31] >> 7 == 1)?, y))
    }

    /// The same point without T.
    pub(super) fn projective(&self) -> Projective {
        Projective { x: self.x, y: self.y, z: self.z }
    }

    /// The encoding, given `1 / Z`.
    #[cfg(test)]
    pub(super) fn encode(&self, inverse_z: Fe) -> [u8; 32] {
        self.projective().encode(inverse_z)
    }

    /// The point with the other sign.
    pub(super) fn negated(&self) -> Point {
        Point { x: Fe::ZERO.sub(self.x).mul(Fe::ONE), t: Fe::ZERO.sub(self.t).mul(Fe::ONE), ..*self }
    }

    /// The point prepared to be added, given `1 / Z`.
    pub(super) fn addend(&self, inverse_z: Fe) -> Addend {
        let (x, y) = (self.x.mul(inverse_z), self.y.mul(inverse_z));
        Addend {
            y_plus_x: y.add(x).mul(Fe::ONE).canonical(),
            y_minus_x: y.sub(x).mul(Fe::ONE).canonical(),
            xy2d: x.mul(y).mul(Fe::D2).canonical(),
        }
    }

    /// `self + other`, or `self - other` when `negative`. Seven multiplications ("madd-2008-hwcd-3"), and right
    /// for all points, equal, opposite or of small order: -1 is a square and d is not, so the formula has no
    /// exceptions (Hisil, Wong, Carter, Dawson 2008, section 3.1).
    #[expect(clippy::many_single_char_names, reason = "the names of the formula")]
    #[expect(
        clippy::inline_always,
        reason = "a call of its own costs 6 % of a verification: its points go through memory"
    )]
    #[inline(always)]
    pub(super) fn plus(&self, other: &Addend, negative: bool) -> Point {
        let (plus, minus) =
            if negative { (other.y_minus_x, other.y_plus_x) } else { (other.y_plus_x, other.y_minus_x) };
        // Sums and differences of tight values are loose.
        let a = self.y.sub(self.x).mul(minus);
        let b = self.y.add(self.x).mul(plus);
        let c = self.t.mul(other.xy2d);
        // Below 2^52 + 2^14, so that d + c is below 2^53 and d - c below 2^54: loose too.
        let d = self.z.add(self.z);
        let (e, h) = (b.sub(a), b.add(a));
        let (f, g) = if negative { (d.add(c), d.sub(c)) } else { (d.sub(c), d.add(c)) };
        Point { x: e.mul(f), y: g.mul(h), z: f.mul(g), t: e.mul(h) }
    }
}

impl Projective {
    /// Zero of the group.
    pub(super) const ZERO: Projective = Projective { x: Fe::ZERO, y: Fe::ONE, z: Fe::ONE };

    /// The encoding, given `1 / Z` (RFC 8032 section 5.1.2).
    pub(super) fn encode(&self, inverse_z: Fe) -> [u8; 32] {
        let mut bytes = self.y.mul(inverse_z).encode();
        bytes[31] |= u8::from(self.x.mul(inverse_z).is_negative()) << 7;
        bytes
    }
}

/// Replaces `values` by their inverses with one inversion (Montgomery's trick). None may be 0, and no Z is.
/// `products` is room for as many values.
pub(super) fn invert_together(values: &mut [Fe], products: &mut [Fe]) {
    let mut product = Fe::ONE;
    for (value, before) in values.iter().zip(&mut *products) {
        *before = product;
        product = product.mul(*value);
    }
    let mut inverse = product.invert();
    for (value, before) in values.iter_mut().zip(products).rev() {
        (*value, inverse) = (inverse.mul(*before), inverse.mul(*value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use curve25519_dalek::edwards::EdwardsPoint;
    use curve25519_dalek::scalar::Scalar;
    use proptest::prelude::*;

    fn encode(point: &Point) -> [u8; 32] {
        point.encode(point.z.invert())
    }

    fn decode(point: EdwardsPoint) -> Point {
        Point::decode(&point.compress().to_bytes()).expect("a point")
    }

    /// Sum and difference of two points, one of them far from affine.
    fn check(a: EdwardsPoint, b: EdwardsPoint) {
        let (p, q) = (decode(a), decode(b));
        let addend = q.addend(q.z.invert());
        let sum = p.plus(&addend, false);
        assert_eq!(encode(&sum), (a + b).compress().to_bytes());
        assert_eq!(encode(&p.plus(&addend, true)), (a - b).compress().to_bytes());
        assert_eq!(encode(&sum.plus(&addend, true)), a.compress().to_bytes());
        assert_eq!(encode(&p.negated()), (-a).compress().to_bytes());
    }

    fn points() -> impl Strategy<Value = EdwardsPoint> {
        (any::<[u8; 32]>(), 0..8_usize).prop_map(|(scalar, torsion)| {
            ED25519_BASEPOINT_POINT * Scalar::from_bytes_mod_order(scalar) + EIGHT_TORSION[torsion]
        })
    }

    #[test]
    fn points_of_small_order_are_added_like_any() {
        for (a, b) in EIGHT_TORSION.iter().flat_map(|a| EIGHT_TORSION.iter().map(move |b| (*a, *b))) {
            check(a, b);
        }
    }

    #[test]
    fn the_base_point_is_the_base_point() {
        assert_eq!(encode(&Point::base()), ED25519_BASEPOINT_POINT.compress().to_bytes());
    }

    proptest! {
        #[test]
        fn sums_and_differences_are_those_of_the_curve_library(a in points(), b in points()) {
            check(a, b);
            check(a, a);
            check(a, -a);
        }

        #[test]
        fn bytes_decode_where_the_curve_library_decodes_them(bytes: [u8; 32]) {
            let theirs = curve25519_dalek::edwards::CompressedEdwardsY(bytes).decompress();
            let ours = Point::decode(&bytes);
            prop_assert_eq!(ours.map(|point| encode(&point)), theirs.map(|point| point.compress().to_bytes()));
        }
    }
}
