//! The chain, handed out: once, in pages, or for ever as it grows.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use hufu_contract::{Frame, FrameKind};
use hufu_contract::{Hex, Tip};
use hufu_registry::{ChainSource, Fault, Registry, Scope};
use hufu_wire::{HolderIndex, IssuerId, Sequence};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, octets};
use crate::clock::now;
use crate::convert::Convert as _;
use crate::extract::{Bearer, Ids, QueryArgs, bearer};
use crate::limits;
use crate::problem::{ApiProblem, Kind};
use crate::state::Api;

/// The headers that say which set a page of statuses takes into account.
const TIP_SEQUENCE: &str = "hufu-tip-sequence";
const TIP_DIGEST: &str = "hufu-tip-digest";

/// How often a feed's token is looked at again.
const TOKEN_CHECKED_EVERY: Duration = Duration::from_secs(10);

/// Which sets.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Sets {
    /// The last sequence that the caller has; from the first set when absent.
    after: Option<u64>,
    /// How many bytes at most beyond the first set; 1 MiB when absent, at most 8 MiB.
    bytes_max: Option<u32>,
}

/// From where a feed begins.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// The last sequence that the caller has; from the first set when absent.
    after: Option<u64>,
}

/// Which statuses.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Range {
    /// The first holder; 0 when absent.
    from: Option<u32>,
    /// How many at most; 65,536 when absent. Below 1 counts as 1, above 65,536 as 65,536.
    limit: Option<u32>,
}

/// Where a chain ends
#[utoipa::path(get, path = "/v1/issuers/{issuer}/tip", tag = "chain", params(("issuer" = u32, Path)),
    responses((status = 200, body = Tip)),
    security(("bearer" = ["feed"]), ("bearer" = ["propose"]), ("bearer" = ["confirm"]), ("bearer" = ["audit"])))]
pub(crate) async fn tip(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
) -> Answer<Tip> {
    let tip = api.registry.tip(&caller, IssuerId(issuer)).await?;
    Ok(Json(Tip { now_ms: Some(now().0), ..tip.convert() }))
}

/// A signed head of this moment
#[utoipa::path(get, path = "/v1/issuers/{issuer}/head", tag = "chain", params(("issuer" = u32, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")),
    security(("bearer" = ["feed"]), ("bearer" = ["audit"])))]
pub(crate) async fn head(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
) -> Result<Response, ApiProblem> {
    let issuer = IssuerId(issuer);
    caller.may_one_of(&[Scope::Feed, Scope::Audit], issuer)?;
    Ok(octets(api.registry.head_at(issuer, now()).await?.to_vec()))
}

/// One change set
#[utoipa::path(get, path = "/v1/issuers/{issuer}/sets/{sequence}", tag = "chain",
    params(("issuer" = u32, Path), ("sequence" = u64, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")),
    security(("bearer" = ["feed"]), ("bearer" = ["audit"])))]
pub(crate) async fn set(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, sequence)): Ids<(u32, u64)>,
) -> Result<Response, ApiProblem> {
    Ok(octets(api.registry.set(&caller, IssuerId(issuer), Sequence(sequence)).await?.bytes))
}

/// Change sets in order, framed
///
/// At least one if there is one. Ask again after the last; an empty body is the end of the chain.
#[utoipa::path(get, path = "/v1/issuers/{issuer}/sets", tag = "chain", params(("issuer" = u32, Path), Sets),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")),
    security(("bearer" = ["feed"]), ("bearer" = ["audit"])))]
pub(crate) async fn sets(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    QueryArgs(which): QueryArgs<Sets>,
) -> Result<Response, ApiProblem> {
    let issuer = IssuerId(issuer);
    caller.may_one_of(&[Scope::Feed, Scope::Audit], issuer)?;
    let bytes_max = which.bytes_max.unwrap_or(1 << 20).min(limits::SETS_BYTES_MAX);
    let after = Sequence(which.after.unwrap_or(0));
    let sets = api.registry.sets(issuer, after, bytes_max as usize).await?;
    if sets.is_empty() {
        // An issuer that is not here must not look like one at its end.
        api.registry.issuer(&caller, issuer).await?;
    }
    let mut frames = BytesMut::new();
    for set in &sets {
        Frame::put(FrameKind::ChangeSet, &set.bytes, &mut frames);
    }
    Ok(octets(frames.freeze()))
}

/// The chain as it grows, framed, without end
///
/// A head at once and every second, every set after `after` in order and at once when it is appended, the newest
/// checkpoint. An engine far behind is offered a checkpoint first, and the sets all the same.
#[utoipa::path(get, path = "/v1/issuers/{issuer}/feed", tag = "chain", params(("issuer" = u32, Path), After),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")),
    security(("bearer" = ["feed"])))]
pub(crate) async fn feed(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    QueryArgs(after): QueryArgs<After>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let issuer = IssuerId(issuer);
    caller.may(Scope::Feed, issuer)?;
    let share = api.feeds.take(caller.label().into()).ok_or_else(|| {
        ApiProblem::new(Kind::TooMany, "this token has reached its limit of feeds: use another token")
    })?;
    let feed = api.hub.subscribe(issuer, after.after.unwrap_or(0)).await?;
    let token = bearer(&headers).unwrap_or_default().to_owned();
    let body = feed.into_body(lapsed(Arc::clone(&api.registry), token), share);
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, body).into_response())
}

/// Until the token has ended or was revoked: a feed outlives the request that opened it.
async fn lapsed(registry: Arc<Registry>, token: String) {
    loop {
        tokio::time::sleep(TOKEN_CHECKED_EVERY).await;
        if let Err(Fault::Unauthenticated) = registry.authenticate(&token, now()).await {
            return;
        }
    }
}

/// Status words, by rising holder
///
/// 12 bytes each, little-endian: holder 4, word 8. Only words that are not all zero. Which set they take into
/// account is in the headers `hufu-tip-sequence` and `hufu-tip-digest`. Leaves a line in the trail.
#[utoipa::path(get, path = "/v1/issuers/{issuer}/statuses", tag = "chain",
    params(("issuer" = u32, Path), Range),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream",
        headers(("hufu-tip-sequence" = u64), ("hufu-tip-digest" = String)))),
    security(("bearer" = ["audit"])))]
pub(crate) async fn statuses(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    QueryArgs(range): QueryArgs<Range>,
) -> Result<Response, ApiProblem> {
    let limit = range.limit.unwrap_or(limits::STATUSES_MAX).clamp(1, limits::STATUSES_MAX);
    let from = HolderIndex(range.from.unwrap_or(0));
    let statuses = api.registry.statuses(&caller, IssuerId(issuer), from, limit, now()).await?;
    let mut body = BytesMut::with_capacity(statuses.words.len() * 12);
    for (holder, word) in &statuses.words {
        body.extend_from_slice(&holder.0.to_le_bytes());
        body.extend_from_slice(&word.to_bits().to_le_bytes());
    }
    let tip = [
        (TIP_SEQUENCE, statuses.tip.sequence.to_string()),
        (TIP_DIGEST, Hex(statuses.tip.digest.0).to_string()),
    ];
    Ok((tip, octets(body.freeze())).into_response())
}
