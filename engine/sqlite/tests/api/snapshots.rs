//! Snapshots handed in and out: whole or not at all.

use std::convert::Infallible;
use std::fs;
use std::time::{Duration, SystemTime};

use futures_util::stream;
use hufu_registry::Scope;
use reqwest::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE};
use reqwest::{Body, Method, StatusCode};
use tokio::io::AsyncWriteExt;

use super::world::{World, name, told};

fn path(digit: &str) -> String {
    format!("/v1/issuers/310000/snapshots/{}", digit.repeat(64))
}

/// What is in the issuer's folder of snapshots.
fn kept(world: &World) -> Vec<String> {
    let Ok(entries) = fs::read_dir(world.folder.path().join("snapshots/310000")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn r25_a_snapshot_comes_out_as_it_went_in() {
    let world = World::start().await;
    let asker = world.asker([Scope::Checkpoint]).await;
    let chunk: Vec<u8> = (0..100_003_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    let whole = chunk.repeat(40);
    let chunks: Vec<Result<Vec<u8>, Infallible>> = vec![Ok(chunk); 40];
    let request = asker.request(Method::PUT, &path("a")).header(CONTENT_TYPE, "application/octet-stream");
    let (status, problem) =
        told(request.body(Body::wrap_stream(stream::iter(chunks))).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{problem}");

    // Where an engine looks that takes the issuer's folder for its place of snapshots.
    assert_eq!(kept(&world), [format!("{}.snapshot", "a".repeat(64))]);

    let engine = world.asker([Scope::Feed]).await;
    let response = engine.request(Method::GET, &path("A")).send().await.unwrap();
    assert_eq!(response.content_length(), Some(whole.len() as u64));
    assert_eq!(response.headers()[ACCEPT_RANGES], "bytes");
    assert_eq!(response.bytes().await.unwrap(), whole);
    assert_eq!(engine.get(&path("b")).await.0, StatusCode::NOT_FOUND);
    let (status, problem) = engine.get("/v1/issuers/310000/snapshots/..%2F..%2Fregistry.db").await;
    assert_eq!((status, name(&problem)), (StatusCode::BAD_REQUEST, "malformed-path"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_broke_goes_on_where_it_was() {
    let world = World::start().await;
    let asker = world.asker([Scope::Checkpoint]).await;
    let whole: Vec<u8> = (0..600_000_u32).map(|byte| (byte / 3).to_le_bytes()[0]).collect();
    let (status, problem) = asker.octets(Method::PUT, &path("a"), whole.clone()).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{problem}");
    let check = async |range: &str, status: StatusCode, said: Option<&str>, bytes: &[u8]| {
        let request = asker.request(Method::GET, &path("a")).header(RANGE, range);
        let response = request.send().await.unwrap();
        let headers = response.headers().clone();
        assert_eq!(response.status(), status, "{range}");
        assert_eq!(headers.get(CONTENT_RANGE).map(|said| said.to_str().unwrap()), said, "{range}");
        if status.is_success() {
            assert_eq!(response.content_length(), Some(bytes.len() as u64), "{range}");
            assert!(response.bytes().await.unwrap() == bytes, "{range}");
        } else {
            assert_eq!(name(&told(response).await.1), "beyond-end");
        }
    };
    let part = StatusCode::PARTIAL_CONTENT;
    check("bytes=300001-", part, Some("bytes 300001-599999/600000"), &whole[300_001..]).await;
    check("bytes=5-9", part, Some("bytes 5-9/600000"), &whole[5..10]).await;
    check("bytes=-2", part, Some("bytes 599998-599999/600000"), &whole[599_998..]).await;
    check("bytes=1-2,5-6", StatusCode::OK, None, &whole).await;
    check("bytes=600000-", StatusCode::RANGE_NOT_SATISFIABLE, Some("bytes */600000"), &[]).await;

    let again = asker.request(Method::GET, &path("a")).header(RANGE, "bytes=5-9");
    let other = again.header(IF_RANGE, "\"another\"").send().await.unwrap();
    assert_eq!((other.status(), other.content_length()), (StatusCode::OK, Some(600_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_registry_left_half_written_is_removed_and_what_is_on_its_way_stays() {
    let world = World::with(|options| {
        let folder = options.snapshots.as_ref().unwrap().join("310000");
        fs::create_dir_all(&folder).unwrap();
        for (file, age_s) in [(".part-dead", 7200), (".part-alive", 60), ("old.snapshot", 7200)] {
            let file = fs::File::create(folder.join(file)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age_s)).unwrap();
        }
    })
    .await;
    let mut kept = kept(&world);
    kept.sort();
    assert_eq!(kept, [".part-alive", "old.snapshot"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_too_large_or_stops_short_leaves_nothing() {
    let world = World::with(|options| options.snapshot_bytes_max = 1000).await;
    let asker = world.asker([Scope::Checkpoint]).await;
    let (status, problem) = asker.octets(Method::PUT, &path("a"), vec![7; 1001]).await;
    assert_eq!((status, name(&problem)), (StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
    let chunks: Vec<Result<Vec<u8>, Infallible>> = vec![Ok(vec![7; 600]); 2];
    let request = asker.request(Method::PUT, &path("a")).header(CONTENT_TYPE, "application/octet-stream");
    let (status, problem) =
        told(request.body(Body::wrap_stream(stream::iter(chunks))).send().await.unwrap()).await;
    assert_eq!((status, name(&problem)), (StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
    let (status, problem) = asker.octets(Method::PUT, &path("a"), Vec::new()).await;
    assert_eq!((status, name(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));

    let mut cut_off = tokio::net::TcpStream::connect(world.running.addr()).await.unwrap();
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/octet-stream\r\n\
         content-length: 900\r\n\r\n0123456789",
        path("a"),
        asker.secret,
    );
    cut_off.write_all(head.as_bytes()).await.unwrap();
    drop(cut_off);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if kept(&world).is_empty() {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{:?}", kept(&world));
    }
    assert_eq!(asker.get(&path("a")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_without_a_folder_says_so() {
    let world = World::with(|options| options.snapshots = None).await;
    let asker = world.asker([Scope::Checkpoint]).await;
    let (status, problem) = asker.octets(Method::PUT, &path("a"), vec![7]).await;
    assert_eq!((status, name(&problem)), (StatusCode::NOT_FOUND, "not-found"));
    assert!(problem["detail"].as_str().unwrap().contains("operator"));
}
