//! Chains: sets appended under the issuer's lock, and the words they made.

use async_trait::async_trait;
use hufu_codes::chain::Tip;
use hufu_registry::chain::{Append, Appended, Ground, Turn, place};
use hufu_registry::store::{Chain, Statuses};
use hufu_registry::{Fault, Proposal, ProposalPhase, StoredSet, UnixMicros};
use hufu_wire::chain::Changes;
use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusWord};
use sqlx::postgres::PgRow;
use tokio::sync::broadcast;

use crate::fault::{Stop, fault, retried};
use crate::issuers::{Locked, lock, tip};
use crate::row::{Columns as _, at_most, big, damaged, word_in, word_out};
use crate::store::{PostgresStore, Tx};
use crate::wakes::CHANNEL;
use crate::{proposals, trail};

/// Sets of one page, however small they are.
const SETS_MAX: i64 = 1024;

impl PostgresStore {
    async fn append_once(&self, append: &Append<'_>) -> Result<Appended, Stop> {
        let issuer = append.issuer;
        let mut tx = self.begin().await?;
        let locked = lock(&mut tx, issuer).await?;
        if let Err(answer) = place(&locked.tip, append.set) {
            return Ok(answer);
        }
        let Some(proposal) = proposals::by_content(&mut tx, issuer, append.content).await? else {
            return Ok(Appended::Unproposed);
        };
        if let Some(phase) = closed(&proposal) {
            return Ok(Appended::Closed(phase));
        }
        let changes = &append.set.content.changes;
        let turn = Turn::of(changes, &held(&mut tx, issuer, changes).await?);
        if let Err(alarm) = ground(&mut tx, append, &locked, &proposal).await?.judge(turn.reds) {
            proposals::brake(&mut tx, issuer, proposal.id, &alarm).await?;
            trail::write(&mut tx, append.braked).await?;
            tx.commit().await?;
            return Ok(Appended::Braked(alarm));
        }
        let sequence = append.set.tip().sequence;
        put_words(&mut tx, issuer, sequence, &turn.words).await?;
        put_set(&mut tx, append, turn.reds).await?;
        put_tip(&mut tx, issuer, append.set.tip(), turn.known).await?;
        proposals::confirm(&mut tx, issuer, &proposal, sequence).await?;
        notify(&mut tx, issuer).await?;
        trail::write(&mut tx, append.entry).await?;
        tx.commit().await?;
        let committed = UnixMicros::now();
        self.wakes.tell(issuer);
        Ok(Appended::Appended { sequence, committed })
    }
}

/// The phase of a proposal that nothing can become of any more. One that has expired was confirmed in time if the
/// set's signed times say so.
fn closed(proposal: &Proposal) -> Option<ProposalPhase> {
    let phase = proposal.state.phase();
    (!phase.is_open() && phase != ProposalPhase::Expired).then_some(phase)
}

/// The words of the holders whom `changes` name, by rising index, without those that are zero.
async fn held(
    tx: &mut Tx,
    issuer: IssuerId,
    changes: &Changes<'_>,
) -> Result<Vec<(HolderIndex, StatusWord)>, Stop> {
    const HELD: &str = "
        SELECT array_agg(holder) AS holders, array_agg(word) AS words FROM statuses
        WHERE issuer = $1 AND holder = ANY($2)";
    let holders: Vec<i64> = changes.iter().map(|(holder, _)| i64::from(holder.0)).collect();
    let query = sqlx::query(HELD).bind(i64::from(issuer.0)).bind(holders);
    Ok(words(&query.fetch_one(&mut **tx).await?)?)
}

/// Words by rising index, from two arrays: a row for each of them costs several times as much.
fn words(row: &PgRow) -> Result<Vec<(HolderIndex, StatusWord)>, Fault> {
    let holders = row.numbers("holders")?.into_iter();
    let holders = holders.map(|holder| u32::try_from(holder).map_err(|_| damaged("holder", holder)));
    let words =
        holders.zip(row.numbers("words")?).map(|(holder, word)| Ok((HolderIndex(holder?), word_out(word))));
    let mut words: Vec<_> = words.collect::<Result<_, Fault>>()?;
    words.sort_unstable_by_key(|(holder, _)| *holder);
    Ok(words)
}

/// What the brake looks at.
async fn ground(
    tx: &mut Tx,
    append: &Append<'_>,
    locked: &Locked,
    proposal: &Proposal,
) -> Result<Ground, Stop> {
    const RECENT: &str = "
        SELECT coalesce(sum(reds), 0)::bigint AS recent FROM sets
        WHERE issuer = $1 AND appended > $2 AND reds > 0";
    let since_ms = append.now.0.saturating_sub(u64::from(locked.brake.window_s) * 1000);
    let query = sqlx::query(RECENT).bind(i64::from(append.issuer.0)).bind(at_most(since_ms));
    Ok(Ground {
        brake: locked.brake,
        recent: query.fetch_one(&mut **tx).await?.number("recent")?,
        registered: locked.next_holder,
        known: locked.known,
        released: proposal.released,
    })
}

async fn put_words(
    tx: &mut Tx,
    issuer: IssuerId,
    sequence: Sequence,
    words: &[(HolderIndex, StatusWord)],
) -> Result<(), Stop> {
    const PUT: &str = "
        INSERT INTO statuses (issuer, holder, word, sequence)
        SELECT $1, new.holder, new.word, $4 FROM unnest($2, $3) AS new (holder, word)
        ON CONFLICT (issuer, holder) DO UPDATE SET word = excluded.word, sequence = excluded.sequence";
    const FORGET: &str = "DELETE FROM statuses WHERE issuer = $1 AND holder = ANY($2)";
    let (forgotten, known): (Vec<_>, Vec<_>) =
        words.iter().partition(|(_, word)| *word == StatusWord::UNKNOWN);
    let (holders, words): (Vec<i64>, Vec<i64>) =
        known.into_iter().map(|(holder, word)| (i64::from(holder.0), word_in(word))).unzip();
    let put = sqlx::query(PUT).bind(i64::from(issuer.0)).bind(holders).bind(words);
    put.bind(big("sequence", sequence.0)?).execute(&mut **tx).await?;
    if !forgotten.is_empty() {
        let forgotten: Vec<i64> = forgotten.into_iter().map(|(holder, _)| i64::from(holder.0)).collect();
        sqlx::query(FORGET).bind(i64::from(issuer.0)).bind(forgotten).execute(&mut **tx).await?;
    }
    Ok(())
}

async fn put_set(tx: &mut Tx, append: &Append<'_>, reds: u32) -> Result<(), Stop> {
    const PUT: &str =
        "INSERT INTO sets (issuer, sequence, bytes, reds, appended) VALUES ($1, $2, $3, $4, $5)";
    sqlx::query(PUT)
        .bind(i64::from(append.issuer.0))
        .bind(big("sequence", append.set.tip().sequence.0)?)
        .bind(append.bytes)
        .bind(i64::from(reds))
        .bind(big("now", append.now.0)?)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn put_tip(tx: &mut Tx, issuer: IssuerId, tip: &Tip, known: i64) -> Result<(), Stop> {
    const PUT: &str = "
        UPDATE issuers SET tip_sequence = $2, tip_digest = $3, tip_proposed = $4, tip_confirmed = $5,
            known = known + $6
        WHERE id = $1";
    sqlx::query(PUT)
        .bind(i64::from(issuer.0))
        .bind(big("sequence", tip.sequence.0)?)
        .bind(&tip.digest.0[..])
        .bind(big("proposed", tip.proposed.0)?)
        .bind(big("confirmed", tip.confirmed.0)?)
        .bind(known)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Tells every process on this database, when and if the transaction is committed.
async fn notify(tx: &mut Tx, issuer: IssuerId) -> Result<(), Stop> {
    let query = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(issuer.to_string());
    query.execute(&mut **tx).await?;
    Ok(())
}

#[async_trait]
impl Chain for PostgresStore {
    async fn append(&self, append: &Append<'_>) -> Result<Appended, Fault> {
        retried(|| self.append_once(append)).await
    }

    async fn tip(&self, issuer: IssuerId) -> Result<Option<Tip>, Fault> {
        const TIP: &str =
            "SELECT tip_sequence, tip_digest, tip_proposed, tip_confirmed FROM issuers WHERE id = $1";
        let query = sqlx::query(TIP).bind(i64::from(issuer.0));
        query.fetch_optional(&self.pool).await.map_err(fault)?.as_ref().map(tip).transpose()
    }

    async fn set(&self, issuer: IssuerId, sequence: Sequence) -> Result<Option<StoredSet>, Fault> {
        let query = sqlx::query("SELECT bytes FROM sets WHERE issuer = $1 AND sequence = $2");
        let query = query.bind(i64::from(issuer.0)).bind(at_most(sequence.0));
        let row = query.fetch_optional(&self.pool).await.map_err(fault)?;
        row.map(|row| Ok(StoredSet { sequence, bytes: row.bytes("bytes")?.into() })).transpose()
    }

    async fn sets(
        &self,
        issuer: IssuerId,
        after: Sequence,
        bytes_max: usize,
    ) -> Result<Vec<StoredSet>, Fault> {
        // Lengths are known without reading the sets. One statement, so that the tip is of the same moment.
        const PAGE: &str = "
            SELECT issuers.tip_sequence, page.sequence, page.bytes
            FROM issuers LEFT JOIN LATERAL (
                SELECT sequence, bytes, sum(octet_length(bytes)) OVER (ORDER BY sequence) AS together
                FROM (
                    SELECT sequence, bytes FROM sets WHERE issuer = $1 AND sequence > $2
                    ORDER BY sequence LIMIT $4
                ) AS following
            ) AS page ON page.together <= $3 OR page.sequence - 1 = $2
            WHERE issuers.id = $1 ORDER BY page.sequence";
        let query = sqlx::query(PAGE).bind(i64::from(issuer.0)).bind(at_most(after.0));
        let query = query.bind(i64::try_from(bytes_max).unwrap_or(i64::MAX)).bind(SETS_MAX);
        let rows = query.fetch_all(&self.pool).await.map_err(fault)?;
        let mut sets = Vec::with_capacity(rows.len());
        let mut last = after.0;
        for row in &rows {
            let tip: u64 = row.number("tip_sequence")?;
            match row.number_or_none("sequence")? {
                Some(sequence) if sequence == last + 1 => {
                    last = sequence;
                    sets.push(StoredSet { sequence: Sequence(sequence), bytes: row.bytes("bytes")?.into() });
                }
                None if tip <= after.0 => {}
                _ => {
                    return Err(damaged(
                        "sequence",
                        format!("no {} of issuer {issuer}, whose tip is {tip}", last + 1),
                    ));
                }
            }
        }
        Ok(sets)
    }

    async fn statuses(
        &self,
        issuer: IssuerId,
        from: HolderIndex,
        limit: u32,
    ) -> Result<Option<Statuses>, Fault> {
        // One statement, so that the tip is of the same moment.
        const PAGE: &str = "
            SELECT tip_sequence, tip_digest, tip_proposed, tip_confirmed, page.holders, page.words
            FROM issuers CROSS JOIN LATERAL (
                SELECT array_agg(holder) AS holders, array_agg(word) AS words FROM (
                    SELECT holder, word FROM statuses WHERE issuer = $1 AND holder >= $2
                    ORDER BY holder LIMIT $3
                ) AS following
            ) AS page
            WHERE issuers.id = $1";
        let query =
            sqlx::query(PAGE).bind(i64::from(issuer.0)).bind(i64::from(from.0)).bind(i64::from(limit));
        let row = query.fetch_optional(&self.pool).await.map_err(fault)?;
        row.map(|row| Ok(Statuses { tip: tip(&row)?, words: words(&row)? })).transpose()
    }

    fn grown(&self) -> broadcast::Receiver<IssuerId> {
        self.wakes.subscribe()
    }
}
