//! PostgreSQL is killed under load and started again.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{ISSUERS, add_issuers, append, audit, database, open, sign, word, words};
use hufu_fixtures::services::Postgres;
use hufu_postgres::PostgresStore;
use hufu_registry::chain::Appended;
use hufu_registry::store::{Chain as _, Store as _, Trail as _};
use hufu_registry::{Action, Fault};
use hufu_wire::{IssuerId, Sequence};

const KILLS: usize = 3;
const SETS_BETWEEN_KILLS: usize = 25;
const PAUSE: Duration = Duration::from_millis(20);

/// Sets that the store said were appended.
#[derive(Default)]
struct Acknowledged {
    sets: Mutex<Vec<(IssuerId, Sequence, Vec<u8>)>>,
    unavailable: AtomicBool,
    stop: AtomicBool,
}

impl Acknowledged {
    fn len(&self) -> usize {
        self.sets.lock().expect("no writer panicked").len()
    }

    async fn wait_for(&self, more: usize) {
        let (begun, count) = (Instant::now(), self.len() + more);
        while self.len() < count {
            assert!(begun.elapsed() < Duration::from_secs(60), "the store does not recover");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Appends sets to one chain until it is told to stop. Whoever gets no answer asks again, as a client would.
async fn write(store: Arc<PostgresStore>, issuer: IssuerId, acknowledged: Arc<Acknowledged>) {
    while !acknowledged.stop.load(Ordering::Relaxed) {
        match write_one(&store, issuer).await {
            Ok((Appended::Appended { sequence, .. } | Appended::Duplicate { sequence }, bytes)) => {
                acknowledged.sets.lock().expect("no writer panicked").push((issuer, sequence, bytes));
            }
            Ok((other, _)) => panic!("{other:?}"),
            Err(Fault::Unavailable(_)) => {
                acknowledged.unavailable.store(true, Ordering::Relaxed);
                tokio::time::sleep(PAUSE).await;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

async fn write_one(store: &PostgresStore, issuer: IssuerId) -> Result<(Appended, Vec<u8>), Fault> {
    let tip = store.tip(issuer).await?.expect("the issuer");
    let first = u32::try_from(tip.sequence.0 * 37 % 3000).expect("small");
    let signed = sign(store, issuer, &tip, &words(first..first + 400, word(tip.sequence.0))).await?;
    Ok((append(store, &signed).await?, signed.bytes))
}

/// R22: what was acknowledged is there, nothing is there in half, and nobody has to restart the registry.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_postgresql_loses_nothing_that_was_acknowledged() {
    let mut postgres = Postgres::start().unwrap();
    let url = database(&postgres);
    let [store, other] = [Arc::new(open(&url).await), Arc::new(open(&url).await)];
    add_issuers(&store, &ISSUERS).await;
    let acknowledged = Arc::new(Acknowledged::default());
    let writers: Vec<_> = ISSUERS
        .into_iter()
        .map(|issuer| tokio::spawn(write(Arc::clone(&store), issuer, Arc::clone(&acknowledged))))
        .collect();

    for _ in 0..KILLS {
        acknowledged.wait_for(SETS_BETWEEN_KILLS).await;
        tokio::task::block_in_place(|| postgres.kill()).unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        tokio::task::block_in_place(|| postgres.restart()).unwrap();
    }
    // The other registry, which did nothing all the while, hears of it again.
    let mut grown = other.grown();
    acknowledged.wait_for(SETS_BETWEEN_KILLS).await;
    tokio::time::timeout(Duration::from_secs(10), grown.recv()).await.expect("a wake").unwrap();
    acknowledged.stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(acknowledged.unavailable.load(Ordering::Relaxed), "nobody noticed that PostgreSQL was killed");

    store.ready().await.unwrap();
    let mut appended = 0;
    for issuer in ISSUERS {
        let sets = audit(&store, issuer).await;
        appended += sets.len();
        for (_, sequence, bytes) in acknowledged.sets.lock().unwrap().iter().filter(|set| set.0 == issuer) {
            let place = usize::try_from(sequence.0 - 1).unwrap();
            assert_eq!(sets.get(place), Some(bytes), "set {sequence} of issuer {issuer} was acknowledged");
        }
    }
    assert_eq!(lines_of(&store, Action::Appended).await, appended, "a line of the trail for each set");
}

async fn lines_of(store: &PostgresStore, action: Action) -> usize {
    let (mut lines, mut after) = (0, 0);
    loop {
        let page = store.trail(after, 1000).await.expect("a page of the trail");
        let Some(last) = page.last() else { return lines };
        after = last.number;
        lines += page.iter().filter(|line| line.entry.action == action).count();
    }
}
