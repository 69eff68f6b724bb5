//! Families: relatives bound to users, and codes printed for them (R27).

mod asked;

use hufu_codes::Detail;
use hufu_codes::keyring::Uses;
use hufu_contract::{BindingId, BindingState, Scope, Side};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis, UnixSeconds, limits};

use super::{Registry, page};
use crate::caller::Caller;
use crate::credential::Issuance;
use crate::family::{
    ADULT_YEARS, Application, Bindable, BindingView, Commitment, Evidence, Families, FamilyFault,
    RELATIVES_MAX, StoredBinding, USERS_MAX, birthday, starts,
};
use crate::fault::Fault;
use crate::holder::StoredHolder;
use crate::person::Person;
use crate::store::{FamilyEdit, FamilyRecords, FamilySought, Receiver};
use crate::trail::{Action, Entry};
use crate::vault::Place;

impl Registry {
    /// The same registry with what an operator says about families.
    #[must_use]
    pub fn with_families(self, families: Families) -> Registry {
        Registry { families, ..self }
    }

    /// Every text of the commitment that is taken for children up to six.
    ///
    /// # Errors
    /// [`Fault::Forbidden`].
    pub fn commitments(&self, caller: &Caller, issuer: IssuerId) -> Result<&[Commitment], Fault> {
        caller.may(Scope::Families, issuer)?;
        Ok(self.families.commitments())
    }

    /// Binds a relative to a user. The same application again is the same binding, and changes nothing.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such a user or when the relative is not registered,
    /// [`Fault::Invalid`] for what the applicant must correct, [`Fault::Conflict`] for another name or a limit that is
    /// reached: [`FamilyFault`] has them all.
    pub async fn bind(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        application: &Application,
        now: UnixMillis,
    ) -> Result<BindingView, Fault> {
        caller.may(Scope::Families, issuer)?;
        // Who may not be bound is told so before anybody is looked up: whether they are registered is not said.
        let asked = self.families.look(application, now)?;
        let what = format!("application of holder {}", application.user);
        self.store.note(&Entry::new(now, caller, Action::FamilyRead, Some(issuer), what)).await?;
        let (user_person, user) = self.going_on(issuer, application.user).await?;
        let relative = self.relative(issuer, application, &asked.number).await?;
        if user.index == relative.index {
            return Err(FamilyFault::Itself.into());
        }
        let pair = [user.index, relative.index];
        let evidence = self.evidence(issuer, application, (&asked.bindable, &user_person), pair, now)?;
        let until = match asked.bindable {
            Bindable::Elder => None,
            Bindable::Infant | Bindable::Child => {
                let end = birthday(asked.born, ADULT_YEARS).and_then(|day| starts(day, self.families.zone()));
                Some(end.ok_or(FamilyFault::WrongBirth)?)
            }
        };
        let entry = Entry::new(
            now,
            caller,
            Action::FamilyBound,
            Some(issuer),
            format!("holder {} to user {}", relative.index, user.index),
        );
        let decide = |records: &FamilyRecords| {
            check_unchanged(records, [&user, &relative])?;
            let edit = |id, new, note| FamilyEdit { id, new, ended: None, note };
            if let Some(id) = room_for(records, pair, now)? {
                return Ok(edit(id, None, format!(": binding {id}, as before")));
            }
            let id = records.next;
            let sealed =
                self.vault.seal_evidence(&Place::binding(issuer, id, pair, now, until), &evidence)?;
            let new = StoredBinding {
                id,
                user: user.index,
                relative: relative.index,
                user_place: user.index,
                relative_place: relative.index,
                made: now,
                until,
                ended: None,
                sealed,
            };
            Ok(edit(id, Some(new), format!(": binding {id}")))
        };
        let sought = FamilySought { holders: &pair, binding: None };
        let id = self.store.edit_families(issuer, &sought, &decide, &entry).await?;
        self.binding_view(issuer, self.stored_binding(issuer, id).await?, now).await
    }

    /// Ends a binding from one of its sides. One that has ended stays as it is.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`]; [`Fault::Conflict`] less than 24 hours after it was made.
    pub async fn end_binding(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        id: BindingId,
        by: Side,
        now: UnixMillis,
    ) -> Result<BindingView, Fault> {
        caller.may(Scope::Families, issuer)?;
        let entry =
            Entry::new(now, caller, Action::FamilyEnded, Some(issuer), format!("binding {id}, by {by}"));
        let decide = |records: &FamilyRecords| {
            let binding = records.bindings.first().ok_or_else(|| no_binding(issuer, id))?;
            // An altered time is noticed before it counts.
            self.vault.open_evidence(issuer, binding)?;
            let edit = |ended, note: &str| FamilyEdit { id, new: None, ended, note: note.to_owned() };
            if !binding.is_active(now) {
                return Ok(edit(None, ", which had ended"));
            }
            if now < binding.endable() {
                return Err(FamilyFault::TooEarly(self.families.show(binding.endable())).into());
            }
            Ok(edit(Some((now, by)), ""))
        };
        let sought = FamilySought { holders: &[], binding: Some(id) };
        let id = self.store.edit_families(issuer, &sought, &decide, &entry).await?;
        self.binding_view(issuer, self.stored_binding(issuer, id).await?, now).await
    }

    /// One binding.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Damaged`] when the row was altered.
    pub async fn binding(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        id: BindingId,
        now: UnixMillis,
    ) -> Result<BindingView, Fault> {
        caller.may(Scope::Families, issuer)?;
        let entry = Entry::new(now, caller, Action::FamilyRead, Some(issuer), format!("binding {id}"));
        self.store.note(&entry).await?;
        self.binding_view(issuer, self.stored_binding(issuer, id).await?, now).await
    }

    /// The bindings of a holder on one side, ended ones too, by rising number.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such a holder, [`Fault::Damaged`].
    pub async fn bindings(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        (side, holder): (Side, HolderIndex),
        (after, limit): (BindingId, u32),
        now: UnixMillis,
    ) -> Result<Vec<BindingView>, Fault> {
        caller.may(Scope::Families, issuer)?;
        let what = format!("bindings of {side} {holder}");
        self.store.note(&Entry::new(now, caller, Action::FamilyRead, Some(issuer), what)).await?;
        let place = self.going_on(issuer, holder).await?.1.index;
        let mut views = Vec::new();
        for binding in self.store.bindings_of(issuer, (side, place), after, page(limit)).await? {
            views.push(self.binding_view(issuer, binding, now).await?);
        }
        Ok(views)
    }

    /// Issues a paper code of a binding's relative, which shows itself as a family code and never outlives the binding.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Conflict`] when the binding has ended, [`Fault::Invalid`] for
    /// more than seven days, [`Fault::Misconfigured`] without a key that signs paper.
    pub async fn issue_family_code(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        id: BindingId,
        valid_s: u32,
        now: UnixMillis,
    ) -> Result<Issuance, Fault> {
        caller.may(Scope::Families, issuer)?;
        if !(1..=limits::PAPER_VALIDITY_S_MAX).contains(&valid_s) {
            let what = format!("1 to {} seconds for this kind", limits::PAPER_VALIDITY_S_MAX);
            return Err(Fault::invalid("valid_s", what));
        }
        let binding = self.stored_binding(issuer, id).await?;
        self.family_code(caller, issuer, &binding, valid_s, now).await
    }

    /// The same of a binding that was read, for who may have it.
    pub(super) async fn family_code(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        binding: &StoredBinding,
        valid_s: u32,
        now: UnixMillis,
    ) -> Result<Issuance, Fault> {
        self.vault.open_evidence(issuer, binding)?;
        if !binding.is_active(now) || binding.user_place == binding.relative_place {
            return Err(FamilyFault::Ended.into());
        }
        let issued = now.seconds();
        let longest = UnixSeconds(issued.0.saturating_add(valid_s));
        let expires = binding.until.map_or(longest, |until| longest.min(until.seconds()));
        if expires <= issued {
            return Err(FamilyFault::Ended.into());
        }
        let holder = binding.relative_place;
        let (person, _) = self.person(issuer, holder).await?;
        let what = format!("family for holder {holder}, binding {}", binding.id);
        let entry = Entry::new(now, caller, Action::CredentialIssued, Some(issuer), what);
        let generation = self.store.status(issuer, holder).await?.generation();
        let claims = (issued, expires, Detail::Family);
        let of = (Uses::PAPER, generation);
        self.sign_and_keep((issuer, holder, &person), of, claims, (now, &entry), Receiver::Unnamed).await
    }

    /// The record of a person that goes on, and who it is.
    async fn going_on(&self, issuer: IssuerId, index: HolderIndex) -> Result<(Person, StoredHolder), Fault> {
        let (person, record) = self.person(issuer, index).await?;
        match record.joined {
            Some(into) => self.person(issuer, into).await,
            None => Ok((person, record)),
        }
    }

    async fn stored_binding(&self, issuer: IssuerId, id: BindingId) -> Result<StoredBinding, Fault> {
        self.store.binding(issuer, id).await?.ok_or_else(|| no_binding(issuer, id))
    }

    async fn binding_view(
        &self,
        issuer: IssuerId,
        binding: StoredBinding,
        now: UnixMillis,
    ) -> Result<BindingView, Fault> {
        let evidence: Evidence = self.vault.open_evidence(issuer, &binding)?;
        let (user, _) = self.person(issuer, binding.user_place).await?;
        let (relative, _) = self.person(issuer, binding.relative_place).await?;
        let state: BindingState = binding.state(now);
        let (user_display, relative_display) = (user.display(), relative.display());
        Ok(BindingView { binding, state, user_display, relative_display, evidence })
    }
}

/// The binding that there is already between these two; else whether both have room for one more. Records of one person
/// count as one.
fn room_for(
    records: &FamilyRecords,
    [user, relative]: [HolderIndex; 2],
    now: UnixMillis,
) -> Result<Option<BindingId>, FamilyFault> {
    let active = || records.bindings.iter().filter(|binding| binding.is_active(now));
    let same = |binding: &&StoredBinding| (binding.user_place, binding.relative_place) == (user, relative);
    if let Some(binding) = active().find(same) {
        return Ok(Some(binding.id));
    }
    let relatives =
        active().filter(|binding| binding.user_place == user).map(|binding| binding.relative_place);
    if distinct(relatives) >= RELATIVES_MAX {
        return Err(FamilyFault::TooManyRelatives);
    }
    let users =
        active().filter(|binding| binding.relative_place == relative).map(|binding| binding.user_place);
    if distinct(users) >= USERS_MAX {
        return Err(FamilyFault::TooManyUsers);
    }
    Ok(None)
}

fn distinct(holders: impl Iterator<Item = HolderIndex>) -> usize {
    let mut holders: Vec<_> = holders.collect();
    holders.sort_unstable();
    holders.dedup();
    holders.len()
}

/// Whether the records are as they were read before the transaction.
fn check_unchanged(records: &FamilyRecords, held: [&StoredHolder; 2]) -> Result<(), FamilyFault> {
    match held.into_iter().find(|held| !records.holders.contains(held)) {
        Some(changed) => Err(FamilyFault::Changed(changed.index)),
        None => Ok(()),
    }
}

fn no_binding(issuer: IssuerId, id: BindingId) -> Fault {
    Fault::NotFound(format!("binding {id} of issuer {issuer}"))
}
