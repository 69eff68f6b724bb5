//! Appeals: taken in, told, counted (R29).

use hufu_contract::{AppealId, AppealPhase, AppealSubject, Scope};
use hufu_wire::chain::Change;
use hufu_wire::{Colour, HolderIndex, IssuerId, Sequence, UnixMillis};

use super::records::joined_already;
use super::{Registry, page};
use crate::appeal::{
    APPEAL_CHARS_MAX, Appeal, AppealFigures, AppealRequest, AppealStep, AppealTold, CHECK_CHARS_MAX,
    check_words,
};
use crate::caller::{AUTHORITIES, Caller};
use crate::fault::Fault;
use crate::proposal::{Proposal, ProposalState};
use crate::store::{AppealEdit, AppealFilter, AppealRecords, SoughtAppeals};
use crate::trail::{Action, Entry};

impl Registry {
    /// Takes an appeal in. One that appeals against the rejection of another is in the second instance.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Invalid`]; [`Fault::Conflict`] when the holder is green, was
    /// joined into another, has an appeal about the same that is not over, or was rejected in both instances.
    pub async fn open_appeal(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        request: &AppealRequest,
        now: UnixMillis,
    ) -> Result<Appeal, Fault> {
        caller.may(Scope::Appeals, issuer)?;
        let AppealRequest { holder, against, channel, ref said } = *request;
        check_words("words", &said.words, (1, APPEAL_CHARS_MAX))?;
        match (against, &said.check) {
            (AppealSubject::Check, Some(check)) => check_words("check", check, (1, CHECK_CHARS_MAX))?,
            (AppealSubject::Check, None) => {
                return Err(Fault::invalid(
                    "check",
                    "which check: gate or site, time, number, as far as it is known",
                ));
            }
            (AppealSubject::Colour, Some(_)) => {
                return Err(Fault::invalid("check", "nothing: the appeal is against the colour"));
            }
            (AppealSubject::Colour, None) => {}
        }
        let (_, record) = self.person(issuer, holder).await?;
        if let Some(into) = record.joined {
            return Err(joined_already(issuer, holder, into));
        }
        // An accepted one whose proposal has expired is not under way any more.
        self.store.expire(issuer, now).await?;
        let word = self.store.status(issuer, holder).await?;
        let given = match against {
            AppealSubject::Colour => self.colour_given(issuer, holder).await?,
            AppealSubject::Check => None,
        };
        let sequence = given.as_ref().map_or(0, |(sequence, _)| sequence.0);
        let about = said.check.as_ref().map_or_else(
            || [b"colour".as_slice(), &sequence.to_le_bytes()].concat(),
            |check| [b"check", check.as_bytes()].concat(),
        );
        let subject = self.vault.appeal_subject(issuer, holder, &about);
        let what = format!(", against a {against}, by {channel}");
        let entry = Entry::new(now, caller, Action::AppealOpened, Some(issuer), what);
        let decide = |records: &AppealRecords| {
            if against == AppealSubject::Colour && records.word.colour() != word.colour() {
                return Err(Fault::Conflict(format!(
                    "the colour of holder {holder} changed at this moment: look again"
                )));
            }
            if against == AppealSubject::Colour && word.colour() == Some(Colour::Green) {
                return Err(Fault::Conflict(format!(
                    "holder {holder} is green: an appeal against a refusal names the check"
                )));
            }
            let first = instance_of(records, against, |appeal| appeal.subject == subject)?;
            let step = AppealStep {
                number: 1,
                at: now,
                who: caller.label().to_owned(),
                phase: AppealPhase::Open,
                words: String::new(),
            };
            let appeal = Appeal {
                id: records.next,
                holder,
                against,
                subject,
                channel,
                phase: AppealPhase::Open,
                colour: word.colour(),
                first,
                given_by: given.as_ref().map(|(_, proposal)| proposal.id),
                proposer: String::new(),
                opened: now,
                due: UnixMillis(now.0.saturating_add(u64::from(self.appeal_due_s) * 1000)),
                decided: None,
                taken_by: caller.label().to_owned(),
                reviewer: String::new(),
                proposal: None,
                proposal_phase: None,
                sealed: self.vault.seal_appeal(issuer, records.next, said)?,
            };
            Ok(AppealEdit { appeal, is_new: true, step })
        };
        let id = self.store.edit_appeal(issuer, SoughtAppeals::Of(holder), &decide, &entry).await?;
        self.appeal_of(issuer, id).await
    }

    /// An appeal with what was said and every step; leaves a line of the trail.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Damaged`].
    pub async fn appeal(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        id: AppealId,
        now: UnixMillis,
    ) -> Result<AppealTold, Fault> {
        caller.may(Scope::Appeals, issuer)?;
        self.store.expire(issuer, now).await?;
        let appeal = self.appeal_of(issuer, id).await?;
        let what = format!("appeal {id} of holder {}", appeal.holder);
        self.store.note(&Entry::new(now, caller, Action::AppealRead, Some(issuer), what)).await?;
        let said = self.vault.open_appeal(issuer, id, &appeal.sealed)?;
        let mut steps = self.store.appeal_steps(issuer, id).await?;
        if let (AppealPhase::CarriedOut, Some(proposal)) = (appeal.phase, appeal.proposal)
            && let ProposalState::Confirmed(sequence) = self.find_proposal(issuer, proposal).await?.state
        {
            let ((confirmed, _), _) = self.change_in(issuer, sequence, appeal.holder).await?;
            let number = steps.last().map_or(0, |step| step.number) + 1;
            let who = format!("{AUTHORITIES}, change set {sequence}");
            let phase = AppealPhase::CarriedOut;
            steps.push(AppealStep { number, at: confirmed, who, phase, words: String::new() });
        }
        Ok(AppealTold { appeal, said, steps })
    }

    /// Appeals with a number above `after` that a filter lets through.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such an issuer.
    pub async fn appeals(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        filter: &AppealFilter,
        (after, limit): (Option<AppealId>, u32),
        now: UnixMillis,
    ) -> Result<Vec<Appeal>, Fault> {
        caller.may(Scope::Appeals, issuer)?;
        self.issuer_of(issuer).await?;
        self.store.expire(issuer, now).await?;
        self.store.appeals(issuer, filter, after, page(limit)).await
    }

    /// What became of the appeals from `within[0]` up to `within[1]`.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such an issuer.
    pub async fn appeal_figures(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        within: [UnixMillis; 2],
        now: UnixMillis,
    ) -> Result<AppealFigures, Fault> {
        caller.may_one_of(&[Scope::Appeals, Scope::Audit], issuer)?;
        self.issuer_of(issuer).await?;
        self.store.appeal_figures(issuer, within, now).await
    }

    pub(super) async fn appeal_of(&self, issuer: IssuerId, id: AppealId) -> Result<Appeal, Fault> {
        self.store.appeal(issuer, id).await?.ok_or_else(|| no_appeal(issuer, id))
    }

    /// The proposal that gave a holder the colour that they have, and its place in the chain.
    async fn colour_given(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
    ) -> Result<Option<(Sequence, Proposal)>, Fault> {
        let (mut given, mut colour) = (None, None);
        for (sequence, proposal) in self.changes_of(issuer, holder).await?.into_iter().rev() {
            let its = match self.change_in(issuer, sequence, holder).await?.1 {
                Change::Word(word) | Change::Status(word) => word.colour(),
                Change::Generation(_) => continue,
            };
            // Going back: the first of the sets that gave this colour one after the other.
            if given.is_some() && its != colour {
                break;
            }
            (given, colour) = (Some((sequence, proposal)), its);
        }
        Ok(given)
    }
}

/// The appeal whose rejection a new one appeals against; none in the first instance.
fn instance_of(
    records: &AppealRecords,
    against: AppealSubject,
    is_same: impl Fn(&Appeal) -> bool,
) -> Result<Option<AppealId>, Fault> {
    let about =
        |appeal: &&Appeal| appeal.against == against && (against == AppealSubject::Colour || is_same(appeal));
    if let Some(active) = records.appeals.iter().filter(about).find(|appeal| appeal.is_active()) {
        let (id, phase) = (active.id, active.phase);
        return Err(Fault::Conflict(format!(
            "appeal {id} of this holder is about the same, and it is {phase}"
        )));
    }
    let mut rejected =
        records.appeals.iter().filter(|appeal| is_same(appeal) && appeal.phase == AppealPhase::Rejected);
    let (first, second) = (rejected.next(), rejected.next());
    match (first, second) {
        (_, Some(second)) => Err(Fault::Conflict(format!(
            "appeal {} was rejected in the second instance: that is final as long as nothing has changed",
            second.id
        ))),
        (first, None) => Ok(first.map(|first| first.id)),
    }
}

pub(super) fn no_appeal(issuer: IssuerId, id: AppealId) -> Fault {
    Fault::NotFound(format!("appeal {id} of issuer {issuer}"))
}
