//! What a token may do.

use core::fmt;
use core::ops::BitOr;

use crate::words::words;

words! {
    /// One thing that a token may do.
    #[derive(Hash, PartialOrd, Ord)]
    pub enum Scope {
        /// Issuers and tokens. It does not imply the others.
        Admin = "admin",
        /// Register and find holders: personal data.
        Holders = "holders",
        /// Issue credentials.
        Credentials = "credentials",
        /// Sites and their policies.
        Sites = "sites",
        /// Verifier devices.
        Devices = "devices",
        /// Rosters: who belongs to a site.
        Rosters = "rosters",
        /// Hand in, see and withdraw proposals.
        Propose = "propose",
        /// Hand in confirmations and releases.
        Confirm = "confirm",
        /// Hand in checkpoints and snapshots.
        Checkpoint = "checkpoint",
        /// Read chains, heads, checkpoints and snapshots.
        Feed = "feed",
        /// Read statuses and the trail.
        Audit = "audit",
        /// Correct, join and part the records of holders.
        Correct = "correct",
        /// Read the history of a holder's colours.
        History = "history",
        /// Hand in facts of holders and the papers that rulings name.
        Facts = "facts",
        /// Read the facts of holders, to compute or find again their colours: health and places.
        Rulings = "rulings",
        /// Bind relatives to users, and end that.
        Families = "families",
        /// Take appeals, and decide them.
        Appeals = "appeals",
        /// Issue, change and cancel trip codes for tickets.
        Trips = "trips",
        /// Invite phones of holders, list and end them.
        Invitations = "invitations",
    }
}

/// What one token may do.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u32);

impl Scope {
    const fn bit(self) -> u32 {
        1 << self as u16
    }
}

impl Scopes {
    /// Everything.
    pub const ALL: Scopes = Scopes((1 << Scope::ALL.len()) - 1);

    /// These scopes.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Scopes {
        Scopes(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }

    /// The scopes with these bits, `None` when one is unknown.
    pub const fn from_bits(bits: u32) -> Option<Scopes> {
        if bits <= Scopes::ALL.0 { Some(Scopes(bits)) } else { None }
    }

    /// The bits as a store keeps them.
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// Whether `scope` is among them.
    pub const fn contain(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Every one of them, by rising bit.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contain(*scope))
    }
}

impl BitOr<Scope> for Scopes {
    type Output = Scopes;

    fn bitor(self, scope: Scope) -> Scopes {
        Scopes(self.0 | scope.bit())
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
        assert_eq!(Scopes::from_bits(1 << Scope::ALL.len()), None);
    }
}
