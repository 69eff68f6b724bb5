//! Issuers, and the lock that everything of an issuer is written under.

use async_trait::async_trait;
use hufu_registry::store::{IssuerRow, Issuers};
use hufu_registry::{Entry, Fault, Issuer};
use hufu_wire::IssuerId;

use crate::fault::{TxFault, retried};
use crate::row::{all, one};
use crate::store::{PostgresStore, Tx};

/// Locks an issuer's row until the end of the transaction. What is read after this is as the transaction left it that
/// had the lock before.
pub(crate) async fn lock(tx: &mut Tx, issuer: IssuerId) -> Result<IssuerRow, TxFault> {
    let query = sqlx::query("SELECT * FROM issuers WHERE id = $1 FOR NO KEY UPDATE");
    let row = one(&mut **tx, query.bind(i64::from(issuer.0))).await?;
    Ok(row.ok_or_else(|| Fault::no_issuer(issuer))?)
}

#[async_trait]
impl Issuers for PostgresStore {
    async fn issuers(&self) -> Result<Vec<Issuer>, Fault> {
        Ok(all(&self.pool, sqlx::query("SELECT * FROM issuers ORDER BY id")).await?)
    }

    async fn issuer(&self, id: IssuerId) -> Result<Option<Issuer>, Fault> {
        let query = sqlx::query("SELECT * FROM issuers WHERE id = $1").bind(i64::from(id.0));
        Ok(one(&self.pool, query).await?)
    }

    async fn put_issuer(&self, issuer: &Issuer, entry: &Entry) -> Result<(), Fault> {
        // Of an issuer with another national platform no row comes back, and none is changed.
        const PUT: &str = "
            INSERT INTO issuers AS held (id, name, national, publisher, share_permille, window_s, free, second_phone)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, publisher = excluded.publisher,
                share_permille = excluded.share_permille, window_s = excluded.window_s, free = excluded.free,
                second_phone = excluded.second_phone
            WHERE held.national = excluded.national";
        retried(|| async {
            let mut tx = self.begin().await?;
            let put = sqlx::query(PUT)
                .bind(i64::from(issuer.id.0))
                .bind(&issuer.name)
                .bind(i64::from(issuer.national.0))
                .bind(i64::from(issuer.publisher.0))
                .bind(i64::from(issuer.brake.share_permille))
                .bind(i64::from(issuer.brake.window_s))
                .bind(i64::from(issuer.brake.free))
                .bind(issuer.second_phone.slug())
                .execute(&mut *tx)
                .await?;
            if put.rows_affected() == 0 {
                return Err(Fault::other_national(issuer.id).into());
            }
            self.commit(tx, entry).await
        })
        .await
    }
}
