//! Multiples of one point, so that multiplying it needs additions only.

use std::sync::LazyLock;

use super::equation::DIGITS;
use super::field::{Fe, LIMBS};
use super::point::{Addend, Point, invert_together};

/// Multiples `0 ..= 128` of `256^i P` for every digit position `i`: a digit's look-up needs no special case.
/// 32 * 129 rows of 128 bytes, 516 KiB.
pub(super) struct Table(Box<[Row]>);

/// One multiple: the limbs of `y + x`, of `y - x` and of `2dxy`, then nothing. Two cache lines exactly, which
/// is also two registers of eight lanes.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Row(pub(super) [[u64; 8]; 2]);

/// Rows of one digit position: 0 and the 128 sizes of a signed digit.
const WINDOW: usize = 129;

const _: () = assert!(size_of::<Row>() == 128);

impl Table {
    /// Bytes of one table.
    pub(super) const BYTES: usize = DIGITS * WINDOW * size_of::<Row>();

    /// Makes the table of `point` in about 1.5 ms.
    pub(super) fn of(point: &Point) -> Table {
        let mut rows = Vec::with_capacity(DIGITS * WINDOW);
        let mut base = *point;
        for _ in 0..DIGITS {
            let multiples = multiples(&base);
            rows.extend(multiples.iter().map(|(_, addend)| Row::of(addend)));
            // 256 P = 128 P + 128 P.
            let (half, addend) = &multiples[WINDOW - 1];
            base = half.plus(addend, false);
        }
        Table(rows.into_boxed_slice())
    }

    /// The row of `|digit| * 256^position * P`.
    #[inline]
    pub(super) fn row(&self, position: usize, digit: i8) -> &Row {
        &self.0[position * WINDOW + usize::from(digit.unsigned_abs())]
    }
}

/// The table of the base point, made at the first call.
pub(super) fn base() -> &'static Table {
    static BASE: LazyLock<Table> = LazyLock::new(|| Table::of(&Point::base()));
    &BASE
}

/// The multiples 0 to 128 of `base`, each also prepared to be added.
fn multiples(base: &Point) -> Vec<(Point, Addend)> {
    let step = base.addend(base.z.invert());
    let points: Vec<Point> = std::iter::successors(Some(Point::ZERO), |point| Some(point.plus(&step, false)))
        .take(WINDOW)
        .collect();
    let mut inverses: Vec<Fe> = points.iter().map(|point| point.z).collect();
    invert_together(&mut inverses, &mut [Fe::ONE; WINDOW]);
    points.iter().zip(inverses).map(|(point, inverse)| (*point, point.addend(inverse))).collect()
}

impl Row {
    fn of(addend: &Addend) -> Row {
        let mut row = [[0; 8]; 2];
        for (words, value) in row.as_flattened_mut().chunks_exact_mut(LIMBS).zip([
            addend.y_plus_x,
            addend.y_minus_x,
            addend.xy2d,
        ]) {
            words.copy_from_slice(&value.0);
        }
        Row(row)
    }

    /// Asks for the row's two cache lines ahead of their use: a key's tables outgrow the nearest caches, and an
    /// addition is too long for the CPU to look past it by itself.
    #[inline]
    pub(super) fn prefetch(&self) {
        #[cfg(target_arch = "x86_64")]
        for line in &self.0 {
            #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
            // SAFETY: a prefetch is a hint and reads nothing; every x86-64 CPU has it.
            unsafe {
                core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(
                    std::ptr::from_ref(line).cast(),
                );
            }
        }
    }

    /// The multiple itself.
    #[inline]
    pub(super) fn addend(&self) -> Addend {
        let limbs = |start: usize| Fe(std::array::from_fn(|i| self.0.as_flattened()[start + i]));
        Addend { y_plus_x: limbs(0), y_minus_x: limbs(LIMBS), xy2d: limbs(2 * LIMBS) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use curve25519_dalek::edwards::EdwardsPoint;
    use curve25519_dalek::traits::Identity;

    #[test]
    fn every_row_is_the_multiple_it_stands_for() {
        // Of mixed order, so that an error modulo the group's order would show.
        let mut base = ED25519_BASEPOINT_POINT + EIGHT_TORSION[1];
        let table = Table::of(&Point::decode(&base.compress().to_bytes()).unwrap());
        for position in 0..DIGITS {
            let mut multiple = EdwardsPoint::identity();
            for size in 0..128_u8 {
                let row = table.row(position, size.cast_signed());
                let point = Point::ZERO.plus(&row.addend(), false);
                assert_eq!(
                    point.encode(point.z.invert()),
                    multiple.compress().to_bytes(),
                    "{size} at {position}"
                );
                multiple += base;
            }
            let point = Point::ZERO.plus(&table.row(position, -128).addend(), true);
            assert_eq!(
                point.encode(point.z.invert()),
                (-multiple).compress().to_bytes(),
                "-128 at {position}"
            );
            base = multiple + multiple;
        }
    }
}
