//! Who may see what.

use hufu_wire::SiteId;
use serde::{Deserialize, Serialize};

/// What a person who signed in may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything the console shows.
    Operator,
    /// The page of one school: its own site and nothing else.
    School(SiteId),
    /// Ends of chains and proposals, to compare them with their own copy.
    Auditor,
}

impl Role {
    /// The site of a school.
    pub const fn site(self) -> Option<SiteId> {
        match self {
            Role::School(site) => Some(site),
            Role::Operator | Role::Auditor => None,
        }
    }
}

/// A role as files write it: a word, and a site where the word is `school`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleWord {
    /// [`Role::Operator`].
    Operator,
    /// [`Role::School`].
    School,
    /// [`Role::Auditor`].
    Auditor,
}

impl RoleWord {
    /// The role of a word and a site.
    ///
    /// # Errors
    /// A school without a site, or another role with one: what to write instead.
    pub fn with(self, site: Option<u32>) -> Result<Role, &'static str> {
        match (self, site) {
            (RoleWord::School, Some(site)) => Ok(Role::School(SiteId(site))),
            (RoleWord::School, None) => Err("the role school needs the site of the school"),
            (_, Some(_)) => Err("only the role school has a site; remove the site"),
            (RoleWord::Operator, None) => Ok(Role::Operator),
            (RoleWord::Auditor, None) => Ok(Role::Auditor),
        }
    }

    /// The word of a role.
    pub const fn of(role: Role) -> RoleWord {
        match role {
            Role::Operator => RoleWord::Operator,
            Role::School(_) => RoleWord::School,
            Role::Auditor => RoleWord::Auditor,
        }
    }

    /// The word itself.
    pub const fn slug(self) -> &'static str {
        match self {
            RoleWord::Operator => "operator",
            RoleWord::School => "school",
            RoleWord::Auditor => "auditor",
        }
    }
}
