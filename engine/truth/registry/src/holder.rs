//! A holder as the store keeps them: a place in the status list, and what only the vault can open.

use hufu_wire::{HolderIndex, StatusWord, UnixMillis};

use crate::person::Person;

/// Who it is, without saying so: a keyed digest of the id number, [`Vault::subject`](crate::vault::Vault::subject).
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

/// A holder in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHolder {
    /// The place in the issuer's status list.
    pub index: HolderIndex,
    /// Unique in the issuer.
    pub subject: Subject,
    /// The personal fields, sealed.
    pub sealed: Vec<u8>,
    /// When they were registered.
    pub registered: UnixMillis,
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

/// Somebody to be registered, with the subject that finds them again.
#[derive(Debug)]
pub struct NewHolder {
    /// Who.
    pub person: Person,
    /// Their subject.
    pub subject: Subject,
}
