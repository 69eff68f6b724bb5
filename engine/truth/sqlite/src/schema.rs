//! The schema and how it comes to be: migrations that are part of the program, run once each.

use hufu_registry::chain::named;
use hufu_registry::store::at_most;
use hufu_registry::{Fault, TrailEnd, TrailLine};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr as _, SqliteConnection, SqlitePool};

use crate::fault::fault;
use crate::proposals::add_named;
use crate::row::{all, change};

/// Every migration, by rising number. Files that were released are never changed.
const MIGRATIONS: [(i64, &str, &str); 11] = [
    (1, "registry", include_str!("../migrations/0001_registry.sql")),
    (2, "trail and phones", include_str!("../migrations/0002_trail_and_phones.sql")),
    (3, "names of columns", include_str!("../migrations/0003_names_of_columns.sql")),
    (4, "records of people", include_str!("../migrations/0004_records_of_people.sql")),
    (5, "proposals of holders", include_str!("../migrations/0005_proposals_of_holders.sql")),
    (6, "facts", include_str!("../migrations/0006_facts.sql")),
    (7, "families", include_str!("../migrations/0007_families.sql")),
    (8, "appeals", include_str!("../migrations/0008_appeals.sql")),
    (9, "tickets", include_str!("../migrations/0009_tickets.sql")),
    (10, "phones", include_str!("../migrations/0010_phones.sql")),
    (11, "living phone credentials", include_str!("../migrations/0011_living_phone_credentials.sql")),
];

/// Brings the tables up to date, all of it under the file's write lock: other processes may be opening it, too.
pub(crate) async fn migrate(writer: &SqlitePool) -> Result<(), sqlx::Error> {
    let mut write = writer.begin_with("BEGIN IMMEDIATE").await?;
    let (is_chained, is_indexed) = (is_chained(&mut write).await?, is_indexed(&mut write).await?);
    migrator().run_direct(None, &mut *write, false).await?;
    if !is_chained {
        chain_trail(&mut write).await.map_err(|fault| sqlx::Error::Protocol(fault.to_string()))?;
    }
    if !is_indexed {
        index_proposals(&mut write).await.map_err(|fault| sqlx::Error::Protocol(fault.to_string()))?;
    }
    write.commit().await
}

/// How many migrations [`migrate`] would run; `None` where there are no tables.
pub(crate) async fn due(connection: &mut SqliteConnection) -> Result<Option<usize>, sqlx::Error> {
    const TABLE: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations')";
    const VERSIONS: &str = "SELECT version FROM _sqlx_migrations";
    let is_there: bool = sqlx::query_scalar(TABLE).fetch_one(&mut *connection).await?;
    if !is_there {
        return Ok(None);
    }
    let done: Vec<i64> = sqlx::query_scalar(VERSIONS).fetch_all(&mut *connection).await?;
    let is_known = |version: &i64| MIGRATIONS.iter().any(|(known, ..)| known == version);
    match done.iter().find(|version| !is_known(version)) {
        Some(later) => Err(MigrateError::VersionMissing(*later).into()),
        None => Ok(Some(MIGRATIONS.len() - done.len())),
    }
}

/// Whether the trail's lines carry digests already.
async fn is_chained(write: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    const COLUMN: &str = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('trail') WHERE name = 'digest')";
    sqlx::query_scalar(COLUMN).fetch_one(write).await
}

/// Whether proposals are found by the holders that they name.
async fn is_indexed(write: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    const TABLE: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'proposal_holders')";
    sqlx::query_scalar(TABLE).fetch_one(write).await
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.map(|(version, description, sql)| {
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.into())
}

/// Fills in the digests of lines that were written before there were any.
async fn chain_trail(write: &mut SqliteConnection) -> Result<(), Fault> {
    const PAGE: &str = "SELECT * FROM trail WHERE number > ? ORDER BY number LIMIT 1000";
    const FILL: &str = "UPDATE trail SET digest = ? WHERE number = ?";
    let mut last = TrailEnd::START;
    loop {
        let page = sqlx::query(PAGE).bind(at_most(last.number));
        let page: Vec<TrailLine> = all(&mut *write, page).await?;
        if page.is_empty() {
            return Ok(());
        }
        for line in page {
            let digest = last.digest.after(line.number, &line.entry);
            let fill = sqlx::query(FILL).bind(digest.0.as_slice()).bind(at_most(line.number));
            change(&mut *write, fill).await?;
            last = TrailEnd { number: line.number, digest };
        }
    }
}

/// Fills in whom the proposals name that were here before that was kept.
async fn index_proposals(write: &mut SqliteConnection) -> Result<(), Fault> {
    const IDS: &str = "SELECT issuer, id FROM proposals";
    const ONE: &str = "SELECT instruction FROM proposals WHERE issuer = ? AND id = ?";
    let ids: Vec<(i64, i64)> = sqlx::query_as(IDS).fetch_all(&mut *write).await.map_err(fault)?;
    for (issuer, id) in ids {
        let query = sqlx::query_scalar(ONE).bind(issuer).bind(id);
        let instruction: Vec<u8> = query.fetch_one(&mut *write).await.map_err(fault)?;
        add_named(&mut *write, (issuer, id), &named(&instruction)).await?;
    }
    Ok(())
}
