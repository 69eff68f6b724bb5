//! Mutants that may survive, each with its reason: `.ci/mutants.toml`.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::outcomes::{Mutant, Verdict};

/// The list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accepted {
    #[serde(default)]
    excluded: Vec<Excluded>,
    #[serde(default)]
    survivor: Vec<Survivor>,
}

/// Mutants that are never made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Excluded {
    /// A regular expression over the names that `cargo mutants --list` prints.
    pattern: String,
    reason: String,
}

/// A mutant that no test can or should notice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Survivor {
    /// Its name without line and column.
    mutant: String,
    /// How many mutants of this name may survive. Default 1.
    #[serde(default = "one")]
    times: usize,
    reason: String,
}

/// What became of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Judgement<'r> {
    /// Survivors on the list.
    pub(super) accepted: usize,
    /// Survivors not on the list.
    pub(super) unexplained: Vec<&'r Mutant>,
    /// Entries of the run's files with fewer survivors than they allow. Means something only for a whole run.
    pub(super) gone: Vec<&'r str>,
}

fn one() -> usize {
    1
}

impl Accepted {
    pub(super) fn read(file: &str) -> Result<Accepted> {
        let text = fs::read_to_string(file).with_context(|| format!("{file} cannot be read"))?;
        Accepted::of(&text).with_context(|| file.to_owned())
    }

    fn of(text: &str) -> Result<Accepted> {
        let list: Accepted = toml::from_str(text)?;
        let reasons = list.excluded.iter().map(|entry| (&entry.pattern, &entry.reason));
        for (name, reason) in reasons.chain(list.survivor.iter().map(|entry| (&entry.mutant, &entry.reason)))
        {
            ensure!(!reason.trim().is_empty(), "{name} has no reason");
        }
        let mut names: Vec<&str> = list.survivor.iter().map(|entry| entry.mutant.as_str()).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            ensure!(pair[0] != pair[1], "{} is listed twice: use `times`", pair[0]);
        }
        Ok(list)
    }

    /// The patterns of mutants that are never made.
    pub(super) fn excluded(&self) -> impl Iterator<Item = &str> {
        self.excluded.iter().map(|entry| entry.pattern.as_str())
    }

    /// Holds the survivors of a run against the list.
    pub(super) fn judge<'r>(&'r self, mutants: &'r [Mutant]) -> Judgement<'r> {
        let mut survivors: BTreeMap<&str, Vec<&Mutant>> = BTreeMap::new();
        for mutant in mutants.iter().filter(|mutant| mutant.verdict == Verdict::Missed) {
            survivors.entry(&mutant.name).or_default().push(mutant);
        }
        let mut judgement = Judgement { accepted: 0, unexplained: Vec::new(), gone: Vec::new() };
        for Survivor { mutant, times, .. } in &self.survivor {
            let found = survivors.get_mut(mutant.as_str()).map_or(0, |found| {
                let accepted = found.len().min(*times);
                found.drain(..accepted).count()
            });
            judgement.accepted += found;
            if found < *times && mutants.iter().any(|other| file_of(&other.name) == file_of(mutant)) {
                judgement.gone.push(mutant);
            }
        }
        judgement.unexplained = survivors.into_values().flatten().collect();
        judgement
    }
}

fn file_of(name: &str) -> &str {
    name.split_once(": ").map_or(name, |(file, _)| file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"
        [[survivor]]
        mutant = "a.rs: replace < with <= in f"
        reason = "equal is the same"
        [[survivor]]
        mutant = "a.rs: replace + with | in g"
        times = 2
        reason = "the bits do not meet"
    "#;

    fn mutants(survivors: &[&str]) -> Vec<Mutant> {
        let all =
            survivors.iter().map(|name| (*name, Verdict::Missed)).chain([("a.rs: caught", Verdict::Caught)]);
        all.map(|(name, verdict)| Mutant { name: name.to_owned(), line: 1, verdict }).collect()
    }

    fn check(survivors: &[&str], accepted: usize, unexplained: &[&str], gone: &[&str]) {
        let list = Accepted::of(LIST).unwrap();
        let mutants = mutants(survivors);
        let judgement = list.judge(&mutants);
        let names: Vec<&str> = judgement.unexplained.iter().map(|mutant| mutant.name.as_str()).collect();
        assert_eq!(
            (judgement.accepted, names.as_slice(), judgement.gone.as_slice()),
            (accepted, unexplained, gone)
        );
    }

    #[test]
    fn survivors_are_accepted_as_often_as_the_list_says() {
        let (less, more) = ("a.rs: replace < with <= in f", "a.rs: replace + with | in g");
        check(&[less, more, more], 3, &[], &[]);
        check(&[less, more], 2, &[], &[more]);
        check(&[less, less, more, more], 3, &[less], &[]);
        check(&[], 0, &[], &[less, more]);
        check(&[less, more, more, "a.rs: replace g with ()"], 3, &["a.rs: replace g with ()"], &[]);
    }

    #[test]
    fn entries_of_files_that_were_not_mutated_are_not_missed() {
        let list = Accepted::of(LIST).unwrap();
        assert_eq!(list.judge(&[]), Judgement { accepted: 0, unexplained: vec![], gone: vec![] });
    }

    #[test]
    fn an_entry_has_a_reason_and_is_listed_once() {
        let refused = |text: &str| Accepted::of(text).err().map(|error| error.to_string());
        assert_eq!(refused("[[survivor]]\nmutant = \"m\"\nreason = \" \""), Some("m has no reason".into()));
        assert_eq!(refused("[[excluded]]\npattern = \"p\"\nreason = \"\""), Some("p has no reason".into()));
        assert_eq!(
            refused(&LIST.repeat(2)).unwrap(),
            "a.rs: replace + with | in g is listed twice: use `times`"
        );
        assert!(refused("[[survivor]]\nmutant = \"m\"").is_some());
        assert!(refused("[[survivors]]\nmutant = \"m\"\nreason = \"r\"").is_some());
    }

    #[test]
    fn the_list_of_the_tree_can_be_read() {
        Accepted::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../mutants.toml")).unwrap();
    }
}
