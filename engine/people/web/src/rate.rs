//! How many requests a source may send: a bucket each.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Sources remembered; further ones share a bucket.
const SOURCES_MAX: usize = 65_536;

struct Bucket {
    /// Milliseconds saved up; a request takes `every_ms`.
    left: u64,
    at_ms: u64,
}

/// A limit for each source.
pub(crate) struct Rate {
    buckets: Mutex<HashMap<Option<IpAddr>, Bucket>>,
    /// Requests at once after a rest.
    burst: u64,
    /// Milliseconds after which there is one more.
    every_ms: u64,
}

impl Rate {
    pub(crate) fn new(burst: u64, every_ms: u64) -> Rate {
        Rate { buckets: Mutex::default(), burst, every_ms }
    }

    /// Takes one request of a source.
    ///
    /// # Errors
    /// Seconds until the next one.
    pub(crate) fn take(&self, source: IpAddr, now_ms: u64) -> Result<(), u64> {
        let full = self.burst * self.every_ms;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = Some(source);
        if buckets.len() >= SOURCES_MAX && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| bucket.left + now_ms.saturating_sub(bucket.at_ms) < full);
            if buckets.len() >= SOURCES_MAX {
                key = None;
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { left: full, at_ms: now_ms });
        bucket.left = full.min(bucket.left + now_ms.saturating_sub(bucket.at_ms));
        bucket.at_ms = now_ms;
        match bucket.left.checked_sub(self.every_ms) {
            Some(left) => {
                bucket.left = left;
                Ok(())
            }
            None => Err((self.every_ms - bucket.left).div_ceil(1000)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r61_a_source_has_its_burst_then_its_rate_and_others_are_not_held_back() {
        let rate = Rate::new(3, 2000);
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|source| source.parse().unwrap());
        assert!((0..3).all(|_| rate.take(one, 0).is_ok()));
        assert_eq!(rate.take(one, 0), Err(2));
        assert_eq!(rate.take(one, 1500), Err(1));
        rate.take(other, 1500).unwrap();
        rate.take(one, 2000).unwrap();
        assert!(rate.take(one, 2000).is_err());
        assert!((0..3).all(|_| rate.take(one, 1_000_000).is_ok()));
        assert!(rate.take(one, 1_000_000).is_err(), "a rest saves up no more than a burst");
    }
}
