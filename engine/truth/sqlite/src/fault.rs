//! What SQLite says, as the registry's faults.

use std::path::Path;

use hufu_registry::Fault;
use sqlx::error::ErrorKind;
use sqlx::migrate::MigrateError;

/// SQLITE_BUSY, SQLITE_CORRUPT and SQLITE_NOTADB, the primary codes of <https://sqlite.org/rescode.html>.
const BUSY: i32 = 5;
const CORRUPT: i32 = 11;
const NOT_A_DATABASE: i32 = 26;

/// The fault of a statement. Constraints are looked at before they are broken, so a broken one is damage.
#[expect(clippy::needless_pass_by_value, reason = "it is the last that is seen of it, in many a map_err")]
pub(crate) fn fault(error: sqlx::Error) -> Fault {
    let is_damage = match &error {
        sqlx::Error::Database(database) => {
            matches!(code(&error), Some(CORRUPT | NOT_A_DATABASE))
                || !matches!(database.kind(), ErrorKind::Other)
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound => true,
        _ => false,
    };
    let text = error.to_string();
    if is_damage { Fault::Damaged(text) } else { Fault::Unavailable(text) }
}

/// Whether another connection has the file.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    code(error) == Some(BUSY)
}

/// SQLite's primary code, without what it adds to it.
fn code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// The fault of opening `path`.
pub(crate) fn opening(path: &Path, error: sqlx::Error) -> Fault {
    let named = |what: String| format!("{}: {what}", path.display());
    let error = match error {
        sqlx::Error::Migrate(error) => match *error {
            // The tables are as they should be; the disk, or another process, is not.
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error,
            other => sqlx::Error::Migrate(Box::new(other)),
        },
        other => other,
    };
    match error {
        sqlx::Error::Migrate(error) => Fault::Damaged(named(format!(
            "its tables are not those of this version: {error}; use the version that wrote it, or a backup"
        ))),
        error => match fault(error) {
            Fault::Damaged(what) => Fault::Damaged(named(what)),
            Fault::Unavailable(what) => Fault::Unavailable(named(what)),
            other => other,
        },
    }
}
