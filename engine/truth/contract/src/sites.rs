use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Every site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sites {
    /// By rising id.
    pub sites: Vec<Site>,
}

/// A place with gates and one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Site {
    /// Its id.
    pub id: u32,
    /// What people call it.
    pub name: String,
    /// Its policy: the members of a `[[site]]` table in an engine's `sites.toml`, without `id` and `name`.
    pub policy: String,
}

/// A site as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "North station", "policy": "accepts = [\"phone\", \"paper\"]\n"}))]
pub struct SiteEdit {
    /// What people call it.
    #[schema(min_length = 1)]
    pub name: String,
    /// Its policy, as TOML; refused with the line when an engine would refuse it.
    pub policy: String,
}
