//! Families: relatives bound to users, and codes printed for them (R27).

use axum::Json;
use axum::extract::State;
use hufu_contract::{
    BindRelative, Binding, BindingId, Bindings, Commitments, EndBinding, IssueFamilyCode, Issued, Side,
};
use hufu_wire::{HolderIndex, IssuerId, limits as rules};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Answer;
use crate::clock::now;
use crate::convert::Convert as _;
use crate::extract::{Bearer, Ids, JsonBody, QueryArgs};
use crate::families::{application, binding, commitments as texts};
use crate::limits;
use crate::problem::{ApiProblem, Kind};
use crate::state::Api;

/// Whose bindings: a user's or a relative's.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Whose {
    /// The relatives of this holder.
    user: Option<u32>,
    /// The users of this holder.
    relative: Option<u32>,
    /// The last id of the page before.
    after: Option<u64>,
    /// How many at most; 100 when absent. Below 1 counts as 1, above 1000 as 1000.
    limit: Option<u32>,
}

/// Bind a relative to a user
///
/// Both must be registered. The relative is 16 and under or 60 and over on the day of application; up to 6 years a signed
/// commitment is sent, else the statement of a face check. A user has at most 8 relatives, a relative at most 3 users (409).
/// The same application again is the same binding. `detail` is for the applicant to read.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/families", tag = "families", params(("issuer" = u32, Path)),
    request_body = BindRelative, responses((status = 200, body = Binding)),
    security(("bearer" = ["families"])))]
pub(crate) async fn bind(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    JsonBody(wanted): JsonBody<BindRelative>,
) -> Answer<Binding> {
    let issuer = IssuerId(issuer);
    let bound = api.registry.bind(&caller, issuer, &application(wanted), now()).await?;
    Ok(Json(binding(issuer, bound)))
}

/// The bindings of a user or of a relative, ended ones too
#[utoipa::path(get, path = "/v1/issuers/{issuer}/families", tag = "families",
    params(("issuer" = u32, Path), Whose), responses((status = 200, body = Bindings)),
    security(("bearer" = ["families"])))]
pub(crate) async fn list(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    QueryArgs(whose): QueryArgs<Whose>,
) -> Answer<Bindings> {
    let issuer = IssuerId(issuer);
    let side = match (whose.user, whose.relative) {
        (Some(user), None) => (Side::User, HolderIndex(user)),
        (None, Some(relative)) => (Side::Relative, HolderIndex(relative)),
        _ => return Err(ApiProblem::new(Kind::MalformedQuery, "give either `user` or `relative`")),
    };
    let limit = whose.limit.unwrap_or(limits::PAGE_DEFAULT).clamp(1, limits::PAGE_MAX);
    let page = (BindingId(whose.after.unwrap_or(0)), limit);
    let bindings = api.registry.bindings(&caller, issuer, side, page, now()).await?;
    Ok(Json(Bindings { bindings: bindings.into_iter().map(|view| binding(issuer, view)).collect() }))
}

/// A binding
#[utoipa::path(get, path = "/v1/issuers/{issuer}/families/{binding}", tag = "families",
    params(("issuer" = u32, Path), ("binding" = u64, Path)), responses((status = 200, body = Binding)),
    security(("bearer" = ["families"])))]
pub(crate) async fn read(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, id)): Ids<(u32, u64)>,
) -> Answer<Binding> {
    let issuer = IssuerId(issuer);
    Ok(Json(binding(issuer, api.registry.binding(&caller, issuer, BindingId(id), now()).await?)))
}

/// End a binding from one of its sides
///
/// 409 within 24 hours of making it; `detail` says from when. Codes that were printed go on until they expire.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/families/{binding}/end", tag = "families",
    params(("issuer" = u32, Path), ("binding" = u64, Path)), request_body = EndBinding,
    responses((status = 200, body = Binding)), security(("bearer" = ["families"])))]
pub(crate) async fn end(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, id)): Ids<(u32, u64)>,
    JsonBody(EndBinding { by }): JsonBody<EndBinding>,
) -> Answer<Binding> {
    let issuer = IssuerId(issuer);
    Ok(Json(binding(issuer, api.registry.end_binding(&caller, issuer, BindingId(id), by, now()).await?)))
}

/// Issue a family code to print
///
/// It is the relative's, and never outlives the binding. It is not stored: if it is lost, issue another.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/families/{binding}/codes", tag = "families",
    params(("issuer" = u32, Path), ("binding" = u64, Path)), request_body = IssueFamilyCode,
    responses((status = 200, body = Issued)), security(("bearer" = ["families"])))]
pub(crate) async fn issue(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, id)): Ids<(u32, u64)>,
    JsonBody(wanted): JsonBody<IssueFamilyCode>,
) -> Answer<Issued> {
    let valid_s = wanted.valid_s.unwrap_or(rules::PAPER_VALIDITY_S_MAX);
    let (issuer, id) = (IssuerId(issuer), BindingId(id));
    Ok(Json(api.registry.issue_family_code(&caller, issuer, id, valid_s, now()).await?.convert()))
}

/// The texts of the commitment for children up to 6 years
#[utoipa::path(get, path = "/v1/issuers/{issuer}/commitments", tag = "families", params(("issuer" = u32, Path)),
    responses((status = 200, body = Commitments)), security(("bearer" = ["families"])))]
pub(crate) async fn commitments(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
) -> Answer<Commitments> {
    Ok(Json(texts(api.registry.commitments(&caller, IssuerId(issuer))?)))
}
