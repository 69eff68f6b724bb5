//! Appending: one transaction under the file's write lock.

use hufu_registry::chain::{Append, Appended, BrakeInput, SetEffect, coloured, place};
use hufu_registry::store::{Columns as _, IssuerRow, at_most, big};
use hufu_registry::{Alarm, Fault, Proposal, ProposalPhase, UnixMicros};
use hufu_wire::chain::ChainDigest;
use sqlx::SqliteConnection;

use super::words;
use crate::fault::fault;
use crate::holders::joined;
use crate::issuers;
use crate::proposals::find_content;
use crate::row::{Row, change};
use crate::store::SqliteStore;

pub(super) async fn append(store: &SqliteStore, append: &Append<'_>) -> Result<Appended, Fault> {
    let mut write = store.write().await?;
    let row = issuers::checked(&mut write, append.issuer).await?;
    let row = row.ok_or_else(|| Fault::no_issuer(append.issuer))?;
    let held = digest_at_its_place(&mut write, append).await?;
    if let Err(answer) = place(&row.tip, append.set, held) {
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
    if let [holder, ..] = joined(&mut write, append.issuer, &coloured(changes)).await?.as_slice() {
        return Ok(Appended::Joined(*holder));
    }
    let turn = SetEffect::of(changes, &words::of(&mut write, append.issuer, changes).await?);
    let ground = ground(&mut write, append, &row, &proposal).await?;
    if let Err(alarm) = ground.judge(turn.set_back) {
        brake(&mut write, append, &proposal, alarm).await?;
        store.commit(write, append.braked).await?;
        return Ok(Appended::Braked(alarm));
    }
    let position = &append.set.position;
    words::put(&mut write, append.issuer, (position.sequence, position.confirmed), &turn.words).await?;
    add_set(&mut write, append, &turn).await?;
    close_proposals(&mut write, append, &proposal).await?;
    store.commit(write, append.entry).await?;
    Ok(Appended::Appended { sequence: append.set.position.sequence, committed: UnixMicros::now() })
}

async fn digest_at_its_place(
    write: &mut SqliteConnection,
    append: &Append<'_>,
) -> Result<Option<ChainDigest>, Fault> {
    const DIGEST: &str = "SELECT digest FROM sets WHERE issuer = ? AND sequence = ?";
    let query = sqlx::query(DIGEST).bind(append.issuer.0).bind(at_most(append.set.position.sequence.0));
    let row = query.fetch_optional(write).await.map_err(fault)?;
    row.map(|row| Row(&row).array("digest").map(ChainDigest)).transpose()
}

async fn ground(
    write: &mut SqliteConnection,
    append: &Append<'_>,
    row: &IssuerRow,
    proposal: &Proposal,
) -> Result<BrakeInput, Fault> {
    const RECENT: &str = "
        SELECT COALESCE(SUM(set_back), 0) AS recent FROM sets
        WHERE issuer = ? AND appended > ? AND appended <= ? AND set_back > 0";
    let [since, until] = row.brake.window(append.now).map(|time| at_most(time.0));
    let query = sqlx::query(RECENT).bind(append.issuer.0).bind(since).bind(until);
    let recent = Row(&query.fetch_one(write).await.map_err(fault)?).number("recent")?;
    let (registered, known) = (row.next_holder, row.known);
    Ok(BrakeInput { brake: row.brake, recent, registered, known, released: proposal.released })
}

/// Beside a line of the trail, only the proposal's state is written.
async fn brake(
    write: &mut SqliteConnection,
    append: &Append<'_>,
    proposal: &Proposal,
    alarm: Alarm,
) -> Result<(), Fault> {
    const BRAKE: &str = "
        UPDATE proposals SET phase = 'braked', alarm_reds = ?, alarm_ambers = ?, alarm_forgotten = ?,
            alarm_generations = ?, alarm_recent = ?, alarm_holders = ?, alarm_share_permille = ?
        WHERE issuer = ? AND id = ?";
    let brake = sqlx::query(BRAKE)
        .bind(alarm.set_back.reds)
        .bind(alarm.set_back.ambers)
        .bind(alarm.set_back.forgotten)
        .bind(alarm.set_back.generations)
        .bind(at_most(alarm.recent))
        .bind(at_most(alarm.holders))
        .bind(alarm.share_permille)
        .bind(append.issuer.0)
        .bind(at_most(proposal.id.0));
    change(write, brake).await?;
    Ok(())
}

async fn add_set(write: &mut SqliteConnection, append: &Append<'_>, turn: &SetEffect) -> Result<(), Fault> {
    const ADD: &str = "
        INSERT INTO sets (issuer, sequence, appended, set_back, digest, bytes) VALUES (?, ?, ?, ?, ?, ?)";
    const END: &str = "
        UPDATE issuers SET tip_sequence = ?, tip_digest = ?, tip_proposed = ?, tip_confirmed = ?, known = known + ?
        WHERE id = ?";
    let tip = append.set.tip();
    let add = sqlx::query(ADD)
        .bind(append.issuer.0)
        .bind(big("sequence", tip.sequence.0)?)
        .bind(big("now", append.now.0)?)
        .bind(turn.set_back.all())
        .bind(tip.digest.0.as_slice())
        .bind(append.bytes);
    change(&mut *write, add).await?;
    let end = sqlx::query(END)
        .bind(big("sequence", tip.sequence.0)?)
        .bind(tip.digest.0.as_slice())
        .bind(big("proposed", tip.proposed.bits())?)
        .bind(big("confirmed", tip.confirmed.0)?)
        .bind(turn.known)
        .bind(append.issuer.0);
    change(write, end).await?;
    Ok(())
}

/// The one that was confirmed, and those that every engine would refuse from now on.
async fn close_proposals(
    write: &mut SqliteConnection,
    append: &Append<'_>,
    proposal: &Proposal,
) -> Result<(), Fault> {
    const CONFIRM: &str =
        "UPDATE proposals SET phase = 'confirmed', sequence = ? WHERE issuer = ? AND id = ?";
    const OVERTAKE: &str = "
        UPDATE proposals SET phase = 'overtaken'
        WHERE issuer = ? AND phase IN ('pending', 'braked') AND proposed <= ?";
    let tip = append.set.tip();
    let confirm = sqlx::query(CONFIRM).bind(big("sequence", tip.sequence.0)?).bind(append.issuer.0);
    change(&mut *write, confirm.bind(at_most(proposal.id.0))).await?;
    let overtake = sqlx::query(OVERTAKE).bind(append.issuer.0).bind(big("proposed", tip.proposed.bits())?);
    change(write, overtake).await?;
    Ok(())
}
