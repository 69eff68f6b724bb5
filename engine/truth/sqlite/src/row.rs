//! Rows as the registry reads them, and the ways to ask for them.

use hufu_registry::Fault;
use hufu_registry::store::{Columns, FromColumns, damaged};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Executor, Row as _, Sqlite};

use crate::fault::fault;

/// A row of SQLite.
pub(crate) struct Row<'r>(pub(crate) &'r SqliteRow);

/// A statement with what was bound to it.
pub(crate) type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

impl Columns for Row<'_> {
    fn integer(&self, column: &'static str) -> Result<Option<i64>, Fault> {
        self.0.try_get(column).map_err(|error| damaged(column, error))
    }

    fn blob(&self, column: &'static str) -> Result<Option<&[u8]>, Fault> {
        self.0.try_get(column).map_err(|error| damaged(column, error))
    }

    fn text(&self, column: &'static str) -> Result<String, Fault> {
        self.0.try_get(column).map_err(|error| damaged(column, error))
    }
}

/// Statements that insert several rows of one table at once. There are few sizes, so that each is prepared once.
pub(crate) struct Insert([(usize, String); 3]);

impl Insert {
    /// Rows of `table`; `conflict` is what follows them.
    pub(crate) fn new(table: &str, columns: &[&str], conflict: &str) -> Insert {
        let row = format!("({})", vec!["?"; columns.len()].join(", "));
        let columns = columns.join(", ");
        Insert([64, 8, 1].map(|rows| {
            let values = vec![row.as_str(); rows].join(", ");
            (rows, format!("INSERT INTO {table} ({columns}) VALUES {values} {conflict}"))
        }))
    }

    /// The rows in slices, in their order, each with the statement that takes as many.
    pub(crate) fn of<'s, 'r, T>(&'s self, mut rows: &'r [T]) -> impl Iterator<Item = (&'s str, &'r [T])> {
        std::iter::from_fn(move || {
            let (size, statement) = self.0.iter().find(|(size, _)| *size <= rows.len())?;
            let (these, rest) = rows.split_at(*size);
            rows = rest;
            Some((statement.as_str(), these))
        })
    }
}

/// Every row that there is.
pub(crate) async fn all<'e, T: FromColumns>(
    from: impl Executor<'e, Database = Sqlite>,
    query: Statement<'_>,
) -> Result<Vec<T>, Fault> {
    query.fetch_all(from).await.map_err(fault)?.iter().map(|row| T::read(&Row(row))).collect()
}

/// The row, if there is one.
pub(crate) async fn one<'e, T: FromColumns>(
    from: impl Executor<'e, Database = Sqlite>,
    query: Statement<'_>,
) -> Result<Option<T>, Fault> {
    query.fetch_optional(from).await.map_err(fault)?.map(|row| T::read(&Row(&row))).transpose()
}

/// Whether there is a row.
pub(crate) async fn exists<'e>(
    from: impl Executor<'e, Database = Sqlite>,
    query: Statement<'_>,
) -> Result<bool, Fault> {
    Ok(query.fetch_optional(from).await.map_err(fault)?.is_some())
}

/// Changes rows; answers how many.
pub(crate) async fn change<'e>(
    at: impl Executor<'e, Database = Sqlite>,
    query: Statement<'_>,
) -> Result<u64, Fault> {
    Ok(query.execute(at).await.map_err(fault)?.rows_affected())
}
