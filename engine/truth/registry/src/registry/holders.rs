//! Holders: registered, found, shown masked.

use hufu_contract::Scope;
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};

use super::intake::Intake;
use super::{PAGE_MAX, Registry};
use crate::caller::Caller;
use crate::fault::Fault;
use crate::holder::{FoundHolder, HolderView, Lookup, Registered, StoredHolder};
use crate::id_number::{IdNumber, Seen};
use crate::person::Person;
use crate::store::{Records, Sought};
use crate::trail::{Action, Entry};

/// Most people registered at once.
const PEOPLE_MAX: usize = PAGE_MAX as usize;

impl Registry {
    /// Registers people, all or none; answers for each. Who is registered already, by id number and name, keeps the place
    /// and the fields there are, so an import that was cut off runs again.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Invalid`] for none or more than 4096 people, or an impossible number,
    /// [`Fault::NotFound`], [`Fault::Full`]; [`Fault::OtherPerson`] with everybody whose id number is registered with
    /// another name.
    pub async fn add_holders(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        people: &[Person],
        now: UnixMillis,
    ) -> Result<Vec<Registered>, Fault> {
        self.register_holders(caller, issuer, (people, Seen::Unsaid), now).await
    }

    /// Registers people whose documents a clerk may have seen, which military documents need.
    ///
    /// # Errors
    /// Those of [`add_holders`](Self::add_holders).
    pub async fn register_holders(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        (people, seen): (&[Person], Seen),
        now: UnixMillis,
    ) -> Result<Vec<Registered>, Fault> {
        caller.may(Scope::Holders, issuer)?;
        if people.is_empty() || people.len() > PEOPLE_MAX {
            return Err(Fault::invalid("holders", format!("1 to {PEOPLE_MAX} of them")));
        }
        for person in people {
            let possible = person.id_number().check_new(now.seconds(), seen);
            possible.map_err(|fault| Fault::invalid("id_number", fault.to_string()))?;
        }
        let lookups: Vec<Lookup> =
            people.iter().map(|person| self.vault.lookup(issuer, person.id_number())).collect();
        let by_clerk = if seen == Seen::ByClerk { ", seen by a clerk" } else { "" };
        let what = format!("{} people{by_clerk}", people.len());
        let entry = Entry::new(now, caller, Action::HoldersAdded, Some(issuer), what);
        let sought = Sought { numbers: &lookups, holders: &[] };
        let intake = Intake { vault: &self.vault, issuer, people, lookups: &lookups, now };
        let registered = self
            .store
            .edit_holders(issuer, &sought, &|records: &Records| intake.decide(records), &entry)
            .await;
        if let Err(Fault::OtherPerson { people }) = &registered {
            // The answer says that a number is registered, and not as whom: a read of personal data (R44).
            let what = format!("{} people with other names", people.len());
            self.store.note(&Entry::new(now, caller, Action::HoldersRefused, Some(issuer), what)).await?;
        }
        registered
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
        self.view(issuer, index).await
    }

    /// A holder, masked, as an answer to somebody who may see it.
    pub(super) async fn view(&self, issuer: IssuerId, index: HolderIndex) -> Result<HolderView, Fault> {
        let (person, holder) = self.person(issuer, index).await?;
        let status = self.store.status(issuer, index).await?;
        let StoredHolder { registered, joined, .. } = holder;
        Ok(HolderView { index, display: person.display(), status, registered, joined })
    }

    /// Where the person of an id number is registered; with a name, only if it is theirs.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Conflict`] when it may be several people.
    pub async fn find_holder(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        number: &IdNumber,
        name: Option<&str>,
        now: UnixMillis,
    ) -> Result<Option<HolderIndex>, Fault> {
        caller.may(Scope::Holders, issuer)?;
        let places = self.places_of(issuer, number, name).await?;
        let what = match places.as_slice() {
            [] => "nobody".into(),
            [index] => index.to_string(),
            several => format!("{} people", several.len()),
        };
        self.store.note(&Entry::new(now, caller, Action::HolderSought, Some(issuer), what)).await?;
        match places.as_slice() {
            [] => Ok(None),
            [index] => Ok(Some(*index)),
            _ => Err(Fault::Conflict(
                "several people are registered with this id number: give the name too, and the issuing state of a document"
                    .into(),
            )),
        }
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
            let people = self.people_with(issuer, number).await?;
            // Several people, or nobody of that name: whom the list means is not known.
            let only = match places(&people, name.as_deref()).as_slice() {
                [index] => Some(*index),
                _ => None,
            };
            let shown = people.iter().find(|(index, _)| only.is_none_or(|only| only == *index));
            all.push(shown.map(|(index, person)| FoundHolder {
                index: *index,
                display: person.display(),
                same_name: only.is_some(),
            }));
        }
        Ok(all)
    }

    /// The records that go on of the people with an id number, of this name where one is given; each once.
    pub(super) async fn places_of(
        &self,
        issuer: IssuerId,
        number: &IdNumber,
        name: Option<&str>,
    ) -> Result<Vec<HolderIndex>, Fault> {
        Ok(places(&self.people_with(issuer, number).await?, name))
    }

    /// Everybody who may have an id number, each with the record that goes on.
    pub(super) async fn people_with(
        &self,
        issuer: IssuerId,
        number: &IdNumber,
    ) -> Result<Vec<(HolderIndex, Person)>, Fault> {
        let found = self.store.find_holders(issuer, &self.vault.lookup(issuer, number)).await?;
        let open = |holder: &StoredHolder| Ok((holder.place(), self.open(issuer, holder)?));
        found.iter().map(open).collect()
    }

    /// Who a holder is, and their record.
    pub(super) async fn person(
        &self,
        issuer: IssuerId,
        index: HolderIndex,
    ) -> Result<(Person, StoredHolder), Fault> {
        let holder = self.store.holder(issuer, index).await?;
        let holder = holder.ok_or_else(|| Fault::no_holder(issuer, index))?;
        Ok((self.open(issuer, &holder)?, holder))
    }

    /// Who a record is of.
    pub(super) fn open(&self, issuer: IssuerId, holder: &StoredHolder) -> Result<Person, Fault> {
        let index = holder.index;
        let person = self.vault.open_person(issuer, index, &holder.sealed)?;
        let number = person.id_number();
        let is_found = holder.subject == self.vault.subject(issuer, number)
            || holder.subject == self.vault.twin(issuer, number, index);
        if !is_found {
            return Err(Fault::Damaged(format!(
                "holder {index} of issuer {issuer} is found by another person's id number: the row was altered"
            )));
        }
        Ok(person)
    }
}

/// The records of those people who have this name, or of all when there is none; each once.
pub(super) fn places(people: &[(HolderIndex, Person)], name: Option<&str>) -> Vec<HolderIndex> {
    let named = people.iter().filter(|(_, person)| name.is_none_or(|name| person.is_called(name)));
    let mut places: Vec<_> = named.map(|(index, _)| *index).collect();
    places.sort_unstable();
    places.dedup();
    places
}
