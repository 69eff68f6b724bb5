//! Holders: registered, found, shown masked.

use hufu_contract::Scope;
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};

use super::{PAGE_MAX, Registry};
use crate::caller::Caller;
use crate::fault::Fault;
use crate::holder::{FoundHolder, HolderView, Registered, Subject};
use crate::id_number::IdNumber;
use crate::person::Person;
use crate::store::Resealed;
use crate::trail::{Action, Entry};

/// Most people registered at once.
const PEOPLE_MAX: usize = PAGE_MAX as usize;

impl Registry {
    /// Registers people; answers for each. Who is registered already keeps the place and the fields there are, so
    /// an import that was cut off runs again.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Invalid`] for none or more than 4096 people, or a number that nobody can have, [`Fault::NotFound`],
    /// [`Fault::Full`].
    pub async fn add_holders(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        people: &[Person],
        now: UnixMillis,
    ) -> Result<Vec<Registered>, Fault> {
        caller.may(Scope::Holders, issuer)?;
        if people.is_empty() || people.len() > PEOPLE_MAX {
            return Err(Fault::invalid("holders", format!("1 to {PEOPLE_MAX} of them")));
        }
        for person in people {
            let possible = person.id_number().check_new(now.seconds());
            possible.map_err(|fault| Fault::invalid("id_number", fault.to_string()))?;
        }
        let subjects: Vec<Subject> =
            people.iter().map(|person| self.vault.subject(issuer, person.id_number())).collect();
        let seal = |nth: usize, index| match people.get(nth) {
            Some(person) => self.vault.seal(issuer, index, person),
            None => Err(Fault::Damaged(format!("the store asks for person {nth} of {}", people.len()))),
        };
        let entry =
            Entry::new(now, caller, Action::HoldersAdded, Some(issuer), format!("{} people", people.len()));
        self.store.add_holders(issuer, &subjects, &seal, now, &entry).await
    }

    /// A holder, masked, with the status that the chain gives them.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Damaged`] when the row was altered.
    pub async fn holder(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        index: HolderIndex,
        now: UnixMillis,
    ) -> Result<HolderView, Fault> {
        caller.may(Scope::Holders, issuer)?;
        let entry = Entry::new(now, caller, Action::HolderRead, Some(issuer), index.to_string());
        self.store.note(&entry).await?;
        let (person, registered) = self.person(issuer, index).await?;
        let status = self.store.status(issuer, index).await?;
        Ok(HolderView { index, display: person.display(), status, registered })
    }

    /// Where the person of an id number is registered.
    ///
    /// # Errors
    /// [`Fault::Forbidden`].
    pub async fn find_holder(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        number: &IdNumber,
        now: UnixMillis,
    ) -> Result<Option<HolderIndex>, Fault> {
        caller.may(Scope::Holders, issuer)?;
        let found = self.store.find_holder(issuer, self.vault.subject(issuer, number)).await?;
        let what = found.map_or("nobody".into(), |index| index.to_string());
        self.store.note(&Entry::new(now, caller, Action::HolderSought, Some(issuer), what)).await?;
        Ok(found)
    }

    /// Where the people of a list are registered, and whether the names given are theirs.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Invalid`] for none or more than 4096 people, [`Fault::Damaged`].
    pub async fn look_up_holders(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        people: &[(IdNumber, Option<String>)],
        now: UnixMillis,
    ) -> Result<Vec<Option<FoundHolder>>, Fault> {
        caller.may(Scope::Holders, issuer)?;
        if people.is_empty() || people.len() > PEOPLE_MAX {
            return Err(Fault::invalid("people", format!("1 to {PEOPLE_MAX} of them")));
        }
        // Before anything is read (R44).
        let what = format!("{} people of a list", people.len());
        self.store.note(&Entry::new(now, caller, Action::HolderSought, Some(issuer), what)).await?;
        let mut all = Vec::with_capacity(people.len());
        for (number, name) in people {
            let index = self.store.find_holder(issuer, self.vault.subject(issuer, number)).await?;
            let Some(index) = index else {
                all.push(None);
                continue;
            };
            let (person, _) = self.person(issuer, index).await?;
            let same_name = name.as_deref().is_none_or(|name| name == person.name());
            all.push(Some(FoundHolder { index, display: person.display(), same_name }));
        }
        Ok(all)
    }

    /// Seals with the newest key whatever is sealed with an older one; answers how many holders that were. It may
    /// be stopped and run again, and beside everything else.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Misconfigured`] when a key is missing, [`Fault::Damaged`].
    pub async fn rotate_vault(&self, caller: &Caller, now: UnixMillis) -> Result<u64, Fault> {
        caller.may_everywhere(Scope::Admin)?;
        let mut resealed = 0;
        for issuer in self.store.issuers().await? {
            resealed += self.reseal(caller, issuer.id, now).await?;
        }
        Ok(resealed)
    }

    async fn reseal(&self, caller: &Caller, issuer: IssuerId, now: UnixMillis) -> Result<u64, Fault> {
        let mut resealed = 0;
        let mut after = None;
        loop {
            let page = self.store.holders(issuer, after, PAGE_MAX).await?;
            let Some(last) = page.last() else { return Ok(resealed) };
            after = Some(last.index);
            let mut changed = Vec::new();
            for holder in page {
                if let Some(sealed) = self.vault.reseal(issuer, holder.index, &holder.sealed)? {
                    changed.push(Resealed { index: holder.index, was: holder.sealed, sealed });
                }
            }
            if !changed.is_empty() {
                let what = format!("{} holders, key {}", changed.len(), self.vault.newest());
                let entry = Entry::new(now, caller, Action::HoldersResealed, Some(issuer), what);
                resealed += self.store.reseal(issuer, &changed, &entry).await?;
            }
        }
    }

    /// Who a holder is, and since when they are registered.
    pub(super) async fn person(
        &self,
        issuer: IssuerId,
        index: HolderIndex,
    ) -> Result<(Person, UnixMillis), Fault> {
        let holder = self.store.holder(issuer, index).await?;
        let holder = holder.ok_or_else(|| Fault::no_holder(issuer, index))?;
        let person = self.vault.open_person(issuer, index, &holder.sealed)?;
        if self.vault.subject(issuer, person.id_number()) != holder.subject {
            return Err(Fault::Damaged(format!(
                "holder {index} of issuer {issuer} is found by another person's id number: the row was altered"
            )));
        }
        Ok((person, holder.registered))
    }
}
