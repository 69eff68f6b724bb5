//! Chains, and the words they made.

mod append;
mod words;

use async_trait::async_trait;
use hufu_codes::chain::Tip;
use hufu_registry::chain::{Append, Appended, StoredRow, checked_set, checked_sets};
use hufu_registry::store::{Chain, Columns as _, FromColumns as _, Statuses, at_most, read_tip};
use hufu_registry::{Fault, StoredSet};
use hufu_wire::{HolderIndex, IssuerId, Sequence};
use tokio::sync::broadcast;

use crate::fault::{fault, retried};
use crate::row::{Row, one};
use crate::store::PostgresStore;

/// Sets of one page, however small they are.
const SETS_MAX: i64 = 1024;

/// The end of the chain as the issuer's row and the last set's row have it. One statement, so that both and what
/// is read with them are of the same moment.
macro_rules! select_tip {
    ($also:literal, $join:literal) => {
        concat!(
            "SELECT issuers.tip_sequence, tip_digest, tip_proposed, tip_confirmed, last.digest AS last_digest ",
            $also,
            " FROM issuers LEFT JOIN sets AS last ON last.issuer = $1 AND last.sequence = issuers.tip_sequence ",
            $join,
            " WHERE issuers.id = $1"
        )
    };
}

#[async_trait]
impl Chain for PostgresStore {
    async fn append(&self, append: &Append<'_>) -> Result<Appended, Fault> {
        let appended = retried(|| append::append(self, append)).await?;
        if matches!(appended, Appended::Appended { .. }) {
            self.wakes.tell(append.issuer);
        }
        Ok(appended)
    }

    async fn tip(&self, issuer: IssuerId) -> Result<Option<Tip>, Fault> {
        let query = sqlx::query(select_tip!("", "")).bind(i64::from(issuer.0));
        let row = query.fetch_optional(&self.pool).await.map_err(fault)?;
        row.map(|row| read_tip(issuer, &Row(&row))).transpose()
    }

    async fn set(&self, issuer: IssuerId, sequence: Sequence) -> Result<Option<StoredSet>, Fault> {
        let query =
            sqlx::query("SELECT sequence, digest, bytes FROM sets WHERE issuer = $1 AND sequence = $2");
        let query = query.bind(i64::from(issuer.0)).bind(at_most(sequence.0));
        one(&self.pool, query).await?.map(|row| checked_set(issuer, row)).transpose()
    }

    async fn sets(
        &self,
        issuer: IssuerId,
        after: Sequence,
        bytes_max: usize,
    ) -> Result<Vec<StoredSet>, Fault> {
        // How long a set is, is known without reading it.
        const PAGE: &str = "
            SELECT issuers.tip_sequence, page.sequence, page.digest, page.bytes
            FROM issuers LEFT JOIN LATERAL (
                SELECT sequence, digest, bytes, sum(octet_length(bytes)) OVER (ORDER BY sequence) AS together,
                    row_number() OVER (ORDER BY sequence) AS nth
                FROM (
                    SELECT sequence, digest, bytes FROM sets WHERE issuer = $1 AND sequence > $2
                    ORDER BY sequence LIMIT $4
                ) AS following
            ) AS page ON page.together <= $3 OR page.nth = 1
            WHERE issuers.id = $1 ORDER BY page.sequence";
        let query = sqlx::query(PAGE).bind(i64::from(issuer.0)).bind(at_most(after.0));
        let query = query.bind(i64::try_from(bytes_max).unwrap_or(i64::MAX)).bind(SETS_MAX);
        let rows = query.fetch_all(&self.pool).await.map_err(fault)?;
        let Some(first) = rows.first().map(Row) else { return Ok(Vec::new()) };
        let last = Sequence(first.number("tip_sequence")?);
        let is_empty = first.number_or_none::<i64>("sequence")?.is_none();
        let rows = rows
            .iter()
            .filter(|_| !is_empty)
            .map(|row| StoredRow::read(&Row(row)))
            .collect::<Result<_, _>>()?;
        checked_sets(issuer, after, last, rows)
    }

    async fn statuses(
        &self,
        issuer: IssuerId,
        from: HolderIndex,
        limit: u32,
    ) -> Result<Option<Statuses>, Fault> {
        const PAGE: &str = select_tip!(
            ", page.holders, page.words",
            "CROSS JOIN LATERAL (
                SELECT array_agg(holder) AS holders, array_agg(word) AS words FROM (
                    SELECT holder, word FROM statuses WHERE issuer = $1 AND holder >= $2
                    ORDER BY holder LIMIT $3
                ) AS following
            ) AS page"
        );
        let query = sqlx::query(PAGE).bind(i64::from(issuer.0)).bind(i64::from(from.0));
        let row = query.bind(i64::from(limit)).fetch_optional(&self.pool).await.map_err(fault)?;
        let read = |row: Row<'_>| Ok(Statuses { tip: read_tip(issuer, &row)?, words: words::read(&row)? });
        row.map(|row| read(Row(&row))).transpose()
    }

    fn grown(&self) -> broadcast::Receiver<IssuerId> {
        self.wakes.subscribe()
    }
}
