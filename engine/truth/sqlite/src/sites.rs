//! Sites.

use async_trait::async_trait;
use hufu_registry::store::{Removed, Sites};
use hufu_registry::{Entry, Fault, Site};
use hufu_wire::SiteId;
use sqlx::SqliteConnection;

use crate::row::{all, change, exists, one};
use crate::store::SqliteStore;

#[async_trait]
impl Sites for SqliteStore {
    async fn sites(&self) -> Result<Vec<Site>, Fault> {
        all(&self.readers, sqlx::query("SELECT * FROM sites ORDER BY id")).await
    }

    async fn site(&self, site: SiteId) -> Result<Option<Site>, Fault> {
        one(&self.readers, sqlx::query("SELECT * FROM sites WHERE id = ?").bind(site.0)).await
    }

    async fn put_site(&self, site: &Site, entry: &Entry) -> Result<(), Fault> {
        const PUT: &str = "
            INSERT INTO sites (id, name, policy) VALUES (?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, policy = excluded.policy";
        let mut write = self.write().await?;
        let put = sqlx::query(PUT).bind(site.id.0).bind(&site.name).bind(&site.policy);
        change(&mut *write, put).await?;
        self.commit(write, entry).await
    }

    async fn remove_site(&self, site: SiteId, entry: &Entry) -> Result<Removed, Fault> {
        const NEEDS: &str =
            "SELECT 1 FROM devices WHERE site = ?1 UNION ALL SELECT 1 FROM rosters WHERE site = ?1 LIMIT 1";
        let mut write = self.write().await?;
        if exists(&mut *write, sqlx::query(NEEDS).bind(site.0)).await? {
            return Ok(Removed::InUse);
        }
        let remove = sqlx::query("DELETE FROM sites WHERE id = ?").bind(site.0);
        if change(&mut *write, remove).await? == 0 {
            return Ok(Removed::Absent);
        }
        self.commit(write, entry).await?;
        Ok(Removed::Gone)
    }
}

/// Whether there is such a site.
pub(crate) async fn has_site(at: &mut SqliteConnection, site: SiteId) -> Result<bool, Fault> {
    exists(at, sqlx::query("SELECT 1 FROM sites WHERE id = ?").bind(site.0)).await
}
