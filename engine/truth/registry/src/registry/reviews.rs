//! Appeals: reviewed, decided, taken back (R29).

use hufu_contract::{AppealDecision, AppealId, AppealPhase, AppealSubject, ProposalId, ProposalPhase, Scope};
use hufu_wire::chain::{Change, Instruction};
use hufu_wire::{IssuerId, UnixMillis, read};

use super::Registry;
use super::appeals::no_appeal;
use crate::appeal::{Appeal, AppealRuling, AppealStep, NamedProposal, STEP_CHARS_MAX, check_words, severity};
use crate::caller::Caller;
use crate::fault::Fault;
use crate::name;
use crate::store::{AppealEdit, AppealRecords, DecideAppeal, SoughtAppeals};
use crate::trail::{Action, Entry};

impl Registry {
    /// Takes an appeal into review. One that is in another's review is taken over only when it is overdue.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] without the scopes appeals and history, [`Fault::NotFound`], [`Fault::Invalid`];
    /// [`Fault::Conflict`] when the caller may not review this one, when another does, or when it is decided.
    pub async fn review_appeal(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        id: AppealId,
        words: &str,
        now: UnixMillis,
    ) -> Result<Appeal, Fault> {
        self.check_public(caller, (issuer, id), words, 0).await?;
        caller.may(Scope::History, issuer)?;
        let decide = |records: &AppealRecords| {
            let appeal = of(records, issuer, id)?;
            check_reviewer(caller, records, appeal)?;
            match appeal.phase {
                AppealPhase::Open => {}
                AppealPhase::InReview if appeal.reviewer != caller.label() && appeal.is_overdue(now) => {}
                AppealPhase::InReview => {
                    return Err(Fault::Conflict(format!(
                        "appeal {id} is in review by {:?}: another may take it over when it is overdue",
                        appeal.reviewer
                    )));
                }
                phase => return Err(over(id, phase)),
            }
            let reviewed = Appeal { reviewer: caller.label().to_owned(), ..appeal.clone() };
            Ok(step(reviewed, AppealPhase::InReview, caller, words, now))
        };
        self.edit_appeal((caller, issuer, id), Action::AppealReviewed, "", &decide, now).await
    }

    /// Decides an appeal that the caller reviews. An accepted one against a colour names the proposal that gives the better
    /// one; when that came to nothing, the decision is made again with another.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] without the scopes appeals and history, [`Fault::NotFound`]; [`Fault::Invalid`] for words that
    /// are missing or name the person, and for a proposal that does not give the holder a better colour;
    /// [`Fault::Conflict`] when the caller does not review it, or it is decided.
    pub async fn decide_appeal(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        id: AppealId,
        ruling: &AppealRuling,
        now: UnixMillis,
    ) -> Result<Appeal, Fault> {
        self.check_public(caller, (issuer, id), &ruling.words, 1).await?;
        caller.may(Scope::History, issuer)?;
        self.store.expire(issuer, now).await?;
        let appeal = self.appeal_of(issuer, id).await?;
        let proposal = match (ruling.decision, ruling.proposal) {
            (AppealDecision::Reject, Some(_)) => {
                return Err(Fault::invalid("proposal", "none: a rejected appeal changes nothing"));
            }
            (AppealDecision::Accept, None) if appeal.against == AppealSubject::Colour => {
                let what = "the one that gives the better colour: propose it first (hufu change propose)";
                return Err(Fault::invalid("proposal", what));
            }
            (_, None) => None,
            (AppealDecision::Accept, Some(named)) => Some(self.better(issuer, &appeal, named).await?),
        };
        let (phase, done) = match ruling.decision {
            AppealDecision::Accept => (AppealPhase::Accepted, "accepted"),
            AppealDecision::Reject => (AppealPhase::Rejected, "rejected"),
        };
        let decide = |records: &AppealRecords| {
            let appeal = of(records, issuer, id)?;
            check_reviewer(caller, records, appeal)?;
            let again = appeal.is_stranded() && phase == AppealPhase::Accepted;
            match appeal.phase {
                AppealPhase::InReview if appeal.reviewer == caller.label() => {}
                AppealPhase::Accepted if again => {}
                AppealPhase::Open => {
                    return Err(Fault::Conflict(format!("appeal {id} is open: take it into review first")));
                }
                AppealPhase::InReview => {
                    return Err(Fault::Conflict(format!(
                        "appeal {id} is in review by {:?}",
                        appeal.reviewer
                    )));
                }
                phase => return Err(over(id, phase)),
            }
            let decided = Appeal { proposal, decided: appeal.decided.or(Some(now)), ..appeal.clone() };
            Ok(step(decided, phase, caller, &ruling.words, now))
        };
        let by = proposal.map_or_else(String::new, |id| format!(" by proposal {id}"));
        let what = format!(", {done}{by}");
        self.edit_appeal((caller, issuer, id), Action::AppealDecided, &what, &decide, now).await
    }

    /// Takes an appeal back for the appellant.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Invalid`]; [`Fault::Conflict`] when it is decided.
    pub async fn withdraw_appeal(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        id: AppealId,
        words: &str,
        now: UnixMillis,
    ) -> Result<Appeal, Fault> {
        self.check_public(caller, (issuer, id), words, 0).await?;
        let decide = |records: &AppealRecords| {
            let appeal = of(records, issuer, id)?;
            if !appeal.phase.is_undecided() {
                return Err(over(id, appeal.phase));
            }
            Ok(step(appeal.clone(), AppealPhase::Withdrawn, caller, words, now))
        };
        self.edit_appeal((caller, issuer, id), Action::AppealWithdrawn, "", &decide, now).await
    }

    async fn edit_appeal(
        &self,
        (caller, issuer, id): (&Caller, IssuerId, AppealId),
        action: Action,
        what: &str,
        decide: &DecideAppeal<'_>,
        now: UnixMillis,
    ) -> Result<Appeal, Fault> {
        let entry = Entry::new(now, caller, action, Some(issuer), what);
        self.store.edit_appeal(issuer, SoughtAppeals::With(id), decide, &entry).await?;
        self.appeal_of(issuer, id).await
    }

    /// Words that the appellant reads are kept for good: nothing of the person stands in them. Whoever takes appeals in may
    /// say some; to review and decide, the scope history is asked for beside it: a reviewer reads how a colour came to be.
    async fn check_public(
        &self,
        caller: &Caller,
        (issuer, id): (IssuerId, AppealId),
        words: &str,
        least: usize,
    ) -> Result<(), Fault> {
        caller.may(Scope::Appeals, issuer)?;
        check_words("words", words, (least, STEP_CHARS_MAX))?;
        let holder = self.appeal_of(issuer, id).await?.holder;
        let (person, _) = self.person(issuer, holder).await?;
        if name::is_said(words, person.name()) || name::is_said(words, person.id_number().bare()) {
            return Err(Fault::invalid("words", "no name and no id number: they are kept for good"));
        }
        Ok(())
    }

    /// The number of a proposal, if it gives the appellant a better colour and may still do so, or did after the appeal.
    async fn better(
        &self,
        issuer: IssuerId,
        appeal: &Appeal,
        named: NamedProposal,
    ) -> Result<ProposalId, Fault> {
        let wrong = |what: String| Err(Fault::invalid("proposal", what));
        let proposal = match named {
            NamedProposal::Number(id) => self.find_proposal(issuer, id).await?,
            NamedProposal::Content(content) => {
                let found = self.store.proposal_of(issuer, content).await?;
                found.ok_or_else(|| {
                    Fault::NotFound(format!("proposal with content {content} of issuer {issuer}"))
                })?
            }
        };
        let (id, phase) = (proposal.id, proposal.state.phase());
        if !(phase.is_open() || phase == ProposalPhase::Confirmed && proposal.added >= appeal.opened) {
            return wrong(format!(
                "one that waits, or was confirmed since the appeal; proposal {id} is {phase}"
            ));
        }
        let bytes = self.store.instruction(issuer, id).await?.unwrap_or_default();
        let instruction: Instruction<'_> = read(&bytes)
            .map_err(|_| Fault::Damaged(format!("proposal {id} of issuer {issuer} is no instruction")))?;
        let holder = appeal.holder;
        let mut changes = instruction.content.changes.iter();
        let Some((_, change)) = changes.find(|(named, _)| *named == holder) else {
            return wrong(format!("one that names holder {holder}; proposal {id} does not"));
        };
        let gives = match change {
            Change::Word(word) | Change::Status(word) => word.colour(),
            Change::Generation(_) => appeal.colour,
        };
        if appeal.against == AppealSubject::Colour && severity(gives) >= severity(appeal.colour) {
            return wrong(format!("one that gives holder {holder} a better colour; proposal {id} does not"));
        }
        Ok(id)
    }
}

/// Refuses who took the appeal in, who handed in the proposal that gave the colour, and who rejected the first instance.
fn check_reviewer(caller: &Caller, records: &AppealRecords, appeal: &Appeal) -> Result<(), Fault> {
    let label = caller.label();
    let first = appeal.first.and_then(|first| records.of(first));
    let what = if label == appeal.taken_by {
        "took it in"
    } else if label == appeal.proposer {
        "handed in the proposal that gave the colour"
    } else if first.is_some_and(|first| first.reviewer == label) {
        "rejected it in the first instance"
    } else {
        return Ok(());
    };
    Err(Fault::Conflict(format!("appeal {} needs another reviewer: {label:?} {what}", appeal.id)))
}

fn of(records: &AppealRecords, issuer: IssuerId, id: AppealId) -> Result<&Appeal, Fault> {
    records.of(id).ok_or_else(|| no_appeal(issuer, id))
}

fn step(appeal: Appeal, phase: AppealPhase, caller: &Caller, words: &str, now: UnixMillis) -> AppealEdit {
    let step =
        AppealStep { number: 0, at: now, who: caller.label().to_owned(), phase, words: words.to_owned() };
    AppealEdit { appeal: Appeal { phase, ..appeal }, is_new: false, step }
}

fn over(id: AppealId, phase: AppealPhase) -> Fault {
    Fault::Conflict(format!("appeal {id} is {phase} and cannot change"))
}
