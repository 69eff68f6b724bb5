//! One host, or one token, does not shut the registry to others.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use hufu_api::{ApiOptions, serve};
use hufu_registry::{Action, Caller, Scope};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Body, Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::tls;
use super::world::{Asker, World, name, now, options, told};

/// Far more than any of it takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection from another address of this machine.
async fn connect_from(world: &World, address: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((address, 0).into()).unwrap();
    socket.connect(world.running.addr()).await.unwrap()
}

/// Until the registry closes it.
async fn closed(mut stream: TcpStream) {
    let read = timeout(PATIENCE, stream.read(&mut [0; 1])).await.expect("it stays open");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

/// A request whose body never comes.
fn endless(asker: &Asker<'_>) -> reqwest::RequestBuilder {
    let request = asker.request(Method::POST, "/v1/issuers/310000/holders/find");
    let body = Body::wrap_stream(stream::pending::<Result<Vec<u8>, Infallible>>());
    request.header(CONTENT_TYPE, "application/json").body(body)
}

/// Asks for every set on a connection of its own, and reads the status alone.
async fn unread(at: SocketAddr, asker: &Asker<'_>) -> (TcpStream, u16) {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!(
        "GET /v1/issuers/310000/sets?bytes_max=8388608 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         authorization: Bearer {}\r\n\r\n",
        asker.secret
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; "HTTP/1.1 200".len()];
    timeout(PATIENCE, stream.read_exact(&mut status)).await.expect("an answer").unwrap();
    let status = std::str::from_utf8(&status[9..]).unwrap().parse().unwrap();
    (stream, status)
}

/// Bytes until the connection ends.
async fn rest(mut stream: TcpStream) -> usize {
    let mut rest = Vec::new();
    // One that is cut off may end with an error.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it stays open");
    rest.len()
}

fn refusals(world: &World, cause: &str) -> u64 {
    let figures = world.running.figures().figures();
    figures.refusals.iter().find(|(of, _)| *of == cause).map_or(0, |(_, count)| *count)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_source_cannot_take_every_connection() {
    let world = World::with(|options| options.connections_source_max = 2).await;
    let hostile = [127, 0, 0, 2];
    let held = [connect_from(&world, hostile).await, connect_from(&world, hostile).await];
    closed(connect_from(&world, hostile).await).await;
    assert_eq!(refusals(&world, "connections-source"), 1);
    let health = world.request(Method::GET, "/v1/health").send().await.unwrap();
    assert_eq!(health.status(), StatusCode::OK, "others come in");
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_closed() {
    let world = World::with(|options| options.headers_ms_max = 50).await;
    closed(connect_from(&world, [127, 0, 0, 2]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b13_a_connection_that_never_says_hello_is_closed_and_counted() {
    let folder = tempfile::TempDir::new().unwrap();
    let (files, _) = tls::identity(folder.path());
    let world = World::with(|options| {
        options.tls = Some(files);
        options.headers_ms_max = 50;
    })
    .await;
    closed(connect_from(&world, [127, 0, 0, 2]).await).await;
    // It may be counted a moment after it was closed.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while refusals(&world, "handshake") == 0 {
        assert!(tokio::time::Instant::now() < deadline, "it is not counted");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(refusals(&world, "handshake"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_bodies_take_no_room_for_work_and_no_more_than_their_tokens_share() {
    let world = World::with(|options| {
        options.requests_max = 2;
        options.requests_token_max = 2;
    })
    .await;
    let (slow, other) = (world.asker([Scope::Holders]).await, world.everybody().await);
    let mut held: Vec<_> = (0..2).map(|_| tokio::spawn(endless(&slow).send())).collect();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let refused = loop {
        let response = slow.request(Method::GET, "/v1/issuers").send().await.unwrap();
        if !matches!(response.status(), StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE) {
            break response;
        }
        // The two may not have come in yet. Looking a token up takes room, and three were looked up at once where
        // one was told to come back.
        for request in held.iter_mut().filter(|request| request.is_finished()) {
            *request = tokio::spawn(endless(&slow).send());
        }
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(refused.headers()[RETRY_AFTER], "1");
    let (status, problem) = told(refused).await;
    assert_eq!((status, name(&problem)), (StatusCode::TOO_MANY_REQUESTS, "too-many"));
    assert_eq!(other.get("/v1/issuers").await.0, StatusCode::OK, "there is room for others");
    for request in held {
        request.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_read_counts_until_it_is_and_who_reads_too_slowly_is_cut_off() {
    let world = World::with(|options| options.requests_token_max = 2).await;
    let clerk = world.everybody().await;
    // More than sockets hold.
    let mut whole = 0;
    for _ in 0..12 {
        whole += clerk.append_many(0, 32_768).await.len();
    }
    let (slow, other) = (world.asker([Scope::Feed]).await, world.asker([Scope::Feed]).await);
    let (at, tip) = (world.running.addr(), "/v1/issuers/310000/tip");
    let [(first, one), (_second, two)] = [unread(at, &slow).await, unread(at, &slow).await];
    assert_eq!((one, two), (200, 200));
    let (status, problem) = slow.get(tip).await;
    assert_eq!((status, name(&problem)), (StatusCode::TOO_MANY_REQUESTS, "too-many"));
    assert_eq!(other.get(tip).await.0, StatusCode::OK, "others have their share");
    assert!(rest(first).await > whole);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while slow.get(tip).await.0 != StatusCode::OK {
        assert!(tokio::time::Instant::now() < deadline, "its share is not given back");
    }

    let hasty = ApiOptions { requests_token_max: 1, sending_ms_max: 100, ..options() };
    let hasty = serve(&hasty, Arc::clone(&world.registry)).unwrap();
    let (cut, status) = unread(hasty.addr(), &slow).await;
    assert_eq!(status, 200);
    while unread(hasty.addr(), &slow).await.1 != 200 {
        assert!(tokio::time::Instant::now() < deadline, "an answer keeps its share for ever");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(rest(cut).await < whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn r44_scopes_are_looked_at_before_a_body_is_read() {
    let world = World::start().await;
    let stranger = world.asker([Scope::Feed]).await;
    let elsewhere = world.asker_for([Scope::Holders], Some(hufu_wire::IssuerId(320_000))).await;
    for asker in [&stranger, &elsewhere] {
        let answer = timeout(PATIENCE, endless(asker).send()).await.expect("an answer before the body");
        let (status, problem) = told(answer.unwrap()).await;
        assert_eq!((status, name(&problem)), (StatusCode::FORBIDDEN, "forbidden"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_cannot_take_every_feed() {
    let world = World::with(|options| options.feeds_token_max = 1).await;
    let (one, other) = (world.asker([Scope::Feed]).await, world.asker([Scope::Feed]).await);
    let feed =
        async |asker: &Asker<'_>| asker.request(Method::GET, "/v1/issuers/310000/feed").send().await.unwrap();
    let held = feed(&one).await;
    assert_eq!(held.status(), StatusCode::OK);
    let (status, problem) = told(feed(&one).await).await;
    assert_eq!((status, name(&problem)), (StatusCode::TOO_MANY_REQUESTS, "too-many"));
    let others = feed(&other).await;
    assert_eq!(others.status(), StatusCode::OK);
    assert_eq!(world.running.figures().figures().feeds, 2);
    drop((held, others));
}

#[tokio::test(flavor = "multi_thread")]
async fn r44_refusals_are_counted_and_told_in_the_trail_with_a_number() {
    let world = World::with(|options| options.refusals_every_ms = 20).await;
    let clerk = world.asker([Scope::Feed]).await;
    for _ in 0..5 {
        assert_eq!(clerk.get("/v1/tokens").await.0, StatusCode::FORBIDDEN);
    }
    assert_eq!(world.request(Method::GET, "/v1/tokens").send().await.unwrap().status(), 401);
    assert_eq!((refusals(&world, "forbidden"), refusals(&world, "unauthenticated")), (5, 1));
    let figures = world.running.figures().figures();
    assert!(figures.requests.contains(&("tokens".to_owned(), 403, 5)), "{:?}", figures.requests);

    let label = world.registry.tokens(&Caller::operator()).await.unwrap().remove(0).label;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let lines = world.registry.trail(&Caller::operator(), 0, 1000, now()).await.unwrap();
        let told = |who: &str, cause: &str| -> u64 {
            let lines =
                lines.iter().filter(|line| line.entry.action == Action::Refused && line.entry.who == who);
            lines.filter_map(|line| line.entry.what.strip_suffix(cause)?.trim().parse::<u64>().ok()).sum()
        };
        if told(&label, "forbidden") == 5 && told("callers without a valid token", "unauthenticated") == 1 {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{lines:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r46_who_finds_no_room_for_a_credential_is_told_before_the_body_and_others_come_in() {
    // Three quarters of it are for those who want a credential.
    let world = World::with(|options| options.requests_max = 8).await;
    let clerk = world.everybody().await;
    let wants = || {
        let request = clerk.request(Method::POST, "/v1/issuers/310000/holders/0/credentials");
        let body = Body::wrap_stream(stream::pending::<Result<Vec<u8>, Infallible>>());
        request.header(CONTENT_TYPE, "application/json").body(body)
    };
    let held: Vec<_> = (0..6).map(|_| tokio::spawn(wants().send())).collect();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let refused = loop {
        if let Ok(answer) = timeout(Duration::from_millis(600), wants().send()).await {
            break answer.unwrap();
        }
        assert!(tokio::time::Instant::now() < deadline, "it waits for a body");
    };
    let after: u32 = refused.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=61).contains(&after), "{after}");
    let (status, problem) = told(refused).await;
    assert_eq!((status, name(&problem)), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    assert_eq!(clerk.get("/v1/issuers").await.0, StatusCode::OK, "there is room for others");
    for request in held {
        request.abort();
    }
    loop {
        let paper = serde_json::json!({"kind": "paper", "valid_s": 60});
        let (status, _) = clerk.post("/v1/issuers/310000/holders/0/credentials", paper).await;
        if status == StatusCode::NOT_FOUND {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "the room is not given back: {status}");
    }
}
