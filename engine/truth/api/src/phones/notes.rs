//! What is noted of phones beside their requests: when they renewed, and how often they asked about their holders.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hufu_contract::PhoneName;
use hufu_registry::PHONES;
use hufu_wire::{IssuerId, UnixMillis};
use tokio::sync::watch;

use super::Phones;
use crate::clock::now;
use crate::upkeep::{stopped, unhurried};

/// What waits to be written.
#[derive(Debug, Default)]
pub(super) struct Notes {
    waiting: Mutex<Waiting>,
    renewals: AtomicU64,
    pauses: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    renewed: BTreeMap<PhoneName, UnixMillis>,
    asked: BTreeMap<IssuerId, u64>,
}

/// How often the times of renewals are written: a transaction for thousands instead of one each.
const RENEWALS: Duration = Duration::from_secs(5);
/// How often the trail gets a line of how often holders read their own data.
const ASKED: Duration = Duration::from_secs(3600);
/// Renewals of one transaction.
const RENEWALS_MAX: usize = 4096;
/// The shortest time after which a phone is to come back, seconds, and how many seconds those times are spread over.
const PAUSE_S: (u64, u64) = (5, 55);

impl Notes {
    /// A phone got a credential.
    pub(super) fn renewed(&self, name: PhoneName, at: UnixMillis) {
        // Relaxed: a count that is only shown.
        self.renewals.fetch_add(1, Ordering::Relaxed);
        self.waiting().renewed.insert(name, at);
    }

    /// A phone read its holder's data.
    pub(super) fn asked(&self, issuer: IssuerId) {
        *self.waiting().asked.entry(issuer).or_default() += 1;
    }

    /// Credentials that phones got since the start.
    pub(super) fn renewals(&self) -> u64 {
        self.renewals.load(Ordering::Relaxed)
    }

    /// After how many seconds a phone comes back that is turned away: another number for each.
    pub(super) fn pause_s(&self) -> u64 {
        // 34 steps on is farthest from those before: 34 and 55 are neighbours in Fibonacci's numbers.
        PAUSE_S.0 + self.pauses.fetch_add(34, Ordering::Relaxed) % PAUSE_S.1
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // Each change is whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what waits, and tells refusals, until the server stops.
pub(super) async fn keep(state: Arc<Phones>, refusals: Duration, mut stopping: watch::Receiver<bool>) {
    let [mut renewals, mut asked, mut report] = [RENEWALS, ASKED, refusals].map(unhurried);
    loop {
        tokio::select! {
            () = stopped(&mut stopping) => break,
            _ = renewals.tick() => write_renewals(&state).await,
            _ = asked.tick() => write_asked(&state).await,
            _ = report.tick() => report_refusals(&state).await,
        }
    }
    write_renewals(&state).await;
    write_asked(&state).await;
    report_refusals(&state).await;
}

async fn write_renewals(state: &Phones) {
    let renewed: Vec<_> = std::mem::take(&mut state.notes.waiting().renewed).into_iter().collect();
    for some in renewed.chunks(RENEWALS_MAX) {
        if let Err(fault) = state.registry.note_renewals(some).await {
            // The trail has a line for each credential; what is lost is a time that a clerk is shown.
            tracing::warn!(%fault, count = some.len(), "times of renewals cannot be written");
        }
    }
}

async fn write_asked(state: &Phones) {
    let asked = std::mem::take(&mut state.notes.waiting().asked);
    for (issuer, times) in asked {
        if let Err(fault) = state.registry.note_phones_asked(issuer, times, now()).await {
            tracing::warn!(%fault, times, "reads by holders cannot be written to the trail");
            *state.notes.waiting().asked.entry(issuer).or_default() += times;
        }
    }
}

async fn report_refusals(state: &Phones) {
    for refusals in state.meters.take_unreported() {
        tracing::warn!(what = refusals.what, "requests of phones were refused");
        if let Err(fault) = state.registry.note_refusals(PHONES, &refusals.what, now()).await {
            tracing::warn!(%fault, "refusals of phones cannot be written to the trail");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r46_phones_that_are_turned_away_come_back_at_different_times() {
        let notes = Notes::default();
        let mut pauses: Vec<_> = (0..55).map(|_| notes.pause_s()).collect();
        pauses.sort_unstable();
        assert_eq!(pauses, (5..60).collect::<Vec<_>>(), "each second once");
    }
}
