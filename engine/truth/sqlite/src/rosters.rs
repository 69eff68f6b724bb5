//! Rosters.

use async_trait::async_trait;
use hufu_registry::store::Rosters;
use hufu_registry::{Entry, Fault, Roster, RosterSummary};
use hufu_wire::SiteId;

use crate::SqliteStore;
use crate::fault::fault;
use crate::sites::{has_site, no_site};
use crate::values::number;

#[async_trait]
impl Rosters for SqliteStore {
    async fn rosters(&self, site: SiteId) -> Result<Vec<RosterSummary>, Fault> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT name, count FROM rosters WHERE site = ? ORDER BY name")
                .bind(site.0)
                .fetch_all(&self.readers)
                .await
                .map_err(fault)?;
        rows.into_iter()
            .map(|(name, count)| Ok(RosterSummary { site, name, members: number("count", count)? }))
            .collect()
    }

    async fn roster(&self, site: SiteId, name: &str) -> Result<Option<Roster>, Fault> {
        let members: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT members FROM rosters WHERE site = ? AND name = ?")
                .bind(site.0)
                .bind(name)
                .fetch_optional(&self.readers)
                .await
                .map_err(fault)?;
        members.map(|members| Roster::stored(site, name, &members)).transpose()
    }

    async fn put_roster(&self, roster: &Roster, entry: &Entry) -> Result<(), Fault> {
        let mut write = self.write().await?;
        if !has_site(&mut write, roster.site).await? {
            return Err(no_site(roster.site));
        }
        sqlx::query(
            "INSERT INTO rosters (site, name, count, members) VALUES (?, ?, ?, ?) \
             ON CONFLICT (site, name) DO UPDATE SET count = excluded.count, members = excluded.members",
        )
        .bind(roster.site.0)
        .bind(&roster.name)
        .bind(i64::try_from(roster.len()).unwrap_or(i64::MAX))
        .bind(roster.members_bytes())
        .execute(&mut *write)
        .await
        .map_err(fault)?;
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)
    }

    async fn remove_roster(&self, site: SiteId, name: &str, entry: &Entry) -> Result<bool, Fault> {
        let mut write = self.write().await?;
        let gone = sqlx::query("DELETE FROM rosters WHERE site = ? AND name = ?")
            .bind(site.0)
            .bind(name)
            .execute(&mut *write)
            .await
            .map_err(fault)?;
        if gone.rows_affected() == 0 {
            return Ok(false);
        }
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)?;
        Ok(true)
    }
}
