//! A file that is opened: by several at once, by a later program, by somebody else.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hufu_registry::store::{Store as _, Trail as _};
use hufu_registry::{Fault, TrailCheck};
use hufu_sqlite::SqliteStore;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr as _};
use tempfile::TempDir;
use tokio::task::JoinSet;

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("registry.sqlite");
    (folder, path)
}

async fn run(path: &Path, statement: &'static str) {
    let mut file = SqliteConnectOptions::new().filename(path).connect().await.expect("the file");
    sqlx::raw_sql(statement).execute(&mut file).await.expect("a statement");
}

/// Each has connections of its own, as a process has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registries_that_start_together_make_the_tables_once() {
    for _ in 0..8 {
        let (_folder, path) = folder();
        let mut starting = JoinSet::new();
        for _ in 0..6 {
            let path = path.clone();
            starting.spawn(async move { SqliteStore::open(&path).await });
        }
        for store in starting.join_all().await {
            let store = store.expect("a store");
            assert_eq!(store.ready().await, Ok(()));
            store.close().await;
        }
        let mode = std::fs::metadata(&path).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_file_of_a_later_program_is_left_alone() {
    let (_folder, path) = folder();
    SqliteStore::open(&path).await.expect("a store").close().await;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'later', true, x'00', 0)";
    run(&path, later).await;
    let refused = SqliteStore::open(&path).await.expect_err("of a later program");
    assert!(matches!(&refused, Fault::Damaged(what) if what.contains("9999")), "{refused}");
}

#[tokio::test]
async fn what_is_no_store_is_told() {
    let (folder, path) = folder();
    let text = "not a database, and long enough for SQLite to see that it is none".repeat(9);
    std::fs::write(&path, text).expect("a file");
    let refused = SqliteStore::open(&path).await.expect_err("no database");
    assert!(matches!(&refused, Fault::Damaged(what) if what.contains("registry.sqlite")), "{refused}");
    let nowhere = SqliteStore::open(&folder.path().join("no/such/folder")).await.expect_err("no folder");
    assert!(matches!(nowhere, Fault::Unavailable(_)), "{nowhere}");
}

/// A file of the version before gets the digests of its lines, and the next line follows them.
#[tokio::test]
async fn lines_from_before_there_were_digests_are_chained() {
    let (_folder, path) = folder();
    let file = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut file = file.connect().await.expect("a file");
    let first = Migration::new(
        1,
        "registry".into(),
        MigrationType::Simple,
        include_str!("../migrations/0001_registry.sql").into_sql_str(),
        false,
    );
    Migrator::with_migrations(vec![first]).run_direct(None, &mut file, false).await.expect("tables");
    let lines = "INSERT INTO trail (number, at_ms, who, deed, issuer, what) VALUES \
                 (1, 7, 'clerk', 'issuer.put', 310000, 'x'), (5, 8, '', 'trail.read', NULL, '王')";
    sqlx::raw_sql(lines).execute(&mut file).await.expect("lines");
    file.close().await.expect("closed");

    let store = SqliteStore::open(&path).await.expect("a store");
    let entry = store.trail(0, 1).await.expect("a trail").remove(0).entry;
    store.note(&entry).await.expect("one more");
    let mut check = TrailCheck::new(None);
    for line in store.trail(0, 9).await.expect("a trail") {
        assert_eq!(check.take(&line), Ok(()));
    }
    assert_eq!((check.lines(), check.end().number), (3, 6));
    assert_eq!(store.trail_end().await, Ok(check.end()));
    store.close().await;
    SqliteStore::open(&path).await.expect("the same again").close().await;
}
