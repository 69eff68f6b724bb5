//! A registry's figures on a metrics page.

use std::sync::Arc;

use hufu_api::{ChainFigures, FigureSource};
use hufu_transport::{Exhibit, Family, Values};

/// What the page shows.
pub(crate) struct RegistryFigures(pub(crate) Arc<FigureSource>);

impl Exhibit for RegistryFigures {
    fn families(&self) -> Vec<Family> {
        let figures = self.0.figures();
        let level = |count: u64| Values::Levels(vec![(Vec::new(), i64::try_from(count).unwrap_or(i64::MAX))]);
        let issuer = |chain: &ChainFigures| vec![("issuer", chain.issuer.to_string())];
        let requests = figures.requests.iter().map(|(class, status, count)| {
            (vec![("class", class.clone()), ("status", status.to_string())], *count)
        });
        let refusals =
            figures.refusals.iter().map(|(cause, count)| (vec![("cause", (*cause).to_owned())], *count));
        let sequences = figures
            .chains
            .iter()
            .map(|chain| (issuer(chain), i64::try_from(chain.sequence).unwrap_or(i64::MAX)));
        // A chain without a set has no age: absent is not zero.
        let ages = figures.chains.iter().filter_map(|chain| Some((issuer(chain), chain.age?.as_secs_f64())));
        let family = |name, help, values| Family { name, help, values };
        vec![
            family(
                "registry_requests",
                "Answers, by class of route and status",
                Values::Counts(requests.collect()),
            ),
            family(
                "registry_refusals",
                "Refusals, by name of the problem or why a connection was closed",
                Values::Counts(refusals.collect()),
            ),
            family("registry_connections", "Connections open", level(figures.connections as u64)),
            family("registry_feeds", "Feeds that are followed", level(figures.feeds as u64)),
            family("registry_snapshot_bytes", "Bytes of kept snapshots", level(figures.snapshot_bytes)),
            family(
                "registry_store_up",
                "1 when the store answered within the last ten seconds",
                level(u64::from(figures.store_answers)),
            ),
            family("registry_chain_sequence", "Last set of the chain", Values::Levels(sequences.collect())),
            family(
                "registry_chain_age_seconds",
                "Time since the last set was confirmed",
                Values::Seconds(ages.collect()),
            ),
            family("registry_trail_lines", "Number of the trail's last line", level(figures.trail_lines)),
            family("registry_tokens", "Tokens that may be used", level(figures.tokens)),
        ]
    }

    fn not_ready(&self) -> Vec<String> {
        let is_silent = !self.0.figures().store_answers;
        is_silent.then(|| "the store does not answer".to_owned()).into_iter().collect()
    }
}
