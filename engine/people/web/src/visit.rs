//! One request as a page sees it: who asks, in which language, and how the page is put together.

use std::ops::Deref;
use std::sync::Arc;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use hufu_texts::{Arg, Language, say};

use super::local::encoded;
use super::role::Role;
use super::session::Person;
use super::web::Web;

/// Who looks at a page, in which language. An extractor for every page; of persons who signed in: [`SignedIn`].
#[derive(Clone)]
pub struct Visit(pub(crate) Arc<Seen>);

/// What the guard found out about a request.
pub(crate) struct Seen {
    pub(crate) web: Arc<Web>,
    pub(crate) language: Language,
    pub(crate) person: Option<Arc<Person>>,
    /// The secret of the session or of the guest.
    pub(crate) secret: String,
    /// A path of this origin; `/` in the place of one that browsers would take for another origin.
    pub(crate) path: String,
    /// Without `?` and without the language; empty where it is too long for a link.
    pub(crate) query: String,
}

/// A page before the layout is around it.
#[derive(Debug, Default)]
pub struct Page {
    /// The title, in the reader's language.
    pub title: String,
    /// What stands in `<main>`: HTML, made by a template.
    pub main: String,
    /// The name of an [`Asset`](super::Asset) that is an ES module.
    pub script: Option<&'static str>,
    /// A browser without scripts loads the page again after so many seconds.
    pub refresh_s: Option<u32>,
    /// 200 where there is none.
    pub status: Option<StatusCode>,
}

#[derive(Template)]
#[template(path = "layout.html")]
struct Layout<'a> {
    visit: &'a Visit,
    page: &'a Page,
    nav: Vec<(&'static str, String, bool)>,
    languages: Vec<(Language, String)>,
}

impl Visit {
    /// The language of the page.
    pub fn language(&self) -> Language {
        self.0.language
    }

    /// A sentence in it.
    pub fn say(&self, id: &str) -> String {
        say(self.0.language, id, &[])
    }

    /// A sentence with arguments.
    pub fn say_with(&self, id: &str, args: &[(&str, Arg<'_>)]) -> String {
        say(self.0.language, id, args)
    }

    /// Who signed in, if a person did.
    pub fn person(&self) -> Option<&Person> {
        self.0.person.as_deref()
    }

    /// What must be the first field of every form: `<input type="hidden" name="csrf" value="{{ visit.token() }}">`.
    pub fn token(&self) -> String {
        self.0.web.marks.mark("form", &self.0.secret)
    }

    /// The address of an [`Asset`](super::Asset).
    pub fn asset(&self, name: &str) -> &str {
        self.0.web.assets.url(name)
    }

    /// The path of this request.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The address of this page, without the language.
    pub(crate) fn here(&self) -> String {
        if self.0.query.is_empty() {
            self.0.path.clone()
        } else {
            format!("{}?{}", self.0.path, self.0.query)
        }
    }

    fn in_language(&self, language: Language) -> String {
        let query = if self.0.query.is_empty() { String::new() } else { format!("{}&", self.0.query) };
        format!("{}?{query}lang={}", self.0.path, language.tag())
    }

    /// A page of a template, with the layout around it.
    pub fn render(&self, title: &str, template: &impl Template) -> Response {
        self.page(title, template, Page::default())
    }

    /// Likewise, with what `page` says of script, refreshing and status.
    #[expect(clippy::needless_pass_by_value, reason = "what it leaves out is taken from it")]
    pub fn page(&self, title: &str, template: &impl Template, page: Page) -> Response {
        match template.render() {
            Ok(main) => self.show(&Page { title: title.to_owned(), main, ..page }),
            Err(why) => {
                tracing::error!(path = self.0.path, %why, "a page could not be made");
                self.problem(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// A page with the layout around it.
    pub fn show(&self, page: &Page) -> Response {
        let role = self.person().map(|person| person.role);
        let entries = self.0.web.nav.iter().filter(|entry| role.is_some_and(entry.who));
        let nav =
            entries.map(|entry| (entry.path, self.say(entry.text), entry.path == self.0.path)).collect();
        let languages = Language::ALL.map(|language| (language, self.in_language(language))).into();
        let status = page.status.unwrap_or(StatusCode::OK);
        match (Layout { visit: self, page, nav, languages }).render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(why) => {
                tracing::error!(path = self.0.path, %why, "a page could not be made");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }

    /// Where a person begins: the first page that their role may see.
    pub(crate) fn home(&self, role: Role) -> &'static str {
        self.0.web.nav.iter().find(|entry| (entry.who)(role)).map_or("/", |entry| entry.path)
    }

    /// Whether the session still lasts and its account is as it was: a stream asks before each message. It does not keep the
    /// session from being idle.
    pub fn lasts(&self) -> bool {
        self.0.web.lasts(&self.0.secret)
    }

    /// To the sign-in form, and from there back to this page.
    fn to_sign_in(&self) -> Response {
        Redirect::to(&format!("/login?next={}", encoded(&self.here()))).into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visit, Response> {
        // Absent where a router was served without `Web::finish`.
        parts
            .extensions
            .get::<Visit>()
            .cloned()
            .ok_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    }
}

/// A visit of somebody who signed in: others are sent to the sign-in form and back. Which role may see which page is the
/// router's to say, with [`only`](super::only).
#[derive(Clone)]
pub struct SignedIn {
    visit: Visit,
    person: Arc<Person>,
}

impl SignedIn {
    /// Who it is.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// What they may look at.
    pub fn role(&self) -> Role {
        self.person.role
    }
}

impl Deref for SignedIn {
    type Target = Visit;

    fn deref(&self) -> &Visit {
        &self.visit
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<SignedIn, Response> {
        let visit = Visit::from_request_parts(parts, state).await?;
        match visit.0.person.clone() {
            Some(person) => Ok(SignedIn { visit, person }),
            None => Err(visit.stranger(parts)),
        }
    }
}

impl Visit {
    /// The answer to somebody who did not sign in. A script that reads a stream is told so, a page leads to the form.
    pub(crate) fn stranger(&self, parts: &Parts) -> Response {
        let accepts = parts.headers.get(header::ACCEPT).map(HeaderValue::as_bytes).unwrap_or_default();
        let is_stream = accepts.starts_with(b"text/event-stream") || accepts.starts_with(b"application/json");
        let is_read = matches!(parts.method, Method::GET | Method::HEAD);
        if is_stream {
            StatusCode::UNAUTHORIZED.into_response()
        } else if is_read {
            self.to_sign_in()
        } else {
            self.problem(StatusCode::UNAUTHORIZED)
        }
    }
}
