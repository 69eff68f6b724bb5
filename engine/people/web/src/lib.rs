//! What every page has: layout, headers, languages, accounts, sessions, sign-in, problems.
//!
//! Pages are axum routers with askama templates. [`Web::finish`] puts sign-in, files and the guard around them: each request
//! passes limits of its source, gets its language and its person, and if it is not for reading has to come from a form of
//! ours. A page works without scripts; a script only makes it livelier.
//!
//! How a crate adds pages:
//!
//! ```
//! use askama::Template;
//! use axum::{Router, response::Response, routing::get};
//! use hufu_web::{Role, SignedIn, only};
//!
//! #[derive(Template)]
//! #[template(source = r#"<h1>{{ title }}</h1><form method="post" action="/school">
//! <input type="hidden" name="csrf" value="{{ token }}"><button type="submit">{{ title }}</button></form>"#, ext = "html")]
//! struct List { title: String, token: String }
//!
//! // The extractor is the session: who it is, their site, the language of their page.
//! async fn list(visit: SignedIn) -> Response {
//!     let site = visit.role().site(); // `Some` for a school: its own site, and no other is looked at
//!     let title = visit.say("web-home");
//!     visit.render(&title, &List { token: visit.token(), title: format!("{title} {site:?}") })
//! }
//!
//! fn pages() -> Router {
//!     // Every path that takes a form answers GET too: a person whose session ended comes back there.
//!     only(Router::new().route("/school", get(list).post(list)), |role| matches!(role, Role::School(_)))
//! }
//! # let _ = pages();
//! ```
//!
//! The token is the first field of every form; also of one that sends a file (`multipart/form-data`), before the file. A script
//! that posts sends a `FormData` whose first entry it is. Larger bodies than 2 MB need axum's `DefaultBodyLimit` on their route.
//! Nothing may be posted without a form of ours; what programs call belongs beside [`Web::finish`], not inside.
//! A status without a body (`StatusCode::NOT_FOUND`) becomes a page in the reader's language.

mod accounts;
mod assets;
mod cookies;
mod csrf;
mod escaped;
mod headers;
mod kept;
mod local;
mod lockout;
mod login;
mod organisation;
mod password;
mod problem;
mod rate;
mod role;
mod secret;
mod session;
mod visit;
mod web;

pub use accounts::{Account, Accounts, AccountsFault, NAME_RULE, is_name};
pub use assets::Asset;
pub use escaped::escaped;
pub use local::{encoded, local_path};
pub use organisation::OrganisationOptions;
pub use password::{BadPassword, PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN, hash_password};
pub use role::{Role, RoleWord};
pub use session::{Person, SessionLimits};
pub use visit::{Page, SignedIn, Visit};
pub use web::{NavEntry, Web, WebFault, WebOptions, only};
