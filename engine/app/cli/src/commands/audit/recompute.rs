//! The chain, set by set from the first, and at each place whoever is to be compared there.

use hufu_codes::keyring::Keyring;
use hufu_wire::chain::{ChainDigest, ChangeSet};
use hufu_wire::{HolderIndex, Sequence, StatusWord, read};

use super::others::Table;
use super::projection::Projection;
use super::report::{Difference, Report};
use crate::commands::import::progress;
use crate::follow_api::{each_set, is_damage, learn_reset};
use crate::ledger::{Ledger, Words};
use crate::remote::Remote;
use hufu_files::moment;

/// A chain that was recomputed.
pub(super) struct Recomputed {
    /// By sequence, from 0.
    digests: Vec<ChainDigest>,
}

/// Somebody's claim that the chain has this digest at this place.
pub(super) struct Claim {
    pub(super) who: String,
    pub(super) sequence: Sequence,
    pub(super) digest: String,
}

/// How far the changed holders go.
struct Extent(Option<HolderIndex>);

impl Recomputed {
    /// Follows the chain to its end and compares tables and statuses at their places. A set that cannot be followed is
    /// a finding, and the end.
    pub(super) fn follow(
        mut ledger: Ledger,
        remote: &Remote,
        keyring: &Keyring,
        mut tables: Vec<Table>,
        mut projection: Projection,
        report: &mut Report,
    ) -> anyhow::Result<Recomputed> {
        let issuer = ledger.issuer();
        let bar = progress(projection.last.0, "recomputing", "{human_pos} of {human_len} sets");
        let mut digests = vec![ChainDigest::NONE];
        let mut extent = Extent(None);
        compare_at(Sequence(0), &ledger, &extent, &mut tables, &projection, report);
        let mut broken = None;
        learn_reset(remote, &mut ledger, keyring)?;
        let walked = each_set(remote, issuer, Sequence(0), |sequence, set| {
            if let Err(fault) = ledger.take(set, keyring, moment::now()) {
                broken = Some((sequence, format!("{fault:#}")));
                return Ok(false);
            }
            let changes = read::<ChangeSet<'_>>(set)?.content.changes;
            extent.reach(changes.last_holder());
            report.changes += changes.len() as u64;
            digests.push(ledger.tip().digest);
            projection.apply(sequence, changes);
            compare_at(sequence, &ledger, &extent, &mut tables, &projection, report);
            bar.set_position(sequence.0);
            Ok(true)
        });
        bar.finish_and_clear();
        if let Err(fault) = walked {
            // A registry that sees for itself that a set was altered is a finding too.
            if !fault.downcast_ref().is_some_and(is_damage) {
                return Err(fault);
            }
            broken = Some((ledger.tip().next(), format!("{fault:#}")));
        }
        let end = ledger.tip().sequence;
        match broken {
            Some((sequence, fault)) => report.note("chain", sequence, Some(Difference::Told(fault))),
            None => report.note("chain: both signatures, links and order of every set", end, None),
        }
        if projection.last > end {
            let what = format!("they claim set {}, which cannot be followed to", projection.last);
            report.note("registry's statuses", projection.last, Some(Difference::Told(what)));
        }
        for table in tables {
            let what = format!("it is at set {}, and the chain ends at {end}", table.sequence);
            report.note(table.who, table.sequence, Some(Difference::Told(what)));
        }
        report.end = (end, ledger.tip().digest.to_string());
        Ok(Recomputed { digests })
    }

    /// Compares what others say of digests.
    pub(super) fn compare(&self, claims: Vec<Claim>, report: &mut Report) {
        for Claim { who, sequence, digest } in claims {
            let known = usize::try_from(sequence.0).ok().and_then(|at| self.digests.get(at));
            let difference = match known {
                Some(known) if known.to_string() == digest => None,
                Some(known) => Some(Difference::Digest { held: digest, should: known.to_string() }),
                None => {
                    let end = self.digests.len() - 1;
                    Some(Difference::Told(format!("it is at set {sequence}, and the chain ends at {end}")))
                }
            };
            report.note(who, sequence, difference);
        }
    }
}

/// Compares everybody who is at this place.
fn compare_at(
    sequence: Sequence,
    ledger: &Ledger,
    extent: &Extent,
    tables: &mut Vec<Table>,
    projection: &Projection,
    report: &mut Report,
) {
    for table in tables.extract_if(.., |table| table.sequence == sequence) {
        let same_history = table.digest.is_none_or(|digest| digest == ledger.tip().digest);
        let difference = if same_history {
            first_difference(ledger.words(), &table.words, extent)
        } else {
            let held = table.digest.map(|digest| digest.to_string()).unwrap_or_default();
            Some(Difference::Digest { held, should: ledger.tip().digest.to_string() })
        };
        report.note(table.who, sequence, difference);
    }
    if projection.last == sequence {
        let who = format!("registry's statuses, {} holders", projection.len());
        report.note(who, sequence, projection.first_difference(ledger.words(), extent.last()));
    }
}

/// The first holder whose word is another one. Beyond the last holder of the chain nobody may have one.
fn first_difference(should: &Words, held: &Words, extent: &Extent) -> Option<Difference> {
    let within = extent.last().map_or(0, |last| u64::from(last.0) + 1);
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

impl Extent {
    fn reach(&mut self, holder: HolderIndex) {
        self.0 = self.0.max(Some(holder));
    }

    fn last(&self) -> Option<HolderIndex> {
        self.0
    }
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
