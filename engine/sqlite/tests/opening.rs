//! A file that is opened: by several at once, by a later program, by somebody else.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hufu_registry::Fault;
use hufu_registry::store::Store as _;
use hufu_sqlite::SqliteStore;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
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
