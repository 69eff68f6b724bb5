//! Records of people that were wrong: corrected, joined, parted. Each says who did it and why in the trail.

use hufu_contract::Scope;
use hufu_wire::{Colour, HolderIndex, IssuerId, UnixMillis};

use super::Registry;
use crate::caller::Caller;
use crate::fault::Fault;
use crate::holder::{HolderView, Lookup, Registered, StoredHolder};
use crate::id_number::{IdNumber, Seen};
use crate::issuer::check_name;
use crate::name;
use crate::person::Person;
use crate::store::{Decide, RecordEdit, Records, Sought};
use crate::trail::{Action, Entry};

/// What is wrong with a holder's fields; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct Correction {
    /// Another name.
    pub name: Option<String>,
    /// Another id number, or the same with its issuing state.
    pub id_number: Option<IdNumber>,
    /// Another phone number.
    pub phone: Option<String>,
}

/// Whom a caller means: the index, and what they saw there. An index with a wrong digit shows somebody else.
#[derive(Clone, Copy, Debug)]
pub struct Meant<'m> {
    /// The holder.
    pub index: HolderIndex,
    /// Their masked display.
    pub display: &'m str,
}

impl Registry {
    /// Corrects a holder's fields. The index stays, and with it the status and the credentials.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Invalid`]; [`Fault::Conflict`] when the holder is not shown as
    /// the caller says, when another record has the number, or when the record changed meanwhile.
    pub async fn correct_holder(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        meant: Meant<'_>,
        correction: Correction,
        (reason, now): (&str, UnixMillis),
    ) -> Result<HolderView, Fault> {
        caller.may(Scope::Correct, issuer)?;
        let (person, held) = self.meant(issuer, meant).await?;
        let fields: Vec<&str> = [
            correction.name.as_ref().map(|_| "name"),
            correction.id_number.as_ref().map(|_| "id number"),
            correction.phone.as_ref().map(|_| "phone"),
        ]
        .into_iter()
        .flatten()
        .collect();
        if fields.is_empty() {
            return Err(Fault::invalid("name", "at least one of name, id_number and phone"));
        }
        let corrected = person.corrected(correction.name, correction.id_number, correction.phone)?;
        check_reason(reason, &[&person, &corrected])?;
        let index = held.index;
        let is_same_number = corrected.id_number() == person.id_number();
        if !is_same_number {
            // A clerk who may correct records has the document in hand, and says why.
            let possible = corrected.id_number().check_new(now.seconds(), Seen::ByClerk);
            possible.map_err(|fault| Fault::invalid("id_number", fault.to_string()))?;
        }
        let lookup = self.vault.lookup(issuer, corrected.id_number());
        let mut changed =
            StoredHolder { sealed: self.vault.seal(issuer, index, &corrected)?, ..held.clone() };
        if !is_same_number {
            (changed.subject, changed.document) = (lookup.number, lookup.stateless);
        }
        let numbers: &[Lookup] = if is_same_number { &[] } else { &[lookup] };
        let what = format!("holder {index}, {}: {reason}", fields.join(", "));
        let entry = Entry::new(now, caller, Action::HolderCorrected, Some(issuer), what);
        self.edit(issuer, &Sought { numbers, holders: &[index] }, &entry, &|records| {
            unchanged(records, &held)?;
            if let Some(other) = records.holders.iter().find(|other| {
                other.index != index && other.joined != Some(index) && numbers.iter().any(|number| other.answers(number))
            }) {
                return Err(Fault::Conflict(format!(
                    "holder {} of issuer {issuer} has this id number: join the two records if they are one person's",
                    other.place()
                )));
            }
            let mut changed = changed.clone();
            // One that was joined into this one keeps the number: this one is found by it, too, as a second person is.
            let has = |number: &Lookup| {
                records.holders.iter().any(|other| other.index != index && other.subject == number.number)
            };
            if numbers.iter().any(has) {
                changed.subject = self.vault.twin(issuer, corrected.id_number(), index);
                changed.document = Some(lookup.number);
            }
            Ok(RecordEdit { changed: vec![changed], ..RecordEdit::default() })
        })
        .await?;
        self.view(issuer, index).await
    }

    /// Joins two records of one person: `kept` goes on, and `retired` is found as `kept` from now on. No credential is
    /// issued for `retired`, and no change gives it a colour. It must have no status: both authorities forget it first.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Invalid`]; [`Fault::Conflict`] when a holder is not shown as
    /// the caller says, when one of them was joined already, or when `retired` has a status; [`Fault::Stricter`] when the
    /// last colour of `retired` was stricter than that of `kept`, unless that was seen.
    pub async fn join_holders(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        (kept, retired): (Meant<'_>, Meant<'_>),
        stricter_seen: bool,
        (reason, now): (&str, UnixMillis),
    ) -> Result<HolderView, Fault> {
        caller.may(Scope::Correct, issuer)?;
        if kept.index == retired.index {
            return Err(Fault::invalid("into", "another holder than the one that is joined"));
        }
        let (goes_on, _) = self.meant(issuer, kept).await?;
        let (ends, _) = self.meant(issuer, retired).await?;
        check_reason(reason, &[&goes_on, &ends])?;
        let (kept, retired) = (kept.index, retired.index);
        let last = self.last_colour(issuer, retired).await?;
        let seen = if stricter_seen { ", stricter colour seen" } else { "" };
        let what = format!("holder {retired} into {kept}{seen}: {reason}");
        let entry = Entry::new(now, caller, Action::HoldersJoined, Some(issuer), what);
        self.edit(issuer, &Sought { numbers: &[], holders: &[kept, retired] }, &entry, &|records| {
            let record = |index| records.of(index).ok_or_else(|| Fault::no_holder(issuer, index));
            for (index, joined) in [(kept, record(kept)?.joined), (retired, record(retired)?.joined)] {
                if let Some(into) = joined {
                    return Err(joined_already(issuer, index, into));
                }
            }
            if records.word(retired).colour().is_some() {
                return Err(Fault::Conflict(format!(
                    "holder {retired} of issuer {issuer} has a status: if it is the stricter one, give it to holder {kept} \
                     first; then propose that holder {retired} is forgotten (--colour forget), have it confirmed, and join again"
                )));
            }
            if let Some(colour) = last
                && !stricter_seen
                && strictness(Some(colour)) > strictness(records.word(kept).colour())
            {
                return Err(Fault::Stricter { ends: retired, goes_on: kept, colour });
            }
            // Records that were joined into the one that ends go on with it.
            let ending = records.holders.iter().filter(|holder| holder.index == retired || holder.joined == Some(retired));
            let changed = ending.map(|holder| StoredHolder { joined: Some(kept), ..holder.clone() }).collect();
            Ok(RecordEdit { changed, again: self.again(issuer, &[kept], now)?, ..RecordEdit::default() })
        })
        .await?;
        self.view(issuer, kept).await
    }

    /// Parts one record of two. A record that was joined by mistake is one of its own again, without a status. Of any other
    /// record a second person who has the same id number gets a record of their own; the first keeps index and status.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`]; [`Fault::Invalid`] without a name for a second person, or with one for a
    /// record that was joined; [`Fault::Conflict`] when the holder is not shown as the caller says, when a person of that
    /// name and number is registered, or when the record changed meanwhile.
    pub async fn part_holder(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        meant: Meant<'_>,
        second: Option<(String, Option<String>)>,
        (reason, now): (&str, UnixMillis),
    ) -> Result<HolderView, Fault> {
        caller.may(Scope::Correct, issuer)?;
        let (person, held) = self.meant(issuer, meant).await?;
        let index = held.index;
        let (second, numbers) = match (second, held.joined) {
            (Some(_), Some(_)) => {
                return Err(Fault::invalid(
                    "name",
                    "none: this record was joined, and gets its own person back",
                ));
            }
            (None, None) => {
                return Err(Fault::invalid("name", "of the second person, who has the same id number"));
            }
            (None, Some(_)) => (None, Vec::new()),
            (Some((name, phone)), None) => {
                let second = Person::new(name, person.id_number().clone(), phone)?;
                (Some(second), vec![self.vault.lookup(issuer, person.id_number())])
            }
        };
        check_reason(reason, &[Some(&person), second.as_ref()].into_iter().flatten().collect::<Vec<_>>())?;
        let what = format!("holder {index}: {reason}");
        let entry = Entry::new(now, caller, Action::HolderParted, Some(issuer), what);
        let decide = |records: &Records| {
            unchanged(records, &held)?;
            let Some(second) = &second else {
                let alone = StoredHolder { joined: None, ..held.clone() };
                let both: Vec<_> = [Some(index), held.joined].into_iter().flatten().collect();
                return Ok(RecordEdit {
                    changed: vec![alone],
                    again: self.again(issuer, &both, now)?,
                    places: vec![Registered { index, known: true }],
                    ..RecordEdit::default()
                });
            };
            self.part((issuer, index), records, second, now)
        };
        let places =
            self.edit(issuer, &Sought { numbers: &numbers, holders: &[index] }, &entry, &decide).await?;
        let place =
            places.first().ok_or_else(|| Fault::Damaged("a person was parted into no place".into()))?;
        self.view(issuer, place.index).await
    }

    /// A record for a second person with the number of the holder `first`.
    fn part(
        &self,
        (issuer, first): (IssuerId, HolderIndex),
        records: &Records,
        second: &Person,
        now: UnixMillis,
    ) -> Result<RecordEdit, Fault> {
        for holder in &records.holders {
            if self.open(issuer, holder)?.is_called(second.name()) {
                return Err(Fault::Conflict(format!(
                    "holder {} of issuer {issuer} has this number and this name",
                    holder.place()
                )));
            }
        }
        let index = u32::try_from(records.next).map_err(|_| Fault::no_more_holders(issuer))?;
        let index = HolderIndex(index);
        let number = second.id_number();
        let new = StoredHolder {
            index,
            subject: self.vault.twin(issuer, number, index),
            document: Some(self.vault.subject(issuer, number)),
            sealed: self.vault.seal(issuer, index, second)?,
            registered: now,
            joined: None,
        };
        let places = vec![Registered { index, known: false }];
        Ok(RecordEdit {
            new: vec![new],
            again: self.again(issuer, &[first, index], now)?,
            places,
            note: format!(" (now holder {index})"),
            ..RecordEdit::default()
        })
    }

    async fn edit(
        &self,
        issuer: IssuerId,
        sought: &Sought<'_>,
        entry: &Entry,
        decide: &Decide<'_>,
    ) -> Result<Vec<Registered>, Fault> {
        self.store.edit_holders(issuer, sought, decide, entry).await
    }

    /// The holder that a caller means, if it is shown as they say.
    async fn meant(&self, issuer: IssuerId, meant: Meant<'_>) -> Result<(Person, StoredHolder), Fault> {
        let (person, held) = self.person(issuer, meant.index).await?;
        if person.display() == meant.display {
            return Ok((person, held));
        }
        Err(Fault::Conflict(format!(
            "holder {} of issuer {issuer} is shown otherwise than you say: look at the holder again, and check the index",
            meant.index
        )))
    }
}

/// How much a colour keeps out. Of a holder without one nothing is known, so nothing of that keeps a person out for good.
fn strictness(colour: Option<Colour>) -> u8 {
    match colour {
        None | Some(Colour::Green) => 0,
        Some(Colour::Amber) => 1,
        Some(Colour::Red) => 2,
    }
}

/// Whether a record is as it was read before the transaction.
fn unchanged(records: &Records, held: &StoredHolder) -> Result<(), Fault> {
    if records.of(held.index) == Some(held) {
        return Ok(());
    }
    Err(Fault::Conflict(format!(
        "holder {} was changed at the same moment: look at the holder again",
        held.index
    )))
}

/// The holder was joined into another.
pub(super) fn joined_already(issuer: IssuerId, index: HolderIndex, into: HolderIndex) -> Fault {
    Fault::Conflict(format!(
        "holder {index} of issuer {issuer} was joined into holder {into}: that record goes on"
    ))
}

/// Why, in words that may stand in the trail: nothing of the people themselves.
fn check_reason(reason: &str, people: &[&Person]) -> Result<(), Fault> {
    check_name("reason", reason)?;
    let names = |person: &&Person| {
        name::is_said(reason, person.name()) || name::is_said(reason, person.id_number().bare())
    };
    if people.iter().any(names) {
        return Err(Fault::invalid("reason", "no name and no id number: the trail keeps it for good"));
    }
    Ok(())
}
