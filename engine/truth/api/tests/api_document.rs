//! The OpenAPI document: whole, consistent, and true of what the handlers take.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use hufu_api::openapi;
use hufu_contract::{
    AppealWords, BindRelative, CertifyAbroad, CorrectHolder, DecideAppeal, EndBinding, FindHolder,
    IssueCredential, IssueFamilyCode, IssuerEdit, JoinHolder, LookAtHolders, LookUpHolders, NewAppeal,
    NewDevice, NewFacts, NewHolders, NewInvitation, NewToken, OpenFacts, PartHolder, PutTrip, PutTrips,
    RosterEdit, Scope, SignRoster, SiteEdit,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

const METHODS: [&str; 4] = ["get", "put", "post", "delete"];

fn document() -> Value {
    openapi()
}

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| Some((format!("{method} {path}"), item.get(method)?)))
        })
        .collect()
}

#[test]
fn every_operation_says_who_may_what_it_takes_and_how_it_fails() {
    let document = document();
    let operations = operations(&document);
    assert!(operations.len() > 40, "{} operations", operations.len());
    let mut names = BTreeSet::new();
    for (route, operation) in operations {
        assert!(
            names.insert(operation["operationId"].as_str().unwrap().to_owned()),
            "{route}: a second name"
        );
        assert!(!operation["summary"].as_str().unwrap_or("").is_empty(), "{route} has no summary");
        assert_eq!(
            operation["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"],
            "#/components/schemas/Problem",
            "{route}",
        );

        let open = ["get /v1/health", "get /v1/openapi.json"].contains(&route.as_str());
        assert_eq!(operation.get("security").is_none(), open, "{route}");
        for scope in scopes(operation) {
            serde_json::from_value::<Scope>(scope.clone()).unwrap_or_else(|_| panic!("{route}: {scope}"));
        }

        let named: BTreeSet<_> =
            route.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let empty = Vec::new();
        let parameters = operation["parameters"].as_array().unwrap_or(&empty);
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
        let declared: BTreeSet<_> = in_path.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(named, declared, "{route}");
    }
}

/// The scopes that an operation names.
fn scopes(operation: &Value) -> Vec<&Value> {
    let requirements = operation.get("security").and_then(Value::as_array).into_iter().flatten();
    requirements.flat_map(|requirement| requirement["bearer"].as_array().unwrap()).collect()
}

#[test]
fn no_reference_leads_nowhere() {
    fn walk<'a>(value: &'a Value, references: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, member)| match member.as_str() {
                Some(text) if name == "$ref" => drop(references.insert(text)),
                _ => walk(member, references),
            }),
            Value::Array(items) => items.iter().for_each(|item| walk(item, references)),
            _ => {}
        }
    }
    let document = document();
    let mut references = BTreeSet::new();
    walk(&document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
    }
}

/// A client that is made from the document must reach every id that there is. Fuzzing found ids that were promised to end at
/// 2^31, and limits of pages that were promised to be refused and are cut.
#[test]
fn numbers_are_as_wide_as_the_api_takes_them() {
    fn walk(value: &Value, formats: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                if members.get("type").is_some_and(|kind| kind.to_string().contains("\"integer\"")) {
                    formats.insert(members.get("format").map_or_else(String::new, Value::to_string));
                }
                members.values().for_each(|member| walk(member, formats));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, formats)),
            _ => {}
        }
    }
    let document = document();
    let mut formats = BTreeSet::new();
    walk(&document, &mut formats);
    assert!(formats.contains("\"uint32\"") && formats.contains("\"uint64\""), "{formats:?}");
    let known = ["", "\"uint8\"", "\"uint16\"", "\"uint32\"", "\"uint64\""];
    assert!(formats.iter().all(|format| known.contains(&format.as_str())), "none is signed: {formats:?}");
    let issuer = &document["paths"]["/v1/issuers/{issuer}"]["put"]["parameters"][0]["schema"];
    assert_eq!((&issuer["minimum"], &issuer["maximum"]), (&0.into(), &u32::MAX.into()), "{issuer}");
    for (route, operation) in operations(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let is_refused = parameter["schema"]["maximum"] != u32::MAX;
            assert!(parameter["name"] != "limit" || !is_refused, "{route}: a limit is cut, not refused");
        }
    }
}

#[test]
fn the_examples_of_requests_are_taken_and_fit_their_schemas() {
    let document = document();
    let mut bodies = 0;
    for (route, operation) in operations(&document) {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let Some(reference) = schema["$ref"].as_str() else { continue };
        let name = reference.rsplit('/').next().unwrap();
        let example = &document["components"]["schemas"][name]["example"];
        assert!(example.is_object(), "{route}: {name} has no example");
        fits(&document, schema, example).unwrap_or_else(|why| panic!("{route}: {why}"));
        taken(name, example);
        bodies += 1;
    }
    assert_eq!(bodies, 27, "every JSON body there is");
}

/// Whether the handler's own type takes an example, says the same again, and refuses a member it does not know.
fn taken(name: &str, example: &Value) {
    match name {
        "AppealWords" => again::<AppealWords>(example),
        "BindRelative" => again::<BindRelative>(example),
        "CertifyAbroad" => again::<CertifyAbroad>(example),
        "CorrectHolder" => again::<CorrectHolder>(example),
        "DecideAppeal" => again::<DecideAppeal>(example),
        "EndBinding" => again::<EndBinding>(example),
        "FindHolder" => again::<FindHolder>(example),
        "IssueCredential" => again::<IssueCredential>(example),
        "IssueFamilyCode" => again::<IssueFamilyCode>(example),
        "IssuerEdit" => again::<IssuerEdit>(example),
        "JoinHolder" => again::<JoinHolder>(example),
        "LookAtHolders" => again::<LookAtHolders>(example),
        "LookUpHolders" => again::<LookUpHolders>(example),
        "NewAppeal" => again::<NewAppeal>(example),
        "NewDevice" => again::<NewDevice>(example),
        "NewFacts" => again::<NewFacts>(example),
        "NewHolders" => again::<NewHolders>(example),
        "NewInvitation" => again::<NewInvitation>(example),
        "NewToken" => again::<NewToken>(example),
        "OpenFacts" => again::<OpenFacts>(example),
        "PartHolder" => again::<PartHolder>(example),
        "PutTrip" => again::<PutTrip>(example),
        "PutTrips" => again::<PutTrips>(example),
        "RosterEdit" => again::<RosterEdit>(example),
        "SignRoster" => again::<SignRoster>(example),
        "SiteEdit" => again::<SiteEdit>(example),
        other => panic!("{other} is taken by a route and not tried here"),
    }
}

fn again<T: DeserializeOwned + Serialize>(example: &Value) {
    let read: T = serde_json::from_value(example.clone()).unwrap();
    assert_eq!(&serde_json::to_value(read).unwrap(), example);
    let mut stranger = example.clone();
    stranger["stranger"] = Value::Bool(true);
    assert!(serde_json::from_value::<T>(stranger).is_err(), "{example} with a stranger");
}

#[test]
fn what_does_not_fit_a_schema_is_noticed() {
    let document = document();
    let schema = serde_json::json!({"$ref": "#/components/schemas/RosterEdit"});
    let check = |roster: Value, fits_it: bool| {
        assert_eq!(fits(&document, &schema, &roster).is_ok(), fits_it, "{roster}");
    };
    check(serde_json::json!({"groups": [{"issuer": 1, "holders": [2]}]}), true);
    check(serde_json::json!({"groups": [{"issuer": 1}]}), false);
    check(serde_json::json!({"groups": [{"issuer": "1", "holders": [2]}]}), false);
    check(serde_json::json!({"groups": [], "stranger": 1}), false);
}

/// Whether `value` is what `schema` says, as far as this document uses JSON Schema.
fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return fits(document, document.pointer(&reference[1..]).ok_or(reference)?, value);
    }
    let not = |what: &str| Err(format!("{value} is not {what}"));
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices.iter().filter(|choice| fits(document, choice, value).is_ok()).count();
        return if fitting == 1 { Ok(()) } else { not("exactly one of the choices") };
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        fits(document, part, value)?;
    }
    if let Some(names) = schema["enum"].as_array()
        && !names.contains(value)
    {
        return not("among the names");
    }
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    };
    if !types.iter().any(|name| is(name)) {
        return not(&types.join(" or "));
    }
    for item in value.as_array().into_iter().flatten() {
        fits(document, &schema["items"], item)?;
    }
    value.as_object().map_or(Ok(()), |members| object_fits(document, schema, members))
}

fn object_fits(document: &Value, schema: &Value, members: &Map<String, Value>) -> Result<(), String> {
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        members.get(required).ok_or_else(|| format!("{required} is missing"))?;
    }
    for (name, member) in members {
        match schema["properties"].get(name) {
            Some(property) => fits(document, property, member)?,
            None if schema["additionalProperties"] == Value::Bool(false) => {
                return Err(format!("{name} is a stranger"));
            }
            None => {}
        }
    }
    Ok(())
}
