//! Facts of holders, and papers.

use async_trait::async_trait;
use hufu_registry::store::{Columns as _, Facts, at_most, big};
use hufu_registry::{Entry, FactRoom, Fault, NewFact, PaperKind, Standing, StoredFact, StoredPaper, Subject};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};
use sqlx::SqliteConnection;

use crate::fault::fault;
use crate::issuers;
use crate::proposals::json;
use crate::row::{Row, all, change, exists, one};
use crate::store::SqliteStore;

#[async_trait]
impl Facts for SqliteStore {
    async fn add_facts(
        &self,
        issuer: IssuerId,
        facts: &[NewFact],
        entry: &Entry,
    ) -> Result<Vec<Option<bool>>, Fault> {
        const TAKEN: &str = "
            SELECT f.holder, COUNT(*) AS facts, SUM(LENGTH(f.sealed)) AS bytes FROM json_each(?2) AS named
            CROSS JOIN facts AS f ON f.issuer = ?1 AND f.holder = named.value GROUP BY f.holder";
        let mut write = self.write().await?;
        issuers::known(&mut write, issuer).await?;
        let mut holders: Vec<_> = facts.iter().map(|fact| fact.holder).collect();
        holders.sort_unstable();
        holders.dedup();
        let taken: Vec<(HolderIndex, FactRoom)> =
            all(&mut *write, sqlx::query(TAKEN).bind(issuer.0).bind(json(&holders))).await?;
        let mut known = Vec::new();
        for fact in facts {
            if is_known(&mut write, issuer, &fact.digest).await? {
                known.push(fact.digest);
            }
        }
        let sorted = NewFact::sort(facts, known, &taken);
        for (fact, _) in facts.iter().zip(&sorted).filter(|(_, sorted)| **sorted == Some(false)) {
            add(&mut write, issuer, fact).await?;
        }
        if sorted.contains(&Some(false)) {
            self.commit(write, entry).await?;
        }
        Ok(sorted)
    }

    async fn known_facts(&self, issuer: IssuerId, digests: &[Subject]) -> Result<Vec<bool>, Fault> {
        let mut reader = self.readers.acquire().await.map_err(fault)?;
        let mut known = Vec::with_capacity(digests.len());
        for digest in digests {
            known.push(is_known(&mut reader, issuer, digest).await?);
        }
        Ok(known)
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
                SELECT value AS holder, value AS place FROM json_each(?2)
                UNION ALL SELECT h.holder, h.joined FROM json_each(?2) AS named
                CROSS JOIN holders AS h ON h.issuer = ?1 AND h.joined = named.value
            )
            SELECT f.*, whose.place FROM whose CROSS JOIN facts AS f ON f.issuer = ?1 AND f.holder = whose.holder
            WHERE f.number <= ?3 AND (f.forgotten IS NULL OR f.forgotten > ?4) ORDER BY f.number";
        let query =
            sqlx::query(OF).bind(issuer.0).bind(json(holders)).bind(at_most(until)).bind(at_most(now.0));
        all(&self.readers, query).await
    }

    async fn facts_after(&self, issuer: IssuerId, after: u64, limit: u32) -> Result<Vec<StoredFact>, Fault> {
        const AFTER: &str = "
            SELECT f.*, COALESCE(h.joined, f.holder) AS place FROM facts AS f
            LEFT JOIN holders AS h ON h.issuer = f.issuer AND h.holder = f.holder
            WHERE f.issuer = ? AND f.number > ? ORDER BY f.number LIMIT ?";
        all(&self.readers, sqlx::query(AFTER).bind(issuer.0).bind(at_most(after)).bind(limit)).await
    }

    async fn standings(&self, issuer: IssuerId, holders: &[HolderIndex]) -> Result<Vec<Standing>, Fault> {
        const OF: &str = "
            SELECT s.holder, s.word, s.since FROM json_each(?2) AS named
            CROSS JOIN statuses AS s ON s.issuer = ?1 AND s.holder = named.value
            WHERE s.word <> 0 ORDER BY s.holder";
        all(&self.readers, sqlx::query(OF).bind(issuer.0).bind(json(holders))).await
    }

    async fn forget_facts(&self, issuer: IssuerId, now: UnixMillis, entry: &Entry) -> Result<u64, Fault> {
        const FORGET: &str = "DELETE FROM facts WHERE issuer = ? AND forgotten <= ?";
        let mut write = self.write().await?;
        let forgotten = change(&mut *write, sqlx::query(FORGET).bind(issuer.0).bind(at_most(now.0))).await?;
        if forgotten > 0 {
            let what = format!("{forgotten} {}", entry.what);
            self.commit(write, &Entry { what, ..entry.clone() }).await?;
        }
        Ok(forgotten)
    }

    async fn put_paper(
        &self,
        issuer: IssuerId,
        paper: &StoredPaper,
        entry: &Entry,
    ) -> Result<StoredPaper, Fault> {
        const PUT: &str = "INSERT INTO papers (issuer, kind, name, added, bytes) VALUES (?, ?, ?, ?, ?)";
        let mut write = self.write().await?;
        issuers::known(&mut write, issuer).await?;
        let query = sqlx::query(PAPER).bind(issuer.0).bind(paper.kind.slug()).bind(paper.name.as_slice());
        if let Some(kept) = one(&mut *write, query).await? {
            return Ok(kept);
        }
        let put = sqlx::query(PUT).bind(issuer.0).bind(paper.kind.slug()).bind(paper.name.as_slice());
        change(&mut *write, put.bind(big("now", paper.added.0)?).bind(&paper.bytes)).await?;
        self.commit(write, entry).await?;
        Ok(paper.clone())
    }

    async fn paper(
        &self,
        issuer: IssuerId,
        kind: PaperKind,
        name: &[u8; 32],
    ) -> Result<Option<StoredPaper>, Fault> {
        let query = sqlx::query(PAPER).bind(issuer.0).bind(kind.slug()).bind(name.as_slice());
        one(&self.readers, query).await
    }

    async fn papers(
        &self,
        issuer: IssuerId,
        kind: PaperKind,
        limit: u32,
    ) -> Result<Vec<([u8; 32], UnixMillis)>, Fault> {
        const NAMES: &str = "
            SELECT name, added FROM papers WHERE issuer = ? AND kind = ? ORDER BY number DESC LIMIT ?";
        let query = sqlx::query(NAMES).bind(issuer.0).bind(kind.slug()).bind(limit);
        let rows = query.fetch_all(&self.readers).await.map_err(fault)?;
        rows.iter().map(Row).map(|row| Ok((row.array("name")?, row.time("added")?))).collect()
    }
}

/// Keeps facts that have colours computed again, if anything is recorded of one of their holders that is not forgotten
/// by `now`: otherwise there is nothing to compute.
pub(crate) async fn look_again(
    write: &mut SqliteConnection,
    issuer: IssuerId,
    again: &[NewFact],
    now: UnixMillis,
) -> Result<(), Fault> {
    const RECORDED: &str = "
        WITH whose AS (
            SELECT value AS holder FROM json_each(?2)
            UNION ALL SELECT h.holder FROM json_each(?2) AS named
            CROSS JOIN holders AS h ON h.issuer = ?1 AND h.joined = named.value
        )
        SELECT 1 FROM whose CROSS JOIN facts AS f ON f.issuer = ?1 AND f.holder = whose.holder
        WHERE f.forgotten IS NULL OR f.forgotten > ?3 LIMIT 1";
    let holders: Vec<_> = again.iter().map(|fact| fact.holder).collect();
    let recorded = sqlx::query(RECORDED).bind(issuer.0).bind(json(&holders)).bind(at_most(now.0));
    if !again.is_empty() && exists(&mut *write, recorded).await? {
        for fact in again {
            add(write, issuer, fact).await?;
        }
    }
    Ok(())
}

async fn add(write: &mut SqliteConnection, issuer: IssuerId, fact: &NewFact) -> Result<(), Fault> {
    const ADD: &str = "INSERT INTO facts (issuer, holder, digest, forgotten, sealed) VALUES (?, ?, ?, ?, ?)";
    let forgotten = fact.forgotten.map(|at| big("to_ms", at.0)).transpose()?;
    let add = sqlx::query(ADD).bind(issuer.0).bind(fact.holder.0).bind(fact.digest.0.as_slice());
    change(write, add.bind(forgotten).bind(&fact.sealed)).await?;
    Ok(())
}

/// Whether a fact of this digest is kept.
async fn is_known(at: &mut SqliteConnection, issuer: IssuerId, digest: &Subject) -> Result<bool, Fault> {
    let query = sqlx::query("SELECT 1 FROM facts WHERE issuer = ? AND digest = ?");
    exists(at, query.bind(issuer.0).bind(digest.0.as_slice())).await
}

const PAPER: &str = "SELECT * FROM papers WHERE issuer = ? AND kind = ? AND name = ?";
