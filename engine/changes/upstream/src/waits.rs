//! How long to wait before the next try.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Waits that double, each off by up to a quarter, so that those who were turned away together come back apart.
pub(crate) struct Waits {
    left: u32,
    next_ms: u64,
    longest_ms: u64,
    chance: RandomState,
}

impl Waits {
    /// Before each of `tries` further tries: from 200 ms up to `longest_ms`.
    pub(crate) fn new(tries: u32, longest_ms: u64) -> Waits {
        Waits { left: tries, next_ms: 200, longest_ms, chance: RandomState::new() }
    }
}

impl Iterator for Waits {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let wait_ms = self.next_ms;
        self.next_ms = (2 * wait_ms).min(self.longest_ms);
        let off_ms = self.chance.hash_one(self.left) % (wait_ms / 2 + 1);
        Some(Duration::from_millis(wait_ms - wait_ms / 4 + off_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let expected_ms = [200, 400, 800, 1000, 1000];
        let waits: Vec<u64> =
            Waits::new(5, 1000).map(|wait| u64::try_from(wait.as_millis()).unwrap()).collect();
        assert_eq!(waits.len(), expected_ms.len());
        for (wait_ms, expected_ms) in waits.into_iter().zip(expected_ms) {
            assert!(
                (expected_ms * 3 / 4..=expected_ms * 5 / 4).contains(&wait_ms),
                "{wait_ms} {expected_ms}"
            );
        }
    }
}
