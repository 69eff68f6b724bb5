//! How the store talks to PostgreSQL: what the URL says, and what it may not leave open.

use std::str::FromStr as _;
use std::time::Duration;

use hufu_registry::Fault;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};

/// How long a request waits for a connection, so that a restart of the server is a pause and not a fault. While it
/// waits it tries again after a fifth of this at the latest.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(5);
/// Connections are made again after this, so that a changed password or address is noticed.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// What every session sets for itself, whatever the server's configuration is.
const SESSION: [(&str, &str); 8] = [
    // A full change set takes under a second; what takes this long never ends.
    ("statement_timeout", "30s"),
    // Less than the above: waiting for a lock is told apart from a slow statement.
    ("lock_timeout", "20s"),
    // A registry that hangs or vanishes within a transaction gives its issuer's row back.
    ("idle_in_transaction_session_timeout", "30s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    // Every query here finds its rows by a key. A plan made for the values of the moment, on a table that was
    // never analysed, reads the whole table for a full change set.
    ("plan_cache_mode", "force_generic_plan"),
    ("timezone", "UTC"),
];

/// Reads a URL such as `postgres://hufu@db.example/registry?sslrootcert=ca.pem`.
pub(crate) fn connect_options(url: &str) -> Result<PgConnectOptions, Fault> {
    // What cannot be read may hold a password, so it is not repeated.
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| Fault::Misconfigured(format!("the URL of PostgreSQL cannot be read: {error}")))?;
    let strippable = matches!(options.get_ssl_mode(), PgSslMode::Prefer | PgSslMode::Allow);
    // An attacker who can cut a line can strip TLS that is only preferred.
    let options =
        if strippable && !is_here(&options) { options.ssl_mode(PgSslMode::VerifyFull) } else { options };
    Ok(options.application_name("hufu-registry").options(SESSION))
}

/// Connections for requests, made when they are needed.
pub(crate) fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_WITHIN)
        .max_lifetime(LIFETIME)
        // A connection that died with the server is noticed before a request is sent through it.
        .test_before_acquire(true)
        .connect_lazy_with(options)
}

/// Whether nothing leaves this machine.
fn is_here(options: &PgConnectOptions) -> bool {
    options.get_socket().is_some()
        || options.get_host().starts_with('/')
        || options.get_host() == "localhost"
        || options.get_host().parse().is_ok_and(|host: std::net::IpAddr| host.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_that_is_only_preferred_is_for_this_machine_alone() {
        let check = |url: &str, expected: &str| {
            let options = connect_options(url).unwrap();
            assert_eq!(format!("{:?}", options.get_ssl_mode()), expected, "{url}");
        };
        check("postgres://hufu@127.0.0.1/registry", "Prefer");
        check("postgres://hufu@localhost/registry", "Prefer");
        check("postgres://hufu@%2Frun%2Fpostgresql/registry", "Prefer");
        check("postgres://hufu@db.example/registry", "VerifyFull");
        check("postgres://hufu@10.0.0.7/registry?sslmode=prefer", "VerifyFull");
        check("postgres://hufu@db.example/registry?sslmode=verify-ca&sslrootcert=ca.pem", "VerifyCa");
        check("postgres://hufu@db.example/registry?sslmode=disable", "Disable");
    }

    #[test]
    fn a_url_that_cannot_be_read_keeps_its_password() {
        let fault =
            connect_options("postgres://hufu:secret@db.example:port/registry").unwrap_err().to_string();
        assert!(!fault.contains("secret"), "{fault}");
    }
}
