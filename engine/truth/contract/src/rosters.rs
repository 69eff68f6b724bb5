use hufu_wire::{HolderIndex, IssuerId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The rosters of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rosters {
    /// By rising name.
    pub rosters: Vec<RosterSummary>,
}

/// A roster without its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RosterSummary {
    /// Its name at its site.
    pub name: String,
    /// How many members it has.
    pub members: u32,
}

/// A list of holders that a site may ask about at once (R12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Roster {
    /// Whose it is.
    pub site: u32,
    /// Its name at that site.
    pub name: String,
    /// Its members.
    pub groups: Vec<RosterGroup>,
}

/// A roster as it is written, 1 to 32,768 members in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"groups": [{"issuer": 310_000, "holders": [1, 2, 3]}]}))]
pub struct RosterEdit {
    /// Its members, in any order.
    #[schema(min_items = 1)]
    pub groups: Vec<RosterGroup>,
}

impl RosterEdit {
    /// Every member, in the request's order.
    pub fn members(&self) -> impl Iterator<Item = (IssuerId, HolderIndex)> {
        self.groups.iter().flat_map(|group| {
            group.holders.iter().map(|holder| (IssuerId(group.issuer), HolderIndex(*holder)))
        })
    }
}

/// The members of a roster that one issuer has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RosterGroup {
    /// Whose holders.
    pub issuer: u32,
    /// Which of them.
    #[schema(min_items = 1, max_items = 32768)]
    pub holders: Vec<u32>,
}

/// Asks for a signed roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"valid_s": 86400}))]
pub struct SignRoster {
    /// For how long a terminal may use it, seconds.
    #[schema(minimum = 1)]
    pub valid_s: u32,
}
