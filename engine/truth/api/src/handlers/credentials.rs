//! Credentials: issued, listed.

use axum::Json;
use axum::extract::State;
use hufu_contract::{CertifyAbroad, Credentials, IssueCredential, Issued, NotedAbroad, Terms};
use hufu_wire::{HolderIndex, IssuerId};

use super::{Answer, Page};
use crate::clock::now;
use crate::convert::Convert;
use crate::extract::{Bearer, Ids, JsonBody, QueryArgs};
use crate::state::Api;

/// What a phone makes its step tree for
///
/// Good for two minutes; the phone sends them back with the root of its tree.
#[utoipa::path(get, path = "/v1/issuers/{issuer}/holders/{holder}/terms", tag = "credentials",
    params(("issuer" = u32, Path), ("holder" = u32, Path)), responses((status = 200, body = Terms)),
    security(("bearer" = ["credentials"])))]
pub(crate) async fn terms(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, holder)): Ids<(u32, u32)>,
) -> Answer<Terms> {
    let terms = api.registry.terms(&caller, IssuerId(issuer), HolderIndex(holder), now()).await?;
    Ok(Json(terms.convert()))
}

/// Issue a credential
///
/// It is not stored: if the holder loses it, issue another.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/holders/{holder}/credentials", tag = "credentials",
    params(("issuer" = u32, Path), ("holder" = u32, Path)), request_body = IssueCredential,
    responses((status = 200, body = Issued)), security(("bearer" = ["credentials"])))]
pub(crate) async fn issue(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, holder)): Ids<(u32, u32)>,
    JsonBody(wanted): JsonBody<IssueCredential>,
) -> Answer<Issued> {
    let wanted = wanted.convert();
    let issued = api.registry.issue(&caller, IssuerId(issuer), HolderIndex(holder), &wanted, now()).await?;
    Ok(Json(issued.convert()))
}

/// What was issued to a holder
#[utoipa::path(get, path = "/v1/issuers/{issuer}/holders/{holder}/credentials", tag = "credentials",
    params(("issuer" = u32, Path), ("holder" = u32, Path), Page),
    responses((status = 200, body = Credentials)), security(("bearer" = ["credentials"])))]
pub(crate) async fn list(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, holder)): Ids<(u32, u32)>,
    QueryArgs(page): QueryArgs<Page>,
) -> Answer<Credentials> {
    let (issuer, holder) = (IssuerId(issuer), HolderIndex(holder));
    let range = (page.after.unwrap_or(0), page.limit());
    let credentials = api.registry.credentials(&caller, issuer, holder, range, now()).await?;
    Ok(Json(Credentials { credentials: credentials.into_iter().map(Convert::convert).collect() }))
}

/// Compare a certificate for abroad with what is known, and note it
///
/// 409 when the holder is another person, or the dose or test is not known. The
/// certificate is signed by the authority's own tool after this, and never here.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/holders/{holder}/abroad", tag = "credentials",
    params(("issuer" = u32, Path), ("holder" = u32, Path)), request_body = CertifyAbroad,
    responses((status = 200, body = NotedAbroad)), security(("bearer" = ["holders"])))]
pub(crate) async fn certify_abroad(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, holder)): Ids<(u32, u32)>,
    JsonBody(wanted): JsonBody<CertifyAbroad>,
) -> Answer<NotedAbroad> {
    let (issuer, holder) = (IssuerId(issuer), HolderIndex(holder));
    let display = api.registry.certify_abroad(&caller, issuer, holder, &wanted, now()).await?;
    Ok(Json(NotedAbroad { display }))
}
