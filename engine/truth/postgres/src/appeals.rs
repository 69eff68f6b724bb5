//! Appeals and their steps.

use async_trait::async_trait;
use hufu_registry::store::{
    AppealEdit, AppealFilter, AppealRecords, Appeals, Columns as _, DecideAppeal, SoughtAppeals, at_most, big,
};
use hufu_registry::{Appeal, AppealFigures, AppealId, AppealPhase, AppealStep, Entry, Fault};
use hufu_wire::{Colour, HolderIndex, IssuerId, StatusWord, UnixMillis};

use crate::fault::{TxFault, retried};
use crate::issuers::lock;
use crate::row::{Row, all, one};
use crate::store::{PostgresStore, Tx};

#[async_trait]
impl Appeals for PostgresStore {
    async fn edit_appeal(
        &self,
        issuer: IssuerId,
        sought: SoughtAppeals,
        decide: &DecideAppeal<'_>,
        entry: &Entry,
    ) -> Result<AppealId, Fault> {
        retried(|| async {
            let mut tx = self.begin().await?;
            lock(&mut tx, issuer).await?;
            let edit = decide(&records(&mut tx, issuer, sought).await?)?;
            if edit.is_new {
                add(&mut tx, issuer, &edit.appeal).await?;
            } else {
                put(&mut tx, issuer, &edit.appeal).await?;
            }
            add_step(&mut tx, issuer, &edit).await?;
            self.commit(tx, &edit.line(entry)).await?;
            Ok(edit.appeal.id)
        })
        .await
    }

    async fn appeal(&self, issuer: IssuerId, id: AppealId) -> Result<Option<Appeal>, Fault> {
        let query = sqlx::query("SELECT * FROM told_appeals WHERE issuer = $1 AND id = $2");
        Ok(one(&self.pool, query.bind(i64::from(issuer.0)).bind(at_most(id.0))).await?)
    }

    async fn appeal_steps(&self, issuer: IssuerId, id: AppealId) -> Result<Vec<AppealStep>, Fault> {
        const STEPS: &str = "SELECT * FROM appeal_steps WHERE issuer = $1 AND appeal = $2 ORDER BY number";
        let query = sqlx::query(STEPS).bind(i64::from(issuer.0)).bind(at_most(id.0));
        Ok(all(&self.pool, query).await?)
    }

    async fn appeals(
        &self,
        issuer: IssuerId,
        filter: &AppealFilter,
        after: Option<AppealId>,
        limit: u32,
    ) -> Result<Vec<Appeal>, Fault> {
        const OF_ALL: &str = "
            SELECT * FROM told_appeals WHERE issuer = $1 AND id > $2 AND ($3::text IS NULL OR phase = $3)
                AND ($4::bigint IS NULL OR phase IN ('open', 'in-review') AND due <= $4) ORDER BY id LIMIT $5";
        const OF_HOLDER: &str = "
            SELECT * FROM told_appeals WHERE issuer = $1 AND holder = $6 AND id > $2 AND ($3::text IS NULL OR phase = $3)
                AND ($4::bigint IS NULL OR phase IN ('open', 'in-review') AND due <= $4) ORDER BY id LIMIT $5";
        let query = sqlx::query(if filter.holder.is_some() { OF_HOLDER } else { OF_ALL });
        let query = query.bind(i64::from(issuer.0)).bind(after.map_or(0, |id| at_most(id.0)));
        let query = query.bind(filter.phase.map(AppealPhase::slug));
        let query = query.bind(filter.overdue.map(|time| at_most(time.0))).bind(i64::from(limit));
        let query = match filter.holder {
            Some(holder) => query.bind(i64::from(holder.0)),
            None => query,
        };
        Ok(all(&self.pool, query).await?)
    }

    async fn appeal_figures(
        &self,
        issuer: IssuerId,
        [from, until]: [UnixMillis; 2],
        now: UnixMillis,
    ) -> Result<AppealFigures, Fault> {
        // A clock that was set back decides before the appeal was opened: that took no time.
        const FIGURES: &str = "
            WITH done AS (
                SELECT phase, against, colour, due, decided, greatest(decided - opened, 0) AS took FROM appeals
                WHERE issuer = $1 AND decided >= $2 AND decided < $3
            ), ranked AS (
                SELECT took, row_number() OVER (ORDER BY took) AS nth, count(*) OVER () AS count FROM done
            )
            SELECT
                (SELECT count(*) FROM appeals WHERE issuer = $1 AND opened >= $2 AND opened < $3) AS opened,
                count(*) AS decided,
                count(*) FILTER (WHERE phase = 'accepted') AS accepted,
                count(*) FILTER (WHERE phase = 'accepted' AND against = 'colour' AND colour = 'red') AS wrong_reds,
                count(*) FILTER (WHERE phase = 'accepted' AND against = 'colour' AND colour = 'amber') AS wrong_ambers,
                count(*) FILTER (WHERE phase = 'rejected') AS rejected,
                count(*) FILTER (WHERE decided > due) AS late,
                (SELECT count(*) FROM appeals WHERE issuer = $1 AND phase IN ('open', 'in-review') AND due <= $4) AS overdue,
                (SELECT took FROM ranked WHERE nth = (count * 50 + 99) / 100) AS p50,
                (SELECT took FROM ranked WHERE nth = (count * 90 + 99) / 100) AS p90,
                max(took) AS longest
            FROM done";
        let query =
            sqlx::query(FIGURES).bind(i64::from(issuer.0)).bind(at_most(from.0)).bind(at_most(until.0));
        let figures = one(&self.pool, query.bind(at_most(now.0))).await?;
        figures.ok_or_else(|| Fault::Damaged("counting appeals gave no row".into()))
    }
}

/// What is sought, within a transaction that writes.
async fn records(tx: &mut Tx, issuer: IssuerId, sought: SoughtAppeals) -> Result<AppealRecords, TxFault> {
    const NEXT: &str = "SELECT coalesce(max(id), 0) + 1 AS next FROM appeals WHERE issuer = $1";
    const HOLDER: &str = "SELECT holder FROM appeals WHERE issuer = $1 AND id = $2";
    const OF_HOLDER: &str = "SELECT * FROM told_appeals WHERE issuer = $1 AND holder = $2 ORDER BY id";
    const WORD: &str = "SELECT word FROM statuses WHERE issuer = $1 AND holder = $2";
    let number = i64::from(issuer.0);
    let next = sqlx::query(NEXT).bind(number).fetch_one(&mut **tx).await?;
    let next = AppealId(Row(&next).number("next")?);
    let holder: Option<HolderIndex> = match sought {
        SoughtAppeals::Of(holder) => Some(holder),
        SoughtAppeals::With(id) => {
            one(&mut **tx, sqlx::query(HOLDER).bind(number).bind(at_most(id.0))).await?
        }
    };
    let Some(holder) = holder else {
        return Ok(AppealRecords { next, appeals: Vec::new(), word: StatusWord::UNKNOWN });
    };
    let of = i64::from(holder.0);
    let appeals = all(&mut **tx, sqlx::query(OF_HOLDER).bind(number).bind(of)).await?;
    let word = one(&mut **tx, sqlx::query(WORD).bind(number).bind(of)).await?;
    Ok(AppealRecords { next, appeals, word: word.unwrap_or(StatusWord::UNKNOWN) })
}

async fn add(tx: &mut Tx, issuer: IssuerId, appeal: &Appeal) -> Result<(), TxFault> {
    const ADD: &str = "
        INSERT INTO appeals (issuer, id, holder, against, subject, channel, phase, colour, first, given_by, opened, due,
            decided, taken_by, reviewer, proposal, sealed)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    sqlx::query(ADD)
        .bind(i64::from(issuer.0))
        .bind(big("appeal", appeal.id.0)?)
        .bind(i64::from(appeal.holder.0))
        .bind(appeal.against.slug())
        .bind(&appeal.subject.0[..])
        .bind(appeal.channel.slug())
        .bind(appeal.phase.slug())
        .bind(appeal.colour.map_or("", Colour::slug))
        .bind(appeal.first.map(|first| at_most(first.0)))
        .bind(appeal.given_by.map(|given_by| at_most(given_by.0)))
        .bind(big("opened", appeal.opened.0)?)
        .bind(big("due", appeal.due.0)?)
        .bind(appeal.decided.map(|decided| at_most(decided.0)))
        .bind(&appeal.taken_by)
        .bind(&appeal.reviewer)
        .bind(appeal.proposal.map(|proposal| at_most(proposal.0)))
        .bind(&appeal.sealed)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What a step changes of an appeal.
async fn put(tx: &mut Tx, issuer: IssuerId, appeal: &Appeal) -> Result<(), TxFault> {
    const PUT: &str = "UPDATE appeals SET phase = $3, decided = $4, reviewer = $5, proposal = $6 WHERE issuer = $1 AND id = $2";
    sqlx::query(PUT)
        .bind(i64::from(issuer.0))
        .bind(at_most(appeal.id.0))
        .bind(appeal.phase.slug())
        .bind(appeal.decided.map(|decided| at_most(decided.0)))
        .bind(&appeal.reviewer)
        .bind(appeal.proposal.map(|proposal| at_most(proposal.0)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn add_step(tx: &mut Tx, issuer: IssuerId, edit: &AppealEdit) -> Result<(), TxFault> {
    const ADD: &str = "
        INSERT INTO appeal_steps (issuer, appeal, number, at, who, phase, words)
        SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6 FROM appeal_steps WHERE issuer = $1 AND appeal = $2";
    let AppealStep { at, who, phase, words, .. } = &edit.step;
    sqlx::query(ADD)
        .bind(i64::from(issuer.0))
        .bind(at_most(edit.appeal.id.0))
        .bind(big("now", at.0)?)
        .bind(who)
        .bind(phase.slug())
        .bind(words)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
