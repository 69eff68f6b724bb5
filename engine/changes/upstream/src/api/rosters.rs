//! Rosters: the holders that a site may ask about at once (R12).

use bytes::Bytes;
use hufu_contract::{Roster, RosterEdit, RosterSummary, Rosters, SignRoster};
use hufu_wire::SiteId;

use crate::api::Api;
use crate::fault::ApiFault;

impl Api {
    /// The rosters of a site.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn rosters(&self, site: SiteId) -> Result<Rosters, ApiFault> {
        self.json(self.get(&[&"sites", &site, &"rosters"])).await
    }

    /// One roster.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn roster(&self, site: SiteId, name: &str) -> Result<Roster, ApiFault> {
        self.json(self.get(&[&"sites", &site, &"rosters", &name])).await
    }

    /// Adds a roster or replaces it.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn put_roster(
        &self,
        site: SiteId,
        name: &str,
        edit: &RosterEdit,
    ) -> Result<RosterSummary, ApiFault> {
        self.json(self.put(&[&"sites", &site, &"rosters", &name]).with_json(edit)).await
    }

    /// Removes a roster.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn delete_roster(&self, site: SiteId, name: &str) -> Result<(), ApiFault> {
        self.done(self.delete(&[&"sites", &site, &"rosters", &name])).await
    }

    /// A roster as a batch terminal takes it, signed now.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn sign_roster(&self, site: SiteId, name: &str, sign: SignRoster) -> Result<Bytes, ApiFault> {
        let call = self.post(&[&"sites", &site, &"rosters", &name, &"sign"]);
        self.octets(call.with_json(&sign).repeatable()).await
    }
}
