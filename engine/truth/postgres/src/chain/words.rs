//! Status words in bulk: two arrays, one statement, whatever their number.

use hufu_registry::Fault;
use hufu_registry::store::{big, damaged};
use hufu_wire::chain::Changes;
use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusWord, UnixMillis};

use crate::fault::TxFault;
use crate::row::Row;
use crate::store::Tx;

/// A holder with their word.
type Held = (HolderIndex, StatusWord);

/// The words of the holders whom `changes` name, by rising index, without those that are zero.
pub(super) async fn of(tx: &mut Tx, issuer: IssuerId, changes: &Changes<'_>) -> Result<Vec<Held>, TxFault> {
    const OF: &str = "
        SELECT array_agg(holder) AS holders, array_agg(word) AS words FROM statuses
        WHERE issuer = $1 AND holder = ANY($2)";
    let holders: Vec<i64> = changes.iter().map(|(holder, _)| i64::from(holder.0)).collect();
    let query = sqlx::query(OF).bind(i64::from(issuer.0)).bind(holders);
    Ok(read(&Row(&query.fetch_one(&mut **tx).await?))?)
}

/// Words by rising index, from the arrays `holders` and `words`.
pub(super) fn read(row: &Row<'_>) -> Result<Vec<Held>, Fault> {
    let holders = row.numbers("holders")?.into_iter();
    let words = holders.zip(row.numbers("words")?).map(|(holder, word)| {
        let holder = u32::try_from(holder).map_err(|_| damaged("holder", holder))?;
        Ok((HolderIndex(holder), StatusWord::from_bits(word.cast_unsigned())))
    });
    let mut words: Vec<Held> = words.collect::<Result<_, Fault>>()?;
    // In order already as PostgreSQL runs it where that matters; it does not promise that.
    words.sort_unstable_by_key(|(holder, _)| *holder);
    Ok(words)
}

/// Puts the words that the set `sequence` gives, which was confirmed at `since`. A colour that stays keeps its own time; zero
/// words have no row.
pub(super) async fn put(
    tx: &mut Tx,
    issuer: IssuerId,
    (sequence, since): (Sequence, UnixMillis),
    words: &[Held],
) -> Result<(), TxFault> {
    // Bits 0 to 2 are the colour, and whether there is one.
    const PUT: &str = "
        INSERT INTO statuses AS held (issuer, holder, word, sequence, since)
        SELECT $1, new.holder, new.word, $4, $5 FROM unnest($2, $3) AS new (holder, word)
        ON CONFLICT (issuer, holder) DO UPDATE SET word = excluded.word, sequence = excluded.sequence,
            since = CASE WHEN held.word & 7 = excluded.word & 7 THEN held.since ELSE excluded.since END";
    const FORGET: &str = "DELETE FROM statuses WHERE issuer = $1 AND holder = ANY($2)";
    let (forgotten, known): (Vec<&Held>, Vec<&Held>) =
        words.iter().partition(|(_, word)| *word == StatusWord::UNKNOWN);
    let (holders, words): (Vec<i64>, Vec<i64>) =
        known.into_iter().map(|(holder, word)| (i64::from(holder.0), word.to_bits().cast_signed())).unzip();
    let put = sqlx::query(PUT).bind(i64::from(issuer.0)).bind(holders).bind(words);
    put.bind(big("sequence", sequence.0)?).bind(big("confirmed", since.0)?).execute(&mut **tx).await?;
    if !forgotten.is_empty() {
        let forgotten: Vec<i64> = forgotten.into_iter().map(|(holder, _)| i64::from(holder.0)).collect();
        sqlx::query(FORGET).bind(i64::from(issuer.0)).bind(forgotten).execute(&mut **tx).await?;
    }
    Ok(())
}
