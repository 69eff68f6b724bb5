//! Proposals.

use async_trait::async_trait;
use hufu_registry::chain::checked_instruction;
use hufu_registry::store::Proposals;
use hufu_registry::{Alarm, Entry, Fault, Proposal, ProposalFacts, ProposalId, ProposalPhase, ProposalState};
use hufu_wire::chain::{ContentDigest, InputsDigest, Proposed};
use hufu_wire::{IssuerId, KeyId, RuleId, Sequence, UnixMillis};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, SqliteConnection, Transaction};

use crate::SqliteStore;
use crate::fault::fault;
use crate::holders::no_issuer;
use crate::values::{at_most, bytes, column, ms, number, time, word};

/// The query for proposals that the rest of it names; `read` reads what it brings.
macro_rules! proposals {
    ($($rest:literal),+ $(,)?) => {
        concat!(
            "SELECT proposal, content, proposed_ms, expires_ms, rule, inputs, local_key, reason, changes, reds, ",
            "added_ms, phase, sequence, alarm_reds, alarm_recent, alarm_holders, alarm_permille, released_reds ",
            "FROM proposals ",
            $($rest),+
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
        let mut write = self.write().await?;
        if let Some(proposal) = find_content(&mut write, issuer, facts.content).await? {
            return Ok(proposal);
        }
        let row: Option<(i64, i64)> = sqlx::query_as(
            "UPDATE issuers SET next_proposal = next_proposal + 1 WHERE issuer = ? \
             RETURNING next_proposal - 1, proposed_ms",
        )
        .bind(issuer.0)
        .fetch_optional(&mut *write)
        .await
        .map_err(fault)?;
        let (id, tip_proposed) = row.ok_or_else(|| no_issuer(issuer))?;
        let is_overtaken = facts.proposed <= Proposed::from_bits(tip_proposed.cast_unsigned());
        let phase = if is_overtaken { ProposalPhase::Overtaken } else { ProposalPhase::Pending };
        sqlx::query(
            "INSERT INTO proposals (issuer, proposal, content, proposed_ms, expires_ms, rule, inputs, local_key, \
             reason, changes, reds, added_ms, phase, instruction) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(issuer.0)
        .bind(id)
        .bind(facts.content.0.as_slice())
        .bind(column(facts.proposed.bits()))
        .bind(ms(facts.expires))
        .bind(facts.rule.0)
        .bind(facts.inputs.0.as_slice())
        .bind(facts.local_key.0.as_slice())
        .bind(&facts.reason)
        .bind(facts.changes)
        .bind(facts.reds)
        .bind(ms(now))
        .bind(phase.slug())
        .bind(instruction)
        .execute(&mut *write)
        .await
        .map_err(fault)?;
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)?;
        let state = if is_overtaken { ProposalState::Overtaken } else { ProposalState::Pending };
        let id = ProposalId(number("proposal", id)?);
        Ok(Proposal { id, facts: facts.clone(), state, released: None, added: now })
    }

    async fn proposal(&self, issuer: IssuerId, id: ProposalId) -> Result<Option<Proposal>, Fault> {
        let mut reader = self.readers.acquire().await.map_err(fault)?;
        find(&mut reader, issuer, id).await
    }

    async fn instruction(&self, issuer: IssuerId, id: ProposalId) -> Result<Option<Vec<u8>>, Fault> {
        let row: Option<(Vec<u8>, Vec<u8>)> =
            sqlx::query_as("SELECT content, instruction FROM proposals WHERE issuer = ? AND proposal = ?")
                .bind(issuer.0)
                .bind(at_most(id.0))
                .fetch_optional(&self.readers)
                .await
                .map_err(fault)?;
        let checked = |(content, instruction): (Vec<u8>, Vec<u8>)| {
            checked_instruction(issuer, id, ContentDigest(bytes("content", &content)?), instruction)
        };
        row.map(checked).transpose()
    }

    async fn proposals(
        &self,
        issuer: IssuerId,
        phase: Option<ProposalPhase>,
        after: Option<ProposalId>,
        limit: u32,
    ) -> Result<Vec<Proposal>, Fault> {
        let rows = sqlx::query(proposals!(
            "WHERE issuer = ?1 AND (?2 IS NULL OR phase = ?2) AND proposal > ?3 ",
            "ORDER BY proposal LIMIT ?4",
        ))
        .bind(issuer.0)
        .bind(phase.map(ProposalPhase::slug))
        .bind(after.map_or(0, |id| at_most(id.0)))
        .bind(limit)
        .fetch_all(&self.readers)
        .await
        .map_err(fault)?;
        rows.iter().map(read).collect()
    }

    async fn withdraw(
        &self,
        issuer: IssuerId,
        id: ProposalId,
        entry: &Entry,
    ) -> Result<Option<Proposal>, Fault> {
        let mut write = self.write().await?;
        let changed = sqlx::query(
            "UPDATE proposals SET phase = 'withdrawn' \
             WHERE issuer = ? AND proposal = ? AND phase IN ('pending', 'braked')",
        )
        .bind(issuer.0)
        .bind(at_most(id.0))
        .execute(&mut *write)
        .await
        .map_err(fault)?;
        end(self, write, changed.rows_affected() > 0, issuer, id, entry).await
    }

    async fn release(
        &self,
        issuer: IssuerId,
        id: ProposalId,
        reds: u32,
        release: &[u8],
        entry: &Entry,
    ) -> Result<Option<Proposal>, Fault> {
        let mut write = self.write().await?;
        let changed = sqlx::query(
            "UPDATE proposals SET phase = 'pending', released_reds = ?, released = ? \
             WHERE issuer = ? AND proposal = ? AND phase = 'braked'",
        )
        .bind(reds)
        .bind(release)
        .bind(issuer.0)
        .bind(at_most(id.0))
        .execute(&mut *write)
        .await
        .map_err(fault)?;
        end(self, write, changed.rows_affected() > 0, issuer, id, entry).await
    }

    async fn expire(&self, issuer: IssuerId, now: UnixMillis) -> Result<u64, Fault> {
        // Looked at first: whoever only reads must not wait for the writer.
        let is_due: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM proposals \
             WHERE issuer = ? AND phase IN ('pending', 'braked') AND expires_ms <= ?)",
        )
        .bind(issuer.0)
        .bind(ms(now))
        .fetch_one(&self.readers)
        .await
        .map_err(fault)?;
        if !is_due {
            return Ok(0);
        }
        let expired = sqlx::query(
            "UPDATE proposals SET phase = 'expired' \
             WHERE issuer = ? AND phase IN ('pending', 'braked') AND expires_ms <= ?",
        )
        .bind(issuer.0)
        .bind(ms(now))
        .execute(&self.writer)
        .await
        .map_err(fault)?;
        Ok(expired.rows_affected())
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
    if has_changed {
        store.line(&mut write, entry).await?;
    }
    let proposal = find(&mut write, issuer, id).await?;
    write.commit().await.map_err(fault)?;
    Ok(proposal)
}

async fn find(
    at: &mut SqliteConnection,
    issuer: IssuerId,
    id: ProposalId,
) -> Result<Option<Proposal>, Fault> {
    let row = sqlx::query(proposals!("WHERE issuer = ? AND proposal = ?",))
        .bind(issuer.0)
        .bind(at_most(id.0))
        .fetch_optional(at)
        .await
        .map_err(fault)?;
    row.as_ref().map(read).transpose()
}

/// The proposal of a content.
pub(crate) async fn find_content(
    at: &mut SqliteConnection,
    issuer: IssuerId,
    content: ContentDigest,
) -> Result<Option<Proposal>, Fault> {
    let row = sqlx::query(proposals!("WHERE issuer = ? AND content = ?",))
        .bind(issuer.0)
        .bind(content.0.as_slice())
        .fetch_optional(at)
        .await
        .map_err(fault)?;
    row.as_ref().map(read).transpose()
}

fn read(row: &SqliteRow) -> Result<Proposal, Fault> {
    let int = |name| row.try_get::<i64, _>(name).map_err(fault);
    let blob = |name| row.try_get::<&[u8], _>(name).map_err(fault);
    let optional = |name| row.try_get::<Option<i64>, _>(name).map_err(fault);
    let id = ProposalId(number("proposal", int("proposal")?)?);
    let phase: String = row.try_get("phase").map_err(fault)?;
    let phase = word("phase", &phase, ProposalPhase::from_slug)?;
    let sequence =
        optional("sequence")?.map(|sequence| number("sequence", sequence).map(Sequence)).transpose()?;
    let state = ProposalState::stored(phase, sequence, alarm(row)?);
    Ok(Proposal {
        id,
        facts: ProposalFacts {
            content: ContentDigest(bytes("content", blob("content")?)?),
            proposed: Proposed::from_bits(int("proposed_ms")?.cast_unsigned()),
            expires: time(int("expires_ms")?),
            rule: RuleId(number("rule", int("rule")?)?),
            inputs: InputsDigest(bytes("inputs", blob("inputs")?)?),
            local_key: KeyId(bytes("local_key", blob("local_key")?)?),
            reason: row.try_get("reason").map_err(fault)?,
            changes: number("changes", int("changes")?)?,
            reds: number("reds", int("reds")?)?,
        },
        state: state
            .ok_or_else(|| Fault::Damaged(format!("proposal {id} is {phase} and does not say how")))?,
        released: optional("released_reds")?.map(|reds| number("released_reds", reds)).transpose()?,
        added: time(int("added_ms")?),
    })
}

fn alarm(row: &SqliteRow) -> Result<Option<Alarm>, Fault> {
    let int = |name| row.try_get::<i64, _>(name).map_err(fault);
    if row.try_get::<Option<i64>, _>("alarm_reds").map_err(fault)?.is_none() {
        return Ok(None);
    }
    Ok(Some(Alarm {
        reds: number("alarm_reds", int("alarm_reds")?)?,
        recent: number("alarm_recent", int("alarm_recent")?)?,
        holders: number("alarm_holders", int("alarm_holders")?)?,
        share_permille: number("alarm_permille", int("alarm_permille")?)?,
    }))
}
