//! Everybody of a list with their answer, as a page shows them.

use std::collections::HashMap;

use hufu_registry::IdFault;
use hufu_sheets::CellFault;
use hufu_wire::{Decision, UnixSeconds};
use serde::{Deserialize, Serialize};

use crate::people::{Refused, RowFault};
use crate::report::{Row, Why};

/// What the door does with a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Answer {
    /// They may not enter.
    Not,
    /// A person must look.
    Person,
    /// The registry does not know them: a person must look.
    NotFound,
    /// They may enter.
    Enter,
}

impl Answer {
    /// Every answer, the gravest first.
    pub(crate) const ALL: [Answer; 4] = [Answer::Not, Answer::Person, Answer::NotFound, Answer::Enter];

    /// In addresses and names of classes.
    pub(crate) const fn slug(self) -> &'static str {
        match self {
            Answer::Not => "not",
            Answer::Person => "person",
            Answer::NotFound => "notfound",
            Answer::Enter => "enter",
        }
    }

    /// The id of its text.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Answer::Not => "list-refused",
            Answer::Person => "list-person",
            Answer::NotFound => "school-notfound",
            Answer::Enter => "list-enter",
        }
    }

    fn of(row: &Row<'_>) -> Answer {
        match (row.why, row.decision) {
            (Why::Unfound(_), _) => Answer::NotFound,
            (_, Decision::Admit) => Answer::Enter,
            (_, Decision::Refer) => Answer::Person,
            (_, Decision::Refuse) => Answer::Not,
        }
    }
}

/// One person of the list.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) line: u64,
    /// The place of the class among the classes.
    pub(crate) class: usize,
    /// Masked.
    pub(crate) display: String,
    pub(crate) answer: Answer,
    pub(crate) why: Why,
}

/// A line that could not be read, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefusedRow {
    pub(crate) line: u64,
    /// Which of the sentences `school-row-...` says why.
    pub(crate) word: String,
    /// The line that it repeats; 0 for none.
    #[serde(default)]
    pub(crate) of: u64,
}

impl RefusedRow {
    pub(crate) fn of(refused: &Refused) -> RefusedRow {
        let (word, of) = match &refused.why {
            RowFault::Zeroes | RowFault::Cell(CellFault::Rounded) | RowFault::IdNumber(IdFault::Rounded) => {
                ("rounded", 0)
            }
            RowFault::Cell(_) => ("cell", 0),
            RowFault::IdNumber(IdFault::Old) => ("old", 0),
            RowFault::IdNumber(IdFault::Clerk) => ("clerk", 0),
            RowFault::IdNumber(_) => ("number", 0),
            RowFault::Group | RowFault::LongGroup => ("class", 0),
            RowFault::Twice(first) => ("twice", *first),
            RowFault::Name(_) => ("name", 0),
        };
        RefusedRow { line: refused.line, word: word.to_owned(), of }
    }
}

/// What became of a list.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// When the engine was asked.
    pub(crate) checked: UnixSeconds,
    /// The classes, in the order of the list.
    pub(crate) classes: Vec<String>,
    /// Everybody, by class and line.
    pub(crate) entries: Vec<Entry>,
    /// Lines that could not be read.
    pub(crate) refused: Vec<RefusedRow>,
}

/// How many have which answer, in the order of [`Answer::ALL`].
pub(crate) type Counts = [usize; 4];

impl Outcome {
    pub(crate) fn new(
        checked: UnixSeconds,
        groups: &[(&str, Vec<Row<'_>>)],
        refused: Vec<RefusedRow>,
    ) -> Outcome {
        let entries = groups.iter().enumerate().flat_map(|(class, (_, rows))| {
            rows.iter().map(move |row| Entry {
                line: row.named.map_or(0, |named| named.line),
                class,
                display: row.display().to_owned(),
                answer: Answer::of(row),
                why: row.why,
            })
        });
        let entries = entries.collect();
        let classes = groups.iter().map(|(name, _)| (*name).to_owned()).collect();
        Outcome { checked, classes, entries, refused }
    }

    /// Of everybody.
    pub(crate) fn counts(&self) -> Counts {
        count(self.entries.iter())
    }

    /// Of each class.
    pub(crate) fn by_class(&self) -> Vec<Counts> {
        let mut all = vec![Counts::default(); self.classes.len()];
        for entry in &self.entries {
            all[entry.class][entry.answer as usize] += 1;
        }
        all
    }

    /// Those that a filter leaves, in the order of the list.
    pub(crate) fn found(&self, filter: &Filter) -> Vec<&Entry> {
        let wanted = filter.text.trim().to_lowercase();
        let matching: HashMap<usize, bool> = self
            .classes
            .iter()
            .enumerate()
            .map(|(place, name)| (place, name.to_lowercase().contains(&wanted)))
            .collect();
        let is_found = |entry: &Entry| {
            wanted.is_empty()
                || entry.display.to_lowercase().contains(&wanted)
                || entry.line.to_string() == wanted
                || matching[&entry.class]
        };
        let entries = self.entries.iter().filter(|entry| {
            filter.class.is_none_or(|class| class == entry.class)
                && filter.answer.is_none_or(|answer| answer == entry.answer)
                && is_found(entry)
        });
        entries.collect()
    }

    /// The entries of one class.
    pub(crate) fn class(&self, class: usize) -> &[Entry] {
        let begin = self.entries.partition_point(|entry| entry.class < class);
        let end = self.entries.partition_point(|entry| entry.class <= class);
        &self.entries[begin..end]
    }
}

/// Counts answers.
pub(crate) fn count<'e>(entries: impl Iterator<Item = &'e Entry>) -> Counts {
    let mut counts = Counts::default();
    for entry in entries {
        counts[entry.answer as usize] += 1;
    }
    counts
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
impl Filter {
    /// Whether it is for this class.
    pub(crate) fn has_class(&self, class: &usize) -> bool {
        self.class == Some(*class)
    }

    /// Whether it is for this answer.
    pub(crate) fn has_answer(&self, answer: &Answer) -> bool {
        self.answer == Some(*answer)
    }
}

/// What a reader looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Part of a masked name or of a class, or the number of a line.
    pub(crate) text: String,
    pub(crate) class: Option<usize>,
    pub(crate) answer: Option<Answer>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::Unfound;

    #[test]
    fn r61_people_are_found_by_class_answer_line_and_a_part_of_the_masked_name() {
        let entry = |line, class, display: &str, answer| Entry {
            line,
            class,
            display: display.to_owned(),
            answer,
            why: Why::Unfound(Unfound::Unregistered),
        };
        let outcome = Outcome {
            checked: UnixSeconds(0),
            classes: vec!["3b".to_owned(), String::new()],
            entries: vec![
                entry(2, 0, "王*002X", Answer::Enter),
                entry(4, 0, "L*1", Answer::Not),
                entry(3, 1, "W*3", Answer::NotFound),
            ],
            refused: Vec::new(),
        };
        let lines = |text: &str, class, answer| {
            let filter = Filter { text: text.to_owned(), class, answer };
            outcome.found(&filter).iter().map(|entry| entry.line).collect::<Vec<_>>()
        };
        assert_eq!(lines(" ", None, None), [2, 4, 3]);
        assert_eq!(lines("002x", None, None), [2]);
        assert_eq!(lines("3B", None, None), [2, 4], "the class");
        assert_eq!(lines("3", None, None), [2, 4, 3], "class, line and name");
        assert_eq!(lines("", Some(1), None), [3]);
        assert_eq!(lines("", Some(7), None), [0; 0]);
        assert_eq!(lines("", None, Some(Answer::Not)), [4]);
        assert_eq!((outcome.counts(), outcome.class(0).len(), outcome.class(1).len()), ([1, 0, 1, 1], 2, 1));
        assert_eq!(outcome.by_class(), [[1, 0, 0, 1], [0, 0, 1, 0]]);
    }
}
