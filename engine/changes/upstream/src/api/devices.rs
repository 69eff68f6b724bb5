//! Verifier devices.

use hufu_contract::{Device, Devices, NewDevice};
use hufu_wire::{DeviceId, SiteId};

use crate::api::Api;
use crate::fault::ApiFault;

impl Api {
    /// Registers a device at a site.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn register_device(&self, site: SiteId, device: &NewDevice) -> Result<Device, ApiFault> {
        self.json(self.post(&[&"sites", &site, &"devices"]).with_json(device)).await
    }

    /// The devices of a site, or of all.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn devices(&self, site: Option<SiteId>) -> Result<Devices, ApiFault> {
        let call = self.get(&[&"devices"]);
        self.json(match site {
            Some(site) => call.query("site", site),
            None => call,
        })
        .await
    }

    /// At most `limit` of all devices, from the one after `after` on.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn devices_after(&self, after: DeviceId, limit: u32) -> Result<Devices, ApiFault> {
        self.json(self.get(&[&"devices"]).query("after", after).query("limit", limit)).await
    }

    /// One device.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn device(&self, device: DeviceId) -> Result<Device, ApiFault> {
        self.json(self.get(&[&"devices", &device])).await
    }

    /// Revokes a device's generation: it is dead for good.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn revoke_device(&self, device: DeviceId) -> Result<Device, ApiFault> {
        self.json(self.post(&[&"devices", &device, &"revoke"]).repeatable()).await
    }

    /// Gives a device its next generation, to be enrolled anew.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn renew_device(&self, device: DeviceId) -> Result<Device, ApiFault> {
        self.json(self.post(&[&"devices", &device, &"renew"])).await
    }
}
