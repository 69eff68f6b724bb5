//! The school's page. It works without scripts; `school.js` shows how far an upload and a job are.

mod shown;
mod upload;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Query, Request};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use hufu_api::hold_until_sent;
use hufu_web::{Asset, NavEntry, Page, Role, SignedIn, only};
use serde::Deserialize;
use serde_json::json;

use crate::export;
use crate::job::{Job, State as JobState, Work};
use crate::page::shown::{Home, Printed, Progress, Result as ResultPage};
use crate::page::upload::{BODY_BYTES_MAX, Uploaded};
use crate::rows::{Answer, Filter, Outcome};
use crate::school::{School, Schools};
use crate::texts;

/// The files that the page refers to.
pub const ASSETS: [Asset; 2] = [
    Asset { name: "school.js", bytes: include_bytes!("../assets/school.js") },
    Asset { name: "school.css", bytes: include_bytes!("../assets/school.css") },
];

/// The page in the menu.
pub const NAV: NavEntry =
    NavEntry { path: "/school", text: "school-title", who: |role| matches!(role, Role::School(_)) };

/// The page of every school, for [`Web::finish`](hufu_web::Web::finish). A session sees the page of its own site.
pub fn pages(schools: Arc<Schools>) -> Router {
    let pages = Router::new()
        .route("/school", get(home).post(upload).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)))
        .route("/school/check", post(check).get(to_home))
        .route("/school/forget", post(forget).get(to_home))
        .route("/school/jobs/{id}", get(job).post(go_on))
        .route("/school/jobs/{id}/state", get(state))
        .route("/school/jobs/{id}/print", get(print))
        .route("/school/jobs/{id}/list.xlsx", get(xlsx))
        .route("/school/jobs/{id}/list.csv", get(csv))
        .with_state(schools);
    only(pages, |role| matches!(role, Role::School(_)))
}

/// A session of a school, and the school.
struct Visitor {
    visit: SignedIn,
    school: Arc<School>,
}

impl FromRequestParts<Arc<Schools>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, schools: &Arc<Schools>) -> Result<Visitor, Response> {
        let visit = SignedIn::from_request_parts(parts, schools).await?;
        let school = visit.role().site().and_then(|site| schools.of(site)).cloned();
        match school {
            Some(school) => Ok(Visitor { visit, school }),
            None => Err(visit.problem_of(StatusCode::NOT_FOUND, "school-not-set-up")),
        }
    }
}

impl Visitor {
    /// A job of this school: those of others are not there.
    fn job(&self, id: &str) -> Result<Arc<Job>, Box<Response>> {
        let gone = || Box::new(self.visit.problem_of(StatusCode::NOT_FOUND, "school-gone"));
        self.school.job(id).ok_or_else(gone)
    }

    /// What a job came to; a job that is not done leads to its page.
    fn outcome(&self, id: &str) -> Result<Arc<Outcome>, Box<Response>> {
        match self.job(id)?.state() {
            JobState::Done(outcome) => Ok(outcome),
            _ => Err(Box::new(Redirect::to(&format!("/school/jobs/{id}")).into_response())),
        }
    }

    fn busy(&self) -> Response {
        self.visit.problem_of(StatusCode::TOO_MANY_REQUESTS, "school-busy")
    }
}

async fn to_home() -> Redirect {
    Redirect::to("/school")
}

async fn home(visitor: Visitor) -> Response {
    at_home(&visitor, None)
}

/// The first page, with what was wrong with what was sent.
fn at_home(visitor: &Visitor, wrong: Option<String>) -> Response {
    let Visitor { visit, school } = visitor;
    let status = wrong.is_some().then_some(StatusCode::UNPROCESSABLE_ENTITY);
    let page = Page { script: Some("school.js"), status, ..Page::default() };
    visit.page(&visit.say("school-title"), &Home::new(visit, school, wrong), page)
}

async fn upload(visitor: Visitor, request: Request) -> Response {
    match Uploaded::read(request, &visitor.school).await {
        Uploaded::List(file) => {
            let mut work = Work { file: Some(file), is_new: true, ..Work::default() };
            work.register.uploaded = hufu_files::moment::now().seconds();
            begin(&visitor, work)
        }
        Uploaded::Many => visitor.busy(),
        Uploaded::Nothing => at_home(&visitor, Some(visitor.visit.say("school-file-empty"))),
        Uploaded::Large => at_home(&visitor, Some(visitor.visit.say("school-file-large"))),
        Uploaded::Broken => at_home(&visitor, Some(visitor.visit.say("school-file-broken"))),
    }
}

async fn check(visitor: Visitor) -> Response {
    // Which list it is stands when its turn comes: another tab may upload one until then, or delete this one.
    begin(&visitor, Work::default())
}

fn begin(visitor: &Visitor, work: Work) -> Response {
    match visitor.school.begin(work) {
        Some(job) => Redirect::to(&format!("/school/jobs/{}", job.id)).into_response(),
        None => visitor.busy(),
    }
}

async fn forget(visitor: Visitor) -> Response {
    match visitor.school.forget().await {
        Ok(()) => to_home().await.into_response(),
        Err(fault) => {
            let fault = texts::fault(visitor.visit.language(), &fault);
            at_home(&visitor, Some(fault))
        }
    }
}

async fn go_on(visitor: Visitor, Path(id): Path<String>) -> Response {
    match visitor.job(&id) {
        Ok(job) => {
            visitor.school.go_on(&job);
            Redirect::to(&format!("/school/jobs/{id}")).into_response()
        }
        Err(gone) => *gone,
    }
}

/// What an address may say of a result.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    class: String,
    #[serde(default)]
    answer: String,
    #[serde(default)]
    page: String,
}

/// Longest text that is looked for, characters.
const SEARCH_CHARS_MAX: usize = 100;

impl Asked {
    fn filter(&self) -> Filter {
        Filter {
            text: self.q.chars().take(SEARCH_CHARS_MAX).collect(),
            class: self.class.parse().ok(),
            answer: Answer::ALL.into_iter().find(|answer| answer.slug() == self.answer),
        }
    }
}

async fn job(visitor: Visitor, Path(id): Path<String>, Query(asked): Query<Asked>) -> Response {
    let visit = &visitor.visit;
    let job = match visitor.job(&id) {
        Ok(job) => job,
        Err(gone) => return *gone,
    };
    let script = Some("school.js");
    match job.state() {
        JobState::Running(step) => {
            let page = Page { script, refresh_s: Some(1), ..Page::default() };
            visit.page(&visit.say("school-running"), &Progress::new(visit, &id, step), page)
        }
        JobState::Failed(fault, refused) => {
            let title = visit.say("school-failed");
            let page = Page { script, ..Page::default() };
            let can_go_on = job.can_be_taken_up();
            visit.page(&title, &shown::Failed::new(visit, &id, &fault, &refused, can_go_on), page)
        }
        JobState::Done(outcome) => {
            let page = asked.page.parse().unwrap_or(0);
            let shown = ResultPage::new(visit, &visitor.school, &id, &outcome, asked.filter(), page);
            visit.page(&visit.say("school-result"), &shown, Page { script, ..Page::default() })
        }
    }
}

/// How far a job is, for the script.
async fn state(visitor: Visitor, Path(id): Path<String>) -> Response {
    let job = match visitor.job(&id) {
        Ok(job) => job,
        Err(gone) => return *gone,
    };
    match job.state() {
        JobState::Running(step) => {
            let progress = Progress::new(&visitor.visit, &id, step);
            Json(json!({ "running": true, "says": progress.says, "percent": progress.percent }))
                .into_response()
        }
        _ => Json(json!({ "running": false })).into_response(),
    }
}

async fn print(visitor: Visitor, Path(id): Path<String>, Query(asked): Query<Asked>) -> Response {
    let visit = &visitor.visit;
    let outcome = match visitor.outcome(&id) {
        Ok(outcome) => outcome,
        Err(response) => return *response,
    };
    let Some(place) = visitor.school.exports.take().await else {
        return visit.problem(StatusCode::TOO_MANY_REQUESTS);
    };
    let printed = Printed::new(visit, &visitor.school, &id, &outcome, asked.filter().class);
    let page = Page { script: Some("school.js"), ..Page::default() };
    let answer = visit.page(&visit.say("school-result"), &printed, page);
    hold_until_sent(answer, place.own())
}

async fn xlsx(visitor: Visitor, Path(id): Path<String>) -> Response {
    const KIND: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    exported(&visitor, &id, KIND, "attachment; filename=\"list.xlsx\"", export::xlsx).await
}

async fn csv(visitor: Visitor, Path(id): Path<String>) -> Response {
    const KIND: &str = "text/csv; charset=utf-8";
    exported(&visitor, &id, KIND, "attachment; filename=\"list.csv\"", export::csv).await
}

async fn exported(
    visitor: &Visitor,
    id: &str,
    kind: &'static str,
    disposition: &'static str,
    write: export::Write,
) -> Response {
    let outcome = match visitor.outcome(id) {
        Ok(outcome) => outcome,
        Err(response) => return *response,
    };
    match export::written(&visitor.school, outcome, visitor.visit.language(), write).await {
        Some(Ok((bytes, place))) => {
            let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)];
            let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
            hold_until_sent((headers, bytes).into_response(), place)
        }
        Some(Err(error)) => {
            tracing::error!(error = format!("{error:#}"), "a checked list could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        None => visitor.visit.problem(StatusCode::TOO_MANY_REQUESTS),
    }
}
