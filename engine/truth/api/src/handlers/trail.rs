//! The trail: who did what (R44).

use axum::Json;
use axum::extract::State;
use hufu_contract::{Trail, TrailEnd};

use super::{Answer, Page};
use crate::clock::now;
use crate::convert::Convert;
use crate::extract::{Bearer, QueryArgs};
use crate::state::Api;

/// The trail, by rising number
///
/// Reading it leaves a line, too.
#[utoipa::path(get, path = "/v1/trail", tag = "trail", params(Page), responses((status = 200, body = Trail)),
    security(("bearer" = ["audit"])))]
pub(crate) async fn read(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    QueryArgs(page): QueryArgs<Page>,
) -> Answer<Trail> {
    let noted = api.registry.trail(&caller, page.after.unwrap_or(0), page.limit(), now()).await?;
    Ok(Json(Trail { entries: noted.into_iter().map(Convert::convert).collect() }))
}

/// Where the trail ends
///
/// Note it, and hand it to the next audit: lines that were removed from the end are found by nothing else.
#[utoipa::path(get, path = "/v1/trail/end", tag = "trail", responses((status = 200, body = TrailEnd)),
    security(("bearer" = ["audit"])))]
pub(crate) async fn end(State(api): State<Api>, Bearer(caller): Bearer) -> Answer<TrailEnd> {
    Ok(Json(api.registry.trail_end(&caller).await?.convert()))
}
