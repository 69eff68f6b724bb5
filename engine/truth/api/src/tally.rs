//! How often each of many did something within a while.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts keys. All counts begin again together, when the time is over or there are too many keys.
#[derive(Debug)]
pub struct Tally<K> {
    window: Duration,
    each_max: u32,
    keys_max: usize,
    counts: Mutex<(Option<Instant>, HashMap<K, u32>)>,
}

impl<K: Eq + Hash> Tally<K> {
    /// At most `each_max` of each key within `window`.
    pub fn new(window: Duration, each_max: u32, keys_max: usize) -> Tally<K> {
        Tally { window, each_max, keys_max, counts: Mutex::default() }
    }

    /// One more of `key`; whether it may.
    pub fn count(&self, key: K, now: Instant) -> bool {
        // Counts are whole at every moment.
        let mut state = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (begun, counts) = &mut *state;
        let is_over = begun.is_none_or(|begun| now.saturating_duration_since(begun) >= self.window);
        if is_over || counts.len() >= self.keys_max {
            counts.clear();
            *begun = Some(now);
        }
        let count = counts.entry(key).or_default();
        let may = *count < self.each_max;
        *count += u32::from(may);
        may
    }

    /// One less of `key`: what was counted came to nothing. A key of which nothing is counted takes no memory.
    pub fn give_back(&self, key: &K) {
        let mut state = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, counts) = &mut *state;
        match counts.get_mut(key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_counts_by_itself_until_the_time_is_over() {
        let (tally, begun) = (Tally::new(Duration::from_secs(60), 2, 3), Instant::now());
        let count = |key, s| tally.count(key, begun + Duration::from_secs(s));
        assert!(count("a", 0) && count("a", 1) && !count("a", 2) && count("b", 3));
        assert!(!count("a", 59));
        assert!(count("a", 60), "the next minute");
        assert!(count("b", 60) && count("c", 60) && count("d", 60), "memory is bounded: all begin again");
    }

    #[test]
    fn what_is_given_back_counts_for_nothing_and_takes_no_memory() {
        let (tally, now) = (Tally::new(Duration::from_secs(60), 1, 9), Instant::now());
        assert!(tally.count("a", now) && !tally.count("a", now) && !tally.count("a", now));
        tally.give_back(&"a");
        assert!(tally.counts.lock().unwrap().1.is_empty());
        assert!(tally.count("a", now));
        tally.give_back(&"b");
        assert!(!tally.count("a", now));
    }
}
