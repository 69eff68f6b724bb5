//! Several registries on one PostgreSQL.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{ISSUERS, add_issuers, append, audit, database, entry, open, sign, word, words};
use hufu_fixtures::services::Postgres;
use hufu_postgres::PostgresStore;
use hufu_registry::chain::Appended;
use hufu_registry::store::{
    Chain as _, Holders as _, RecordEdit, Records, Resealed, SealedRows as _, SealedTable, Sought, Trail as _,
};
use hufu_registry::{Action, Lookup, StoredHolder, Subject};
use hufu_wire::{HolderIndex, IssuerId};

const WRITERS: u32 = 4;

/// Appends `count` sets, each as often as another writer comes first. Answers how often one did.
async fn write(store: Arc<PostgresStore>, issuer: IssuerId, writer: u32, count: u32) -> u32 {
    let mut moved = 0;
    for number in 0..count {
        loop {
            let tip = store.tip(issuer).await.expect("a tip").expect("the issuer");
            // Each writer turns holders of its own and some that all of them turn.
            let holders = [number, 500, 501 + writer, 1000 + (writer * 7 + number) % 50];
            let records = words(holders.into_iter(), word(tip.sequence.0 + u64::from(writer)));
            let signed = sign(&store, issuer, &tip, &records).await.expect("a proposal");
            match append(&store, &signed).await.expect("an answer") {
                Appended::Appended { sequence, .. } => {
                    assert_eq!(sequence, tip.next());
                    break;
                }
                Appended::Moved { tip: other } => {
                    assert!(other.sequence > tip.sequence, "{other:?}");
                    moved += 1;
                }
                // Another writer proposed exactly this, or a later one was confirmed before.
                Appended::Closed(_) | Appended::Duplicate { .. } => moved += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    moved
}

/// R20, R22: sequences have no gaps and no two sets have one place, whoever appends.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn registries_that_race_make_one_chain() {
    const COUNT: u32 = 25;
    let postgres = Postgres::shared().unwrap();
    let url = database(&postgres);
    let stores = [Arc::new(open(&url).await), Arc::new(open(&url).await)];
    let issuers = &ISSUERS[..2];
    add_issuers(&stores[0], issuers).await;

    let writers: Vec<_> = (0..WRITERS)
        .flat_map(|writer| issuers.iter().map(move |&issuer| (writer, issuer)))
        .map(|(writer, issuer)| {
            let store = Arc::clone(&stores[writer as usize % 2]);
            tokio::spawn(write(store, issuer, writer, COUNT))
        })
        .collect();
    let mut moved = 0;
    for writer in writers {
        moved += writer.await.unwrap();
    }
    assert!(moved > 0, "nobody raced");
    for &issuer in issuers {
        let sets = audit(&stores[0], issuer).await;
        assert_eq!(sets.len(), (WRITERS * COUNT) as usize);
    }
}

/// R20: holders of one issuer get dense indices and nobody gets two, whoever registers them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn holders_who_are_registered_at_once_get_dense_indices() {
    const PEOPLE: usize = 200;
    let postgres = Postgres::shared().unwrap();
    let url = database(&postgres);
    let stores = [Arc::new(open(&url).await), Arc::new(open(&url).await)];
    let issuer = ISSUERS[0];
    add_issuers(&stores[0], &[issuer]).await;

    let subject = |person: usize| {
        let mut subject = [0; 32];
        subject[..8].copy_from_slice(&person.to_le_bytes());
        Subject(subject)
    };
    // Everybody is brought by two of four, in pieces that overlap.
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let store = Arc::clone(&stores[task % 2]);
            tokio::spawn(async move {
                for piece in 0..10 {
                    let first = (task * 50 + piece * 10) % PEOPLE;
                    let subjects: Vec<_> =
                        (first..first + 60).map(|person| subject(person % PEOPLE)).collect();
                    let lookups: Vec<_> =
                        subjects.iter().map(|number| Lookup { number: *number, stateless: None }).collect();
                    let sought = Sought { numbers: &lookups, holders: &[] };
                    let decide = |records: &Records| Ok(whoever_is_new(&subjects, records));
                    let line = entry(Action::HoldersAdded, "");
                    store.edit_holders(issuer, &sought, &decide, &line).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let holders = stores[1].holders(issuer, None, 1000).await.unwrap();
    let indices: Vec<u32> = holders.iter().map(|holder| holder.index.0).collect();
    assert_eq!(indices, (0..u32::try_from(PEOPLE).unwrap()).collect::<Vec<_>>());
    for holder in &holders {
        let lookup = Lookup { number: holder.subject, stateless: None };
        let found = stores[0].find_holders(issuer, &lookup).await.unwrap();
        assert_eq!(found.as_slice(), std::slice::from_ref(holder));
        let sealed = String::from_utf8(holder.sealed.clone()).unwrap();
        assert!(sealed.ends_with(&format!(" {}", holder.index)), "{sealed} at {}", holder.index);
    }
}

/// Records for those of `subjects` who have none, each sealed with its index.
fn whoever_is_new(subjects: &[Subject], records: &Records) -> RecordEdit {
    let is_new = |subject: &&Subject| records.holders.iter().all(|holder| holder.subject != **subject);
    let next = u32::try_from(records.next).expect("few holders");
    let new = subjects.iter().filter(is_new).zip(next..).map(|(subject, index)| StoredHolder {
        index: HolderIndex(index),
        subject: *subject,
        document: None,
        sealed: format!("sealed {index}").into_bytes(),
        registered: common::START,
        joined: None,
    });
    RecordEdit { new: new.collect(), ..RecordEdit::default() }
}

/// R45: an edit of a record does not put back the seal of a key that is retired at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r45_a_record_that_is_edited_while_it_is_sealed_again_has_the_new_seal() {
    let postgres = Postgres::shared().unwrap();
    let url = database(&postgres);
    let (here, there) = (open(&url).await, Arc::new(open(&url).await));
    let issuer = ISSUERS[0];
    add_issuers(&here, &[issuer]).await;
    let (subjects, line) = ([Subject([7; 32])], entry(Action::HoldersAdded, ""));
    let add = |records: &Records| Ok(whoever_is_new(&subjects, records));
    here.edit_holders(issuer, &Sought::default(), &add, &line).await.unwrap();

    let resealing = Mutex::new(None);
    let decide = |records: &Records| {
        let mut resealing = resealing.lock().unwrap();
        if resealing.is_none() {
            let there = Arc::clone(&there);
            *resealing = Some(tokio::spawn(async move {
                let row = Resealed { number: 0, was: b"sealed 0".to_vec(), sealed: b"new seal".to_vec() };
                let line = entry(Action::HoldersResealed, "");
                there.reseal(issuer, SealedTable::Holders, &[row], &line).await
            }));
            // It begins now, and waits for the end of this edit.
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(RecordEdit { changed: records.holders.clone(), ..RecordEdit::default() })
    };
    let sought = Sought { numbers: &[], holders: &[HolderIndex(0)] };
    here.edit_holders(issuer, &sought, &decide, &line).await.unwrap();
    let resealing = resealing.into_inner().unwrap().expect("begun");
    assert_eq!(resealing.await.unwrap(), Ok(1));
    let held = here.holder(issuer, HolderIndex(0)).await.unwrap().expect("a record");
    assert_eq!(held.sealed, b"new seal");
}

/// R44: whoever reads the trail page by page while it is written misses no line.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_of_the_trail_misses_no_line() {
    const LINES: usize = 60;
    let postgres = Postgres::shared().unwrap();
    let store = Arc::new(open(&database(&postgres)).await);
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for line in 0..LINES {
                    store.note(&entry(Action::TrailRead, &format!("{writer} {line}"))).await.unwrap();
                }
            })
        })
        .collect();
    let mut read = Vec::new();
    let mut after = 0;
    let is_done = || writers.iter().all(tokio::task::JoinHandle::is_finished);
    loop {
        let was_done = is_done();
        let page = store.trail(after, 7).await.unwrap();
        if page.is_empty() && was_done {
            break;
        }
        assert!(page.is_sorted_by_key(|line| line.number));
        after = page.last().map_or(after, |line| line.number);
        read.extend(page.into_iter().map(|line| line.entry.what));
    }
    read.sort_unstable();
    read.dedup();
    assert_eq!(read.len(), 8 * LINES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_set_in_one_registry_wakes_the_others() {
    let postgres = Postgres::shared().unwrap();
    let url = database(&postgres);
    let [here, there] = [open(&url).await, open(&url).await];
    add_issuers(&here, &ISSUERS).await;
    let mut grown = there.grown();
    // The listener may still be on its way to the server: sets are appended until one wakes it. When it arrives, it wakes
    // the followers of every issuer once; the second wake is that of a set.
    let mut wakes = 0;
    for _ in 0..50 {
        let tip = here.tip(ISSUERS[3]).await.unwrap().unwrap();
        let signed = sign(&here, ISSUERS[3], &tip, &words(0..3, word(tip.sequence.0))).await.unwrap();
        append(&here, &signed).await.unwrap();
        while let Ok(woken) = tokio::time::timeout(Duration::from_millis(200), grown.recv()).await {
            wakes += usize::from(woken.unwrap() == ISSUERS[3]);
            if wakes == 2 {
                return;
            }
        }
    }
    panic!("nobody was woken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn registries_that_start_at_once_make_the_tables_once() {
    let postgres = Postgres::shared().unwrap();
    let url = database(&postgres);
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { open(&url).await })
        })
        .collect();
    for start in starts {
        start.await.unwrap();
    }
}
