//! Issued credentials.

use async_trait::async_trait;
use hufu_registry::store::Credentials;
use hufu_registry::{Entry, Fault, IssuedCredential, ListedCredential, Phones};
use hufu_wire::{CodeKind, HolderIndex, IssuerId, KeyId, UnixSeconds};

use sqlx::SqliteConnection;

use crate::SqliteStore;
use crate::fault::fault;
use crate::values::{at_most, bytes, number};

/// The columns of a [`ListedCredential`].
type Row = (i64, i64, i64, i64, i64, Vec<u8>, Vec<u8>);

#[async_trait]
impl Credentials for SqliteStore {
    async fn add_credential(
        &self,
        credential: &IssuedCredential,
        only_phone: bool,
        entry: &Entry,
    ) -> Result<Phones, Fault> {
        let mut write = self.write().await?;
        let IssuedCredential { issuer, holder, .. } = *credential;
        let is_here: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM holders WHERE issuer = ? AND holder = ?")
                .bind(issuer.0)
                .bind(holder.0)
                .fetch_optional(&mut *write)
                .await
                .map_err(fault)?;
        is_here.ok_or_else(|| Fault::NotFound(format!("holder {holder} of issuer {issuer}")))?;
        let phones = phones(&mut write, credential).await?;
        if only_phone && phones.others > 0 {
            return Ok(phones);
        }
        sqlx::query(
            "INSERT INTO credentials (issuer, holder, kind, generation, issued_s, expires_s, key, digest) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (issuer, digest) DO NOTHING",
        )
        .bind(issuer.0)
        .bind(holder.0)
        .bind(credential.kind as u8)
        .bind(credential.generation)
        .bind(credential.issued.0)
        .bind(credential.expires.0)
        .bind(credential.key.0.as_slice())
        .bind(credential.digest.as_slice())
        .execute(&mut *write)
        .await
        .map_err(fault)?;
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)?;
        Ok(phones)
    }

    async fn credentials(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ListedCredential>, Fault> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT number, kind, generation, issued_s, expires_s, key, digest FROM credentials \
             WHERE issuer = ? AND holder = ? AND number > ? ORDER BY number LIMIT ?",
        )
        .bind(issuer.0)
        .bind(holder.0)
        .bind(at_most(after))
        .bind(limit)
        .fetch_all(&self.readers)
        .await
        .map_err(fault)?;
        rows.into_iter().map(|row| read(issuer, holder, row)).collect()
    }
}

/// Other phone credentials of the same holder and generation that go on beside a new one.
async fn phones(write: &mut SqliteConnection, credential: &IssuedCredential) -> Result<Phones, Fault> {
    let Some(from) = credential.others_from() else { return Ok(Phones::default()) };
    let (others, until): (i64, Option<i64>) = sqlx::query_as(
        "SELECT COUNT(*), MAX(expires_s) FROM credentials \
         WHERE issuer = ? AND holder = ? AND kind = ? AND generation = ? AND expires_s > ? AND digest <> ?",
    )
    .bind(credential.issuer.0)
    .bind(credential.holder.0)
    .bind(CodeKind::Phone as u8)
    .bind(credential.generation)
    .bind(from.0)
    .bind(credential.digest.as_slice())
    .fetch_one(write)
    .await
    .map_err(fault)?;
    let until = until.map(|until| number("expires_s", until).map(UnixSeconds)).transpose()?;
    Ok(Phones { others: number("others", others)?, until })
}

fn read(issuer: IssuerId, holder: HolderIndex, row: Row) -> Result<ListedCredential, Fault> {
    let (place, kind, generation, issued, expires, key, digest) = row;
    let unknown = || Fault::Damaged(format!("kind is {kind}, which nothing writes"));
    let credential = IssuedCredential {
        issuer,
        holder,
        kind: CodeKind::from_byte(number("kind", kind)?).ok_or_else(unknown)?,
        generation: number("generation", generation)?,
        issued: UnixSeconds(number("issued_s", issued)?),
        expires: UnixSeconds(number("expires_s", expires)?),
        key: KeyId(bytes("key", &key)?),
        digest: bytes("digest", &digest)?,
    };
    Ok(ListedCredential { number: number("number", place)?, credential })
}
