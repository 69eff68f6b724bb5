//! Servers that die, hang, come back, and are three.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hufu_fixtures::services::Nats;
use hufu_nats::Keep;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::common::{Engine, Registry, options, options_of, publish, publish_with, wait_for_stream};

/// Appends a set every few milliseconds until told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Load {
    fn on(registry: &Arc<Registry>) -> Load {
        let (registry, stop) = (Arc::clone(registry), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::Relaxed) {
                registry.append();
                sleep(Duration::from_millis(5)).await;
            }
        });
        Load { stop, task }
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("no panic");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_under_load_loses_and_doubles_nothing() {
    let mut nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    let _publisher = publish(&nats, &registry);
    let mut engine = Engine::new(options(&nats));
    let load = Load::on(&registry);
    for _ in 0..3 {
        engine.catch_up(&registry, Duration::from_secs(20)).await;
        sleep(Duration::from_millis(300)).await;
        nats.kill().expect("it runs");
        sleep(Duration::from_millis(300)).await;
        nats.restart().expect("it starts");
        let back = Instant::now();
        let tip = registry.tip().sequence;
        while engine.tip < tip {
            engine.catch_up(&registry, Duration::from_secs(20)).await;
        }
        println!("caught up {:?} after the restart", back.elapsed());
    }
    load.stop().await;
    engine.catch_up(&registry, Duration::from_secs(20)).await;
    wait_for_stream(&nats, &registry.sets()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_for_three_seconds_is_noticed_and_followed_again() {
    let mut nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    let _publisher = publish(&nats, &registry);
    let mut engine = Engine::new(options(&nats));
    registry.append();
    engine.catch_up(&registry, Duration::from_secs(20)).await;
    nats.pause().expect("it runs");
    let load = Load::on(&registry);
    sleep(Duration::from_secs(3)).await;
    nats.resume().expect("it runs");
    let resumed = Instant::now();
    load.stop().await;
    engine.catch_up(&registry, Duration::from_secs(20)).await;
    println!("caught up {:?} after the server went on; {:?}", resumed.elapsed(), engine.faults);
    wait_for_stream(&nats, &registry.sets()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_ends_when_its_server_hangs() {
    let mut nats = Nats::start().expect("nats-server");
    let registry = Registry::new();
    registry.append();
    let publisher = publish(&nats, &registry);
    let mut engine = Engine::new(options(&nats));
    engine.catch_up(&registry, Duration::from_secs(20)).await;
    drop(publisher);
    nats.pause().expect("it runs");
    let ended = async {
        loop {
            if let Err(fault) = hufu_sync::Feed::next(&mut engine.feed).await {
                break fault;
            }
        }
    };
    let fault = timeout(Duration::from_secs(20), ended).await.expect("it ends");
    assert!(fault.to_string().contains("the consumer is silent"), "{fault}");
    let subscribed = hufu_sync::Feed::subscribe(&mut engine.feed, engine.tip);
    let subscribed = timeout(Duration::from_secs(20), subscribed).await.expect("it is given up");
    subscribed.expect_err("the server hangs");
    nats.resume().expect("it runs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_goes_on_without_any_one_of_its_servers() {
    let mut servers = Nats::cluster(3).expect("three servers");
    let registry = Registry::new();
    let _publisher = publish_with(options_of(&servers), 3, Keep::default(), &registry);
    let mut engine = Engine::new(options_of(&servers));
    for server in &mut servers {
        for _ in 0..100 {
            registry.append();
        }
        engine.catch_up(&registry, Duration::from_secs(60)).await;
        server.kill().expect("it runs");
        let killed = Instant::now();
        for _ in 0..100 {
            registry.append();
        }
        engine.catch_up(&registry, Duration::from_secs(60)).await;
        println!("caught up {:?} after one of three was killed", killed.elapsed());
        server.restart().expect("it starts");
    }
    wait_for_stream(&servers[0], &registry.sets()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_keeps_up_with_bursts_of_two_publishers() {
    let servers = Nats::cluster(3).expect("three servers");
    let registry = Registry::new();
    let _publishers = [
        publish_with(options_of(&servers[..1]), 3, Keep::default(), &registry),
        publish_with(options_of(&servers[1..]), 3, Keep::default(), &registry),
    ];
    let mut engine = Engine::new(options_of(&servers));
    let begun = Instant::now();
    for _ in 0..1000 {
        registry.append();
    }
    engine.catch_up(&registry, Duration::from_secs(60)).await;
    println!("1000 sets in {:?}", begun.elapsed());
    wait_for_stream(&servers[0], &registry.sets()).await;
}
