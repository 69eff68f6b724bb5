//! What a handler is given of a request. Whatever does not fit is a problem that says where.

use std::sync::Arc;

use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use hufu_registry::Caller;
use serde::de::DeserializeOwned;

use super::admission::{Admitted, WorkPermit};
use super::clock::now;
use super::problem::{ApiProblem, Kind};
use super::state::Api;

/// A JSON body.
pub(super) struct JsonBody<T>(pub(super) T);

/// A body of bytes as they are signed.
pub(super) struct Octets(pub(super) Bytes);

/// The ids of a path.
pub(super) struct Ids<T>(pub(super) T);

/// The query of a URL; members it does not know are refused by `T`.
pub(super) struct QueryArgs<T>(pub(super) T);

/// Who asks: the holder of the bearer token.
pub(super) struct Bearer(pub(super) Caller);

impl<T: DeserializeOwned> FromRequest<Api> for JsonBody<T> {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, api: &Api) -> Result<JsonBody<T>, ApiProblem> {
        expect_type(request.headers(), "application/json")?;
        let bytes = whole_body(request, api).await?;
        read_json(&bytes).map(JsonBody)
    }
}

/// Reads a body of JSON, of which nothing is left over.
pub(super) fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiProblem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|fault| {
        let path = fault.path().to_string();
        unfit(fault.inner(), &path)
    })?;
    json.end().map_err(|fault| unfit(&fault, "."))?;
    Ok(value)
}

/// Syntax is told by line and column, meaning by the member. What somebody put there is not repeated: it may be a
/// person's name or number, also where none belongs.
fn unfit(fault: &serde_json::Error, path: &str) -> ApiProblem {
    match fault.classify() {
        serde_json::error::Category::Data if is_ours(path) && path != "." => {
            ApiProblem::new(Kind::Invalid, format!("{path}: {}", shown(fault)))
        }
        serde_json::error::Category::Data => ApiProblem::new(Kind::Invalid, shown(fault)),
        _ => ApiProblem::new(Kind::MalformedJson, shown(fault)),
    }
}

/// What serde_json says, without the value that it quotes: of `invalid type: integer `7`, expected a string` all but
/// the 7. Names of members and variants are said when they look like such.
fn shown(fault: &serde_json::Error) -> String {
    let text = fault.to_string();
    let Some((said, rest)) = text.split_once(['`', '"']) else { return text };
    let Some((quoted, expected)) = rest.rsplit_once(", expected ") else { return text };
    // What was expected is quoted, too, and nothing before it.
    if said.contains(", expected ") || said.starts_with("unknown ") && is_ours(quoted.trim_end_matches('`')) {
        return text;
    }
    format!("{}, expected {expected}", said.trim_end())
}

/// Whether this looks like a path to a member that a request of this API may have, and not like a person's number.
fn is_ours(path: &str) -> bool {
    let known = |char: char| char.is_ascii_alphanumeric() || "_-.[]?".contains(char);
    path.chars().all(known) && path.split(|char: char| !char.is_ascii_digit()).all(|digits| digits.len() < 6)
}

impl FromRequest<Api> for Octets {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, api: &Api) -> Result<Octets, ApiProblem> {
        expect_type(request.headers(), "application/octet-stream")?;
        whole_body(request, api).await.map(Octets)
    }
}

/// All of the body, and then room for the work that it asks for.
async fn whole_body(request: Request, api: &Api) -> Result<Bytes, ApiProblem> {
    let place = request.extensions().get::<Arc<WorkPermit>>().cloned();
    let bytes = Bytes::from_request(request, api).await.map_err(unread)?;
    place.map_or(Ok(()), |place| place.take())?;
    Ok(bytes)
}

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Ids<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Ids<T>, ApiProblem> {
        match Path::<T>::from_request_parts(parts, api).await {
            Ok(Path(ids)) => Ok(Ids(ids)),
            Err(rejection) => Err(ApiProblem::new(Kind::MalformedPath, rejection.body_text())),
        }
    }
}

impl<T: DeserializeOwned> FromRequestParts<Api> for QueryArgs<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<QueryArgs<T>, ApiProblem> {
        match Query::<T>::from_request_parts(parts, api).await {
            Ok(Query(query)) => Ok(QueryArgs(query)),
            Err(rejection) => Err(ApiProblem::new(Kind::MalformedQuery, rejection.body_text())),
        }
    }
}

impl FromRequestParts<Api> for Bearer {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Bearer, ApiProblem> {
        if let Some(admitted) = parts.extensions.get::<Admitted>() {
            return Ok(Bearer(admitted.caller.clone()));
        }
        let token = bearer(&parts.headers).ok_or_else(ApiProblem::without_token)?;
        Ok(Bearer(api.registry.authenticate(token, now()).await?))
    }
}

/// The token of a request, RFC 6750 section 2.1. The scheme's case does not matter, RFC 9110 section 11.1.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Refuses a body that does not say it is of this type; parameters such as a charset are passed over.
pub(super) fn expect_type(headers: &HeaderMap, expected: &str) -> Result<(), ApiProblem> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = sent.split(';').next().unwrap_or("").trim();
    if essence.eq_ignore_ascii_case(expected) {
        Ok(())
    } else {
        Err(ApiProblem::new(Kind::MediaType, format!("send Content-Type: {expected}")))
    }
}

pub(super) fn unread(rejection: BytesRejection) -> ApiProblem {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            ApiProblem::new(Kind::TooLarge, "send a smaller body")
        }
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            ApiProblem::new(Kind::TooLarge, "send a smaller body")
        }
        _ => ApiProblem::new(Kind::CutOff, "send it again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_contract::{FindHolder, NewHolders, RosterEdit};

    fn told<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
        let mut deserializer = serde_json::Deserializer::from_slice(json.as_bytes());
        let fault = serde_path_to_error::deserialize::<_, T>(&mut deserializer).unwrap_err();
        let path = fault.path().to_string();
        let problem = unfit(fault.inner(), &path);
        format!("{problem:?}")
    }

    #[test]
    fn a_body_that_does_not_fit_is_told_where() {
        let check = |told: String, parts: &[&str]| {
            for part in parts {
                assert!(told.contains(part), "{told} lacks {part}");
            }
        };
        check(told::<FindHolder>("{\n  \"id_number\": \"1\",,"), &["MalformedJson", "line 2 column"]);
        check(told::<FindHolder>("{}"), &["Invalid", "missing field `id_number`"]);
        check(
            told::<FindHolder>(r#"{"id_number": "1", "colour": 2}"#),
            &["Invalid", "unknown field `colour`"],
        );
        check(
            told::<RosterEdit>(r#"{"groups": [{"issuer": 1, "holders": [1, -2]}]}"#),
            &["Invalid", "groups[0].holders[1]: invalid value: integer, expected u32"],
        );
    }

    #[test]
    fn r44_what_was_sent_in_the_wrong_place_is_not_repeated() {
        // A person's number must not end up in a log of answers.
        let check = |told: String, says: &str| {
            assert!(told.contains(says), "{told} lacks {says}");
            assert!(!told.contains("110105") && !told.contains('王'), "{told}");
        };
        let list = r#"{"holders": "11010519491231002X, \", expected\" 110105"}"#;
        check(told::<NewHolders>(list), "holders: invalid type: string, expected a sequence");
        let number = r#"{"id_number": 110105194912310021}"#;
        check(told::<FindHolder>(number), "id_number: invalid type: integer, expected a string");
        let negative = r#"{"groups": [{"issuer": -110105194912310021, "holders": []}]}"#;
        check(told::<RosterEdit>(negative), "invalid value: integer, expected u32");
        let float = r#"{"id_number": 110105194912310021.5}"#;
        check(told::<FindHolder>(float), "invalid type: floating point, expected a string");
        let member = r#"{"11010519491231002X": "id_number"}"#;
        check(told::<FindHolder>(member), "unknown field, expected `id_number`");
        check(told::<FindHolder>(r#"{"王小明": 1}"#), "unknown field, expected `id_number`");
    }

    #[test]
    fn the_token_is_taken_from_one_header_only() {
        let check = |values: &[&str], token: Option<&str>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            assert_eq!(bearer(&headers), token, "{values:?}");
        };
        check(&["Bearer hufu_x"], Some("hufu_x"));
        check(&["bearer  hufu_x"], Some("hufu_x"));
        check(&["Basic hufu_x"], None);
        check(&["hufu_x"], None);
        check(&[], None);
        check(&["Bearer hufu_x", "Bearer hufu_y"], None);
    }
}
