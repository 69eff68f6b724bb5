//! What a change set did, so that it can be undone by another one.

use anyhow::{Context as _, ensure};
use hufu_files::moment;
use hufu_wire::chain::{Change, ChangeSet};
use hufu_wire::{HolderIndex, Sequence, StatusWord, read};

use crate::chain::Chain;
use crate::ledger::Ledger;

/// What one set did to one holder, and what became of the holder since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undone {
    /// The holder.
    pub holder: HolderIndex,
    /// What the set said.
    pub change: Change,
    /// The word before the set.
    pub before: StatusWord,
    /// The word at the end of the chain.
    pub now: StatusWord,
    /// The last set after it that names the holder too.
    pub later: Option<Sequence>,
}

/// What the set at `sequence` did to each holder, by rising index. The whole chain is read and both signatures of every
/// set are verified: what is restored is what both authorities said before.
///
/// # Errors
/// There is no such set; those of [`Chain::follow`].
pub fn undone(chain: &Chain<'_>, sequence: Sequence) -> anyhow::Result<Vec<Undone>> {
    let mut ledger = Ledger::new(chain.authorities)?;
    chain.learn_reset(&mut ledger)?;
    let mut undone: Vec<Undone> = Vec::new();
    chain.remote.each_set(chain.issuer(), Sequence(0), |at, bytes| {
        let set: ChangeSet<'_> = read(bytes).context("the registry's answer is not a change set")?;
        if at == sequence {
            undone.extend(set.content.changes.iter().map(|(holder, change)| {
                let before = ledger.words().of(holder);
                Undone { holder, change, before, now: before, later: None }
            }));
        } else if at > sequence {
            for (holder, _) in set.content.changes.iter() {
                if let Ok(found) = undone.binary_search_by_key(&holder, |undone| undone.holder) {
                    undone[found].later = Some(at);
                }
            }
        }
        ledger.take(bytes, chain.keyring, moment::now())?;
        Ok(true)
    })?;
    ensure!(!undone.is_empty(), "the chain of issuer {} has no set {sequence}", chain.issuer());
    for undone in &mut undone {
        undone.now = ledger.words().of(undone.holder);
    }
    Ok(undone)
}

impl Undone {
    /// The change that gives the holder colour, test, doses and end from before the set; none when there is nothing to
    /// give back, or when that [`resets_generation`](Self::resets_generation). The credential generation stays: a lower one
    /// would make the codes of a lost phone valid again.
    pub fn restoration(&self) -> Option<Change> {
        if self.resets_generation() {
            return None;
        }
        let change = match (self.change, self.before.colour()) {
            (Change::Generation(_), _) => return None,
            (_, None) => Change::Word(StatusWord::UNKNOWN),
            (_, Some(_)) => Change::Status(self.before.with_generation(0)),
        };
        let is_so = match change {
            Change::Word(_) => self.now.colour().is_none(),
            _ => change.apply(self.now) == self.now,
        };
        (!is_so).then_some(change)
    }

    /// Whether there was no colour before and there is a credential generation now: what takes the colour away would set the
    /// generation to 0. A person gives another colour instead.
    pub fn resets_generation(&self) -> bool {
        let gave_colour = !matches!(self.change, Change::Generation(_)) && self.before.colour().is_none();
        gave_colour && self.now.colour().is_some() && self.now.generation() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::Colour;

    #[test]
    fn r47_what_was_before_is_restored_and_no_generation_is() {
        let [green, red] =
            [Colour::Green, Colour::Red].map(|colour| StatusWord::new(colour, 0).with_doses(2));
        let unknown = StatusWord::UNKNOWN;
        let check = |change, before, now, wanted| {
            let undone = Undone { holder: HolderIndex(1), change, before, now, later: None };
            assert_eq!(undone.restoration(), wanted, "{undone:?}");
        };
        let status = Change::Status;
        check(status(red), green, red, Some(status(green)));
        check(status(red), green.with_generation(3), red.with_generation(4), Some(status(green)));
        check(Change::Word(red), unknown, red, Some(Change::Word(unknown)));
        check(status(red), unknown.with_generation(1), red.with_generation(1), None);
        check(Change::Word(red.with_generation(1)), unknown, red.with_generation(1), None);
        check(status(red), unknown.with_generation(1), unknown, None);
        check(status(red), green, green, None);
        check(Change::Word(unknown), unknown, unknown, None);
        check(Change::Generation(4), green.with_generation(3), green.with_generation(4), None);
    }

    #[test]
    fn r47_a_first_colour_is_not_undone_where_a_lost_phone_would_be_valid_again() {
        let (red, unknown) = (StatusWord::new(Colour::Red, 0), StatusWord::UNKNOWN);
        let check = |change, before, now, wanted| {
            let undone = Undone { holder: HolderIndex(1), change, before, now, later: None };
            assert_eq!(undone.resets_generation(), wanted, "{undone:?}");
        };
        let lost = red.with_generation(1);
        check(Change::Status(red), unknown.with_generation(1), lost, true);
        check(Change::Status(red), unknown, lost, true);
        check(Change::Status(red), unknown, red, false);
        check(Change::Status(red), red, lost, false);
        check(Change::Status(red), unknown.with_generation(1), unknown.with_generation(1), false);
        check(Change::Generation(1), unknown, lost, false);
    }
}
