//! Verifier devices.

use async_trait::async_trait;
use hufu_registry::store::{DeviceChange, Devices};
use hufu_registry::{Device, Entry, Fault};
use hufu_wire::limits::DEVICES_MAX;
use hufu_wire::{DeviceGeneration, DeviceId, SiteId, UnixMillis};
use sqlx::postgres::PgRow;

use crate::fault::{Stop, broken, fault, retried};
use crate::row::{Columns as _, big};
use crate::sites::no_site;
use crate::store::PostgresStore;

fn device(row: &PgRow) -> Result<Device, Fault> {
    Ok(Device {
        id: DeviceId(row.number("id")?),
        site: SiteId(row.number("site")?),
        name: row.text("name")?,
        generation: DeviceGeneration(row.number("generation")?),
        revoked: row.number_or_none("revoked")?.map(UnixMillis),
        added: UnixMillis(row.number("added")?),
    })
}

#[async_trait]
impl Devices for PostgresStore {
    async fn add_device(
        &self,
        site: SiteId,
        name: &str,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Device, Fault> {
        // Rolled back with everything else, so that no id is lost.
        const GIVE: &str = "UPDATE device_ids SET next = next + 1 RETURNING next - 1 AS id";
        const ADD: &str = "
            INSERT INTO devices (id, site, name, generation, added) VALUES ($1, $2, $3, 1, $4) RETURNING *";
        retried(|| async {
            let mut tx = self.begin().await?;
            let id: u32 = sqlx::query(GIVE).fetch_one(&mut *tx).await?.number("id")?;
            if id >= DEVICES_MAX {
                return Err(Fault::Full(format!("every device id below {DEVICES_MAX} is given")).into());
            }
            let add = sqlx::query(ADD).bind(i64::from(id)).bind(i64::from(site.0)).bind(name);
            let added = add.bind(big("now", now.0)?).fetch_one(&mut *tx).await;
            let added = added.map_err(|error| match broken(&error) {
                Some("devices_site") => no_site(site).into(),
                Some("devices_name") => {
                    Stop::Fault(Fault::Conflict(format!("site {site} has a device {name:?} already")))
                }
                _ => error.into(),
            })?;
            self.line(&mut tx, entry).await?;
            tx.commit().await?;
            Ok(device(&added)?)
        })
        .await
    }

    async fn device(&self, id: DeviceId) -> Result<Option<Device>, Fault> {
        let query = sqlx::query("SELECT * FROM devices WHERE id = $1").bind(i64::from(id.0));
        let row = query.fetch_optional(&self.pool).await.map_err(fault)?;
        row.as_ref().map(device).transpose()
    }

    async fn devices(
        &self,
        site: Option<SiteId>,
        after: Option<DeviceId>,
        limit: u32,
    ) -> Result<Vec<Device>, Fault> {
        const OF_ALL: &str = "SELECT * FROM devices WHERE id > $1 ORDER BY id LIMIT $2";
        const OF_SITE: &str = "SELECT * FROM devices WHERE id > $1 AND site = $3 ORDER BY id LIMIT $2";
        let after = after.map_or(0, |after| i64::from(after.0));
        let query =
            sqlx::query(if site.is_some() { OF_SITE } else { OF_ALL }).bind(after).bind(i64::from(limit));
        let query = match site {
            Some(site) => query.bind(i64::from(site.0)),
            None => query,
        };
        query.fetch_all(&self.pool).await.map_err(fault)?.iter().map(device).collect()
    }

    async fn change_device(
        &self,
        id: DeviceId,
        change: DeviceChange,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Option<Device>, Fault> {
        const REVOKE: &str = "UPDATE devices SET revoked = coalesce(revoked, $2) WHERE id = $1 RETURNING *";
        const RENEW: &str =
            "UPDATE devices SET revoked = NULL, generation = generation + 1 WHERE id = $1 RETURNING *";
        retried(|| async {
            let mut tx = self.begin().await?;
            let query = match change {
                DeviceChange::Revoke => sqlx::query(REVOKE).bind(i64::from(id.0)).bind(big("now", now.0)?),
                DeviceChange::Renew => sqlx::query(RENEW).bind(i64::from(id.0)),
            };
            let Some(changed) = query.fetch_optional(&mut *tx).await? else { return Ok(None) };
            self.line(&mut tx, entry).await?;
            tx.commit().await?;
            Ok(Some(device(&changed)?))
        })
        .await
    }
}
