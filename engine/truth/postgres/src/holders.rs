//! Holders: who is registered, and the word the chain gave them.

use async_trait::async_trait;
use hufu_registry::store::{Decide, FromColumns as _, Holders, IssuerRow, Records, Sought, big};
use hufu_registry::{Entry, Fault, Lookup, Registered, StoredHolder};
use hufu_wire::{HolderIndex, IssuerId, StatusWord};
use sqlx::{Executor, Postgres};

use crate::facts::look_again;
use crate::fault::{TxFault, retried};
use crate::issuers::lock;
use crate::row::{Row, all, one};
use crate::store::{PostgresStore, Tx};

/// Who may be found by these id numbers. One statement, whatever their number.
const FIND: &str = "
    SELECT * FROM holders WHERE issuer = $1 AND (subject = ANY($2) OR document = ANY($3)) ORDER BY holder";

/// The digests of lookups: those that subjects may be, and those that documents may be.
fn digests(lookups: &[Lookup]) -> (Vec<&[u8]>, Vec<&[u8]>) {
    let numbers: Vec<&[u8]> = lookups.iter().map(|lookup| &lookup.number.0[..]).collect();
    let stateless = lookups.iter().filter_map(|lookup| Some(&lookup.stateless.as_ref()?.0[..]));
    (numbers.iter().copied().chain(stateless).collect(), numbers)
}

/// What is sought, within a transaction that has the issuer's lock.
pub(crate) async fn records(
    tx: &mut Tx,
    issuer: IssuerId,
    sought: &Sought<'_>,
    next: u64,
) -> Result<Records, TxFault> {
    const BY_INDEX: &str =
        "SELECT * FROM holders WHERE issuer = $1 AND (holder = ANY($2) OR joined = ANY($2))";
    let mut records = Records { next, holders: Vec::new(), words: Vec::new() };
    if !sought.numbers.is_empty() {
        let (subjects, documents) = digests(sought.numbers);
        let query = sqlx::query(FIND).bind(i64::from(issuer.0)).bind(subjects).bind(documents);
        records.holders = all(&mut **tx, query).await?;
    }
    if !sought.holders.is_empty() {
        let query = sqlx::query(BY_INDEX).bind(i64::from(issuer.0)).bind(numbers(sought.holders));
        let found: Vec<StoredHolder> = all(&mut **tx, query).await?;
        records.holders.extend(found);
        records.words = words(tx, issuer, sought.holders).await?;
    }
    records.holders.sort_unstable_by_key(|holder| holder.index);
    records.holders.dedup_by_key(|holder| holder.index);
    Ok(records)
}

pub(crate) fn numbers(holders: &[HolderIndex]) -> Vec<i64> {
    holders.iter().map(|index| i64::from(index.0)).collect()
}

/// The words of holders, as far as there are any, by rising index.
pub(crate) async fn words(
    tx: &mut Tx,
    issuer: IssuerId,
    holders: &[HolderIndex],
) -> Result<Vec<(HolderIndex, StatusWord)>, TxFault> {
    const WORDS: &str =
        "SELECT holder, word FROM statuses WHERE issuer = $1 AND holder = ANY($2) ORDER BY holder";
    let query = sqlx::query(WORDS).bind(i64::from(issuer.0)).bind(numbers(holders));
    let rows = query.fetch_all(&mut **tx).await?;
    let words = rows.iter().map(Row).map(|row| Ok((HolderIndex::read(&row)?, StatusWord::read(&row)?)));
    Ok(words.collect::<Result<_, Fault>>()?)
}

/// Records to be written, column by column.
struct Columns<'r> {
    indices: Vec<i64>,
    subjects: Vec<&'r [u8]>,
    documents: Vec<Option<&'r [u8]>>,
    sealed: Vec<&'r [u8]>,
    registered: Vec<i64>,
    joined: Vec<Option<i64>>,
}

impl<'r> Columns<'r> {
    fn of(holders: &'r [StoredHolder]) -> Result<Columns<'r>, Fault> {
        Ok(Columns {
            indices: holders.iter().map(|holder| i64::from(holder.index.0)).collect(),
            subjects: holders.iter().map(|holder| &holder.subject.0[..]).collect(),
            documents: holders.iter().map(|holder| Some(&holder.document.as_ref()?.0[..])).collect(),
            sealed: holders.iter().map(|holder| &holder.sealed[..]).collect(),
            registered: holders
                .iter()
                .map(|holder| big("registered", holder.registered.0))
                .collect::<Result<_, _>>()?,
            joined: holders.iter().map(|holder| Some(i64::from(holder.joined?.0))).collect(),
        })
    }
}

async fn add(tx: &mut Tx, issuer: IssuerId, holders: &[StoredHolder]) -> Result<(), TxFault> {
    const ADD: &str = "
        INSERT INTO holders (issuer, holder, subject, document, sealed, registered, joined)
        SELECT $1, new.* FROM unnest($2, $3, $4, $5, $6, $7) AS new";
    let Columns { indices, subjects, documents, sealed, registered, joined } = Columns::of(holders)?;
    let add = sqlx::query(ADD).bind(i64::from(issuer.0)).bind(indices).bind(subjects).bind(documents);
    add.bind(sealed).bind(registered).bind(joined).execute(&mut **tx).await?;
    Ok(())
}

async fn put(tx: &mut Tx, issuer: IssuerId, holders: &[StoredHolder]) -> Result<(), TxFault> {
    const PUT: &str = "
        UPDATE holders SET subject = new.subject, document = new.document, sealed = new.sealed, joined = new.joined
        FROM unnest($2, $3, $4, $5, $6) AS new (holder, subject, document, sealed, joined)
        WHERE holders.issuer = $1 AND holders.holder = new.holder";
    let Columns { indices, subjects, documents, sealed, joined, .. } = Columns::of(holders)?;
    let put = sqlx::query(PUT).bind(i64::from(issuer.0)).bind(indices).bind(subjects).bind(documents);
    put.bind(sealed).bind(joined).execute(&mut **tx).await?;
    Ok(())
}

/// Which of `holders` were joined into others.
pub(crate) async fn joined<'e>(
    at: impl Executor<'e, Database = Postgres>,
    issuer: IssuerId,
    holders: &[HolderIndex],
) -> Result<Vec<HolderIndex>, TxFault> {
    // The index of joined holders has the few that there are.
    const AMONG: &str = "
        SELECT holder FROM holders WHERE issuer = $1 AND joined IS NOT NULL AND holder = ANY($2) ORDER BY holder";
    if holders.is_empty() {
        return Ok(Vec::new());
    }
    all(at, sqlx::query(AMONG).bind(i64::from(issuer.0)).bind(numbers(holders))).await
}

#[async_trait]
impl Holders for PostgresStore {
    async fn edit_holders(
        &self,
        issuer: IssuerId,
        sought: &Sought<'_>,
        decide: &Decide<'_>,
        entry: &Entry,
    ) -> Result<Vec<Registered>, Fault> {
        const NEXT: &str = "UPDATE issuers SET next_holder = $2 WHERE id = $1";
        retried(|| async {
            let mut tx = self.begin().await?;
            let next = lock(&mut tx, issuer).await?.next_holder;
            let edit = decide(&records(&mut tx, issuer, sought, next).await?)?;
            if !edit.new.is_empty() {
                add(&mut tx, issuer, &edit.new).await?;
                let next = next.saturating_add(edit.new.len() as u64);
                let query = sqlx::query(NEXT).bind(i64::from(issuer.0)).bind(big("holder", next)?);
                query.execute(&mut *tx).await?;
            }
            if !edit.changed.is_empty() {
                put(&mut tx, issuer, &edit.changed).await?;
            }
            look_again(&mut tx, issuer, &edit.again, entry.at).await?;
            self.commit(tx, &edit.line(entry)).await?;
            Ok(edit.places)
        })
        .await
    }

    async fn holder(&self, issuer: IssuerId, index: HolderIndex) -> Result<Option<StoredHolder>, Fault> {
        let query = sqlx::query("SELECT * FROM holders WHERE issuer = $1 AND holder = $2");
        let query = query.bind(i64::from(issuer.0)).bind(i64::from(index.0));
        Ok(one(&self.pool, query).await?)
    }

    async fn look(&self, issuer: IssuerId, holders: &[HolderIndex]) -> Result<Records, Fault> {
        const LOOK: &str = "SELECT * FROM holders WHERE issuer = $1 AND holder = ANY($2) ORDER BY holder";
        let look = async {
            // One snapshot: records and words of one moment.
            let mut tx = self.begin().await?;
            sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                .execute(&mut *tx)
                .await?;
            let query = sqlx::query("SELECT * FROM issuers WHERE id = $1").bind(i64::from(issuer.0));
            let row: Option<IssuerRow> = one(&mut *tx, query).await?;
            let next = row.ok_or_else(|| Fault::no_issuer(issuer))?.next_holder;
            let query = sqlx::query(LOOK).bind(i64::from(issuer.0)).bind(numbers(holders));
            let found = all(&mut *tx, query).await?;
            Ok::<_, TxFault>(Records { next, holders: found, words: words(&mut tx, issuer, holders).await? })
        };
        Ok(look.await?)
    }

    async fn find_holders(&self, issuer: IssuerId, lookup: &Lookup) -> Result<Vec<StoredHolder>, Fault> {
        let (subjects, documents) = digests(std::slice::from_ref(lookup));
        let query = sqlx::query(FIND).bind(i64::from(issuer.0)).bind(subjects).bind(documents);
        Ok(all(&self.pool, query).await?)
    }

    async fn joined_among(
        &self,
        issuer: IssuerId,
        holders: &[HolderIndex],
    ) -> Result<Vec<HolderIndex>, Fault> {
        Ok(joined(&self.pool, issuer, holders).await?)
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

    async fn status(&self, issuer: IssuerId, index: HolderIndex) -> Result<StatusWord, Fault> {
        let query = sqlx::query("SELECT word FROM statuses WHERE issuer = $1 AND holder = $2");
        let query = query.bind(i64::from(issuer.0)).bind(i64::from(index.0));
        Ok(one(&self.pool, query).await?.unwrap_or(StatusWord::UNKNOWN))
    }
}
