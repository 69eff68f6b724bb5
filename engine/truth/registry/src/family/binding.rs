//! A binding: asked for, kept, shown.

use hufu_contract::{Assurance, BindingId, BindingState, Consent, Side};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};
use zeroize::Zeroizing;

use super::evidence::Evidence;
use crate::vault::Place;

/// How many relatives a user may have at once.
pub const RELATIVES_MAX: usize = 8;
/// To how many users a relative may be bound at once.
pub const USERS_MAX: usize = 3;
/// How long after it was made a binding stays, milliseconds.
pub const ENDABLE_AFTER_MS: u64 = 24 * 3600 * 1000;

/// What a user sends for a relative.
#[derive(Clone)]
pub struct Application {
    /// The user.
    pub user: HolderIndex,
    /// The relative's name.
    pub name: Zeroizing<String>,
    /// The relative's id number, as somebody wrote it.
    pub id_number: Zeroizing<String>,
    /// The relative's date of birth, of a document that does not say it.
    pub born: Option<String>,
    /// What shows that it is meant.
    pub assurance: Assurance,
    /// The relative's consent.
    pub consent: Consent,
}

/// A binding in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBinding {
    /// Its number.
    pub id: BindingId,
    /// The user's record when it was made.
    pub user: HolderIndex,
    /// The relative's record when it was made.
    pub relative: HolderIndex,
    /// The user's record that goes on.
    pub user_place: HolderIndex,
    /// The relative's record that goes on.
    pub relative_place: HolderIndex,
    /// When it was made.
    pub made: UnixMillis,
    /// When it ends by itself, of a child's.
    pub until: Option<UnixMillis>,
    /// When it was ended, and by which side.
    pub ended: Option<(UnixMillis, Side)>,
    /// The [`Evidence`], sealed.
    pub sealed: Vec<u8>,
}

/// A binding as the registry shows it: masked.
#[derive(Clone)]
pub struct BindingView {
    /// As it is stored.
    pub binding: StoredBinding,
    /// What became of it by now.
    pub state: BindingState,
    /// The user, masked.
    pub user_display: String,
    /// The relative, masked.
    pub relative_display: String,
    /// What is kept of the application.
    pub evidence: Evidence,
}

impl StoredBinding {
    /// What became of it by `now`.
    pub fn state(&self, now: UnixMillis) -> BindingState {
        match (self.ended, self.until) {
            (Some(_), _) => BindingState::Ended,
            (None, Some(until)) if now >= until => BindingState::AgedOut,
            (None, _) => BindingState::Active,
        }
    }

    /// Whether it holds at `now`.
    pub fn is_active(&self, now: UnixMillis) -> bool {
        self.state(now) == BindingState::Active
    }

    /// From when either side may end it.
    pub fn endable(&self) -> UnixMillis {
        UnixMillis(self.made.0.saturating_add(ENDABLE_AFTER_MS))
    }

    /// Where its sealed evidence belongs.
    pub fn place(&self, issuer: IssuerId) -> Place {
        Place::binding(issuer, self.id, [self.user, self.relative], self.made, self.until)
    }
}
