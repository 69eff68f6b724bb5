//! Credentials that were issued.

use async_trait::async_trait;
use hufu_registry::store::{Credentials, at_most};
use hufu_registry::{Entry, Fault, IssuedCredential, ListedCredential, OtherPhones};
use hufu_wire::{CodeKind, HolderIndex, IssuerId};

use crate::fault::{TxFault, retried};
use crate::row::{all, one};
use crate::store::{PostgresStore, Tx};

/// Other phone credentials of the same holder and generation that go on beside a new one.
async fn phones(tx: &mut Tx, credential: &IssuedCredential) -> Result<OtherPhones, TxFault> {
    const PHONES: &str = "
        SELECT count(*) AS others, max(expires_s) AS until FROM credentials
        WHERE issuer = $1 AND holder = $2 AND kind = $3 AND generation = $4 AND expires_s > $5 AND digest <> $6";
    let Some(from) = credential.others_from() else { return Ok(OtherPhones::default()) };
    let query = sqlx::query(PHONES)
        .bind(i64::from(credential.issuer.0))
        .bind(i64::from(credential.holder.0))
        .bind(CodeKind::Phone as i64)
        .bind(i64::from(credential.generation))
        .bind(i64::from(from.0))
        .bind(&credential.digest[..]);
    Ok(one(&mut **tx, query).await?.unwrap_or_default())
}

#[async_trait]
impl Credentials for PostgresStore {
    async fn add_credential(
        &self,
        credential: &IssuedCredential,
        only_phone: bool,
        entry: &Entry,
    ) -> Result<OtherPhones, Fault> {
        // Numbers of one holder are given under the lock of the holder's row, so that a page never misses one that
        // is committed late.
        const LOCK: &str =
            "SELECT 1 FROM holders WHERE issuer = $1 AND holder = $2 AND joined IS NULL FOR NO KEY UPDATE";
        const ADD: &str = "
            INSERT INTO credentials (issuer, holder, kind, generation, issued_s, expires_s, key, digest)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (issuer, digest) DO NOTHING";
        let (issuer, holder) = (i64::from(credential.issuer.0), i64::from(credential.holder.0));
        retried(|| async {
            let mut tx = self.begin().await?;
            let locked = sqlx::query(LOCK).bind(issuer).bind(holder).fetch_optional(&mut *tx).await?;
            if locked.is_none() {
                return Err(Fault::no_holder(credential.issuer, credential.holder).into());
            }
            let phones = phones(&mut tx, credential).await?;
            if only_phone && phones.others > 0 {
                return Ok(phones);
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
            self.commit(tx, entry).await?;
            Ok(phones)
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
        Ok(all(&self.pool, query).await?)
    }
}
