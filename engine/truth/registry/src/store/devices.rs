//! Devices in the store.

use async_trait::async_trait;
use hufu_wire::{DeviceGeneration, DeviceId, SiteId, UnixMillis};

use super::row::{Columns, FromColumns};
use crate::device::Device;
use crate::fault::Fault;
use crate::trail::Entry;

/// What happens to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChange {
    /// Its generation is revoked; one that is revoked already stays so since then.
    Revoke,
    /// It gets the next generation, which is not revoked.
    Renew,
}

/// Verifier devices.
#[async_trait]
pub trait Devices {
    /// Adds a device with the next id, from 1 and without gaps, and generation 1.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such a site, [`Fault::Conflict`] when it has a device of that name,
    /// [`Fault::Full`] when the id would reach [`DEVICES_MAX`](hufu_wire::limits::DEVICES_MAX).
    async fn add_device(
        &self,
        site: SiteId,
        name: &str,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Device, Fault>;

    /// One device.
    async fn device(&self, device: DeviceId) -> Result<Option<Device>, Fault>;

    /// Devices of a site, or all, after `after`, by rising id, at most `limit`.
    async fn devices(
        &self,
        site: Option<SiteId>,
        after: Option<DeviceId>,
        limit: u32,
    ) -> Result<Vec<Device>, Fault>;

    /// Changes a device; answers as it is now, or that there is none.
    async fn change_device(
        &self,
        device: DeviceId,
        change: DeviceChange,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Option<Device>, Fault>;
}

impl FromColumns for Device {
    fn read(row: &impl Columns) -> Result<Device, Fault> {
        Ok(Device {
            id: DeviceId(row.number("id")?),
            site: SiteId(row.number("site")?),
            name: row.text("name")?,
            generation: DeviceGeneration(row.number("generation")?),
            revoked: row.number_or_none("revoked")?.map(UnixMillis),
            added: row.time("added")?,
        })
    }
}
