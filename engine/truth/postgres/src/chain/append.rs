//! Appending: one transaction under the lock of the issuer's row.

use hufu_codes::chain::Tip;
use hufu_registry::chain::{Append, Appended, BrakeInput, SetEffect, checked_tip, coloured, place};
use hufu_registry::store::{Columns as _, IssuerRow, at_most, big};
use hufu_registry::{Proposal, ProposalPhase, UnixMicros};
use hufu_wire::chain::ChainDigest;
use hufu_wire::{IssuerId, Sequence};

use super::words;
use crate::fault::TxFault;
use crate::holders::joined;
use crate::issuers::lock;
use crate::proposals;
use crate::row::Row;
use crate::store::{PostgresStore, Tx};
use crate::wakes::CHANNEL;

pub(super) async fn append(store: &PostgresStore, append: &Append<'_>) -> Result<Appended, TxFault> {
    let (issuer, tip) = (append.issuer, append.set.tip());
    let mut tx = store.begin().await?;
    let locked = lock(&mut tx, issuer).await?;
    let held = digest_at_its_place(&mut tx, append, &locked.tip).await?;
    if let Err(answer) = place(&locked.tip, append.set, held) {
        return Ok(answer);
    }
    let Some(proposal) = proposals::by_content(&mut tx, issuer, append.content).await? else {
        return Ok(Appended::Unproposed);
    };
    let phase = proposal.state.phase();
    // An expired one was confirmed in time, by what both authorities signed, and came late.
    if !phase.is_open() && phase != ProposalPhase::Expired {
        return Ok(Appended::Closed(phase));
    }
    let changes = &append.set.content.changes;
    if let [holder, ..] = joined(&mut *tx, issuer, &coloured(changes)).await?.as_slice() {
        return Ok(Appended::Joined(*holder));
    }
    let turn = SetEffect::of(changes, &words::of(&mut tx, issuer, changes).await?);
    if let Err(alarm) = ground(&mut tx, append, &locked, &proposal).await?.judge(turn.set_back) {
        proposals::brake(&mut tx, issuer, proposal.id, &alarm).await?;
        store.commit(tx, append.braked).await?;
        return Ok(Appended::Braked(alarm));
    }
    words::put(&mut tx, issuer, (tip.sequence, tip.confirmed), &turn.words).await?;
    put_set(&mut tx, append, turn.set_back.all()).await?;
    put_tip(&mut tx, issuer, tip, turn.known).await?;
    proposals::confirm(&mut tx, issuer, &proposal, tip.sequence).await?;
    notify(&mut tx, issuer).await?;
    store.commit(tx, append.entry).await?;
    Ok(Appended::Appended { sequence: tip.sequence, committed: UnixMicros::now() })
}

/// The digest of the set that the chain has where `append` belongs. The chain's end is looked at as well: nothing
/// is built on rows that somebody altered.
async fn digest_at_its_place(
    tx: &mut Tx,
    append: &Append<'_>,
    tip: &Tip,
) -> Result<Option<ChainDigest>, TxFault> {
    const DIGESTS: &str = "SELECT sequence, digest FROM sets WHERE issuer = $1 AND sequence IN ($2, $3)";
    let place = append.set.position.sequence;
    let query = sqlx::query(DIGESTS).bind(i64::from(append.issuer.0));
    let rows = query.bind(at_most(place.0)).bind(at_most(tip.sequence.0)).fetch_all(&mut **tx).await?;
    let (mut held, mut last) = (None, None);
    for row in rows.iter().map(Row) {
        let (sequence, digest) = (Sequence(row.number("sequence")?), ChainDigest(row.array("digest")?));
        held = held.or((sequence == place).then_some(digest));
        last = last.or((sequence == tip.sequence).then_some(digest));
    }
    checked_tip(append.issuer, *tip, last)?;
    Ok(held)
}

/// What the brake looks at.
async fn ground(
    tx: &mut Tx,
    append: &Append<'_>,
    locked: &IssuerRow,
    proposal: &Proposal,
) -> Result<BrakeInput, TxFault> {
    const RECENT: &str = "
        SELECT coalesce(sum(set_back), 0)::bigint AS recent FROM sets
        WHERE issuer = $1 AND appended > $2 AND appended <= $3 AND set_back > 0";
    let [since, until] = locked.brake.window(append.now).map(|time| at_most(time.0));
    let query = sqlx::query(RECENT).bind(i64::from(append.issuer.0)).bind(since).bind(until);
    Ok(BrakeInput {
        brake: locked.brake,
        recent: Row(&query.fetch_one(&mut **tx).await?).number("recent")?,
        registered: locked.next_holder,
        known: locked.known,
        released: proposal.released,
    })
}

async fn put_set(tx: &mut Tx, append: &Append<'_>, set_back: u32) -> Result<(), TxFault> {
    const PUT: &str = "INSERT INTO sets (issuer, sequence, digest, bytes, set_back, appended) VALUES ($1, $2, $3, $4, $5, $6)";
    let tip = append.set.tip();
    sqlx::query(PUT)
        .bind(i64::from(append.issuer.0))
        .bind(big("sequence", tip.sequence.0)?)
        .bind(&tip.digest.0[..])
        .bind(append.bytes)
        .bind(i64::from(set_back))
        .bind(big("now", append.now.0)?)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn put_tip(tx: &mut Tx, issuer: IssuerId, tip: &Tip, known: i64) -> Result<(), TxFault> {
    const PUT: &str = "
        UPDATE issuers SET tip_sequence = $2, tip_digest = $3, tip_proposed = $4, tip_confirmed = $5,
            known = known + $6
        WHERE id = $1";
    sqlx::query(PUT)
        .bind(i64::from(issuer.0))
        .bind(big("sequence", tip.sequence.0)?)
        .bind(&tip.digest.0[..])
        .bind(big("proposed", tip.proposed.bits())?)
        .bind(big("confirmed", tip.confirmed.0)?)
        .bind(known)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Tells every process on this database, when and if the transaction is committed.
async fn notify(tx: &mut Tx, issuer: IssuerId) -> Result<(), TxFault> {
    let query = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(issuer.to_string());
    query.execute(&mut **tx).await?;
    Ok(())
}
