//! The store as a whole: opened, written to, closed.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hufu_registry::store::Store;
use hufu_registry::{Entry, Fault, TrailKey};
use hufu_wire::IssuerId;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, SqlitePool, Transaction};
use tokio::sync::broadcast;

use crate::fault::{fault, is_busy, opening};
use crate::schema::{due, migrate};

/// A registry's store in one file.
#[derive(Debug)]
pub struct SqliteStore {
    name: String,
    /// One connection: the task that has it is the only one of this process that writes.
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    pub(crate) grown: broadcast::Sender<IssuerId>,
    /// Seals the trail's lines.
    pub(crate) trail_key: OnceLock<TrailKey>,
}

/// Connections that read: more than cores are no faster, and a feed's read is short.
const READERS: u32 = 4;
/// How long another process may hold the file before somebody waits in vain.
const BUSY: Duration = Duration::from_secs(10);
/// How long somebody waits where SQLite does not.
const AGAIN: Duration = Duration::from_millis(10);
/// Wakes that a sleeper may miss before it is told that it missed some; it looks by itself every second anyway.
const WAKES: usize = 256;

impl SqliteStore {
    /// Opens the file at `path`, or makes it, readable by its owner alone, and brings its tables up to date.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when it cannot be opened; [`Fault::Damaged`] when it is no store of a registry, or of a
    /// newer one.
    pub async fn open(path: &Path) -> Result<SqliteStore, Fault> {
        let name = format!("sqlite {}", path.display());
        let named = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
        make(path).map_err(|error| Fault::Unavailable(named(&error)))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            // A full set is 129 pages of bytes and at most 32,768 of words: no checkpoint within a commit.
            .pragma("wal_autocheckpoint", "8192")
            .pragma("cache_size", "-65536");
        let pool = |connections| {
            let options = SqlitePoolOptions::new().max_connections(connections).acquire_timeout(BUSY);
            let options = options.max_lifetime(None).idle_timeout(None).test_before_acquire(false);
            // A full disk makes SQLite end a transaction by itself (<https://sqlite.org/lang_transaction.html>, 3.1). The
            // driver still counts it as open after that and begins no other on this connection.
            options.before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
        };
        let open = async {
            let writer = first(|| pool(1).connect_with(options.clone())).await?;
            migrate(&writer).await?;
            let readers = pool(READERS).connect_with(options.pragma("query_only", "ON")).await?;
            Ok::<_, sqlx::Error>((writer, readers))
        };
        let (writer, readers) = open.await.map_err(|error| opening(path, error))?;
        let (grown, _) = broadcast::channel(WAKES);
        Ok(SqliteStore { name, writer, readers, grown, trail_key: OnceLock::new() })
    }

    /// How many migrations [`open`](Self::open) would run on the file at `path`, which stays as it is; `None` where it is
    /// not there or has no tables.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn migrations_due(path: &Path) -> Result<Option<usize>, Fault> {
        if !path.exists() {
            return Ok(None);
        }
        let looked = async {
            let options = SqliteConnectOptions::new().filename(path).pragma("query_only", "ON");
            let mut connection = options.connect().await?;
            let due = due(&mut connection).await?;
            connection.close().await?;
            Ok::<_, sqlx::Error>(due)
        };
        looked.await.map_err(|error| opening(path, error))
    }

    /// A transaction that holds the file's write lock from its beginning, so that what it read stays true.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, Fault> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)
    }

    /// Commits a transaction with its line of the trail.
    pub(crate) async fn commit(
        &self,
        mut write: Transaction<'static, Sqlite>,
        entry: &Entry,
    ) -> Result<(), Fault> {
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)
    }
}

/// Makes the file if it is not there. One that is there is not opened: closing it would take away the locks that
/// another connection of this process has on it (<https://sqlite.org/howtocorrupt.html>, 2.2).
fn make(path: &Path) -> io::Result<()> {
    // SQLite gives the log beside it the same mode.
    match OpenOptions::new().create_new(true).write(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// The first connection, which makes a new file's log. When two do that at once, SQLite tells one of them that the file
/// is locked, and does not wait as it does for any other lock.
async fn first<F: Future<Output = Result<SqlitePool, sqlx::Error>>>(
    mut connect: impl FnMut() -> F,
) -> Result<SqlitePool, sqlx::Error> {
    let deadline = Instant::now() + BUSY;
    loop {
        match connect().await {
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                tokio::time::sleep(AGAIN).await;
            }
            connected => return connected,
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ready(&self) -> Result<(), Fault> {
        sqlx::query("SELECT 1 FROM issuers LIMIT 1").fetch_optional(&self.readers).await.map_err(fault)?;
        Ok(())
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
