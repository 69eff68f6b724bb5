//! Every route, with how much its body may have.

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::{Extension, Router};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::document::{self, Document};
use super::handlers::{
    appeals, chain, checkpoints, credentials, devices, facts, families, health, holders, issuers, phones,
    proposals, rosters, sites, statuses, tokens, trail, trips,
};
use super::state::Api;
use super::{guard, limits};

/// The whole API.
pub(super) fn router(api: Api) -> Router {
    let bounded = from_fn_with_state(api.clone(), guard::bounded);
    let admitted = from_fn_with_state(api.clone(), guard::admitted);
    let (router, document) = OpenApiRouter::with_openapi(document::base())
        .merge(all_bounded().layer(bounded))
        .merge(unbounded())
        .layer(admitted)
        .split_for_parts();
    let json = document::finish(document).to_string();
    router
        .fallback(guard::unknown)
        .method_not_allowed_fallback(guard::other_method)
        .layer(Extension(Document(json.into())))
        .layer(from_fn_with_state(api.clone(), guard::counted))
        .layer(from_fn_with_state(api.clone(), guard::at_the_door))
        .with_state(api)
}

/// The document of [`router`], without a registry behind it.
pub(super) fn document() -> Value {
    let router = OpenApiRouter::with_openapi(document::base()).merge(all_bounded()).merge(unbounded());
    document::finish(router.into_openapi())
}

fn all_bounded() -> OpenApiRouter<Api> {
    small_json().merge(large_json()).merge(signed()).merge(small_signed()).merge(read_only())
}

fn small_json() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(issuers::put))
        .routes(routes!(holders::find))
        .routes(routes!(holders::correct))
        .routes(routes!(holders::join))
        .routes(routes!(holders::part))
        .routes(routes!(credentials::issue, credentials::list))
        .routes(routes!(credentials::certify_abroad))
        .routes(routes!(phones::invite))
        .routes(routes!(families::bind, families::list))
        .routes(routes!(families::end))
        .routes(routes!(families::issue))
        .routes(routes!(sites::read, sites::put, sites::remove))
        .routes(routes!(devices::add))
        .routes(routes!(rosters::sign))
        .routes(routes!(tokens::add, tokens::list))
        .routes(routes!(appeals::open, appeals::list))
        .routes(routes!(appeals::review))
        .routes(routes!(appeals::decide))
        .routes(routes!(appeals::withdraw))
        .routes(routes!(trips::put, trips::read, trips::cancel))
        .layer(DefaultBodyLimit::max(limits::JSON_BYTES_MAX))
}

fn large_json() -> OpenApiRouter<Api> {
    let holders = OpenApiRouter::new()
        .routes(routes!(holders::register))
        .routes(routes!(holders::look_up))
        .routes(routes!(statuses::look))
        .routes(routes!(facts::open))
        .routes(routes!(facts::put_paper, facts::paper))
        .layer(DefaultBodyLimit::max(limits::HOLDERS_JSON_BYTES_MAX));
    let rosters = OpenApiRouter::new()
        .routes(routes!(rosters::read, rosters::put, rosters::remove))
        .layer(DefaultBodyLimit::max(limits::ROSTER_JSON_BYTES_MAX));
    let trips = OpenApiRouter::new()
        .routes(routes!(trips::put_all))
        .layer(DefaultBodyLimit::max(limits::TRIPS_JSON_BYTES_MAX));
    let facts = OpenApiRouter::new()
        .routes(routes!(facts::add))
        .layer(DefaultBodyLimit::max(limits::FACTS_JSON_BYTES_MAX));
    holders.merge(rosters).merge(trips).merge(facts)
}

fn signed() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(proposals::propose, proposals::list))
        .routes(routes!(proposals::confirm))
        .layer(DefaultBodyLimit::max(limits::SET_BYTES_MAX))
}

fn small_signed() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(proposals::release))
        .routes(routes!(checkpoints::read, checkpoints::put))
        .layer(DefaultBodyLimit::max(limits::SMALL_BYTES_MAX))
}

/// What takes no body. A feed is bounded until it begins.
fn read_only() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(document::read))
        .routes(routes!(issuers::list))
        .routes(routes!(holders::read))
        .routes(routes!(statuses::history))
        .routes(routes!(statuses::rules))
        .routes(routes!(facts::changes))
        .routes(routes!(facts::papers))
        .routes(routes!(credentials::terms))
        .routes(routes!(phones::list))
        .routes(routes!(phones::end))
        .routes(routes!(families::read))
        .routes(routes!(families::commitments))
        .routes(routes!(sites::list))
        .routes(routes!(sites::toml))
        .routes(routes!(devices::list))
        .routes(routes!(devices::read))
        .routes(routes!(devices::revoke))
        .routes(routes!(devices::renew))
        .routes(routes!(rosters::list))
        .routes(routes!(proposals::read))
        .routes(routes!(proposals::instruction))
        .routes(routes!(proposals::withdraw))
        .routes(routes!(chain::tip))
        .routes(routes!(chain::head))
        .routes(routes!(chain::set))
        .routes(routes!(chain::sets))
        .routes(routes!(chain::feed))
        .routes(routes!(chain::statuses))
        .routes(routes!(appeals::figures))
        .routes(routes!(appeals::read))
        .routes(routes!(tokens::revoke))
        .routes(routes!(trail::read))
        .routes(routes!(trail::end))
        .routes(routes!(trips::ended))
        .layer(DefaultBodyLimit::max(0))
}

/// Health answers also when there is no room. Snapshots take their time and bound themselves.
fn unbounded() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(health::read))
        .routes(routes!(checkpoints::read_snapshot, checkpoints::put_snapshot))
}
