//! What a feed brings.

use std::time::Duration;

use hufu_fixtures::services::Nats;
use hufu_nats::{Keep, NatsFeed};
use hufu_sync::{Delivery, Feed as _, FeedFault};
use hufu_wire::Sequence;
use tokio::time::{sleep, timeout};

use crate::common::{
    Engine, ISSUER, Registry, client, newest_checkpoint, next, options, publish, publish_with, sequence,
    subscribe, wait_for_stream,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sets_begin_after_what_was_asked_for_and_go_on_as_they_are_made() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    for _ in 0..20 {
        registry.append();
    }
    let _publisher = publish(&nats, &registry);
    wait_for_stream(&nats, &registry.sets()).await;
    let mut feed = NatsFeed::new(options(&nats), ISSUER);
    for after in [0, 1, 13, 19, 20] {
        feed.subscribe(Sequence(after)).await.expect("a stream");
        for expected in after + 1..=20 {
            let set = registry.sets()[usize::try_from(expected).expect("few") - 1].bytes.clone();
            assert_eq!(next(&mut feed).await, Delivery::ChangeSet(set), "after {after}");
        }
    }
    let made = registry.append();
    let Delivery::ChangeSet(bytes) = next(&mut feed).await else { panic!("a set") };
    assert_eq!(sequence(&bytes), made.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_stops_waiting_loses_nothing() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    for _ in 0..200 {
        registry.append();
    }
    let _publisher = publish(&nats, &registry);
    wait_for_stream(&nats, &registry.sets()).await;
    let mut feed = NatsFeed::new(options(&nats), ISSUER);
    feed.subscribe(Sequence(0)).await.expect("a stream");
    let mut expected = 1;
    while expected <= 200 {
        if let Ok(delivery) = timeout(Duration::from_micros(20), feed.next()).await
            && let Delivery::ChangeSet(bytes) = delivery.expect("a delivery")
        {
            assert_eq!(sequence(&bytes), expected);
            expected += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_engine_gets_a_hundred_megabytes_whole() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    for _ in 0..200 {
        registry.append_changes(32_768);
    }
    let _publisher = publish(&nats, &registry);
    let mut feed = NatsFeed::new(options(&nats), ISSUER);
    subscribe(&mut feed, 0).await;
    for expected in 1..=200 {
        let Delivery::ChangeSet(bytes) = next(&mut feed).await else { panic!("a set") };
        assert_eq!(sequence(&bytes), expected);
        if expected % 40 == 0 {
            sleep(Duration::from_secs(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trimmed_stream_says_so_before_its_first_set() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    for _ in 0..30 {
        registry.append();
    }
    let keep = Keep { sets: Some(10), ..Keep::default() };
    let _publisher = publish_with(options(&nats), 1, keep, &registry);
    wait_for_stream(&nats, &registry.sets()[20..]).await;
    let mut feed = NatsFeed::new(options(&nats), ISSUER);
    subscribe(&mut feed, 5).await;
    assert_eq!(next(&mut feed).await, Delivery::Trimmed { first: Some(Sequence(21)) });
    let Delivery::ChangeSet(bytes) = next(&mut feed).await else { panic!("a set") };
    assert_eq!(sequence(&bytes), 21);
    subscribe(&mut feed, 20).await;
    let Delivery::ChangeSet(bytes) = next(&mut feed).await else { panic!("a set, and nothing was trimmed") };
    assert_eq!(sequence(&bytes), 21);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_stream_with_a_checkpoint_says_that_everything_was_trimmed() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    registry.append();
    let checkpoint = registry.checkpoint();
    let publisher = publish(&nats, &registry);
    wait_for_stream(&nats, &registry.sets()).await;
    let mut feed = NatsFeed::new(options(&nats), ISSUER);
    while newest_checkpoint(&mut feed).await.is_none() {
        sleep(Duration::from_millis(50)).await;
    }
    drop(publisher);
    client(&nats.url()).await.get_stream("HUFU-310000").await.expect("it").purge().await.expect("purged");
    feed.subscribe(Sequence(0)).await.expect("a stream");
    assert_eq!(next(&mut feed).await, Delivery::Trimmed { first: None });
    assert_eq!(newest_checkpoint(&mut feed).await, Some(checkpoint));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_come_as_they_are_made_and_can_be_looked_up() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    registry.append();
    let _publisher = publish(&nats, &registry);
    let mut feed = NatsFeed::new(options(&nats), ISSUER);
    subscribe(&mut feed, 1).await;
    assert_eq!(newest_checkpoint(&mut feed).await, None);
    let first = registry.checkpoint();
    assert_eq!(next(&mut feed).await, Delivery::Checkpoint(first.clone()));
    assert_eq!(newest_checkpoint(&mut feed).await, Some(first));
    registry.append();
    let second = registry.checkpoint();
    while next(&mut feed).await != Delivery::Checkpoint(second.clone()) {}
    assert_eq!(newest_checkpoint(&mut feed).await, Some(second));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_no_feed_before_there_is_a_stream() {
    let nats = Nats::start().expect("nats-server");
    let mut feed = NatsFeed::new(options(&nats), ISSUER);
    assert!(matches!(feed.next().await, Err(FeedFault::Unreachable { .. })));
    let fault = feed.subscribe(Sequence(0)).await.expect_err("no stream");
    assert!(fault.to_string().contains("there is no stream HUFU-310000 yet"), "{fault}");
    assert_eq!(newest_checkpoint(&mut feed).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_follows_while_sets_are_made() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    let _publisher = publish(&nats, &registry);
    let mut engine = Engine::new(options(&nats));
    for _ in 0..10 {
        for _ in 0..50 {
            registry.append();
        }
        engine.catch_up(&registry, Duration::from_secs(30)).await;
    }
    assert_eq!(engine.tip, Sequence(500));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_is_left_brings_nothing_until_it_is_asked_again() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    registry.append();
    let _publisher = publish(&nats, &registry);
    let mut feed = NatsFeed::new(options(&nats), ISSUER);
    subscribe(&mut feed, 0).await;
    feed.leave();
    assert!(matches!(feed.next().await, Err(FeedFault::Unreachable { .. })));
    subscribe(&mut feed, 0).await;
    assert!(matches!(next(&mut feed).await, Delivery::ChangeSet(_)));
}
