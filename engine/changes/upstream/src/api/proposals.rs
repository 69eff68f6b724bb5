//! Instructions on their way into a chain.

use bytes::Bytes;
use hufu_contract::ProposalId;
use hufu_contract::{Confirmed, Proposal, ProposalPhase, Proposals};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};

use crate::api::Api;
use crate::fault::ApiFault;

/// Which proposals are meant; all that is named must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WhichProposals {
    /// In this state.
    pub state: Option<ProposalPhase>,
    /// Which name this holder.
    pub holder: Option<HolderIndex>,
    /// Which came in at this time or later.
    pub since: Option<UnixMillis>,
    /// Which came in before this time.
    pub until: Option<UnixMillis>,
}

impl Api {
    /// Hands in a local authority's instruction, its bytes. The same instruction twice is one proposal.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn propose(
        &self,
        issuer: IssuerId,
        instruction: impl Into<Bytes>,
    ) -> Result<Proposal, ApiFault> {
        let call = self.post(&[&"issuers", &issuer, &"proposals"]);
        self.json(call.with_octets(instruction).repeatable()).await
    }

    /// At most `limit` of the proposals that are meant, from the one after `after` on.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn proposals(
        &self,
        issuer: IssuerId,
        which: WhichProposals,
        after: ProposalId,
        limit: u32,
    ) -> Result<Proposals, ApiFault> {
        let WhichProposals { state, holder, since, until } = which;
        let mut call = self.get(&[&"issuers", &issuer, &"proposals"]);
        call = call.query("after", after).query("limit", limit);
        if let Some(state) = state {
            call = call.query("state", name(state));
        }
        for (name, value) in [
            ("since_ms", since.map(|time| time.0)),
            ("until_ms", until.map(|time| time.0)),
            ("holder", holder.map(|holder| holder.0.into())),
        ] {
            if let Some(value) = value {
                call = call.query(name, value);
            }
        }
        self.json(call).await
    }

    /// One proposal.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn proposal(&self, issuer: IssuerId, proposal: ProposalId) -> Result<Proposal, ApiFault> {
        self.json(self.get(&[&"issuers", &issuer, &"proposals", &proposal])).await
    }

    /// A proposal's instruction, its bytes, for whoever is to confirm it.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn instruction(&self, issuer: IssuerId, proposal: ProposalId) -> Result<Bytes, ApiFault> {
        self.octets(self.get(&[&"issuers", &issuer, &"proposals", &proposal, &"instruction"])).await
    }

    /// Hands in the change set, its bytes, that the national platform made of a proposal.
    ///
    /// # Errors
    /// [`ApiFault`]; problem `moved` with the tip when the chain has grown since, `braked` when it would set too
    /// many back at once.
    pub async fn confirm(
        &self,
        issuer: IssuerId,
        proposal: ProposalId,
        set: impl Into<Bytes>,
    ) -> Result<Confirmed, ApiFault> {
        let call = self.post(&[&"issuers", &issuer, &"proposals", &proposal, &"confirmation"]);
        self.json(call.with_octets(set).repeatable()).await
    }

    /// Hands in the national platform's release, its bytes, of a proposal that the brake holds.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn release(
        &self,
        issuer: IssuerId,
        proposal: ProposalId,
        release: impl Into<Bytes>,
    ) -> Result<Proposal, ApiFault> {
        let call = self.post(&[&"issuers", &issuer, &"proposals", &proposal, &"release"]);
        self.json(call.with_octets(release).repeatable()).await
    }

    /// Takes a proposal back.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn withdraw(&self, issuer: IssuerId, proposal: ProposalId) -> Result<Proposal, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"proposals", &proposal, &"withdraw"]).repeatable()).await
    }
}

/// The state as it stands in JSON and in queries.
fn name(state: ProposalPhase) -> &'static str {
    match state {
        ProposalPhase::Pending => "pending",
        ProposalPhase::Braked => "braked",
        ProposalPhase::Confirmed => "confirmed",
        ProposalPhase::Withdrawn => "withdrawn",
        ProposalPhase::Expired => "expired",
        ProposalPhase::Overtaken => "overtaken",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_named_in_queries_as_in_json() {
        use ProposalPhase::*;
        for state in [Pending, Braked, Confirmed, Withdrawn, Expired, Overtaken] {
            assert_eq!(serde_json::to_value(state).unwrap(), name(state));
        }
    }
}
