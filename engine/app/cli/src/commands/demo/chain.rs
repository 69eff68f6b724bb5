//! A chain with the keys of both its authorities, which a demo alone has together.

use anyhow::{Context as _, bail};
use hufu_authority::{Clocks, Confirmer, Justification, Outcome, Proposer, Remote};
use hufu_codes::chain::{Authorities, AuthoritySigner, Tip};
use hufu_codes::keyring::Keyring;
use hufu_contract::ProposalId;
use hufu_files::moment::Span;
use hufu_wire::chain::{Change, InputsDigest, Record};
use hufu_wire::{HolderIndex, IssuerId, RuleId, limits};

/// One issuer's chain, and both keys that make it grow.
pub(super) struct Chain {
    remote: Remote,
    local: AuthoritySigner,
    national: AuthoritySigner,
    authorities: Authorities,
    keyring: Keyring,
    tip: Tip,
}

/// An instruction that waits at the registry.
pub(super) struct Proposed {
    id: ProposalId,
    instruction: Vec<u8>,
}

impl Chain {
    /// The chain of `authorities` from its beginning.
    pub(super) fn new(
        remote: Remote,
        [local, national]: [AuthoritySigner; 2],
        authorities: Authorities,
        keyring: Keyring,
    ) -> Chain {
        Chain { remote, local, national, authorities, keyring, tip: Tip::START }
    }

    /// Whose chain.
    pub(super) fn issuer(&self) -> IssuerId {
        self.authorities.issuer()
    }

    /// Its last set, as both authorities know it.
    pub(super) fn tip(&self) -> &Tip {
        &self.tip
    }

    /// Proposes as the local authority. It has no effect yet.
    pub(super) fn propose(&self, changes: &[Record], reason: &str) -> anyhow::Result<Proposed> {
        let (inputs, valid) = (InputsDigest([0; 32]), Span { s: 3_600 });
        let justification = Justification { rule: RuleId(1), reason, inputs, valid };
        let mut proposer = Proposer::new(&self.local, justification, self.tip.proposed);
        let instruction = proposer.instruct(changes)?;
        let proposal = proposer.hand_in(&self.remote, instruction.clone())?;
        Ok(Proposed { id: ProposalId(proposal.id), instruction })
    }

    /// Confirms as the national platform. Returns when the registry committed the set, by its clock, microseconds since
    /// 1970.
    pub(super) fn confirm(&mut self, Proposed { id, instruction }: &Proposed) -> anyhow::Result<u64> {
        let Chain { remote, authorities, keyring, national, .. } = self;
        let chain =
            hufu_authority::Chain { remote, authorities: *authorities, keyring, clocks: Clocks::default() };
        let confirmer = Confirmer { chain, signer: national, resets: false };
        match confirmer.confirm(*id, &confirmer.open(instruction)?)? {
            Outcome::Confirmed(confirmed, tip) => {
                self.tip = tip;
                confirmed.committed_us.context("the registry does not say when it committed")
            }
            Outcome::Braked(_) => bail!("the brake holds proposal {id}"),
        }
    }

    /// Brings everybody's statuses in, as full sets; `tell` hears how many holders are done.
    pub(super) fn populate(
        &mut self,
        holders: impl Iterator<Item = (HolderIndex, Change)>,
        mut tell: impl FnMut(u64),
    ) -> anyhow::Result<()> {
        let mut records = holders.map(|(holder, change)| Record::new(holder, change)).peekable();
        while records.peek().is_some() {
            let set: Vec<Record> = records.by_ref().take(limits::CHANGES_MAX).collect();
            let proposed = self.propose(&set, "everybody as of today")?;
            self.confirm(&proposed)?;
            tell(set.len() as u64);
        }
        Ok(())
    }

    /// Where the registry says that the chain ends.
    pub(super) fn registry_tip(&self) -> anyhow::Result<Tip> {
        self.remote.tip(self.issuer())
    }
}
