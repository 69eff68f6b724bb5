//! Holders: registered, found, shown masked (R10).

use axum::Json;
use axum::extract::State;
use hufu_contract::{
    CorrectHolder, FindHolder, FoundHolder, FoundHolders, Holder, JoinHolder, LookUpHolders, NewHolders,
    PartHolder, Registered,
};
use hufu_registry::{Correction, Document, IdNumber, Meant, Person, Seen};
use hufu_wire::{HolderIndex, IssuerId};

use super::Answer;
use crate::clock::now;
use crate::convert::{self, Convert};
use crate::extract::{Bearer, Ids, JsonBody};
use crate::problem::{ApiProblem, Kind};
use crate::state::Api;

/// Register holders
///
/// All or none. People who are already registered, by id number and name, keep index and fields, so an interrupted import
/// can be repeated. 409 `other-person` names everybody (`holders`) whose id number is registered with another name. Names
/// are the same when their letters are: case, full width, spaces, hyphens, apostrophes and dots do not count.
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
        let document = Document::read(&holder.id_number)
            .map_err(|fault| invalid(format!("holders[{nth}].id_number: {fault}")))?;
        let name = document.called(holder.name);
        let person = Person::new(name, document.number.clone(), holder.phone)
            .map_err(|fault| invalid(format!("holders[{nth}].{fault}")))?;
        people.push(person);
    }
    let seen = if new.seen_by_clerk { Seen::ByClerk } else { Seen::Unsaid };
    let people = (people.as_slice(), seen);
    let registered = api.registry.register_holders(&caller, IssuerId(issuer), people, now()).await?;
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
/// 404 when no holder has it, 409 when several people have it: then send the name too. The number travels in the body, because URLs end up in logs.
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
    let number = read_number(&sought.id_number)?;
    let found = api.registry.find_holder(&caller, issuer, &number, sought.name.as_deref(), now()).await?;
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

/// Correct a holder's name, id number or phone
///
/// The index, the status and the credentials stay. 409 when `display` is not this holder's, when the record changed
/// meanwhile, or when another record has the number: join the two.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/holders/{holder}/correct", tag = "holders",
    params(("issuer" = u32, Path), ("holder" = u32, Path)), request_body = CorrectHolder,
    responses((status = 200, body = Holder)), security(("bearer" = ["correct"])))]
pub(crate) async fn correct(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, holder)): Ids<(u32, u32)>,
    JsonBody(edit): JsonBody<CorrectHolder>,
) -> Answer<Holder> {
    let issuer = IssuerId(issuer);
    let id_number = edit.id_number.as_deref().map(read_number).transpose()?;
    let correction = Correction { name: edit.name, id_number, phone: edit.phone };
    let meant = Meant { index: HolderIndex(holder), display: &edit.display };
    let view = api.registry.correct_holder(&caller, issuer, meant, correction, (&edit.reason, now())).await?;
    Ok(Json(convert::holder(issuer, view)))
}

/// Join this record into another of the same person
///
/// The other record goes on and is the answer; this one's id number leads to it. This one must have no status: both
/// authorities forget it first. It gets no credential and no colour afterwards. 409 `stricter` when its last colour was
/// stricter than that of the other: have the other given that colour first, or send `stricter_seen`.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/holders/{holder}/join", tag = "holders",
    params(("issuer" = u32, Path), ("holder" = u32, Path)), request_body = JoinHolder,
    responses((status = 200, body = Holder)), security(("bearer" = ["correct"])))]
pub(crate) async fn join(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, holder)): Ids<(u32, u32)>,
    JsonBody(edit): JsonBody<JoinHolder>,
) -> Answer<Holder> {
    let issuer = IssuerId(issuer);
    let kept = Meant { index: HolderIndex(edit.into), display: &edit.into_display };
    let retired = Meant { index: HolderIndex(holder), display: &edit.display };
    let (holders, seen) = ((kept, retired), edit.stricter_seen);
    let view = api.registry.join_holders(&caller, issuer, holders, seen, (&edit.reason, now())).await?;
    Ok(Json(convert::holder(issuer, view)))
}

/// Part one record of two people
///
/// With a name, a second person who has the same id number gets a record of their own, which is the answer. Without one, a
/// record that was joined by mistake is one of its own again. Neither has a status until a change gives one.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/holders/{holder}/part", tag = "holders",
    params(("issuer" = u32, Path), ("holder" = u32, Path)), request_body = PartHolder,
    responses((status = 200, body = Holder)), security(("bearer" = ["correct"])))]
pub(crate) async fn part(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, holder)): Ids<(u32, u32)>,
    JsonBody(edit): JsonBody<PartHolder>,
) -> Answer<Holder> {
    let issuer = IssuerId(issuer);
    let PartHolder { display, name, phone, reason } = edit;
    let meant = Meant { index: HolderIndex(holder), display: &display };
    let second = name.map(|name| (name, phone));
    let view = api.registry.part_holder(&caller, issuer, meant, second, (&reason, now())).await?;
    Ok(Json(convert::holder(issuer, view)))
}

fn read_number(text: &str) -> Result<IdNumber, ApiProblem> {
    IdNumber::read(text).map_err(|fault| invalid(format!("id_number: {fault}")))
}

fn invalid(detail: String) -> ApiProblem {
    ApiProblem::new(Kind::Invalid, detail)
}
