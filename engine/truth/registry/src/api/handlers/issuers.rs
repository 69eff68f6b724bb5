//! Whose source of truth this is.

use axum::Json;
use axum::extract::State;
use hufu_wire::IssuerId;

use super::Answer;
use crate::api::clock::now;
use crate::api::extract::{Bearer, Ids, JsonBody};
use crate::api::state::Api;
use crate::api::types::{Issuer, IssuerEdit, Issuers};

/// The issuers that the token may ask about
#[utoipa::path(get, path = "/v1/issuers", tag = "issuers", responses((status = 200, body = Issuers)),
    security(("bearer" = [])))]
pub(in crate::api) async fn list(State(api): State<Api>, Bearer(caller): Bearer) -> Answer<Issuers> {
    let issuers = api.registry.issuers(&caller).await?;
    Ok(Json(Issuers { issuers: issuers.into_iter().map(Issuer::from).collect() }))
}

/// Add an issuer, or change its name, publisher and brake
///
/// Its national platform never changes: engines are configured with it.
#[utoipa::path(put, path = "/v1/issuers/{issuer}", tag = "issuers", params(("issuer" = u32, Path)),
    request_body = IssuerEdit, responses((status = 200, body = Issuer)), security(("bearer" = ["admin"])))]
pub(in crate::api) async fn put(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    JsonBody(edit): JsonBody<IssuerEdit>,
) -> Answer<Issuer> {
    let issuer = edit.into_domain(IssuerId(issuer));
    api.registry.put_issuer(&caller, &issuer, now()).await?;
    Ok(Json(issuer.into()))
}
