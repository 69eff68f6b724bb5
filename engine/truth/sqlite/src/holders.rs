//! Holders.

use async_trait::async_trait;
use hufu_registry::store::{Holders, Resealed, Seal};
use hufu_registry::{Entry, Fault, Registered, StoredHolder, Subject};
use hufu_wire::{HolderIndex, IssuerId, StatusWord, UnixMillis};
use sqlx::SqliteConnection;

use crate::SqliteStore;
use crate::fault::fault;
use crate::values::{bytes, ms, number, time};

/// The columns of a [`StoredHolder`].
type Row = (i64, Vec<u8>, Vec<u8>, i64);

#[async_trait]
impl Holders for SqliteStore {
    async fn add_holders(
        &self,
        issuer: IssuerId,
        subjects: &[Subject],
        seal: &Seal<'_>,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Vec<Registered>, Fault> {
        let mut write = self.write().await?;
        let next: Option<i64> = sqlx::query_scalar("SELECT next_holder FROM issuers WHERE issuer = ?")
            .bind(issuer.0)
            .fetch_optional(&mut *write)
            .await
            .map_err(fault)?;
        let mut next: u64 = number("next_holder", next.ok_or_else(|| no_issuer(issuer))?)?;
        let mut registered = Vec::with_capacity(subjects.len());
        for (nth, subject) in subjects.iter().enumerate() {
            if let Some(index) = find(&mut write, issuer, *subject).await? {
                registered.push(Registered { index, known: true });
                continue;
            }
            let full =
                || Fault::Full(format!("issuer {issuer} has given its last index: found another issuer"));
            let index = HolderIndex(u32::try_from(next).map_err(|_| full())?);
            sqlx::query(
                "INSERT INTO holders (issuer, holder, subject, sealed, registered_ms) VALUES (?, ?, ?, ?, ?)",
            )
            .bind(issuer.0)
            .bind(index.0)
            .bind(subject.0.as_slice())
            .bind(seal(nth, index)?)
            .bind(ms(now))
            .execute(&mut *write)
            .await
            .map_err(fault)?;
            registered.push(Registered { index, known: false });
            next += 1;
        }
        sqlx::query("UPDATE issuers SET next_holder = ? WHERE issuer = ?")
            .bind(next.cast_signed())
            .bind(issuer.0)
            .execute(&mut *write)
            .await
            .map_err(fault)?;
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)?;
        Ok(registered)
    }

    async fn holder(&self, issuer: IssuerId, index: HolderIndex) -> Result<Option<StoredHolder>, Fault> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT holder, subject, sealed, registered_ms FROM holders WHERE issuer = ? AND holder = ?",
        )
        .bind(issuer.0)
        .bind(index.0)
        .fetch_optional(&self.readers)
        .await
        .map_err(fault)?;
        row.map(read).transpose()
    }

    async fn find_holder(&self, issuer: IssuerId, subject: Subject) -> Result<Option<HolderIndex>, Fault> {
        let mut reader = self.readers.acquire().await.map_err(fault)?;
        find(&mut reader, issuer, subject).await
    }

    async fn holders(
        &self,
        issuer: IssuerId,
        after: Option<HolderIndex>,
        limit: u32,
    ) -> Result<Vec<StoredHolder>, Fault> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT holder, subject, sealed, registered_ms FROM holders WHERE issuer = ? AND holder > ? \
             ORDER BY holder LIMIT ?",
        )
        .bind(issuer.0)
        .bind(after.map_or(-1, |index| i64::from(index.0)))
        .bind(limit)
        .fetch_all(&self.readers)
        .await
        .map_err(fault)?;
        rows.into_iter().map(read).collect()
    }

    async fn reseal(&self, issuer: IssuerId, holders: &[Resealed], entry: &Entry) -> Result<u64, Fault> {
        let mut write = self.write().await?;
        let mut resealed = 0;
        for holder in holders {
            let done =
                sqlx::query("UPDATE holders SET sealed = ? WHERE issuer = ? AND holder = ? AND sealed = ?")
                    .bind(&holder.sealed)
                    .bind(issuer.0)
                    .bind(holder.index.0)
                    .bind(&holder.was)
                    .execute(&mut *write)
                    .await
                    .map_err(fault)?;
            resealed += done.rows_affected();
        }
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)?;
        Ok(resealed)
    }

    async fn status(&self, issuer: IssuerId, index: HolderIndex) -> Result<StatusWord, Fault> {
        let word: Option<i64> =
            sqlx::query_scalar("SELECT word FROM statuses WHERE issuer = ? AND holder = ?")
                .bind(issuer.0)
                .bind(index.0)
                .fetch_optional(&self.readers)
                .await
                .map_err(fault)?;
        Ok(StatusWord::from_bits(word.unwrap_or(0).cast_unsigned()))
    }
}

async fn find(
    at: &mut SqliteConnection,
    issuer: IssuerId,
    subject: Subject,
) -> Result<Option<HolderIndex>, Fault> {
    let index: Option<i64> =
        sqlx::query_scalar("SELECT holder FROM holders WHERE issuer = ? AND subject = ?")
            .bind(issuer.0)
            .bind(subject.0.as_slice())
            .fetch_optional(at)
            .await
            .map_err(fault)?;
    index.map(|index| number("holder", index).map(HolderIndex)).transpose()
}

fn read((index, subject, sealed, registered): Row) -> Result<StoredHolder, Fault> {
    Ok(StoredHolder {
        index: HolderIndex(number("holder", index)?),
        subject: Subject(bytes("subject", &subject)?),
        sealed,
        registered: time(registered),
    })
}

pub(crate) fn no_issuer(issuer: IssuerId) -> Fault {
    Fault::NotFound(format!("issuer {issuer}"))
}
