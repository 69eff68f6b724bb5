//! Why the registry rejects a request, and who can fix it.

use hufu_codes::chain::ChainFault;
use hufu_codes::issue::Misissued;
use hufu_contract::{Scope, SourceFault};
use hufu_wire::limits::DEVICES_MAX;
use hufu_wire::{Colour, HolderIndex, IssuerId, SiteId};

use crate::phone::PhoneFault;

/// A request that was not carried out; nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The store does not answer. The caller retries; the operator checks the database.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// The stored data is inconsistent. Only the operator can fix it.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The registry lacks a key or a file that this needs. The operator can fix it.
    #[error("the registry is not configured for this: {0}")]
    Misconfigured(String),
    /// The caller named something that does not exist.
    #[error("there is no {0}")]
    NotFound(String),
    /// What the caller sent is not valid.
    #[error("{field}: {what}")]
    Invalid {
        /// Which part of it, by its name in the API.
        field: &'static str,
        /// What is wrong and what to send instead; never the value of a personal field.
        what: String,
    },
    /// The request conflicts with the current state. The caller reads that first.
    #[error("{0}")]
    Conflict(String),
    /// An id number is registered with another name. The caller looks at the person's document.
    #[error("{}", other_person(.people))]
    OtherPerson {
        /// Which of the people of the request, counted from 0.
        people: Vec<usize>,
    },
    /// A record would end that had a stricter colour than the one that goes on. The caller has that given to it first.
    #[error(
        "holder {ends} was {} before it was forgotten, and holder {goes_on} is less strict: propose that colour for holder \
         {goes_on}, have it confirmed, and join again; or say that it was seen (stricter_seen, --stricter-seen)", .colour.slug()
    )]
    Stricter {
        /// The record that would end.
        ends: HolderIndex,
        /// The record that goes on.
        goes_on: HolderIndex,
        /// The colour that the first had.
        colour: Colour,
    },
    /// A limit is reached. The operator decides what to do.
    #[error("limit reached: {0}")]
    Full(String),
    /// The token is missing, unknown, expired or revoked.
    #[error("the token is unknown, expired or revoked: ask the operator for a new one")]
    Unauthenticated,
    /// The token does not allow this.
    #[error("the token does not allow this: it needs scope {scope}{}", if *.elsewhere { ", and for this issuer" } else { "" })]
    Forbidden {
        /// The scope that it needs.
        scope: Scope,
        /// Whether it has the scope and is another issuer's.
        elsewhere: bool,
    },
    /// A message of a chain that engines would reject. Its author signs again.
    #[error("{0}")]
    Unbelieved(ChainFault),
    /// A phone's request, for a reason that its page has words for.
    #[error("{0}")]
    Phone(PhoneFault),
    /// Gates would reject what was to be signed. The caller requests something else.
    #[error("not signed: {0}")]
    Misissued(Misissued),
}

impl Fault {
    /// The fault of one field of a request.
    pub fn invalid(field: &'static str, what: impl Into<String>) -> Fault {
        Fault::Invalid { field, what: what.into() }
    }

    /// Whether the caller can fix it by sending something else.
    pub(crate) fn is_the_callers(&self) -> bool {
        !matches!(self, Fault::Unavailable(_) | Fault::Damaged(_) | Fault::Misconfigured(_))
    }

    /// There is no such issuer.
    pub fn no_issuer(issuer: IssuerId) -> Fault {
        Fault::NotFound(format!("issuer {issuer}"))
    }

    /// There is no such holder.
    pub fn no_holder(issuer: IssuerId, holder: HolderIndex) -> Fault {
        Fault::NotFound(format!("holder {holder} of issuer {issuer}"))
    }

    /// There is no such site.
    pub fn no_site(site: SiteId) -> Fault {
        Fault::NotFound(format!("site {site}: the operator adds it with `hufu site put`"))
    }

    /// An issuer that exists would get another national platform.
    pub fn other_national(issuer: IssuerId) -> Fault {
        Fault::Conflict(format!(
            "issuer {issuer} exists with another national platform, which cannot change: engines are configured with it"
        ))
    }

    /// Every holder index of the issuer was given.
    pub fn no_more_holders(issuer: IssuerId) -> Fault {
        Fault::Full(format!("every holder index of issuer {issuer} is used: add another issuer"))
    }

    /// The site has a device of this name.
    pub fn device_exists(site: SiteId, name: &str) -> Fault {
        Fault::Conflict(format!("site {site} already has a device named {name:?}: renew that device"))
    }

    /// Every device id was given.
    pub fn no_more_devices() -> Fault {
        Fault::Full(format!(
            "engines keep state for {DEVICES_MAX} devices, and every id is used: renew an old device"
        ))
    }

    /// The label belongs to another token, or did.
    pub fn label_used(label: &str) -> Fault {
        Fault::Conflict(format!("the label {label:?} is or was used by another token: choose another label"))
    }
}

/// How many people of a request a message counts up.
const PEOPLE_SHOWN: usize = 8;

fn other_person(people: &[usize]) -> String {
    let shown: Vec<_> = people.iter().take(PEOPLE_SHOWN).map(|nth| format!("holders[{nth}]")).collect();
    let rest = people.len().saturating_sub(PEOPLE_SHOWN);
    let rest = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    format!(
        "{}{rest}: the id number is registered with another name, and nothing was registered: correct the number or the name \
         here, or correct the registered name; write a document of another state with its state, like \
         passport:USA:E12345678; part the record when two people have one number",
        shown.join(", ")
    )
}

impl From<ChainFault> for Fault {
    fn from(fault: ChainFault) -> Fault {
        Fault::Unbelieved(fault)
    }
}

impl From<Misissued> for Fault {
    fn from(fault: Misissued) -> Fault {
        Fault::Misissued(fault)
    }
}

impl From<Fault> for SourceFault {
    fn from(fault: Fault) -> SourceFault {
        match fault {
            Fault::Unavailable(why) => SourceFault::Unavailable(why),
            Fault::Misconfigured(why) => SourceFault::Misconfigured(why),
            Fault::NotFound(what) => SourceFault::NotFound(what),
            Fault::Damaged(why) => SourceFault::Damaged(why),
            // No other fault comes of reading what is stored.
            other => SourceFault::Damaged(other.to_string()),
        }
    }
}

impl From<SourceFault> for Fault {
    fn from(fault: SourceFault) -> Fault {
        match fault {
            SourceFault::Unavailable(why) => Fault::Unavailable(why),
            SourceFault::Misconfigured(why) => Fault::Misconfigured(why),
            SourceFault::NotFound(what) => Fault::NotFound(what),
            SourceFault::Damaged(why) => Fault::Damaged(why),
        }
    }
}
