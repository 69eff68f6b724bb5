//! Sites in the store.

use async_trait::async_trait;
use hufu_wire::SiteId;

use super::row::{Columns, FromColumns};
use crate::fault::Fault;
use crate::site::Site;
use crate::trail::Entry;

/// What became of something that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Gone,
    /// It was not there.
    Absent,
    /// Something else still needs it; nothing happened.
    InUse,
}

/// Places with gates.
#[async_trait]
pub trait Sites {
    /// Every site, by rising id.
    async fn sites(&self) -> Result<Vec<Site>, Fault>;

    /// One of them.
    async fn site(&self, site: SiteId) -> Result<Option<Site>, Fault>;

    /// Adds a site or replaces it.
    async fn put_site(&self, site: &Site, entry: &Entry) -> Result<(), Fault>;

    /// Removes a site that has neither devices nor rosters.
    async fn remove_site(&self, site: SiteId, entry: &Entry) -> Result<Removed, Fault>;
}

impl FromColumns for Site {
    fn read(row: &impl Columns) -> Result<Site, Fault> {
        Ok(Site { id: SiteId(row.number("id")?), name: row.text("name")?, policy: row.text("policy")? })
    }
}
