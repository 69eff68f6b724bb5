//! Devices.

use async_trait::async_trait;
use hufu_registry::store::{DeviceChange, Devices, big};
use hufu_registry::{Device, Entry, Fault};
use hufu_wire::limits::DEVICES_MAX;
use hufu_wire::{DeviceId, SiteId, UnixMillis};

use crate::row::{all, exists, one};
use crate::sites::has_site;
use crate::store::SqliteStore;

#[async_trait]
impl Devices for SqliteStore {
    async fn add_device(
        &self,
        site: SiteId,
        name: &str,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Device, Fault> {
        const TAKEN: &str = "SELECT 1 FROM devices WHERE site = ? AND name = ?";
        // No row is ever removed, so the highest id is the last one that was given.
        const ADD: &str = "
            INSERT INTO devices (id, site, name, generation, added)
            SELECT id, ?2, ?3, 1, ?4 FROM (SELECT COALESCE(MAX(id), 0) + 1 AS id FROM devices) WHERE id < ?1
            RETURNING *";
        let mut write = self.write().await?;
        if !has_site(&mut write, site).await? {
            return Err(Fault::no_site(site));
        }
        if exists(&mut *write, sqlx::query(TAKEN).bind(site.0).bind(name)).await? {
            return Err(Fault::device_exists(site, name));
        }
        let add = sqlx::query(ADD).bind(DEVICES_MAX).bind(site.0).bind(name).bind(big("now", now.0)?);
        let device = one(&mut *write, add).await?.ok_or_else(Fault::no_more_devices)?;
        self.commit(write, entry).await?;
        Ok(device)
    }

    async fn device(&self, device: DeviceId) -> Result<Option<Device>, Fault> {
        one(&self.readers, sqlx::query("SELECT * FROM devices WHERE id = ?").bind(device.0)).await
    }

    async fn devices(
        &self,
        site: Option<SiteId>,
        after: Option<DeviceId>,
        limit: u32,
    ) -> Result<Vec<Device>, Fault> {
        const PAGE: &str =
            "SELECT * FROM devices WHERE id > ?2 AND (?1 IS NULL OR site = ?1) ORDER BY id LIMIT ?3";
        let query = sqlx::query(PAGE).bind(site.map(|site| site.0)).bind(after.map_or(0, |after| after.0));
        all(&self.readers, query.bind(limit)).await
    }

    async fn change_device(
        &self,
        device: DeviceId,
        change: DeviceChange,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Option<Device>, Fault> {
        const REVOKE: &str = "UPDATE devices SET revoked = COALESCE(revoked, ?2) WHERE id = ?1 RETURNING *";
        const RENEW: &str =
            "UPDATE devices SET revoked = NULL, generation = generation + 1 WHERE id = ?1 RETURNING *";
        let mut write = self.write().await?;
        let query = match change {
            DeviceChange::Revoke => sqlx::query(REVOKE).bind(device.0).bind(big("now", now.0)?),
            DeviceChange::Renew => sqlx::query(RENEW).bind(device.0),
        };
        let Some(changed) = one(&mut *write, query).await? else { return Ok(None) };
        self.commit(write, entry).await?;
        Ok(Some(changed))
    }
}
