//! Multiples of one point, so that multiplying it needs additions only.

use std::sync::LazyLock;

use super::equation::{BASE_BITS, BASE_DIGITS, KEY_BITS, KEY_DIGITS};
use super::field::{Fe, LIMBS};
use super::point::{Addend, Point, invert_together};

/// Multiples `0 ..= 2^(bits - 1)` of `2^(bits i) P` for every digit position `i`: a digit's look-up needs no special case.
pub(super) struct Table {
    rows: Box<[Row]>,
    /// Rows of one position.
    window: usize,
}

/// One multiple: the limbs of `y + x`, of `y - x` and of `2dxy`, then nothing. Two cache lines exactly, which
/// is also two registers of eight lanes.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Row(pub(super) [[u64; 8]; 2]);

const _: () = assert!(size_of::<Row>() == 128);

/// Rows of one digit position: 0 and the sizes of a signed digit of so many bits.
const fn window(bits: usize) -> usize {
    (1 << (bits - 1)) + 1
}

impl Table {
    /// Bytes of a key's table, 516 KiB.
    pub(super) const KEY_BYTES: usize = KEY_DIGITS * window(KEY_BITS) * size_of::<Row>();
    /// Bytes of the table of B, 2.9 MiB.
    pub(super) const BASE_BYTES: usize = BASE_DIGITS * window(BASE_BITS) * size_of::<Row>();

    /// Makes the table of a key's point in about 1.5 ms.
    pub(super) fn of_key(point: &Point) -> Table {
        Table::of(point, KEY_BITS, KEY_DIGITS)
    }

    fn of(point: &Point, bits: usize, digits: usize) -> Table {
        let window = window(bits);
        let mut rows = Vec::with_capacity(digits * window);
        let mut base = *point;
        for _ in 0..digits {
            let multiples = multiples(&base, window);
            rows.extend(multiples.iter().map(|(_, addend)| Row::of(addend)));
            // The last is half of what the next position counts in.
            let (half, addend) = &multiples[window - 1];
            base = half.plus(addend, false);
        }
        Table { rows: rows.into_boxed_slice(), window }
    }

    /// The row of `|digit|` times the multiple that `position` counts in.
    #[inline]
    pub(super) fn row(&self, position: usize, digit: i16) -> &Row {
        &self.rows[position * self.window + usize::from(digit.unsigned_abs())]
    }
}

/// The table of the base point, made at the first call in about 8 ms.
pub(super) fn base() -> &'static Table {
    static BASE: LazyLock<Table> = LazyLock::new(|| Table::of(&Point::base(), BASE_BITS, BASE_DIGITS));
    &BASE
}

/// The first `window` multiples of `base` from 0 on, each also prepared to be added.
fn multiples(base: &Point, window: usize) -> Vec<(Point, Addend)> {
    let step = base.addend(base.z.invert());
    let points: Vec<Point> = std::iter::successors(Some(Point::ZERO), |point| Some(point.plus(&step, false)))
        .take(window)
        .collect();
    let mut inverses: Vec<Fe> = points.iter().map(|point| point.z).collect();
    invert_together(&mut inverses, &mut vec![Fe::ONE; window]);
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
        let point = ED25519_BASEPOINT_POINT + EIGHT_TORSION[1];
        let table = Table::of_key(&Point::decode(&point.compress().to_bytes()).unwrap());
        check(&table, point, KEY_BITS, 1);
        // Of the large one every eleventh row: 11 has no factor in common with a window.
        check(base(), ED25519_BASEPOINT_POINT, BASE_BITS, 11);
    }

    /// Whether every row of `table` whose size `step` divides, and the last of each position, is the multiple of `point`
    /// that it stands for.
    fn check(table: &Table, point: EdwardsPoint, bits: usize, step: usize) {
        let half = 1_u16 << (bits - 1);
        let mut base = point;
        for position in 0..table.rows.len() / table.window {
            let mut multiple = EdwardsPoint::identity();
            for size in 0..=half {
                if usize::from(size).is_multiple_of(step) || size == half {
                    let digit = size.cast_signed();
                    let added = Point::ZERO.plus(&table.row(position, digit).addend(), false);
                    let taken = Point::ZERO.plus(&table.row(position, -digit).addend(), true);
                    for (sum, expected) in [(added, multiple), (taken, -multiple)] {
                        let encoding = sum.encode(sum.z.invert());
                        assert_eq!(encoding, expected.compress().to_bytes(), "{size} at {position}");
                    }
                }
                if size < half {
                    multiple += base;
                }
            }
            base = multiple + multiple;
        }
    }
}
