//! Rows of a database, and numbers on their way into one. Both stores name their columns alike, so each noun is read by
//! one function, [`FromColumns::read`]. Neither database has unsigned integers: what does not fit is refused both ways.

use core::fmt;

use hufu_wire::UnixMillis;

use crate::fault::Fault;

/// A row, whose values are asked for by the name of their column. Every method fails with [`Fault::Damaged`] when the
/// column holds something else.
pub trait Columns {
    /// An integer; `None` for NULL.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    fn integer(&self, column: &'static str) -> Result<Option<i64>, Fault>;

    /// Bytes; `None` for NULL.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    fn blob(&self, column: &'static str) -> Result<Option<&[u8]>, Fault>;

    /// Text.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    fn text(&self, column: &'static str) -> Result<String, Fault>;

    /// A number that fits `T`.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, Fault> {
        self.number_or_none(column)?.ok_or_else(|| damaged(column, "nothing"))
    }

    /// A number that fits `T`; `None` for NULL.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    fn number_or_none<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>, Fault> {
        let value = self.integer(column)?;
        value.map(|value| T::try_from(value).map_err(|_| damaged(column, value))).transpose()
    }

    /// A time in milliseconds.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    fn time(&self, column: &'static str) -> Result<UnixMillis, Fault> {
        self.number(column).map(UnixMillis)
    }

    /// Bytes.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, Fault> {
        self.blob(column)?.map(<[u8]>::to_vec).ok_or_else(|| damaged(column, "nothing"))
    }

    /// Exactly `N` bytes.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    fn array<const N: usize>(&self, column: &'static str) -> Result<[u8; N], Fault> {
        self.array_or_none(column)?.ok_or_else(|| damaged(column, "nothing"))
    }

    /// Exactly `N` bytes; `None` for NULL.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    fn array_or_none<const N: usize>(&self, column: &'static str) -> Result<Option<[u8; N]>, Fault> {
        let wrong = |bytes: &[u8]| damaged(column, format_args!("{} bytes, not {N}", bytes.len()));
        self.blob(column)?.map(|bytes| bytes.try_into().map_err(|_| wrong(bytes))).transpose()
    }

    /// A word of a list, as `from_slug` reads it.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    fn word<T>(&self, column: &'static str, from_slug: fn(&str) -> Option<T>) -> Result<T, Fault> {
        let slug = self.text(column)?;
        from_slug(&slug).ok_or_else(|| damaged(column, format_args!("{slug:?}")))
    }
}

/// A noun that is read from a row.
pub trait FromColumns: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// [`Fault::Damaged`] when no store wrote this row.
    fn read(row: &impl Columns) -> Result<Self, Fault>;
}

/// `column` holds something that no store has written.
pub fn damaged(column: &'static str, found: impl fmt::Display) -> Fault {
    Fault::Damaged(format!("column {column} holds {found}"))
}

/// What a database can keep of `value`.
///
/// # Errors
/// [`Fault::Invalid`] from 2^63 on: no clock and no chain comes so far.
pub fn big(field: &'static str, value: u64) -> Result<i64, Fault> {
    i64::try_from(value).map_err(|_| Fault::invalid(field, format!("{value} is beyond 2^63 - 1")))
}

/// The highest number that fits, for limits and keys that callers name: nothing lies beyond it.
pub fn at_most(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_database_can_keep_are_refused_or_cut() {
        assert_eq!(big("sequence", u64::MAX >> 1), Ok(i64::MAX));
        assert!(matches!(big("sequence", 1 << 63), Err(Fault::Invalid { field: "sequence", .. })));
        assert_eq!((at_most(7), at_most(u64::MAX)), (7, i64::MAX));
    }
}
