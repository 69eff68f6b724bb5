//! How many sets are on their way before the first of them is acknowledged.

/// One where another publisher is at work, and in a cluster, which compares a set with what it has stored and not
/// with what is on its way (nats-server 2.9); grows while all goes well.
pub(super) struct Window {
    size: usize,
    /// How many were stored since the size last changed.
    stored: usize,
    /// How many are stored before the next try with more. A try that fails costs a look at the stream.
    grow_after: usize,
}

impl Window {
    const MAX: usize = 64;
    const GROW_AFTER: usize = 2;
    const GROW_AFTER_MAX: usize = 4096;

    pub(super) fn new() -> Window {
        Window { size: Self::MAX, stored: 0, grow_after: Self::GROW_AFTER }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn grow(&mut self) {
        self.stored += 1;
        if self.stored >= self.grow_after {
            self.stored = 0;
            self.size = Self::MAX.min(2 * self.size);
        }
        if self.size == Self::MAX {
            self.grow_after = Self::GROW_AFTER;
        }
    }

    pub(super) fn shrink(&mut self) {
        *self = Window { size: 1, stored: 0, grow_after: Self::GROW_AFTER_MAX.min(2 * self.grow_after) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_that_takes_one_at_a_time_is_asked_for_more_ever_more_rarely() {
        let (mut window, mut refused) = (Window::new(), 0);
        for _ in 0..20_000 {
            if window.size() > 1 {
                window.shrink();
                refused += 1;
            }
            window.grow();
        }
        assert!(refused < 20, "{refused}");
    }

    #[test]
    fn a_server_alone_has_many_again_soon_after_a_conflict() {
        let mut window = Window::new();
        window.shrink();
        for _ in 0..100 {
            window.grow();
        }
        assert_eq!(window.size(), Window::MAX);
    }
}
