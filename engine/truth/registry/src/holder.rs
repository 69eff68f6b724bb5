//! A holder as the store keeps them: a place in the status list, and what only the vault can open.

use hufu_wire::{HolderIndex, StatusWord, UnixMillis};

/// Who it is, without saying so: a keyed digest of the id number, [`Vault::subject`](crate::vault::Vault::subject). Of a
/// second person with one number it is a digest of the number and the place, [`Vault::twin`](crate::vault::Vault::twin).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subject(pub [u8; 32]);

/// Where a person is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The place in the issuer's status list.
    pub index: HolderIndex,
    /// Whether they were registered before; their fields are then as they were.
    pub known: bool,
}

/// How the holders of an id number are found: those whose subject is one of two, and those whose document is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Of the number as it is.
    pub number: Subject,
    /// Of a document with its issuing state: of its number without the state, as older records have it.
    pub stateless: Option<Subject>,
}

/// A holder in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHolder {
    /// The place in the issuer's status list.
    pub index: HolderIndex,
    /// Unique in the issuer.
    pub subject: Subject,
    /// A number that several people may have, and this is one of them: a document's without its issuing state, or that of
    /// the first of two people with one number.
    pub document: Option<Subject>,
    /// The personal fields, sealed.
    pub sealed: Vec<u8>,
    /// When they were registered.
    pub registered: UnixMillis,
    /// The record that goes on when this one was another of the same person.
    pub joined: Option<HolderIndex>,
}

impl StoredHolder {
    /// The record of this person that goes on.
    pub fn place(&self) -> HolderIndex {
        self.joined.unwrap_or(self.index)
    }

    /// Whether the holder may be whom a lookup is for.
    pub fn answers(&self, lookup: &Lookup) -> bool {
        self.subject == lookup.number
            || Some(self.subject) == lookup.stateless
            || self.document == Some(lookup.number)
    }
}

/// A holder as the registry shows them: masked (R10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderView {
    /// The place in the issuer's status list.
    pub index: HolderIndex,
    /// First character of the name, a star, tail of the id number.
    pub display: String,
    /// The status word; [`StatusWord::UNKNOWN`] as long as no change named them.
    pub status: StatusWord,
    /// When they were registered.
    pub registered: UnixMillis,
    /// The record that goes on when this one was another of the same person.
    pub joined: Option<HolderIndex>,
}

/// A holder who was looked up by somebody's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundHolder {
    /// The place in the issuer's status list.
    pub index: HolderIndex,
    /// First character of the name, a star, tail of the id number.
    pub display: String,
    /// Whether the list's name is the registered one; true when the list has none.
    pub same_name: bool,
}
