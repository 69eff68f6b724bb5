//! Holders.

use async_trait::async_trait;
use hufu_registry::store::{Decide, FromColumns as _, Holders, Records, Sought, big};
use hufu_registry::{Entry, Fault, Lookup, Registered, StoredHolder};
use hufu_wire::{HolderIndex, IssuerId, StatusWord};
use sqlx::{Executor, Sqlite, SqliteConnection};

use crate::facts::look_again;
use crate::fault::fault;
use crate::issuers;
use crate::proposals::json;
use crate::row::{Row, all, change, exists, one};
use crate::store::SqliteStore;

#[async_trait]
impl Holders for SqliteStore {
    async fn edit_holders(
        &self,
        issuer: IssuerId,
        sought: &Sought<'_>,
        decide: &Decide<'_>,
        entry: &Entry,
    ) -> Result<Vec<Registered>, Fault> {
        const NEXT: &str = "UPDATE issuers SET next_holder = ? WHERE id = ?";
        let mut write = self.write().await?;
        let next = issuers::known(&mut write, issuer).await?.next_holder;
        let edit = decide(&records(&mut write, issuer, sought, next).await?)?;
        for holder in &edit.new {
            add(&mut write, issuer, holder).await?;
        }
        for holder in &edit.changed {
            put(&mut write, issuer, holder).await?;
        }
        let next = next.saturating_add(edit.new.len() as u64);
        change(&mut *write, sqlx::query(NEXT).bind(big("holder", next)?).bind(issuer.0)).await?;
        look_again(&mut write, issuer, &edit.again, entry.at).await?;
        self.commit(write, &edit.line(entry)).await?;
        Ok(edit.places)
    }

    async fn holder(&self, issuer: IssuerId, index: HolderIndex) -> Result<Option<StoredHolder>, Fault> {
        let query = sqlx::query("SELECT * FROM holders WHERE issuer = ? AND holder = ?");
        one(&self.readers, query.bind(issuer.0).bind(index.0)).await
    }

    async fn look(&self, issuer: IssuerId, holders: &[HolderIndex]) -> Result<Records, Fault> {
        const LOOK: &str = "
            SELECT h.* FROM json_each(?2) AS named CROSS JOIN holders AS h ON h.issuer = ?1 AND h.holder = named.value
            ORDER BY h.holder";
        // One transaction: records and words of one moment.
        let mut read = self.readers.begin().await.map_err(fault)?;
        let next = issuers::known(&mut read, issuer).await?.next_holder;
        let found = all(&mut *read, sqlx::query(LOOK).bind(issuer.0).bind(json(holders))).await?;
        Ok(Records { next, holders: found, words: words(&mut read, issuer, holders).await? })
    }

    async fn find_holders(&self, issuer: IssuerId, lookup: &Lookup) -> Result<Vec<StoredHolder>, Fault> {
        find(&self.readers, issuer, lookup).await
    }

    async fn joined_among(
        &self,
        issuer: IssuerId,
        holders: &[HolderIndex],
    ) -> Result<Vec<HolderIndex>, Fault> {
        let mut reader = self.readers.acquire().await.map_err(fault)?;
        joined(&mut reader, issuer, holders).await
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

    async fn status(&self, issuer: IssuerId, index: HolderIndex) -> Result<StatusWord, Fault> {
        let query = sqlx::query("SELECT word FROM statuses WHERE issuer = ? AND holder = ?");
        let word = one(&self.readers, query.bind(issuer.0).bind(index.0)).await?;
        Ok(word.unwrap_or(StatusWord::UNKNOWN))
    }
}

/// Who may be found by an id number, by rising index.
async fn find<'e>(
    from: impl Executor<'e, Database = Sqlite>,
    issuer: IssuerId,
    lookup: &Lookup,
) -> Result<Vec<StoredHolder>, Fault> {
    // Each by its own index: an OR, or two values in one IN, would read every holder of the issuer.
    const FIND: &str = "
        SELECT * FROM holders WHERE issuer = ?1 AND holder IN (
            SELECT holder FROM holders WHERE issuer = ?1 AND subject = ?2
            UNION ALL SELECT holder FROM holders WHERE issuer = ?1 AND subject = ?3
            UNION ALL SELECT holder FROM holders WHERE issuer = ?1 AND document = ?2
        ) ORDER BY holder";
    let query = sqlx::query(FIND).bind(issuer.0).bind(lookup.number.0.as_slice());
    all(from, query.bind(lookup.stateless.as_ref().map(|subject| subject.0.as_slice()))).await
}

/// What is sought, within a transaction that writes.
pub(crate) async fn records(
    write: &mut SqliteConnection,
    issuer: IssuerId,
    sought: &Sought<'_>,
    next: u64,
) -> Result<Records, Fault> {
    const BY_INDEX: &str = "
        SELECT * FROM holders WHERE issuer = ?1 AND holder IN (
            SELECT ?2 UNION ALL SELECT holder FROM holders WHERE issuer = ?1 AND joined = ?2
        )";
    const WORD: &str = "SELECT word FROM statuses WHERE issuer = ? AND holder = ?";
    let mut records = Records { next, holders: Vec::new(), words: Vec::new() };
    for lookup in sought.numbers {
        records.holders.extend(find(&mut *write, issuer, lookup).await?);
    }
    for index in sought.holders {
        let query = sqlx::query(BY_INDEX).bind(issuer.0).bind(index.0);
        let found: Vec<StoredHolder> = all(&mut *write, query).await?;
        records.holders.extend(found);
        let word = one(&mut *write, sqlx::query(WORD).bind(issuer.0).bind(index.0)).await?;
        records.words.extend(word.map(|word| (*index, word)));
    }
    records.words.sort_unstable_by_key(|(holder, _)| *holder);
    records.holders.sort_unstable_by_key(|holder| holder.index);
    records.holders.dedup_by_key(|holder| holder.index);
    Ok(records)
}

async fn add(write: &mut SqliteConnection, issuer: IssuerId, holder: &StoredHolder) -> Result<(), Fault> {
    const ADD: &str = "
        INSERT INTO holders (issuer, holder, subject, document, sealed, registered, joined)
        VALUES (?, ?, ?, ?, ?, ?, ?)";
    let add = sqlx::query(ADD)
        .bind(issuer.0)
        .bind(holder.index.0)
        .bind(holder.subject.0.as_slice())
        .bind(holder.document.as_ref().map(|document| document.0.as_slice()))
        .bind(&holder.sealed)
        .bind(big("registered", holder.registered.0)?)
        .bind(holder.joined.map(|index| index.0));
    change(write, add).await?;
    Ok(())
}

async fn put(write: &mut SqliteConnection, issuer: IssuerId, holder: &StoredHolder) -> Result<(), Fault> {
    const PUT: &str = "
        UPDATE holders SET subject = ?, document = ?, sealed = ?, joined = ? WHERE issuer = ? AND holder = ?";
    let put = sqlx::query(PUT)
        .bind(holder.subject.0.as_slice())
        .bind(holder.document.as_ref().map(|document| document.0.as_slice()))
        .bind(&holder.sealed)
        .bind(holder.joined.map(|index| index.0))
        .bind(issuer.0)
        .bind(holder.index.0);
    change(write, put).await?;
    Ok(())
}

/// The words of holders, as far as there are any, by rising index.
pub(crate) async fn words(
    at: &mut SqliteConnection,
    issuer: IssuerId,
    holders: &[HolderIndex],
) -> Result<Vec<(HolderIndex, StatusWord)>, Fault> {
    const WORDS: &str = "
        SELECT s.holder, s.word FROM json_each(?2) AS named
        CROSS JOIN statuses AS s ON s.issuer = ?1 AND s.holder = named.value ORDER BY s.holder";
    let rows = sqlx::query(WORDS).bind(issuer.0).bind(json(holders)).fetch_all(at).await.map_err(fault)?;
    rows.iter().map(Row).map(|row| Ok((HolderIndex::read(&row)?, StatusWord::read(&row)?))).collect()
}

/// Which of `holders` were joined into others.
pub(crate) async fn joined(
    at: &mut SqliteConnection,
    issuer: IssuerId,
    holders: &[HolderIndex],
) -> Result<Vec<HolderIndex>, Fault> {
    // Mostly none of an issuer's holders is joined: then none is looked up.
    const ANY: &str = "SELECT 1 FROM holders WHERE issuer = ? AND joined IS NOT NULL LIMIT 1";
    const AMONG: &str = "
        SELECT h.holder FROM json_each(?2) AS named
        CROSS JOIN holders AS h ON h.issuer = ?1 AND h.holder = named.value
        WHERE h.joined IS NOT NULL ORDER BY h.holder";
    if holders.is_empty() || !exists(&mut *at, sqlx::query(ANY).bind(issuer.0)).await? {
        return Ok(Vec::new());
    }
    all(at, sqlx::query(AMONG).bind(issuer.0).bind(json(holders))).await
}
