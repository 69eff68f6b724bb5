//! Everything that pages show, of one second: made once for all readers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hufu_contract::{AppealFigures, Brake, Proposal};

use crate::alarms::Alarm;
use crate::ends::End;
use crate::engine::Decisions;
use crate::history::History;

/// One second of everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// Rises by one each second.
    pub(crate) number: u64,
    pub(crate) engines: Vec<EngineState>,
    pub(crate) registries: Vec<RegistryState>,
    pub(crate) issuers: BTreeMap<u32, IssuerState>,
    pub(crate) sites: BTreeMap<u32, SiteState>,
    pub(crate) devices: BTreeMap<u32, DeviceState>,
    /// Whether any engine's live events are read: without them devices are not seen.
    pub(crate) sees_devices: bool,
    /// By the time that is left.
    pub(crate) ends: Vec<End>,
    /// The worst first.
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) history: History,
}

/// An engine.
#[derive(Clone, Debug, Default)]
pub(crate) struct EngineState {
    pub(crate) name: String,
    /// For how long it has not answered; then nothing else is said of it.
    pub(crate) silent: Option<Duration>,
    pub(crate) version: String,
    pub(crate) is_ready: bool,
    pub(crate) has_failed_records: bool,
    /// Verdicts in the last second.
    pub(crate) checks: Option<u64>,
    /// For how long its live events have been away; none where they come or are not read.
    pub(crate) events_silent: Option<Duration>,
}

/// A registry.
#[derive(Clone, Debug, Default)]
pub(crate) struct RegistryState {
    pub(crate) name: String,
    pub(crate) silent: Option<Duration>,
    pub(crate) version: String,
    pub(crate) store_is_up: Option<bool>,
}

/// An issuer as engines and registries know it.
#[derive(Clone, Debug, Default)]
pub(crate) struct IssuerState {
    pub(crate) name: String,
    pub(crate) ends: Vec<ChainEnd>,
    /// For each engine that follows its chain: how old its data is, seconds; none: it never heard of the issuer.
    pub(crate) ages: Vec<(String, Option<f64>)>,
    pub(crate) is_forked: bool,
    /// Of the first registry that says so.
    pub(crate) brake: Option<Brake>,
    /// Open ones, those that the brake holds first; none where no registry shows them to us.
    pub(crate) proposals: Option<Vec<Proposal>>,
    pub(crate) appeals: Option<AppealFigures>,
}

/// Where a chain ends for one engine or registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainEnd {
    pub(crate) source: String,
    pub(crate) sequence: u64,
    /// Hexadecimal.
    pub(crate) digest: String,
}

/// Whether ends of one chain are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// Every source has the same end, or only one has the chain.
    Equal,
    /// Some are not yet where others are, as is usual for a moment after each set.
    Behind,
    /// Two sources have other content at the same place.
    Differs,
}

impl IssuerState {
    /// Compares the ends.
    pub(crate) fn agreement(&self) -> Agreement {
        let sequences: BTreeSet<_> = self.ends.iter().map(|end| end.sequence).collect();
        let ends: BTreeSet<_> = self.ends.iter().map(|end| (end.sequence, &end.digest)).collect();
        match (sequences.len(), ends.len()) {
            (sequences, ends) if ends > sequences => Agreement::Differs,
            (0 | 1, _) => Agreement::Equal,
            _ => Agreement::Behind,
        }
    }

    /// The oldest age of any engine; none where one never heard of it.
    pub(crate) fn worst_age_s(&self) -> Option<f64> {
        self.ages.iter().map(|(_, age)| *age).try_fold(0.0, |worst: f64, age| age.map(|age| worst.max(age)))
    }
}

/// A site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SiteState {
    pub(crate) name: String,
    /// Verdicts since the engines began.
    pub(crate) verdicts: Decisions,
    /// Verdicts in the last minute.
    pub(crate) minute: u64,
    pub(crate) devices: usize,
    /// Devices that were seen and are quiet now.
    pub(crate) offline: usize,
}

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeviceState {
    pub(crate) name: String,
    pub(crate) site: u32,
    pub(crate) lanes: Vec<u16>,
    /// For how long it asked nothing; none: it has not asked since the console began.
    pub(crate) quiet: Option<Duration>,
    pub(crate) verdicts: Decisions,
    pub(crate) is_revoked: bool,
}

/// A device that asked nothing for so long is shown as offline. Gates renew their session and ask more often by day.
pub(crate) const OFFLINE: Duration = Duration::from_secs(15 * 60);

impl DeviceState {
    /// Whether it was seen and is quiet.
    pub(crate) fn is_offline(&self) -> bool {
        !self.is_revoked && self.quiet.is_some_and(|quiet| quiet >= OFFLINE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r61_ends_of_a_chain_are_equal_behind_or_different() {
        let check = |ends: &[(u64, &str)], is: Agreement| {
            let ends = ends.iter().map(|(sequence, digest)| ChainEnd {
                source: "e".to_owned(),
                sequence: *sequence,
                digest: (*digest).to_owned(),
            });
            let issuer = IssuerState { ends: ends.collect(), ..IssuerState::default() };
            assert_eq!(issuer.agreement(), is, "{issuer:?}");
        };
        check(&[], Agreement::Equal);
        check(&[(7, "ab")], Agreement::Equal);
        check(&[(7, "ab"), (7, "ab")], Agreement::Equal);
        check(&[(7, "ab"), (8, "cd")], Agreement::Behind);
        check(&[(7, "ab"), (7, "cd")], Agreement::Differs);
        check(&[(8, "ef"), (7, "ab"), (7, "cd")], Agreement::Differs);
    }
}
