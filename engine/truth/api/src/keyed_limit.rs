//! How many of something each caller holds at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts what each key holds. A key that holds nothing takes no memory.
#[derive(Debug)]
pub struct KeyedLimit<K> {
    held: Mutex<HashMap<K, usize>>,
    each_max: usize,
}

/// One of what a key holds; given back when it is dropped.
#[derive(Debug)]
pub struct Held<K: Eq + Hash> {
    limit: Arc<KeyedLimit<K>>,
    key: K,
}

impl<K: Eq + Hash + Clone> KeyedLimit<K> {
    /// At most `each_max` for each key.
    pub fn new(each_max: usize) -> Arc<KeyedLimit<K>> {
        Arc::new(KeyedLimit { held: Mutex::default(), each_max })
    }

    /// One more for `key`, `None` when it holds as many as it may.
    pub fn take(self: &Arc<KeyedLimit<K>>, key: K) -> Option<Held<K>> {
        // A count is whole at every moment.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.get(&key).copied().unwrap_or(0);
        if count >= self.each_max {
            return None;
        }
        held.insert(key.clone(), count + 1);
        Some(Held { limit: Arc::clone(self), key })
    }
}

impl<K: Eq + Hash> Drop for Held<K> {
    fn drop(&mut self) {
        let mut held = self.limit.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(held.remove(&self.key)),
        }
    }
}

/// Who counts as one source: an IPv4 address, or the /64 network that one IPv6 host has all of (RFC 4291 section 2.5.4).
pub(super) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_limit_and_gives_back_what_it_held() {
        let limit = KeyedLimit::new(2);
        let [first, second] = [limit.take("a"), limit.take("a")].map(Option::unwrap);
        assert!(limit.take("a").is_none());
        let other = limit.take("b").unwrap();
        drop(first);
        let again = limit.take("a").unwrap();
        assert!(limit.take("a").is_none());
        drop((second, again, other));
        assert!(limit.held.lock().unwrap().is_empty(), "nothing is remembered");
        assert!(KeyedLimit::new(0).take("a").is_none());
    }

    #[test]
    fn one_host_is_one_source_however_many_addresses_it_has() {
        let check = |one: &str, other: &str, same: bool| {
            let [one, other] = [one, other].map(|address| source(address.parse().unwrap()));
            assert_eq!(one == other, same, "{one} {other}");
        };
        check("192.0.2.1", "192.0.2.2", false);
        check("192.0.2.1", "::ffff:192.0.2.1", true);
        check("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true);
        check("2001:db8:0:1::1", "2001:db8:0:2::1", false);
    }
}
