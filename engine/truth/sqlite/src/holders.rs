//! Holders.

use async_trait::async_trait;
use hufu_registry::store::{Holders, Resealed, Seal, big};
use hufu_registry::{Entry, Fault, Registered, StoredHolder, Subject};
use hufu_wire::{HolderIndex, IssuerId, StatusWord, UnixMillis};
use sqlx::{Executor, Sqlite};

use crate::issuers;
use crate::row::{all, change, one};
use crate::store::SqliteStore;

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
        const ADD: &str =
            "INSERT INTO holders (issuer, holder, subject, sealed, registered) VALUES (?, ?, ?, ?, ?)";
        const NEXT: &str = "UPDATE issuers SET next_holder = ? WHERE id = ?";
        let mut write = self.write().await?;
        let mut next = issuers::known(&mut write, issuer).await?.next_holder;
        let mut registered = Vec::with_capacity(subjects.len());
        for (nth, subject) in subjects.iter().enumerate() {
            if let Some(index) = find(&mut *write, issuer, *subject).await? {
                registered.push(Registered { index, known: true });
                continue;
            }
            let index = HolderIndex(u32::try_from(next).map_err(|_| Fault::no_more_holders(issuer))?);
            let add = sqlx::query(ADD).bind(issuer.0).bind(index.0).bind(subject.0.as_slice());
            change(&mut *write, add.bind(seal(nth, index)?).bind(big("now", now.0)?)).await?;
            registered.push(Registered { index, known: false });
            next += 1;
        }
        change(&mut *write, sqlx::query(NEXT).bind(big("holder", next)?).bind(issuer.0)).await?;
        self.commit(write, entry).await?;
        Ok(registered)
    }

    async fn holder(&self, issuer: IssuerId, index: HolderIndex) -> Result<Option<StoredHolder>, Fault> {
        let query = sqlx::query("SELECT * FROM holders WHERE issuer = ? AND holder = ?");
        one(&self.readers, query.bind(issuer.0).bind(index.0)).await
    }

    async fn find_holder(&self, issuer: IssuerId, subject: Subject) -> Result<Option<HolderIndex>, Fault> {
        find(&self.readers, issuer, subject).await
    }

    async fn holders(
        &self,
        issuer: IssuerId,
        after: Option<HolderIndex>,
        limit: u32,
    ) -> Result<Vec<StoredHolder>, Fault> {
        const PAGE: &str = "SELECT * FROM holders WHERE issuer = ? AND holder > ? ORDER BY holder LIMIT ?";
        let after = after.map_or(-1, |index| i64::from(index.0));
        all(&self.readers, sqlx::query(PAGE).bind(issuer.0).bind(after).bind(limit)).await
    }

    async fn reseal(&self, issuer: IssuerId, holders: &[Resealed], entry: &Entry) -> Result<u64, Fault> {
        const RESEAL: &str = "UPDATE holders SET sealed = ? WHERE issuer = ? AND holder = ? AND sealed = ?";
        let mut write = self.write().await?;
        let mut resealed = 0;
        for holder in holders {
            let reseal = sqlx::query(RESEAL).bind(&holder.sealed).bind(issuer.0);
            resealed += change(&mut *write, reseal.bind(holder.index.0).bind(&holder.was)).await?;
        }
        self.commit(write, entry).await?;
        Ok(resealed)
    }

    async fn status(&self, issuer: IssuerId, index: HolderIndex) -> Result<StatusWord, Fault> {
        let query = sqlx::query("SELECT word FROM statuses WHERE issuer = ? AND holder = ?");
        let word = one(&self.readers, query.bind(issuer.0).bind(index.0)).await?;
        Ok(word.unwrap_or(StatusWord::UNKNOWN))
    }
}

async fn find<'e>(
    from: impl Executor<'e, Database = Sqlite>,
    issuer: IssuerId,
    subject: Subject,
) -> Result<Option<HolderIndex>, Fault> {
    let query = sqlx::query("SELECT holder FROM holders WHERE issuer = ? AND subject = ?");
    one(from, query.bind(issuer.0).bind(subject.0.as_slice())).await
}
