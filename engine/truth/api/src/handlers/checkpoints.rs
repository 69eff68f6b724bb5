//! Checkpoints, and the snapshots that they name.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hufu_contract::Hex;
use hufu_registry::{ChainSource, Scope};
use hufu_wire::IssuerId;

use super::octets;
use crate::clock::now;
use crate::extract::{Bearer, Ids, Octets, expect_type};
use crate::problem::{ApiProblem, Kind};
use crate::range::RequestedRange;
use crate::snapshots::{SnapshotFolder, UploadOutcome, sweep_issuer};
use crate::state::Api;

/// Who may read checkpoints and snapshots.
const READERS: [Scope; 4] = [Scope::Feed, Scope::Checkpoint, Scope::Confirm, Scope::Audit];

/// The newest checkpoint
///
/// 404 while there is none.
#[utoipa::path(get, path = "/v1/issuers/{issuer}/checkpoint", tag = "checkpoints",
    params(("issuer" = u32, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")),
    security(("bearer" = ["feed"]), ("bearer" = ["checkpoint"]), ("bearer" = ["confirm"]), ("bearer" = ["audit"])))]
pub(crate) async fn read(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
) -> Result<Response, ApiProblem> {
    let issuer = IssuerId(issuer);
    caller.may_one_of(&READERS, issuer)?;
    let checkpoint = api.registry.checkpoint(issuer).await?;
    let none = || ApiProblem::new(Kind::NotFound, format!("issuer {issuer} has no checkpoint yet"));
    checkpoint.map(octets).ok_or_else(none)
}

/// Hand in a checkpoint with both signatures
///
/// It must be at a set of the chain here. One that is not newer than the one there is changes nothing.
#[utoipa::path(put, path = "/v1/issuers/{issuer}/checkpoint", tag = "checkpoints",
    params(("issuer" = u32, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 204)),
    security(("bearer" = ["checkpoint"])))]
pub(crate) async fn put(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    Octets(checkpoint): Octets,
) -> Result<StatusCode, ApiProblem> {
    api.registry.put_checkpoint(&caller, IssuerId(issuer), &checkpoint, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A snapshot by its digest
///
/// One `Range` is answered with 206, so that a transfer that broke goes on where it was.
#[utoipa::path(get, path = "/v1/issuers/{issuer}/snapshots/{digest}", tag = "checkpoints",
    params(("issuer" = u32, Path), ("digest" = String, Path, description = "64 hex digits"),
        ("range" = Option<String>, Header, description = "one range of bytes; others are passed over")),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, body = Vec<u8>, content_type = "application/octet-stream",
            headers(("content-range" = String)))),
    security(("bearer" = ["feed"]), ("bearer" = ["checkpoint"]), ("bearer" = ["confirm"]), ("bearer" = ["audit"])))]
pub(crate) async fn read_snapshot(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, digest)): Ids<(u32, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    let issuer = IssuerId(issuer);
    caller.may_one_of(&READERS, issuer)?;
    let digest = digest_of(&digest)?;
    let kept = folder(&api)?.get(issuer, &digest).await?;
    let (tag, bytes) = (format!("\"{digest}\""), kept.bytes());
    let (status, range, first, count) = match RequestedRange::of(&headers, &tag, bytes) {
        RequestedRange::Whole => (StatusCode::OK, None, 0, bytes),
        RequestedRange::Part { first, last } => {
            let range = format!("bytes {first}-{last}/{bytes}");
            (StatusCode::PARTIAL_CONTENT, Some(range), first, last - first + 1)
        }
        RequestedRange::Beyond => {
            let problem = ApiProblem::new(Kind::BeyondEnd, format!("the snapshot has {bytes} bytes"));
            return Ok(([(header::CONTENT_RANGE, format!("bytes */{bytes}"))], problem).into_response());
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, count.to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, tag),
    ];
    let range = range.map(|range| [(header::CONTENT_RANGE, range)]);
    Ok((status, headers, range, kept.into_body(first, count).await?).into_response())
}

/// Hand in a snapshot before the checkpoint that names it
///
/// It is kept when its bytes have the digest of the path; `wrong-digest` otherwise. One that is here already stays as it
/// is. A snapshot that no checkpoint names is dropped after a while.
#[utoipa::path(put, path = "/v1/issuers/{issuer}/snapshots/{digest}", tag = "checkpoints",
    params(("issuer" = u32, Path), ("digest" = String, Path, description = "64 hex digits")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 204)),
    security(("bearer" = ["checkpoint"])))]
pub(crate) async fn put_snapshot(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, digest)): Ids<(u32, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiProblem> {
    let issuer = IssuerId(issuer);
    caller.may(Scope::Checkpoint, issuer)?;
    expect_type(&headers, "application/octet-stream")?;
    let digest = digest_of(&digest)?;
    api.registry.issuer(&caller, issuer).await?;
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let folder = folder(&api)?;
    // What no checkpoint names any more makes room first.
    sweep_issuer(folder, &api.registry, issuer, now()).await?;
    if folder.put(issuer, &digest, length, body.into_data_stream()).await? == UploadOutcome::Kept {
        api.registry.note_snapshot(&caller, issuer, &digest.0, now()).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn digest_of(text: &str) -> Result<Hex<32>, ApiProblem> {
    text.parse().map_err(|fault| ApiProblem::new(Kind::MalformedPath, format!("the digest: {fault}")))
}

fn folder(api: &Api) -> Result<&SnapshotFolder, ApiProblem> {
    api.snapshots.as_ref().ok_or_else(|| {
        ApiProblem::new(
            Kind::NotFound,
            "this registry stores no snapshots: the operator must configure a folder",
        )
    })
}
