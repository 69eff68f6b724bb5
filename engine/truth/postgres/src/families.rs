//! Relatives who are bound to users.

use async_trait::async_trait;
use hufu_registry::store::{DecideFamily, FamilyBindings, FamilyRecords, FamilySought, Sought, at_most, big};
use hufu_registry::{BindingId, Entry, Fault, Side, StoredBinding};
use hufu_wire::{HolderIndex, IssuerId};

use crate::fault::{TxFault, retried};
use crate::holders::records;
use crate::issuers::lock;
use crate::row::{all, one};
use crate::store::{PostgresStore, Tx};

/// A binding with the records of both sides that go on.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT b.*, COALESCE(u.joined, u.holder) AS applicant_place, COALESCE(r.joined, r.holder) AS relative_place
             FROM bindings AS b
             JOIN holders AS u ON u.issuer = b.issuer AND u.holder = b.applicant
             JOIN holders AS r ON r.issuer = b.issuer AND r.holder = b.relative ",
            $rest
        )
    };
}

const ONE: &str = select!("WHERE b.issuer = $1 AND b.id = $2");
const PAGE: &str = select!("WHERE b.issuer = $1 AND b.id > $2 ORDER BY b.id LIMIT $3");
const OF_USER: &str = select!(
    "WHERE b.issuer = $1 AND b.id > $3 AND b.applicant IN (
        SELECT $2 UNION ALL SELECT holder FROM holders WHERE issuer = $1 AND joined = $2
     ) ORDER BY b.id LIMIT $4"
);
const OF_RELATIVE: &str = select!(
    "WHERE b.issuer = $1 AND b.id > $3 AND b.relative IN (
        SELECT $2 UNION ALL SELECT holder FROM holders WHERE issuer = $1 AND joined = $2
     ) ORDER BY b.id LIMIT $4"
);

#[async_trait]
impl FamilyBindings for PostgresStore {
    async fn edit_families(
        &self,
        issuer: IssuerId,
        sought: &FamilySought<'_>,
        decide: &DecideFamily<'_>,
        entry: &Entry,
    ) -> Result<BindingId, Fault> {
        const END: &str = "UPDATE bindings SET ended = $1, ended_by = $2 WHERE issuer = $3 AND id = $4";
        retried(|| async {
            let mut tx = self.begin().await?;
            let next = lock(&mut tx, issuer).await?.next_holder;
            let people = Sought { numbers: &[], holders: sought.holders };
            let holders = records(&mut tx, issuer, &people, next).await?.holders;
            let (next, bindings) = (next_id(&mut tx, issuer).await?, found(&mut tx, issuer, sought).await?);
            let edit = decide(&FamilyRecords { next, holders, bindings })?;
            if let Some(binding) = &edit.new {
                add(&mut tx, issuer, binding).await?;
            }
            if let Some((at, by)) = edit.ended {
                let end = sqlx::query(END).bind(big("ended", at.0)?).bind(by.slug());
                end.bind(i64::from(issuer.0)).bind(at_most(edit.id.0)).execute(&mut *tx).await?;
            }
            self.commit(tx, &edit.line(entry)).await?;
            Ok(edit.id)
        })
        .await
    }

    async fn binding(&self, issuer: IssuerId, id: BindingId) -> Result<Option<StoredBinding>, Fault> {
        Ok(one(&self.pool, sqlx::query(ONE).bind(i64::from(issuer.0)).bind(at_most(id.0))).await?)
    }

    async fn bindings_of(
        &self,
        issuer: IssuerId,
        (side, holder): (Side, HolderIndex),
        after: BindingId,
        limit: u32,
    ) -> Result<Vec<StoredBinding>, Fault> {
        let query = match side {
            Side::User => sqlx::query(OF_USER),
            Side::Relative => sqlx::query(OF_RELATIVE),
        };
        let query = query.bind(i64::from(issuer.0)).bind(i64::from(holder.0)).bind(at_most(after.0));
        Ok(all(&self.pool, query.bind(i64::from(limit))).await?)
    }

    async fn bindings(
        &self,
        issuer: IssuerId,
        after: BindingId,
        limit: u32,
    ) -> Result<Vec<StoredBinding>, Fault> {
        let query = sqlx::query(PAGE).bind(i64::from(issuer.0)).bind(at_most(after.0)).bind(i64::from(limit));
        Ok(all(&self.pool, query).await?)
    }
}

/// The number after the last one's.
async fn next_id(tx: &mut Tx, issuer: IssuerId) -> Result<BindingId, TxFault> {
    const NEXT: &str = "SELECT COALESCE(MAX(id), 0) + 1 FROM bindings WHERE issuer = $1";
    let next: i64 = sqlx::query_scalar(NEXT).bind(i64::from(issuer.0)).fetch_one(&mut **tx).await?;
    Ok(BindingId(next.cast_unsigned()))
}

/// What is sought, within a transaction that has the issuer's lock.
async fn found(
    tx: &mut Tx,
    issuer: IssuerId,
    sought: &FamilySought<'_>,
) -> Result<Vec<StoredBinding>, TxFault> {
    let mut bindings: Vec<StoredBinding> = Vec::new();
    for holder in sought.holders {
        for side in [OF_USER, OF_RELATIVE] {
            let query = sqlx::query(side).bind(i64::from(issuer.0)).bind(i64::from(holder.0));
            let found: Vec<StoredBinding> = all(&mut **tx, query.bind(0_i64).bind(i64::MAX)).await?;
            bindings.extend(found);
        }
    }
    if let Some(id) = sought.binding {
        let query = sqlx::query(ONE).bind(i64::from(issuer.0)).bind(at_most(id.0));
        let found: Option<StoredBinding> = one(&mut **tx, query).await?;
        bindings.extend(found);
    }
    bindings.sort_unstable_by_key(|binding| binding.id);
    bindings.dedup_by_key(|binding| binding.id);
    Ok(bindings)
}

async fn add(tx: &mut Tx, issuer: IssuerId, binding: &StoredBinding) -> Result<(), TxFault> {
    const ADD: &str = "
        INSERT INTO bindings (issuer, id, applicant, relative, made, until_ms, sealed)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let until = binding.until.map(|until| big("until", until.0)).transpose()?;
    let add = sqlx::query(ADD)
        .bind(i64::from(issuer.0))
        .bind(big("binding", binding.id.0)?)
        .bind(i64::from(binding.user.0))
        .bind(i64::from(binding.relative.0))
        .bind(big("made", binding.made.0)?)
        .bind(until)
        .bind(&binding.sealed);
    add.execute(&mut **tx).await?;
    Ok(())
}
