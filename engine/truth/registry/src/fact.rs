//! Facts of holders: what is taken, and how long it is kept (R28).

use std::collections::{HashMap, HashSet};

use hufu_contract::{Fact, PaperKind, Sample};
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
    /// Up to where facts of its kind fill the holder's room.
    pub room: FactRoom,
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

    /// Up to where a fact fills the room of its holder. Facts of which a person has many, and those that keep a green, leave
    /// room for what ends it; all leave room for voids.
    pub(crate) fn of(fact: &Fact) -> FactRoom {
        let eighths = match fact {
            Fact::Dose { .. } | Fact::Visit { .. } => 4,
            Fact::Test { result: Sample::Negative | Sample::Pending, .. } | Fact::Symptoms { .. } => 6,
            Fact::Test { result: Sample::Positive, .. }
            | Fact::Stay { .. }
            | Fact::Contact { .. }
            | Fact::Case { .. }
            | Fact::Arrival { .. }
            | Fact::Quarantine { .. } => 7,
            Fact::Void { .. } => 8,
            Fact::Record { .. } => return FactRoom::ENDLESS,
        };
        let FactRoom { facts, bytes } = FactRoom::OF_HOLDER;
        FactRoom { facts: facts / 8 * eighths, bytes: bytes / 8 * eighths }
    }

    /// Adds the fact to what is taken, if there is room for it.
    fn take(&mut self, fact: &NewFact) -> bool {
        let facts = self.facts.saturating_add(1);
        let bytes = self.bytes.saturating_add(fact.sealed.len() as u64);
        let fits = facts <= fact.room.facts && bytes <= fact.room.bytes;
        if fits {
            *self = FactRoom { facts, bytes };
        }
        fits
    }
}

impl NewFact {
    /// Of each fact whether it is known already, or that it has no room. Those that are not known are to be written. `known`
    /// are digests that are kept, `taken` what is kept of the holders.
    pub fn sort(
        facts: &[NewFact],
        known: Vec<Subject>,
        taken: &[(HolderIndex, FactRoom)],
    ) -> Vec<Option<bool>> {
        let mut known: HashSet<_> = known.into_iter().collect();
        let mut taken: HashMap<_, _> = taken.iter().copied().collect();
        let sort = |fact: &NewFact| {
            if known.contains(&fact.digest) {
                return Some(true);
            }
            let fits = taken.entry(fact.holder).or_insert(FactRoom { facts: 0, bytes: 0 }).take(fact);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each is kept where so many bytes are taken, and nothing else.
    #[track_caller]
    fn check(taken: u64, wanted: [bool; 4]) {
        let at_ms = FIRST_MS;
        let test = |result| Fact::Test { at_ms, result, laboratory: "L-1".into() };
        let visit = Fact::Visit { from_ms: at_ms, to_ms: at_ms, place: "310105".into() };
        let void = Fact::Void { at_ms, number: 1, reason: "wrong".into() };
        let facts = [visit, test(Sample::Negative), test(Sample::Positive), void];
        let new = |(nth, fact): (u8, &Fact)| NewFact {
            holder: HolderIndex(0),
            digest: Subject([nth; 32]),
            forgotten: None,
            room: FactRoom::of(fact),
            sealed: vec![0; 100],
        };
        let kept = (0..).zip(&facts).map(new).map(|fact| {
            let taken = [(HolderIndex(0), FactRoom { facts: 1, bytes: taken })];
            NewFact::sort(&[fact], Vec::new(), &taken) == [Some(false)]
        });
        assert_eq!(kept.collect::<Vec<_>>(), wanted, "{taken} bytes");
    }

    #[test]
    fn r28_what_fills_the_room_of_a_holder_shuts_out_nothing_that_matters_more() {
        let full = FactRoom::OF_HOLDER.bytes;
        check(full / 2 - 100, [true, true, true, true]);
        check(full / 2, [false, true, true, true]);
        check(full / 8 * 6, [false, false, true, true]);
        check(full / 8 * 7, [false, false, false, true]);
        check(full, [false, false, false, false]);
    }
}
