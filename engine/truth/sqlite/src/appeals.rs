//! Appeals and their steps.

use async_trait::async_trait;
use hufu_registry::store::{
    AppealEdit, AppealFilter, AppealRecords, Appeals, Columns as _, DecideAppeal, SoughtAppeals, at_most, big,
};
use hufu_registry::{Appeal, AppealFigures, AppealId, AppealPhase, AppealStep, Entry, Fault};
use hufu_wire::{Colour, HolderIndex, IssuerId, StatusWord, UnixMillis};
use sqlx::SqliteConnection;

use crate::fault::fault;
use crate::issuers;
use crate::row::{Row, all, change, one};
use crate::store::SqliteStore;

#[async_trait]
impl Appeals for SqliteStore {
    async fn edit_appeal(
        &self,
        issuer: IssuerId,
        sought: SoughtAppeals,
        decide: &DecideAppeal<'_>,
        entry: &Entry,
    ) -> Result<AppealId, Fault> {
        let mut write = self.write().await?;
        issuers::known(&mut write, issuer).await?;
        let edit = decide(&records(&mut write, issuer, sought).await?)?;
        if edit.is_new {
            add(&mut write, issuer, &edit.appeal).await?;
        } else {
            put(&mut write, issuer, &edit.appeal).await?;
        }
        add_step(&mut write, issuer, &edit).await?;
        self.commit(write, &edit.line(entry)).await?;
        Ok(edit.appeal.id)
    }

    async fn appeal(&self, issuer: IssuerId, id: AppealId) -> Result<Option<Appeal>, Fault> {
        let query = sqlx::query("SELECT * FROM told_appeals WHERE issuer = ? AND id = ?");
        one(&self.readers, query.bind(issuer.0).bind(at_most(id.0))).await
    }

    async fn appeal_steps(&self, issuer: IssuerId, id: AppealId) -> Result<Vec<AppealStep>, Fault> {
        let query = sqlx::query("SELECT * FROM appeal_steps WHERE issuer = ? AND appeal = ? ORDER BY number");
        all(&self.readers, query.bind(issuer.0).bind(at_most(id.0))).await
    }

    async fn appeals(
        &self,
        issuer: IssuerId,
        filter: &AppealFilter,
        after: Option<AppealId>,
        limit: u32,
    ) -> Result<Vec<Appeal>, Fault> {
        const OF_ALL: &str = "
            SELECT * FROM told_appeals WHERE issuer = ?1 AND id > ?2 AND (?3 IS NULL OR phase = ?3)
                AND (?4 IS NULL OR phase IN ('open', 'in-review') AND due <= ?4) ORDER BY id LIMIT ?5";
        const OF_HOLDER: &str = "
            SELECT * FROM told_appeals WHERE issuer = ?1 AND holder = ?6 AND id > ?2 AND (?3 IS NULL OR phase = ?3)
                AND (?4 IS NULL OR phase IN ('open', 'in-review') AND due <= ?4) ORDER BY id LIMIT ?5";
        let query = sqlx::query(if filter.holder.is_some() { OF_HOLDER } else { OF_ALL });
        let query = query.bind(issuer.0).bind(after.map_or(0, |id| at_most(id.0)));
        let query = query.bind(filter.phase.map(AppealPhase::slug));
        let query = query.bind(filter.overdue.map(|time| at_most(time.0))).bind(limit);
        let query = match filter.holder {
            Some(holder) => query.bind(holder.0),
            None => query,
        };
        all(&self.readers, query).await
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
                SELECT phase, against, colour, due, decided, max(decided - opened, 0) AS took FROM appeals
                WHERE issuer = ?1 AND decided >= ?2 AND decided < ?3
            ), ranked AS (
                SELECT took, row_number() OVER (ORDER BY took) AS nth, count(*) OVER () AS count FROM done
            )
            SELECT
                (SELECT count(*) FROM appeals WHERE issuer = ?1 AND opened >= ?2 AND opened < ?3) AS opened,
                count(*) AS decided,
                count(*) FILTER (WHERE phase = 'accepted') AS accepted,
                count(*) FILTER (WHERE phase = 'accepted' AND against = 'colour' AND colour = 'red') AS wrong_reds,
                count(*) FILTER (WHERE phase = 'accepted' AND against = 'colour' AND colour = 'amber') AS wrong_ambers,
                count(*) FILTER (WHERE phase = 'rejected') AS rejected,
                count(*) FILTER (WHERE decided > due) AS late,
                (SELECT count(*) FROM appeals WHERE issuer = ?1 AND phase IN ('open', 'in-review') AND due <= ?4) AS overdue,
                (SELECT took FROM ranked WHERE nth = (count * 50 + 99) / 100) AS p50,
                (SELECT took FROM ranked WHERE nth = (count * 90 + 99) / 100) AS p90,
                max(took) AS longest
            FROM done";
        let query = sqlx::query(FIGURES).bind(issuer.0).bind(at_most(from.0)).bind(at_most(until.0));
        let figures = one(&self.readers, query.bind(at_most(now.0))).await?;
        figures.ok_or_else(|| Fault::Damaged("counting appeals gave no row".into()))
    }
}

/// What is sought, within a transaction that writes.
async fn records(
    write: &mut SqliteConnection,
    issuer: IssuerId,
    sought: SoughtAppeals,
) -> Result<AppealRecords, Fault> {
    const NEXT: &str = "SELECT COALESCE(MAX(id), 0) + 1 AS next FROM appeals WHERE issuer = ?";
    const HOLDER: &str = "SELECT holder FROM appeals WHERE issuer = ? AND id = ?";
    const OF_HOLDER: &str = "SELECT * FROM told_appeals WHERE issuer = ? AND holder = ? ORDER BY id";
    const WORD: &str = "SELECT word FROM statuses WHERE issuer = ? AND holder = ?";
    let next = sqlx::query(NEXT).bind(issuer.0).fetch_one(&mut *write).await.map_err(fault)?;
    let next = AppealId(Row(&next).number("next")?);
    let holder: Option<HolderIndex> = match sought {
        SoughtAppeals::Of(holder) => Some(holder),
        SoughtAppeals::With(id) => {
            one(&mut *write, sqlx::query(HOLDER).bind(issuer.0).bind(at_most(id.0))).await?
        }
    };
    let Some(holder) = holder else {
        return Ok(AppealRecords { next, appeals: Vec::new(), word: StatusWord::UNKNOWN });
    };
    let appeals = all(&mut *write, sqlx::query(OF_HOLDER).bind(issuer.0).bind(holder.0)).await?;
    let word = one(&mut *write, sqlx::query(WORD).bind(issuer.0).bind(holder.0)).await?;
    Ok(AppealRecords { next, appeals, word: word.unwrap_or(StatusWord::UNKNOWN) })
}

async fn add(write: &mut SqliteConnection, issuer: IssuerId, appeal: &Appeal) -> Result<(), Fault> {
    const ADD: &str = "
        INSERT INTO appeals (issuer, id, holder, against, subject, channel, phase, colour, first, given_by, opened, due,
            decided, taken_by, reviewer, proposal, sealed)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let add = sqlx::query(ADD)
        .bind(issuer.0)
        .bind(big("appeal", appeal.id.0)?)
        .bind(appeal.holder.0)
        .bind(appeal.against.slug())
        .bind(appeal.subject.0.as_slice())
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
        .bind(&appeal.sealed);
    change(write, add).await?;
    Ok(())
}

/// What a step changes of an appeal.
async fn put(write: &mut SqliteConnection, issuer: IssuerId, appeal: &Appeal) -> Result<(), Fault> {
    const PUT: &str =
        "UPDATE appeals SET phase = ?, decided = ?, reviewer = ?, proposal = ? WHERE issuer = ? AND id = ?";
    let put = sqlx::query(PUT)
        .bind(appeal.phase.slug())
        .bind(appeal.decided.map(|decided| at_most(decided.0)))
        .bind(&appeal.reviewer)
        .bind(appeal.proposal.map(|proposal| at_most(proposal.0)))
        .bind(issuer.0)
        .bind(at_most(appeal.id.0));
    change(write, put).await?;
    Ok(())
}

async fn add_step(write: &mut SqliteConnection, issuer: IssuerId, edit: &AppealEdit) -> Result<(), Fault> {
    const ADD: &str = "
        INSERT INTO appeal_steps (issuer, appeal, number, at, who, phase, words)
        SELECT ?1, ?2, COALESCE(MAX(number), 0) + 1, ?3, ?4, ?5, ?6 FROM appeal_steps WHERE issuer = ?1 AND appeal = ?2";
    let AppealStep { at, who, phase, words, .. } = &edit.step;
    let add = sqlx::query(ADD)
        .bind(issuer.0)
        .bind(at_most(edit.appeal.id.0))
        .bind(big("now", at.0)?)
        .bind(who)
        .bind(phase.slug())
        .bind(words);
    change(write, add).await?;
    Ok(())
}
