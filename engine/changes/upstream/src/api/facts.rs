//! Facts of holders, and the papers that rulings name (R28).

use bytes::Bytes;
use hufu_contract::{FactChanges, FactsTaken, Hex, NewFacts, OpenFacts, OpenedFacts, PaperKind, Papers};
use hufu_wire::IssuerId;

use crate::api::Api;
use crate::fault::ApiFault;

impl Api {
    /// Hands in 1 to 2,048 facts, each taken or refused by itself.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn add_facts(&self, issuer: IssuerId, facts: &NewFacts) -> Result<FactsTaken, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"facts"]).with_json(facts).repeatable()).await
    }

    /// At most `limit` of the facts that came in after the number `after`, with whose they are.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn fact_changes(
        &self,
        issuer: IssuerId,
        after: u64,
        limit: u32,
    ) -> Result<FactChanges, ApiFault> {
        let call = self.get(&[&"issuers", &issuer, &"facts"]);
        self.json(call.query("after", after).query("limit", limit)).await
    }

    /// Facts of 1 to 4,096 holders, opened.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn open_facts(&self, issuer: IssuerId, whose: &OpenFacts) -> Result<OpenedFacts, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"facts", &"open"]).with_json(whose).repeatable()).await
    }

    /// Keeps a paper under its name.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn put_paper(
        &self,
        issuer: IssuerId,
        kind: PaperKind,
        name: [u8; 32],
        paper: impl Into<Bytes>,
    ) -> Result<(), ApiFault> {
        let call = self.put(&[&"issuers", &issuer, &"papers", &kind, &Hex(name)]);
        self.done(call.with_octets(paper)).await
    }

    /// A paper.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn paper(&self, issuer: IssuerId, kind: PaperKind, name: [u8; 32]) -> Result<Bytes, ApiFault> {
        self.octets(self.get(&[&"issuers", &issuer, &"papers", &kind, &Hex(name)])).await
    }

    /// Names of at most `limit` papers of a kind, the newest first.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn papers(&self, issuer: IssuerId, kind: PaperKind, limit: u32) -> Result<Papers, ApiFault> {
        self.json(self.get(&[&"issuers", &issuer, &"papers", &kind]).query("limit", limit)).await
    }
}
