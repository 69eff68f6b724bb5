//! The holder's page (R61): a web app that makes its holder's code on the phone, shows it without a network for a day, and
//! finds who checked it ([HOLDERS](../../../../docs/HOLDERS.md)).
//!
//! [`pages`] serves its files and nothing else. What the page asks for (`/phone/...`, `/views/...`) is served by the same
//! origin, and is no part of this crate.

mod files;

use std::sync::{LazyLock, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use hufu_texts::{Area, Language, say};
use hufu_wire::Reason;
use serde_json::{Map, Value, json};

use files::{FILES, version};

/// Scripts, styles and requests of the page's own origin alone, and no script out of a text: neither inline nor evaluated.
/// `trusted-types` leaves the two scripts that `trusted.js` names as the only ones that are started by name.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types hufu";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), usb=(), bluetooth=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Everything that is served: made once, when it is first asked for.
struct Served {
    worker: Whole,
    /// By language, as are the next two.
    pages: [Whole; Language::ALL.len()],
    manifests: [Whole; Language::ALL.len()],
    sentences: [Whole; Language::ALL.len()],
    /// As in [`FILES`].
    files: Vec<Whole>,
}

static SERVED: LazyLock<Served> = LazyLock::new(|| Served {
    worker: Whole::new("text/javascript; charset=utf-8", worker()),
    pages: Language::ALL.map(|language| Whole::new("text/html; charset=utf-8", page(language))),
    manifests: Language::ALL.map(|language| Whole::new("application/manifest+json", manifest(language))),
    sentences: Language::ALL.map(|language| Whole::new("application/json", sentences(language))),
    files: FILES.iter().map(|file| Whole::new(file.kind(), file.bytes)).collect(),
});

/// The page at `/`, its files, its sentences at `/texts/<tag>.json`, and its service worker at `/sw.js`.
///
/// Every answer may be kept and is asked for again by its `ETag`: a phone has the newest page when it has a network, and the
/// last whole one when it has none.
pub fn pages() -> Router {
    let router = Router::new()
        .route("/", get(async |headers: HeaderMap| by_language(&headers, &SERVED.pages)))
        .route("/sw.js", get(async |headers: HeaderMap| SERVED.worker.answer(&headers)))
        .route(
            "/manifest.webmanifest",
            get(async |headers: HeaderMap| by_language(&headers, &SERVED.manifests)),
        )
        .route(
            "/texts/{file}",
            get(async |Path(file): Path<String>, headers: HeaderMap| {
                let language = file
                    .strip_suffix(".json")
                    .and_then(|tag| Language::ALL.into_iter().find(|language| language.tag() == tag));
                match language {
                    Some(language) => SERVED.sentences[language as usize].answer(&headers),
                    None => StatusCode::NOT_FOUND.into_response(),
                }
            }),
        );
    FILES.iter().enumerate().fold(router, |router, (place, file)| {
        router.route(file.path, get(async move |headers: HeaderMap| SERVED.files[place].answer(&headers)))
    })
}

/// What is there in each language, in the one that the request asks for.
fn by_language(headers: &HeaderMap, each: &[Whole]) -> Response {
    let mut response = each[accepted(headers) as usize].answer(headers);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-language"));
    response
}

/// The language that the request asks for; English where it names none of ours.
fn accepted(headers: &HeaderMap) -> Language {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    wanted.and_then(Language::accepted).unwrap_or(Language::En)
}

/// One answer, whole.
struct Whole {
    kind: &'static str,
    bytes: Bytes,
    tag: HeaderValue,
}

impl Whole {
    fn new(kind: &'static str, bytes: impl Into<Bytes>) -> Whole {
        let bytes = bytes.into();
        let tag = HeaderValue::from_str(&format!("\"{}\"", files::digest(&[&bytes])));
        // Never: quotation marks and hexadecimal digits are a header.
        Whole { kind, bytes, tag: tag.unwrap_or(HeaderValue::from_static("\"\"")) }
    }

    /// The bytes, or that the browser has them.
    fn answer(&self, headers: &HeaderMap) -> Response {
        let has = headers.get(header::IF_NONE_MATCH).is_some_and(|held| *held == self.tag);
        let mut response =
            if has { StatusCode::NOT_MODIFIED.into_response() } else { self.bytes.clone().into_response() };
        let out = response.headers_mut();
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        out.insert(header::ETAG, self.tag.clone());
        for (name, value) in HEADERS {
            out.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// The page itself, which says one sentence where scripts are off.
fn page(language: Language) -> String {
    let preload = FILES.iter().filter(|file| file.is_module());
    let preload: Vec<String> =
        preload.map(|file| format!("<link rel=\"modulepreload\" href=\"{}\">", file.path)).collect();
    include_str!("../page/index.html")
        .replace("{lang}", language.tag())
        .replace("{dir}", language.direction().as_str())
        .replace("{title}", &say(language, "holder-app-title", &[]))
        .replace("{needs-script}", &say(language, "holder-needs-script", &[]))
        .replace("{preload}", &preload.join("\n    "))
}

/// The service worker, with what it keeps, under which name, and how it knows a file again.
fn worker() -> String {
    let kept = FILES.iter().filter(|file| !file.is_large()).map(|file| file.path);
    let kept: Vec<&str> = ["/", "/manifest.webmanifest", "/texts/en.json"].into_iter().chain(kept).collect();
    let each = |of: fn(Language) -> String| {
        json!(Language::ALL.map(|language| files::digest(&[of(language).as_bytes()])))
    };
    let mut digests: Map<String, Value> =
        FILES.iter().map(|file| (file.path.to_owned(), json!([files::digest(&[file.bytes])]))).collect();
    digests.insert("/".to_owned(), each(page));
    digests.insert("/manifest.webmanifest".to_owned(), each(manifest));
    for language in Language::ALL {
        let digest = files::digest(&[sentences(language).as_bytes()]);
        digests.insert(format!("/texts/{}.json", language.tag()), json!([digest]));
    }
    let (version, own) = (json!(version()), include_str!("../page/sw.js"));
    format!(
        "const VERSION = {version};\nconst FILES = {};\nconst DIGESTS = {};\n{own}",
        json!(kept),
        json!(digests)
    )
}

fn manifest(language: Language) -> String {
    let name = say(language, "holder-app-title", &[]);
    let icon = |path: &str, sizes: &str, kind: &str, purpose: &str| json!({ "src": path, "sizes": sizes, "type": kind, "purpose": purpose });
    json!({
        "id": "/",
        "name": name,
        "short_name": name,
        "lang": language.tag(),
        "dir": language.direction().as_str(),
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f3f5f6",
        "theme_color": "#0b5a66",
        "icons": [
            icon("/icon.svg", "any", "image/svg+xml", "any"),
            icon("/icon-192.png", "192x192", "image/png", "any"),
            icon("/icon-512.png", "512x512", "image/png", "any maskable"),
        ],
    })
    .to_string()
}

/// The page's sentences, and those of reasons by their numbers; 0 is that of a reason that is not known.
fn sentences(language: Language) -> &'static str {
    static TEXTS: [OnceLock<String>; Language::ALL.len()] = [const { OnceLock::new() }; Language::ALL.len()];
    TEXTS[language as usize].get_or_init(|| {
        let of = |reason: Reason| (reason.code().to_string(), json!(hufu_texts::reason(language, reason)));
        let reasons: Map<String, Value> = Reason::ALL.into_iter().map(of).collect();
        format!(
            "{{\"holder\":{},\"reasons\":{},\"unknown\":{}}}",
            hufu_texts::script(language, Area::Holder),
            Value::Object(reasons),
            json!(say(language, "reason-unrecognised", &[]))
        )
    })
}
