//! Snapshots from a registry whose connections break.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_RANGE, RANGE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use common::{Caller, ISSUER, Then, pieces, problem, serve};
use hufu_sync::{FeedFault, Snapshots};
use hufu_table::SnapshotDigest;
use hufu_upstream::RegistrySnapshots;

const DIGEST: SnapshotDigest = SnapshotDigest([0xab; 32]);

/// The registry's file: what it says is of no interest here.
fn file() -> Bytes {
    (0..300_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>().into()
}

async fn registry(answer: impl Fn(Request) -> Response + Clone + Send + Sync + 'static) -> SocketAddr {
    let path = format!("/v1/issuers/310000/snapshots/{DIGEST}");
    serve(Router::new().route(&path, get(move |request: Request| async move { answer(request) }))).await
}

/// Sends at most so many bytes of `rest` before the connection breaks.
fn at_most(rest: &Bytes, bytes: usize) -> axum::body::Body {
    let then = if rest.len() > bytes { Then::Break } else { Then::End };
    let sent = rest.slice(..rest.len().min(bytes));
    pieces(sent.chunks(100_000).map(Bytes::copy_from_slice).collect(), then)
}

/// Fetches, and sees that it is whole and alone.
async fn fetch_whole(address: SocketAddr) {
    let caller = Caller::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fetched");
    let snapshots = RegistrySnapshots::new(caller.api(address), ISSUER);
    snapshots.fetch(DIGEST, &path).await.unwrap();
    assert!(fs::read(&path).unwrap() == file());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[tokio::test]
async fn a_transfer_that_breaks_goes_on_where_it_was() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let asks = Arc::clone(&asked);
    let address = registry(move |request| {
        let range = request.headers().get(RANGE).map(|range| range.to_str().unwrap().to_owned());
        asks.lock().unwrap().push(range.clone());
        let Some(range) = range else { return at_most(&file(), 500_000).into_response() };
        let from: usize = range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap();
        let said = format!("bytes {from}-1199999/1200000");
        (StatusCode::PARTIAL_CONTENT, [(CONTENT_RANGE, said)], at_most(&file().slice(from..), 500_000))
            .into_response()
    })
    .await;
    fetch_whole(address).await;
    let asked = asked.lock().unwrap();
    assert_eq!(asked[0], None);
    assert!(asked.len() >= 3, "{asked:?}");
    assert!(asked[1..].iter().all(Option::is_some), "{asked:?}");
}

#[tokio::test]
async fn a_registry_without_ranges_begins_again() {
    let tries = Arc::new(Mutex::new(0));
    let address = registry(move |_| {
        let mut tries = tries.lock().unwrap();
        *tries += 1;
        match *tries {
            1 => at_most(&file(), 500_000).into_response(),
            2 => problem(503, "busy", "a moment"),
            _ => at_most(&file(), usize::MAX).into_response(),
        }
    })
    .await;
    fetch_whole(address).await;
}

#[tokio::test]
async fn what_cannot_be_fetched_leaves_nothing_behind() {
    let caller = Caller::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fetched");

    let address = registry(|_| problem(404, "not-found", "there is no such snapshot here")).await;
    let snapshots = RegistrySnapshots::new(caller.api(address), ISSUER);
    let fault = snapshots.fetch(DIGEST, &path).await.unwrap_err();
    assert!(
        matches!(&fault, FeedFault::Refused { what, .. } if what.contains("no such snapshot")),
        "{fault}"
    );

    let address = registry(|_| at_most(&file(), usize::MAX).into_response()).await;
    let snapshots = RegistrySnapshots::new(caller.api(address), ISSUER);
    let fault = snapshots.clone().with_bytes_max(1_000_000).fetch(DIGEST, &path).await.unwrap_err();
    assert!(matches!(&fault, FeedFault::Garbled { what, .. } if what.contains("1000000 bytes")), "{fault}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);

    let fault = snapshots.fetch(DIGEST, &folder.path().join("no/such/folder")).await.unwrap_err();
    assert!(matches!(&fault, FeedFault::Disk { what, .. } if what.contains("no/such/folder")), "{fault}");
}
