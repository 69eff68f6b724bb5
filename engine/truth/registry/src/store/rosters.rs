//! Rosters in the store.

use async_trait::async_trait;
use hufu_wire::SiteId;

use super::row::{Columns, FromColumns};
use crate::fault::Fault;
use crate::roster::{Roster, RosterSummary};
use crate::trail::Entry;

/// Who belongs to a site.
#[async_trait]
pub trait Rosters {
    /// Rosters of a site, by name.
    async fn rosters(&self, site: SiteId) -> Result<Vec<RosterSummary>, Fault>;

    /// One of them.
    async fn roster(&self, site: SiteId, name: &str) -> Result<Option<Roster>, Fault>;

    /// Adds a roster or replaces it.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such a site.
    async fn put_roster(&self, roster: &Roster, entry: &Entry) -> Result<(), Fault>;

    /// Removes a roster; answers whether there was one.
    async fn remove_roster(&self, site: SiteId, name: &str, entry: &Entry) -> Result<bool, Fault>;
}

impl FromColumns for RosterSummary {
    fn read(row: &impl Columns) -> Result<RosterSummary, Fault> {
        Ok(RosterSummary {
            site: SiteId(row.number("site")?),
            name: row.text("name")?,
            members: row.number("members_count")?,
        })
    }
}
