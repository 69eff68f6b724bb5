//! The follower in the hands of its thread.

use std::ops::Deref;

use hufu_sync::Follower;

/// The follower, and whether it is in the middle of something: a panic there leaves it in an unknown state.
pub(crate) struct Hand {
    follower: Follower,
    is_inside: bool,
}

impl Hand {
    pub(crate) fn new(follower: Follower) -> Hand {
        Hand { follower, is_inside: false }
    }

    /// Lets the follower change.
    pub(crate) fn change<T>(&mut self, with: impl FnOnce(&mut Follower) -> T) -> T {
        self.is_inside = true;
        let done = with(&mut self.follower);
        self.is_inside = false;
        done
    }

    /// Whether a panic has left it in the middle of something.
    pub(crate) fn is_inside(&self) -> bool {
        self.is_inside
    }
}

impl Deref for Hand {
    type Target = Follower;

    fn deref(&self) -> &Follower {
        &self.follower
    }
}
