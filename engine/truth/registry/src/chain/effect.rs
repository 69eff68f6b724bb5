//! What a set does to the words there are.

use hufu_wire::chain::{Change, Changes, Turn};
use hufu_wire::{HolderIndex, StatusWord};

use crate::brake::SetBack;

/// The words after a set, and how they differ from those before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetEffect {
    /// Every holder that the set names, by rising index, with the new word.
    pub words: Vec<(HolderIndex, StatusWord)>,
    /// Holders that it sets back.
    pub set_back: SetBack,
    /// How many more holders' colour is known; negative when some were forgotten.
    pub known: i64,
}

impl SetEffect {
    /// What `changes` make of the words `held`: those of holders among the changes, by rising index. Who is not
    /// among them is unknown.
    pub fn of(changes: &Changes<'_>, held: &[(HolderIndex, StatusWord)]) -> SetEffect {
        let mut turn =
            SetEffect { words: Vec::with_capacity(changes.len()), set_back: SetBack::default(), known: 0 };
        let mut held = held.iter().peekable();
        for (holder, change) in changes.iter() {
            while held.next_if(|(index, _)| *index < holder).is_some() {}
            let before =
                held.next_if(|(index, _)| *index == holder).map_or(StatusWord::UNKNOWN, |(_, word)| *word);
            turn.push(holder, before, change.apply(before));
        }
        turn
    }

    fn push(&mut self, holder: HolderIndex, before: StatusWord, after: StatusWord) {
        self.set_back.count(Turn::of(before, after));
        self.known += i64::from(after.colour().is_some()) - i64::from(before.colour().is_some());
        self.words.push((holder, after));
    }
}

/// The holders to whom `changes` give a colour, whatever they have now.
pub fn coloured(changes: &Changes<'_>) -> Vec<HolderIndex> {
    let has_colour = |change: Change| match change {
        Change::Word(word) | Change::Status(word) => word.colour().is_some(),
        Change::Generation(_) => false,
    };
    changes.iter().filter(|(_, change)| has_colour(*change)).map(|(holder, _)| holder).collect()
}

#[cfg(test)]
mod tests {
    use hufu_wire::Colour;
    use hufu_wire::chain::Record;

    use super::*;

    #[test]
    fn r21_each_holder_who_is_set_back_counts_once() {
        let [red, green, amber] =
            [Colour::Red, Colour::Green, Colour::Amber].map(|colour| StatusWord::new(colour, 0));
        let at = HolderIndex;
        let records = [
            Record::new(at(1), Change::Status(red)),
            Record::new(at(2), Change::Status(red)),
            Record::new(at(3), Change::Status(red)),
            Record::new(at(4), Change::Word(StatusWord::UNKNOWN)),
            Record::new(at(5), Change::Generation(2)),
            Record::new(at(6), Change::Generation(2)),
            Record::new(at(7), Change::Status(amber)),
            Record::new(at(8), Change::Status(amber)),
            Record::new(at(9), Change::Word(red.with_generation(1))),
        ];
        let held = [
            (at(0), red),
            (at(2), red),
            (at(3), green.with_generation(7)),
            (at(4), green),
            (at(6), red),
            (at(7), green),
            (at(8), red),
            (at(9), green),
        ];
        let turn = SetEffect::of(&Changes::new(&records).unwrap(), &held);
        let unknown = StatusWord::UNKNOWN;
        let words = [
            (at(1), red),
            (at(2), red),
            (at(3), red.with_generation(7)),
            (at(4), unknown),
            (at(5), unknown.with_generation(2)),
            (at(6), red.with_generation(2)),
            (at(7), amber),
            (at(8), amber),
            (at(9), red.with_generation(1)),
        ];
        assert_eq!(turn.words, words);
        // 1, 3 and 9 turned red, 7 amber, 4 was forgotten, 6 has other codes; 8 is better off, 5 was never known.
        let set_back = SetBack { reds: 3, ambers: 1, forgotten: 1, generations: 1 };
        assert_eq!((turn.set_back, turn.set_back.all()), (set_back, 6));
        assert_eq!(turn.known, 0, "1 became known and 4 forgotten");
    }
}
