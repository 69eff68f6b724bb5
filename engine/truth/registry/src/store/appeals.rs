//! Appeals in the store.

use async_trait::async_trait;
use hufu_contract::{AppealChannel, AppealId, AppealPhase, AppealSubject, ProposalId, ProposalPhase};
use hufu_wire::{Colour, HolderIndex, IssuerId, StatusWord, UnixMillis};

use super::row::{Columns, FromColumns};
use crate::appeal::{Appeal, AppealFigures, AppealStep};
use crate::fault::Fault;
use crate::holder::Subject;
use crate::trail::Entry;

/// Which appeals are read before one is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoughtAppeals {
    /// All of a holder.
    Of(HolderIndex),
    /// All of the holder whose appeal this is.
    With(AppealId),
}

/// What was read, under the lock that everything of an issuer is written under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppealRecords {
    /// The next number of the issuer.
    pub next: AppealId,
    /// The holder's appeals, by rising number.
    pub appeals: Vec<Appeal>,
    /// The word that the chain gives the holder, of those that were sought by holder.
    pub word: StatusWord,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppealEdit {
    /// The appeal as it is to be: a new one with the next number, or one that is here.
    pub appeal: Appeal,
    /// Whether it is new.
    pub is_new: bool,
    /// The step that goes with it. The store gives it its number.
    pub step: AppealStep,
}

/// Says what is to be written, knowing what there is. It may be asked more than once.
pub type DecideAppeal<'d> = dyn Fn(&AppealRecords) -> Result<AppealEdit, Fault> + Send + Sync + 'd;

/// Which appeals; all that is named must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppealFilter {
    /// In this phase.
    pub phase: Option<AppealPhase>,
    /// Of this holder.
    pub holder: Option<HolderIndex>,
    /// Undecided, and due by this time.
    pub overdue: Option<UnixMillis>,
}

/// What holders appeal against.
#[async_trait]
pub trait Appeals {
    /// Reads a holder's appeals, asks `decide`, and writes what it says, with its step and the line of the trail, to which
    /// the appeal's number is added; answers with that number.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an issuer, and those of `decide`: then nothing is written.
    async fn edit_appeal(
        &self,
        issuer: IssuerId,
        sought: SoughtAppeals,
        decide: &DecideAppeal<'_>,
        entry: &Entry,
    ) -> Result<AppealId, Fault>;

    /// One appeal.
    async fn appeal(&self, issuer: IssuerId, id: AppealId) -> Result<Option<Appeal>, Fault>;

    /// Its steps, in order.
    async fn appeal_steps(&self, issuer: IssuerId, id: AppealId) -> Result<Vec<AppealStep>, Fault>;

    /// Appeals with a number above `after` that a filter lets through, by rising number, at most `limit`.
    async fn appeals(
        &self,
        issuer: IssuerId,
        filter: &AppealFilter,
        after: Option<AppealId>,
        limit: u32,
    ) -> Result<Vec<Appeal>, Fault>;

    /// Figures of the time from `from` up to `until`; what is overdue is so at `now`.
    async fn appeal_figures(
        &self,
        issuer: IssuerId,
        within: [UnixMillis; 2],
        now: UnixMillis,
    ) -> Result<AppealFigures, Fault>;
}

impl AppealRecords {
    /// The appeal with this number.
    pub fn of(&self, id: AppealId) -> Option<&Appeal> {
        self.appeals.iter().find(|appeal| appeal.id == id)
    }
}

impl AppealEdit {
    /// The line of the trail with the appeal's number.
    pub fn line(&self, entry: &Entry) -> Entry {
        Entry {
            what: format!("appeal {} of holder {}{}", self.appeal.id, self.appeal.holder, entry.what),
            ..entry.clone()
        }
    }
}

/// A word, or none for an empty text.
fn word_or_none<T>(
    row: &impl Columns,
    column: &'static str,
    read: fn(&str) -> Option<T>,
) -> Result<Option<T>, Fault> {
    if row.text(column)?.is_empty() { Ok(None) } else { row.word(column, read).map(Some) }
}

impl FromColumns for Appeal {
    fn read(row: &impl Columns) -> Result<Appeal, Fault> {
        Ok(Appeal {
            id: AppealId(row.number("id")?),
            holder: HolderIndex::read(row)?,
            against: row.word("against", AppealSubject::from_slug)?,
            subject: Subject(row.array("subject")?),
            channel: row.word("channel", AppealChannel::from_slug)?,
            phase: row.word("phase", AppealPhase::from_slug)?,
            colour: word_or_none(row, "colour", Colour::called)?,
            first: row.number_or_none("first")?.map(AppealId),
            given_by: row.number_or_none("given_by")?.map(ProposalId),
            proposer: row.text("proposer")?,
            opened: row.time("opened")?,
            due: row.time("due")?,
            decided: row.number_or_none("decided")?.map(UnixMillis),
            taken_by: row.text("taken_by")?,
            reviewer: row.text("reviewer")?,
            proposal: row.number_or_none("proposal")?.map(ProposalId),
            proposal_phase: word_or_none(row, "proposal_phase", ProposalPhase::from_slug)?,
            sealed: row.bytes("sealed")?,
        })
    }
}

impl FromColumns for AppealStep {
    fn read(row: &impl Columns) -> Result<AppealStep, Fault> {
        Ok(AppealStep {
            number: row.number("number")?,
            at: row.time("at")?,
            who: row.text("who")?,
            phase: row.word("phase", AppealPhase::from_slug)?,
            words: row.text("words")?,
        })
    }
}

impl FromColumns for AppealFigures {
    fn read(row: &impl Columns) -> Result<AppealFigures, Fault> {
        Ok(AppealFigures {
            opened: row.number("opened")?,
            decided: row.number("decided")?,
            accepted: row.number("accepted")?,
            wrong_reds: row.number("wrong_reds")?,
            wrong_ambers: row.number("wrong_ambers")?,
            rejected: row.number("rejected")?,
            late: row.number("late")?,
            overdue: row.number("overdue")?,
            p50_ms: row.number_or_none("p50")?,
            p90_ms: row.number_or_none("p90")?,
            max_ms: row.number_or_none("longest")?,
        })
    }
}
