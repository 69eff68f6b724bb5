//! Proposals, and what became of them.

use async_trait::async_trait;
use hufu_registry::chain::named;
use hufu_registry::store::{ProposalFilter, Proposals, at_most, big, read_instruction};
use hufu_registry::{Alarm, Entry, Fault, Proposal, ProposalFacts, ProposalId, ProposalPhase, ProposalState};
use hufu_wire::chain::ContentDigest;
use hufu_wire::{IssuerId, Sequence, UnixMillis};

use crate::fault::{TxFault, fault, retried};
use crate::issuers::lock;
use crate::row::{Row, all, one};
use crate::store::{PostgresStore, Tx};

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

const BY_ID: &str = select_proposal!("WHERE issuer = $1 AND id = $2");
const BY_CONTENT: &str = select_proposal!("WHERE issuer = $1 AND content = $2");

/// A proposal as it is, within a transaction that has the issuer's lock.
async fn by_id(tx: &mut Tx, issuer: IssuerId, id: ProposalId) -> Result<Option<Proposal>, TxFault> {
    one(&mut **tx, sqlx::query(BY_ID).bind(i64::from(issuer.0)).bind(at_most(id.0))).await
}

/// The proposal that a set confirms, within a transaction that has the issuer's lock.
pub(crate) async fn by_content(
    tx: &mut Tx,
    issuer: IssuerId,
    content: ContentDigest,
) -> Result<Option<Proposal>, TxFault> {
    one(&mut **tx, sqlx::query(BY_CONTENT).bind(i64::from(issuer.0)).bind(&content.0[..])).await
}

/// Writes that the brake holds a proposal.
pub(crate) async fn brake(
    tx: &mut Tx,
    issuer: IssuerId,
    id: ProposalId,
    alarm: &Alarm,
) -> Result<(), TxFault> {
    const BRAKE: &str = "
        UPDATE proposals SET phase = 'braked', alarm_reds = $3, alarm_ambers = $4, alarm_forgotten = $5,
            alarm_generations = $6, alarm_recent = $7, alarm_holders = $8, alarm_share_permille = $9
        WHERE issuer = $1 AND id = $2";
    sqlx::query(BRAKE)
        .bind(i64::from(issuer.0))
        .bind(at_most(id.0))
        .bind(i64::from(alarm.set_back.reds))
        .bind(i64::from(alarm.set_back.ambers))
        .bind(i64::from(alarm.set_back.forgotten))
        .bind(i64::from(alarm.set_back.generations))
        .bind(at_most(alarm.recent))
        .bind(at_most(alarm.holders))
        .bind(i64::from(alarm.share_permille))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Writes that a proposal is in the chain, and that open ones which are not later never will be.
pub(crate) async fn confirm(
    tx: &mut Tx,
    issuer: IssuerId,
    confirmed: &Proposal,
    sequence: Sequence,
) -> Result<(), TxFault> {
    const CONFIRM: &str =
        "UPDATE proposals SET phase = 'confirmed', sequence = $3 WHERE issuer = $1 AND id = $2";
    const OVERTAKE: &str = "
        UPDATE proposals SET phase = 'overtaken'
        WHERE issuer = $1 AND phase IN ('pending', 'braked') AND proposed <= $2";
    let confirm = sqlx::query(CONFIRM).bind(i64::from(issuer.0)).bind(at_most(confirmed.id.0));
    confirm.bind(big("sequence", sequence.0)?).execute(&mut **tx).await?;
    let overtake = sqlx::query(OVERTAKE).bind(i64::from(issuer.0));
    overtake.bind(big("proposed", confirmed.facts.proposed.bits())?).execute(&mut **tx).await?;
    Ok(())
}

async fn add(
    tx: &mut Tx,
    issuer: IssuerId,
    new: &Proposal,
    instruction: &[u8],
    proposer: &str,
) -> Result<(), TxFault> {
    const ADD: &str = "
        INSERT INTO proposals (issuer, id, phase, content, proposed, expires, rule, inputs, local_key, reason, changes,
            reds, added, instruction, proposer)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    const NAMED: &str = "
        INSERT INTO proposal_holders (issuer, holder, proposal) SELECT $1, named.holder, $2 FROM unnest($3) AS named (holder)";
    const NEXT: &str = "UPDATE issuers SET next_proposal = $2 + 1 WHERE id = $1";
    let facts = &new.facts;
    let id = big("proposal", new.id.0)?;
    sqlx::query(ADD)
        .bind(i64::from(issuer.0))
        .bind(id)
        .bind(new.state.phase().slug())
        .bind(&facts.content.0[..])
        .bind(big("proposed", facts.proposed.bits())?)
        .bind(big("expires", facts.expires.0)?)
        .bind(i64::from(facts.rule.0))
        .bind(&facts.inputs.0[..])
        .bind(&facts.local_key.0[..])
        .bind(&facts.reason)
        .bind(i64::from(facts.changes))
        .bind(i64::from(facts.reds))
        .bind(big("added", new.added.0)?)
        .bind(instruction)
        .bind(proposer)
        .execute(&mut **tx)
        .await?;
    let holders: Vec<i64> = named(instruction).iter().map(|holder| i64::from(holder.0)).collect();
    sqlx::query(NAMED).bind(i64::from(issuer.0)).bind(id).bind(holders).execute(&mut **tx).await?;
    sqlx::query(NEXT).bind(i64::from(issuer.0)).bind(id).execute(&mut **tx).await?;
    Ok(())
}

#[async_trait]
impl Proposals for PostgresStore {
    async fn add_proposal(
        &self,
        issuer: IssuerId,
        facts: &ProposalFacts,
        instruction: &[u8],
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Proposal, Fault> {
        retried(|| async {
            let mut tx = self.begin().await?;
            let locked = lock(&mut tx, issuer).await?;
            if let Some(known) = by_content(&mut tx, issuer, facts.content).await? {
                return Ok(known);
            }
            let is_late = facts.proposed <= locked.tip.proposed;
            let new = Proposal {
                id: ProposalId(locked.next_proposal),
                facts: facts.clone(),
                state: if is_late { ProposalState::Overtaken } else { ProposalState::Pending },
                released: None,
                added: now,
            };
            add(&mut tx, issuer, &new, instruction, &entry.who).await?;
            self.commit(tx, entry).await?;
            Ok(new)
        })
        .await
    }

    async fn proposal(&self, issuer: IssuerId, id: ProposalId) -> Result<Option<Proposal>, Fault> {
        let query = sqlx::query(BY_ID).bind(i64::from(issuer.0)).bind(at_most(id.0));
        Ok(one(&self.pool, query).await?)
    }

    async fn proposal_of(&self, issuer: IssuerId, content: ContentDigest) -> Result<Option<Proposal>, Fault> {
        let query = sqlx::query(BY_CONTENT).bind(i64::from(issuer.0)).bind(&content.0[..]);
        Ok(one(&self.pool, query).await?)
    }

    async fn instruction(&self, issuer: IssuerId, id: ProposalId) -> Result<Option<Vec<u8>>, Fault> {
        let query = sqlx::query("SELECT content, instruction FROM proposals WHERE issuer = $1 AND id = $2");
        let query = query.bind(i64::from(issuer.0)).bind(at_most(id.0));
        let row = query.fetch_optional(&self.pool).await.map_err(fault)?;
        row.map(|row| read_instruction(issuer, id, &Row(&row))).transpose()
    }

    async fn proposals(
        &self,
        issuer: IssuerId,
        filter: &ProposalFilter,
        after: Option<ProposalId>,
        limit: u32,
    ) -> Result<Vec<Proposal>, Fault> {
        const OF_ALL: &str = select_proposal!(
            "WHERE issuer = $1 AND id > $2 AND ($4::text IS NULL OR phase = $4) AND ($5::bigint IS NULL OR added >= $5)
                AND ($6::bigint IS NULL OR added < $6) ORDER BY id LIMIT $3"
        );
        const OF_HOLDER: &str = select_proposal!(
            "WHERE issuer = $1 AND ($4::text IS NULL OR phase = $4) AND ($5::bigint IS NULL OR added >= $5)
                AND ($6::bigint IS NULL OR added < $6) AND id IN (
                    SELECT proposal FROM proposal_holders WHERE issuer = $1 AND holder = $7 AND proposal > $2
                ) ORDER BY id LIMIT $3"
        );
        let query = sqlx::query(if filter.holder.is_some() { OF_HOLDER } else { OF_ALL });
        let query = query.bind(i64::from(issuer.0)).bind(after.map_or(0, |after| at_most(after.0)));
        let query = query.bind(i64::from(limit)).bind(filter.phase.map(ProposalPhase::slug));
        let query = query.bind(filter.since.map(|time| at_most(time.0)));
        let query = query.bind(filter.until.map(|time| at_most(time.0)));
        let query = match filter.holder {
            Some(holder) => query.bind(i64::from(holder.0)),
            None => query,
        };
        Ok(all(&self.pool, query).await?)
    }

    async fn withdraw(
        &self,
        issuer: IssuerId,
        id: ProposalId,
        entry: &Entry,
    ) -> Result<Option<Proposal>, Fault> {
        const WITHDRAW: &str = "UPDATE proposals SET phase = 'withdrawn' WHERE issuer = $1 AND id = $2";
        retried(|| async {
            let mut tx = self.begin().await?;
            lock(&mut tx, issuer).await?;
            let Some(mut known) = by_id(&mut tx, issuer, id).await? else { return Ok(None) };
            if known.state.phase().is_open() {
                let withdraw = sqlx::query(WITHDRAW).bind(i64::from(issuer.0)).bind(at_most(id.0));
                withdraw.execute(&mut *tx).await?;
                self.commit(tx, entry).await?;
                known.state = ProposalState::Withdrawn;
            }
            Ok(Some(known))
        })
        .await
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
            UPDATE proposals SET phase = 'pending', released = $3, release = $4 WHERE issuer = $1 AND id = $2";
        retried(|| async {
            let mut tx = self.begin().await?;
            lock(&mut tx, issuer).await?;
            let Some(mut known) = by_id(&mut tx, issuer, id).await? else { return Ok(None) };
            if known.state.phase() == ProposalPhase::Braked {
                let query = sqlx::query(RELEASE).bind(i64::from(issuer.0)).bind(at_most(id.0));
                query.bind(i64::from(holders)).bind(release).execute(&mut *tx).await?;
                self.commit(tx, entry).await?;
                known.state = ProposalState::Pending;
                known.released = Some(holders);
            }
            Ok(Some(known))
        })
        .await
    }

    async fn expire(&self, issuer: IssuerId, now: UnixMillis) -> Result<u64, Fault> {
        const ANY: &str = "
            SELECT EXISTS (
                SELECT FROM proposals WHERE issuer = $1 AND phase IN ('pending', 'braked') AND expires <= $2
            )";
        const EXPIRE: &str = "
            UPDATE proposals SET phase = 'expired'
            WHERE issuer = $1 AND phase IN ('pending', 'braked') AND expires <= $2";
        // Every read of proposals asks for this first: mostly none is due, and no lock is taken.
        let any = sqlx::query_scalar(ANY).bind(i64::from(issuer.0)).bind(at_most(now.0));
        let any: bool = any.fetch_one(&self.pool).await.map_err(fault)?;
        if !any {
            return Ok(0);
        }
        retried(|| async {
            let mut tx = self.begin().await?;
            lock(&mut tx, issuer).await?;
            let expire = sqlx::query(EXPIRE).bind(i64::from(issuer.0)).bind(at_most(now.0));
            let expired = expire.execute(&mut *tx).await?.rows_affected();
            tx.commit().await?;
            Ok(expired)
        })
        .await
    }
}
