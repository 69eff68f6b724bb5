//! The OpenAPI document, made from the handlers themselves.

use axum::Extension;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hufu_contract::{PROBLEM_TYPE_PREFIX, Problem};
use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, ResponseBuilder};

use super::problem::Kind;

/// The document as it is served.
#[derive(Clone, Debug)]
pub(super) struct Document(pub(super) Bytes);

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Hufu registry",
        description = "The source of truth: holders, credentials, sites, devices, rosters, proposals and the chain. \
            Errors are problem details (RFC 9457). Bodies of bytes are laid out in docs/SYNC.md."
    ),
    components(schemas(Problem))
)]
struct Base;

/// What the document says before any route.
pub(super) fn base() -> OpenApi {
    Base::openapi()
}

/// The document of these routes, with what every route has in common.
pub(super) fn finish(mut document: OpenApi) -> Value {
    add_common(&mut document);
    // A document of texts and numbers always becomes JSON.
    let mut document = serde_json::to_value(document).unwrap_or_default();
    widen(&mut document);
    document
}

/// utoipa calls a `u32` a `u-int32`, which no reader knows: names it as OpenAPI's registry of formats does, and says how far it
/// reaches.
fn widen(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(bits) = members.get("format").and_then(Value::as_str).and_then(unsigned_bits) {
                members.insert("format".to_owned(), format!("uint{bits}").into());
                // JSON readers that hold numbers as doubles have no largest u64.
                if bits < 64 {
                    members.entry("maximum").or_insert_with(|| ((1_u64 << bits) - 1).into());
                }
            }
            members.values_mut().for_each(widen);
        }
        Value::Array(items) => items.iter_mut().for_each(widen),
        _ => {}
    }
}

fn unsigned_bits(format: &str) -> Option<u32> {
    format.strip_prefix("u-int")?.parse().ok()
}

fn add_common(document: &mut OpenApi) {
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.bearer_format = Some("hufu_ and 43 characters".to_owned());
    bearer.description = Some("Each route names the scopes of which the token needs one.".to_owned());
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));

    let refused = ResponseBuilder::new()
        .description(problems())
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build(),
        )
        .build();
    for path in document.paths.paths.values_mut() {
        let operations = [&mut path.get, &mut path.put, &mut path.post, &mut path.delete];
        for operation in operations.into_iter().flatten() {
            // Handlers of different nouns have the same names: `sites_read`, `devices_read`.
            if let (Some(tag), Some(name)) = (operation.tags.iter().flatten().next(), &operation.operation_id)
            {
                operation.operation_id = Some(format!("{tag}_{name}"));
            }
            operation.responses.responses.insert("default".to_owned(), refused.clone().into());
        }
    }
}

/// Every problem there is, as a list.
fn problems() -> String {
    let line = |kind: &Kind| {
        let (status, slug, title) = (kind.status().as_u16(), kind.slug(), kind.title());
        format!("* {status} `{PROBLEM_TYPE_PREFIX}{slug}`: {title}")
    };
    let lines: Vec<String> = Kind::ALL.iter().map(line).collect();
    format!("The reason, and who can fix it. One of:\n\n{}", lines.join("\n"))
}

/// This document
///
/// Needs no token.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "document",
    responses((status = 200, body = Object, content_type = "application/json")))]
pub(super) async fn read(Extension(document): Extension<Document>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document.0).into_response()
}
