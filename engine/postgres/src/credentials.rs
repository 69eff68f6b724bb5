//! Credentials that were issued.

use async_trait::async_trait;
use hufu_registry::store::Credentials;
use hufu_registry::{Entry, Fault, IssuedCredential, ListedCredential};
use hufu_wire::{CodeKind, HolderIndex, IssuerId, KeyId, UnixSeconds};
use sqlx::postgres::PgRow;

use crate::fault::{fault, retried};
use crate::row::{Columns as _, at_most, damaged};
use crate::store::PostgresStore;
use crate::trail;

fn listed(row: &PgRow) -> Result<ListedCredential, Fault> {
    let kind = row.number("kind")?;
    let credential = IssuedCredential {
        issuer: IssuerId(row.number("issuer")?),
        holder: HolderIndex(row.number("holder")?),
        kind: kind_of(kind).ok_or_else(|| damaged("kind", kind))?,
        generation: row.number("generation")?,
        issued: UnixSeconds(row.number("issued_s")?),
        expires: UnixSeconds(row.number("expires_s")?),
        key: KeyId(row.array("key")?),
        digest: row.array("digest")?,
    };
    Ok(ListedCredential { number: row.number("number")?, credential })
}

fn kind_of(kind: i64) -> Option<CodeKind> {
    [CodeKind::Phone, CodeKind::Paper, CodeKind::Trip].into_iter().find(|&known| known as i64 == kind)
}

#[async_trait]
impl Credentials for PostgresStore {
    async fn add_credential(&self, credential: &IssuedCredential, entry: &Entry) -> Result<(), Fault> {
        // Numbers of one holder are given under the lock of the holder's row, so that a page never misses one that
        // is committed late.
        const LOCK: &str = "SELECT 1 FROM holders WHERE issuer = $1 AND holder = $2 FOR NO KEY UPDATE";
        const ADD: &str = "
            INSERT INTO credentials (issuer, holder, kind, generation, issued_s, expires_s, key, digest)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (issuer, digest) DO NOTHING";
        let (issuer, holder) = (i64::from(credential.issuer.0), i64::from(credential.holder.0));
        retried(|| async {
            let mut tx = self.begin().await?;
            let locked = sqlx::query(LOCK).bind(issuer).bind(holder).fetch_optional(&mut *tx).await?;
            if locked.is_none() {
                let said = format!("holder {} of issuer {}", credential.holder, credential.issuer);
                return Err(Fault::NotFound(said).into());
            }
            sqlx::query(ADD)
                .bind(issuer)
                .bind(holder)
                .bind(credential.kind as i64)
                .bind(i64::from(credential.generation))
                .bind(i64::from(credential.issued.0))
                .bind(i64::from(credential.expires.0))
                .bind(&credential.key.0[..])
                .bind(&credential.digest[..])
                .execute(&mut *tx)
                .await?;
            trail::write(&mut tx, entry).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn credentials(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ListedCredential>, Fault> {
        const PAGE: &str = "
            SELECT * FROM credentials WHERE issuer = $1 AND holder = $2 AND number > $3 ORDER BY number LIMIT $4";
        let query = sqlx::query(PAGE).bind(i64::from(issuer.0)).bind(i64::from(holder.0));
        let query = query.bind(at_most(after)).bind(i64::from(limit));
        query.fetch_all(&self.pool).await.map_err(fault)?.iter().map(listed).collect()
    }
}
