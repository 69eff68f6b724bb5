//! Whatever is wrong with a request is a problem that says so (RFC 9457), and nothing else happens.

use std::convert::Infallible;

use futures_util::stream;
use hufu_registry::Scope;
use hufu_registry::store::Store;
use reqwest::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Body, Method, StatusCode};
use serde_json::json;

use super::world::{World, name, told};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_asked_for_rightly_is_told() {
    let world = World::start().await;
    let asker = world.everybody().await;
    let check = async |method: Method,
                       path: &str,
                       media: &str,
                       body: &str,
                       status: u16,
                       problem: &str,
                       says: &str| {
        let request = asker.request(method, path).header(CONTENT_TYPE, media).body(body.to_owned());
        let (found, told) = told(request.send().await.unwrap()).await;
        assert_eq!((found.as_u16(), name(&told)), (status, problem), "{path}: {told}");
        assert!(told["detail"].as_str().unwrap().contains(says), "{path}: {told}");
    };
    let json = "application/json";
    let octets = "application/octet-stream";
    check(Method::GET, "/v2", json, "", 404, "not-found", "/v1/openapi.json").await;
    check(Method::GET, "/v1/issuers/310000/nothing", json, "", 404, "not-found", "nothing").await;
    check(Method::PATCH, "/v1/issuers", json, "", 405, "method-not-allowed", "PATCH").await;
    check(Method::GET, "/v1/issuers/shanghai/tip", json, "", 400, "malformed-path", "shanghai").await;
    check(Method::GET, "/v1/issuers/4294967296/tip", json, "", 400, "malformed-path", "u32").await;
    check(Method::GET, "/v1/issuers/7/tip", json, "", 404, "not-found", "issuer 7").await;
    check(Method::GET, "/v1/trail?limit=many", json, "", 400, "malformed-query", "limit").await;
    check(Method::GET, "/v1/trail?page=2", json, "", 400, "malformed-query", "page").await;
    let find = "/v1/issuers/310000/holders/find";
    check(Method::POST, find, json, "{\n\"id_number\" 1}", 400, "malformed-json", "line 2 column 13").await;
    check(Method::POST, find, json, "", 400, "malformed-json", "EOF").await;
    check(Method::POST, find, json, "{} {}", 422, "invalid", "missing field `id_number`").await;
    check(Method::POST, find, json, r#"{"id_number": "1"} 2"#, 400, "malformed-json", "trailing").await;
    check(Method::POST, find, json, r#"{"id_number": 7}"#, 422, "invalid", "id_number: invalid type").await;
    check(Method::POST, find, json, &"[".repeat(60_000), 422, "invalid", "invalid type").await;
    check(Method::POST, find, json, &" ".repeat(65_537), 413, "too-large", "smaller").await;
    check(Method::POST, find, "text/plain", "{}", 415, "media-type", json).await;
    check(Method::POST, "/v1/issuers/310000/proposals", json, "", 415, "media-type", octets).await;
    check(Method::POST, "/v1/issuers/310000/proposals", octets, "", 422, "unbelieved", "instruction").await;
    let set = "x".repeat(600_000);
    check(Method::POST, "/v1/issuers/310000/proposals", octets, &set, 413, "too-large", "smaller").await;
    check(Method::POST, "/v1/devices/1/revoke", json, "{}", 404, "not-found", "device 1").await;
    let policy = r#"{"name": "x", "policy": "accepts = [\"phone\"]\nadmits = 7\n"}"#;
    check(Method::PUT, "/v1/sites/9", json, policy, 422, "invalid", "policy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_there_are_stand_in_the_answer() {
    let world = World::start().await;
    let response = world.request(Method::PATCH, "/v1/sites/1").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    let allowed = response.headers()[ALLOW].to_str().unwrap().to_owned();
    for method in ["GET", "PUT", "DELETE"] {
        assert!(allowed.contains(method), "{allowed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_counts_while_it_is_in_force_and_no_longer() {
    let world = World::start().await;
    let asker = world.everybody().await;
    let check = async |header: Option<String>| {
        let mut request = world.request(Method::GET, "/v1/issuers");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let response = request.send().await.unwrap();
        let says_how =
            response.headers().get(WWW_AUTHENTICATE).is_some_and(|how| how == "Bearer realm=\"hufu\"");
        let (status, problem) = told(response).await;
        assert_eq!((status, name(&problem), says_how), (StatusCode::UNAUTHORIZED, "unauthenticated", true));
    };
    check(None).await;
    check(Some(asker.secret.clone())).await;
    check(Some(format!("Basic {}", asker.secret))).await;
    check(Some(format!("Bearer {}", &asker.secret[..47]))).await;
    check(Some(format!("Bearer hufu_{}", "A".repeat(43)))).await;

    assert_eq!(asker.get("/v1/issuers").await.0, StatusCode::OK);
    let path = format!("/v1/tokens/{}", asker.id.0);
    let revoked = asker.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::OK);
    check(Some(format!("Bearer {}", asker.secret))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_and_listed_without_its_secret() {
    let world = World::start().await;
    let admin = world.asker([Scope::Admin]).await;
    let wanted =
        json!({"label": "engine 1", "scopes": ["feed"], "issuer": 310_000, "expires_ms": u64::MAX >> 12});
    let (status, made) = admin.post("/v1/tokens", wanted.clone()).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("hufu_") && secret.len() == 48);
    let (_, listed) = admin.get("/v1/tokens").await;
    assert!(listed.to_string().contains("engine 1") && !listed.to_string().contains(secret));
    let (status, again) = admin.post("/v1/tokens", wanted).await;
    assert_eq!(
        (status, name(&again)),
        (StatusCode::CONFLICT, "conflict"),
        "a label stands for one token for ever"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_answer_is_a_problem_and_no_health() {
    let world = World::start().await;
    let health = world.request(Method::GET, "/v1/health").send().await.unwrap();
    let (status, health) = told(health).await;
    assert_eq!((status, health["status"].as_str()), (StatusCode::OK, Some("ok")));
    world.store.close().await;
    let response = world.request(Method::GET, "/v1/health").send().await.unwrap();
    assert!(response.headers().contains_key(RETRY_AFTER));
    let (status, problem) = told(response).await;
    assert_eq!((status, name(&problem)), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_room_says_come_back_and_stays_healthy() {
    let world = World::with(|options| options.requests_max = 0).await;
    let asker = world.everybody().await;
    let response = asker.request(Method::GET, "/v1/issuers").send().await.unwrap();
    assert_eq!(response.headers()[RETRY_AFTER], "1");
    let (status, problem) = told(response).await;
    assert_eq!((status, name(&problem)), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    assert_eq!(world.request(Method::GET, "/v1/health").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_too_long_is_given_up() {
    let world = World::with(|options| options.request_ms_max = 200).await;
    let asker = world.everybody().await;
    let path = "/v1/issuers/310000/holders/find";
    let request = asker.request(Method::POST, path).header(CONTENT_TYPE, "application/json");
    // A body that never comes.
    let body = Body::wrap_stream(stream::pending::<Result<Vec<u8>, Infallible>>());
    let (status, problem) = told(request.body(body).send().await.unwrap()).await;
    assert_eq!((status, name(&problem)), (StatusCode::SERVICE_UNAVAILABLE, "slow"));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_are_closed() {
    let world = World::with(|options| options.connections_max = 1).await;
    let held = tokio::net::TcpStream::connect(world.running.addr()).await.unwrap();
    let refused = async || world.request(Method::GET, "/v1/health").send().await.is_err();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
    while !refused().await {
        // The first connection may have been accepted after this one.
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    drop(held);
    while refused().await {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
