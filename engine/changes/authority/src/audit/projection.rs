//! The registry's own statuses. Nothing signs them, and no engine believes them: that is what an audit is for.

use std::collections::BTreeMap;

use hufu_wire::chain::Changes;
use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusWord};

use crate::remote::Remote;

/// Every word of one issuer as its registry has it.
pub(super) struct Projection {
    /// Up to which set the first page took changes into account.
    first: Sequence,
    /// And the last page.
    pub(super) last: Sequence,
    /// As the pages had them, by rising holder.
    pages: Vec<(HolderIndex, StatusWord)>,
    /// What the sets between the first and the last page made of some of them.
    since: BTreeMap<HolderIndex, StatusWord>,
}

/// Words asked for at once.
const PAGE: u32 = 65_536;

/// Fetches all of it: 16 bytes a holder. A chain that grows meanwhile does no harm, because a change says what a word
/// becomes and never by how much: with the sets since the first page, all pages are as of the last.
pub(super) fn fetch(remote: &Remote, issuer: IssuerId) -> anyhow::Result<Projection> {
    let mut pages = Vec::new();
    let mut first = None;
    let mut from = HolderIndex(0);
    loop {
        let page = remote.ask(|api| api.statuses(issuer, from, PAGE))?;
        let first = *first.get_or_insert(page.sequence);
        let end = page.words.last().copied();
        pages.extend(page.words);
        match end.and_then(|(holder, _)| holder.0.checked_add(1)) {
            Some(next) => from = HolderIndex(next),
            None => return Ok(Projection { first, last: page.sequence, pages, since: BTreeMap::new() }),
        }
    }
}

impl Projection {
    /// Takes a set into account that some of the pages may not know.
    pub(super) fn apply(&mut self, sequence: Sequence, changes: Changes<'_>) {
        if sequence <= self.first || sequence > self.last {
            return;
        }
        for (holder, change) in changes.iter() {
            let word = change.apply(self.of(holder));
            self.since.insert(holder, word);
        }
    }

    /// How many holders the pages had.
    pub(super) fn len(&self) -> usize {
        self.pages.len()
    }

    /// Every word that is not unknown, by rising holder.
    pub(super) fn words(&self) -> impl Iterator<Item = (HolderIndex, StatusWord)> + '_ {
        let mut pages = self.pages.iter().copied().peekable();
        let mut since = self.since.iter().map(|(holder, word)| (*holder, *word)).peekable();
        std::iter::from_fn(move || match (pages.peek(), since.peek()) {
            (Some((page, _)), Some((newer, _))) if page < newer => pages.next(),
            (Some((page, _)), Some((newer, _))) if page == newer => {
                pages.next();
                since.next()
            }
            (_, Some(_)) => since.next(),
            (_, None) => pages.next(),
        })
        .filter(|(_, word)| *word != StatusWord::UNKNOWN)
    }

    fn of(&self, holder: HolderIndex) -> StatusWord {
        let page = || {
            let at = self.pages.binary_search_by_key(&holder, |(holder, _)| *holder).ok()?;
            Some(self.pages[at].1)
        };
        self.since.get(&holder).copied().or_else(page).unwrap_or(StatusWord::UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::Colour;
    use hufu_wire::chain::{Change, Record};

    #[test]
    fn pages_of_different_places_become_the_last_place() {
        let [green, red] = [Colour::Green, Colour::Red].map(|colour| StatusWord::new(colour, 0));
        let at = HolderIndex;
        // The second page was read after set 5 had made holder 9 red and holder 4 known.
        let mut projection = Projection {
            first: Sequence(4),
            last: Sequence(5),
            pages: vec![(at(1), green), (at(2), green), (at(9), red)],
            since: BTreeMap::new(),
        };
        let change = |holder, word| Record::new(at(holder), Change::Word(word));
        let old = [change(1, red)];
        let new = [change(2, StatusWord::UNKNOWN), change(4, green), change(9, red)];
        projection.apply(Sequence(4), Changes::new(&old).unwrap());
        projection.apply(Sequence(5), Changes::new(&new).unwrap());
        projection.apply(Sequence(6), Changes::new(&old).unwrap());
        let words: Vec<_> = projection.words().collect();
        assert_eq!(words, [(at(1), green), (at(4), green), (at(9), red)]);
    }
}
