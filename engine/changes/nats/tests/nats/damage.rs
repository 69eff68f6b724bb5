//! Streams that are wiped, that hold another history, and that others write to.

use std::time::Duration;

use bytes::Bytes;
use hufu_fixtures::services::Nats;
use hufu_nats::NatsFeed;
use hufu_sync::{Delivery, Feed as _};
use hufu_wire::Sequence;
use tokio::time::sleep;

use crate::common::{
    Engine, ISSUER, Registry, client, newest_checkpoint, next, options, publish, sequence, sequences, stream,
    subscribe, wait_for_stream,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_server_is_filled_from_the_newest_checkpoint_on() {
    let mut nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    for _ in 0..30 {
        registry.append();
    }
    let _publisher = publish(&nats, &registry);
    let mut engine = Engine::new(options(&nats));
    engine.catch_up(&registry, Duration::from_secs(20)).await;
    let checkpoint = registry.checkpoint();
    for _ in 0..5 {
        registry.append();
    }
    engine.catch_up(&registry, Duration::from_secs(20)).await;
    nats.kill().expect("it runs");
    nats.wipe().expect("wiped");
    nats.restart().expect("it starts");
    wait_for_stream(&nats, &registry.sets()[29..]).await;
    registry.append();
    engine.catch_up(&registry, Duration::from_secs(20)).await;

    let mut late = NatsFeed::new(options(&nats), ISSUER);
    subscribe(&mut late, 3).await;
    assert_eq!(next(&mut late).await, Delivery::Trimmed { first: Some(Sequence(30)) });
    assert_eq!(newest_checkpoint(&mut late).await, Some(checkpoint));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_stream_is_made_anew_and_noticed_by_who_followed_it() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    for _ in 0..30 {
        registry.append();
    }
    let _publisher = publish(&nats, &registry);
    let mut engine = Engine::new(options(&nats));
    engine.catch_up(&registry, Duration::from_secs(20)).await;
    client(&nats.url()).await.delete_stream("HUFU-310000").await.expect("deleted");
    // Nothing is appended: the publisher looks by itself.
    wait_for_stream(&nats, &registry.sets()).await;
    registry.append();
    engine.catch_up(&registry, Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purged_stream_is_filled_though_the_server_knows_every_id() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    for _ in 0..100 {
        registry.append();
    }
    let _publisher = publish(&nats, &registry);
    wait_for_stream(&nats, &registry.sets()).await;
    client(&nats.url()).await.get_stream("HUFU-310000").await.expect("it").purge().await.expect("purged");
    registry.append();
    wait_for_stream(&nats, &registry.sets()).await;
    let mut feed = NatsFeed::new(options(&nats), ISSUER);
    subscribe(&mut feed, 70).await;
    let Delivery::ChangeSet(bytes) = next(&mut feed).await else { panic!("a set") };
    assert_eq!(sequence(&bytes), 71);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_with_another_history_is_emptied_and_filled_anew() {
    let nats = Nats::start().expect("nats-server");
    let lost = Registry::new();
    for _ in 0..20 {
        lost.append();
    }
    let publisher = publish(&nats, &lost);
    wait_for_stream(&nats, &lost.sets()).await;
    drop(publisher);
    let restored = lost.restored(15);
    for _ in 0..3 {
        restored.append_other();
    }
    let publisher = publish(&nats, &restored);
    wait_for_stream(&nats, &restored.sets()).await;
    assert_eq!(publisher.status().repairs, 1);
    restored.append();
    wait_for_stream(&nats, &restored.sets()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_holds_what_the_registry_lost_is_left_alone_until_the_chain_says_otherwise() {
    let nats = Nats::start().expect("nats-server");
    let lost = Registry::new();
    for _ in 0..20 {
        lost.append();
    }
    let publisher = publish(&nats, &lost);
    wait_for_stream(&nats, &lost.sets()).await;
    drop(publisher);
    let restored = lost.restored(15);
    let publisher = publish(&nats, &restored);
    sleep(Duration::from_secs(4)).await;
    assert_eq!(sequences(&stream(&nats).await), (1..=20).collect::<Vec<_>>());
    // The authorities append again what was lost, and go on.
    for set in &lost.sets()[15..] {
        restored.push(ISSUER, &set.bytes);
    }
    restored.append();
    wait_for_stream(&nats, &restored.sets()).await;
    assert_eq!(publisher.status().repairs, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_strangers_publish_is_removed_and_stops_nobody() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    let _publisher = publish(&nats, &registry);
    let mut engine = Engine::new(options(&nats));
    registry.append();
    engine.catch_up(&registry, Duration::from_secs(20)).await;
    let stranger = async_nats::connect(nats.url()).await.expect("a server");
    let garbage =
        [Bytes::new(), Bytes::from_static(b"garbage"), vec![0; 700_000].into(), vec![0xFF; 1000].into()];
    for round in 0..5 {
        for bytes in &garbage {
            for subject in ["hufu.sets.310000", "hufu.heads.310000", "hufu.checkpoints.310000"] {
                stranger.publish(subject, bytes.clone()).await.expect("sent");
            }
        }
        stranger.flush().await.expect("flushed");
        let expected = registry.append();
        let mut bytes = Vec::new();
        while sequence(&bytes) != expected.0 {
            if let Delivery::ChangeSet(set) = next(&mut engine.feed).await {
                bytes = set.to_vec();
            }
        }
        engine.tip = expected;
        assert_eq!(round + 2, expected.0);
    }
    wait_for_sets_only(&nats, &registry).await;
    let checkpoint = registry.checkpoint();
    let mut feed = NatsFeed::new(options(&nats), ISSUER);
    for _ in 0..200 {
        if feed.checkpoint().await.is_ok_and(|held| held.as_ref() == Some(&checkpoint)) {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the checkpoint is not put right");
}

/// What strangers published between two sets may stay.
async fn wait_for_sets_only(nats: &Nats, registry: &Registry) {
    for _ in 0..100 {
        let mut there = sequences(&stream(nats).await);
        there.retain(|sequence| *sequence != 0);
        if there == (1..=registry.tip().sequence.0).collect::<Vec<_>>() {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("{:?}", sequences(&stream(nats).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_is_found_among_what_is_no_set() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    let publisher = publish(&nats, &registry);
    let stranger = async_nats::connect(nats.url()).await.expect("a server");
    for _ in 0..10 {
        registry.append();
        wait_for_sets_only(&nats, &registry).await;
        for _ in 0..3 {
            stranger.publish("hufu.sets.310000", Bytes::from_static(b"garbage")).await.expect("sent");
        }
        stranger.flush().await.expect("flushed");
    }
    drop(publisher);
    let mut feed = NatsFeed::new(options(&nats), ISSUER);
    for after in 0..10 {
        feed.subscribe(Sequence(after)).await.expect("a stream");
        let first = loop {
            match next(&mut feed).await {
                Delivery::ChangeSet(bytes) if sequence(&bytes) > 0 => break sequence(&bytes),
                Delivery::ChangeSet(_) => {}
                delivery => panic!("{delivery:?}"),
            }
        };
        assert_eq!(first, after + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_head_is_handed_on_to_be_refused_and_counted() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    let publisher = publish(&nats, &registry);
    let mut feed = NatsFeed::new(options(&nats), ISSUER);
    subscribe(&mut feed, 0).await;
    drop(publisher);
    let stranger = async_nats::connect(nats.url()).await.expect("a server");
    stranger.publish("hufu.heads.310000", Bytes::from_static(b"garbage")).await.expect("sent");
    stranger.flush().await.expect("flushed");
    let garbage =
        async { while feed.next().await.expect("a delivery") != Delivery::Head("garbage".into()) {} };
    tokio::time::timeout(Duration::from_secs(20), garbage).await.expect("it is handed on");
}
