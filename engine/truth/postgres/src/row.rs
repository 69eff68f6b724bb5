//! Values on their way into PostgreSQL and out of it. It has no unsigned integers: every number is a BIGINT, and what
//! does not fit is refused on both sides.

use hufu_registry::Fault;
use hufu_wire::StatusWord;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

/// What PostgreSQL can keep of `value`.
///
/// # Errors
/// [`Fault::Invalid`] from 2^63 on: no clock and no chain comes so far.
pub(crate) fn big(field: &'static str, value: u64) -> Result<i64, Fault> {
    i64::try_from(value).map_err(|_| Fault::invalid(field, format!("{value} is beyond 2^63 - 1")))
}

/// The highest number that fits, for limits and keys that callers name: nothing lies beyond it.
pub(crate) fn at_most(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A status word's bits, as they are.
pub(crate) fn word_in(word: StatusWord) -> i64 {
    word.to_bits().cast_signed()
}

/// The status word of these bits.
pub(crate) fn word_out(bits: i64) -> StatusWord {
    StatusWord::from_bits(bits.cast_unsigned())
}

/// Columns of a row, by name, as the types of this house. Each fails with [`Fault::Damaged`] when there is something
/// else in it.
pub(crate) trait Columns {
    /// A number that fits `T`.
    fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, Fault>;
    /// A number that fits `T`, or nothing.
    fn number_or_none<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>, Fault>;
    /// An array of numbers; nothing is an empty one.
    fn numbers(&self, column: &'static str) -> Result<Vec<i64>, Fault>;
    /// Exactly `N` bytes.
    fn array<const N: usize>(&self, column: &'static str) -> Result<[u8; N], Fault>;
    /// Exactly `N` bytes, or nothing.
    fn array_or_none<const N: usize>(&self, column: &'static str) -> Result<Option<[u8; N]>, Fault>;
    /// Bytes.
    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, Fault>;
    /// Text.
    fn text(&self, column: &'static str) -> Result<String, Fault>;
    /// True or false.
    fn flag(&self, column: &'static str) -> Result<bool, Fault>;
}

impl Columns for PgRow {
    fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, Fault> {
        self.number_or_none(column)?.ok_or_else(|| damaged(column, "nothing"))
    }

    fn number_or_none<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>, Fault> {
        let value: Option<i64> = self.try_get(column).map_err(|error| damaged(column, error))?;
        value.map(|value| T::try_from(value).map_err(|_| damaged(column, value))).transpose()
    }

    fn numbers(&self, column: &'static str) -> Result<Vec<i64>, Fault> {
        let numbers: Option<Vec<i64>> = self.try_get(column).map_err(|error| damaged(column, error))?;
        Ok(numbers.unwrap_or_default())
    }

    fn array<const N: usize>(&self, column: &'static str) -> Result<[u8; N], Fault> {
        self.array_or_none(column)?.ok_or_else(|| damaged(column, "nothing"))
    }

    fn array_or_none<const N: usize>(&self, column: &'static str) -> Result<Option<[u8; N]>, Fault> {
        let bytes: Option<&[u8]> = self.try_get(column).map_err(|error| damaged(column, error))?;
        let array =
            |bytes: &[u8]| bytes.try_into().map_err(|_| damaged(column, format!("{} bytes", bytes.len())));
        bytes.map(array).transpose()
    }

    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, Fault> {
        self.try_get(column).map_err(|error| damaged(column, error))
    }

    fn text(&self, column: &'static str) -> Result<String, Fault> {
        self.try_get(column).map_err(|error| damaged(column, error))
    }

    fn flag(&self, column: &'static str) -> Result<bool, Fault> {
        self.try_get(column).map_err(|error| damaged(column, error))
    }
}

/// Something in `column` that no store has written.
pub(crate) fn damaged(column: &'static str, found: impl std::fmt::Display) -> Fault {
    Fault::Damaged(format!("column {column} of PostgreSQL holds {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_go_in_and_come_out() {
        assert_eq!(big("sequence", u64::MAX >> 1), Ok(i64::MAX));
        assert!(matches!(big("sequence", 1 << 63), Err(Fault::Invalid { field: "sequence", .. })));
        assert_eq!((at_most(7), at_most(u64::MAX)), (7, i64::MAX));
        for bits in [0, 1, 1 << 63, u64::MAX] {
            let word = StatusWord::from_bits(bits);
            assert_eq!(word_out(word_in(word)), word);
        }
    }
}
