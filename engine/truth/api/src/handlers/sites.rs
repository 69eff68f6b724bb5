//! Sites and their policies.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hufu_contract::{Site, SiteEdit, Sites};
use hufu_wire::SiteId;

use super::Answer;
use crate::clock::now;
use crate::convert::Convert;
use crate::extract::{Bearer, Ids, JsonBody};
use crate::problem::ApiProblem;
use crate::state::Api;

/// Every site
#[utoipa::path(get, path = "/v1/sites", tag = "sites", responses((status = 200, body = Sites)),
    security(("bearer" = ["sites"]), ("bearer" = ["audit"])))]
pub(crate) async fn list(State(api): State<Api>, Bearer(caller): Bearer) -> Answer<Sites> {
    let sites = api.registry.sites(&caller).await?;
    Ok(Json(Sites { sites: sites.into_iter().map(Convert::convert).collect() }))
}

/// Every site as an engine's `sites.toml`
#[utoipa::path(get, path = "/v1/sites.toml", tag = "sites",
    responses((status = 200, body = String, content_type = "application/toml")),
    security(("bearer" = ["sites"]), ("bearer" = ["audit"])))]
pub(crate) async fn toml(State(api): State<Api>, Bearer(caller): Bearer) -> Result<Response, ApiProblem> {
    let text = api.registry.sites_toml(&caller).await?;
    Ok(([(header::CONTENT_TYPE, "application/toml")], text).into_response())
}

/// One site
#[utoipa::path(get, path = "/v1/sites/{site}", tag = "sites", params(("site" = u32, Path)),
    responses((status = 200, body = Site)), security(("bearer" = ["sites"]), ("bearer" = ["audit"])))]
pub(crate) async fn read(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(site): Ids<u32>,
) -> Answer<Site> {
    Ok(Json(api.registry.site(&caller, SiteId(site)).await?.convert()))
}

/// Add a site or replace it
///
/// A policy that engines would refuse is refused here, with its line and key.
#[utoipa::path(put, path = "/v1/sites/{site}", tag = "sites", params(("site" = u32, Path)),
    request_body = SiteEdit, responses((status = 200, body = Site)), security(("bearer" = ["sites"])))]
pub(crate) async fn put(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(site): Ids<u32>,
    JsonBody(edit): JsonBody<SiteEdit>,
) -> Answer<Site> {
    let site = hufu_registry::Site { id: SiteId(site), name: edit.name, policy: edit.policy };
    api.registry.put_site(&caller, &site, now()).await?;
    Ok(Json(site.convert()))
}

/// Remove a site that never had devices and has no rosters
#[utoipa::path(delete, path = "/v1/sites/{site}", tag = "sites", params(("site" = u32, Path)),
    responses((status = 204)), security(("bearer" = ["sites"])))]
pub(crate) async fn remove(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(site): Ids<u32>,
) -> Result<StatusCode, ApiProblem> {
    api.registry.remove_site(&caller, SiteId(site), now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
