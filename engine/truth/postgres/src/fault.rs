//! PostgreSQL's errors as faults of the registry, and which of them are retried.

use std::time::Duration;

use hufu_registry::Fault;

/// Transactions that PostgreSQL aborted in favour of others are run this often.
const TRIES_MAX: u32 = 8;
const PAUSE: Duration = Duration::from_millis(3);

/// How a transaction of this store ends early.
pub(crate) enum TxFault {
    /// PostgreSQL, or the way to it.
    Sql(sqlx::Error),
    /// The rules of the registry.
    Fault(Fault),
}

impl From<sqlx::Error> for TxFault {
    fn from(error: sqlx::Error) -> TxFault {
        TxFault::Sql(error)
    }
}

impl From<Fault> for TxFault {
    fn from(fault: Fault) -> TxFault {
        TxFault::Fault(fault)
    }
}

impl From<TxFault> for Fault {
    fn from(stop: TxFault) -> Fault {
        match stop {
            TxFault::Sql(error) => fault(error),
            TxFault::Fault(fault) => fault,
        }
    }
}

/// Runs a transaction, and again when PostgreSQL chose it to give way. A connection that breaks is not a reason
/// to run it again: whether it was committed is unknown then, and only the caller knows what that means.
pub(crate) async fn retried<T, F: Future<Output = Result<T, TxFault>>>(
    mut transaction: impl FnMut() -> F,
) -> Result<T, Fault> {
    let mut tries = 1;
    loop {
        match transaction().await {
            Err(TxFault::Sql(error)) if gave_way(&error) && tries < TRIES_MAX => {
                tokio::time::sleep(PAUSE * tries).await;
                tries += 1;
            }
            outcome => return Ok(outcome?),
        }
    }
}

/// Whether the same transaction may succeed when it is run again: serialization failure, deadlock.
fn gave_way(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| ["40001", "40P01"].contains(&&*code))
}

fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// The name of the constraint that was broken.
pub(crate) fn broken(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.constraint()
}

/// Says who can fix `error`. PostgreSQL's codes are in its manual, appendix A.
#[expect(clippy::needless_pass_by_value, reason = "it is the last that is seen of it, in many a map_err")]
pub(crate) fn fault(error: sqlx::Error) -> Fault {
    use sqlx::Error as E;
    let said = error.to_string();
    match &error {
        E::Configuration(_) | E::Tls(_) | E::InvalidArgument(_) => Fault::Misconfigured(said),
        // How TLS says that the server is not who it should be.
        E::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => Fault::Misconfigured(said),
        E::ColumnDecode { .. } | E::Decode(_) | E::ColumnNotFound(_) | E::RowNotFound => Fault::Damaged(said),
        E::Database(_) => of_database(&code(&error).unwrap_or_default(), &said),
        _ => Fault::Unavailable(said),
    }
}

fn of_database(code: &str, said: &str) -> Fault {
    let said = format!("{said} (PostgreSQL {code})");
    match code {
        // A standby, or a primary that was demoted: another server has taken over.
        "25006" => Fault::Unavailable(said),
        // PostgreSQL's text cannot hold a NUL, the only character it cannot.
        "22021" => Fault::invalid("text", "it has a NUL character: leave it out"),
        // Right, database, schema or password.
        "42501" | "3D000" | "3F000" => Fault::Misconfigured(said),
        _ => match code.get(..2) {
            Some("28" | "0A") => Fault::Misconfigured(said),
            // Connection, rollback for others, disk or memory full, lock not had, operator, system error.
            Some("08" | "40" | "53" | "55" | "57" | "58") => Fault::Unavailable(said),
            // Constraints, types and tables that are not what this program made.
            _ => Fault::Damaged(said),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_goes_to_who_can_fix_it() {
        let check = |code: &str, expected: fn(String) -> Fault| {
            assert_eq!(of_database(code, "said"), expected(format!("said (PostgreSQL {code})")));
        };
        check("22021", |_| Fault::invalid("text", "it has a NUL character: leave it out"));
        check("25006", Fault::Unavailable);
        check("40P01", Fault::Unavailable);
        check("53100", Fault::Unavailable);
        check("57014", Fault::Unavailable);
        check("57P03", Fault::Unavailable);
        check("28P01", Fault::Misconfigured);
        check("3D000", Fault::Misconfigured);
        check("42501", Fault::Misconfigured);
        check("23505", Fault::Damaged);
        check("42P01", Fault::Damaged);
        check("XX001", Fault::Damaged);
        check("", Fault::Damaged);
    }

    #[tokio::test]
    async fn a_rule_of_the_registry_is_not_tried_again() {
        let mut tries = 0;
        let outcome: Result<(), Fault> = retried(|| {
            tries += 1;
            async { Err(TxFault::Fault(Fault::Conflict("as it should".into()))) }
        })
        .await;
        assert_eq!((outcome, tries), (Err(Fault::Conflict("as it should".into())), 1));
    }
}
