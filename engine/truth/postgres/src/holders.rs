//! Holders: who is registered, and the word the chain gave them.

use std::collections::HashMap;

use async_trait::async_trait;
use hufu_registry::store::{Columns as _, FromColumns as _, Holders, Resealed, Seal, big};
use hufu_registry::{Entry, Fault, Registered, StoredHolder, Subject};
use hufu_wire::{HolderIndex, IssuerId, StatusWord, UnixMillis};

use crate::fault::{TxFault, retried};
use crate::issuers::lock;
use crate::row::{Row, all, one};
use crate::store::{PostgresStore, Tx};

/// Which of `subjects` are registered, and where.
async fn known(
    tx: &mut Tx,
    issuer: IssuerId,
    subjects: &[Subject],
) -> Result<HashMap<[u8; 32], HolderIndex>, TxFault> {
    const KNOWN: &str = "SELECT subject, holder FROM holders WHERE issuer = $1 AND subject = ANY($2)";
    let subjects: Vec<&[u8]> = subjects.iter().map(|subject| &subject.0[..]).collect();
    let rows = sqlx::query(KNOWN).bind(i64::from(issuer.0)).bind(subjects).fetch_all(&mut **tx).await?;
    let known = rows.iter().map(Row).map(|row| Ok((row.array("subject")?, HolderIndex::read(&row)?)));
    Ok(known.collect::<Result<_, Fault>>()?)
}

/// Holders to be written, column by column.
#[derive(Default)]
struct New<'s> {
    indices: Vec<i64>,
    subjects: Vec<&'s [u8]>,
    sealed: Vec<Vec<u8>>,
}

#[async_trait]
impl Holders for PostgresStore {
    async fn add_holders(
        &self,
        issuer: IssuerId,
        subjects: &[Subject],
        seal: &Seal<'_>,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Vec<Registered>, Fault> {
        const ADD: &str = "
            INSERT INTO holders (issuer, holder, subject, sealed, registered)
            SELECT $1, new.holder, new.subject, new.sealed, $5
            FROM unnest($2, $3, $4) AS new (holder, subject, sealed)";
        const NEXT: &str = "UPDATE issuers SET next_holder = $2 WHERE id = $1";
        retried(|| async {
            let mut tx = self.begin().await?;
            let mut next = lock(&mut tx, issuer).await?.next_holder;
            let mut places = known(&mut tx, issuer, subjects).await?;
            let mut new = New::default();
            let mut registered = Vec::with_capacity(subjects.len());
            for (nth, subject) in subjects.iter().enumerate() {
                if let Some(&index) = places.get(&subject.0) {
                    registered.push(Registered { index, known: true });
                    continue;
                }
                let index = HolderIndex(u32::try_from(next).map_err(|_| Fault::no_more_holders(issuer))?);
                next += 1;
                new.indices.push(i64::from(index.0));
                new.subjects.push(&subject.0);
                new.sealed.push(seal(nth, index)?);
                places.insert(subject.0, index);
                registered.push(Registered { index, known: false });
            }
            let add = sqlx::query(ADD).bind(i64::from(issuer.0)).bind(new.indices).bind(new.subjects);
            add.bind(new.sealed).bind(big("now", now.0)?).execute(&mut *tx).await?;
            sqlx::query(NEXT).bind(i64::from(issuer.0)).bind(big("holder", next)?).execute(&mut *tx).await?;
            self.commit(tx, entry).await?;
            Ok(registered)
        })
        .await
    }

    async fn holder(&self, issuer: IssuerId, index: HolderIndex) -> Result<Option<StoredHolder>, Fault> {
        let query = sqlx::query("SELECT * FROM holders WHERE issuer = $1 AND holder = $2");
        let query = query.bind(i64::from(issuer.0)).bind(i64::from(index.0));
        Ok(one(&self.pool, query).await?)
    }

    async fn find_holder(&self, issuer: IssuerId, subject: Subject) -> Result<Option<HolderIndex>, Fault> {
        let query = sqlx::query("SELECT holder FROM holders WHERE issuer = $1 AND subject = $2");
        let query = query.bind(i64::from(issuer.0)).bind(&subject.0[..]);
        Ok(one(&self.pool, query).await?)
    }

    async fn holders(
        &self,
        issuer: IssuerId,
        after: Option<HolderIndex>,
        limit: u32,
    ) -> Result<Vec<StoredHolder>, Fault> {
        const PAGE: &str = "SELECT * FROM holders WHERE issuer = $1 AND holder > $2 ORDER BY holder LIMIT $3";
        let after = after.map_or(-1, |after| i64::from(after.0));
        let query = sqlx::query(PAGE).bind(i64::from(issuer.0)).bind(after).bind(i64::from(limit));
        Ok(all(&self.pool, query).await?)
    }

    async fn reseal(&self, issuer: IssuerId, holders: &[Resealed], entry: &Entry) -> Result<u64, Fault> {
        const RESEAL: &str = "
            UPDATE holders SET sealed = new.sealed
            FROM unnest($2, $3, $4) AS new (holder, was, sealed)
            WHERE holders.issuer = $1 AND holders.holder = new.holder AND holders.sealed = new.was";
        let indices: Vec<i64> = holders.iter().map(|holder| i64::from(holder.index.0)).collect();
        let was: Vec<&[u8]> = holders.iter().map(|holder| &holder.was[..]).collect();
        let sealed: Vec<&[u8]> = holders.iter().map(|holder| &holder.sealed[..]).collect();
        retried(|| async {
            let mut tx = self.begin().await?;
            let reseal =
                sqlx::query(RESEAL).bind(i64::from(issuer.0)).bind(&indices).bind(&was).bind(&sealed);
            let resealed = reseal.execute(&mut *tx).await?.rows_affected();
            self.commit(tx, entry).await?;
            Ok(resealed)
        })
        .await
    }

    async fn status(&self, issuer: IssuerId, index: HolderIndex) -> Result<StatusWord, Fault> {
        let query = sqlx::query("SELECT word FROM statuses WHERE issuer = $1 AND holder = $2");
        let query = query.bind(i64::from(issuer.0)).bind(i64::from(index.0));
        Ok(one(&self.pool, query).await?.unwrap_or(StatusWord::UNKNOWN))
    }
}
