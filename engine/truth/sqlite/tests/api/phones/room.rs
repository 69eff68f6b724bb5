//! Phones that ask too much: who waits, who is turned away, and who is served all the same.

use std::time::{Duration, Instant};

use hufu_contract::{Base64Url, ProofLevel};
use hufu_registry::{Caller, IdNumber, Person};
use hufu_wire::HolderIndex;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, RETRY_AFTER};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::asking::{Front, Phone};
use super::{invite, people, renewal};
use crate::world::{ISSUER, World, now};

#[tokio::test(flavor = "multi_thread")]
async fn r46_a_phone_that_asks_too_often_waits_and_delays_no_other() {
    let world = World::start().await;
    let clerk = world.everybody().await;
    people(&clerk).await;
    let front = Front::start(&world, |options| options.phone_requests_max = 2);
    let [mut phone, mut other] = [Phone::new(), Phone::new()];
    let number = invite(&clerk, 0).await;
    front.activate(&mut phone, &number).await;
    let number = invite(&clerk, 1).await;
    front.activate(&mut other, &number).await;
    let path = "/phone/v1/status";
    for _ in 0..5 {
        let forged = Phone { name: phone.name.clone(), ..Phone::new() };
        assert_eq!(front.ask(&forged, path, json!({})).await.0, StatusCode::UNAUTHORIZED);
    }
    for _ in 0..2 {
        assert_eq!(front.ask(&phone, path, json!({})).await.0, StatusCode::OK);
    }
    let third = front.request(&phone, path, now().0, "{}").send().await.unwrap();
    assert_eq!(
        (third.status(), &third.headers()[RETRY_AFTER]),
        (StatusCode::TOO_MANY_REQUESTS, &"60".parse().unwrap())
    );
    assert_eq!(front.ask(&other, path, json!({})).await.0, StatusCode::OK);
    front.running.stop().await;
}

/// Where there is no room for phones, they are turned away from their headers alone, and clerks are answered; the other way
/// round, too.
#[tokio::test(flavor = "multi_thread")]
async fn r46_a_flood_of_phones_takes_no_clerk_s_place_nor_the_other_way_round() {
    let world = World::start().await;
    let clerk = world.everybody().await;
    people(&clerk).await;
    let full = Front::start(&world, |options| options.api.requests_max = 0);
    let open = Front::start(&world, |_| {});
    let mut phone = Phone::new();
    let number = invite(&clerk, 0).await;
    assert_eq!(open.activate(&mut phone, &number).await.0, StatusCode::OK);

    // A body that never comes: the answer is there before it.
    let mut stream = tokio::net::TcpStream::connect(full.running.addr()).await.unwrap();
    let head = format!("POST /phone/v1/renew HTTP/1.1\r\nhost: x\r\n{CONTENT_LENGTH}: 400\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let mut pauses = Vec::new();
    for _ in 0..20 {
        let answer = full.request(&phone, "/phone/v1/status", now().0, "{}").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        pauses.push(answer.headers()[RETRY_AFTER].to_str().unwrap().parse::<u64>().unwrap());
    }
    pauses.sort_unstable();
    pauses.dedup();
    assert_eq!(pauses.len(), 20, "each another second: {pauses:?}");
    assert!(pauses.iter().all(|pause| (5..60).contains(pause)));
    assert_eq!(clerk.get("/v1/issuers/310000/holders/0").await.0, StatusCode::OK);
    assert!(full.running.figures()().refusals.contains(&("busy", 21)));

    // The clerks' API without any room, and a phone that renews.
    let shut = World::with(|options| options.requests_max = 0).await;
    let token = shut.everybody().await;
    assert_eq!(token.get("/v1/issuers/310000/holders/0").await.0, StatusCode::SERVICE_UNAVAILABLE);
    let front = Front::start(&shut, |_| {});
    let (operator, whose) = (Caller::operator(), (ISSUER, HolderIndex(0)));
    let person = Person::new("王小明".into(), IdNumber::read("11010519491231002X").unwrap(), None).unwrap();
    shut.registry.add_holders(&operator, ISSUER, &[person], now()).await.unwrap();
    let level = (ProofLevel::InPerson, 60);
    let invited = shut.registry.invite(&operator, whose, level, now()).await.unwrap();
    let mut phone = Phone::new();
    let (status, activated) = front.activate(&mut phone, &invited.number.shown()).await;
    assert_eq!(status, StatusCode::OK, "{activated}");
    let (status, renewed) = front.ask(&phone, "/phone/v1/renew", renewal(&activated["terms"])).await;
    assert_eq!(status, StatusCode::OK, "{renewed}");
    for front in [full, open, front] {
        front.running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r46_a_phone_that_finds_no_room_waits_a_moment_and_reads_the_time_drawn_for_it() {
    let world = World::start().await;
    let front = Front::start(&world, |_| {});
    world.registry.issuing().at_most(1);
    world.registry.issuing().enter(Duration::ZERO).unwrap();
    let begun = Instant::now();
    let answer = front.request(&Phone::new(), "/phone/v1/renew", now().0, "{}").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(begun.elapsed() >= Duration::from_millis(100), "who asks again at once takes others' time");
    let after: u64 = answer.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=2).contains(&after), "{after} is what any phone is told, not what was drawn");
    front.running.stop().await;
}

/// Of a request that wants a credential the body is here before it takes a place; until then it has its address' share.
#[tokio::test(flavor = "multi_thread")]
async fn r46_a_request_whose_body_never_comes_takes_no_place_of_those_that_get_a_credential() {
    let world = World::start().await;
    let clerk = world.everybody().await;
    people(&clerk).await;
    let front = Front::start(&world, |options| options.api.requests_token_max = 1);
    world.registry.issuing().at_most(1);
    let mut stream = tokio::net::TcpStream::connect(front.running.addr()).await.unwrap();
    let head = format!(
        "POST /phone/v1/renew HTTP/1.1\r\nhost: x\r\nhufu-phone: 310000.0.1\r\nhufu-time: {}\r\nhufu-signature: {}\r\n\
         content-type: application/json\r\nexpect: 100-continue\r\n{CONTENT_LENGTH}: 400\r\n\r\n",
        now().0,
        Base64Url(vec![7; 64]),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // It is told to go on as soon as its body is waited for.
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");

    let beside = front.client.get(front.url("/phone/v1/about")).send().await.unwrap();
    assert_eq!(beside.status(), StatusCode::TOO_MANY_REQUESTS, "it has its address' share");
    let paper = json!({"kind": "paper", "valid_s": 60});
    let (status, issued) = clerk.post("/v1/issuers/310000/holders/0/credentials", paper).await;
    assert_eq!(status, StatusCode::OK, "{issued}");
    drop(stream);
    front.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r46_a_phone_gets_so_many_credentials_an_hour_and_others_get_theirs() {
    let world = World::start().await;
    let clerk = world.everybody().await;
    people(&clerk).await;
    let front = Front::start(&world, |_| {});
    let path = "/phone/v1/renew";
    let mut phones = Vec::new();
    for holder in [0, 1] {
        let (mut phone, number) = (Phone::new(), invite(&clerk, holder).await);
        let (_, activated) = front.activate(&mut phone, &number).await;
        phones.push((phone, renewal(&activated["terms"])));
    }
    let [(phone, wanted), (other, others)] = &phones[..] else { panic!("two phones") };
    for nth in 1..=12 {
        let (status, renewed) = front.ask(phone, path, wanted.clone()).await;
        assert_eq!(status, StatusCode::OK, "{nth}: {renewed}");
    }
    let refused = front.request(phone, path, now().0, &wanted.to_string()).send().await.unwrap();
    assert_eq!(
        (refused.status(), &refused.headers()[RETRY_AFTER]),
        (StatusCode::TOO_MANY_REQUESTS, &"600".parse().unwrap())
    );
    assert_eq!(front.ask(phone, "/phone/v1/status", json!({})).await.0, StatusCode::OK);
    // A relative's code is counted by itself, and there is no such relative.
    let family = front.ask(phone, "/phone/v1/family", json!({"relative": 1})).await;
    assert_eq!(family.0, StatusCode::NOT_FOUND, "{}", family.1);
    assert_eq!(front.ask(other, path, others.clone()).await.0, StatusCode::OK);
    front.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r46_a_credential_that_was_not_issued_counts_for_nothing() {
    let world = World::start().await;
    let clerk = world.everybody().await;
    people(&clerk).await;
    let front = Front::start(&world, |options| options.phone_requests_max = 60);
    let (mut phone, number) = (Phone::new(), invite(&clerk, 0).await);
    let (_, activated) = front.activate(&mut phone, &number).await;
    let wanted = renewal(&activated["terms"]);
    let mut raised = wanted.clone();
    raised["terms"]["generation"] = json!(9);
    for nth in 1..=13 {
        let (status, refused) = front.ask(&phone, "/phone/v1/renew", raised.clone()).await;
        assert_eq!(status, StatusCode::CONFLICT, "{nth}: {refused}");
        let (status, none) = front.ask(&phone, "/phone/v1/family", json!({"relative": 7})).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{nth}: {none}");
    }
    let (status, renewed) = front.ask(&phone, "/phone/v1/renew", wanted).await;
    assert_eq!(status, StatusCode::OK, "{renewed}");
    front.running.stop().await;
}
