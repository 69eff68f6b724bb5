//! Sites and their policies.

use async_trait::async_trait;
use hufu_registry::store::{Removed, Sites};
use hufu_registry::{Entry, Fault, Site};
use hufu_wire::SiteId;

use crate::fault::{broken, retried};
use crate::row::{all, one};
use crate::store::PostgresStore;

#[async_trait]
impl Sites for PostgresStore {
    async fn sites(&self) -> Result<Vec<Site>, Fault> {
        Ok(all(&self.pool, sqlx::query("SELECT * FROM sites ORDER BY id")).await?)
    }

    async fn site(&self, id: SiteId) -> Result<Option<Site>, Fault> {
        let query = sqlx::query("SELECT * FROM sites WHERE id = $1").bind(i64::from(id.0));
        Ok(one(&self.pool, query).await?)
    }

    async fn put_site(&self, site: &Site, entry: &Entry) -> Result<(), Fault> {
        const PUT: &str = "
            INSERT INTO sites (id, name, policy) VALUES ($1, $2, $3)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, policy = excluded.policy";
        retried(|| async {
            let mut tx = self.begin().await?;
            let put = sqlx::query(PUT).bind(i64::from(site.id.0)).bind(&site.name).bind(&site.policy);
            put.execute(&mut *tx).await?;
            self.commit(tx, entry).await
        })
        .await
    }

    async fn remove_site(&self, site: SiteId, entry: &Entry) -> Result<Removed, Fault> {
        retried(|| async {
            let mut tx = self.begin().await?;
            let remove = sqlx::query("DELETE FROM sites WHERE id = $1").bind(i64::from(site.0));
            match remove.execute(&mut *tx).await {
                Ok(removed) if removed.rows_affected() == 0 => return Ok(Removed::Absent),
                Ok(_) => {}
                Err(error) if matches!(broken(&error), Some("devices_site" | "rosters_site")) => {
                    return Ok(Removed::InUse);
                }
                Err(error) => return Err(error.into()),
            }
            self.commit(tx, entry).await?;
            Ok(Removed::Gone)
        })
        .await
    }
}
