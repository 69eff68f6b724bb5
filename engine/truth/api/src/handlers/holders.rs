//! Holders: registered, found, shown masked (R10).

use axum::Json;
use axum::extract::State;
use hufu_contract::{FindHolder, FoundHolder, FoundHolders, Holder, LookUpHolders, NewHolders, Registered};
use hufu_registry::{IdNumber, Person};
use hufu_wire::{HolderIndex, IssuerId};

use super::Answer;
use crate::clock::now;
use crate::convert::{self, Convert};
use crate::extract::{Bearer, Ids, JsonBody};
use crate::problem::{ApiProblem, Kind};
use crate::state::Api;

/// Register holders
///
/// All or none. People who are already registered keep index and fields, so an interrupted import can be repeated.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/holders", tag = "holders", params(("issuer" = u32, Path)),
    request_body = NewHolders, responses((status = 200, body = Registered)),
    security(("bearer" = ["holders"])))]
pub(crate) async fn register(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    JsonBody(new): JsonBody<NewHolders>,
) -> Answer<Registered> {
    let mut people = Vec::with_capacity(new.holders.len());
    for (nth, holder) in new.holders.into_iter().enumerate() {
        let number = IdNumber::read(&holder.id_number)
            .map_err(|fault| invalid(format!("holders[{nth}].id_number: {fault}")))?;
        let person = Person::new(holder.name, number, holder.phone)
            .map_err(|fault| invalid(format!("holders[{nth}].{fault}")))?;
        people.push(person);
    }
    let registered = api.registry.add_holders(&caller, IssuerId(issuer), &people, now()).await?;
    Ok(Json(Registered { holders: registered.into_iter().map(Convert::convert).collect() }))
}

/// A holder, masked, with the status that the chain gives them
#[utoipa::path(get, path = "/v1/issuers/{issuer}/holders/{holder}", tag = "holders",
    params(("issuer" = u32, Path), ("holder" = u32, Path)), responses((status = 200, body = Holder)),
    security(("bearer" = ["holders"])))]
pub(crate) async fn read(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, holder)): Ids<(u32, u32)>,
) -> Answer<Holder> {
    let issuer = IssuerId(issuer);
    let view = api.registry.holder(&caller, issuer, HolderIndex(holder), now()).await?;
    Ok(Json(convert::holder(issuer, view)))
}

/// Who has an id number
///
/// 404 when no holder has it. The number travels in the body, because URLs end up in logs.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/holders/find", tag = "holders",
    params(("issuer" = u32, Path)), request_body = FindHolder, responses((status = 200, body = Holder)),
    security(("bearer" = ["holders"])))]
pub(crate) async fn find(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    JsonBody(sought): JsonBody<FindHolder>,
) -> Answer<Holder> {
    let issuer = IssuerId(issuer);
    let number = IdNumber::read(&sought.id_number).map_err(|fault| invalid(format!("id_number: {fault}")))?;
    let found = api.registry.find_holder(&caller, issuer, &number, now()).await?;
    let index = found.ok_or_else(|| {
        ApiProblem::new(Kind::NotFound, format!("issuer {issuer} has no holder with this id number"))
    })?;
    let view = api.registry.holder(&caller, issuer, index, now()).await?;
    Ok(Json(convert::holder(issuer, view)))
}

/// Who the people of a list are
///
/// As many as one may register at once, in the body. Who is not registered is null in the answer.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/holders/look-up", tag = "holders",
    params(("issuer" = u32, Path)), request_body = LookUpHolders, responses((status = 200, body = FoundHolders)),
    security(("bearer" = ["holders"])))]
pub(crate) async fn look_up(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    JsonBody(sought): JsonBody<LookUpHolders>,
) -> Answer<FoundHolders> {
    let mut people = Vec::with_capacity(sought.people.len());
    for (nth, person) in sought.people.into_iter().enumerate() {
        let number = IdNumber::read(&person.id_number)
            .map_err(|fault| invalid(format!("people[{nth}].id_number: {fault}")))?;
        people.push((number, person.name));
    }
    let found = api.registry.look_up_holders(&caller, IssuerId(issuer), &people, now()).await?;
    let found = found.into_iter().map(|found| {
        found.map(|found| FoundHolder {
            index: found.index.0,
            display: found.display,
            same_name: found.same_name,
        })
    });
    Ok(Json(FoundHolders { found: found.collect() }))
}

fn invalid(detail: String) -> ApiProblem {
    ApiProblem::new(Kind::Invalid, detail)
}
