//! How many sets are on their way before the first of them is acknowledged.

/// Halved to one where somebody else publishes too, or where the server takes one at a time; grows while all goes
/// well.
pub(super) struct Window {
    size: usize,
    stored: usize,
}

impl Window {
    const MAX: usize = 64;

    pub(super) fn new() -> Window {
        Window { size: Self::MAX, stored: 0 }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn grow(&mut self) {
        self.stored += 1;
        if self.stored >= 2 * self.size {
            *self = Window { size: Self::MAX.min(2 * self.size), stored: 0 };
        }
    }

    pub(super) fn shrink(&mut self) {
        *self = Window { size: 1, stored: 0 };
    }
}
