//! Multiples of one point, so that multiplying it needs additions only.

use std::sync::LazyLock;

use sm2::elliptic_curve::hazmat::FieldArithmetic;
use sm2::elliptic_curve::point::AffineCoordinates as _;
use sm2::elliptic_curve::{BatchNormalize as _, PrimeField as _};
use sm2::{AffinePoint, ProjectivePoint, Sm2};

/// An element of the curve's field: the library's arithmetic.
pub(super) type Fe = <Sm2 as FieldArithmetic>::FieldElement;

/// Digits of a scalar but the carry out of the last.
pub(super) const DIGITS: usize = 32;

/// Multiples `1 ..= 128` of `256^i P` for every digit position `i`, and `256^32 P` for the carry: 4,097 rows of 64 bytes.
pub(super) struct Table(Box<[Row]>);

/// One multiple in affine coordinates; none of them is infinity. One cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Row {
    pub(super) x: Fe,
    pub(super) y: Fe,
}

/// Rows of one digit position: the sizes of a signed digit but zero.
const WINDOW: usize = 128;

const _: () = assert!(size_of::<Row>() == 64);

impl Table {
    /// Bytes of one table.
    pub(super) const BYTES: usize = (DIGITS * WINDOW + 1) * size_of::<Row>();

    /// Makes the table of `point` in about 4 ms.
    pub(super) fn of(point: &AffinePoint) -> Table {
        let mut rows = Vec::with_capacity(DIGITS * WINDOW + 1);
        let mut base = *point;
        for _ in 0..DIGITS {
            let mut multiples = [ProjectivePoint::from(base); WINDOW];
            for at in 1..WINDOW {
                multiples[at] = multiples[at - 1] + base;
            }
            let multiples = ProjectivePoint::batch_normalize(&multiples);
            rows.extend(multiples.iter().map(Row::of));
            // 256 P = 128 P + 128 P.
            base = (ProjectivePoint::from(multiples[WINDOW - 1]) + multiples[WINDOW - 1]).to_affine();
        }
        rows.push(Row::of(&base));
        Table(rows.into_boxed_slice())
    }

    /// The row of `|digit| * 256^position * P`, `None` for the digit zero.
    #[inline]
    pub(super) fn row(&self, position: usize, digit: i16) -> Option<&Row> {
        let size = usize::from(digit.unsigned_abs()).checked_sub(1)?;
        self.0.get(position * WINDOW + size)
    }
}

/// The table of the base point, made at the first call.
pub(super) fn base() -> &'static Table {
    static BASE: LazyLock<Table> = LazyLock::new(|| Table::of(&AffinePoint::GENERATOR));
    &BASE
}

impl Row {
    fn of(point: &AffinePoint) -> Row {
        let coordinate = |bytes| Fe::from_repr(bytes).into_option().unwrap_or(Fe::ZERO);
        Row { x: coordinate(point.x()), y: coordinate(point.y()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sm2::Scalar;

    #[test]
    fn every_row_is_the_multiple_it_stands_for() {
        let mut base = ProjectivePoint::GENERATOR * Scalar::from(0x5eed_u64);
        let table = Table::of(&base.to_affine());
        assert_eq!(size_of_val(&*table.0), Table::BYTES);
        for position in 0..DIGITS {
            assert!(table.row(position, 0).is_none());
            let mut multiple = ProjectivePoint::IDENTITY;
            for size in 1..=128 {
                multiple += base;
                let row = table.row(position, size).expect("every size but zero has a row");
                let expected = multiple.to_affine();
                assert_eq!((row.x.to_repr(), row.y.to_repr()), (expected.x(), expected.y()), "{size}");
                assert!(std::ptr::eq(row, table.row(position, -size).expect("the same row")));
            }
            base = multiple + multiple;
        }
        let carry = table.row(DIGITS, 1).expect("the carry has a row");
        assert_eq!(carry.x.to_repr(), base.to_affine().x());
    }
}
