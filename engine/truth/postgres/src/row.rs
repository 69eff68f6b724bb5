//! Rows as the registry reads them, and the ways to ask for them.

use hufu_registry::Fault;
use hufu_registry::store::{Columns, FromColumns, damaged};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Executor, Postgres, Row as _};

use crate::fault::TxFault;

/// A row of PostgreSQL.
pub(crate) struct Row<'r>(pub(crate) &'r PgRow);

/// A statement with what was bound to it.
pub(crate) type Statement<'q> = Query<'q, Postgres, PgArguments>;

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

impl Row<'_> {
    /// An array of numbers; nothing is an empty one.
    pub(crate) fn numbers(&self, column: &'static str) -> Result<Vec<i64>, Fault> {
        let numbers: Option<Vec<i64>> = self.0.try_get(column).map_err(|error| damaged(column, error))?;
        Ok(numbers.unwrap_or_default())
    }
}

/// Every row that there is.
pub(crate) async fn all<'e, T: FromColumns>(
    from: impl Executor<'e, Database = Postgres>,
    query: Statement<'_>,
) -> Result<Vec<T>, TxFault> {
    let rows = query.fetch_all(from).await?;
    Ok(rows.iter().map(|row| T::read(&Row(row))).collect::<Result<_, _>>()?)
}

/// The row, if there is one.
pub(crate) async fn one<'e, T: FromColumns>(
    from: impl Executor<'e, Database = Postgres>,
    query: Statement<'_>,
) -> Result<Option<T>, TxFault> {
    Ok(query.fetch_optional(from).await?.map(|row| T::read(&Row(&row))).transpose()?)
}
