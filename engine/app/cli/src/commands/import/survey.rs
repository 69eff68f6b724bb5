//! What a whole file amounts to, before anything is done.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use hufu_files::moment::Clock;
use hufu_registry::{Person, Seen};
use hufu_wire::{Colour, StatusWord};

use super::columns::{self, Fields};
use crate::kept::Kept;
use crate::people::id_number_in_table;

/// Takes lines or refuses them, each by itself and by those before it.
pub(super) struct Inspector<'c> {
    clock: &'c Clock,
    /// Keyed digests of the id numbers so far: 64 bits a person, so that ten million fit. Two people of ten million
    /// share one by chance in one file of four hundred thousand; the second is refused then, with that cause.
    seen: HashSet<u64>,
    hasher: RandomState,
}

/// A line that is taken.
pub(super) struct Taken {
    pub(super) person: Person,
    pub(super) status: Option<StatusWord>,
    /// What the line leaves as it is.
    pub(super) kept: Kept,
}

/// Counts of what was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) people: u64,
    pub(super) green: u64,
    pub(super) amber: u64,
    pub(super) red: u64,
}

const SAME_NUMBER: &str = "an earlier line has the same id number";
const SAME_DOCUMENT: &str = "an earlier line has the same id number: if it is another person's document then write the state \
    that issued each (passport:USA:E12345678)";

impl<'c> Inspector<'c> {
    /// Typed times are read against `clock`.
    pub(super) fn new(clock: &'c Clock) -> Inspector<'c> {
        Inspector { clock, seen: HashSet::new(), hasher: RandomState::new() }
    }

    /// Looks at one line.
    ///
    /// # Errors
    /// The cause, which repeats nothing of the line.
    pub(super) fn inspect(&mut self, fields: &Fields<'_>) -> Result<Taken, String> {
        let line = columns::Person::read(fields, self.clock)?;
        let document = id_number_in_table(line.id_number)?;
        let number = document.number.clone();
        number.check_new(self.clock.now(), Seen::Unsaid).map_err(|fault| format!("id_number: {fault}"))?;
        let lacks_state = number.lacks_state();
        let digest = self.hasher.hash_one(number.as_str());
        let person =
            Person::new(document.called(line.name.to_owned()), number, line.phone.map(str::to_owned))
                .map_err(|fault| fault.to_string())?;
        if !self.seen.insert(digest) {
            return Err(if lacks_state { SAME_DOCUMENT } else { SAME_NUMBER }.to_owned());
        }
        Ok(Taken { person, status: line.status, kept: line.kept })
    }
}

impl Survey {
    /// Counts a line.
    pub(super) fn count(&mut self, taken: &Taken) {
        self.people += 1;
        match taken.status.and_then(StatusWord::colour) {
            Some(Colour::Green) => self.green += 1,
            Some(Colour::Amber) => self.amber += 1,
            Some(Colour::Red) => self.red += 1,
            None => {}
        }
    }

    /// How many of them have a status.
    pub(super) fn coloured(&self) -> u64 {
        self.green + self.amber + self.red
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_checked_and_comes_once_however_it_is_spelt() {
        let clock = Clock::here();
        let mut inspector = Inspector::new(&clock);
        let mut check = |name: &str, number: &str, wanted: Result<(), &str>| match (
            inspector.inspect(&[name, number, "", "red", "", "", "", ""]),
            wanted,
        ) {
            (Ok(taken), Ok(())) => assert_eq!(taken.status, Some(StatusWord::new(Colour::Red, 0))),
            (Err(cause), Err(wanted)) => {
                assert!(cause.contains(wanted) && !cause.contains(number), "{number}: {cause}");
            }
            (found, _) => panic!("{number}: {:?}", found.err()),
        };
        check("Li", "11010519491231002X", Ok(()));
        check("Li", "11010519491231002x", Err("an earlier line has the same id number"));
        check("Li", "110105194912310021", Err("check character"));
        check("Li", "passport:E12345678", Ok(()));
        check("Li", "PASSPORT:e12345678", Err("an earlier line has the same id number"));
    }
}
