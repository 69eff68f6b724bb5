//! Status words in bulk: one statement whatever their number.
//!
//! A row that crosses from SQLite's thread costs more than the row itself, so words cross as one text: down as JSON,
//! which `json_each` unfolds, up as `holder word;holder word`.

use core::fmt::Write as _;

use hufu_registry::Fault;
use hufu_registry::store::big;
use hufu_wire::chain::Changes;
use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusWord, UnixMillis};
use sqlx::SqliteConnection;

use crate::fault::fault;

/// A holder with their word.
type Held = (HolderIndex, StatusWord);

/// Words of the holders that `changes` name, as far as there are any, by rising index.
pub(super) async fn of(
    at: &mut SqliteConnection,
    issuer: IssuerId,
    changes: &Changes<'_>,
) -> Result<Vec<Held>, Fault> {
    let mut holders = String::with_capacity(changes.len() * 9 + 2);
    let mut separator = '[';
    for (holder, _) in changes.iter() {
        let _ = write!(holders, "{separator}{holder}");
        separator = ',';
    }
    holders.push(']');
    let words: Option<String> = sqlx::query_scalar(
        "SELECT group_concat(s.holder || ' ' || s.word, ';') FROM json_each(?2) AS named \
         CROSS JOIN statuses AS s ON s.issuer = ?1 AND s.holder = named.value",
    )
    .bind(issuer.0)
    .bind(holders)
    .fetch_one(at)
    .await
    .map_err(fault)?;
    read(words.as_deref())
}

/// Words from a holder on that are not all zero, by rising index.
pub(super) async fn from(
    at: &mut SqliteConnection,
    issuer: IssuerId,
    from: HolderIndex,
    limit: u32,
) -> Result<Vec<Held>, Fault> {
    let words: Option<String> = sqlx::query_scalar(
        "SELECT group_concat(holder || ' ' || word, ';') FROM (SELECT holder, word FROM statuses \
         WHERE issuer = ? AND holder >= ? AND word <> 0 ORDER BY holder LIMIT ?)",
    )
    .bind(issuer.0)
    .bind(from.0)
    .bind(limit)
    .fetch_one(at)
    .await
    .map_err(fault)?;
    read(words.as_deref())
}

/// Puts the words that the set `sequence` gives, which was confirmed at `since`. A colour that stays keeps its own time.
pub(super) async fn put(
    at: &mut SqliteConnection,
    issuer: IssuerId,
    (sequence, since): (Sequence, UnixMillis),
    words: &[Held],
) -> Result<(), Fault> {
    let mut given = String::with_capacity(words.len() * 32 + 2);
    let mut separator = '{';
    for (holder, word) in words {
        let _ = write!(given, "{separator}\"{holder}\":{}", word.to_bits().cast_signed());
        separator = ',';
    }
    given.push('}');
    sqlx::query(
        // Bits 0 to 2 are the colour, and whether there is one.
        "INSERT INTO statuses (issuer, holder, word, sequence, since) \
         SELECT ?1, CAST(key AS INTEGER), value, ?2, ?4 FROM json_each(?3) WHERE true \
         ON CONFLICT (issuer, holder) DO UPDATE SET word = excluded.word, sequence = excluded.sequence, \
         since = CASE WHEN word & 7 = excluded.word & 7 THEN since ELSE excluded.since END",
    )
    .bind(issuer.0)
    .bind(big("sequence", sequence.0)?)
    .bind(given)
    .bind(big("confirmed", since.0)?)
    .execute(at)
    .await
    .map_err(fault)?;
    Ok(())
}

fn read(text: Option<&str>) -> Result<Vec<Held>, Fault> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let damaged = || Fault::Damaged("a status is not a holder and a word".into());
    let held = |text: &str| {
        let (holder, word) = text.split_once(' ')?;
        let word: i64 = word.parse().ok()?;
        Some((HolderIndex(holder.parse().ok()?), StatusWord::from_bits(word.cast_unsigned())))
    };
    let mut words: Vec<Held> = text.split(';').map(held).collect::<Option<_>>().ok_or_else(damaged)?;
    // In order already as SQLite runs it; it does not promise that.
    words.sort_unstable_by_key(|(holder, _)| *holder);
    Ok(words)
}
