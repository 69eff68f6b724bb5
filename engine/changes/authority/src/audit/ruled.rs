//! Colours by rules found again: each set that a rule file gave, from the opened facts (R28).

use std::collections::HashMap;

use anyhow::{Context as _, ensure};
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
        let step = self.sample.map_or(1, |sample| facts.len().div_ceil(sample.max(1) as usize)).max(1);
        // Not always the first ones.
        let skipped = usize::from(content.inputs.0[0]) % step;
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

impl Rulebook {
    /// The digest of what these were computed from.
    fn inputs_of(&self, facts: &[Facts]) -> hufu_wire::chain::InputsDigest {
        hufu_rules::inputs(self.rules().digest(), facts.iter().map(hufu_rules::FactsDigest::of))
    }
}
