//! Appeals: taken in, reviewed, decided, told (R29).

use axum::Json;
use axum::extract::State;
use hufu_contract::{
    Appeal, AppealFigures, AppealPhase, AppealTold, AppealWords, Appeals, DecideAppeal, NewAppeal,
};
use hufu_registry::store::AppealFilter;
use hufu_registry::{AppealId, AppealRequest, AppealRuling, AppealSaid, NamedProposal, ProposalId};
use hufu_wire::chain::ContentDigest;
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Answer;
use crate::clock::now;
use crate::convert::Convert;
use crate::extract::{Bearer, Ids, JsonBody, QueryArgs};
use crate::limits;
use crate::problem::{ApiProblem, Kind};
use crate::state::Api;

/// Which appeals.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only those in this state.
    #[param(inline)]
    state: Option<AppealPhase>,
    /// Only those of this holder.
    holder: Option<u32>,
    /// Only those that are undecided and due.
    overdue: Option<bool>,
    /// The last id of the page before.
    after: Option<u64>,
    /// How many at most; 100 when absent. Below 1 counts as 1, above 1000 as 1000.
    limit: Option<u32>,
}

/// Which time.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Within {
    /// From this time on, milliseconds since 1970; from the beginning when absent.
    from_ms: Option<u64>,
    /// Up to this time, and not at it; up to now when absent.
    until_ms: Option<u64>,
}

/// Take an appeal in
///
/// 409 when the holder is green, has an appeal about the same that is not over, or was rejected in both instances. After
/// one rejection the same appeal again is the second instance.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/appeals", tag = "appeals",
    params(("issuer" = u32, Path)), request_body = NewAppeal, responses((status = 200, body = Appeal)),
    security(("bearer" = ["appeals"])))]
pub(crate) async fn open(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    JsonBody(new): JsonBody<NewAppeal>,
) -> Answer<Appeal> {
    let NewAppeal { holder, against, channel, words, check } = new;
    let said = AppealSaid { words, check };
    let request = AppealRequest { holder: HolderIndex(holder), against, channel, said };
    let (issuer, now) = (IssuerId(issuer), now());
    let appeal = api.registry.open_appeal(&caller, issuer, &request, now).await?;
    Ok(Json((issuer, appeal, now).convert()))
}

/// Appeals, by rising id
#[utoipa::path(get, path = "/v1/issuers/{issuer}/appeals", tag = "appeals",
    params(("issuer" = u32, Path), Which), responses((status = 200, body = Appeals)),
    security(("bearer" = ["appeals"])))]
pub(crate) async fn list(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    QueryArgs(which): QueryArgs<Which>,
) -> Answer<Appeals> {
    let (issuer, now) = (IssuerId(issuer), now());
    let limit = which.limit.unwrap_or(limits::PAGE_DEFAULT).clamp(1, limits::PAGE_MAX);
    let filter = AppealFilter {
        phase: which.state,
        holder: which.holder.map(HolderIndex),
        overdue: which.overdue.unwrap_or(false).then_some(now),
    };
    let page = (which.after.map(AppealId), limit);
    let appeals = api.registry.appeals(&caller, issuer, &filter, page, now).await?;
    Ok(Json(Appeals { appeals: appeals.into_iter().map(|appeal| (issuer, appeal, now).convert()).collect() }))
}

/// What became of the appeals of a time
#[utoipa::path(get, path = "/v1/issuers/{issuer}/appeals/figures", tag = "appeals",
    params(("issuer" = u32, Path), Within), responses((status = 200, body = AppealFigures)),
    security(("bearer" = ["appeals"]), ("bearer" = ["audit"])))]
pub(crate) async fn figures(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    QueryArgs(within): QueryArgs<Within>,
) -> Answer<AppealFigures> {
    let now = now();
    let times = [UnixMillis(within.from_ms.unwrap_or(0)), within.until_ms.map_or(now, UnixMillis)];
    let figures = api.registry.appeal_figures(&caller, IssuerId(issuer), times, now).await?;
    Ok(Json(figures.convert()))
}

/// An appeal with what the appellant said and every step
///
/// Leaves a line of the trail.
#[utoipa::path(get, path = "/v1/issuers/{issuer}/appeals/{appeal}", tag = "appeals",
    params(("issuer" = u32, Path), ("appeal" = u64, Path)), responses((status = 200, body = AppealTold)),
    security(("bearer" = ["appeals"])))]
pub(crate) async fn read(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, appeal)): Ids<(u32, u64)>,
) -> Answer<AppealTold> {
    let (issuer, now) = (IssuerId(issuer), now());
    let told = api.registry.appeal(&caller, issuer, AppealId(appeal), now).await?;
    let steps = told.steps.into_iter().map(Convert::convert).collect();
    let (words, check) = (told.said.words, told.said.check);
    Ok(Json(AppealTold { appeal: (issuer, told.appeal, now).convert(), words, check, steps }))
}

/// Take an appeal into review
///
/// The token needs the scope `history` too. 409 when its label took the appeal in, handed in the proposal that gave the
/// colour, or rejected the first instance; and when another reviews it and it is not overdue.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/appeals/{appeal}/review", tag = "appeals",
    params(("issuer" = u32, Path), ("appeal" = u64, Path)), request_body = AppealWords,
    responses((status = 200, body = Appeal)), security(("bearer" = ["appeals"])))]
pub(crate) async fn review(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, appeal)): Ids<(u32, u64)>,
    JsonBody(AppealWords { words }): JsonBody<AppealWords>,
) -> Answer<Appeal> {
    let (issuer, now) = (IssuerId(issuer), now());
    let appeal = api.registry.review_appeal(&caller, issuer, AppealId(appeal), &words, now).await?;
    Ok(Json((issuer, appeal, now).convert()))
}

/// Decide an appeal that this token reviews
///
/// The token needs the scope `history` too. An accepted one against a colour names the proposal that gives the better
/// colour: it is carried out when both authorities have signed that.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/appeals/{appeal}/decision", tag = "appeals",
    params(("issuer" = u32, Path), ("appeal" = u64, Path)), request_body = DecideAppeal,
    responses((status = 200, body = Appeal)), security(("bearer" = ["appeals"])))]
pub(crate) async fn decide(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, appeal)): Ids<(u32, u64)>,
    JsonBody(ruling): JsonBody<DecideAppeal>,
) -> Answer<Appeal> {
    let proposal = match (ruling.proposal, ruling.content_digest) {
        (Some(_), Some(_)) => {
            return Err(ApiProblem::new(Kind::Invalid, "proposal: by number or by content, not both"));
        }
        (Some(number), None) => Some(NamedProposal::Number(ProposalId(number))),
        (None, Some(content)) => Some(NamedProposal::Content(ContentDigest(content.0))),
        (None, None) => None,
    };
    let ruling = AppealRuling { decision: ruling.decision, words: ruling.words, proposal };
    let (issuer, now) = (IssuerId(issuer), now());
    let appeal = api.registry.decide_appeal(&caller, issuer, AppealId(appeal), &ruling, now).await?;
    Ok(Json((issuer, appeal, now).convert()))
}

/// Take an appeal back for the appellant
#[utoipa::path(post, path = "/v1/issuers/{issuer}/appeals/{appeal}/withdraw", tag = "appeals",
    params(("issuer" = u32, Path), ("appeal" = u64, Path)), request_body = AppealWords,
    responses((status = 200, body = Appeal)), security(("bearer" = ["appeals"])))]
pub(crate) async fn withdraw(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, appeal)): Ids<(u32, u64)>,
    JsonBody(AppealWords { words }): JsonBody<AppealWords>,
) -> Answer<Appeal> {
    let (issuer, now) = (IssuerId(issuer), now());
    let appeal = api.registry.withdraw_appeal(&caller, issuer, AppealId(appeal), &words, now).await?;
    Ok(Json((issuer, appeal, now).convert()))
}
