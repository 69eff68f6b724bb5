//! All policies of an engine, found by site.

use hufu_wire::SiteId;

use crate::misconfigured::Misconfigured;
use crate::read;
use crate::site::SitePolicy;

/// The policies of one file. Immutable: a changed file becomes a new `Sites`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sites {
    policies: Box<[SitePolicy]>,
    /// An open-addressed table, at most a quarter full: position in `policies` plus 1, or 0. Its length is a power
    /// of two.
    slots: Box<[u32]>,
    /// Bits of the hash that are not used: 32 - log2 of the table's length.
    shift: u32,
}

impl Sites {
    /// Reads a policy file. `file` is only a name for the error.
    ///
    /// # Errors
    /// [`Misconfigured`] with the first fault: syntax, an unknown key, a wrong type, a value out of range, or
    /// keys that contradict each other.
    pub fn parse(text: &str, file: &str) -> Result<Sites, Misconfigured> {
        read::sites(text, file).map(Sites::index)
    }

    /// No site at all.
    pub fn none() -> Sites {
        Sites::index(Vec::new())
    }

    /// The policy of `site`. One multiplication, then two or three loads; no allocation.
    #[inline]
    pub fn get(&self, site: SiteId) -> Option<&SitePolicy> {
        let mut slot = home(site, self.shift);
        loop {
            let position = *self.slots.get(slot)?;
            let policy = self.policies.get((position as usize).checked_sub(1)?)?;
            if policy.id == site {
                return Some(policy);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    /// The policies of the same sites at gates without a network: [`SitePolicy::offline`].
    #[must_use]
    pub fn offline(&self) -> Sites {
        Sites { policies: self.iter().map(SitePolicy::offline).collect(), ..self.clone() }
    }

    /// Every policy, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &SitePolicy> {
        self.policies.iter()
    }

    /// `policies` have different ids and are at most [`limits::SITES_MAX`](crate::limits::SITES_MAX).
    fn index(policies: Vec<SitePolicy>) -> Sites {
        let length = (policies.len() * 4).next_power_of_two();
        // A table of one place has a hash of one bit.
        let shift = 31.min(32 - length.trailing_zeros());
        let mut slots = vec![0; length].into_boxed_slice();
        for (position, policy) in (1..).zip(&policies) {
            let mut slot = home(policy.id, shift);
            while slots[slot] != 0 {
                slot = (slot + 1) & (length - 1);
            }
            slots[slot] = position;
        }
        Sites { policies: policies.into_boxed_slice(), slots, shift }
    }
}

/// Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4): 2^32 divided by the golden ratio
/// spreads ids that follow a pattern, as area codes do. Nobody but the operator chooses the ids.
#[inline]
fn home(site: SiteId, shift: u32) -> usize {
    (site.0.wrapping_mul(0x9e37_79b9) >> shift) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    fn file_of(ids: &BTreeSet<u32>) -> String {
        ids.iter().fold(String::new(), |mut text, id| {
            let _ = writeln!(text, "[[site]]\nid = {id}\nname = \"Site {id}\"");
            text
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_site_is_found_and_no_other(
            ids in proptest::collection::btree_set(any::<u32>(), 1..200), other: u32,
        ) {
            let sites = Sites::parse(&file_of(&ids), "sites.toml").unwrap();
            for id in &ids {
                prop_assert_eq!(sites.get(SiteId(*id)).map(|policy| policy.id), Some(SiteId(*id)));
            }
            prop_assert_eq!(sites.get(SiteId(other)).is_some(), ids.contains(&other));
            prop_assert_eq!(sites.iter().len(), ids.len());
        }
    }

    #[test]
    fn r06_a_gate_without_a_network_has_an_age_of_its_own_and_the_same_rules() {
        let text =
            "[[site]]\nid = 1\nname = 'Door'\noffline_age_s_max = 7200\n[[site]]\nid = 2\nname = 'Hall'\n";
        let sites = Sites::parse(text, "sites.toml").unwrap();
        let offline = sites.offline();
        let ages = [1, 2].map(|id| offline.get(SiteId(id)).unwrap().staleness_ms_max);
        assert_eq!(ages, [7_200_000, 60_000], "the second site names none");
        let door = SitePolicy { staleness_ms_max: 7_200_000, ..sites.get(SiteId(1)).unwrap().clone() };
        assert_eq!(offline.get(SiteId(1)), Some(&door));
    }

    #[test]
    fn area_codes_land_beside_each_other_and_not_on_each_other() {
        let ids: BTreeSet<u32> = (0..10_000).map(|n| 110_000 + n * 100).collect();
        let sites = Sites::parse(&file_of(&ids), "sites.toml").unwrap();
        let steps = |id: u32| {
            let mut slot = home(SiteId(id), sites.shift);
            let mut steps = 1;
            while sites.policies[sites.slots[slot] as usize - 1].id != SiteId(id) {
                slot = (slot + 1) & (sites.slots.len() - 1);
                steps += 1;
            }
            steps
        };
        let (sum, worst) =
            ids.iter().map(|id| steps(*id)).fold((0, 0), |(sum, worst), n| (sum + n, worst.max(n)));
        assert!(sum <= 15_000 && worst <= 8, "{sum} probes for 10,000 sites, {worst} at worst");
    }
}
