//! `POST /check` in axum: `{"site": 100100, "code": "HF1:…"}` in, a verdict as JSON out.

use std::sync::Arc;

use ::axum::extract::State;
use ::axum::http::StatusCode;
use ::axum::routing::post;
use ::axum::serve::ListenerExt as _;
use ::axum::{Json, Router};
use hufu_fixtures::golden::names;
use hufu_wire::{Age, SiteId, UnixMillis};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::rules::{Outcome, Rules};
use super::statuses::Statuses;
use crate::moment;

/// What all requests share.
#[derive(Clone)]
struct Shared<S> {
    rules: Arc<Rules>,
    statuses: S,
}

#[derive(Deserialize)]
struct Check {
    site: u32,
    code: String,
}

/// What a sealed verdict carries, in JSON.
#[derive(Serialize)]
struct Answer {
    decision: &'static str,
    reason: &'static str,
    colour: Option<&'static str>,
    kind: Option<&'static str>,
    server_time_ms: u64,
    age_ms: Option<u32>,
    clock_offset_s: i32,
}

/// Serves until the process ends.
pub(super) async fn serve<S: Statuses>(
    listener: TcpListener,
    rules: Arc<Rules>,
    statuses: S,
) -> anyhow::Result<()> {
    let app = Router::new().route("/check", post(check::<S>)).with_state(Shared { rules, statuses });
    // Small answers must not wait for the acknowledgement of earlier ones.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    Ok(::axum::serve(listener, app).await?)
}

async fn check<S: Statuses>(
    State(shared): State<Shared<S>>,
    Json(Check { site, code }): Json<Check>,
) -> Result<Json<Answer>, StatusCode> {
    let now = moment::now_ms();
    let outcome = match shared.rules.read(now, SiteId(site), code.as_bytes()) {
        Ok(present) => {
            let status = shared.statuses.get(present.issuer, present.holder).await;
            present.decide(status.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?)
        }
        Err(reason) => Outcome::refused(reason),
    };
    Ok(Json(Answer::of(now, &outcome)))
}

impl Answer {
    fn of(now: UnixMillis, outcome: &Outcome) -> Answer {
        Answer {
            decision: names::decision(outcome.decision),
            reason: outcome.reason.slug(),
            colour: outcome.status.colour().map(names::colour),
            kind: outcome.kind.map(names::kind),
            server_time_ms: now.0,
            age_ms: match outcome.age {
                Age::Unknown => None,
                Age::Millis(age_ms) => Some(age_ms),
            },
            clock_offset_s: outcome.clock_offset_s,
        }
    }
}
