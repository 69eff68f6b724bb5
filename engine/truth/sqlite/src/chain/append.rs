//! Appending: one transaction under the file's write lock.

use hufu_registry::chain::{Append, Appended, Ground, Turn, place};
use hufu_registry::{Alarm, Brake, Fault, Proposal, ProposalPhase, UnixMicros};
use hufu_wire::chain::ChainDigest;
use sqlx::SqliteConnection;

use super::{tip, words};
use crate::SqliteStore;
use crate::fault::fault;
use crate::holders::no_issuer;
use crate::proposals::find_content;
use crate::values::{at_most, bytes, column, ms, number};

pub(super) async fn append(store: &SqliteStore, append: &Append<'_>) -> Result<Appended, Fault> {
    let mut write = store.write().await?;
    let tip = tip(&mut write, append.issuer).await?.ok_or_else(|| no_issuer(append.issuer))?;
    let held = digest_at_its_place(&mut write, append).await?;
    if let Err(answer) = place(&tip, append.set, held) {
        return Ok(answer);
    }
    let Some(proposal) = find_content(&mut write, append.issuer, append.content).await? else {
        return Ok(Appended::Unproposed);
    };
    let phase = proposal.state.phase();
    // An expired one was confirmed in time, by what both authorities signed, and came late.
    if !phase.is_open() && phase != ProposalPhase::Expired {
        return Ok(Appended::Closed(phase));
    }
    let changes = &append.set.content.changes;
    let held = words::of(&mut write, append.issuer, changes).await?;
    let turn = Turn::of(changes, &held);
    let ground = ground(&mut write, append, &proposal).await?;
    if let Err(alarm) = ground.judge(turn.reds) {
        brake(&mut write, append, &proposal, alarm).await?;
        store.line(&mut write, append.braked).await?;
        write.commit().await.map_err(fault)?;
        return Ok(Appended::Braked(alarm));
    }
    words::put(&mut write, append.issuer, append.set.position.sequence, &turn.words).await?;
    add_set(&mut write, append, &turn).await?;
    close_proposals(&mut write, append, &proposal).await?;
    store.line(&mut write, append.entry).await?;
    write.commit().await.map_err(fault)?;
    let committed = UnixMicros::now();
    Ok(Appended::Appended { sequence: append.set.position.sequence, committed })
}

async fn digest_at_its_place(
    write: &mut SqliteConnection,
    append: &Append<'_>,
) -> Result<Option<ChainDigest>, Fault> {
    let digest: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT digest FROM sets WHERE issuer = ? AND sequence = ?")
            .bind(append.issuer.0)
            .bind(at_most(append.set.position.sequence.0))
            .fetch_optional(write)
            .await
            .map_err(fault)?;
    digest.map(|digest| bytes("digest", &digest).map(ChainDigest)).transpose()
}

async fn ground(
    write: &mut SqliteConnection,
    append: &Append<'_>,
    proposal: &Proposal,
) -> Result<Ground, Fault> {
    let (share, window, free, registered, known): (i64, i64, i64, i64, i64) = sqlx::query_as(
        "SELECT brake_share_permille, brake_window_s, brake_free, next_holder, known FROM issuers WHERE issuer = ?",
    )
    .bind(append.issuer.0)
    .fetch_one(&mut *write)
    .await
    .map_err(fault)?;
    let window_s: u32 = number("brake_window_s", window)?;
    let brake = Brake {
        share_permille: number("brake_share_permille", share)?,
        window_s,
        free: number("brake_free", free)?,
    };
    let [since, until] = brake.window(append.now).map(ms);
    let recent: i64 = sqlx::query_scalar(
        "SELECT COALESCE(SUM(reds), 0) FROM sets \
         WHERE issuer = ? AND appended_ms > ? AND appended_ms <= ? AND reds > 0",
    )
    .bind(append.issuer.0)
    .bind(since)
    .bind(until)
    .fetch_one(write)
    .await
    .map_err(fault)?;
    Ok(Ground {
        brake,
        recent: number("reds", recent)?,
        registered: number("next_holder", registered)?,
        known: number("known", known)?,
        released: proposal.released,
    })
}

/// Beside a line of the trail, only the proposal's state is written.
async fn brake(
    write: &mut SqliteConnection,
    append: &Append<'_>,
    proposal: &Proposal,
    alarm: Alarm,
) -> Result<(), Fault> {
    sqlx::query(
        "UPDATE proposals SET phase = ?, alarm_reds = ?, alarm_recent = ?, alarm_holders = ?, alarm_permille = ? \
         WHERE issuer = ? AND proposal = ?",
    )
    .bind(ProposalPhase::Braked.slug())
    .bind(alarm.reds)
    .bind(column(alarm.recent))
    .bind(column(alarm.holders))
    .bind(alarm.share_permille)
    .bind(append.issuer.0)
    .bind(column(proposal.id.0))
    .execute(write)
    .await
    .map_err(fault)?;
    Ok(())
}

async fn add_set(write: &mut SqliteConnection, append: &Append<'_>, turn: &Turn) -> Result<(), Fault> {
    let tip = append.set.tip();
    sqlx::query(
        "INSERT INTO sets (issuer, sequence, appended_ms, reds, digest, bytes) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(append.issuer.0)
    .bind(column(tip.sequence.0))
    .bind(ms(append.now))
    .bind(turn.reds)
    .bind(tip.digest.0.as_slice())
    .bind(append.bytes)
    .execute(&mut *write)
    .await
    .map_err(fault)?;
    sqlx::query(
        "UPDATE issuers SET sequence = ?, digest = ?, proposed_ms = ?, confirmed_ms = ?, known = known + ? \
         WHERE issuer = ?",
    )
    .bind(column(tip.sequence.0))
    .bind(tip.digest.0.as_slice())
    .bind(column(tip.proposed.bits()))
    .bind(ms(tip.confirmed))
    .bind(turn.known)
    .bind(append.issuer.0)
    .execute(write)
    .await
    .map_err(fault)?;
    Ok(())
}

/// The one that was confirmed, and those that every engine would refuse from now on.
async fn close_proposals(
    write: &mut SqliteConnection,
    append: &Append<'_>,
    proposal: &Proposal,
) -> Result<(), Fault> {
    let tip = append.set.tip();
    sqlx::query("UPDATE proposals SET phase = 'confirmed', sequence = ? WHERE issuer = ? AND proposal = ?")
        .bind(column(tip.sequence.0))
        .bind(append.issuer.0)
        .bind(column(proposal.id.0))
        .execute(&mut *write)
        .await
        .map_err(fault)?;
    sqlx::query(
        "UPDATE proposals SET phase = 'overtaken' \
         WHERE issuer = ? AND phase IN ('pending', 'braked') AND proposed_ms <= ?",
    )
    .bind(append.issuer.0)
    .bind(column(tip.proposed.bits()))
    .execute(write)
    .await
    .map_err(fault)?;
    Ok(())
}
