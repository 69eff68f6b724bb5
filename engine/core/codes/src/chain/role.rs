//! In which role an authority's key signs.

use core::fmt;

use crate::keyring::Uses;

/// In which role a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The issuer itself: decides.
    Local,
    /// The national platform: confirms.
    National,
    /// Whoever hands the chain out: says where it ends.
    Publisher,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 3] = [Role::Local, Role::National, Role::Publisher];

    /// What a key must be allowed to sign in this role.
    pub const fn uses(self) -> Uses {
        match self {
            Role::Local => Uses::INSTRUCTION,
            Role::National => Uses::CONFIRMATION,
            Role::Publisher => Uses::HEAD,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Local => "local",
            Role::National => "national",
            Role::Publisher => "publisher's",
        })
    }
}
