//! The store as a whole: opened, asked whether it answers, closed.

use core::fmt;
use std::sync::OnceLock;

use async_trait::async_trait;
use hufu_registry::store::Store;
use hufu_registry::{Entry, Fault, TrailKey};
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgPool, Postgres, Transaction};

use crate::fault::{TxFault, fault};
use crate::options::{connect_options, pool};
use crate::schema::{due, migrate};
use crate::wakes::Wakes;

/// A transaction; it is rolled back unless it is committed.
pub(crate) type Tx = Transaction<'static, Postgres>;

/// A registry's database in PostgreSQL.
pub struct PostgresStore {
    pub(crate) pool: PgPool,
    pub(crate) wakes: Wakes,
    /// Seals the trail's lines.
    pub(crate) trail_key: OnceLock<TrailKey>,
    name: String,
}

impl PostgresStore {
    /// Connections that requests share, unless the operator says otherwise: PostgreSQL takes 100 by default, and
    /// several registries share them.
    pub const CONNECTIONS: u32 = 16;

    /// Opens the database that `url` names, such as `postgres://hufu@db.example/registry`, with at most
    /// `connections` for requests and one more to hear of other registries, and brings its tables up to date. Must
    /// be called within a Tokio runtime.
    ///
    /// The URL takes `sslmode`, `sslrootcert`, `sslcert` and `sslkey` as libpq does. To another machine, TLS is
    /// never only preferred: without `sslmode` the server's certificate and name are verified. Password and user may
    /// come from `PGPASSWORD`, `PGUSER` and `~/.pgpass`.
    ///
    /// # Errors
    /// [`Fault::Misconfigured`] when the URL cannot be read, the password is wrong, the database is of a later
    /// program, or PostgreSQL is set to forget what it acknowledged; [`Fault::Unavailable`] when it does not answer
    /// within 5 seconds.
    pub async fn open(url: &str, connections: u32) -> Result<PostgresStore, Fault> {
        let options = connect_options(url)?;
        migrate(&options).await?;
        let name = name(&options);
        let pool = pool(options.clone(), connections.max(1));
        check_durability(&pool).await?;
        Ok(PostgresStore { wakes: Wakes::listen(options), pool, trail_key: OnceLock::new(), name })
    }

    /// The database's name, and how many migrations [`open`](Self::open) would run on it, which stays as it is; `None`
    /// where it has no tables. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn migrations_due(url: &str) -> Result<(String, Option<usize>), Fault> {
        let options = connect_options(url)?;
        let name = name(&options);
        let pool = pool(options, 1);
        let looked = async {
            check_durability(&pool).await?;
            due(&pool).await
        };
        let looked = looked.await;
        pool.close().await;
        Ok((name, looked?))
    }

    pub(crate) async fn begin(&self) -> Result<Tx, sqlx::Error> {
        self.pool.begin().await
    }

    /// Commits a transaction with its line of the trail.
    pub(crate) async fn commit(&self, mut tx: Tx, entry: &Entry) -> Result<(), TxFault> {
        self.line(&mut tx, entry).await?;
        Ok(tx.commit().await?)
    }
}

/// What operators call the database; no password is in it.
fn name(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    format!("PostgreSQL {}:{}/{database}", options.get_host(), options.get_port())
}

/// An acknowledged change set must be on a disk.
async fn check_durability(pool: &PgPool) -> Result<(), Fault> {
    for setting in ["fsync", "synchronous_commit"] {
        let query = sqlx::query_scalar("SELECT current_setting($1)").bind(setting);
        let value: String = query.fetch_one(pool).await.map_err(fault)?;
        if value == "off" {
            return Err(Fault::Misconfigured(format!(
                "PostgreSQL would lose change sets that it acknowledged: set {setting} = on in postgresql.conf"
            )));
        }
    }
    Ok(())
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the pool: its options hold the password.
        f.debug_tuple("PostgresStore").field(&self.name).finish()
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ready(&self) -> Result<(), Fault> {
        let query = sqlx::query_scalar("SELECT pg_is_in_recovery()");
        if query.fetch_one(&self.pool).await.map_err(fault)? {
            return Err(Fault::Unavailable(format!("{} is a standby, which takes no changes", self.name)));
        }
        Ok(())
    }

    async fn close(&self) {
        self.wakes.stop();
        self.pool.close().await;
    }
}
