//! Credentials that were issued.

use async_trait::async_trait;
use hufu_registry::store::Credentials;
use hufu_registry::{Entry, Fault, IssuedCredential, ListedCredential, Phones};
use hufu_wire::{CodeKind, HolderIndex, IssuerId, KeyId, UnixSeconds};
use sqlx::postgres::PgRow;

use crate::fault::{Stop, fault, retried};
use crate::row::{Columns as _, at_most, damaged};
use crate::store::{PostgresStore, Tx};

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

/// Other phone credentials of the same holder and generation that go on beside a new one.
async fn phones(tx: &mut Tx, credential: &IssuedCredential) -> Result<Phones, Stop> {
    const PHONES: &str = "
        SELECT count(*) AS others, max(expires_s) AS until FROM credentials
        WHERE issuer = $1 AND holder = $2 AND kind = $3 AND generation = $4 AND expires_s > $5 AND digest <> $6";
    let Some(from) = credential.others_from() else { return Ok(Phones::default()) };
    let row = sqlx::query(PHONES)
        .bind(i64::from(credential.issuer.0))
        .bind(i64::from(credential.holder.0))
        .bind(CodeKind::Phone as i64)
        .bind(i64::from(credential.generation))
        .bind(i64::from(from.0))
        .bind(&credential.digest[..])
        .fetch_one(&mut **tx)
        .await?;
    Ok(Phones { others: row.number("others")?, until: row.number_or_none("until")?.map(UnixSeconds) })
}

#[async_trait]
impl Credentials for PostgresStore {
    async fn add_credential(
        &self,
        credential: &IssuedCredential,
        only_phone: bool,
        entry: &Entry,
    ) -> Result<Phones, Fault> {
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
            self.line(&mut tx, entry).await?;
            tx.commit().await?;
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
        query.fetch_all(&self.pool).await.map_err(fault)?.iter().map(listed).collect()
    }
}
