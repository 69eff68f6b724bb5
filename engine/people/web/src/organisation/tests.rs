use super::*;
use hufu_wire::SiteId;
use serde_json::json;

fn options(issuer: &str) -> OrganisationOptions {
    OrganisationOptions {
        issuer: issuer.to_owned(),
        client: "hufu".to_owned(),
        secret: Some("secret".to_owned()),
        address: "http://127.0.0.1:7430".to_owned(),
        ca: None,
        scopes: Vec::new(),
        claim: "groups".to_owned(),
        roles: vec![("ops".to_owned(), Role::Operator), ("school-7".to_owned(), Role::School(SiteId(7)))],
    }
}

#[test]
fn r61_groups_of_the_organisation_decide_the_role_and_nothing_else_does() {
    let roles = options("").roles;
    let check = |claims: Value, is: Option<Role>| {
        assert_eq!(role_of(claims.as_object().unwrap(), "groups", &roles), is, "{claims}");
    };
    check(json!({ "groups": ["staff", "school-7"] }), Some(Role::School(SiteId(7))));
    check(json!({ "groups": ["school-7", "ops"] }), Some(Role::Operator));
    check(json!({ "groups": "ops" }), Some(Role::Operator));
    check(json!({ "groups": "ops school-7" }), None);
    check(json!({ "groups": ["Ops", 7, null, ["ops"]] }), None);
    check(json!({ "groups": { "ops": true } }), None);
    check(json!({ "roles": ["ops"] }), None);
    check(json!({}), None);
}

#[test]
fn settings_that_would_sign_in_no_person_or_in_the_clear_are_refused() {
    _ = rustls_provider();
    assert!(Organisation::open(options("http://127.0.0.1:1")).is_ok());
    for issuer in ["http://login.example", "ftp://login.example", "login.example"] {
        assert!(Organisation::open(options(issuer)).is_err(), "{issuer}");
    }
    let none = OrganisationOptions { roles: Vec::new(), ..options("http://127.0.0.1:1") };
    assert!(Organisation::open(none).is_err());
    assert!(!format!("{:?}", options("https://login.example")).contains("secret"));
}

#[test]
fn r61_what_another_browser_began_is_refused_before_the_organisation_is_asked() {
    _ = rustls_provider();
    let organisation = Organisation::open(options("http://127.0.0.1:1")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let under_way = |until_s| {
        json!({ "state": "s", "nonce": "n", "verifier": "v", "next": "/", "until_s": until_s }).to_string()
    };
    let cases = [
        (None, "s", "c"),
        (Some("{}".to_owned()), "s", "c"),
        (Some(under_way(600)), "t", "c"),
        (Some(under_way(0)), "s", "c"),
        (Some(under_way(600)), "s", ""),
    ];
    for (under_way, state, code) in cases {
        let answer = runtime.block_on(organisation.end(under_way.as_deref(), state, code));
        assert!(matches!(answer, Err(Refusal::Refused(_))), "{under_way:?} {state} {code}");
    }
    let answer = runtime.block_on(organisation.end(Some(&under_way(600)), "s", "c"));
    assert!(matches!(answer, Err(Refusal::Silent(_))), "now it is asked, and is not there");
}

fn rustls_provider() -> bool {
    rustls::crypto::aws_lc_rs::default_provider().install_default().is_ok()
}

#[test]
fn an_organisation_that_did_not_answer_is_not_asked_again_at_once() {
    _ = rustls_provider();
    let door = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", door.local_addr().unwrap());
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    std::thread::spawn(move || {
        for visitor in door.incoming() {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            drop(visitor);
        }
    });
    let organisation = Organisation::open(options(&issuer)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut counts = [0; 2];
    for count in &mut counts {
        let answer = runtime.block_on(organisation.begin(Language::En, "/"));
        assert!(matches!(answer, Err(Refusal::Silent(_))));
        *count = asked.load(std::sync::atomic::Ordering::SeqCst);
    }
    assert!(counts[0] > 0 && counts[0] == counts[1], "{counts:?}");
}
