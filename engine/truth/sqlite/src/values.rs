//! Numbers, digests and words as columns hold them, and back.

use hufu_registry::Fault;
use hufu_wire::{IssuerId, UnixMillis};

/// Times, sequences and counts stay below 2^63; status words use all 64 bits, and nobody compares those.
pub(crate) fn column(value: u64) -> i64 {
    value.cast_signed()
}

/// A number that a caller names to look for, or to go on after: nothing lies beyond the highest.
pub(crate) fn at_most(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A time as a column holds it.
pub(crate) fn ms(time: UnixMillis) -> i64 {
    column(time.0)
}

/// An optional issuer as a column holds it.
pub(crate) fn issuer(issuer: Option<IssuerId>) -> Option<i64> {
    issuer.map(|issuer| i64::from(issuer.0))
}

/// A time from its column.
pub(crate) fn time(column: i64) -> UnixMillis {
    UnixMillis(column.cast_unsigned())
}

/// A number from its column.
pub(crate) fn number<T: TryFrom<i64>>(name: &'static str, column: i64) -> Result<T, Fault> {
    column.try_into().map_err(|_| Fault::Damaged(format!("{name} is {column}, which nothing writes")))
}

/// Bytes of a fixed length from their column.
pub(crate) fn bytes<const N: usize>(name: &'static str, column: &[u8]) -> Result<[u8; N], Fault> {
    let wrong = || Fault::Damaged(format!("{name} has {} bytes, not {N}", column.len()));
    column.try_into().map_err(|_| wrong())
}

/// A word of a list from its column.
pub(crate) fn word<T>(name: &'static str, column: &str, read: fn(&str) -> Option<T>) -> Result<T, Fault> {
    read(column).ok_or_else(|| Fault::Damaged(format!("{name} is {column:?}, which nothing writes")))
}
