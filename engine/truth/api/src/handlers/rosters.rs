//! Rosters: who a site may ask about at once (R12).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_contract::{Roster, RosterEdit, RosterSummary, Rosters, SignRoster};
use hufu_wire::SiteId;

use super::{Answer, octets};
use crate::clock::now;
use crate::convert::Convert;
use crate::extract::{Bearer, Ids, JsonBody};
use crate::problem::ApiProblem;
use crate::state::Api;

/// The rosters of a site
#[utoipa::path(get, path = "/v1/sites/{site}/rosters", tag = "rosters", params(("site" = u32, Path)),
    responses((status = 200, body = Rosters)), security(("bearer" = ["rosters"])))]
pub(crate) async fn list(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(site): Ids<u32>,
) -> Answer<Rosters> {
    let rosters = api.registry.rosters(&caller, SiteId(site)).await?;
    Ok(Json(Rosters { rosters: rosters.into_iter().map(Convert::convert).collect() }))
}

/// One roster with its members
#[utoipa::path(get, path = "/v1/sites/{site}/rosters/{name}", tag = "rosters",
    params(("site" = u32, Path), ("name" = String, Path)), responses((status = 200, body = Roster)),
    security(("bearer" = ["rosters"])))]
pub(crate) async fn read(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((site, name)): Ids<(u32, String)>,
) -> Answer<Roster> {
    Ok(Json(api.registry.roster(&caller, SiteId(site), &name, now()).await?.convert()))
}

/// Add a roster or replace it
#[utoipa::path(put, path = "/v1/sites/{site}/rosters/{name}", tag = "rosters",
    params(("site" = u32, Path), ("name" = String, Path)), request_body = RosterEdit,
    responses((status = 200, body = RosterSummary)), security(("bearer" = ["rosters"])))]
pub(crate) async fn put(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((site, name)): Ids<(u32, String)>,
    JsonBody(edit): JsonBody<RosterEdit>,
) -> Answer<RosterSummary> {
    let roster = hufu_registry::Roster::new(SiteId(site), name, edit.members())?;
    api.registry.put_roster(&caller, &roster, now()).await?;
    let members = u32::try_from(roster.len()).unwrap_or(u32::MAX);
    Ok(Json(RosterSummary { name: roster.name, members }))
}

/// Remove a roster
#[utoipa::path(delete, path = "/v1/sites/{site}/rosters/{name}", tag = "rosters",
    params(("site" = u32, Path), ("name" = String, Path)), responses((status = 204)),
    security(("bearer" = ["rosters"])))]
pub(crate) async fn remove(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((site, name)): Ids<(u32, String)>,
) -> Result<StatusCode, ApiProblem> {
    api.registry.remove_roster(&caller, SiteId(site), &name, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sign a roster for the site's terminals
#[utoipa::path(post, path = "/v1/sites/{site}/rosters/{name}/sign", tag = "rosters",
    params(("site" = u32, Path), ("name" = String, Path)), request_body = SignRoster,
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")),
    security(("bearer" = ["rosters"])))]
pub(crate) async fn sign(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((site, name)): Ids<(u32, String)>,
    JsonBody(wanted): JsonBody<SignRoster>,
) -> Result<Response, ApiProblem> {
    Ok(octets(api.registry.sign_roster(&caller, SiteId(site), &name, wanted.valid_s, now()).await?))
}
