//! Facts of holders, and papers.

use std::collections::HashSet;

use async_trait::async_trait;
use hufu_registry::store::{Columns as _, Facts, at_most, big};
use hufu_registry::{Entry, FactRoom, Fault, NewFact, PaperKind, Standing, StoredFact, StoredPaper, Subject};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};
use sqlx::{Executor, Postgres};

use crate::fault::{TxFault, fault, retried};
use crate::holders::numbers;
use crate::issuers::lock;
use crate::row::{Row, all, one};
use crate::store::{PostgresStore, Tx};

#[async_trait]
impl Facts for PostgresStore {
    async fn add_facts(
        &self,
        issuer: IssuerId,
        facts: &[NewFact],
        entry: &Entry,
    ) -> Result<Vec<Option<bool>>, Fault> {
        const TAKEN: &str = "
            SELECT holder, count(*) AS facts, sum(length(sealed)) AS bytes FROM facts
            WHERE issuer = $1 AND holder = ANY($2) GROUP BY holder";
        let holders: Vec<HolderIndex> = facts.iter().map(|fact| fact.holder).collect();
        let digests: Vec<Subject> = facts.iter().map(|fact| fact.digest).collect();
        retried(|| async {
            let mut tx = self.begin().await?;
            // Numbers are committed in their order, so that who follows them misses none.
            lock(&mut tx, issuer).await?;
            let taken = sqlx::query(TAKEN).bind(i64::from(issuer.0)).bind(numbers(&holders));
            let taken: Vec<(HolderIndex, FactRoom)> = all(&mut *tx, taken).await?;
            let known = known(&mut *tx, issuer, &digests).await?;
            let sorted = NewFact::sort(facts, known, &taken);
            let new = facts.iter().zip(&sorted).filter(|(_, sorted)| **sorted == Some(false));
            let new: Vec<&NewFact> = new.map(|(fact, _)| fact).collect();
            if !new.is_empty() {
                add(&mut tx, issuer, &new).await?;
                self.commit(tx, entry).await?;
            }
            Ok(sorted)
        })
        .await
    }

    async fn known_facts(&self, issuer: IssuerId, digests: &[Subject]) -> Result<Vec<bool>, Fault> {
        let known: HashSet<Subject> = known(&self.pool, issuer, digests).await?.into_iter().collect();
        Ok(digests.iter().map(|digest| known.contains(digest)).collect())
    }

    async fn facts_of(
        &self,
        issuer: IssuerId,
        holders: &[HolderIndex],
        until: u64,
        now: UnixMillis,
    ) -> Result<Vec<StoredFact>, Fault> {
        const OF: &str = "
            WITH whose AS (
                SELECT holder, holder AS place FROM unnest($2) AS named (holder)
                UNION ALL SELECT holder, joined FROM holders WHERE issuer = $1 AND joined = ANY($2)
            )
            SELECT f.*, whose.place FROM whose JOIN facts AS f ON f.issuer = $1 AND f.holder = whose.holder
            WHERE f.number <= $3 AND (f.forgotten IS NULL OR f.forgotten > $4) ORDER BY f.number";
        let query = sqlx::query(OF).bind(i64::from(issuer.0)).bind(numbers(holders));
        Ok(all(&self.pool, query.bind(at_most(until)).bind(at_most(now.0))).await?)
    }

    async fn facts_after(&self, issuer: IssuerId, after: u64, limit: u32) -> Result<Vec<StoredFact>, Fault> {
        const AFTER: &str = "
            SELECT f.*, coalesce(h.joined, f.holder) AS place FROM facts AS f
            LEFT JOIN holders AS h ON h.issuer = f.issuer AND h.holder = f.holder
            WHERE f.issuer = $1 AND f.number > $2 ORDER BY f.number LIMIT $3";
        let query = sqlx::query(AFTER).bind(i64::from(issuer.0)).bind(at_most(after)).bind(i64::from(limit));
        Ok(all(&self.pool, query).await?)
    }

    async fn standings(&self, issuer: IssuerId, holders: &[HolderIndex]) -> Result<Vec<Standing>, Fault> {
        const OF: &str = "
            SELECT holder, word, since FROM statuses WHERE issuer = $1 AND holder = ANY($2) ORDER BY holder";
        Ok(all(&self.pool, sqlx::query(OF).bind(i64::from(issuer.0)).bind(numbers(holders))).await?)
    }

    async fn forget_facts(&self, issuer: IssuerId, now: UnixMillis, entry: &Entry) -> Result<u64, Fault> {
        const FORGET: &str = "DELETE FROM facts WHERE issuer = $1 AND forgotten <= $2";
        retried(|| async {
            let mut tx = self.begin().await?;
            let forget = sqlx::query(FORGET).bind(i64::from(issuer.0)).bind(at_most(now.0));
            let forgotten = forget.execute(&mut *tx).await?.rows_affected();
            if forgotten > 0 {
                let what = format!("{forgotten} {}", entry.what);
                self.commit(tx, &Entry { what, ..entry.clone() }).await?;
            }
            Ok(forgotten)
        })
        .await
    }

    async fn put_paper(
        &self,
        issuer: IssuerId,
        paper: &StoredPaper,
        entry: &Entry,
    ) -> Result<StoredPaper, Fault> {
        const PUT: &str = "INSERT INTO papers (issuer, kind, name, added, bytes) VALUES ($1, $2, $3, $4, $5)";
        retried(|| async {
            let mut tx = self.begin().await?;
            lock(&mut tx, issuer).await?;
            let query = sqlx::query(PAPER).bind(i64::from(issuer.0)).bind(paper.kind.slug());
            if let Some(kept) = one(&mut *tx, query.bind(&paper.name[..])).await? {
                return Ok(kept);
            }
            let put =
                sqlx::query(PUT).bind(i64::from(issuer.0)).bind(paper.kind.slug()).bind(&paper.name[..]);
            put.bind(big("now", paper.added.0)?).bind(&paper.bytes).execute(&mut *tx).await?;
            self.commit(tx, entry).await?;
            Ok(paper.clone())
        })
        .await
    }

    async fn paper(
        &self,
        issuer: IssuerId,
        kind: PaperKind,
        name: &[u8; 32],
    ) -> Result<Option<StoredPaper>, Fault> {
        let query = sqlx::query(PAPER).bind(i64::from(issuer.0)).bind(kind.slug()).bind(&name[..]);
        Ok(one(&self.pool, query).await?)
    }

    async fn papers(
        &self,
        issuer: IssuerId,
        kind: PaperKind,
        limit: u32,
    ) -> Result<Vec<([u8; 32], UnixMillis)>, Fault> {
        const NAMES: &str = "
            SELECT name, added FROM papers WHERE issuer = $1 AND kind = $2 ORDER BY number DESC LIMIT $3";
        let query = sqlx::query(NAMES).bind(i64::from(issuer.0)).bind(kind.slug()).bind(i64::from(limit));
        let rows = query.fetch_all(&self.pool).await.map_err(fault)?;
        rows.iter().map(Row).map(|row| Ok((row.array("name")?, row.time("added")?))).collect()
    }
}

/// Keeps facts that have colours computed again, if anything is recorded of one of their holders that is not forgotten
/// by `now`: otherwise there is nothing to compute. The transaction has the issuer's lock.
pub(crate) async fn look_again(
    tx: &mut Tx,
    issuer: IssuerId,
    again: &[NewFact],
    now: UnixMillis,
) -> Result<(), TxFault> {
    const RECORDED: &str = "
        WITH whose AS (
            SELECT holder FROM unnest($2) AS named (holder)
            UNION ALL SELECT holder FROM holders WHERE issuer = $1 AND joined = ANY($2)
        )
        SELECT EXISTS (
            SELECT FROM whose JOIN facts AS f ON f.issuer = $1 AND f.holder = whose.holder
            WHERE f.forgotten IS NULL OR f.forgotten > $3
        )";
    if again.is_empty() {
        return Ok(());
    }
    let holders: Vec<HolderIndex> = again.iter().map(|fact| fact.holder).collect();
    let recorded = sqlx::query_scalar(RECORDED).bind(i64::from(issuer.0)).bind(numbers(&holders));
    let recorded: bool = recorded.bind(at_most(now.0)).fetch_one(&mut **tx).await?;
    if recorded {
        add(tx, issuer, &again.iter().collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Which of these digests are kept.
async fn known<'e>(
    from: impl Executor<'e, Database = Postgres>,
    issuer: IssuerId,
    digests: &[Subject],
) -> Result<Vec<Subject>, TxFault> {
    const KNOWN: &str = "SELECT digest FROM facts WHERE issuer = $1 AND digest = ANY($2)";
    let sought: Vec<&[u8]> = digests.iter().map(|digest| &digest.0[..]).collect();
    let rows = sqlx::query(KNOWN).bind(i64::from(issuer.0)).bind(sought).fetch_all(from).await?;
    let known = rows.iter().map(|row| Row(row).array("digest").map(Subject));
    Ok(known.collect::<Result<_, Fault>>()?)
}

/// Writes facts in their order.
async fn add(tx: &mut Tx, issuer: IssuerId, facts: &[&NewFact]) -> Result<(), TxFault> {
    const ADD: &str = "
        INSERT INTO facts (issuer, holder, digest, forgotten, sealed)
        SELECT $1, new.holder, new.digest, new.forgotten, new.sealed
        FROM unnest($2, $3, $4, $5) WITH ORDINALITY AS new (holder, digest, forgotten, sealed, nth)
        ORDER BY nth";
    let holders: Vec<i64> = facts.iter().map(|fact| i64::from(fact.holder.0)).collect();
    let digests: Vec<&[u8]> = facts.iter().map(|fact| &fact.digest.0[..]).collect();
    let forgotten = facts.iter().map(|fact| fact.forgotten.map(|at| big("to_ms", at.0)).transpose());
    let forgotten: Vec<Option<i64>> = forgotten.collect::<Result<_, Fault>>()?;
    let sealed: Vec<&[u8]> = facts.iter().map(|fact| &fact.sealed[..]).collect();
    let add = sqlx::query(ADD).bind(i64::from(issuer.0)).bind(holders).bind(digests);
    add.bind(forgotten).bind(sealed).execute(&mut **tx).await?;
    Ok(())
}

const PAPER: &str = "SELECT * FROM papers WHERE issuer = $1 AND kind = $2 AND name = $3";
