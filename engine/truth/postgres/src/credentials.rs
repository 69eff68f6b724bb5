//! Credentials that were issued.

use async_trait::async_trait;
use hufu_registry::store::{CredentialRecords, Credentials, Kept, NewCredential, SoughtCredentials, at_most};
use hufu_registry::{Fault, IssuedCredential, ListedCredential, SecondPhone};
use hufu_wire::{CodeKind, HolderIndex, IssuerId};

use crate::fault::{TxFault, retried};
use crate::holders::numbers;
use crate::phones::note;
use crate::row::{all, one};
use crate::store::{PostgresStore, Tx};

#[async_trait]
impl Credentials for PostgresStore {
    async fn add_credentials(&self, adds: &[NewCredential]) -> Result<Kept, Fault> {
        retried(|| async {
            let mut tx = self.begin().await?;
            let mut records = CredentialRecords::default();
            for (issuer, sought) in SoughtCredentials::of(adds) {
                read(&mut tx, issuer, &sought, &mut records).await?;
            }
            let edit = records.decide(adds);
            if edit.new.is_empty() && edit.firsts.is_empty() {
                return Ok(edit.kept);
            }
            let credentials: Vec<_> = edit.new.iter().map(|new| &new.credential).collect();
            add(&mut tx, &credentials).await?;
            note(&mut tx, &edit.firsts).await?;
            let lines: Vec<_> = edit.new.iter().map(|new| &new.entry).collect();
            self.lines(&mut tx, &lines).await?;
            tx.commit().await?;
            Ok(edit.kept)
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

/// Locks the holders and reads what is sought of one issuer.
async fn read(
    tx: &mut Tx,
    issuer: IssuerId,
    sought: &SoughtCredentials,
    records: &mut CredentialRecords,
) -> Result<(), TxFault> {
    const SETTING: &str = "SELECT second_phone FROM issuers WHERE id = $1";
    const PHONES: &str = "
        SELECT holder, generation, expires_s, digest FROM credentials
        WHERE issuer = $1 AND holder = ANY($2) AND kind = 1 AND expires_s > $3";
    // The kind is a literal: so PostgreSQL takes the index of that kind alone.
    const _: () = assert!(CodeKind::Phone as u8 == 1);
    const RENEWED: &str = "
        SELECT holder, phone FROM phones WHERE issuer = $1 AND holder = ANY($2) AND renewed IS NOT NULL";
    let going_on = lock(tx, issuer, &sought.holders).await?;
    let (mut setting, mut phones) = (SecondPhone::Tell, Vec::new());
    if let Some(from) = sought.from {
        let found = one(&mut **tx, sqlx::query(SETTING).bind(i64::from(issuer.0))).await?;
        setting = found.ok_or_else(|| Fault::no_issuer(issuer))?;
        let query = sqlx::query(PHONES).bind(i64::from(issuer.0)).bind(numbers(&sought.phones));
        phones = all(&mut **tx, query.bind(i64::from(from.0))).await?;
    }
    records.take(issuer, setting, going_on, phones);
    if !sought.firsts.is_empty() {
        let query = sqlx::query(RENEWED).bind(i64::from(issuer.0)).bind(numbers(&sought.firsts));
        records.take_renewed(issuer, all(&mut **tx, query).await?);
    }
    Ok(())
}

/// Locks the rows of holders that were not joined into others, and answers which those are. Numbers of one holder are
/// given under this lock, so that a page never misses one that is committed late.
pub(crate) async fn lock(
    tx: &mut Tx,
    issuer: IssuerId,
    holders: &[HolderIndex],
) -> Result<Vec<HolderIndex>, TxFault> {
    const LOCK: &str = "
        SELECT holder FROM holders WHERE issuer = $1 AND holder = ANY($2) AND joined IS NULL
        ORDER BY holder FOR NO KEY UPDATE";
    all(&mut **tx, sqlx::query(LOCK).bind(i64::from(issuer.0)).bind(numbers(holders))).await
}

/// Writes down credentials of holders whose rows are locked; those of the same digest once.
pub(crate) async fn add(tx: &mut Tx, issued: &[&IssuedCredential]) -> Result<(), TxFault> {
    const ADD: &str = "
        INSERT INTO credentials (issuer, holder, kind, generation, issued_s, expires_s, key, digest)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (issuer, digest) DO NOTHING";
    let of = |number: fn(&IssuedCredential) -> i64| -> Vec<i64> {
        issued.iter().map(|credential| number(credential)).collect()
    };
    let keys: Vec<&[u8]> = issued.iter().map(|credential| &credential.key.0[..]).collect();
    let digests: Vec<&[u8]> = issued.iter().map(|credential| &credential.digest[..]).collect();
    sqlx::query(ADD)
        .bind(of(|credential| i64::from(credential.issuer.0)))
        .bind(of(|credential| i64::from(credential.holder.0)))
        .bind(of(|credential| credential.kind as i64))
        .bind(of(|credential| i64::from(credential.generation)))
        .bind(of(|credential| i64::from(credential.issued.0)))
        .bind(of(|credential| i64::from(credential.expires.0)))
        .bind(keys)
        .bind(digests)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
