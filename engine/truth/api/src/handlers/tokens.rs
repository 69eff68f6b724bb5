//! Tokens: made, listed, revoked.

use axum::Json;
use axum::extract::State;
use hufu_contract::{NewToken, Token, TokenMade, Tokens};
use hufu_registry::TokenId;

use super::Answer;
use crate::clock::now;
use crate::convert::Convert;
use crate::extract::{Bearer, Ids, JsonBody};
use crate::state::Api;

/// Make a token
///
/// Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", request_body = NewToken,
    responses((status = 200, body = TokenMade)), security(("bearer" = ["admin"])))]
pub(crate) async fn add(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    JsonBody(new): JsonBody<NewToken>,
) -> Answer<TokenMade> {
    let (token, secret) = api.registry.add_token(&caller, &new.convert(), now()).await?;
    Ok(Json(TokenMade { secret: secret.as_str().to_owned(), token: token.convert() }))
}

/// Every token there is or was
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", responses((status = 200, body = Tokens)),
    security(("bearer" = ["admin"])))]
pub(crate) async fn list(State(api): State<Api>, Bearer(caller): Bearer) -> Answer<Tokens> {
    let tokens = api.registry.tokens(&caller).await?;
    Ok(Json(Tokens { tokens: tokens.into_iter().map(Convert::convert).collect() }))
}

/// Revoke a token
///
/// Feeds that it opened end within ten seconds.
#[utoipa::path(delete, path = "/v1/tokens/{token}", tag = "tokens", params(("token" = u64, Path)),
    responses((status = 200, body = Token)), security(("bearer" = ["admin"])))]
pub(crate) async fn revoke(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(token): Ids<u64>,
) -> Answer<Token> {
    Ok(Json(api.registry.revoke_token(&caller, TokenId(token), now()).await?.convert()))
}
