//! Verdicts by site and decision, in a fixed amount of memory.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hufu_wire::{Decision, SiteId};

/// Sites that are counted one by one: 32 KB a worker. Verdicts of further sites are counted together.
const SITES_MAX: usize = 1024;
const _: () = assert!(SITES_MAX.is_power_of_two());

/// Places that are looked at for one site. Within this distance a table that is half full has a free one.
const PROBES: usize = 16;

/// Verdicts of one site: admitted, referred, refused, as [`Decision`] numbers them from 1.
pub(crate) type ByDecision = [AtomicU64; 3];

/// A table that one worker writes and any thread may read. All Relaxed: each number stands alone, and a reader that
/// sees a place before its count reads 0.
pub(crate) struct SiteCounts {
    /// The site of each place plus one; 0 is a free place.
    sites: Box<[AtomicU64; SITES_MAX]>,
    counts: Box<[ByDecision]>,
    others: ByDecision,
}

impl Default for SiteCounts {
    fn default() -> SiteCounts {
        SiteCounts {
            sites: Box::new([const { AtomicU64::new(0) }; SITES_MAX]),
            counts: (0..SITES_MAX).map(|_| none()).collect(),
            others: none(),
        }
    }
}

impl SiteCounts {
    /// Counts one verdict. Only the worker that owns the table calls this.
    pub(crate) fn count(&self, site: SiteId, decision: Decision) {
        let count = &self.of(site)[decision as usize - 1];
        count.store(count.load(Relaxed).wrapping_add(1), Relaxed);
    }

    fn of(&self, site: SiteId) -> &ByDecision {
        let wanted = u64::from(site.0) + 1;
        // Fibonacci hashing: neighbouring numbers are spread over the table.
        let begin = (site.0.wrapping_mul(0x9E37_79B9) >> (u32::BITS - SITES_MAX.ilog2())) as usize;
        for probe in 0..PROBES {
            let place = (begin + probe) % SITES_MAX;
            match self.sites[place].load(Relaxed) {
                found if found == wanted => return &self.counts[place],
                0 => {
                    self.sites[place].store(wanted, Relaxed);
                    return &self.counts[place];
                }
                _ => {}
            }
        }
        &self.others
    }

    /// Every site that has a place, with its verdicts; `None` is all other sites.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Option<SiteId>, [u64; 3])> {
        let placed = self.sites.iter().zip(&*self.counts).filter_map(|(site, counts)| {
            let site = site.load(Relaxed).checked_sub(1)?;
            Some((u32::try_from(site).ok().map(SiteId), counts))
        });
        placed
            .chain([(None, &self.others)])
            .map(|(site, counts)| (site, counts.each_ref().map(|n| n.load(Relaxed))))
    }
}

const fn none() -> ByDecision {
    [const { AtomicU64::new(0) }; 3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_site_is_counted_alone_and_further_ones_together() {
        let counts = SiteCounts::default();
        counts.count(SiteId(0), Decision::Refuse);
        for _ in 0..2 {
            counts.count(SiteId(310_101), Decision::Admit);
        }
        counts.count(SiteId(310_101), Decision::Refer);
        let mut seen: Vec<_> = counts.each().collect();
        seen.sort_unstable();
        assert_eq!(
            seen,
            [(None, [0, 0, 0]), (Some(SiteId(0)), [0, 0, 1]), (Some(SiteId(310_101)), [2, 1, 0])]
        );

        for site in 0..10_000 {
            counts.count(SiteId(site), Decision::Admit);
        }
        let all: u64 = counts.each().map(|(_, by)| by[0]).sum();
        assert_eq!(all, 10_002, "none is lost when the table is full");
        assert!(counts.each().count() <= SITES_MAX + 1);
        let others = counts.each().find(|(site, _)| site.is_none()).unwrap();
        assert!(others.1[0] > 8_000, "{others:?}");
    }
}
