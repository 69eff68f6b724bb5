//! What SQLite says, as the registry's faults.

use std::path::Path;

use hufu_registry::Fault;

/// SQLITE_CORRUPT and SQLITE_NOTADB, the primary codes of <https://sqlite.org/rescode.html>.
const CORRUPT: i32 = 11;
const NOT_A_DATABASE: i32 = 26;

/// The fault of a statement. Constraints are looked at before they are broken, so a broken one is damage.
pub(crate) fn fault(error: sqlx::Error) -> Fault {
    let is_damage = match &error {
        sqlx::Error::Database(database) => {
            let code: Option<i32> = database.code().and_then(|code| code.parse().ok());
            let primary = code.map(|code| code & 0xff);
            matches!(primary, Some(CORRUPT | NOT_A_DATABASE)) || !is_other(database.kind())
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound => true,
        _ => false,
    };
    let text = error.to_string();
    if is_damage { Fault::Damaged(text) } else { Fault::Unavailable(text) }
}

/// The fault of opening `path`.
pub(crate) fn opening(path: &Path, error: sqlx::Error) -> Fault {
    let named = |what: String| format!("{}: {what}", path.display());
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

fn is_other(kind: sqlx::error::ErrorKind) -> bool {
    matches!(kind, sqlx::error::ErrorKind::Other)
}
