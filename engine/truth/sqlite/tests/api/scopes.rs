//! Every route of the document: without a token, with the wrong scopes, for another issuer.

use hufu_api::openapi;
use hufu_registry::Scope;
use hufu_wire::IssuerId;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::world::{Asker, World, name, told};

struct Operation {
    method: Method,
    path: String,
    media: &'static str,
    body: Vec<u8>,
    /// Any of which is enough; none where any token is.
    scopes: Vec<Scope>,
    needs_token: bool,
}

/// Every operation of the document, with ids in its path and its example for a body.
fn operations() -> Vec<Operation> {
    let document = openapi();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE] {
            let Some(operation) = item.get(method.as_str().to_lowercase()) else { continue };
            let path = path
                .replace("{issuer}", "310000")
                .replace("{site}", "310101")
                .replace("{digest}", &"0".repeat(64))
                .replace("{kind}/{name}", &format!("rules/{}", "0".repeat(64)))
                .replace("{kind}", "rules")
                .replace("{name}", "class")
                .replace("{office}", "12306")
                .replace("{ticket}", "E1");
            let path = [
                "{holder}",
                "{device}",
                "{proposal}",
                "{sequence}",
                "{token}",
                "{appeal}",
                "{binding}",
                "{phone}",
            ]
            .iter()
            .fold(path, |path, parameter| path.replace(parameter, "1"));
            assert!(!path.contains('{'), "{path}");
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let (media, body) = match schema.as_str() {
                Some(reference) => {
                    let schema = document.pointer(&reference[1..]).unwrap();
                    ("application/json", serde_json::to_vec(&schema["example"]).unwrap())
                }
                None => (
                    "application/octet-stream",
                    if operation.get("requestBody").is_some() { vec![1] } else { vec![] },
                ),
            };
            let requirements = operation.get("security").and_then(Value::as_array);
            let named = requirements.into_iter().flatten().flat_map(|one| one["bearer"].as_array().unwrap());
            let scopes = named.map(|scope| Scope::from_slug(scope.as_str().unwrap()).unwrap()).collect();
            operations.push(Operation {
                method,
                path,
                media,
                body,
                scopes,
                needs_token: requirements.is_some(),
            });
        }
    }
    assert!(operations.len() > 40);
    operations
}

impl Operation {
    async fn ask(&self, world: &World, asker: Option<&Asker<'_>>) -> (StatusCode, Value) {
        let mut request = world.request(self.method.clone(), &self.path).header(CONTENT_TYPE, self.media);
        if let Some(asker) = asker {
            request = request.bearer_auth(&asker.secret);
        }
        let response = request.body(self.body.clone()).send().await.unwrap();
        if response.status().is_success() { (response.status(), Value::Null) } else { told(response).await }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_of_the_document_is_there_and_wants_a_token() {
    let world = World::start().await;
    for operation in operations() {
        let (status, problem) = operation.ask(&world, None).await;
        let path = &operation.path;
        if operation.needs_token {
            assert_eq!((status, name(&problem)), (StatusCode::UNAUTHORIZED, "unauthenticated"), "{path}");
        } else {
            assert_eq!(status, StatusCode::OK, "{path}");
        }
    }
    let served = world.request(Method::GET, "/v1/openapi.json").send().await.unwrap();
    assert_eq!(served.headers()[CONTENT_TYPE], "application/json");
    let served: Value = served.json().await.unwrap();
    assert_eq!(served, openapi(), "the document itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn r44_no_route_serves_a_token_that_lacks_its_scopes() {
    let world = World::start().await;
    for operation in operations().into_iter().filter(|operation| !operation.scopes.is_empty()) {
        let others = Scope::ALL.into_iter().filter(|scope| !operation.scopes.contains(scope));
        let asker = world.asker(others).await;
        let (status, problem) = operation.ask(&world, Some(&asker)).await;
        let Operation { method, path, .. } = &operation;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}: {problem}");
        assert_eq!(name(&problem), "forbidden", "{method} {path}");

        for scope in &operation.scopes {
            let asker = world.asker([*scope]).await;
            let (status, problem) = operation.ask(&world, Some(&asker)).await;
            let refused = [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED].contains(&status);
            assert!(!refused, "{method} {path} with {scope}: {problem}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r44_no_route_serves_a_token_of_another_issuer() {
    let world = World::start().await;
    let stranger = world.asker_for(Scope::ALL, Some(IssuerId(320_000))).await;
    for operation in operations().into_iter().filter(|operation| !operation.scopes.is_empty()) {
        let (status, problem) = operation.ask(&world, Some(&stranger)).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{} {}: {problem}", operation.method, operation.path);
    }
    let (_, issuers) = stranger.get("/v1/issuers").await;
    assert_eq!(issuers["issuers"], serde_json::json!([]));
}
