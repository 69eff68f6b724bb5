//! On the metrics page: how far back the engine's cluster keys reach.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use hufu_files::moment;
use hufu_transport::{Exhibit, Family, Values};
use hufu_wire::UnixSeconds;

/// What the engine has now. Relaxed: each number stands alone.
#[derive(Debug, Default)]
pub(super) struct ClusterAge {
    secrets_from_s: AtomicU32,
    chains: AtomicU32,
}

impl ClusterAge {
    /// Notes from when on the cluster's secrets are, and how many chains it has.
    pub(super) fn note(&self, secrets_from: UnixSeconds, chains: u32) {
        self.secrets_from_s.store(secrets_from.0, Relaxed);
        self.chains.store(chains, Relaxed);
    }
}

impl Exhibit for ClusterAge {
    fn families(&self) -> Vec<Family> {
        let now = i64::from(moment::now().seconds().0);
        let back = now - i64::from(self.secrets_from_s.load(Relaxed));
        let level =
            |name, help, value| Family { name, help, values: Values::Levels(vec![(Vec::new(), value)]) };
        vec![
            level(
                "cluster_secrets_seconds",
                "How far back the secrets of the cluster keys reach, seconds",
                back,
            ),
            level(
                "cluster_chains",
                "Key chains of the cluster: 2 while a newer one takes over",
                self.chains.load(Relaxed).into(),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b10_the_page_says_how_far_back_the_clusters_secrets_reach() {
        let age = ClusterAge::default();
        age.note(UnixSeconds(moment::now().seconds().0 - 1000), 2);
        let values: Vec<_> = age
            .families()
            .into_iter()
            .map(|family| match family.values {
                Values::Levels(values) => (family.name, values[0].1),
                other => panic!("{other:?}"),
            })
            .collect();
        let [(_, back), chains] = values[..] else { panic!("{values:?}") };
        assert!((1000..=1010).contains(&back), "{values:?}");
        assert_eq!(chains, ("cluster_chains", 2));
    }
}
