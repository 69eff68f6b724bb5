//! What a token may do.

use core::fmt;
use core::ops::BitOr;

/// One thing that a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Scope {
    /// Issuers and tokens.
    Admin = 1,
    /// Register and look up holders: personal data.
    Holders = 2,
    /// Issue credentials.
    Credentials = 4,
    /// Sites and their policies.
    Sites = 8,
    /// Verifier devices.
    Devices = 16,
    /// Rosters: who belongs to a site.
    Rosters = 32,
    /// Hand in, see and withdraw proposals.
    Propose = 64,
    /// Hand in confirmations and releases.
    Confirm = 128,
    /// Hand in checkpoints and snapshots.
    Checkpoint = 256,
    /// Follow chains.
    Feed = 512,
    /// Read the trail and every status.
    Audit = 1024,
}

/// What one token may do.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u16);

impl Scope {
    /// Every scope, by rising bit.
    pub const ALL: [Scope; 11] = [
        Scope::Admin,
        Scope::Holders,
        Scope::Credentials,
        Scope::Sites,
        Scope::Devices,
        Scope::Rosters,
        Scope::Propose,
        Scope::Confirm,
        Scope::Checkpoint,
        Scope::Feed,
        Scope::Audit,
    ];

    /// Its word in the API and in the store.
    pub const fn slug(self) -> &'static str {
        match self {
            Scope::Admin => "admin",
            Scope::Holders => "holders",
            Scope::Credentials => "credentials",
            Scope::Sites => "sites",
            Scope::Devices => "devices",
            Scope::Rosters => "rosters",
            Scope::Propose => "propose",
            Scope::Confirm => "confirm",
            Scope::Checkpoint => "checkpoint",
            Scope::Feed => "feed",
            Scope::Audit => "audit",
        }
    }

    /// The scope of a word.
    pub fn from_slug(slug: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.slug() == slug)
    }
}

impl Scopes {
    /// Everything.
    pub const ALL: Scopes = Scopes(2047);

    /// These scopes.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Scopes {
        Scopes(scopes.into_iter().fold(0, |bits, scope| bits | scope as u16))
    }

    /// The scopes with these bits, `None` when one is unknown.
    pub const fn from_bits(bits: u16) -> Option<Scopes> {
        if bits <= Scopes::ALL.0 { Some(Scopes(bits)) } else { None }
    }

    /// The bits as a store keeps them.
    pub const fn to_bits(self) -> u16 {
        self.0
    }

    /// Whether `scope` is among them.
    pub const fn contain(self, scope: Scope) -> bool {
        self.0 & scope as u16 != 0
    }

    /// Every one of them, by rising bit.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contain(*scope))
    }
}

impl BitOr<Scope> for Scopes {
    type Output = Scopes;

    fn bitor(self, scope: Scope) -> Scopes {
        Scopes(self.0 | scope as u16)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_a_bit_and_a_word_of_its_own() {
        assert_eq!(Scopes::of(Scope::ALL), Scopes::ALL);
        assert_eq!(Scopes::ALL.iter().collect::<Vec<_>>(), Scope::ALL);
        for scope in Scope::ALL {
            assert_eq!(Scope::from_slug(scope.slug()), Some(scope));
        }
        assert_eq!(Scopes::from_bits(2048), None);
    }
}
