//! Colours by rules found again: each set that a rule file gave, from the opened facts (R28).

use std::collections::HashMap;

use anyhow::{Context as _, ensure};
use hufu_files::keys;
use hufu_rules::{Current, Facts, Moment};
use hufu_wire::chain::{Change, ChangeSet};
use hufu_wire::{HolderIndex, Sequence, UnixMillis};

use super::{Difference, Report};
use crate::ledger::Words;
use crate::ruled::{Archive, Rulebook};

/// What colours are found again from.
pub struct RulesAudit<'r> {
    /// The rule file.
    pub book: &'r Rulebook,
    /// The opened facts.
    pub archive: &'r Archive,
    /// How many holders of each set are computed; all when there is none. The digest of a set's facts is always compared whole.
    pub sample: Option<u32>,
    /// When each holder got the colour there is.
    since: HashMap<HolderIndex, UnixMillis>,
    sets: u64,
    computed: u64,
}

impl<'r> RulesAudit<'r> {
    /// Nothing was found yet.
    pub fn new(book: &'r Rulebook, archive: &'r Archive, sample: Option<u32>) -> RulesAudit<'r> {
        RulesAudit { book, archive, sample, since: HashMap::new(), sets: 0, computed: 0 }
    }

    /// Looks at the next set, before `words` have taken it.
    pub fn look(&mut self, sequence: Sequence, set: &ChangeSet<'_>, words: &Words, report: &mut Report) {
        if set.content.rule == self.book.rules().digest().rule_id() {
            self.sets += 1;
            match self.find_again(set, words) {
                Ok(None) => {}
                Ok(differs) => report.note("colours by the rules", sequence, differs),
                Err(fault) => {
                    report.note(
                        "colours by the rules",
                        sequence,
                        Some(Difference::Other(format!("{fault:#}"))),
                    );
                }
            }
        }
        for (holder, change) in set.content.changes.iter() {
            let before = words.of(holder);
            if change.apply(before).colour() != before.colour() {
                self.since.insert(holder, set.position.confirmed);
            }
        }
    }

    fn find_again(&mut self, set: &ChangeSet<'_>, words: &Words) -> anyhow::Result<Option<Difference>> {
        let content = &set.content;
        let facts = self.archive.read(content.inputs)?;
        let path = self.archive.path(content.inputs);
        let facts = facts.with_context(|| format!("the opened facts are not there: {}", path.display()))?;
        let named = facts.iter().map(|facts| HolderIndex(facts.holder));
        ensure!(
            named.eq(content.changes.iter().map(|(holder, _)| holder)),
            "{} has facts of other holders than the set",
            path.display()
        );
        ensure!(
            self.book.inputs_of(&facts) == content.inputs,
            "{} holds other facts than those whose digest both authorities signed",
            path.display()
        );
        // Nothing that the audited may know says which: they could leave the others wrong.
        let random = keys::random_seed()?;
        let offset = u64::from_le_bytes(std::array::from_fn(|at| random[at]));
        let (skipped, step) = stride(facts.len(), self.sample, offset);
        let sampled = facts.into_iter().zip(content.changes.iter()).skip(skipped).step_by(step);
        for (facts, (holder, change)) in sampled {
            self.computed += 1;
            let Change::Status(held) = change else {
                return Ok(Some(Difference::Other(format!("holder {holder}: not a change that rules make"))));
            };
            let before = words.of(holder);
            let current = before.colour().map(|colour| Current { colour, since: self.since_of(holder) });
            ensure!(
                facts.current == current,
                "holder {holder}: the facts name another colour than the chain had then, or another time"
            );
            let should = self.book.rule(facts, before)?.after.with_generation(0);
            if held != should {
                return Ok(Some(Difference::Word { holder, held, should }));
            }
        }
        Ok(None)
    }

    fn since_of(&self, holder: HolderIndex) -> Moment {
        Moment::from(self.since.get(&holder).copied().unwrap_or(UnixMillis(0)))
    }

    /// Says what was found.
    pub fn end(self, report: &mut Report) {
        let RulesAudit { sets, computed, .. } = self;
        let who = format!("colours by the rules: {computed} in {sets} sets computed again");
        report.note(who, report.end, None);
    }
}

/// Of so many holders: how many are skipped before the first that is computed, and how far they are apart.
fn stride(holders: usize, sample: Option<u32>, offset: u64) -> (usize, usize) {
    let step = sample.map_or(1, |sample| holders.div_ceil(sample.max(1) as usize)).max(1);
    // Less than a `usize`.
    let skipped = usize::try_from(offset % step as u64).unwrap_or(0);
    (skipped, step)
}

impl Rulebook {
    /// The digest of what these were computed from.
    fn inputs_of(&self, facts: &[Facts]) -> hufu_wire::chain::InputsDigest {
        hufu_rules::inputs(self.rules().digest(), facts.iter().map(hufu_rules::FactsDigest::of))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn r28_a_sample_may_fall_on_every_holder_of_a_set() {
        let sampled = |holders: usize, sample, offset| {
            let (skipped, step) = stride(holders, sample, offset);
            (0..holders).skip(skipped).step_by(step).collect::<Vec<_>>()
        };
        assert_eq!(sampled(3, None, u64::MAX), [0, 1, 2], "without a sample all are computed");
        for (holders, sample) in [(4096, 1), (4096, 10), (1000, 999), (7, 7), (1, 5)] {
            let seen: BTreeSet<usize> =
                (0..4096).flat_map(|offset| sampled(holders, Some(sample), offset)).collect();
            assert!(seen.into_iter().eq(0..holders), "{sample} of {holders}");
        }
        assert_eq!(sampled(4096, Some(1), u64::from(u32::MAX)), [4095]);
        assert!(sampled(0, Some(3), 5).is_empty());
    }
}
