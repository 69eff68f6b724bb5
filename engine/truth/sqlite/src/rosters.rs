//! Rosters.

use async_trait::async_trait;
use hufu_registry::store::Rosters;
use hufu_registry::{Entry, Fault, Roster, RosterSummary};
use hufu_wire::SiteId;

use crate::fault::fault;
use crate::row::{all, change};
use crate::sites::has_site;
use crate::store::SqliteStore;

#[async_trait]
impl Rosters for SqliteStore {
    async fn rosters(&self, site: SiteId) -> Result<Vec<RosterSummary>, Fault> {
        let query = sqlx::query("SELECT site, name, members_count FROM rosters WHERE site = ? ORDER BY name");
        all(&self.readers, query.bind(site.0)).await
    }

    async fn roster(&self, site: SiteId, name: &str) -> Result<Option<Roster>, Fault> {
        let query = sqlx::query_scalar("SELECT members FROM rosters WHERE site = ? AND name = ?");
        let members: Option<Vec<u8>> =
            query.bind(site.0).bind(name).fetch_optional(&self.readers).await.map_err(fault)?;
        members.map(|members| Roster::stored(site, name, &members)).transpose()
    }

    async fn put_roster(&self, roster: &Roster, entry: &Entry) -> Result<(), Fault> {
        const PUT: &str = "
            INSERT INTO rosters (site, name, members_count, members) VALUES (?, ?, ?, ?)
            ON CONFLICT (site, name) DO UPDATE SET members_count = excluded.members_count, members = excluded.members";
        let mut write = self.write().await?;
        if !has_site(&mut write, roster.site).await? {
            return Err(Fault::no_site(roster.site));
        }
        let count = i64::try_from(roster.len()).unwrap_or(i64::MAX);
        let put = sqlx::query(PUT).bind(roster.site.0).bind(&roster.name).bind(count);
        change(&mut *write, put.bind(roster.members_bytes())).await?;
        self.commit(write, entry).await
    }

    async fn remove_roster(&self, site: SiteId, name: &str, entry: &Entry) -> Result<bool, Fault> {
        let mut write = self.write().await?;
        let remove = sqlx::query("DELETE FROM rosters WHERE site = ? AND name = ?").bind(site.0).bind(name);
        if change(&mut *write, remove).await? == 0 {
            return Ok(false);
        }
        self.commit(write, entry).await?;
        Ok(true)
    }
}
