//! Devices.

use hufu_contract::Scope;
use hufu_wire::{DeviceId, SiteId, UnixMillis};

use super::{Registry, page};
use crate::caller::Caller;
use crate::device::Device;
use crate::fault::Fault;
use crate::issuer::check_name;
use crate::store::DeviceChange;
use crate::trail::{Action, Entry};

impl Registry {
    /// Adds a device to a site.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Invalid`], [`Fault::NotFound`] without such a site, [`Fault::Conflict`] when
    /// it has a device of that name, [`Fault::Full`].
    pub async fn add_device(
        &self,
        caller: &Caller,
        site: SiteId,
        name: &str,
        now: UnixMillis,
    ) -> Result<Device, Fault> {
        caller.may_everywhere(Scope::Devices)?;
        check_name("name", name)?;
        let entry = Entry::new(now, caller, Action::DeviceAdded, None, format!("{name} at site {site}"));
        self.store.add_device(site, name, now, &entry).await
    }

    /// One device.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn device(&self, caller: &Caller, device: DeviceId) -> Result<Device, Fault> {
        caller.may_one_everywhere(&[Scope::Devices, Scope::Audit])?;
        self.store.device(device).await?.ok_or_else(|| no_device(device))
    }

    /// Devices of a site, or all, after `after`.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such a site.
    pub async fn devices(
        &self,
        caller: &Caller,
        site: Option<SiteId>,
        after: Option<DeviceId>,
        limit: u32,
    ) -> Result<Vec<Device>, Fault> {
        caller.may_one_everywhere(&[Scope::Devices, Scope::Audit])?;
        if let Some(site) = site {
            self.ensure_site(site).await?;
        }
        self.store.devices(site, after, page(limit)).await
    }

    /// Revokes the device's generation. Engines are told by the revocation list that the operator's CA makes.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn revoke_device(
        &self,
        caller: &Caller,
        device: DeviceId,
        now: UnixMillis,
    ) -> Result<Device, Fault> {
        self.change_device(caller, device, DeviceChange::Revoke, now).await
    }

    /// Gives the device its next generation.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn renew_device(
        &self,
        caller: &Caller,
        device: DeviceId,
        now: UnixMillis,
    ) -> Result<Device, Fault> {
        self.change_device(caller, device, DeviceChange::Renew, now).await
    }

    async fn change_device(
        &self,
        caller: &Caller,
        device: DeviceId,
        change: DeviceChange,
        now: UnixMillis,
    ) -> Result<Device, Fault> {
        caller.may_everywhere(Scope::Devices)?;
        let action = match change {
            DeviceChange::Revoke => Action::DeviceRevoked,
            DeviceChange::Renew => Action::DeviceRenewed,
        };
        let entry = Entry::new(now, caller, action, None, device.to_string());
        let changed = self.store.change_device(device, change, now, &entry).await?;
        changed.ok_or_else(|| no_device(device))
    }
}

fn no_device(device: DeviceId) -> Fault {
    Fault::NotFound(format!("device {device}"))
}
