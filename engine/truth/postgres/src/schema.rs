//! The schema and how it comes to be: migrations that are part of the program, run once each under an advisory
//! lock, so that registries that start together do not race.

use hufu_registry::Fault;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgPool, SqlSafeStr as _};

use crate::fault::fault;
use crate::options::pool;

/// By rising number. What is here is never changed: the next change is the next file.
const MIGRATIONS: [(i64, &str, &str); 10] = [
    (1, "registry", include_str!("../migrations/0001_registry.sql")),
    (2, "trail and phones", include_str!("../migrations/0002_trail_and_phones.sql")),
    (3, "records of people", include_str!("../migrations/0003_records_of_people.sql")),
    (4, "proposals of holders", include_str!("../migrations/0004_proposals_of_holders.sql")),
    (5, "facts", include_str!("../migrations/0005_facts.sql")),
    (6, "families", include_str!("../migrations/0006_families.sql")),
    (7, "appeals", include_str!("../migrations/0007_appeals.sql")),
    (8, "tickets", include_str!("../migrations/0008_tickets.sql")),
    (9, "phones", include_str!("../migrations/0009_phones.sql")),
    (10, "living phone credentials", include_str!("../migrations/0010_living_phone_credentials.sql")),
];

/// Brings the schema to what this program knows.
///
/// # Errors
/// [`Fault::Misconfigured`] when the database has been used by a later program, or may not be changed.
pub(crate) async fn migrate(options: &PgConnectOptions) -> Result<(), Fault> {
    let migrations = MIGRATIONS.map(|(version, description, sql)| {
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    // Another registry may be at it, and a large table takes its time.
    let pool = pool(options.clone().options([("statement_timeout", "0"), ("lock_timeout", "0")]), 1);
    let outcome = Migrator::with_migrations(migrations.into()).run(&pool).await;
    pool.close().await;
    outcome.map_err(|error| match error {
        MigrateError::VersionMissing(version) => of_later_program(version),
        MigrateError::VersionMismatch(version) => {
            Fault::Damaged(format!("migration {version} of the database is not the one of this program"))
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => fault(error),
        other => Fault::Misconfigured(format!("the database cannot be brought up to date: {other}")),
    })
}

/// How many migrations [`migrate`] would run; `None` where there are no tables.
///
/// # Errors
/// As [`migrate`].
pub(crate) async fn due(pool: &PgPool) -> Result<Option<usize>, Fault> {
    const TABLE: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    const VERSIONS: &str = "SELECT version FROM _sqlx_migrations";
    let is_there: bool = sqlx::query_scalar(TABLE).fetch_one(pool).await.map_err(fault)?;
    if !is_there {
        return Ok(None);
    }
    let done: Vec<i64> = sqlx::query_scalar(VERSIONS).fetch_all(pool).await.map_err(fault)?;
    let is_known = |version: &i64| MIGRATIONS.iter().any(|(known, ..)| known == version);
    match done.iter().find(|version| !is_known(version)) {
        Some(later) => Err(of_later_program(*later)),
        None => Ok(Some(MIGRATIONS.len() - done.len())),
    }
}

fn of_later_program(version: i64) -> Fault {
    Fault::Misconfigured(format!(
        "the database has migration {version}, which this program does not know: run the program that made it, or a \
         later one"
    ))
}
