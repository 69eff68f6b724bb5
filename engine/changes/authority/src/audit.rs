//! A chain recomputed from its first set, and everybody who claims to have followed it (R44).

mod claims;
mod projection;
mod recompute;
mod ruled;

use std::path::PathBuf;

use anyhow::Context as _;
use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusWord};

use self::recompute::Recomputation;
pub use self::ruled::RulesAudit;
use crate::chain::Chain;
use crate::ledger::Words;

/// What an audit found.
pub struct Report {
    /// Whose chain.
    pub issuer: IssuerId,
    /// How far the chain was recomputed.
    pub end: Sequence,
    /// The digest there, hexadecimal.
    pub digest: String,
    /// Changes in the sets.
    pub changes: u64,
    /// Every comparison.
    pub findings: Vec<Finding>,
}

/// What became of one comparison.
pub struct Finding {
    /// Who is compared: `registry's statuses`, `engine http://...`.
    pub who: String,
    /// At which place of the chain.
    pub sequence: Sequence,
    /// The first difference, if there is any.
    pub difference: Option<Difference>,
}

/// The first difference with somebody.
pub enum Difference {
    /// Another word of one holder.
    Word {
        /// Whose.
        holder: HolderIndex,
        /// The word there.
        held: StatusWord,
        /// The chain's.
        should: StatusWord,
    },
    /// Another history.
    Digest {
        /// The digest there.
        held: String,
        /// The chain's.
        should: String,
    },
    /// Something else, in words.
    Other(String),
}

/// Somebody's claim that the chain has this digest at this place.
struct Claim {
    who: String,
    sequence: Sequence,
    digest: String,
}

/// Somebody's words at one place of the chain, with the digest that they name there.
struct Table {
    claim: Claim,
    words: Words,
}

/// Recomputes a chain and compares with it: the registry's tip, head and statuses, its newest checkpoint with the
/// snapshot, the metrics pages of `engines`, and the warm copies in `follow_folders`; colours that `rules` gave are computed
/// again. `progress` hears how many sets
/// of how many are recomputed.
///
/// # Errors
/// The registry or an engine does not answer, or a warm copy is damaged. What differs is a finding and no error.
pub fn audit(
    chain: &Chain<'_>,
    engines: &[String],
    follow_folders: &[PathBuf],
    rules: Option<RulesAudit<'_>>,
    progress: impl FnMut(u64, u64),
) -> anyhow::Result<Report> {
    let issuer = chain.issuer();
    let mut report =
        Report { issuer, end: Sequence(0), digest: String::new(), changes: 0, findings: Vec::new() };
    // What others claim is asked for first: the chain that is fetched afterwards goes at least as far.
    let mut claims = claims::engines(engines, issuer)?;
    claims.extend(claims::registry(chain)?);
    let mut tables = claims::warm_copies(follow_folders, chain.authorities)?;
    claims::checkpoint(chain, &mut claims, &mut tables, &mut report)?;
    let projection = projection::fetch(chain.remote, issuer)?;

    let digests = Recomputation::new(tables, projection, rules, &mut report)
        .follow(chain, progress)
        .with_context(|| format!("issuer {issuer}"))?;
    for Claim { who, sequence, digest } in claims {
        let known = usize::try_from(sequence.0).ok().and_then(|at| digests.get(at));
        let difference = match known.map(ToString::to_string) {
            Some(should) if should == digest => None,
            Some(should) => Some(Difference::Digest { held: digest, should }),
            None => Some(beyond(sequence, report.end)),
        };
        report.note(who, sequence, difference);
    }
    Ok(report)
}

/// Somebody is further than the chain goes.
fn beyond(sequence: Sequence, end: Sequence) -> Difference {
    Difference::Other(format!("it is at set {sequence}, and the chain ends at {end}"))
}

impl Report {
    /// Notes a comparison.
    pub fn note(&mut self, who: impl Into<String>, sequence: Sequence, difference: Option<Difference>) {
        self.findings.push(Finding { who: who.into(), sequence, difference });
    }

    /// Whether nobody differs.
    pub fn agrees(&self) -> bool {
        self.findings.iter().all(|finding| finding.difference.is_none())
    }
}
