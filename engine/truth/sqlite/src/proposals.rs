//! Proposals.

use async_trait::async_trait;
use hufu_registry::chain::named;
use hufu_registry::store::{ProposalFilter, Proposals, at_most, big, read_instruction};
use hufu_registry::{Entry, Fault, Proposal, ProposalFacts, ProposalId, ProposalPhase, ProposalState};
use hufu_wire::chain::ContentDigest;
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};
use sqlx::{Executor, Sqlite, SqliteConnection, Transaction};

use crate::fault::fault;
use crate::issuers;
use crate::row::{Row, all, change, exists, one};
use crate::store::SqliteStore;

/// Every column but the instruction and the release, which are large.
macro_rules! select_proposal {
    ($rest:literal) => {
        concat!(
            "SELECT id, phase, content, proposed, expires, rule, inputs, local_key, reason, changes, reds, added, \
             sequence, alarm_reds, alarm_ambers, alarm_forgotten, alarm_generations, alarm_recent, alarm_holders, \
             alarm_share_permille, released FROM proposals ",
            $rest
        )
    };
}

#[async_trait]
impl Proposals for SqliteStore {
    async fn add_proposal(
        &self,
        issuer: IssuerId,
        facts: &ProposalFacts,
        instruction: &[u8],
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Proposal, Fault> {
        const ADD: &str = "
            INSERT INTO proposals (issuer, id, phase, content, proposed, expires, rule, inputs, local_key, reason, changes,
                reds, added, instruction, proposer)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        const NEXT: &str = "UPDATE issuers SET next_proposal = next_proposal + 1 WHERE id = ?";
        let mut write = self.write().await?;
        if let Some(proposal) = find_content(&mut write, issuer, facts.content).await? {
            return Ok(proposal);
        }
        let row = issuers::known(&mut write, issuer).await?;
        let is_overtaken = facts.proposed <= row.tip.proposed;
        let new = Proposal {
            id: ProposalId(row.next_proposal),
            facts: facts.clone(),
            state: if is_overtaken { ProposalState::Overtaken } else { ProposalState::Pending },
            released: None,
            added: now,
        };
        let add = sqlx::query(ADD)
            .bind(issuer.0)
            .bind(at_most(new.id.0))
            .bind(new.state.phase().slug())
            .bind(facts.content.0.as_slice())
            .bind(big("proposed", facts.proposed.bits())?)
            .bind(big("expires", facts.expires.0)?)
            .bind(facts.rule.0)
            .bind(facts.inputs.0.as_slice())
            .bind(facts.local_key.0.as_slice())
            .bind(&facts.reason)
            .bind(facts.changes)
            .bind(facts.reds)
            .bind(big("now", now.0)?)
            .bind(instruction)
            .bind(&entry.who);
        change(&mut *write, add).await?;
        add_named(&mut write, (issuer.0.into(), big("proposal", new.id.0)?), &named(instruction)).await?;
        change(&mut *write, sqlx::query(NEXT).bind(issuer.0)).await?;
        self.commit(write, entry).await?;
        Ok(new)
    }

    async fn proposal(&self, issuer: IssuerId, id: ProposalId) -> Result<Option<Proposal>, Fault> {
        find(&self.readers, issuer, id).await
    }

    async fn proposal_of(&self, issuer: IssuerId, content: ContentDigest) -> Result<Option<Proposal>, Fault> {
        let mut reader = self.readers.acquire().await.map_err(fault)?;
        find_content(&mut reader, issuer, content).await
    }

    async fn instruction(&self, issuer: IssuerId, id: ProposalId) -> Result<Option<Vec<u8>>, Fault> {
        let query = sqlx::query("SELECT content, instruction FROM proposals WHERE issuer = ? AND id = ?");
        let query = query.bind(issuer.0).bind(at_most(id.0));
        let row = query.fetch_optional(&self.readers).await.map_err(fault)?;
        row.map(|row| read_instruction(issuer, id, &Row(&row))).transpose()
    }

    async fn proposals(
        &self,
        issuer: IssuerId,
        filter: &ProposalFilter,
        after: Option<ProposalId>,
        limit: u32,
    ) -> Result<Vec<Proposal>, Fault> {
        const PAGE: &str = select_proposal!(
            "WHERE issuer = ?1 AND id > ?2 AND (?3 IS NULL OR phase = ?3) AND (?4 IS NULL OR added >= ?4)
                AND (?5 IS NULL OR added < ?5) ORDER BY id LIMIT ?6"
        );
        const OF_HOLDER: &str = select_proposal!(
            "WHERE issuer = ?1 AND (?3 IS NULL OR phase = ?3) AND (?4 IS NULL OR added >= ?4)
                AND (?5 IS NULL OR added < ?5) AND id IN (
                    SELECT proposal FROM proposal_holders WHERE issuer = ?1 AND holder = ?7 AND proposal > ?2
                ) ORDER BY id LIMIT ?6"
        );
        let query = sqlx::query(if filter.holder.is_some() { OF_HOLDER } else { PAGE });
        let query = query.bind(issuer.0).bind(after.map_or(0, |id| at_most(id.0)));
        let query = query.bind(filter.phase.map(ProposalPhase::slug));
        let query = query.bind(filter.since.map(|time| at_most(time.0)));
        let query = query.bind(filter.until.map(|time| at_most(time.0))).bind(limit);
        all(
            &self.readers,
            match filter.holder {
                Some(holder) => query.bind(holder.0),
                None => query,
            },
        )
        .await
    }

    async fn withdraw(
        &self,
        issuer: IssuerId,
        id: ProposalId,
        entry: &Entry,
    ) -> Result<Option<Proposal>, Fault> {
        const WITHDRAW: &str = "
            UPDATE proposals SET phase = 'withdrawn' WHERE issuer = ? AND id = ? AND phase IN ('pending', 'braked')";
        let mut write = self.write().await?;
        let withdraw = sqlx::query(WITHDRAW).bind(issuer.0).bind(at_most(id.0));
        let has_changed = change(&mut *write, withdraw).await? > 0;
        end(self, write, has_changed, issuer, id, entry).await
    }

    async fn release(
        &self,
        issuer: IssuerId,
        id: ProposalId,
        holders: u32,
        release: &[u8],
        entry: &Entry,
    ) -> Result<Option<Proposal>, Fault> {
        const RELEASE: &str = "
            UPDATE proposals SET phase = 'pending', released = ?, release = ?
            WHERE issuer = ? AND id = ? AND phase = 'braked'";
        let mut write = self.write().await?;
        let query = sqlx::query(RELEASE).bind(holders).bind(release).bind(issuer.0).bind(at_most(id.0));
        let has_changed = change(&mut *write, query).await? > 0;
        end(self, write, has_changed, issuer, id, entry).await
    }

    async fn expire(&self, issuer: IssuerId, now: UnixMillis) -> Result<u64, Fault> {
        const DUE: &str = "
            SELECT 1 FROM proposals WHERE issuer = ? AND phase IN ('pending', 'braked') AND expires <= ? LIMIT 1";
        const EXPIRE: &str = "
            UPDATE proposals SET phase = 'expired'
            WHERE issuer = ? AND phase IN ('pending', 'braked') AND expires <= ?";
        // Looked at first: a request that only reads must not wait for the writer.
        if !exists(&self.readers, sqlx::query(DUE).bind(issuer.0).bind(at_most(now.0))).await? {
            return Ok(0);
        }
        change(&self.writer, sqlx::query(EXPIRE).bind(issuer.0).bind(at_most(now.0))).await
    }
}

/// Ends a write that may have changed a proposal, with its line of the trail if it has; the proposal as it is now.
async fn end(
    store: &SqliteStore,
    mut write: Transaction<'static, Sqlite>,
    has_changed: bool,
    issuer: IssuerId,
    id: ProposalId,
    entry: &Entry,
) -> Result<Option<Proposal>, Fault> {
    let proposal = find(&mut *write, issuer, id).await?;
    if has_changed {
        store.commit(write, entry).await?;
    }
    Ok(proposal)
}

async fn find<'e>(
    from: impl Executor<'e, Database = Sqlite>,
    issuer: IssuerId,
    id: ProposalId,
) -> Result<Option<Proposal>, Fault> {
    let query = sqlx::query(select_proposal!("WHERE issuer = ? AND id = ?"));
    one(from, query.bind(issuer.0).bind(at_most(id.0))).await
}

/// Writes whom a proposal names, so that it is found by them.
pub(crate) async fn add_named(
    write: &mut SqliteConnection,
    (issuer, proposal): (i64, i64),
    holders: &[HolderIndex],
) -> Result<(), Fault> {
    const ADD: &str = "
        INSERT INTO proposal_holders (issuer, holder, proposal) SELECT ?1, value, ?2 FROM json_each(?3)";
    change(write, sqlx::query(ADD).bind(issuer).bind(proposal).bind(json(holders))).await?;
    Ok(())
}

/// Holders as one text, which `json_each` unfolds.
pub(crate) fn json(holders: &[HolderIndex]) -> String {
    let holders: Vec<_> = holders.iter().map(ToString::to_string).collect();
    format!("[{}]", holders.join(","))
}

/// The proposal of a content.
pub(crate) async fn find_content(
    at: &mut SqliteConnection,
    issuer: IssuerId,
    content: ContentDigest,
) -> Result<Option<Proposal>, Fault> {
    let query = sqlx::query(select_proposal!("WHERE issuer = ? AND content = ?"));
    one(at, query.bind(issuer.0).bind(content.0.as_slice())).await
}
