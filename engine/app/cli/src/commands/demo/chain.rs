//! A chain from its authorities' side: the local one proposes, the national platform confirms, and the registry,
//! which has neither key, takes both over its API (R21).

use anyhow::{Context as _, anyhow};
use hufu_codes::chain::{Authorities, AuthoritySigner, Tip, Unconfirmed, open_instruction};
use hufu_codes::keyring::Keyring;
use hufu_registry::ProposalId;
use hufu_wire::chain::{Change, Changes, Content, InputsDigest, Record};
use hufu_wire::{HolderIndex, IssuerId, RuleId, Sequence, UnixMillis, limits};

use hufu_authority::Remote;
use hufu_files::moment;

/// One issuer's chain, and both keys that make it grow; nobody but a demo has them together.
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

/// In the chain.
pub(super) struct Committed {
    /// When the registry committed it, by its clock, microseconds since 1970.
    pub(super) at_us: u64,
}

/// For how long instructions may be confirmed.
const VALID_S: u32 = 3_600;
/// The rule that gave the colours, in name only.
const RULE: RuleId = RuleId(1);

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

    /// Signs an instruction as the local authority and hands it in. It has no effect yet.
    pub(super) fn propose(&self, changes: &[Record], reason: &str) -> anyhow::Result<Proposed> {
        let content = Content {
            // Later than the one before, whatever the clock says.
            proposed: UnixMillis(moment::now().0.max(self.tip.proposed.at().0 + 1)).into(),
            valid_s: VALID_S,
            rule: RULE,
            inputs: InputsDigest([0; 32]),
            local_key: self.local.key(),
            reason,
            changes: Changes::new(changes)?,
        };
        let instruction = self.local.instruct(&content)?;
        let proposal = self.remote.ask(|api| api.propose(self.issuer(), instruction.clone()))?;
        Ok(Proposed { id: ProposalId(proposal.id), instruction })
    }

    /// Gives it its place as the national platform and hands that in.
    pub(super) fn confirm(&mut self, proposed: Proposed) -> anyhow::Result<Committed> {
        let Proposed { id, instruction } = proposed;
        let (authorities, backend) = (&self.authorities, hufu_signature::backend());
        let verified = open_instruction(&instruction, authorities, &self.keyring, backend)?;
        let set = self.national.confirm(&verified, &self.tip, moment::now())?;
        let tip = *Unconfirmed::read(&set, authorities)?.confirm(&self.keyring, backend)?.tip();
        let confirmed = self.remote.ask(|api| api.confirm(self.issuer(), id, set))?;
        if confirmed.sequence != tip.sequence.0 {
            return Err(anyhow!("the registry gave set {} the place {}", tip.sequence, confirmed.sequence));
        }
        self.tip = tip;
        Ok(Committed {
            at_us: confirmed.committed_us.context("the registry does not say when it committed")?,
        })
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
            self.confirm(proposed)?;
            tell(set.len() as u64);
        }
        Ok(())
    }

    /// Where the registry says that the chain ends.
    pub(super) fn told_by_registry(&self) -> anyhow::Result<(Sequence, String)> {
        let tip = self.remote.ask(|api| api.tip(self.issuer()))?;
        Ok((Sequence(tip.sequence), hex::encode(tip.digest.0)))
    }
}
