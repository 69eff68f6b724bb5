//! The feed against a registry that cuts, lies, refuses, sends elsewhere and falls silent.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use common::{Caller, ISSUER, TOKEN, Then, frame, pieces, problem, serve};
use futures_util::stream;
use hufu_contract::FrameKind;
use hufu_sync::{Delivery, Feed, FeedFault};
use hufu_upstream::HttpFeed;
use hufu_wire::Sequence;
use tokio::sync::mpsc;
use tokio::time::timeout;

const FEED: &str = "/v1/issuers/310000/feed";
const CHECKPOINT: &str = "/v1/issuers/310000/checkpoint";

/// A registry whose feed answers so.
async fn registry(answer: impl Fn(Request) -> Response + Clone + Send + Sync + 'static) -> SocketAddr {
    serve(Router::new().route(FEED, get(move |request: Request| async move { answer(request) }))).await
}

/// A feed that sends these pieces, and what it brings until it brings no more.
async fn all_of(sent: Vec<Bytes>, then: Then) -> (Vec<Delivery>, FeedFault) {
    let address = registry(move |_| pieces(sent.clone(), then).into_response()).await;
    let caller = Caller::new();
    let mut feed = HttpFeed::new(caller.api(address), ISSUER);
    feed.subscribe(Sequence(0)).await.unwrap();
    let mut all = Vec::new();
    loop {
        match timeout(Duration::from_secs(10), feed.next()).await.expect("it ends") {
            Ok(delivery) => all.push(delivery),
            Err(fault) => return (all, fault),
        }
    }
}

fn messages() -> [(Bytes, Delivery); 5] {
    let (set, head, checkpoint) = (vec![1; 408], [2; 136], [3; 248]);
    [
        (frame(FrameKind::Head, &head), Delivery::Head(head.to_vec().into())),
        (frame(FrameKind::ChangeSet, &set), Delivery::ChangeSet(set.into())),
        (frame(FrameKind::Trimmed, &7_u64.to_le_bytes()), Delivery::Trimmed { first: Some(Sequence(7)) }),
        (frame(FrameKind::Trimmed, &[0; 8]), Delivery::Trimmed { first: None }),
        (frame(FrameKind::Checkpoint, &checkpoint), Delivery::Checkpoint(checkpoint.to_vec().into())),
    ]
}

#[tokio::test]
async fn messages_come_in_order_however_the_network_cuts_them() {
    let bytes: Vec<u8> = messages().iter().flat_map(|(frame, _)| frame.to_vec()).collect();
    let expected: Vec<Delivery> = messages().into_iter().map(|(_, delivery)| delivery).collect();
    for cut in [7, 250, bytes.len()] {
        let sent = bytes.chunks(cut).map(Bytes::copy_from_slice).collect();
        let (all, fault) = all_of(sent, Then::End).await;
        assert_eq!(all, expected, "cut every {cut} bytes");
        assert!(
            matches!(&fault, FeedFault::Unreachable { what, .. } if what.contains("ended it")),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn a_message_that_is_cut_off_is_not_delivered() {
    let (whole, delivery) = messages()[1].clone();
    for then in [Then::End, Then::Break] {
        let (all, fault) = all_of(vec![whole.clone(), whole.slice(..200)], then).await;
        assert_eq!(all, std::slice::from_ref(&delivery));
        assert!(matches!(fault, FeedFault::Unreachable { .. }), "{fault}");
    }
}

#[tokio::test]
async fn what_is_no_message_is_garbled_before_it_is_gathered() {
    let cases: [(&[u8], &str); 6] = [
        (&[0xff, 0xff, 0xff, 0xff, 1], "larger than any message"),
        (&[136, 0, 0, 0, 9], "kind 9"),
        (&[0, 0, 0, 0, 0], "kind 0"),
        (&[1, 0, 0, 0, 2, 0], "kind 2 has 1 bytes"),
        (&[0, 0, 0, 0, 1], "kind 1 has 0 bytes"),
        (b"<html>\n", "kind 108"),
    ];
    for (sent, told) in cases {
        // The registry goes on as if there were nothing wrong: nothing more is waited for.
        let (all, fault) = all_of(vec![Bytes::copy_from_slice(sent)], Then::Stay).await;
        assert_eq!(all, []);
        assert!(matches!(&fault, FeedFault::Garbled { what, .. } if what.contains(told)), "{fault}");
    }
}

#[tokio::test]
async fn whoever_stops_waiting_loses_nothing() {
    let (line, lines) = mpsc::channel::<Bytes>(1);
    let lines = Arc::new(Mutex::new(Some(lines)));
    let address = registry(move |_| {
        let lines = lines.lock().unwrap().take().unwrap();
        let body = stream::unfold(lines, |mut lines| async {
            lines.recv().await.map(|line| (Ok::<_, std::io::Error>(line), lines))
        });
        Body::from_stream(body).into_response()
    })
    .await;
    let caller = Caller::new();
    let mut feed = HttpFeed::new(caller.api(address), ISSUER);
    feed.subscribe(Sequence(0)).await.unwrap();

    for (frame, delivery) in messages() {
        for piece in frame.chunks(frame.len() / 3 + 1) {
            // Silence: nothing comes, and nothing is wrong. A watchdog gives up waiting here, within a message.
            assert!(timeout(Duration::from_millis(20), feed.next()).await.is_err());
            line.send(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        assert_eq!(timeout(Duration::from_secs(10), feed.next()).await.unwrap().unwrap(), delivery);
    }
}

#[tokio::test]
async fn faults_name_who_can_mend_them() {
    let caller = Caller::new();
    let check = async |answer: fn() -> Response, expected: &str| {
        let mut feed = HttpFeed::new(caller.api(registry(move |_| answer()).await), ISSUER);
        let fault = feed.subscribe(Sequence(0)).await.unwrap_err();
        assert!(format!("{fault:?}").starts_with(expected), "{fault:?}");
        let fault = feed.next().await.unwrap_err();
        assert!(matches!(fault, FeedFault::Unreachable { .. }), "not subscribed: {fault}");
    };
    check(|| problem(401, "unauthenticated", "ask for another"), "Refused").await;
    check(|| problem(403, "forbidden", "it lacks feed"), "Refused").await;
    check(|| problem(404, "not-found", "no such issuer"), "Refused").await;
    check(|| problem(503, "busy", "use another registry"), "Unreachable").await;
    check(|| (axum::http::StatusCode::BAD_GATEWAY, "<html>").into_response(), "Unreachable").await;
    check(|| (axum::http::StatusCode::NOT_FOUND, "<html>").into_response(), "Garbled").await;

    let nobody = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    let fault = HttpFeed::new(caller.api(nobody), ISSUER).subscribe(Sequence(0)).await.unwrap_err();
    assert!(matches!(fault, FeedFault::Unreachable { .. }), "{fault}");

    std::fs::remove_file(caller.token()).unwrap();
    let fault = HttpFeed::new(caller.api(nobody), ISSUER).subscribe(Sequence(0)).await.unwrap_err();
    assert!(matches!(&fault, FeedFault::Refused { what, .. } if what.contains("feed.token")), "{fault}");
}

#[tokio::test]
async fn a_token_goes_to_no_other_host() {
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    let other = registry(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        pieces(Vec::new(), Then::Stay).into_response()
    })
    .await;
    let elsewhere = format!("http://{other}{FEED}");
    let address = registry(move |_| Redirect::temporary(&elsewhere).into_response()).await;
    let caller = Caller::new();
    let mut feed = HttpFeed::new(caller.api(address), ISSUER);
    let fault = feed.subscribe(Sequence(0)).await.unwrap_err();
    assert!(matches!(&fault, FeedFault::Refused { what, .. } if what.contains("redirects")), "{fault}");
    assert_eq!(visits.load(Ordering::Relaxed), 0);
    assert!(!format!("{fault:?} {feed:?}").contains(TOKEN));
}

#[tokio::test]
async fn each_subscription_says_what_is_here_and_who_asks() {
    let (asked, mut asks) = mpsc::unbounded_channel();
    let address = registry(move |request| {
        let token = request.headers()[AUTHORIZATION].to_str().unwrap().to_owned();
        asked.send((request.uri().query().unwrap().to_owned(), token)).unwrap();
        pieces(vec![messages()[0].0.clone()], Then::Stay).into_response()
    })
    .await;
    let caller = Caller::new();
    let mut feed = HttpFeed::new(caller.api(address), ISSUER);
    // A new token counts from the next subscription on, without a restart.
    for (after, token) in [(0, TOKEN), (17, "hufu_another"), (u64::MAX, TOKEN)] {
        caller.set_token(&format!("{token}\n"));
        feed.subscribe(Sequence(after)).await.unwrap();
        assert_eq!(feed.next().await.unwrap(), messages()[0].1);
        assert_eq!(asks.recv().await.unwrap(), (format!("after={after}"), format!("Bearer {token}")));
    }
}

#[tokio::test]
async fn the_newest_checkpoint_is_asked_for_by_itself() {
    let caller = Caller::new();
    let check = async |answer: fn() -> Response| {
        let address = serve(Router::new().route(CHECKPOINT, get(move || async move { answer() }))).await;
        HttpFeed::new(caller.api(address), ISSUER).checkpoint().await
    };
    assert_eq!(check(|| "checkpoint".into_response()).await, Ok(Some(Bytes::from_static(b"checkpoint"))));
    assert_eq!(check(|| problem(404, "not-found", "no checkpoint yet")).await, Ok(None));
    let fault = check(|| problem(403, "forbidden", "it lacks feed")).await.unwrap_err();
    assert!(matches!(fault, FeedFault::Refused { .. }), "{fault}");
}
