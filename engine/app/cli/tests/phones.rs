//! A clerk invites a holder, and the holder's phone gets its codes from a running registry (R41, R46).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
mod registry;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use common::{eventually, said};
use hufu_codes::code::parse_text;
use hufu_codes::issue::code_text;
use hufu_contract::{Base64Url, PhoneRequest};
use registry::World;
use serde_json::{Value, json};

/// One exchange; status and JSON.
fn exchange(at: &str, head: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(at).unwrap();
    let length = body.len();
    let request = format!("{head}host: {at}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("cache-control: no-store"), "{head}");
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

/// What a phone of this name asks.
fn ask(world: &World, key: &EcdsaKeyPair, name: &str, path: &str, body: &Value) -> (u16, Value) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (time, text) = (since.as_millis().to_string(), body.to_string());
    let body = digest(&SHA256, text.as_bytes()).as_ref().try_into().unwrap();
    let message = PhoneRequest { method: "POST", path, phone: name, time: &time, body }.signed_bytes();
    let signature = Base64Url(key.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec());
    let head = format!(
        "POST {path} HTTP/1.1\r\ncontent-type: application/json\r\nhufu-phone: {name}\r\nhufu-time: {time}\r\n\
         hufu-signature: {signature}\r\n"
    );
    exchange(&world.phones, &head, &text)
}

#[test]
fn r41_a_holder_s_phone_gets_its_codes_until_a_clerk_ends_it() {
    let world = World::new();
    world.add_holders(1);
    let page =
        "holder invite --issuer 310000 0 --level in-person --valid 1h --page https://code.example/ --json";
    let invited: Value = serde_json::from_str(&world.ok(page)).unwrap();
    let number = invited["number"].as_str().unwrap();
    assert_eq!(invited["link"], format!("https://code.example/#activate={number}"));
    let told = world.hufu("holder invite --issuer 310000 0 --level in-person --page http://code.example");
    assert!(said(&told).contains("beginning with https://"), "{}", said(&told));
    let told = world.hufu("holder invite --issuer 310000 0 --level in-person --page https://code.example/#x");
    assert!(said(&told).contains("without # and what follows it"), "{}", said(&told));
    let (status, about) = exchange(&world.phones, "GET /phone/v1/about HTTP/1.1\r\n", "");
    assert_eq!((status, &about["issuers"][0]["name"]), (200, &json!("Shanghai")));

    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let public_key = Base64Url(key.public_key().as_ref().to_vec());
    let body = json!({"number": number, "public_key": public_key});
    let (status, activated) = ask(&world, &key, "", "/phone/v1/activate", &body);
    assert_eq!(status, 200, "{activated}");
    let name = "310000.0.1";
    let terms = &activated["terms"];
    let origin = terms["issued_ms"].as_u64().unwrap() / 30_000 - 8;
    let wanted = json!({"terms": terms, "step_root": "5a".repeat(16), "origin_step": origin});
    let (status, renewed) = ask(&world, &key, name, "/phone/v1/renew", &wanted);
    assert_eq!(status, 200, "{renewed}");
    let credential: Base64Url = serde_json::from_value(renewed["credential"].clone()).unwrap();
    let text = code_text(&credential.0, None);
    let mut binary = [0; hufu_wire::limits::CODE_BINARY_BYTES_MAX];
    let code = parse_text(text.as_bytes(), &mut binary).unwrap();
    assert_eq!(code.credential.claims().holder.0, 0);
    let (status, own) = ask(&world, &key, name, "/phone/v1/status", &json!({}));
    assert_eq!((status, &own["colour"]), (200, &json!("unknown")), "no authority has given one");

    let listed: Value = serde_json::from_str(&world.ok("holder phones --issuer 310000 0 --json")).unwrap();
    assert_eq!((&listed[0]["phone"], &listed[0]["level"]), (&json!(1), &json!("in-person")));
    assert!(listed[0]["renewed_ms"].is_u64() && listed[0]["ended_ms"].is_null(), "{listed}");
    eventually("renewals on the metrics page", || {
        let mut page = String::new();
        let mut stream = TcpStream::connect(&world.metrics).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        stream.read_to_string(&mut page).unwrap();
        let lines = [
            "hufu_registry_phone_renewals_total 1",
            "hufu_registry_phone_requests_total{request=\"renew\",status=\"200\"} 1",
        ];
        if lines.iter().all(|line| page.contains(line)) { Ok(()) } else { Err(page) }
    });
    let ended = world.ok("holder end-phone --issuer 310000 0 1");
    assert!(ended.contains("generation"), "{ended}");
    let (status, problem) = ask(&world, &key, name, "/phone/v1/renew", &wanted);
    assert_eq!((status, &problem["type"]), (403, &json!("urn:hufu:problem:phone-ended")));
    assert_eq!(world.hufu("holder end-phone --issuer 310000 0 2").status.code(), Some(1));
}
