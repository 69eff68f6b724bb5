//! Sites.

use async_trait::async_trait;
use hufu_registry::store::{Removed, Sites};
use hufu_registry::{Entry, Fault, Site};
use hufu_wire::SiteId;
use sqlx::SqliteConnection;

use crate::SqliteStore;
use crate::fault::fault;
use crate::values::number;

#[async_trait]
impl Sites for SqliteStore {
    async fn sites(&self) -> Result<Vec<Site>, Fault> {
        let rows: Vec<(i64, String, String)> =
            sqlx::query_as("SELECT site, name, policy FROM sites ORDER BY site")
                .fetch_all(&self.readers)
                .await
                .map_err(fault)?;
        rows.into_iter().map(read).collect()
    }

    async fn site(&self, site: SiteId) -> Result<Option<Site>, Fault> {
        let row: Option<(i64, String, String)> =
            sqlx::query_as("SELECT site, name, policy FROM sites WHERE site = ?")
                .bind(site.0)
                .fetch_optional(&self.readers)
                .await
                .map_err(fault)?;
        row.map(read).transpose()
    }

    async fn put_site(&self, site: &Site, entry: &Entry) -> Result<(), Fault> {
        let mut write = self.write().await?;
        sqlx::query(
            "INSERT INTO sites (site, name, policy) VALUES (?, ?, ?) \
             ON CONFLICT (site) DO UPDATE SET name = excluded.name, policy = excluded.policy",
        )
        .bind(site.id.0)
        .bind(&site.name)
        .bind(&site.policy)
        .execute(&mut *write)
        .await
        .map_err(fault)?;
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)
    }

    async fn remove_site(&self, site: SiteId, entry: &Entry) -> Result<Removed, Fault> {
        let mut write = self.write().await?;
        if !has_site(&mut write, site).await? {
            return Ok(Removed::Absent);
        }
        let in_use: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM devices WHERE site = ?1) OR EXISTS (SELECT 1 FROM rosters WHERE site = ?1)",
        )
        .bind(site.0)
        .fetch_one(&mut *write)
        .await
        .map_err(fault)?;
        if in_use {
            return Ok(Removed::InUse);
        }
        sqlx::query("DELETE FROM sites WHERE site = ?")
            .bind(site.0)
            .execute(&mut *write)
            .await
            .map_err(fault)?;
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)?;
        Ok(Removed::Gone)
    }
}

/// Whether there is such a site.
pub(crate) async fn has_site(at: &mut SqliteConnection, site: SiteId) -> Result<bool, Fault> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sites WHERE site = ?)")
        .bind(site.0)
        .fetch_one(at)
        .await
        .map_err(fault)
}

pub(crate) fn no_site(site: SiteId) -> Fault {
    Fault::NotFound(format!("site {site}"))
}

fn read((id, name, policy): (i64, String, String)) -> Result<Site, Fault> {
    Ok(Site { id: SiteId(number("site", id)?), name, policy })
}
