//! Issued credentials.

use async_trait::async_trait;
use hufu_registry::store::{Credentials, at_most};
use hufu_registry::{Entry, Fault, IssuedCredential, ListedCredential, OtherPhones};
use hufu_wire::{CodeKind, HolderIndex, IssuerId};
use sqlx::SqliteConnection;

use crate::row::{all, change, exists, one};
use crate::store::SqliteStore;

#[async_trait]
impl Credentials for SqliteStore {
    async fn add_credential(
        &self,
        credential: &IssuedCredential,
        only_phone: bool,
        entry: &Entry,
    ) -> Result<OtherPhones, Fault> {
        const HOLDER: &str = "SELECT 1 FROM holders WHERE issuer = ? AND holder = ? AND joined IS NULL";
        let mut write = self.write().await?;
        let IssuedCredential { issuer, holder, .. } = *credential;
        if !exists(&mut *write, sqlx::query(HOLDER).bind(issuer.0).bind(holder.0)).await? {
            return Err(Fault::no_holder(issuer, holder));
        }
        let phones = phones(&mut write, credential).await?;
        if only_phone && phones.others > 0 {
            return Ok(phones);
        }
        add(&mut write, credential).await?;
        self.commit(write, entry).await?;
        Ok(phones)
    }

    async fn credentials(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ListedCredential>, Fault> {
        const PAGE: &str = "
            SELECT * FROM credentials WHERE issuer = ? AND holder = ? AND number > ? ORDER BY number LIMIT ?";
        let query = sqlx::query(PAGE).bind(issuer.0).bind(holder.0).bind(at_most(after)).bind(limit);
        all(&self.readers, query).await
    }
}

/// Writes down a credential; one of the same digest once.
pub(crate) async fn add(write: &mut SqliteConnection, credential: &IssuedCredential) -> Result<(), Fault> {
    const ADD: &str = "
        INSERT INTO credentials (issuer, holder, kind, generation, issued_s, expires_s, key, digest)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (issuer, digest) DO NOTHING";
    let add = sqlx::query(ADD)
        .bind(credential.issuer.0)
        .bind(credential.holder.0)
        .bind(credential.kind as u8)
        .bind(credential.generation)
        .bind(credential.issued.0)
        .bind(credential.expires.0)
        .bind(credential.key.0.as_slice())
        .bind(credential.digest.as_slice());
    change(write, add).await?;
    Ok(())
}

/// Other phone credentials of the same holder and generation that go on beside a new one.
async fn phones(write: &mut SqliteConnection, credential: &IssuedCredential) -> Result<OtherPhones, Fault> {
    const PHONES: &str = "
        SELECT COUNT(*) AS others, MAX(expires_s) AS until FROM credentials
        WHERE issuer = ? AND holder = ? AND kind = ? AND generation = ? AND expires_s > ? AND digest <> ?";
    let Some(from) = credential.others_from() else { return Ok(OtherPhones::default()) };
    let query = sqlx::query(PHONES)
        .bind(credential.issuer.0)
        .bind(credential.holder.0)
        .bind(CodeKind::Phone as u8)
        .bind(credential.generation)
        .bind(from.0)
        .bind(credential.digest.as_slice());
    Ok(one(write, query).await?.unwrap_or_default())
}
