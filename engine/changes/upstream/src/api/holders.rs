//! Holders and their credentials.

use hufu_contract::{
    CertifyAbroad, CorrectHolder, Credentials, CurrentStatuses, FindHolder, FoundHolders, History, Holder,
    IssueCredential, Issued, JoinHolder, LookAtHolders, LookUpHolders, NewHolders, NotedAbroad, PartHolder,
    Registered, Rules, Terms,
};
use hufu_wire::{HolderIndex, IssuerId};

use crate::api::Api;
use crate::fault::ApiFault;

impl Api {
    /// Registers 1 to 4,096 holders, all or none. Whoever is known already keeps the index, so that a registration
    /// that broke off can be sent again.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn register_holders(
        &self,
        issuer: IssuerId,
        holders: &NewHolders,
    ) -> Result<Registered, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"holders"]).with_json(holders).repeatable()).await
    }

    /// A holder, masked (R10).
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn holder(&self, issuer: IssuerId, holder: HolderIndex) -> Result<Holder, ApiFault> {
        self.json(self.get(&[&"issuers", &issuer, &"holders", &holder])).await
    }

    /// The holder with this id number, masked. The number travels in the body, for URLs are logged.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn find_holder(&self, issuer: IssuerId, whom: &FindHolder) -> Result<Holder, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"holders", &"find"]).with_json(whom).repeatable()).await
    }

    /// The holders with these id numbers, masked, in the order of the list.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn look_up_holders(
        &self,
        issuer: IssuerId,
        people: &LookUpHolders,
    ) -> Result<FoundHolders, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"holders", &"look-up"]).with_json(people).repeatable())
            .await
    }

    /// Holders as they are, 1 to 32,768 of them, for an authority that changes them.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn current_statuses(
        &self,
        issuer: IssuerId,
        holders: &LookAtHolders,
    ) -> Result<CurrentStatuses, ApiFault> {
        let call = self.post(&[&"issuers", &issuer, &"holders", &"statuses"]);
        self.json(call.with_json(holders).repeatable()).await
    }

    /// At most `limit` of the changes of a holder's status, from the one after the set `after` on.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn history(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        after: u64,
        limit: u32,
    ) -> Result<History, ApiFault> {
        let call = self.get(&[&"issuers", &issuer, &"holders", &holder, &"history"]);
        self.json(call.query("after", after).query("limit", limit)).await
    }

    /// The rules that instructions may name; none when any is taken.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn rules(&self, issuer: IssuerId) -> Result<Rules, ApiFault> {
        self.json(self.get(&[&"issuers", &issuer, &"rules"])).await
    }

    /// Corrects a holder's fields.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn correct_holder(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        edit: &CorrectHolder,
    ) -> Result<Holder, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"holders", &holder, &"correct"]).with_json(edit)).await
    }

    /// Joins a holder's record into another of the same person.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn join_holder(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        edit: &JoinHolder,
    ) -> Result<Holder, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"holders", &holder, &"join"]).with_json(edit)).await
    }

    /// Parts one record of two people; answers with the record that there is besides.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn part_holder(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        edit: &PartHolder,
    ) -> Result<Holder, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"holders", &holder, &"part"]).with_json(edit)).await
    }

    /// What a phone must make its step tree for. Nothing is issued yet.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn credential_terms(&self, issuer: IssuerId, holder: HolderIndex) -> Result<Terms, ApiFault> {
        self.json(self.get(&[&"issuers", &issuer, &"holders", &holder, &"terms"])).await
    }

    /// Issues a credential. It is shown this once, so the call is not repeated when its answer is lost: another one
    /// is issued then.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn issue_credential(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        credential: &IssueCredential,
    ) -> Result<Issued, ApiFault> {
        let call = self.post(&[&"issuers", &issuer, &"holders", &holder, &"credentials"]);
        self.json(call.with_json(credential)).await
    }

    /// At most `limit` of the credentials that were issued to a holder, from the one after number `after` on.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn credentials(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        after: u64,
        limit: u32,
    ) -> Result<Credentials, ApiFault> {
        let call = self.get(&[&"issuers", &issuer, &"holders", &holder, &"credentials"]);
        self.json(call.query("after", after).query("limit", limit)).await
    }

    /// Has a certificate for abroad compared with what is known, and noted; then it may be signed.
    ///
    /// # Errors
    /// [`ApiFault`], as a conflict when the holder is another person, or the dose or test is not known.
    pub async fn certify_abroad(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        wanted: &CertifyAbroad,
    ) -> Result<NotedAbroad, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"holders", &holder, &"abroad"]).with_json(wanted)).await
    }
}
