//! The chain, set by set from the first, and at each place whoever is to be compared there.

use hufu_files::moment;
use hufu_upstream::ApiFault;
use hufu_wire::chain::{ChainDigest, ChangeSet};
use hufu_wire::{HolderIndex, Sequence, StatusWord, read};

use super::projection::Projection;
use super::ruled::RulesAudit;
use super::{Difference, Report, Table, beyond};
use crate::chain::{Chain, is_damage};
use crate::ledger::{Ledger, Words};

/// A chain that is being recomputed, and who is still to be compared with it.
pub(super) struct Recomputation<'r> {
    tables: Vec<Table>,
    projection: Projection,
    /// The last of the changed holders.
    last: Option<HolderIndex>,
    rules: Option<RulesAudit<'r>>,
    report: &'r mut Report,
}

impl<'r> Recomputation<'r> {
    pub(super) fn new(
        tables: Vec<Table>,
        projection: Projection,
        rules: Option<RulesAudit<'r>>,
        report: &'r mut Report,
    ) -> Self {
        Recomputation { tables, projection, last: None, rules, report }
    }

    /// Follows the chain to its end and compares tables and statuses at their places. A set that cannot be followed is
    /// a finding, and the end. Returns the chain digests by sequence, from 0.
    pub(super) fn follow(
        mut self,
        chain: &Chain<'_>,
        mut progress: impl FnMut(u64, u64),
    ) -> anyhow::Result<Vec<ChainDigest>> {
        let mut ledger = Ledger::new(chain.authorities)?;
        let mut digests = vec![ChainDigest::NONE];
        self.compare(&ledger);
        let mut broken = None;
        chain.learn_reset(&mut ledger)?;
        let walked = chain.remote.each_set(chain.issuer(), Sequence(0), |sequence, set| {
            let read_set = read::<ChangeSet<'_>>(set)?;
            if let Some(rules) = &mut self.rules {
                rules.look(sequence, &read_set, ledger.words(), self.report);
            }
            if let Err(fault) = ledger.take(set, chain.keyring, moment::now()) {
                broken = Some((sequence, format!("{fault:#}")));
                return Ok(false);
            }
            let changes = read_set.content.changes;
            self.last = self.last.max(Some(changes.last_holder()));
            self.report.changes += changes.len() as u64;
            digests.push(ledger.tip().digest);
            self.projection.apply(sequence, changes);
            self.compare(&ledger);
            progress(sequence.0, self.projection.last.0);
            Ok(true)
        });
        if let Err(fault) = walked {
            // A registry that sees for itself that a set was altered is a finding too.
            if !fault.downcast_ref::<ApiFault>().is_some_and(is_damage) {
                return Err(fault);
            }
            broken = Some((ledger.tip().next(), format!("{fault:#}")));
        }
        let Recomputation { tables, projection, rules, report, .. } = self;
        let end = ledger.tip().sequence;
        match broken {
            Some((sequence, fault)) => report.note("chain", sequence, Some(Difference::Other(fault))),
            None => report.note("chain: both signatures, links and order of every set", end, None),
        }
        if projection.last > end {
            let what = format!("they claim set {}, which cannot be followed to", projection.last);
            report.note("registry's statuses", projection.last, Some(Difference::Other(what)));
        }
        for Table { claim, .. } in tables {
            report.note(claim.who, claim.sequence, Some(beyond(claim.sequence, end)));
        }
        (report.end, report.digest) = (end, ledger.tip().digest.to_string());
        if let Some(rules) = rules {
            rules.end(report);
        }
        Ok(digests)
    }

    /// Compares everybody who is at the ledger's place.
    fn compare(&mut self, ledger: &Ledger) {
        let (sequence, digest) = (ledger.tip().sequence, ledger.tip().digest.to_string());
        for Table { claim, words } in self.tables.extract_if(.., |table| table.claim.sequence == sequence) {
            let difference = if claim.digest == digest {
                first_difference(ledger.words(), &words, self.last)
            } else {
                Some(Difference::Digest { held: claim.digest, should: digest.clone() })
            };
            self.report.note(claim.who, sequence, difference);
        }
        if self.projection.last == sequence {
            let who = format!("registry's statuses, {} holders", self.projection.len());
            let difference = self.projection.first_difference(ledger.words(), self.last);
            self.report.note(who, sequence, difference);
        }
    }
}

/// The first holder whose word is another one. Beyond the last holder of the chain nobody may have one.
fn first_difference(should: &Words, held: &Words, last: Option<HolderIndex>) -> Option<Difference> {
    let within = last.map_or(0, |last| u64::from(last.0) + 1);
    let mut known = 0;
    for holder in (0..within).filter_map(holder_at) {
        let (held, should) = (held.of(holder), should.of(holder));
        if held != should {
            return Some(Difference::Word { holder, held, should });
        }
        known += u64::from(held != StatusWord::UNKNOWN);
    }
    if known >= held.loaded() {
        return None;
    }
    let stray =
        (within..1 << 32).filter_map(holder_at).find(|holder| held.of(*holder) != StatusWord::UNKNOWN)?;
    Some(Difference::Word { holder: stray, held: held.of(stray), should: StatusWord::UNKNOWN })
}

fn holder_at(index: u64) -> Option<HolderIndex> {
    u32::try_from(index).ok().map(HolderIndex)
}

impl Projection {
    /// The first holder whom the registry says something else of.
    fn first_difference(&self, should: &Words, last: Option<HolderIndex>) -> Option<Difference> {
        let difference = |holder: HolderIndex, held: StatusWord| {
            let should = should.of(holder);
            (held != should).then_some(Difference::Word { holder, held, should })
        };
        let mut next = 0_u64;
        for (holder, held) in self.words() {
            // Whoever is between this one and the one before is unknown to the registry.
            let missing =
                (next..u64::from(holder.0)).find_map(|gap| difference(holder_at(gap)?, StatusWord::UNKNOWN));
            if let Some(found) = missing.or_else(|| difference(holder, held)) {
                return Some(found);
            }
            next = u64::from(holder.0) + 1;
        }
        let end = last.map_or(0, |last| u64::from(last.0) + 1);
        (next..end).find_map(|gap| difference(holder_at(gap)?, StatusWord::UNKNOWN))
    }
}
