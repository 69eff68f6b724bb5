//! A copy of a database file that is in use. The file alone is not one: what was committed last stands in the log beside it.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use hufu_registry::Fault;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::fault::opening;

/// The files that SQLite keeps beside a database: the log, its index, and the journal of a file without a log.
pub fn companions(file: &Path) -> [PathBuf; 3] {
    ["-wal", "-shm", "-journal"].map(|ending| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        name.into()
    })
}

/// Writes the database at `from`, as it is at one moment, into the new file `to`, readable by its owner alone. Others go on
/// reading and writing meanwhile. `to` is not on the disk for sure before it is flushed.
///
/// # Errors
/// [`Fault::Unavailable`] when `to` is there already, or one of them cannot be opened or written; [`Fault::Damaged`] when
/// `from` is no database.
pub async fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(to);
    made.map_err(|error| Fault::Unavailable(format!("{}: {error}", to.display())))?;
    let copied = async {
        let mut connection = SqliteConnectOptions::new().filename(from).connect().await?;
        // An empty file is taken for a new one.
        sqlx::query("VACUUM INTO ?").bind(to.display().to_string()).execute(&mut connection).await?;
        connection.close().await
    };
    copied.await.map_err(|error| opening(from, error))
}

/// Looks at every page of a database file: its structure, its indexes, its references.
///
/// # Errors
/// [`Fault::Damaged`] with what SQLite found; [`Fault::Unavailable`] when it cannot be read.
pub async fn check(file: &Path) -> Result<(), Fault> {
    let checked = async {
        let mut connection = SqliteConnectOptions::new().filename(file).connect().await?;
        let found: Vec<String> =
            sqlx::query_scalar("PRAGMA integrity_check(3)").fetch_all(&mut connection).await?;
        let strays = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut connection).await?.len();
        connection.close().await?;
        Ok((found, strays))
    };
    let (found, strays) = checked.await.map_err(|error| opening(file, error))?;
    if found != ["ok"] || strays > 0 {
        let found = found.join("; ");
        return Err(Fault::Damaged(format!("{}: {found}; {strays} references to nothing", file.display())));
    }
    Ok(())
}
