//! Around every request: who may come in, no more at once than there is room for, none for ever, and no panic that takes
//! a connection along.
//!
//! The token is looked at before the body: its scopes, and how many requests it has under way. A body that is still
//! arriving takes up no room for work, so slow senders delay only themselves. An answer is in memory until it is sent, and
//! keeps the room of its request until then; who reads it too slowly is cut off.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hufu_registry::Caller;

use super::admission::{Admitted, IssuingPlace, WorkPermit, busy};
use super::clock::now;
use super::extract::bearer;
use super::problem::{ApiProblem, Kind};
use super::rules::Rule;
use super::sending::hold_until_sent;
use super::state::Api;

/// The label of the token, for who counts the answer.
#[derive(Clone, Debug)]
struct Label(Arc<str>);

/// Turns away who wants a credential and finds no room, before anything else is done for the request.
pub(super) async fn at_the_door(State(api): State<Api>, request: Request, next: Next) -> Response {
    let rule = api.rules.find(request.method(), request.extensions().get::<MatchedPath>());
    let Some(rule) = rule.filter(|rule| rule.issues) else { return next.run(request).await };
    let begun = Instant::now();
    match IssuingPlace::take(&api.registry).await {
        Ok(_place) => next.run(request).await,
        Err(turned_away) => {
            let response = turned_away.into_response();
            api.meters.request(&rule.class, response.status().as_u16(), begun.elapsed());
            api.meters.problem(Kind::Busy, None);
            response
        }
    }
}

/// Looks at the token before anything else is read.
pub(super) async fn admitted(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let rule = api.rules.find(request.method(), request.extensions().get::<MatchedPath>());
    let Some(rule) = rule.filter(|rule| rule.needs_token()) else { return next.run(request).await };
    let caller = match admit(&api, rule, request.headers(), request.uri()).await {
        Ok(caller) => caller,
        Err((problem, label)) => return labelled(problem.into_response(), label),
    };
    let label: Arc<str> = caller.label().into();
    let Some(share) = api.requests.take(Arc::clone(&label)) else {
        let problem = ApiProblem::new(
            Kind::TooMany,
            "this token has reached its limit of concurrent requests: wait for their answers",
        );
        return labelled(problem.into_response(), Some(label));
    };
    request.extensions_mut().insert(Admitted { caller, takes_body: rule.takes_body });
    labelled(hold_until_sent(next.run(request).await, share), Some(label))
}

async fn admit(
    api: &Api,
    rule: &Rule,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Caller, (ApiProblem, Option<Arc<str>>)> {
    let token = bearer(headers).ok_or_else(|| (ApiProblem::without_token(), None))?;
    // The store is asked: that is work, and nothing of the body is waited for.
    let Ok(_room) = api.room.try_acquire() else { return Err((busy(), None)) };
    let caller = api.registry.authenticate(token, now()).await.map_err(|fault| (fault.into(), None))?;
    match rule.admit(&caller, uri) {
        Ok(()) => Ok(caller),
        Err(fault) => Err((fault.into(), Some(caller.label().into()))),
    }
}

fn labelled(mut response: Response, label: Option<Arc<str>>) -> Response {
    if let Some(label) = label {
        response.extensions_mut().insert(Label(label));
    }
    response
}

/// Answers within the time there is, or with a problem.
pub(super) async fn bounded(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let place = Arc::new(WorkPermit::new(Arc::clone(&api.room)));
    let takes_body = request.extensions().get::<Admitted>().is_some_and(|admitted| admitted.takes_body);
    if !takes_body && let Err(problem) = place.take() {
        return problem.into_response();
    }
    request.extensions_mut().insert(Arc::clone(&place));
    let time = Duration::from_millis(api.request_ms_max);
    let Ok(response) = tokio::time::timeout(time, next.run(request)).await else {
        let detail = if takes_body && !place.is_taken() {
            "the body did not arrive in time, and nothing was changed: use a faster connection"
        } else {
            "the request may have been carried out: check before you send it again"
        };
        return ApiProblem::new(Kind::Slow, detail).into_response();
    };
    hold_until_sent(response, place)
}

/// Counts and logs every answer, also to a request that made a handler panic, and tells refusals.
pub(super) async fn counted(State(api): State<Api>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let class = api.rules.find(&method, path.as_ref()).map_or("other", |rule| rule.class.as_str());
    // The route as it is registered: what callers put into it may name a person, and stays out of the log.
    let route = path.as_ref().map_or("unknown", MatchedPath::as_str);
    let begun = Instant::now();
    let response = caught(request, next).await;
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    api.meters.request(class, status, took);
    let label = response.extensions().get::<Label>().map(|label| &label.0);
    let (caller, ms) = (label.map(tracing::field::display), took.as_millis());
    if let Some(kind) = response.extensions().get::<Kind>() {
        api.meters.problem(*kind, label);
        if label.is_some() || api.meters.may_log_stranger(begun) {
            tracing::info!(%method, route, status, ms, caller, problem = kind.slug(), "refused");
        }
    } else {
        tracing::debug!(%method, route, status, ms, caller, "answered");
    }
    response
}

/// Turns a panic into a problem: a fault of ours is no reason to cut off others.
pub(super) async fn caught(request: Request, next: Next) -> Response {
    // Not the path itself: some name a ticket.
    let (method, path) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let Ok(response) = AssertUnwindSafe(next.run(request)).catch_unwind().await else {
        let route = path.as_ref().map_or("unknown", MatchedPath::as_str);
        tracing::error!(%method, route, "a handler panicked");
        return ApiProblem::new(Kind::Internal, "the cause is in the registry's log: ask the operator")
            .into_response();
    };
    response
}

/// No such path.
pub(super) async fn unknown(request: Request) -> ApiProblem {
    ApiProblem::new(Kind::NotFound, format!("there is no {}: see /v1/openapi.json", request.uri().path()))
}

/// A path, and another method than it has. The answer's `Allow` names those it has.
pub(super) async fn other_method(method: Method) -> ApiProblem {
    ApiProblem::new(
        Kind::MethodNotAllowed,
        format!("{method} is not allowed here: the Allow header lists the methods"),
    )
}
