//! Rosters.

use async_trait::async_trait;
use hufu_registry::store::Rosters;
use hufu_registry::{Entry, Fault, Roster, RosterSummary};
use hufu_wire::SiteId;

use crate::fault::{TxFault, broken, fault, retried};
use crate::row::all;
use crate::store::PostgresStore;

#[async_trait]
impl Rosters for PostgresStore {
    async fn rosters(&self, site: SiteId) -> Result<Vec<RosterSummary>, Fault> {
        let query =
            sqlx::query("SELECT site, name, members_count FROM rosters WHERE site = $1 ORDER BY name");
        Ok(all(&self.pool, query.bind(i64::from(site.0))).await?)
    }

    async fn roster(&self, site: SiteId, name: &str) -> Result<Option<Roster>, Fault> {
        let query = sqlx::query_scalar("SELECT members FROM rosters WHERE site = $1 AND name = $2");
        let query = query.bind(i64::from(site.0)).bind(name);
        let members: Option<Vec<u8>> = query.fetch_optional(&self.pool).await.map_err(fault)?;
        members.map(|members| Roster::stored(site, name, &members)).transpose()
    }

    async fn put_roster(&self, roster: &Roster, entry: &Entry) -> Result<(), Fault> {
        const PUT: &str = "
            INSERT INTO rosters (site, name, members, members_count) VALUES ($1, $2, $3, $4)
            ON CONFLICT (site, name) DO UPDATE SET members = excluded.members, members_count = excluded.members_count";
        let members = roster.members_bytes();
        let count = i64::try_from(roster.len()).unwrap_or(i64::MAX);
        retried(|| async {
            let mut tx = self.begin().await?;
            let put =
                sqlx::query(PUT).bind(i64::from(roster.site.0)).bind(&roster.name).bind(&members).bind(count);
            put.execute(&mut *tx).await.map_err(|error| match broken(&error) {
                Some("rosters_site") => Fault::no_site(roster.site).into(),
                _ => TxFault::Sql(error),
            })?;
            self.commit(tx, entry).await
        })
        .await
    }

    async fn remove_roster(&self, site: SiteId, name: &str, entry: &Entry) -> Result<bool, Fault> {
        retried(|| async {
            let mut tx = self.begin().await?;
            let remove = sqlx::query("DELETE FROM rosters WHERE site = $1 AND name = $2");
            let removed =
                remove.bind(i64::from(site.0)).bind(name).execute(&mut *tx).await?.rows_affected() > 0;
            if removed {
                self.commit(tx, entry).await?;
            }
            Ok(removed)
        })
        .await
    }
}
