//! Verifier devices.

use async_trait::async_trait;
use hufu_registry::store::{DeviceChange, Devices, FromColumns as _, big};
use hufu_registry::{Device, Entry, Fault};
use hufu_wire::limits::DEVICES_MAX;
use hufu_wire::{DeviceId, SiteId, UnixMillis};

use crate::fault::{TxFault, broken, retried};
use crate::row::{Row, all, one};
use crate::store::PostgresStore;

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
            let id: i64 = sqlx::query_scalar(GIVE).fetch_one(&mut *tx).await?;
            if id >= i64::from(DEVICES_MAX) {
                return Err(Fault::no_more_devices().into());
            }
            let add = sqlx::query(ADD).bind(id).bind(i64::from(site.0)).bind(name);
            let added = add.bind(big("now", now.0)?).fetch_one(&mut *tx).await;
            let added = added.map_err(|error| match broken(&error) {
                Some("devices_site") => Fault::no_site(site).into(),
                Some("devices_name") => Fault::device_exists(site, name).into(),
                _ => TxFault::Sql(error),
            })?;
            self.commit(tx, entry).await?;
            Ok(Device::read(&Row(&added))?)
        })
        .await
    }

    async fn device(&self, id: DeviceId) -> Result<Option<Device>, Fault> {
        let query = sqlx::query("SELECT * FROM devices WHERE id = $1").bind(i64::from(id.0));
        Ok(one(&self.pool, query).await?)
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
        Ok(all(&self.pool, query).await?)
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
            let Some(changed) = one(&mut *tx, query).await? else { return Ok(None) };
            self.commit(tx, entry).await?;
            Ok(Some(changed))
        })
        .await
    }
}
