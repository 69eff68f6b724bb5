//! Pages that say what went wrong, in the reader's language, and nothing of the inside.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use hufu_texts::{Language, say};

use super::visit::{Page, Visit};
use super::web::Web;

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    says: String,
    help: String,
    home: String,
    home_text: String,
}

/// A page without the layout.
#[derive(Template)]
#[template(path = "busy.html")]
struct BusyPage<'a> {
    language: Language,
    style: &'a str,
    says: String,
    help: String,
}

impl Web {
    /// What a source is told that asks too often. It has to cost less than what was asked for.
    pub(crate) fn too_many(&self, language: Language, retry_s: u64) -> Response {
        let [says, help] = ["web-busy", "web-busy.help"].map(|id| say(language, id, &[]));
        let page = BusyPage { language, style: self.assets.url("style.css"), says, help };
        let html = Html(page.render().unwrap_or_default());
        let retry = [(header::RETRY_AFTER, HeaderValue::from(retry_s))];
        (StatusCode::TOO_MANY_REQUESTS, retry, html).into_response()
    }
}

impl Visit {
    /// A page for a status: 400, 401, 403, 404, 413, 429, 503, everything else as 500.
    pub fn problem(&self, status: StatusCode) -> Response {
        let id = match status {
            StatusCode::BAD_REQUEST
            | StatusCode::UNPROCESSABLE_ENTITY
            | StatusCode::UNSUPPORTED_MEDIA_TYPE => "web-unread",
            StatusCode::UNAUTHORIZED => "web-ended",
            StatusCode::FORBIDDEN => "web-forbidden",
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "web-missing",
            StatusCode::PAYLOAD_TOO_LARGE => "web-large",
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "web-busy",
            _ => "web-fault",
        };
        self.problem_of(status, id)
    }

    /// A page that says the sentence `id`, and its attribute `help` below.
    pub fn problem_of(&self, status: StatusCode, id: &str) -> Response {
        let home = self.person().map_or("/login", |person| self.home(person.role)).to_owned();
        let says = self.say(id);
        let help = self.say(&format!("{id}.help"));
        let page = ProblemPage { says: says.clone(), help, home, home_text: self.say("web-home") };
        match page.render() {
            Ok(main) => self.show(&Page { title: says, main, status: Some(status), ..Page::default() }),
            Err(_) => Response::default(),
        }
    }

    /// Too many of something: 429, and when to come back.
    pub(crate) fn too_many(&self, retry_s: u64) -> Response {
        let mut response = self.problem(StatusCode::TOO_MANY_REQUESTS);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_s));
        response
    }
}
