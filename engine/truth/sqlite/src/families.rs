//! Relatives who are bound to users.

use async_trait::async_trait;
use hufu_registry::store::{DecideFamily, FamilyBindings, FamilyRecords, FamilySought, Sought, at_most, big};
use hufu_registry::{BindingId, Entry, Fault, Side, StoredBinding};
use hufu_wire::{HolderIndex, IssuerId};
use sqlx::SqliteConnection;

use crate::fault::fault;
use crate::holders::records;
use crate::issuers;
use crate::row::{all, change, one};
use crate::store::SqliteStore;

/// A binding with the records of both sides that go on.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT b.*, COALESCE(u.joined, u.holder) AS applicant_place, COALESCE(r.joined, r.holder) AS relative_place
             FROM bindings AS b
             CROSS JOIN holders AS u ON u.issuer = b.issuer AND u.holder = b.applicant
             CROSS JOIN holders AS r ON r.issuer = b.issuer AND r.holder = b.relative ",
            $rest
        )
    };
}

const ONE: &str = select!("WHERE b.issuer = ? AND b.id = ?");
const PAGE: &str = select!("WHERE b.issuer = ? AND b.id > ? ORDER BY b.id LIMIT ?");
const OF_USER: &str = select!(
    "WHERE b.issuer = ?1 AND b.id > ?3 AND b.applicant IN (
        SELECT ?2 UNION ALL SELECT holder FROM holders WHERE issuer = ?1 AND joined = ?2
     ) ORDER BY b.id LIMIT ?4"
);
const OF_RELATIVE: &str = select!(
    "WHERE b.issuer = ?1 AND b.id > ?3 AND b.relative IN (
        SELECT ?2 UNION ALL SELECT holder FROM holders WHERE issuer = ?1 AND joined = ?2
     ) ORDER BY b.id LIMIT ?4"
);

#[async_trait]
impl FamilyBindings for SqliteStore {
    async fn edit_families(
        &self,
        issuer: IssuerId,
        sought: &FamilySought<'_>,
        decide: &DecideFamily<'_>,
        entry: &Entry,
    ) -> Result<BindingId, Fault> {
        const END: &str = "UPDATE bindings SET ended = ?, ended_by = ? WHERE issuer = ? AND id = ?";
        let mut write = self.write().await?;
        let next = issuers::known(&mut write, issuer).await?.next_holder;
        let people = Sought { numbers: &[], holders: sought.holders };
        let holders = records(&mut write, issuer, &people, next).await?.holders;
        let (next, bindings) = (next_id(&mut write, issuer).await?, found(&mut write, issuer, sought).await?);
        let edit = decide(&FamilyRecords { next, holders, bindings })?;
        if let Some(binding) = &edit.new {
            add(&mut write, issuer, binding).await?;
        }
        if let Some((at, by)) = edit.ended {
            let end = sqlx::query(END).bind(big("ended", at.0)?).bind(by.slug());
            change(&mut *write, end.bind(issuer.0).bind(at_most(edit.id.0))).await?;
        }
        self.commit(write, &edit.line(entry)).await?;
        Ok(edit.id)
    }

    async fn binding(&self, issuer: IssuerId, id: BindingId) -> Result<Option<StoredBinding>, Fault> {
        one(&self.readers, sqlx::query(ONE).bind(issuer.0).bind(at_most(id.0))).await
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
        let query = query.bind(issuer.0).bind(holder.0).bind(at_most(after.0));
        all(&self.readers, query.bind(limit)).await
    }

    async fn bindings(
        &self,
        issuer: IssuerId,
        after: BindingId,
        limit: u32,
    ) -> Result<Vec<StoredBinding>, Fault> {
        let query = sqlx::query(PAGE).bind(issuer.0).bind(at_most(after.0)).bind(limit);
        all(&self.readers, query).await
    }
}

/// The number after the last one's.
async fn next_id(write: &mut SqliteConnection, issuer: IssuerId) -> Result<BindingId, Fault> {
    const NEXT: &str = "SELECT COALESCE(MAX(id), 0) + 1 FROM bindings WHERE issuer = ?";
    let next: i64 = sqlx::query_scalar(NEXT).bind(issuer.0).fetch_one(write).await.map_err(fault)?;
    Ok(BindingId(next.cast_unsigned()))
}

/// What is sought, within a transaction that writes.
async fn found(
    write: &mut SqliteConnection,
    issuer: IssuerId,
    sought: &FamilySought<'_>,
) -> Result<Vec<StoredBinding>, Fault> {
    let mut bindings: Vec<StoredBinding> = Vec::new();
    for holder in sought.holders {
        for side in [OF_USER, OF_RELATIVE] {
            let query = sqlx::query(side).bind(issuer.0).bind(holder.0).bind(0).bind(i64::MAX);
            let found: Vec<StoredBinding> = all(&mut *write, query).await?;
            bindings.extend(found);
        }
    }
    if let Some(id) = sought.binding {
        let query = sqlx::query(ONE).bind(issuer.0).bind(at_most(id.0));
        let found: Option<StoredBinding> = one(&mut *write, query).await?;
        bindings.extend(found);
    }
    bindings.sort_unstable_by_key(|binding| binding.id);
    bindings.dedup_by_key(|binding| binding.id);
    Ok(bindings)
}

async fn add(write: &mut SqliteConnection, issuer: IssuerId, binding: &StoredBinding) -> Result<(), Fault> {
    const ADD: &str = "
        INSERT INTO bindings (issuer, id, applicant, relative, made, until_ms, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let add = sqlx::query(ADD)
        .bind(issuer.0)
        .bind(big("binding", binding.id.0)?)
        .bind(binding.user.0)
        .bind(binding.relative.0)
        .bind(big("made", binding.made.0)?)
        .bind(binding.until.map(|until| big("until", until.0)).transpose()?)
        .bind(&binding.sealed);
    change(write, add).await?;
    Ok(())
}
