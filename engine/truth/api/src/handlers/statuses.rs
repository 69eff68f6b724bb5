//! Statuses of holders: as they are before a change, and how they came to be.

use axum::Json;
use axum::extract::State;
use hufu_contract::{CurrentStatuses, History, LookAtHolders, Rule, Rules};
use hufu_wire::{HolderIndex, IssuerId, Sequence};

use super::{Answer, Page};
use crate::clock::now;
use crate::convert::{self, Convert};
use crate::extract::{Bearer, Ids, JsonBody, QueryArgs};
use crate::state::Api;

/// The statuses of holders, for an authority that changes them
///
/// In the order of the request. A holder who is not registered is among them, and says so.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/holders/statuses", tag = "statuses",
    params(("issuer" = u32, Path)), request_body = LookAtHolders, responses((status = 200, body = CurrentStatuses)),
    security(("bearer" = ["propose"]), ("bearer" = ["confirm"]), ("bearer" = ["audit"])))]
pub(crate) async fn look(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    JsonBody(sought): JsonBody<LookAtHolders>,
) -> Answer<CurrentStatuses> {
    let holders: Vec<_> = sought.holders.into_iter().map(HolderIndex).collect();
    let current = api.registry.current_statuses(&caller, IssuerId(issuer), &holders, now()).await?;
    Ok(Json(CurrentStatuses { holders: current.into_iter().map(Convert::convert).collect() }))
}

/// What the chain made of a holder, set by set, with rule and reason
#[utoipa::path(get, path = "/v1/issuers/{issuer}/holders/{holder}/history", tag = "statuses",
    params(("issuer" = u32, Path), ("holder" = u32, Path), Page), responses((status = 200, body = History)),
    security(("bearer" = ["history"])))]
pub(crate) async fn history(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, holder)): Ids<(u32, u32)>,
    QueryArgs(page): QueryArgs<Page>,
) -> Answer<History> {
    let after = (Sequence(page.after.unwrap_or(0)), page.limit());
    let entries = api.registry.history(&caller, IssuerId(issuer), HolderIndex(holder), after, now()).await?;
    let changes = entries.into_iter().map(|entry| {
        let rule_name = api.registry.rule_name(entry.rule);
        convert::history_entry(entry, rule_name)
    });
    Ok(Json(History { changes: changes.collect() }))
}

/// The rules that instructions may name
///
/// Empty when the operator lists none: then any rule is taken.
#[utoipa::path(get, path = "/v1/issuers/{issuer}/rules", tag = "statuses", params(("issuer" = u32, Path)),
    responses((status = 200, body = Rules)),
    security(("bearer" = ["propose"]), ("bearer" = ["confirm"]), ("bearer" = ["audit"]), ("bearer" = ["history"])))]
pub(crate) async fn rules(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
) -> Answer<Rules> {
    let rules = api.registry.rules(&caller, IssuerId(issuer))?;
    let rules = rules.iter().map(|(rule, name)| Rule { id: rule.0, name: name.clone() });
    Ok(Json(Rules { rules: rules.collect() }))
}
