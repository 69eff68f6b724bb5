//! Trip codes for tickets: put, read, cancelled; and which ended before their time.

use axum::Json;
use axum::extract::State;
use hufu_contract::{EndedTrips, Hex, IssuedTrip, PutTrip, PutTrips, PutTripsAnswer, Trip, TripLine};
use hufu_registry::{Fault, IdNumber, Reference, Scope, TicketOrder, Traveller};
use hufu_wire::{HolderIndex, HubId, IssuerId, UnixMillis};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Answer;
use crate::clock::now;
use crate::convert::{self, Convert as _};
use crate::extract::{Bearer, Ids, JsonBody, QueryArgs};
use crate::limits;
use crate::problem::{ApiProblem, Kind};
use crate::state::Api;

/// Which page of ended trips.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EndedPage {
    /// The last digest of the page before, 64 hex digits; from the beginning when absent.
    after: Option<String>,
    /// How many at most; 65,536 when absent. Below 1 counts as 1, above 65,536 as 65,536.
    limit: Option<u32>,
}

/// Issue or change the code of a ticket
///
/// The same again answers the same code (`unchanged`). Other values give another code (`changed`), and the code before ends:
/// engines refuse it once they have the list of ended trips. 404 when nobody is registered with the traveller's id number,
/// 409 when the name is another or the ticket was cancelled.
#[utoipa::path(put, path = "/v1/issuers/{issuer}/trips/{office}/{ticket}", tag = "trips",
    params(("issuer" = u32, Path), ("office" = String, Path), ("ticket" = String, Path)), request_body = PutTrip,
    responses((status = 200, body = IssuedTrip)), security(("bearer" = ["trips"])))]
pub(crate) async fn put(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, office, ticket)): Ids<(u32, String, String)>,
    JsonBody(trip): JsonBody<PutTrip>,
) -> Answer<IssuedTrip> {
    let orders = [order(ticket, trip)?];
    let put = api.registry.put_trips(&caller, IssuerId(issuer), (&office, &orders), now()).await?;
    let issued = put.into_iter().next();
    let issued = issued.ok_or_else(|| ApiProblem::new(Kind::Internal, "the ticket came to nothing"))?;
    Ok(Json(issued?.convert()))
}

/// Issue or change the codes of an office's tickets
///
/// Each ticket is taken or refused by itself, in the order of the request; the answer says which and why.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/trips", tag = "trips", params(("issuer" = u32, Path)),
    request_body = PutTrips, responses((status = 200, body = PutTripsAnswer)), security(("bearer" = ["trips"])))]
pub(crate) async fn put_all(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    JsonBody(list): JsonBody<PutTrips>,
) -> Answer<PutTripsAnswer> {
    // Also of a list that nothing of is handed on.
    caller.may(Scope::Trips, IssuerId(issuer))?;
    let read: Vec<_> = list.tickets.into_iter().map(|listed| order(listed.ticket, listed.trip)).collect();
    let mut orders = Vec::with_capacity(read.len());
    let refused: Vec<Option<Fault>> =
        read.into_iter().map(|order| order.map(|order| orders.push(order)).err()).collect();
    // A list of which no ticket can be read is answered as any other, and an empty one is refused.
    let put = if orders.is_empty() && !refused.is_empty() {
        Vec::new()
    } else {
        api.registry.put_trips(&caller, IssuerId(issuer), (&list.office, &orders), now()).await?
    };
    let mut put = put.into_iter();
    let lines = refused.into_iter().map(|refused| match refused {
        Some(fault) => Err(fault),
        None => put.next().unwrap_or_else(|| Err(Fault::Unavailable("the ticket came to nothing".into()))),
    });
    let line = |line: Result<_, Fault>| match line {
        Ok(issuance) => {
            TripLine { issued: Some(hufu_registry::TripIssuance::convert(issuance)), refused: None }
        }
        Err(fault) => TripLine { issued: None, refused: Some(fault.to_string()) },
    };
    Ok(Json(PutTripsAnswer { tickets: lines.map(line).collect() }))
}

/// A ticket
#[utoipa::path(get, path = "/v1/issuers/{issuer}/trips/{office}/{ticket}", tag = "trips",
    params(("issuer" = u32, Path), ("office" = String, Path), ("ticket" = String, Path)),
    responses((status = 200, body = Trip)), security(("bearer" = ["trips"])))]
pub(crate) async fn read(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, office, ticket)): Ids<(u32, String, String)>,
) -> Answer<Trip> {
    let (ticket, display) = api.registry.trip(&caller, IssuerId(issuer), (&office, &ticket), now()).await?;
    Ok(Json(convert::trip(ticket, display)))
}

/// Cancel a ticket
///
/// Its code ends: engines refuse it once they have the list of ended trips. It gets no other code. A ticket that is
/// cancelled stays so.
#[utoipa::path(delete, path = "/v1/issuers/{issuer}/trips/{office}/{ticket}", tag = "trips",
    params(("issuer" = u32, Path), ("office" = String, Path), ("ticket" = String, Path)),
    responses((status = 200, body = Trip)), security(("bearer" = ["trips"])))]
pub(crate) async fn cancel(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, office, ticket)): Ids<(u32, String, String)>,
) -> Answer<Trip> {
    let (ticket, display) =
        api.registry.cancel_trip(&caller, IssuerId(issuer), (&office, &ticket), now()).await?;
    Ok(Json(convert::trip(ticket, display)))
}

/// Trip credentials that ended before their time
///
/// Those of changed and cancelled tickets, as long as their windows have not passed: what `hufu trip ended` writes for
/// engines.
#[utoipa::path(get, path = "/v1/issuers/{issuer}/trips/ended", tag = "trips",
    params(("issuer" = u32, Path), EndedPage), responses((status = 200, body = EndedTrips)),
    security(("bearer" = ["feed"]), ("bearer" = ["trips"])))]
pub(crate) async fn ended(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    QueryArgs(page): QueryArgs<EndedPage>,
) -> Answer<EndedTrips> {
    let after = page.after.map(|digest| digest.parse::<Hex<32>>()).transpose().map_err(|_| {
        ApiProblem::new(
            Kind::MalformedQuery,
            "after: 64 hexadecimal digits, the last digest of the page before",
        )
    })?;
    let limit = page.limit.unwrap_or(limits::ENDED_MAX).clamp(1, limits::ENDED_MAX);
    let made = now();
    let range = (after.map(|digest| digest.0), limit);
    let ended = api.registry.ended_trips(&caller, IssuerId(issuer), range, made).await?;
    let ended = ended.into_iter().map(|trip| hufu_contract::EndedTrip {
        digest: Hex(trip.digest),
        expires_ms: trip.expires.millis().0,
    });
    Ok(Json(EndedTrips { made_ms: made.0, ended: ended.collect() }))
}

/// A ticket as the registry takes one.
fn order(ticket: String, trip: PutTrip) -> Result<TicketOrder, Fault> {
    let PutTrip { id_number, name, holder, hub, from_ms, until_ms, reference } = trip;
    let traveller = match (id_number, name, holder) {
        (Some(number), Some(name), None) => {
            let number = IdNumber::read(&number);
            let number = number.map_err(|fault| Fault::invalid("id_number", fault.to_string()))?;
            Traveller::Person { number, name }
        }
        (None, None, Some(holder)) => Traveller::Holder(HolderIndex(holder)),
        _ => {
            return Err(Fault::invalid(
                "id_number",
                "the traveller's id number with their name, or holder alone",
            ));
        }
    };
    let reference = reference.as_deref().map(Reference::read).transpose()?;
    let seconds = |ms: u64| UnixMillis(ms).seconds();
    let (from, until) = (seconds(from_ms), seconds(until_ms));
    Ok(TicketOrder { ticket, traveller, hub: HubId(hub), from, until, reference })
}
