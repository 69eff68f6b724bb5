//! The national platform's half without a person: what was proposed by the rules is computed again from the facts, and
//! confirmed only where each word is the same.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail, ensure};
use hufu_codes::keyring::Keyring;
use hufu_contract::{Hex, PaperKind, ProposalId, ProposalPhase};
use hufu_files::{Unavailable, moment};
use hufu_upstream::{ApiFault, WhichProposals};
use hufu_wire::chain::{Change, Content};
use hufu_wire::{HolderIndex, Sequence};

use super::propose::opened;
use super::{Archive, Computed, Limit, Limiter, NotInForce, Rulebook, Workings};
use crate::chain::{Chain, is_damage};
use crate::confirm::{Confirmer, Ours, Outcome};

/// Computes again and confirms.
pub struct RuledConfirmer<'a> {
    confirmer: Confirmer<'a>,
    /// Whose keys count, where that is not what the chain was opened with any more.
    believed: Option<Keyring>,
    book: &'a Rulebook,
    archive: Archive,
    limiter: Limiter,
    /// What was left to a person.
    left: BTreeSet<ProposalId>,
}

/// What became of a proposal by these rules.
#[derive(Debug)]
pub enum Handled {
    /// It is in the chain.
    Confirmed {
        /// Which.
        proposal: ProposalId,
        /// Its place.
        sequence: Sequence,
        /// How many changes it has.
        changes: usize,
    },
    /// A person decides about it.
    Left {
        /// Which.
        proposal: ProposalId,
        /// Why.
        why: String,
    },
}

/// How far from its signature the colours may have been computed, seconds.
const COMPUTED_S_MAX: u64 = 600;
/// Facts asked for at once.
const PAGE: u32 = 1000;

impl<'a> RuledConfirmer<'a> {
    /// Confirms what was proposed by these rules and nothing else.
    pub fn new(
        confirmer: Confirmer<'a>,
        book: &'a Rulebook,
        (archive, limiter): (Archive, Limiter),
    ) -> RuledConfirmer<'a> {
        RuledConfirmer { confirmer, believed: None, book, archive, limiter, left: BTreeSet::new() }
    }

    /// Whose keys count.
    pub fn keyring(&self) -> &Keyring {
        self.believed.as_ref().unwrap_or(self.confirmer.chain.keyring)
    }

    /// These keys count from now on. What was left to a person is looked at again: its key may have been unknown.
    pub fn believe(&mut self, keyring: Keyring) {
        self.believed = Some(keyring);
        self.left.clear();
    }

    /// Looks at what is pending, in the order in which it was proposed.
    ///
    /// # Errors
    /// [`Limit`], [`NotInForce`], or what is not the fault of the proposal: a clock, an agent, a disk, the registry. What was
    /// handled before is told to `handled`, and the next call looks at the same proposal again.
    pub fn tick(&mut self, handled: &mut dyn FnMut(Handled)) -> anyhow::Result<()> {
        let issuer = self.confirmer.chain.issuer();
        let pending = WhichProposals { state: Some(ProposalPhase::Pending), ..WhichProposals::default() };
        let mut pending = self.confirmer.chain.remote.proposals(issuer, pending)?;
        pending.sort_by_key(|proposal| (proposal.era, proposal.proposed_ms));
        let rule = self.book.rules().digest().rule_id();
        for proposal in pending {
            let id = ProposalId(proposal.id);
            if proposal.rule != rule.0 || self.left.contains(&id) {
                continue;
            }
            match self.handle(id) {
                Ok((sequence, changes)) => handled(Handled::Confirmed { proposal: id, sequence, changes }),
                Err(fault) if is_not_the_proposals(&fault) => return Err(fault),
                Err(fault) => {
                    self.left.insert(id);
                    handled(Handled::Left { proposal: id, why: format!("{fault:#}") });
                }
            }
        }
        Ok(())
    }

    fn handle(&mut self, id: ProposalId) -> anyhow::Result<(Sequence, usize)> {
        let bytes = self.confirmer.fetch(id)?;
        let chain = Chain { keyring: self.keyring(), ..self.confirmer.chain };
        let instruction = Confirmer { chain, ..self.confirmer }.open(&bytes)?;
        let content = &instruction.content;
        // Reds are counted by this machine's clock.
        self.confirmer.chain.tip().context(Ours)?;
        let computed = self.found_again(content)?;
        let reds: Vec<HolderIndex> =
            computed.iter().filter(|one| one.reddens()).map(|one| one.holder).collect();
        self.limiter.take(&reds, moment::now()).context(Ours)?;
        self.archive.keep(content.inputs, &computed).context(Ours)?;
        match self.confirmer.confirm(id, &instruction)? {
            Outcome::Confirmed(confirmed, _) => Ok((Sequence(confirmed.sequence), computed.len())),
            Outcome::Braked(_) => {
                bail!("the registry's brake holds it: `hufu change release` lets it through")
            }
        }
    }

    /// What follows from the facts for each holder of an instruction, when it is just what the instruction says.
    ///
    /// # Errors
    /// It is not.
    fn found_again(&self, content: &Content<'_>) -> anyhow::Result<Vec<Computed>> {
        let remote = self.confirmer.chain.remote;
        let issuer = self.confirmer.chain.issuer();
        let paper = remote.ask(|api| api.paper(issuer, PaperKind::Workings, content.inputs.0));
        let workings = Workings::read(&paper.context("how it was computed is not kept in the registry")?)?;
        self.book.check(&workings)?;
        let proposed_s = i64::try_from(content.proposed.at().0 / 1000).unwrap_or(i64::MAX);
        ensure!(
            workings.at.0.abs_diff(proposed_s) <= COMPUTED_S_MAX,
            "it was computed as of {}, and signed at another time",
            workings.at
        );
        let holders: Vec<HolderIndex> = content.changes.iter().map(|(holder, _)| holder).collect();
        let computed = self.compute(&workings, &holders, Some(workings.until))?;
        let inputs = self.book.inputs(&computed);
        ensure!(
            inputs == content.inputs,
            "the facts are not those that it was computed from: their digest is {}, and it says {}",
            Hex(inputs.0),
            Hex(content.inputs.0)
        );
        for (one, (holder, change)) in computed.iter().zip(content.changes.iter()) {
            let Change::Status(word) = change else {
                bail!("holder {holder}: a rule changes statuses, and this is another change")
            };
            ensure!(
                word == one.after.with_generation(0),
                "holder {holder}: the facts give {:?}, and the instruction says {word:?}",
                one.after.with_generation(0)
            );
        }
        // Facts that came in since must not say otherwise.
        let news = self.news(workings.until, &holders)?;
        for one in self.compute(&workings, &news, None)? {
            let same = computed.iter().find(|then| then.holder == one.holder).map(|then| then.after);
            ensure!(same == Some(one.after), "holder {}: newer facts say otherwise", one.holder);
        }
        Ok(computed)
    }

    fn compute(
        &self,
        workings: &Workings,
        holders: &[HolderIndex],
        until: Option<u64>,
    ) -> anyhow::Result<Vec<Computed>> {
        if holders.is_empty() {
            return Ok(Vec::new());
        }
        let opened = opened(self.confirmer.chain.remote, self.confirmer.chain.issuer(), holders, until)?;
        opened.iter().map(|recorded| self.book.compute(workings, recorded)).collect()
    }

    /// Which of these holders have facts after the number `until`.
    fn news(&self, until: u64, holders: &[HolderIndex]) -> anyhow::Result<Vec<HolderIndex>> {
        let (remote, issuer) = (self.confirmer.chain.remote, self.confirmer.chain.issuer());
        let (mut after, mut news) = (until, BTreeSet::new());
        loop {
            let page = remote.ask(|api| api.fact_changes(issuer, after, PAGE))?;
            if page.changes.is_empty() {
                return Ok(news.into_iter().collect());
            }
            let named = page.changes.iter().map(|change| HolderIndex(change.holder));
            news.extend(named.filter(|holder| holders.binary_search(holder).is_ok()));
            after = page.end;
        }
    }
}

/// Whether a fault says nothing about the proposal: the next look may confirm it, or confirms none.
fn is_not_the_proposals(fault: &anyhow::Error) -> bool {
    fault.is::<Limit>()
        || fault.is::<NotInForce>()
        || fault.is::<Ours>()
        || fault.is::<Unavailable>()
        || fault.downcast_ref::<ApiFault>().is_some_and(is_the_registrys)
}

/// Whether a registry errs, or refuses this machine. What is damaged stays so, and others do not wait for it.
fn is_the_registrys(fault: &ApiFault) -> bool {
    !is_damage(fault) && fault.problem().is_none_or(|problem| matches!(problem.status, 401 | 403 | 500..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_what_says_nothing_about_a_proposal_leaves_none_to_a_person() {
        let refused = |status: u16, name: &str| {
            let problem = serde_json::json!({
                "type": format!("urn:hufu:problem:{name}"), "title": "x", "status": status, "detail": "y",
            });
            let problem = Box::new(serde_json::from_value(problem).unwrap());
            anyhow::Error::new(ApiFault::Refused { registry: "r".into(), problem }).context("asked")
        };
        for passing in [
            anyhow::anyhow!("this clock is ahead").context(Ours),
            anyhow::Error::new(std::io::Error::other("the disk is full")).context(Ours),
            hufu_files::unavailable("nothing listens there"),
            refused(403, "forbidden"),
            refused(500, "internal"),
            refused(507, "full"),
        ] {
            assert!(is_not_the_proposals(&passing), "{passing:#}");
        }
        for lasting in [
            anyhow::anyhow!("the facts give another word"),
            refused(404, "not-found"),
            refused(409, "conflict"),
            refused(500, "damaged"),
        ] {
            assert!(!is_not_the_proposals(&lasting), "{lasting:#}");
        }
    }

    #[test]
    fn r28_a_limit_is_one_also_where_nothing_was_confirmed() {
        let limit = Limit { reds: 4, within: "a minute", max: 3, file: "stopped".into() };
        let told: anyhow::Result<()> = Err(limit.into());
        assert!(told.context(Ours).unwrap_err().is::<Limit>());
    }
}
