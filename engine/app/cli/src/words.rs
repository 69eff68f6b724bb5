//! Arguments that are one of some words.

use clap::builder::{PossibleValuesParser, TypedValueParser};

/// Reads one of `words`; `--help` lists them, and any other is refused with them.
pub(crate) fn words<T: Clone + Send + Sync + 'static, const N: usize>(
    words: [&'static str; N],
    read: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words).try_map(move |word| read(&word).ok_or("unknown word"))
}
