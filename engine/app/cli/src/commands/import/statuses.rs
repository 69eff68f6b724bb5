//! The statuses that holders are to have, and the change sets that bring them there.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use hufu_authority::{Confirmer, Outcome, Proposer, Remote};
use hufu_contract::{Proposal, ProposalId, ProposalPhase};
use hufu_upstream::WhichProposals;
use hufu_wire::chain::{Change, InputsDigest, Instruction, Record};
use hufu_wire::{HolderIndex, IssuerId, StatusWord, limits, read};

use super::Summary;
use crate::commands::change::describe_braked;
use crate::kept::Kept;
use crate::progress::{COUNT, progress};
use crate::term::note;

/// Words of holders, by rising holder once sorted, and what they leave as it is. The generation in them does not count.
#[derive(Debug, Default)]
pub(super) struct Statuses(Vec<(HolderIndex, StatusWord, Kept)>);

/// What is left to do.
pub(super) struct Plan {
    issuer: IssuerId,
    /// Proposals of an earlier run with the same file, oldest first.
    pub(super) waiting: Vec<Proposal>,
    /// Statuses that are not proposed yet.
    statuses: Statuses,
}

/// Words of a registry asked for at once.
const PAGE: u32 = 65_536;

impl Statuses {
    pub(super) fn push(&mut self, holder: HolderIndex, word: StatusWord, kept: Kept) {
        self.0.push((holder, word, kept));
    }

    /// By rising holder.
    ///
    /// # Errors
    /// Two lines of the file are one holder, whose records were joined, and give different statuses.
    pub(super) fn sort(&mut self) -> anyhow::Result<()> {
        self.0.sort_unstable_by_key(|(holder, word, _)| (*holder, word.to_bits()));
        self.0.dedup();
        let twice = self.0.windows(2).find(|pair| pair[0].0 == pair[1].0);
        ensure!(
            twice.is_none(),
            "two lines of the file are of one person, holder {}, and give different statuses: keep one of them",
            twice.map_or(HolderIndex(0), |pair| pair[0].0)
        );
        Ok(())
    }

    /// Fills in what stays as the holders have it, and leaves out those whose word says so already; returns how many.
    pub(super) fn leave_out_unchanged(&mut self, remote: &Remote, issuer: IssuerId) -> anyhow::Result<u64> {
        let before = self.0.len();
        let mut kept = Vec::new();
        let mut wanted = std::mem::take(&mut self.0).into_iter().peekable();
        let mut from = wanted.peek().map_or(HolderIndex(0), |(holder, ..)| *holder);
        while wanted.peek().is_some() {
            let page = remote.ask(|api| api.statuses(issuer, from, PAGE))?.words;
            let Some((last, _)) = page.last().copied() else { break };
            for (holder, word) in page {
                // Whoever comes before this one has no word yet.
                while let Some(one) = wanted.next_if(|(wanted, ..)| *wanted < holder) {
                    kept.push(one);
                }
                let found = wanted.next_if(|(wanted, ..)| *wanted == holder);
                let found = found.map(|(holder, wanted, stays)| (holder, stays.of(word, wanted), stays));
                kept.extend(found.filter(|(_, wanted, _)| Change::Status(*wanted).apply(word) != word));
            }
            if last == HolderIndex(u32::MAX) {
                break;
            }
            from = HolderIndex(last.0 + 1);
        }
        kept.extend(wanted);
        self.0 = kept;
        Ok((before - self.0.len()) as u64)
    }

    fn leave_out(&mut self, holders: &BTreeSet<u32>) {
        self.0.retain(|(holder, ..)| !holders.contains(&holder.0));
    }
}

impl Plan {
    /// What is left of `statuses` after the pending proposals of an earlier run with the same file.
    pub(super) fn of(
        mut statuses: Statuses,
        remote: &Remote,
        issuer: IssuerId,
        inputs: InputsDigest,
    ) -> anyhow::Result<Plan> {
        let mut waiting = Vec::new();
        for state in [ProposalPhase::Pending, ProposalPhase::Braked] {
            let which = WhichProposals { state: Some(state), ..WhichProposals::default() };
            let proposals = remote.proposals(issuer, which)?;
            waiting.extend(proposals.into_iter().filter(|proposal| proposal.inputs.0 == inputs.0));
        }
        waiting.sort_by_key(|proposal| (proposal.era, proposal.proposed_ms));
        let mut holders = BTreeSet::new();
        for proposal in &waiting {
            let bytes = remote.ask(|api| api.instruction(issuer, ProposalId(proposal.id)))?;
            let instruction: Instruction<'_> =
                read(&bytes).context("the registry's answer is not an instruction")?;
            holders.extend(instruction.content.changes.iter().map(|(holder, _)| holder.0));
        }
        statuses.leave_out(&holders);
        Ok(Plan { issuer, waiting, statuses })
    }

    /// Proposes, and confirms when there is a confirmer.
    pub(super) fn carry_out(
        &self,
        proposer: &mut Proposer<'_>,
        confirmer: Option<&Confirmer<'_>>,
        remote: &Remote,
        summary: &mut Summary,
    ) -> anyhow::Result<()> {
        let left = self.statuses.0.chunks(limits::CHANGES_MAX);
        let steps = (left.len() + if confirmer.is_some() { self.waiting.len() } else { 0 }) as u64;
        let bar = progress(steps, "signing", COUNT);
        if let Some(confirmer) = confirmer {
            for proposal in &self.waiting {
                let id = ProposalId(proposal.id);
                if !self.confirm(confirmer, id, &confirmer.fetch(id)?, summary)? {
                    return Ok(());
                }
                bar.inc(1);
            }
        }
        for chunk in left {
            let records: Vec<_> =
                chunk.iter().map(|(holder, word, _)| Record::new(*holder, Change::Status(*word))).collect();
            let instruction = proposer.instruct(&records)?;
            let proposal = proposer.hand_in(remote, instruction.clone())?;
            summary.proposed.push(proposal.id);
            if let Some(confirmer) = confirmer
                && !self.confirm(confirmer, ProposalId(proposal.id), &instruction, summary)?
            {
                return Ok(());
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Whether the next one may be confirmed too: behind one that the brake holds, none is.
    fn confirm(
        &self,
        confirmer: &Confirmer<'_>,
        proposal: ProposalId,
        instruction: &[u8],
        summary: &mut Summary,
    ) -> anyhow::Result<bool> {
        match confirmer.confirm(proposal, &confirmer.open(instruction)?)? {
            Outcome::Confirmed(confirmed, _) => {
                summary.confirmed.push(confirmed.sequence);
                Ok(true)
            }
            Outcome::Braked(brake) => {
                note!("{}", describe_braked(self.issuer, proposal, &brake));
                note!("then run the import again: it continues where it stopped");
                summary.braked = Some(proposal.0);
                Ok(false)
            }
        }
    }
}
