//! Proposals: an instruction handed in, confirmed, released, withdrawn (R21).

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hufu_contract::{Confirmed, Proposal, ProposalPhase, Proposals};
use hufu_registry::ProposalId;
use hufu_registry::chain::Appended;
use hufu_registry::store::ProposalFilter;
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, octets};
use crate::clock::now;
use crate::convert::{self, Convert as _};
use crate::extract::{Bearer, Ids, Octets, QueryArgs};
use crate::limits;
use crate::problem::{ApiProblem, Kind};
use crate::state::Api;

/// Which proposals.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only those in this state.
    #[param(inline)]
    state: Option<ProposalPhase>,
    /// Only those that name this holder.
    holder: Option<u32>,
    /// Only those that came in at this time or later, milliseconds since 1970.
    since_ms: Option<u64>,
    /// Only those that came in before this time.
    until_ms: Option<u64>,
    /// The last id of the page before.
    after: Option<u64>,
    /// How many at most; 100 when absent. Below 1 counts as 1, above 1000 as 1000.
    limit: Option<u32>,
}

/// Hand in an instruction
///
/// The body is the signed instruction. The same content twice is one proposal.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/proposals", tag = "proposals",
    params(("issuer" = u32, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Proposal)), security(("bearer" = ["propose"])))]
pub(crate) async fn propose(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    Octets(instruction): Octets,
) -> Answer<Proposal> {
    let issuer = IssuerId(issuer);
    Ok(Json(convert::proposal(issuer, api.registry.propose(&caller, issuer, &instruction, now()).await?)))
}

/// Proposals, by rising id
#[utoipa::path(get, path = "/v1/issuers/{issuer}/proposals", tag = "proposals",
    params(("issuer" = u32, Path), Which), responses((status = 200, body = Proposals)),
    security(("bearer" = ["propose"]), ("bearer" = ["confirm"]), ("bearer" = ["audit"])))]
pub(crate) async fn list(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    QueryArgs(which): QueryArgs<Which>,
) -> Answer<Proposals> {
    let issuer = IssuerId(issuer);
    let limit = which.limit.unwrap_or(limits::PAGE_DEFAULT).clamp(1, limits::PAGE_MAX);
    let after = which.after.map(ProposalId);
    let filter = ProposalFilter {
        phase: which.state,
        holder: which.holder.map(HolderIndex),
        since: which.since_ms.map(UnixMillis),
        until: which.until_ms.map(UnixMillis),
    };
    let proposals = api.registry.proposals(&caller, issuer, &filter, (after, limit), now()).await?;
    let proposals = proposals.into_iter().map(|proposal| convert::proposal(issuer, proposal)).collect();
    Ok(Json(Proposals { proposals }))
}

/// One proposal
#[utoipa::path(get, path = "/v1/issuers/{issuer}/proposals/{proposal}", tag = "proposals",
    params(("issuer" = u32, Path), ("proposal" = u64, Path)), responses((status = 200, body = Proposal)),
    security(("bearer" = ["propose"]), ("bearer" = ["confirm"]), ("bearer" = ["audit"])))]
pub(crate) async fn read(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, proposal)): Ids<(u32, u64)>,
) -> Answer<Proposal> {
    let issuer = IssuerId(issuer);
    let proposal = api.registry.proposal(&caller, issuer, ProposalId(proposal), now()).await?;
    Ok(Json(convert::proposal(issuer, proposal)))
}

/// A proposal's instruction as it was handed in
#[utoipa::path(get, path = "/v1/issuers/{issuer}/proposals/{proposal}/instruction", tag = "proposals",
    params(("issuer" = u32, Path), ("proposal" = u64, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")),
    security(("bearer" = ["propose"]), ("bearer" = ["confirm"]), ("bearer" = ["audit"])))]
pub(crate) async fn instruction(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, proposal)): Ids<(u32, u64)>,
) -> Result<Response, ApiProblem> {
    Ok(octets(api.registry.instruction(&caller, IssuerId(issuer), ProposalId(proposal)).await?))
}

/// Confirm a proposal
///
/// The body is the whole change set with both signatures. 409 `moved` when the chain has grown since: confirm again
/// for the place after `tip`. 409 `braked` when too many would be set back: release it, then send the same again.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/proposals/{proposal}/confirmation", tag = "proposals",
    params(("issuer" = u32, Path), ("proposal" = u64, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Confirmed)), security(("bearer" = ["confirm"])))]
pub(crate) async fn confirm(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, proposal)): Ids<(u32, u64)>,
    Octets(set): Octets,
) -> Answer<Confirmed> {
    let appended = api.registry.confirm(&caller, IssuerId(issuer), ProposalId(proposal), &set, now()).await?;
    match appended {
        Appended::Appended { sequence, committed } => {
            Ok(Json(Confirmed { sequence: sequence.0, committed_us: Some(committed.0) }))
        }
        Appended::Duplicate { sequence } => Ok(Json(Confirmed { sequence: sequence.0, committed_us: None })),
        Appended::Moved { tip } => Err(ApiProblem::moved(tip.convert())),
        Appended::Braked(alarm) => Err(ApiProblem::braked(alarm.convert())),
        Appended::Closed(phase) => {
            Err(ApiProblem::new(Kind::Conflict, format!("proposal {proposal} is {phase} and cannot change")))
        }
        Appended::Joined(holder) => Err(ApiProblem::new(
            Kind::Conflict,
            format!(
                "holder {holder} was joined into another holder since it was proposed: withdraw proposal {proposal}"
            ),
        )),
        Appended::Unproposed => {
            Err(ApiProblem::new(Kind::NotFound, format!("there is no proposal {proposal}: submit it first")))
        }
    }
}

/// Release a proposal that the brake holds
///
/// The body is the national platform's signed release.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/proposals/{proposal}/release", tag = "proposals",
    params(("issuer" = u32, Path), ("proposal" = u64, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Proposal)), security(("bearer" = ["confirm"])))]
pub(crate) async fn release(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, proposal)): Ids<(u32, u64)>,
    Octets(release): Octets,
) -> Answer<Proposal> {
    let issuer = IssuerId(issuer);
    let proposal = api.registry.release(&caller, issuer, ProposalId(proposal), &release, now()).await?;
    Ok(Json(convert::proposal(issuer, proposal)))
}

/// Take a proposal back
#[utoipa::path(post, path = "/v1/issuers/{issuer}/proposals/{proposal}/withdraw", tag = "proposals",
    params(("issuer" = u32, Path), ("proposal" = u64, Path)), responses((status = 200, body = Proposal)),
    security(("bearer" = ["propose"])))]
pub(crate) async fn withdraw(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, proposal)): Ids<(u32, u64)>,
) -> Answer<Proposal> {
    let issuer = IssuerId(issuer);
    let proposal = api.registry.withdraw(&caller, issuer, ProposalId(proposal), now()).await?;
    Ok(Json(convert::proposal(issuer, proposal)))
}
