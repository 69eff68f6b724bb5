//! Each set once and in order, whoever publishes and whoever dies meanwhile.

use std::time::Duration;

use futures_util::StreamExt as _;
use hufu_fixtures::services::Nats;
use hufu_nats::Keep;
use hufu_wire::{Message as _, chain};
use tokio::time::{sleep, timeout};

use crate::common::{Registry, client, options, publish, publish_with, sequences, stream, wait_for_stream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sets_travel_with_what_people_and_tools_look_for() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    registry.append();
    registry.append();
    let checkpoint = registry.checkpoint();
    let _publisher = publish(&nats, &registry);
    wait_for_stream(&nats, &registry.sets()[1..]).await;

    let client = client(&nats.url()).await;
    let sets = client.get_stream("HUFU-310000").await.expect("the stream");
    let set = sets.get_raw_message(1).await.expect("a message");
    assert_eq!(set.subject.as_str(), "hufu.sets.310000");
    assert_eq!(set.headers.get("Hufu-Sequence").expect("it").as_str(), "2");
    let digest = registry.tip().digest.to_string();
    let id = format!("310000:2:{}", &digest[..16]);
    assert_eq!(set.headers.get("Nats-Msg-Id").expect("it").as_str(), id);

    for _ in 0..100 {
        let Ok(stream) = client.get_stream("HUFU-CHECKPOINTS").await else { continue };
        if let Ok(held) = stream.get_last_raw_message_by_subject("hufu.checkpoints.310000").await {
            assert_eq!(held.payload, checkpoint);
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("no checkpoint");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_publishers_on_one_database_publish_each_set_once() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    let publishers = [publish(&nats, &registry), publish(&nats, &registry)];
    for set in 0..300 {
        registry.append();
        if set % 10 == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    }
    wait_for_stream(&nats, &registry.sets()).await;
    sleep(Duration::from_millis(500)).await;
    assert_eq!(sequences(&stream(&nats).await), (1..=300).collect::<Vec<_>>());
    // One that was acknowledged to both was told to one of them as known already.
    let stored: u64 = publishers.iter().map(|publisher| publisher.status().sets).sum();
    assert!(stored >= 300, "{stored}");
    assert_eq!(publishers.iter().map(|publisher| publisher.status().repairs).sum::<u64>(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_dies_anywhere_leaves_nothing_out_and_nothing_twice() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    for life in 0..40_u64 {
        let publisher = publish(&nats, &registry);
        for _ in 0..25 {
            registry.append();
        }
        // From before the connection to after the last acknowledgement, spread over 60 ms.
        sleep(Duration::from_micros(life * 1500)).await;
        drop(publisher);
    }
    let _publisher = publish(&nats, &registry);
    wait_for_stream(&nats, &registry.sets()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_sets_go_through_an_unchanged_server() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    for _ in 0..20 {
        registry.append_changes(32_768);
    }
    let _publisher = publish(&nats, &registry);
    wait_for_stream(&nats, &registry.sets()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_come_every_second_and_are_not_stored() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    let client = async_nats::connect(nats.url()).await.expect("a server");
    let mut heads = client.subscribe("hufu.heads.310000").await.expect("a subscription");
    let publisher = publish(&nats, &registry);
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let message = timeout(Duration::from_secs(10), heads.next()).await.expect("in time").expect("a head");
        seen.push(chain::Head::read_from(&message.payload).expect("a head").sequence.0);
    }
    assert_eq!(seen, [0, 0, 0]);
    registry.append();
    let after = timeout(Duration::from_millis(900), async {
        loop {
            let message = heads.next().await.expect("a head");
            if chain::Head::read_from(&message.payload).expect("a head").sequence.0 == 1 {
                return;
            }
        }
    });
    after.await.expect("a head right after the burst");
    assert!(publisher.status().is_connected && publisher.status().heads >= 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_keeps_what_it_is_told_to_and_learns_of_it_later_too() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    for _ in 0..50 {
        registry.append();
    }
    let publisher = publish(&nats, &registry);
    wait_for_stream(&nats, &registry.sets()).await;
    drop(publisher);
    let keep = Keep { sets: Some(10), bytes: Some(1 << 20), age_s: Some(3600) };
    let _publisher = publish_with(options(&nats), 1, keep, &registry);
    wait_for_stream(&nats, &registry.sets()[40..]).await;
    registry.append();
    wait_for_stream(&nats, &registry.sets()[41..]).await;
    let config =
        client(&nats.url()).await.get_stream("HUFU-310000").await.expect("it").cached_info().config.clone();
    assert_eq!((config.max_messages, config.max_bytes), (10, 1 << 20));
    assert_eq!(config.max_age, Duration::from_secs(3600));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_stream_gets_no_more_than_it_keeps() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    for _ in 0..50 {
        registry.append();
    }
    let keep = Keep { sets: Some(10), ..Keep::default() };
    let publisher = publish_with(options(&nats), 1, keep, &registry);
    wait_for_stream(&nats, &registry.sets()[40..]).await;
    assert_eq!(publisher.status().sets, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_issuer_is_published_when_its_chain_grows() {
    let nats = Nats::start().expect("nats-server");
    let registry = Registry::of(&[]);
    let _publisher = publish(&nats, &registry);
    sleep(Duration::from_millis(300)).await;
    registry.add(crate::common::ISSUER);
    registry.append();
    wait_for_stream(&nats, &registry.sets()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let mut nats = Nats::start().expect("nats-server");
    nats.kill().expect("it runs");
    let registry = Registry::new();
    registry.append();
    let publisher = publish(&nats, &registry);
    sleep(Duration::from_secs(1)).await;
    assert!(!publisher.status().is_connected);
    nats.restart().expect("it starts");
    wait_for_stream(&nats, &registry.sets()).await;
}
