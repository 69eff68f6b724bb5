//! Facts of holders: taken, and opened for who computes colours; papers that rulings name (R28).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_contract::{
    FactChange, FactChanges, FactTaken, FactsTaken, Hex, HolderFacts, NewFact, NewFacts, OpenFacts,
    OpenedFacts, Paper, PaperKind, Papers, RecordedFact,
};
use hufu_registry::{Fault, IdNumber, Of};
use hufu_wire::{HolderIndex, IssuerId};

use super::{Answer, Page, octets};
use crate::clock::now;
use crate::convert::Convert as _;
use crate::extract::{Bearer, Ids, JsonBody, Octets, QueryArgs};
use crate::problem::{ApiProblem, Kind};
use crate::state::Api;

/// Hand in facts of holders
///
/// Each is taken or refused by itself; the answer says which and why. The same fact again is `known`. With `dry_run` all are looked
/// at and none is kept.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/facts", tag = "facts", params(("issuer" = u32, Path)),
    request_body = NewFacts, responses((status = 200, body = FactsTaken)), security(("bearer" = ["facts"])))]
pub(crate) async fn add(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    JsonBody(new): JsonBody<NewFacts>,
) -> Answer<FactsTaken> {
    let facts: Vec<_> = new
        .facts
        .into_iter()
        .map(|NewFact { holder, id_number, name, fact }| (whose(holder, id_number.as_deref(), name), fact))
        .collect();
    let taken = api.registry.add_facts(&caller, IssuerId(issuer), &facts, new.dry_run, now()).await?;
    let facts = taken.into_iter().map(|taken| FactTaken {
        holder: taken.holder.map(|index| index.0),
        known: taken.outcome == Ok(true),
        refused: taken.outcome.err().map(|fault| fault.to_string()),
    });
    Ok(Json(FactsTaken { facts: facts.collect() }))
}

/// Whose facts came in
///
/// `after` is the last answer's `end`, 0 from the beginning.
#[utoipa::path(get, path = "/v1/issuers/{issuer}/facts", tag = "facts", params(("issuer" = u32, Path), Page),
    responses((status = 200, body = FactChanges)), security(("bearer" = ["rulings"])))]
pub(crate) async fn changes(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    QueryArgs(page): QueryArgs<Page>,
) -> Answer<FactChanges> {
    let after = page.after.unwrap_or(0);
    let facts = api.registry.fact_changes(&caller, IssuerId(issuer), after, page.limit()).await?;
    let end = facts.last().map_or(after, |(number, _)| *number);
    let changes = facts.into_iter().map(|(number, holder)| FactChange { number, holder: holder.0 });
    Ok(Json(FactChanges { changes: changes.collect(), end }))
}

/// Open the facts of holders
///
/// Health and places: each call leaves a line of the trail. With them comes the colour of now, and since when it is.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/facts/open", tag = "facts", params(("issuer" = u32, Path)),
    request_body = OpenFacts, responses((status = 200, body = OpenedFacts)), security(("bearer" = ["rulings"])))]
pub(crate) async fn open(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids(issuer): Ids<u32>,
    JsonBody(OpenFacts { holders, until }): JsonBody<OpenFacts>,
) -> Answer<OpenedFacts> {
    let holders: Vec<HolderIndex> = holders.into_iter().map(HolderIndex).collect();
    let opened = api.registry.open_facts(&caller, IssuerId(issuer), &holders, until, now()).await?;
    let holders = opened.into_iter().map(|one| {
        let standing = one.standing;
        let colour = standing.word.convert().map(|status| status.colour);
        HolderFacts {
            holder: standing.holder.0,
            word: Hex(standing.word.to_bits().to_be_bytes()),
            colour,
            since_ms: colour.map(|_| standing.since.0),
            joined_into: one.joined.map(|index| index.0),
            facts: one.facts.into_iter().map(|(number, fact)| RecordedFact { number, fact }).collect(),
        }
    });
    Ok(Json(OpenedFacts { holders: holders.collect() }))
}

/// Keep a paper
///
/// The body is the paper. It never changes: the same again is taken, another of the same name is a conflict.
#[utoipa::path(put, path = "/v1/issuers/{issuer}/papers/{kind}/{name}", tag = "facts",
    params(("issuer" = u32, Path), ("kind" = inline(PaperKind), Path), ("name" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204)), security(("bearer" = ["propose"]), ("bearer" = ["facts"])))]
pub(crate) async fn put_paper(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, kind, name)): Ids<(u32, PaperKind, String)>,
    Octets(bytes): Octets,
) -> Result<StatusCode, ApiProblem> {
    api.registry.put_paper(&caller, IssuerId(issuer), (kind, named(&name)?), &bytes, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One paper
#[utoipa::path(get, path = "/v1/issuers/{issuer}/papers/{kind}/{name}", tag = "facts",
    params(("issuer" = u32, Path), ("kind" = inline(PaperKind), Path), ("name" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")),
    security(("bearer" = ["rulings"]), ("bearer" = ["propose"]), ("bearer" = ["confirm"]), ("bearer" = ["audit"]),
        ("bearer" = ["facts"])))]
pub(crate) async fn paper(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, kind, name)): Ids<(u32, PaperKind, String)>,
) -> Result<Response, ApiProblem> {
    Ok(octets(api.registry.paper(&caller, IssuerId(issuer), kind, &named(&name)?).await?))
}

/// Papers of a kind, the newest first
#[utoipa::path(get, path = "/v1/issuers/{issuer}/papers/{kind}", tag = "facts",
    params(("issuer" = u32, Path), ("kind" = inline(PaperKind), Path), Page), responses((status = 200, body = Papers)),
    security(("bearer" = ["rulings"]), ("bearer" = ["propose"]), ("bearer" = ["confirm"]), ("bearer" = ["audit"]),
        ("bearer" = ["facts"])))]
pub(crate) async fn papers(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, kind)): Ids<(u32, PaperKind)>,
    QueryArgs(page): QueryArgs<Page>,
) -> Answer<Papers> {
    let papers = api.registry.papers(&caller, IssuerId(issuer), kind, page.limit()).await?;
    let papers = papers.into_iter().map(|(name, added)| Paper { name: Hex(name), added_ms: added.0 });
    Ok(Json(Papers { papers: papers.collect() }))
}

/// The name of a paper: 64 hex digits.
fn named(name: &str) -> Result<[u8; 32], ApiProblem> {
    let name: Result<Hex<32>, _> = name.parse();
    name.map(|name| name.0).map_err(|wrong| ApiProblem::new(Kind::Invalid, format!("name: {wrong}")))
}

fn whose(holder: Option<u32>, id_number: Option<&str>, name: Option<String>) -> Result<Of, Fault> {
    match (holder, id_number, name) {
        (Some(holder), None, None) => Ok(Of::Holder(HolderIndex(holder))),
        (None, Some(number), Some(name)) => {
            let number = IdNumber::read(number);
            number
                .map(|number| Of::Person(number, name))
                .map_err(|wrong| Fault::invalid("id_number", wrong.to_string()))
        }
        _ => Err(Fault::invalid("holder", "write either holder, or id_number and name")),
    }
}
