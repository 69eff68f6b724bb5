//! Which of the people of a request are new, which are known, and whose id number is somebody else's.

use std::collections::HashMap;

use hufu_wire::{HolderIndex, IssuerId, UnixMillis};

use crate::fault::Fault;
use crate::holder::{Lookup, Registered, StoredHolder, Subject};
use crate::person::Person;
use crate::store::{RecordEdit, Records};
use crate::vault::Vault;

/// People of one request.
pub(super) struct Intake<'i> {
    pub(super) vault: &'i Vault,
    pub(super) issuer: IssuerId,
    pub(super) people: &'i [Person],
    /// Of each of the people.
    pub(super) lookups: &'i [Lookup],
    pub(super) now: UnixMillis,
}

/// Records by the digests that they are found by.
#[derive(Default)]
struct Index<'r>(HashMap<[u8; 32], Vec<&'r StoredHolder>>);

/// People of the request who are new, by the digests that their records will be found by.
type Earlier = HashMap<[u8; 32], Vec<usize>>;

impl Intake<'_> {
    /// Where everybody is.
    ///
    /// # Errors
    /// [`Fault::OtherPerson`] with everybody whose id number is registered with another name, also earlier in the request.
    pub(super) fn decide(&self, records: &Records) -> Result<RecordEdit, Fault> {
        let index = Index::of(&records.holders);
        let mut earlier = Earlier::new();
        let mut edit = RecordEdit::default();
        let mut others = Vec::new();
        for (nth, (person, lookup)) in self.people.iter().zip(self.lookups).enumerate() {
            match self.place(person, lookup, &index, &earlier, &edit.places)? {
                Place::Known(index) => edit.places.push(Registered { index, known: true }),
                Place::New => {
                    let next = records.next + edit.new.len() as u64;
                    let new = self.record(person, lookup, next)?;
                    for digest in [Some(new.subject), new.document].into_iter().flatten() {
                        earlier.entry(digest.0).or_default().push(nth);
                    }
                    edit.places.push(Registered { index: new.index, known: false });
                    edit.new.push(new);
                }
                Place::Other => {
                    others.push(nth);
                    // Holds the place in the list; nothing of it is written.
                    edit.places.push(Registered { index: HolderIndex(u32::MAX), known: true });
                }
            }
        }
        if others.is_empty() { Ok(edit) } else { Err(Fault::OtherPerson { people: others }) }
    }

    fn place(
        &self,
        person: &Person,
        lookup: &Lookup,
        index: &Index<'_>,
        earlier: &Earlier,
        places: &[Registered],
    ) -> Result<Place, Fault> {
        let mut same = Vec::new();
        let mut is_known = false;
        for holder in index.answers(lookup) {
            is_known = true;
            let held = self.vault.open_person(self.issuer, holder.index, &holder.sealed)?;
            if held.is_called(person.name()) {
                same.push(holder.place());
            }
        }
        for digest in [Some(lookup.number), lookup.stateless].into_iter().flatten() {
            for nth in earlier.get(&digest.0).into_iter().flatten() {
                // Without its state, a number is found only by itself: two states may have given it.
                if Some(digest) == lookup.stateless && self.lookups[*nth].number != digest {
                    continue;
                }
                is_known = true;
                if self.people[*nth].is_called(person.name()) {
                    same.push(places[*nth].index);
                }
            }
        }
        same.sort_unstable();
        same.dedup();
        Ok(match same.as_slice() {
            [index] => Place::Known(*index),
            [] if !is_known => Place::New,
            // No person of that name, or two of them.
            _ => Place::Other,
        })
    }

    fn record(&self, person: &Person, lookup: &Lookup, next: u64) -> Result<StoredHolder, Fault> {
        let index = HolderIndex(u32::try_from(next).map_err(|_| Fault::no_more_holders(self.issuer))?);
        Ok(StoredHolder {
            index,
            subject: lookup.number,
            document: lookup.stateless,
            sealed: self.vault.seal(self.issuer, index, person)?,
            registered: self.now,
            joined: None,
        })
    }
}

/// Where a person of a request is.
enum Place {
    Known(HolderIndex),
    New,
    /// The id number is registered with another name.
    Other,
}

impl<'r> Index<'r> {
    fn of(records: &'r [StoredHolder]) -> Index<'r> {
        let mut index = Index::default();
        for record in records {
            for Subject(digest) in [Some(record.subject), record.document].into_iter().flatten() {
                index.0.entry(digest).or_default().push(record);
            }
        }
        index
    }

    /// Records that may be whom a lookup is for, each once.
    fn answers(&self, lookup: &Lookup) -> Vec<&'r StoredHolder> {
        let digests = [Some(lookup.number), lookup.stateless].into_iter().flatten();
        let found = digests.flat_map(|digest| self.0.get(&digest.0).into_iter().flatten());
        let mut found: Vec<_> = found.copied().filter(|record| record.answers(lookup)).collect();
        found.sort_unstable_by_key(|record| record.index);
        found.dedup_by_key(|record| record.index);
        found
    }
}
