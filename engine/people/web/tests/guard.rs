//! What the guard does to every request, on pages of a test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::IpAddr;
use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};
use hufu_texts::{Language, say};
use hufu_web::{
    Account, Accounts, NavEntry, Role, SessionLimits, SignedIn, Web, WebOptions, hash_password, only,
};
use hufu_wire::SiteId;
use tower_service::Service as _;

const PASSWORD: &str = "five words make a password";

/// What a page of the test answers to a form.
async fn took(visit: SignedIn, body: String) -> String {
    format!("{} sent {body}", visit.person().name)
}

/// A page with a fault.
async fn broken() -> String {
    panic!("a secret of the inside")
}

fn pages() -> Router {
    let form = get(|visit: SignedIn| async move { visit.token() }).post(took);
    let school = only(Router::new().route("/school", form), |role| matches!(role, Role::School(_)));
    let start = Router::new().route("/", get(async |_: SignedIn| "start"));
    let all = only(start, |role| role == Role::Operator)
        .route("/panic", get(broken))
        // No one thought of the token here.
        .route("/forgotten", post(async || "done"))
        .route("/size", post(async |body: String| body));
    all.merge(school)
}

struct Site {
    router: Router,
    accounts: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

/// A browser: its cookies.
#[derive(Default)]
struct Browser(Vec<(String, String)>);

fn accounts(file: &Path, names: &[&str]) {
    let password = hash_password(PASSWORD).unwrap();
    let mut accounts = Accounts::default();
    for name in names {
        let role = if *name == "school" { Role::School(SiteId(7)) } else { Role::Operator };
        accounts.0.insert((*name).to_owned(), Account { role, password: password.clone() });
    }
    accounts.write(file).unwrap();
}

fn site() -> Site {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.toml");
    accounts(&file, &["li", "school"]);
    let nav = vec![
        NavEntry { path: "/", text: "web-home", who: |role| role == Role::Operator },
        NavEntry { path: "/school", text: "web-name", who: |role| matches!(role, Role::School(_)) },
    ];
    let web = Web::open(WebOptions {
        language: Language::En,
        is_tls: true,
        accounts: Some(file.clone()),
        organisation: None,
        sessions: SessionLimits::DEFAULT,
        nav,
        assets: Vec::new(),
        source: |extensions| extensions.get::<IpAddr>().copied(),
    });
    Site { router: web.unwrap().finish(pages()), accounts: file, _folder: folder }
}

impl Site {
    async fn ask(&mut self, browser: &mut Browser, request: Request) -> (StatusCode, HeaderMap, String) {
        let (mut parts, body) = request.into_parts();
        let cookies: Vec<_> = browser.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            parts.headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        parts.headers.entry(header::HOST).or_insert("pages.example".parse().unwrap());
        let response: Response = self.router.call(Request::from_parts(parts, body)).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            browser.0.retain(|(known, _)| known != name);
            if !value.is_empty() {
                browser.0.push((name.to_owned(), value.to_owned()));
            }
        }
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&mut self, browser: &mut Browser, path: &str) -> (StatusCode, HeaderMap, String) {
        self.ask(browser, Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(
        &mut self,
        browser: &mut Browser,
        path: &str,
        form: &str,
    ) -> (StatusCode, HeaderMap, String) {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, "https://pages.example");
        self.ask(browser, request.body(Body::from(form.to_owned())).unwrap()).await
    }

    async fn sign_in(
        &mut self,
        browser: &mut Browser,
        name: &str,
        password: &str,
        more: &str,
    ) -> (StatusCode, HeaderMap, String) {
        let (_, _, form) = self.get(browser, "/login").await;
        let token = field(&form, "csrf");
        let password = password.replace(' ', "+");
        self.post(browser, "/login", &format!("csrf={token}&name={name}&password={password}{more}")).await
    }
}

/// The value of a hidden field.
fn field(page: &str, name: &str) -> String {
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn run(test: impl AsyncFnOnce(&mut Site)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(test(&mut site()));
}

#[test]
fn r61_no_route_takes_a_form_without_its_token_or_from_another_origin() {
    run(async |site| {
        let mut browser = Browser::default();
        assert_eq!(site.sign_in(&mut browser, "school", PASSWORD, "").await.0, StatusCode::SEE_OTHER);
        let (_, _, token) = site.get(&mut browser, "/school").await;
        let (status, _, said) = site.post(&mut browser, "/school", &format!("csrf={token}&a=1")).await;
        assert_eq!((status, said.as_str()), (StatusCode::OK, &*format!("school sent csrf={token}&a=1")));
        // A token of another session counts for nothing, and a route cannot forget to look.
        let (_, _, other) = site.get(&mut Browser::default(), "/login").await;
        for form in ["a=1", "csrf=&a=1", "a=1&csrf=", &format!("csrf={}&a=1", field(&other, "csrf"))] {
            for path in ["/school", "/forgotten"] {
                let (_, _, said) = site.post(&mut browser, path, form).await;
                assert!(!said.contains("school sent") && said != "done", "{path} {form}: {said}");
            }
        }
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let request = Request::post("/school")
                .header(name, value)
                .header("content-type", "application/x-www-form-urlencoded");
            let request = request.body(Body::from(format!("csrf={token}&a=1"))).unwrap();
            let (status, _, said) = site.ask(&mut browser, request).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{name} {value}");
            assert!(said.contains(&say(Language::En, "web-foreign", &[])));
        }
        for method in ["PUT", "PATCH", "DELETE"] {
            let request = Request::builder().method(method).uri("/forgotten").body(Body::empty()).unwrap();
            assert_ne!(site.ask(&mut browser, request).await.0, StatusCode::OK, "{method}");
        }
    });
}

#[test]
fn r61_a_session_that_ends_midway_keeps_what_was_typed_and_comes_back_to_it() {
    run(async |site| {
        let mut browser = Browser::default();
        site.sign_in(&mut browser, "school", PASSWORD, "").await;
        let (_, _, token) = site.get(&mut browser, "/school").await;
        // The password is set again: the session is over.
        accounts(&site.accounts, &["li", "school"]);
        while site.get(&mut browser, "/school").await.0 == StatusCode::OK {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let typed = format!("csrf={token}&note=%E6%9D%8E+%3Cb%3E&password=secret");
        let (status, _, page) = site.post(&mut browser, "/school", &typed).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(page.contains(&say(Language::En, "web-ended", &[])) && !page.contains("secret"), "{page}");
        let (token, to, kept) = (field(&page, "csrf"), field(&page, "kept_to"), field(&page, "kept"));
        let kept = kept.replace('%', "%25").replace('&', "%26").replace('=', "%3D");
        let form = format!(
            "csrf={token}&kept_to={to}&kept={kept}&name=school&password={}",
            PASSWORD.replace(' ', "+")
        );
        let (status, _, page) = site.post(&mut browser, "/login", &form).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("action=\"/school\""), "{page}");
        assert_eq!(field(&page, "note"), "李 &#60;b&#62;");
        let again = format!("csrf={}&note=x", field(&page, "csrf"));
        assert_eq!(site.post(&mut browser, "/school", &again).await.0, StatusCode::OK);
    });
}

#[test]
fn r61_an_unknown_name_is_answered_like_a_wrong_password_and_strangers_are_locked_out_alone() {
    run(async |site| {
        let mut known = Browser::default();
        site.sign_in(&mut known, "li", PASSWORD, "").await;
        let mut answers = Vec::new();
        // Two names may share a budget: each has a site of its own.
        let mut other = self::site();
        for (site, name) in [(&mut *site, "li"), (&mut other, "nobody")] {
            let mut browser = Browser::default();
            let mut of_one = Vec::new();
            for at in 0..11 {
                // Each source has a limit of its own: here the account's is meant.
                let (_, _, form) = site.get(&mut browser, "/login").await;
                let request =
                    Request::post("/login").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                let body = format!("csrf={}&name={name}&password=wrong", field(&form, "csrf"));
                let mut request = request.body(Body::from(body)).unwrap();
                request.extensions_mut().insert(IpAddr::from([192, 0, 2, at]));
                let (status, headers, page) = site.ask(&mut browser, request).await;
                let says =
                    page.split("role=\"alert\"").nth(1).unwrap().split("</p>").next().unwrap().to_owned();
                of_one.push((status, headers.contains_key(header::RETRY_AFTER), says));
            }
            assert_eq!(of_one[9].0, StatusCode::UNAUTHORIZED);
            assert_eq!((of_one[10].0, of_one[10].1), (StatusCode::TOO_MANY_REQUESTS, true));
            answers.push(of_one);
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(
            site.sign_in(&mut Browser::default(), "li", PASSWORD, "").await.0,
            StatusCode::TOO_MANY_REQUESTS
        );
        // Strangers behind the browser's own address use up what its address has for them.
        let mut stranger = Browser::default();
        for _ in 0..20 {
            site.sign_in(&mut stranger, "nobody", "wrong", "").await;
        }
        assert_eq!(
            site.sign_in(&mut stranger, "school", PASSWORD, "").await.0,
            StatusCode::TOO_MANY_REQUESTS
        );
        known.0.retain(|(name, _)| !name.ends_with("session"));
        assert_eq!(
            site.sign_in(&mut known, "li", PASSWORD, "").await.0,
            StatusCode::SEE_OTHER,
            "the owner's browser"
        );
    });
}

#[test]
fn r61_signing_in_leads_back_to_this_origin_under_a_new_secret_and_out_again() {
    run(async |site| {
        let mut browser = Browser::default();
        let (status, headers, _) = site.get(&mut browser, "/school?a=1&lang=de").await;
        assert_eq!(
            (status, &headers[header::LOCATION]),
            (StatusCode::SEE_OTHER, &"/login?next=%2Fschool%3Fa%3D1".parse().unwrap())
        );
        for (next, leads_to) in [
            ("%2Fschool%3Fa%3D1", "/school?a=1"),
            ("%2F%2Fevil.example", "/school"),
            ("https%3A%2F%2Fevil.example", "/school"),
        ] {
            let planted = "planted by somebody".replace(' ', "-");
            browser.0 = vec![("__Host-hufu-session".to_owned(), planted.clone())];
            let (status, headers, _) =
                site.sign_in(&mut browser, "school", PASSWORD, &format!("&next={next}")).await;
            assert_eq!(
                (status, headers[header::LOCATION].to_str().unwrap()),
                (StatusCode::SEE_OTHER, leads_to),
                "{next}"
            );
            let session = browser.0.iter().find(|(name, _)| name == "__Host-hufu-session").unwrap();
            assert!(session.1.len() == 43 && session.1 != planted);
        }
        let (_, _, token) = site.get(&mut browser, "/school").await;
        let (status, headers, _) = site.get(&mut browser, "/").await;
        let led = (status, headers[header::LOCATION].to_str().unwrap());
        assert_eq!(led, (StatusCode::SEE_OTHER, "/school"), "where a school begins");
        let stolen = Browser(browser.0.clone());
        site.post(&mut browser, "/logout", &format!("csrf={token}")).await;
        let mut stolen = stolen;
        assert_eq!(
            site.get(&mut stolen, "/school").await.0,
            StatusCode::SEE_OTHER,
            "a copy of the cookie is worthless"
        );
        site.sign_in(&mut browser, "li", PASSWORD, "").await;
        assert_eq!(site.get(&mut browser, "/").await.0, StatusCode::OK, "who signed in");
        assert_eq!(site.get(&mut browser, "/school").await.0, StatusCode::FORBIDDEN, "another role");
    });
}

#[test]
fn r61_problems_are_pages_with_strict_headers_and_nothing_of_the_inside() {
    run(async |site| {
        let mut browser = Browser::default();
        for (path, status, id) in [
            ("/nowhere", StatusCode::NOT_FOUND, "web-missing"),
            ("/panic", StatusCode::INTERNAL_SERVER_ERROR, "web-fault"),
        ] {
            for language in [Language::En, Language::Ar, Language::Zh] {
                let request = Request::get(path).header(header::ACCEPT_LANGUAGE, language.tag());
                let (is, headers, page) = site.ask(&mut browser, request.body(Body::empty()).unwrap()).await;
                assert_eq!(is, status);
                assert!(page.contains(&say(language, id, &[])) && !page.contains("secret"), "{page}");
                let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
                assert!(
                    policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
                    "{policy}"
                );
                let told = [
                    "cache-control",
                    "x-content-type-options",
                    "referrer-policy",
                    "cross-origin-opener-policy",
                    "cross-origin-resource-policy",
                    "strict-transport-security",
                ];
                let told = told.map(|name| headers[name].to_str().unwrap());
                assert_eq!(
                    told,
                    ["no-store", "nosniff", "no-referrer", "same-origin", "same-origin", "max-age=31536000"]
                );
            }
        }
        let (_, _, page) = site.get(&mut browser, "//evil.example/x").await;
        assert!(page.contains("href=\"/?lang=de\"") && !page.contains("evil"), "{page}");
        let (_, _, page) = site.get(&mut browser, "/login").await;
        let style = page
            .split("href=\"")
            .find(|rest| rest.starts_with("/assets/style-"))
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let (status, headers, _) = site.get(&mut browser, style).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable")
                && !headers.contains_key(header::SET_COOKIE)
        );
        assert_eq!(site.get(&mut browser, "/assets/style-0.css").await.0, StatusCode::NOT_FOUND);
        let large = format!("csrf={}&a={}", field(&page, "csrf"), "x".repeat(3 << 20));
        let (status, _, page) = site.post(&mut browser, "/size", &large).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(page.contains(&say(Language::En, "web-large", &[])));
    });
}

#[test]
fn r61_a_long_address_makes_no_large_page() {
    run(async |site| {
        let mut browser = Browser::default();
        let long = format!("/login?{}", "!&".repeat(30_000));
        let (status, _, page) = site.get(&mut browser, &long).await;
        assert!(status == StatusCode::OK && page.len() < 64 << 10, "{status}, {} bytes", page.len());
        let (status, page) = loop {
            // It only leads to the form, and costs least.
            while site.get(&mut browser, "/").await.0 == StatusCode::SEE_OTHER {}
            let (status, _, page) = site.get(&mut browser, &long).await;
            if status != StatusCode::OK {
                break (status, page);
            }
        };
        assert!(status == StatusCode::TOO_MANY_REQUESTS && page.len() < 4 << 10, "{page}");
        assert!(page.contains(&say(Language::En, "web-busy", &[])), "{page}");
    });
}

#[test]
fn r61_a_source_that_asks_too_often_is_told_when_to_come_back_and_others_are_served() {
    run(async |site| {
        let ask = |source: [u8; 4]| {
            let mut request = Request::get("/login").body(Body::empty()).unwrap();
            request.extensions_mut().insert(IpAddr::from(source));
            request
        };
        let mut browser = Browser::default();
        let mut last = None;
        for _ in 0..1000 {
            let (status, headers, _) = site.ask(&mut browser, ask([192, 0, 2, 1])).await;
            if status != StatusCode::OK {
                last = Some((status, headers.contains_key(header::RETRY_AFTER)));
                break;
            }
        }
        assert_eq!(last, Some((StatusCode::TOO_MANY_REQUESTS, true)));
        assert_eq!(site.ask(&mut browser, ask([192, 0, 2, 2])).await.0, StatusCode::OK);
    });
}
