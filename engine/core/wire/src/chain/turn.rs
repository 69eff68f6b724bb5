//! What a change does to a holder, as the brake and engines count it.

use crate::status::{Colour, StatusWord};

/// What became of a holder by one change: the gravest that is true, so that each holder counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Turn {
    /// Red, and was not.
    Red,
    /// Amber, and was green or unknown.
    Amber,
    /// Unknown, and had a colour: no gate passes the codes.
    Forgotten,
    /// Another credential generation while a colour is known: the codes that the holder has end.
    Generation,
    /// Amber, and was red.
    Eased,
    /// Green, and was not.
    Green,
    /// The same colour: another test, doses or end, or nothing. Also a generation while no colour is known.
    Kept,
}

impl Turn {
    /// Every one, in the order of their numbers.
    pub const ALL: [Turn; 7] =
        [Turn::Red, Turn::Amber, Turn::Forgotten, Turn::Generation, Turn::Eased, Turn::Green, Turn::Kept];

    /// What turned a holder whose word was `before` and is `after`.
    pub fn of(before: StatusWord, after: StatusWord) -> Turn {
        let (was, is) = (before.colour(), after.colour());
        match is {
            None if was.is_some() => Turn::Forgotten,
            Some(Colour::Red) if was != is => Turn::Red,
            Some(Colour::Amber) if was != is && was != Some(Colour::Red) => Turn::Amber,
            _ if was.is_some() && before.generation() != after.generation() => Turn::Generation,
            Some(Colour::Amber) if was != is => Turn::Eased,
            Some(Colour::Green) if was != is => Turn::Green,
            _ => Turn::Kept,
        }
    }

    /// Whether the holder may enter fewer places than before: what the registry's brake counts.
    pub const fn sets_back(self) -> bool {
        matches!(self, Turn::Red | Turn::Amber | Turn::Forgotten | Turn::Generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holder_counts_once_by_the_gravest() {
        let [red, green, amber] =
            [Colour::Red, Colour::Green, Colour::Amber].map(|colour| StatusWord::new(colour, 1));
        let none = StatusWord::UNKNOWN.with_generation(1);
        let check = |case: &str, before: StatusWord, after: StatusWord, turn: Turn, sets_back: bool| {
            assert_eq!(Turn::of(before, after), turn, "{case}");
            assert_eq!(turn.sets_back(), sets_back, "{case}");
        };
        check("a contact", green, red, Turn::Red, true);
        check("first seen red", none, red, Turn::Red, true);
        check("red, and another phone", amber, red.with_generation(2), Turn::Red, true);
        check("red as before", red, red.with_doses(2), Turn::Kept, false);
        check("watched", green, amber, Turn::Amber, true);
        check("first seen amber", none, amber, Turn::Amber, true);
        check("better", red, amber, Turn::Eased, false);
        check("forgotten", amber, none, Turn::Forgotten, true);
        check("forgotten whole", green, StatusWord::UNKNOWN, Turn::Forgotten, true);
        check("was never known", none, none.with_generation(2), Turn::Kept, false);
        check("another phone", green, green.with_generation(2), Turn::Generation, true);
        check("better, but the codes end", red, green.with_generation(2), Turn::Generation, true);
        check("first seen green", none, green.with_generation(2), Turn::Green, false);
        check("well again", red, green, Turn::Green, false);
        check("tested", green, green.with_doses(3), Turn::Kept, false);
    }

    #[test]
    fn numbers_are_the_order_of_all() {
        assert!(Turn::ALL.iter().enumerate().all(|(number, turn)| *turn as usize == number));
    }
}
