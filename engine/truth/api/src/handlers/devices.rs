//! Verifier devices.

use axum::Json;
use axum::extract::State;
use hufu_contract::{Device, Devices, NewDevice};
use hufu_wire::{DeviceId, SiteId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Answer;
use crate::clock::now;
use crate::convert::Convert;
use crate::extract::{Bearer, Ids, JsonBody, QueryArgs};
use crate::limits;
use crate::state::Api;

/// Which devices.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only those of this site.
    site: Option<u32>,
    /// The last id of the page before.
    after: Option<u32>,
    /// How many at most; 100 when absent. Below 1 counts as 1, above 1000 as 1000.
    limit: Option<u32>,
}

/// Add a device to a site
///
/// Its certificate is made where the operator's CA is.
#[utoipa::path(post, path = "/v1/sites/{site}/devices", tag = "devices", params(("site" = u32, Path)),
    request_body = NewDevice, responses((status = 200, body = Device)), security(("bearer" = ["devices"])))]
pub(crate) async fn add(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(site): Ids<u32>,
    JsonBody(new): JsonBody<NewDevice>,
) -> Answer<Device> {
    Ok(Json(api.registry.add_device(&caller, SiteId(site), &new.name, now()).await?.convert()))
}

/// Devices, by rising id
#[utoipa::path(get, path = "/v1/devices", tag = "devices", params(Which),
    responses((status = 200, body = Devices)), security(("bearer" = ["devices"]), ("bearer" = ["audit"])))]
pub(crate) async fn list(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    QueryArgs(which): QueryArgs<Which>,
) -> Answer<Devices> {
    let limit = which.limit.unwrap_or(limits::PAGE_DEFAULT).clamp(1, limits::PAGE_MAX);
    let (site, after) = (which.site.map(SiteId), which.after.map(DeviceId));
    let devices = api.registry.devices(&caller, site, after, limit).await?;
    Ok(Json(Devices { devices: devices.into_iter().map(Convert::convert).collect() }))
}

/// One device
#[utoipa::path(get, path = "/v1/devices/{device}", tag = "devices", params(("device" = u32, Path)),
    responses((status = 200, body = Device)), security(("bearer" = ["devices"]), ("bearer" = ["audit"])))]
pub(crate) async fn read(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(device): Ids<u32>,
) -> Answer<Device> {
    Ok(Json(api.registry.device(&caller, DeviceId(device)).await?.convert()))
}

/// Revoke a device's generation
///
/// Engines learn it from the revocation list that the operator's CA makes.
#[utoipa::path(post, path = "/v1/devices/{device}/revoke", tag = "devices", params(("device" = u32, Path)),
    responses((status = 200, body = Device)), security(("bearer" = ["devices"])))]
pub(crate) async fn revoke(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(device): Ids<u32>,
) -> Answer<Device> {
    Ok(Json(api.registry.revoke_device(&caller, DeviceId(device), now()).await?.convert()))
}

/// Give a device its next generation
#[utoipa::path(post, path = "/v1/devices/{device}/renew", tag = "devices", params(("device" = u32, Path)),
    responses((status = 200, body = Device)), security(("bearer" = ["devices"])))]
pub(crate) async fn renew(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(device): Ids<u32>,
) -> Answer<Device> {
    Ok(Json(api.registry.renew_device(&caller, DeviceId(device), now()).await?.convert()))
}
