//! What each route asks of its caller, as the OpenAPI document says it: so that a token is looked at before a body is.

use std::collections::HashMap;

use axum::extract::MatchedPath;
use axum::http::{Method, Uri};
use hufu_registry::{Caller, Fault, Scope};
use hufu_wire::IssuerId;
use serde_json::Value;

/// What one route asks of its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// Which kind of route it is, the document's tag.
    pub(super) class: String,
    /// Scopes of which the token needs one; none: any token. `None`: no token is asked for.
    scopes: Option<Vec<Scope>>,
    /// Whether it reads a body.
    pub(super) takes_body: bool,
    /// Whether it gives somebody a credential: at the peak such requests are turned away at the door.
    pub(super) issues: bool,
    /// Which part of the path, split at slashes, is the issuer.
    issuer_at: Option<usize>,
}

/// The rules of every route.
#[derive(Debug, Default)]
pub(super) struct Rules(HashMap<String, Vec<(Method, Rule)>>);

impl Rules {
    /// Reads the rules out of the document, which is made from the handlers.
    pub(super) fn of(document: &Value) -> Rules {
        let mut rules: HashMap<_, Vec<_>> = HashMap::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE] {
                if let Some(operation) = item.get(method.as_str().to_lowercase()) {
                    let rule = Rule::of(path, &method, operation);
                    rules.entry(path.clone()).or_default().push((method, rule));
                }
            }
        }
        Rules(rules)
    }

    /// The rule of a route, `None` when there is no such route.
    pub(super) fn find(&self, method: &Method, path: Option<&MatchedPath>) -> Option<&Rule> {
        // A HEAD is a GET whose body is left out.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.0.get(path?.as_str())?.iter().find_map(|(of, rule)| (of == method).then_some(rule))
    }
}

impl Rule {
    fn of(path: &str, method: &Method, operation: &Value) -> Rule {
        let scope = |scope: &Value| scope.as_str().and_then(Scope::from_slug);
        let scopes = |one: &Value| -> Vec<Scope> {
            one["bearer"].as_array().into_iter().flatten().filter_map(scope).collect()
        };
        let security = operation.get("security").and_then(Value::as_array);
        Rule {
            class: operation["tags"][0].as_str().unwrap_or("other").to_owned(),
            scopes: security.map(|security| security.iter().flat_map(scopes).collect()),
            takes_body: operation.get("requestBody").is_some(),
            issues: method == Method::POST && path.ends_with("/credentials"),
            issuer_at: path.split('/').position(|part| part == "{issuer}"),
        }
    }

    /// Whether a token is asked for.
    pub(super) fn needs_token(&self) -> bool {
        self.scopes.is_some()
    }

    /// Whether `caller` may come in. What a handler does checks it again.
    pub(super) fn admit(&self, caller: &Caller, uri: &Uri) -> Result<(), Fault> {
        let scopes = self.scopes.as_deref().unwrap_or_default();
        let Some(first) = scopes.first() else { return Ok(()) };
        let issuer = self.issuer_at.and_then(|at| uri.path().split('/').nth(at)?.parse().ok());
        match (self.issuer_at, issuer) {
            (None, _) => caller.may_one_everywhere(scopes),
            (Some(_), Some(issuer)) => caller.may_one_of(scopes, IssuerId(issuer)),
            // What is no issuer's number is the handler's to refuse, with its place; the scope is looked at all the same.
            (Some(_), None) if scopes.iter().any(|scope| caller.scopes().contain(*scope)) => Ok(()),
            (Some(_), None) => Err(Fault::Forbidden { scope: *first, elsewhere: false }),
        }
    }
}
