//! What anybody may know.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use hufu_contract::{PhoneAbout, PhoneIssuer};
use hufu_wire::limits;
use tokio::sync::Mutex;

use super::Phones;
use crate::clock::now;
use crate::problem::ApiProblem;

/// Issuers as they were when the store was last asked: a flood of this asks it no more often.
#[derive(Debug, Default)]
pub(super) struct About(Mutex<Option<(Instant, Vec<PhoneIssuer>)>>);

/// How long they are told as they are.
const KEPT: Duration = Duration::from_secs(10);

/// Answers what a phone may know before it is one.
pub(super) async fn about(State(state): State<Arc<Phones>>) -> Result<Json<PhoneAbout>, ApiProblem> {
    Ok(Json(PhoneAbout {
        issuers: issuers(&state).await?,
        now_ms: now().0,
        zone: state.registry.zone().to_owned(),
        valid_s: limits::PHONE_VALIDITY_S_MAX,
    }))
}

async fn issuers(state: &Phones) -> Result<Vec<PhoneIssuer>, ApiProblem> {
    let mut kept = state.about.0.lock().await;
    if let Some((asked, issuers)) = &*kept
        && asked.elapsed() < KEPT
    {
        return Ok(issuers.clone());
    }
    let issuers = state.registry.known_issuers().await?.into_iter();
    let issuers: Vec<_> =
        issuers.map(|issuer| PhoneIssuer { issuer: issuer.id.0, name: issuer.name }).collect();
    *kept = Some((Instant::now(), issuers.clone()));
    Ok(issuers)
}
