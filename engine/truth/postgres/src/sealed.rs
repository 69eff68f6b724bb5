//! Rows that a new sealing key takes over.

use async_trait::async_trait;
use hufu_registry::store::{Resealed, SealedRows, SealedTable, at_most};
use hufu_registry::{Entry, Fault};
use hufu_wire::IssuerId;

use crate::fault::retried;
use crate::issuers::lock;
use crate::store::PostgresStore;

/// The statement for a table whose rows are numbered by a column.
macro_rules! reseal {
    ($table:literal, $number:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " AS held SET sealed = new.sealed FROM unnest($2, $3, $4) AS new (number, was, sealed) \
             WHERE held.issuer = $1 AND held.",
            $number,
            " = new.number AND held.sealed = new.was"
        )
    };
}

#[async_trait]
impl SealedRows for PostgresStore {
    async fn reseal(
        &self,
        issuer: IssuerId,
        table: SealedTable,
        rows: &[Resealed],
        entry: &Entry,
    ) -> Result<u64, Fault> {
        let reseal = match table {
            SealedTable::Holders => reseal!("holders", "holder"),
            SealedTable::Facts => reseal!("facts", "number"),
            SealedTable::Appeals => reseal!("appeals", "id"),
            SealedTable::Bindings => reseal!("bindings", "id"),
        };
        let numbers: Vec<i64> = rows.iter().map(|row| at_most(row.number)).collect();
        let was: Vec<&[u8]> = rows.iter().map(|row| &row.was[..]).collect();
        let sealed: Vec<&[u8]> = rows.iter().map(|row| &row.sealed[..]).collect();
        retried(|| async {
            let mut tx = self.begin().await?;
            // Who has this lock writes back sealed bytes as they were read: they must not be replaced in between.
            lock(&mut tx, issuer).await?;
            let reseal =
                sqlx::query(reseal).bind(i64::from(issuer.0)).bind(&numbers).bind(&was).bind(&sealed);
            let resealed = reseal.execute(&mut *tx).await?.rows_affected();
            self.commit(tx, entry).await?;
            Ok(resealed)
        })
        .await
    }
}
