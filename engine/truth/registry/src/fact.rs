//! Facts of holders: what is taken, and how long it is kept (R28).

use std::collections::{HashMap, HashSet};

use hufu_contract::{Fact, PaperKind};
use hufu_wire::{HolderIndex, StatusWord, UnixMillis};

use crate::fault::Fault;
use crate::holder::Subject;

/// A fact on its way into the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFact {
    /// Whose record it is kept with.
    pub holder: HolderIndex,
    /// A keyed digest of the holder and what it says: the same fact is kept once.
    pub digest: Subject,
    /// When it is deleted; never where there is none.
    pub forgotten: Option<UnixMillis>,
    /// What it says, sealed.
    pub sealed: Vec<u8>,
}

/// A fact in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFact {
    /// It rises within an issuer.
    pub number: u64,
    /// Whose record it is kept with.
    pub holder: HolderIndex,
    /// The record of that person that goes on.
    pub place: HolderIndex,
    /// The keyed digest.
    pub digest: Subject,
    /// What it says, sealed.
    pub sealed: Vec<u8>,
}

/// Room for facts of one holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactRoom {
    /// How many facts.
    pub facts: u64,
    /// Their sealed bytes.
    pub bytes: u64,
}

impl FactRoom {
    /// Of each holder: as many as rules take, far more than a person has. All are opened in one answer, of which a client takes
    /// 16 MiB.
    pub const OF_HOLDER: FactRoom = FactRoom { facts: 10_000, bytes: 1 << 20 };
    /// For what the registry records itself: colours are computed again also of who has no more room.
    pub const ENDLESS: FactRoom = FactRoom { facts: u64::MAX, bytes: u64::MAX };

    /// Whether the fact fits; then there is less room for others.
    fn take(&mut self, fact: &NewFact) -> bool {
        let bytes = self.bytes.checked_sub(fact.sealed.len() as u64);
        let (Some(facts), Some(bytes)) = (self.facts.checked_sub(1), bytes) else { return false };
        *self = FactRoom { facts, bytes };
        true
    }

    /// What is left when so much is taken.
    fn without(self, taken: FactRoom) -> FactRoom {
        FactRoom {
            facts: self.facts.saturating_sub(taken.facts),
            bytes: self.bytes.saturating_sub(taken.bytes),
        }
    }
}

impl NewFact {
    /// Of each fact whether it is known already, or that it has no room. Those that are not known are to be written. `known`
    /// are digests that are kept, `taken` what is kept of the holders, and each has `room`.
    pub fn sort(
        facts: &[NewFact],
        room: FactRoom,
        known: Vec<Subject>,
        taken: &[(HolderIndex, FactRoom)],
    ) -> Vec<Option<bool>> {
        let mut known: HashSet<_> = known.into_iter().collect();
        let mut rooms: HashMap<_, _> =
            taken.iter().map(|(holder, taken)| (*holder, room.without(*taken))).collect();
        let sort = |fact: &NewFact| {
            if known.contains(&fact.digest) {
                return Some(true);
            }
            let fits = rooms.entry(fact.holder).or_insert(room).take(fact);
            (fits && known.insert(fact.digest)).then_some(false)
        };
        facts.iter().map(sort).collect()
    }
}

/// What the chain makes of a holder, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whose.
    pub holder: HolderIndex,
    /// The word.
    pub word: StatusWord,
    /// When the set was confirmed that gave its colour.
    pub since: UnixMillis,
}

/// What is recorded of one holder, opened, and what the chain makes of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderFacts {
    /// The record that goes on in place of this one.
    pub joined: Option<HolderIndex>,
    /// The word, and since when.
    pub standing: Standing,
    /// The facts with their numbers, by rising number.
    pub facts: Vec<(u64, Fact)>,
}

/// What became of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactTaken {
    /// Whose it is, when there is such a holder.
    pub holder: Option<HolderIndex>,
    /// Whether it was there already, or why it is not taken.
    pub outcome: Result<bool, Fault>,
}

/// A paper that rulings name. It never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPaper {
    /// Of which kind.
    pub kind: PaperKind,
    /// What it is called.
    pub name: [u8; 32],
    /// When it came in.
    pub added: UnixMillis,
    /// What it says.
    pub bytes: Vec<u8>,
}

/// How long places of an itinerary are kept after they were left.
pub const VISIT_KEPT_MS: u64 = 60 * 86_400_000;
/// No fact is older: 2019-01-01T00:00:00Z.
const FIRST_MS: u64 = 1_546_300_800_000;
/// How far ahead a fact may be: laboratories' clocks differ.
const AHEAD_MS_MAX: u64 = 10 * 60_000;
/// How far ahead a quarantine may end.
const QUARANTINE_MS_MAX: u64 = 366 * 86_400_000;
/// Longest text of a fact, bytes.
const TEXT_BYTES_MAX: usize = 128;
/// Longest attested document, bytes: 4,096 characters of base64url.
const DOCUMENT_BYTES_MAX: usize = 3072;
/// Longest code of a place.
const PLACE_BYTES_MAX: usize = 64;
/// A day of contact and more than anyone measures.
const MINUTES_MAX: u32 = 100_000;

/// When a fact is deleted again; the others are kept as long as the registry.
pub(crate) fn forgotten(fact: &Fact) -> Option<UnixMillis> {
    match fact {
        Fact::Visit { to_ms, .. } => Some(UnixMillis(to_ms.saturating_add(VISIT_KEPT_MS))),
        _ => None,
    }
}

/// Whether a fact may be taken `now`.
///
/// # Errors
/// [`Fault::Invalid`] with the member and what to write.
pub(crate) fn check(fact: &Fact, now: UnixMillis) -> Result<(), Fault> {
    let latest = now.0.saturating_add(AHEAD_MS_MAX);
    let instant = |field, at: u64, latest: u64| {
        if !at.is_multiple_of(1000) {
            return Err(Fault::invalid(field, "a whole second"));
        }
        if !(FIRST_MS..=latest).contains(&at) {
            return Err(Fault::invalid(
                field,
                "an instant since 2019, and not ahead of the registry's clock",
            ));
        }
        Ok(())
    };
    let span = |from: u64, to: u64, latest_to: u64| {
        instant("from_ms", from, latest)?;
        instant("to_ms", to, latest_to)?;
        if to < from { Err(Fault::invalid("to_ms", "not before from_ms")) } else { Ok(()) }
    };
    match fact {
        Fact::Test { at_ms, laboratory, .. } => {
            instant("at_ms", *at_ms, latest)?;
            text("laboratory", laboratory)
        }
        Fact::Dose { at_ms, product, manufacturer, batch, number, site, signer, document } => {
            instant("at_ms", *at_ms, latest)?;
            let texts = [
                ("product", product),
                ("manufacturer", manufacturer),
                ("batch", batch),
                ("site", site),
                ("signer", signer),
            ];
            texts.into_iter().try_for_each(|(field, value)| text(field, value))?;
            if !(1..=20).contains(number) {
                return Err(Fault::invalid("number", "1 to 20"));
            }
            let long = document.as_ref().is_some_and(|document| document.0.len() > DOCUMENT_BYTES_MAX);
            if long { Err(Fault::invalid("document", "at most 4096 characters")) } else { Ok(()) }
        }
        Fact::Visit { from_ms, to_ms, place } => {
            span(*from_ms, *to_ms, latest)?;
            if to_ms.saturating_add(VISIT_KEPT_MS) <= now.0 {
                return Err(Fault::invalid("to_ms", "within 60 days: older places are not kept"));
            }
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            let is_code = (1..=PLACE_BYTES_MAX).contains(&place.len()) && place.bytes().all(fits);
            if is_code {
                Ok(())
            } else {
                Err(Fault::invalid("place", "a code of 1 to 64 letters, digits and `-`"))
            }
        }
        Fact::Stay { from_ms, to_ms, .. } => span(*from_ms, *to_ms, latest),
        Fact::Quarantine { from_ms, to_ms } => {
            span(*from_ms, *to_ms, now.0.saturating_add(QUARANTINE_MS_MAX))
        }
        Fact::Contact { at_ms, minutes, .. } => {
            instant("at_ms", *at_ms, latest)?;
            if *minutes > MINUTES_MAX { Err(Fault::invalid("minutes", "at most 100000")) } else { Ok(()) }
        }
        Fact::Record { .. } => {
            Err(Fault::invalid("kind", "another: only the registry itself records this one"))
        }
        // Symptoms that were still to come would be forgotten by those who follow facts.
        Fact::Symptoms { at_ms, .. } => instant("at_ms", *at_ms, now.0),
        Fact::Void { at_ms, reason, .. } => {
            instant("at_ms", *at_ms, latest)?;
            text("reason", reason)
        }
        Fact::Case { at_ms } | Fact::Arrival { at_ms } => instant("at_ms", *at_ms, latest),
    }
}

fn text(field: &'static str, value: &str) -> Result<(), Fault> {
    let fits = !value.trim().is_empty() && value.len() <= TEXT_BYTES_MAX && !value.contains(char::is_control);
    if fits { Ok(()) } else { Err(Fault::invalid(field, "1 to 128 bytes on one line")) }
}
