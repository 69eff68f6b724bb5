//! Sites and their policies.

use bytes::Bytes;
use hufu_contract::{Site, SiteEdit, Sites};
use hufu_wire::SiteId;

use crate::api::Api;
use crate::fault::ApiFault;

impl Api {
    /// Every site.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn sites(&self) -> Result<Sites, ApiFault> {
        self.json(self.get(&[&"sites"])).await
    }

    /// One site.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn site(&self, site: SiteId) -> Result<Site, ApiFault> {
        self.json(self.get(&[&"sites", &site])).await
    }

    /// Adds a site or changes it.
    ///
    /// # Errors
    /// [`ApiFault`]; the registry's problem has the line of a policy that an engine would refuse.
    pub async fn put_site(&self, site: SiteId, edit: &SiteEdit) -> Result<Site, ApiFault> {
        self.json(self.put(&[&"sites", &site]).with_json(edit)).await
    }

    /// Removes a site.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn delete_site(&self, site: SiteId) -> Result<(), ApiFault> {
        self.done(self.delete(&[&"sites", &site])).await
    }

    /// All sites as an engine's `sites.toml`.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn sites_toml(&self) -> Result<Bytes, ApiFault> {
        self.octets(self.get(&[&"sites.toml"])).await
    }
}
