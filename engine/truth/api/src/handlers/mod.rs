//! What each route does: take the request apart, ask the registry, say the answer. Rules are the registry's.

pub(super) mod appeals;
pub(super) mod chain;
pub(super) mod checkpoints;
pub(super) mod credentials;
pub(super) mod devices;
pub(super) mod facts;
pub(super) mod families;
pub(super) mod health;
pub(super) mod holders;
pub(super) mod issuers;
pub(super) mod phones;
pub(super) mod proposals;
pub(super) mod rosters;
pub(super) mod sites;
pub(super) mod statuses;
pub(super) mod tokens;
pub(super) mod trail;
pub(super) mod trips;

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use utoipa::IntoParams;

use super::limits;
use super::problem::ApiProblem;

/// What a handler that answers with JSON gives back.
type Answer<T> = Result<Json<T>, ApiProblem>;

/// Which page of a list.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// The last id or number of the page before; from the beginning when absent.
    after: Option<u64>,
    /// How many at most; 100 when absent. Below 1 counts as 1, above 1000 as 1000.
    limit: Option<u32>,
}

impl Page {
    fn limit(self) -> u32 {
        self.limit.unwrap_or(limits::PAGE_DEFAULT).clamp(1, limits::PAGE_MAX)
    }
}

/// Bytes as they were signed.
fn octets(bytes: impl Into<Bytes>) -> Response {
    ([(header::CONTENT_TYPE, "application/octet-stream")], bytes.into()).into_response()
}
