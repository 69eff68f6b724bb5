//! Tokens: made, listed, revoked.

use axum::Json;
use axum::extract::State;

use super::Answer;
use crate::TokenId;
use crate::api::clock::now;
use crate::api::extract::{Bearer, Ids, JsonBody};
use crate::api::state::Api;
use crate::api::types::{NewToken, Token, TokenMade, Tokens};

/// Make a token
///
/// Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", request_body = NewToken,
    responses((status = 200, body = TokenMade)), security(("bearer" = ["admin"])))]
pub(in crate::api) async fn add(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    JsonBody(new): JsonBody<NewToken>,
) -> Answer<TokenMade> {
    let (token, secret) = api.registry.add_token(&caller, &new.into(), now()).await?;
    Ok(Json(TokenMade { secret: secret.as_str().to_owned(), token: token.into() }))
}

/// Every token there is or was
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", responses((status = 200, body = Tokens)),
    security(("bearer" = ["admin"])))]
pub(in crate::api) async fn list(State(api): State<Api>, Bearer(caller): Bearer) -> Answer<Tokens> {
    let tokens = api.registry.tokens(&caller).await?;
    Ok(Json(Tokens { tokens: tokens.into_iter().map(Token::from).collect() }))
}

/// Revoke a token
///
/// Feeds that it opened end within ten seconds.
#[utoipa::path(delete, path = "/v1/tokens/{token}", tag = "tokens", params(("token" = u64, Path)),
    responses((status = 200, body = Token)), security(("bearer" = ["admin"])))]
pub(in crate::api) async fn revoke(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(token): Ids<u64>,
) -> Answer<Token> {
    Ok(Json(api.registry.revoke_token(&caller, TokenId(token), now()).await?.into()))
}
