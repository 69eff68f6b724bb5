//! What the API does beside its requests: it reports refusals, drops snapshots that no checkpoint names and places of old itineraries, and looks at the
//! store for the metrics page.

use std::sync::Arc;
use std::time::Duration;

use hufu_registry::STRANGERS;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::clock::now;
use super::figures::{FigureSource, LOOK};
use super::snapshots::sweep_all;
use super::state::Api;

/// How often snapshots and old facts are swept; snapshots beside each upload too.
const SWEEP: Duration = Duration::from_secs(3600);

/// Runs until the server stops.
pub(super) async fn run(
    api: Api,
    figures: Arc<FigureSource>,
    refusals_every: Duration,
    mut stopping: watch::Receiver<bool>,
) {
    let [mut report, mut look, mut sweep] = [refusals_every, LOOK, SWEEP].map(unhurried);
    loop {
        tokio::select! {
            () = stopped(&mut stopping) => break,
            _ = report.tick() => report_refusals(&api).await,
            _ = look.tick() => figures.look().await,
            _ = sweep.tick() => {
                if let Err(fault) = api.registry.forget_facts(now()).await {
                    tracing::warn!(%fault, "places of itineraries whose time has passed cannot be deleted");
                }
                if let Some(folder) = &api.snapshots {
                    sweep_all(folder, &api.registry, now()).await;
                }
            },
        }
    }
    report_refusals(&api).await;
}

/// Ticks so often, the first time at once. What was missed is not caught up with. Called within a tokio runtime.
pub(super) fn unhurried(every: Duration) -> Interval {
    let mut every = interval(every);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    every
}

pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Fails when the server is gone.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// One line for each caller that was refused something since the last time, and one for all without a token.
async fn report_refusals(api: &Api) {
    for refusals in api.meters.take_unreported() {
        let who = refusals.who.as_deref().unwrap_or(STRANGERS);
        tracing::warn!(who, what = refusals.what, "requests were refused");
        if let Err(fault) = api.registry.note_refusals(who, &refusals.what, now()).await {
            tracing::warn!(%fault, "refusals cannot be written to the trail");
        }
    }
}
