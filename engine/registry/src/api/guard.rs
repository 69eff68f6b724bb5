//! Around every request but feeds and snapshots: no more at once than there is room for, none for ever, and no panic
//! that takes a connection along.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use super::problem::{ApiProblem, Kind};
use super::state::Api;

/// Answers within the time there is, or with a problem.
pub(super) async fn bounded(State(api): State<Api>, request: Request, next: Next) -> Response {
    let Ok(_room) = Arc::clone(&api.room).try_acquire_owned() else {
        return ApiProblem::new(Kind::Busy, "too many requests at once: come back in a second")
            .into_response();
    };
    let time = Duration::from_millis(api.request_ms_max);
    let Ok(response) = tokio::time::timeout(time, next.run(request)).await else {
        return ApiProblem::new(Kind::Slow, "it may have been carried out: look before sending it again")
            .into_response();
    };
    response
}

/// Turns a panic into a problem: a fault of ours is no reason to cut off others.
pub(super) async fn caught(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let Ok(response) = AssertUnwindSafe(next.run(request)).catch_unwind().await else {
        tracing::error!(%method, %path, "a handler panicked");
        return ApiProblem::new(Kind::Internal, "the operator finds the cause in the registry's log")
            .into_response();
    };
    response
}

/// No such path.
pub(super) async fn unknown(request: Request) -> ApiProblem {
    ApiProblem::new(Kind::NotFound, format!("there is no {}: see /v1/openapi.json", request.uri().path()))
}

/// A path, and another method than it has. The answer's `Allow` names those it has.
pub(super) async fn other_method(method: Method) -> ApiProblem {
    ApiProblem::new(Kind::MethodNotAllowed, format!("{method} is not among what the header Allow names"))
}
