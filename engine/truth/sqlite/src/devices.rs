//! Devices.

use async_trait::async_trait;
use hufu_registry::store::{DeviceChange, Devices};
use hufu_registry::{Device, Entry, Fault};
use hufu_wire::limits::DEVICES_MAX;
use hufu_wire::{DeviceGeneration, DeviceId, SiteId, UnixMillis};

use crate::SqliteStore;
use crate::fault::fault;
use crate::sites::{has_site, no_site};
use crate::values::{ms, number, time};

/// The columns of a [`Device`].
type Row = (i64, i64, String, i64, Option<i64>, i64);

#[async_trait]
impl Devices for SqliteStore {
    async fn add_device(
        &self,
        site: SiteId,
        name: &str,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Device, Fault> {
        let mut write = self.write().await?;
        if !has_site(&mut write, site).await? {
            return Err(no_site(site));
        }
        let is_taken: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM devices WHERE site = ? AND name = ?)")
                .bind(site.0)
                .bind(name)
                .fetch_one(&mut *write)
                .await
                .map_err(fault)?;
        if is_taken {
            return Err(Fault::Conflict(format!(
                "site {site} has a device {name:?} already: renew that one"
            )));
        }
        let last: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(device), 0) FROM devices")
            .fetch_one(&mut *write)
            .await
            .map_err(fault)?;
        let id = DeviceId(number::<u32>("device", last)?.saturating_add(1));
        if id.0 >= DEVICES_MAX {
            return Err(Fault::Full(format!("engines keep state for {DEVICES_MAX} devices: renew old ones")));
        }
        sqlx::query("INSERT INTO devices (device, site, name, generation, added_ms) VALUES (?, ?, ?, 1, ?)")
            .bind(id.0)
            .bind(site.0)
            .bind(name)
            .bind(ms(now))
            .execute(&mut *write)
            .await
            .map_err(fault)?;
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)?;
        let generation = DeviceGeneration(1);
        Ok(Device { id, site, name: name.to_owned(), generation, revoked: None, added: now })
    }

    async fn device(&self, device: DeviceId) -> Result<Option<Device>, Fault> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT device, site, name, generation, revoked_ms, added_ms FROM devices WHERE device = ?",
        )
        .bind(device.0)
        .fetch_optional(&self.readers)
        .await
        .map_err(fault)?;
        row.map(read).transpose()
    }

    async fn devices(
        &self,
        site: Option<SiteId>,
        after: Option<DeviceId>,
        limit: u32,
    ) -> Result<Vec<Device>, Fault> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT device, site, name, generation, revoked_ms, added_ms FROM devices \
             WHERE device > ?2 AND (?1 IS NULL OR site = ?1) ORDER BY device LIMIT ?3",
        )
        .bind(site.map(|site| i64::from(site.0)))
        .bind(after.map_or(-1, |device| i64::from(device.0)))
        .bind(limit)
        .fetch_all(&self.readers)
        .await
        .map_err(fault)?;
        rows.into_iter().map(read).collect()
    }

    async fn change_device(
        &self,
        device: DeviceId,
        change: DeviceChange,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Option<Device>, Fault> {
        let mut write = self.write().await?;
        let change = match change {
            DeviceChange::Revoke => {
                "UPDATE devices SET revoked_ms = COALESCE(revoked_ms, ?2) WHERE device = ?1 \
                 RETURNING device, site, name, generation, revoked_ms, added_ms"
            }
            DeviceChange::Renew => {
                "UPDATE devices SET revoked_ms = NULL, generation = generation + 1 WHERE device = ?1 AND ?2 >= 0 \
                 RETURNING device, site, name, generation, revoked_ms, added_ms"
            }
        };
        let row: Option<Row> = sqlx::query_as(change)
            .bind(device.0)
            .bind(ms(now))
            .fetch_optional(&mut *write)
            .await
            .map_err(fault)?;
        let Some(row) = row else { return Ok(None) };
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)?;
        read(row).map(Some)
    }
}

fn read((id, site, name, generation, revoked, added): Row) -> Result<Device, Fault> {
    Ok(Device {
        id: DeviceId(number("device", id)?),
        site: SiteId(number("site", site)?),
        name,
        generation: DeviceGeneration(number("generation", generation)?),
        revoked: revoked.map(time),
        added: time(added),
    })
}
