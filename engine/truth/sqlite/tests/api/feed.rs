//! Feeds: what an engine is pushed, when, and what it cannot do to others.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use hufu_codes::chain::{chain_digest, content_digest};
use hufu_contract::{Frame, FrameKind, Frames};
use hufu_registry::Scope;
use hufu_wire::chain::{ChangeSet, Checkpoint, Head, Parts};
use hufu_wire::{Message, read};
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::world::{Asker, ISSUER, World, local, name, national, now, told};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// An engine's end of a feed.
struct Engine {
    body: BoxStream<'static, reqwest::Result<Bytes>>,
    frames: Frames,
}

impl Engine {
    async fn follow(asker: &Asker<'_>, after: u64) -> Engine {
        let path = format!("/v1/issuers/310000/feed?after={after}");
        let response = asker.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Engine { body: response.bytes_stream().boxed(), frames: Frames::default() }
    }

    /// The next frame, `None` when the feed has ended as a feed ends.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.frames.next().unwrap() {
                return Some(frame);
            }
            let Some(bytes) = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("in time") else {
                assert!(!self.frames.is_partial());
                return None;
            };
            self.frames.push(&bytes.unwrap());
        }
    }

    async fn expect(&mut self, kind: FrameKind) -> Bytes {
        let frame = self.next().await.expect("a frame");
        assert_eq!(frame.kind, kind);
        frame.payload
    }

    async fn head(&mut self) -> Head {
        read(&self.expect(FrameKind::Head).await).unwrap()
    }

    /// The next frame that is no head.
    async fn more(&mut self) -> Frame {
        loop {
            let frame = self.next().await.expect("a frame");
            if frame.kind != FrameKind::Head {
                return frame;
            }
        }
    }
}

fn sequence(set: &[u8]) -> u64 {
    read::<ChangeSet<'_>>(set).unwrap().position.sequence.0
}

#[tokio::test(flavor = "multi_thread")]
async fn r23_r24_a_set_is_pushed_when_it_is_appended_and_a_head_comes_after_it_and_every_second() {
    let world = World::start().await;
    let asker = world.everybody().await;
    let mut engine = Engine::follow(&asker, 0).await;
    let mut before = engine.head().await;
    assert_eq!(before.sequence.0, 0, "a head at once");
    for holder in 1.. {
        let set = asker.append(holder).await;
        let pushed = loop {
            let frame = engine.next().await.expect("a frame");
            if frame.kind != FrameKind::Head {
                break frame;
            }
            before = read(&frame.payload).unwrap();
        };
        assert_eq!((pushed.kind, &pushed.payload[..]), (FrameKind::ChangeSet, &set[..]));
        let head = engine.head().await;
        assert_eq!(head.sequence.0, u64::from(holder), "a head right after it");
        // At the tick alone, it would be a second younger than the one before. A busy machine may need as long for a
        // set, and gets more tries.
        if head.time.0 - before.time.0 < 900 {
            break;
        }
        assert!(holder < 20, "not only at the tick");
        before = head;
    }

    let heads = [engine.head().await, engine.head().await, engine.head().await];
    let age = |head: &Head| head.time.0;
    assert!(age(&heads[2]) - age(&heads[0]) >= 900, "{heads:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_gets_every_set_after_the_one_it_has_in_order_and_once() {
    let world = World::start().await;
    let asker = world.everybody().await;
    for holder in 0..6 {
        asker.append(holder).await;
    }
    let [mut whole, mut some, mut ahead] =
        [Engine::follow(&asker, 0).await, Engine::follow(&asker, 4).await, Engine::follow(&asker, 9).await];
    for expected in 1..=6 {
        assert_eq!(sequence(&whole.more().await.payload), expected);
    }
    for expected in 5..=6 {
        assert_eq!(sequence(&some.more().await.payload), expected);
    }
    asker.append(6).await;
    assert_eq!(sequence(&whole.more().await.payload), 7);
    assert_eq!(sequence(&some.more().await.payload), 7);
    assert_eq!(ahead.head().await.sequence.0, 6, "whoever is ahead is told where the chain ends");
    // Another head of the sixth may have come before, where a second has passed.
    while ahead.head().await.sequence.0 < 7 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_takes_nothing_holds_up_only_itself() {
    let world = World::start().await;
    let asker = world.everybody().await;
    // A socket that is never read: small buffers on its way fill up with the first full sets.
    let mut deaf = tokio::net::TcpStream::connect(world.running.addr()).await.unwrap();
    let request = format!(
        "GET /v1/issuers/310000/feed HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        asker.secret
    );
    deaf.write_all(request.as_bytes()).await.unwrap();
    let mut engine = Engine::follow(&asker, 0).await;
    for round in 0..12 {
        asker.append_many(0, 32_768).await;
        assert_eq!(sequence(&engine.more().await.payload), round + 1);
    }
    // It can still have all of it, at its own pace.
    let mut taken = 0;
    let mut buffer = vec![0; 1 << 16];
    while taken < 12 * 524_680 {
        taken += tokio::time::timeout(PATIENCE, deaf.read(&mut buffer)).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_ends_cleanly_when_the_server_stops_and_the_next_one_is_refused() {
    let world = World::start().await;
    let asker = world.asker([Scope::Feed]).await;
    let mut engine = Engine::follow(&asker, 0).await;
    engine.head().await;
    let World { running, .. } = world;
    running.stop().await;
    while engine.next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_beyond_the_limit_are_told_to_come_back_and_a_place_is_given_back() {
    let world = World::with(|options| options.feeds_max = 1).await;
    let asker = world.asker([Scope::Feed]).await;
    let mut first = Engine::follow(&asker, 0).await;
    first.head().await;
    let (status, problem) = asker.get("/v1/issuers/310000/feed").await;
    assert_eq!((status, name(&problem)), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    drop(first);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let response = asker.request(Method::GET, "/v1/issuers/310000/feed").send().await.unwrap();
        if response.status().is_success() {
            break;
        }
        told(response).await;
        assert!(Instant::now() < deadline, "a feed that nobody reads is given up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_of_nobody_is_refused_before_it_begins() {
    let world = World::start().await;
    let asker = world.asker([Scope::Feed]).await;
    let (status, problem) = asker.get("/v1/issuers/7/feed").await;
    assert_eq!((status, name(&problem)), (StatusCode::NOT_FOUND, "not-found"));
    let (status, problem) = asker.get("/v1/issuers/310000/feed?after=-1").await;
    assert_eq!((status, name(&problem)), (StatusCode::BAD_REQUEST, "malformed-query"));
}

#[tokio::test(flavor = "multi_thread")]
async fn r43_a_revoked_token_s_feed_ends() {
    let world = World::start().await;
    let admin = world.asker([Scope::Admin]).await;
    let asker = world.asker([Scope::Feed]).await;
    let mut engine = Engine::follow(&asker, 0).await;
    engine.head().await;
    let revoked = admin.request(Method::DELETE, &format!("/v1/tokens/{}", asker.id.0)).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::OK);
    let since = Instant::now();
    while engine.next().await.is_some() {}
    assert!(since.elapsed() < Duration::from_secs(12));
}

/// A checkpoint of the set with these bytes, signed by both.
fn checkpoint(set: &[u8]) -> Vec<u8> {
    let parts = Parts::of(set).unwrap();
    let content = content_digest(parts.content);
    let set = read::<ChangeSet<'_>>(set).unwrap();
    let mut checkpoint = Checkpoint {
        issuer: ISSUER,
        sequence: set.position.sequence,
        made: now(),
        proposed: set.content.proposed,
        local_key: local().key(),
        national_key: national().key(),
        digest: chain_digest(parts.position, &content),
        snapshot: [0x77; 32],
        local_signature: [0; 64],
        national_signature: [0; 64],
    };
    checkpoint.local_signature = local().vouch(&checkpoint).unwrap();
    checkpoint.national_signature = national().vouch(&checkpoint).unwrap();
    let mut bytes = vec![0; checkpoint.size()];
    checkpoint.write_to(&mut bytes);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_offered_first_to_whoever_is_far_behind_and_else_in_its_place() {
    let world = World::with(|options| options.offer_after_sets = 3).await;
    let asker = world.everybody().await;
    let mut live = Engine::follow(&asker, 0).await;
    let mut sets = Vec::new();
    for holder in 0..5 {
        sets.push(asker.append(holder).await);
    }
    let bytes = checkpoint(&sets[4]);
    let path = "/v1/issuers/310000/checkpoint";
    assert_eq!(asker.get(path).await.0, StatusCode::NOT_FOUND);
    let (status, problem) = asker.octets(Method::PUT, path, bytes[..bytes.len() - 1].to_vec()).await;
    assert_eq!((status, name(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, "unbelieved"));
    let (status, problem) = asker.octets(Method::PUT, path, bytes.clone()).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{problem}");
    assert_eq!(asker.bytes(path).await, bytes);

    for expected in 1..=5 {
        assert_eq!(sequence(&live.more().await.payload), expected);
    }
    let newer = live.more().await;
    assert_eq!((newer.kind, &newer.payload[..]), (FrameKind::Checkpoint, &bytes[..]), "when it appears");

    let mut cold = Engine::follow(&asker, 0).await;
    assert_eq!(cold.expect(FrameKind::Checkpoint).await, bytes);
    cold.head().await;
    assert_eq!(sequence(&cold.more().await.payload), 1, "the sets all the same");

    let mut near = Engine::follow(&asker, 3).await;
    near.head().await;
    for expected in 4..=5 {
        assert_eq!(sequence(&near.more().await.payload), expected);
    }
    assert_eq!(near.more().await.kind, FrameKind::Checkpoint);

    let mut current = Engine::follow(&asker, 5).await;
    for _ in 0..3 {
        current.head().await;
    }
}
