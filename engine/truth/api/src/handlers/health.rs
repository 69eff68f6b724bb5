//! Whether the registry works, and what it can do.

use axum::Json;
use axum::extract::State;
use hufu_contract::Health;

use super::Answer;
use crate::clock::now;
use crate::state::Api;

/// Whether the registry and its store answer
///
/// Needs no token. 503 when the store does not answer.
#[utoipa::path(get, path = "/v1/health", tag = "health", responses((status = 200, body = Health)))]
pub(crate) async fn read(State(api): State<Api>) -> Answer<Health> {
    api.registry.ready().await?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Json(Health { status: "ok".to_owned(), version, now_ms: now().0 }))
}
