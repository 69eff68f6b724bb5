//! Whose source of truth this is.

use axum::Json;
use axum::extract::State;
use hufu_contract::{Issuer, IssuerEdit, Issuers};
use hufu_wire::IssuerId;

use super::Answer;
use crate::clock::now;
use crate::convert::{self, Convert};
use crate::extract::{Bearer, Ids, JsonBody};
use crate::state::Api;

/// The issuers that the token may ask about
#[utoipa::path(get, path = "/v1/issuers", tag = "issuers", responses((status = 200, body = Issuers)),
    security(("bearer" = [])))]
pub(crate) async fn list(State(api): State<Api>, Bearer(caller): Bearer) -> Answer<Issuers> {
    let issuers = api.registry.issuers(&caller).await?;
    Ok(Json(Issuers { issuers: issuers.into_iter().map(Convert::convert).collect() }))
}

/// Add an issuer, or change its name, publisher and brake
///
/// Its national platform never changes: engines are configured with it.
#[utoipa::path(put, path = "/v1/issuers/{issuer}", tag = "issuers", params(("issuer" = u32, Path)),
    request_body = IssuerEdit, responses((status = 200, body = Issuer)), security(("bearer" = ["admin"])))]
pub(crate) async fn put(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    JsonBody(edit): JsonBody<IssuerEdit>,
) -> Answer<Issuer> {
    let issuer = convert::issuer(IssuerId(issuer), edit);
    api.registry.put_issuer(&caller, &issuer, now()).await?;
    Ok(Json(issuer.convert()))
}
