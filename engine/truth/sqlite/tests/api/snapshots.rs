//! Snapshots handed in and out: whole or not at all.

use std::convert::Infallible;
use std::fs;
use std::time::{Duration, SystemTime};

use futures_util::stream;
use hufu_contract::Hex;
use hufu_registry::{Action, Caller, Scope};
use hufu_table::SnapshotWriter;
use hufu_wire::chain::{ChainDigest, Checkpoint, Proposed};
use hufu_wire::{IssuerId, Message as _, Sequence, StatusWord, UnixMillis};
use reqwest::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE};
use reqwest::{Body, Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::world::{Asker, ISSUER, World, local, name, national, now, told};

/// A snapshot of `issuer` whose holders `0..holders` have words made of `seed`: its path in the API, and its bytes.
fn snapshot(issuer: IssuerId, holders: u64, seed: u64) -> (String, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("snapshot");
    let mut writer = SnapshotWriter::create(&file, issuer, Sequence(1), None).unwrap();
    let words: Vec<_> = (1..=holders).map(|holder| StatusWord::from_bits(holder * seed)).collect();
    writer.push(&words).unwrap();
    let digest = writer.finish().unwrap().digest;
    (format!("/v1/issuers/310000/snapshots/{digest}"), fs::read(file).unwrap())
}

/// One of the issuer of these tests.
fn ours(holders: u64, seed: u64) -> (String, Vec<u8>) {
    snapshot(ISSUER, holders, seed)
}

/// The name of the file that is kept for a path of the API.
fn file_of(path: &str) -> String {
    format!("{}.snapshot", path.rsplit('/').next().unwrap())
}

/// What is in the issuer's folder of snapshots.
fn kept(world: &World) -> Vec<String> {
    let Ok(entries) = fs::read_dir(world.folder.path().join("snapshots/310000")) else { return Vec::new() };
    let mut kept: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    kept.sort();
    kept
}

async fn put(asker: &Asker<'_>, path: &str, bytes: &[u8]) -> (StatusCode, String) {
    let (status, problem) = asker.octets(Method::PUT, path, bytes.to_vec()).await;
    if status.is_success() { (status, String::new()) } else { (status, name(&problem).to_owned()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn r25_a_snapshot_comes_out_as_it_went_in() {
    let world = World::start().await;
    let asker = world.asker([Scope::Checkpoint]).await;
    let (path, whole) = ours(100_000, 7);
    let chunks: Vec<Result<Vec<u8>, Infallible>> =
        whole.chunks(100_003).map(|chunk| Ok(chunk.to_vec())).collect();
    let request = asker.request(Method::PUT, &path).header(CONTENT_TYPE, "application/octet-stream");
    let (status, problem) =
        told(request.body(Body::wrap_stream(stream::iter(chunks))).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{problem}");

    // Where an engine looks that takes the issuer's folder for its place of snapshots.
    assert_eq!(kept(&world), [file_of(&path)]);

    let engine = world.asker([Scope::Feed]).await;
    let (folder, digest) = path.rsplit_once('/').unwrap();
    let upper = format!("{folder}/{}", digest.to_uppercase());
    let response = engine.request(Method::GET, &upper).send().await.unwrap();
    assert_eq!(response.content_length(), Some(whole.len() as u64));
    assert_eq!(response.headers()[ACCEPT_RANGES], "bytes");
    assert_eq!(response.bytes().await.unwrap(), whole);
    assert_eq!(engine.get(&format!("{folder}/{}", "b".repeat(64))).await.0, StatusCode::NOT_FOUND);
    let (status, problem) = engine.get("/v1/issuers/310000/snapshots/..%2F..%2Fregistry.db").await;
    assert_eq!((status, name(&problem)), (StatusCode::BAD_REQUEST, "malformed-path"));
}

#[tokio::test(flavor = "multi_thread")]
async fn r22_only_bytes_of_the_digest_are_kept_and_nothing_replaces_them() {
    let world = World::start().await;
    let asker = world.asker([Scope::Checkpoint]).await;
    let ((path, good), (other_path, other)) = (ours(50, 3), ours(50, 5));
    let wrong = (StatusCode::UNPROCESSABLE_ENTITY, "wrong-digest".to_owned());
    let mut flipped = good.clone();
    // A word: header and segment list still fit the digest of the path.
    flipped[100] ^= 1;
    let (strange_path, strange) = snapshot(IssuerId(320_000), 50, 3);
    for (case, path, bytes) in [
        ("another snapshot", &path, &other),
        ("a flipped word", &path, &flipped),
        ("cut off", &path, &good[..good.len() - 1].to_vec()),
        ("longer", &path, &[&good[..], &[0]].concat()),
        ("no snapshot", &path, &b"hello".to_vec()),
        ("another issuer's", &strange_path, &strange),
    ] {
        assert_eq!(put(&asker, path, bytes).await, wrong, "{case}");
        assert_eq!(kept(&world), [""; 0], "{case}");
    }
    let fine = (StatusCode::NO_CONTENT, String::new());
    assert_eq!(put(&asker, &path, &good).await, fine);
    assert_eq!(put(&asker, &path, &good).await, fine, "the same again");
    assert_eq!(put(&asker, &path, &other).await, wrong);
    assert_eq!(put(&asker, &path, &flipped).await, wrong);
    assert!(asker.bytes(&path).await == good, "nothing has replaced it");
    assert_eq!(put(&asker, &other_path, &other).await, fine);

    // A file that the disk damaged is no snapshot of that digest: the right bytes heal it.
    fs::write(world.folder.path().join("snapshots/310000").join(file_of(&path)), &flipped).unwrap();
    assert_eq!(put(&asker, &path, &good).await, fine);
    assert!(asker.bytes(&path).await == good);
    let lines = world.registry.trail(&Caller::operator(), 0, 100, now()).await.unwrap();
    let puts = lines.iter().filter(|line| line.entry.action == Action::SnapshotPut).count();
    assert_eq!(puts, 3, "what is here already leaves no line");
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_have_a_quota_that_counts_what_still_arrives() {
    let (path, whole) = ours(1000, 3);
    let room = whole.len() as u64 * 3 / 2;
    let world = World::with(|options| options.snapshot_limits.issuer_bytes_max = room).await;
    let asker = world.asker([Scope::Checkpoint]).await;
    // It says how long it will be, and sends half of it.
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/octet-stream\r\n\
         content-length: {}\r\n\r\n",
        asker.secret,
        whole.len(),
    );
    let mut arriving = tokio::net::TcpStream::connect(world.running.addr()).await.unwrap();
    arriving.write_all(head.as_bytes()).await.unwrap();
    let (half, rest) = whole.split_at(whole.len() / 2);
    arriving.write_all(half).await.unwrap();
    while !kept(&world).iter().any(|name| name.starts_with(".part-")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (other_path, other) = ours(1000, 5);
    let full = (StatusCode::INSUFFICIENT_STORAGE, "full".to_owned());
    assert_eq!(put(&asker, &other_path, &other).await, full, "one arrives");
    let request = asker.request(Method::PUT, &other_path).header(CONTENT_TYPE, "application/octet-stream");
    let chunk: Result<_, Infallible> = Ok(other.clone());
    let unmeasured = request.body(Body::wrap_stream(stream::iter([chunk]))).send().await.unwrap();
    let (status, problem) = told(unmeasured).await;
    assert_eq!((status, name(&problem)), (full.0, "full"), "also without a length");
    assert!(problem["detail"].as_str().unwrap().contains("issuer_bytes_max"), "{problem}");
    arriving.write_all(rest).await.unwrap();
    let mut answer = [0; 12];
    arriving.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 204");
    assert_eq!(put(&asker, &other_path, &other).await, full, "one is kept");
    assert_eq!(kept(&world), [file_of(&path)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_checkpoint_names_is_dropped_after_a_while() {
    let world = World::start().await;
    let asker = world.everybody().await;
    asker.append(1).await;
    let [(named_path, named), (stray_path, stray), (next_path, next)] = [3, 5, 7].map(|seed| ours(50, seed));
    for (path, bytes) in [(&named_path, &named), (&stray_path, &stray)] {
        assert_eq!(put(&asker, path, bytes).await.0, StatusCode::NO_CONTENT);
    }
    let tip = asker.tip().await;
    let digest: Hex<32> = named_path.rsplit('/').next().unwrap().parse().unwrap();
    let mut checkpoint = Checkpoint {
        issuer: ISSUER,
        sequence: Sequence(tip.sequence),
        made: now(),
        proposed: Proposed::new(tip.era, UnixMillis(tip.proposed_ms)),
        local_key: local().key(),
        national_key: national().key(),
        digest: ChainDigest(tip.digest.0),
        snapshot: digest.0,
        local_signature: [0; 64],
        national_signature: [0; 64],
    };
    checkpoint.local_signature = local().vouch(&checkpoint).unwrap();
    checkpoint.national_signature = national().vouch(&checkpoint).unwrap();
    let mut bytes = vec![0; checkpoint.size()];
    checkpoint.write_to(&mut bytes);
    let (status, problem) = asker.octets(Method::PUT, "/v1/issuers/310000/checkpoint", bytes).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{problem}");

    let folder = world.folder.path().join("snapshots/310000");
    let week_ago = SystemTime::now() - Duration::from_secs(8 * 86_400);
    for path in [&named_path, &stray_path] {
        fs::File::open(folder.join(file_of(path))).unwrap().set_modified(week_ago).unwrap();
    }
    assert_eq!(put(&asker, &next_path, &next).await.0, StatusCode::NO_CONTENT);
    let mut expected = [file_of(&named_path), file_of(&next_path)];
    expected.sort();
    assert_eq!(kept(&world), expected);
    let lines = world.registry.trail(&Caller::operator(), 0, 100, now()).await.unwrap();
    assert!(lines.iter().any(|line| line.entry.action == Action::SnapshotsDropped));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_broke_goes_on_where_it_was() {
    let world = World::start().await;
    let asker = world.asker([Scope::Checkpoint]).await;
    let (path, whole) = ours(75_000, 3);
    assert_eq!(put(&asker, &path, &whole).await.0, StatusCode::NO_CONTENT);
    let (bytes, last) = (whole.len(), whole.len() - 1);
    let check = async |range: &str, status: StatusCode, said: Option<String>, bytes: &[u8]| {
        let request = asker.request(Method::GET, &path).header(RANGE, range);
        let response = request.send().await.unwrap();
        let headers = response.headers().clone();
        assert_eq!(response.status(), status, "{range}");
        assert_eq!(headers.get(CONTENT_RANGE).map(|said| said.to_str().unwrap().to_owned()), said, "{range}");
        if status.is_success() {
            assert_eq!(response.content_length(), Some(bytes.len() as u64), "{range}");
            assert!(response.bytes().await.unwrap() == bytes, "{range}");
        } else {
            assert_eq!(name(&told(response).await.1), "beyond-end");
        }
    };
    let part = StatusCode::PARTIAL_CONTENT;
    let said = |first: usize, last: usize| Some(format!("bytes {first}-{last}/{bytes}"));
    check("bytes=300001-", part, said(300_001, last), &whole[300_001..]).await;
    check("bytes=5-9", part, said(5, 9), &whole[5..10]).await;
    check("bytes=-2", part, said(last - 1, last), &whole[last - 1..]).await;
    check("bytes=1-2,5-6", StatusCode::OK, None, &whole).await;
    let beyond = Some(format!("bytes */{bytes}"));
    check(&format!("bytes={bytes}-"), StatusCode::RANGE_NOT_SATISFIABLE, beyond, &[]).await;

    let again = asker.request(Method::GET, &path).header(RANGE, "bytes=5-9");
    let other = again.header(IF_RANGE, "\"another\"").send().await.unwrap();
    assert_eq!((other.status(), other.content_length()), (StatusCode::OK, Some(bytes as u64)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_registry_left_half_written_is_removed_and_what_is_on_its_way_stays() {
    let mut alive = None;
    let world = World::with(|options| {
        let folder = options.snapshots.as_ref().unwrap().join("310000");
        fs::create_dir_all(&folder).unwrap();
        for file in [".part-dead", ".part-alive", "old.snapshot"] {
            let file = fs::File::create(folder.join(file)).unwrap();
            // The last but one is another registry's, which holds its lock.
            if alive.is_none() && folder.join(".part-alive").exists() {
                file.lock().unwrap();
                alive = Some(file);
            }
        }
    })
    .await;
    assert_eq!(kept(&world), [".part-alive", "old.snapshot"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_too_large_or_stops_short_leaves_nothing() {
    let world = World::with(|options| options.snapshot_limits.one_bytes_max = 1000).await;
    let asker = world.asker([Scope::Checkpoint]).await;
    let path = |digit: &str| format!("/v1/issuers/310000/snapshots/{}", digit.repeat(64));
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
    let (status, problem) = asker.octets(Method::PUT, &ours(5, 3).0, vec![7]).await;
    assert_eq!((status, name(&problem)), (StatusCode::NOT_FOUND, "not-found"));
    assert!(problem["detail"].as_str().unwrap().contains("operator"));
}
