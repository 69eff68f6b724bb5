//! Opening the store: TLS, wrong passwords, databases that are not for this program.

mod common;

use hufu_fixtures::services::Postgres;
use hufu_postgres::PostgresStore;
use hufu_registry::Fault;
use hufu_registry::store::Store as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sqlx::{Connection as _, PgConnection};

async fn open(url: &str) -> Result<PostgresStore, Fault> {
    PostgresStore::open(url, 2).await
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

/// R45: on the line, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_verified_when_the_url_says_so() {
    let [ours, strange] = [authority(), authority()];
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["127.0.0.1".into()]).unwrap().signed_by(&key, &ours).unwrap();
    let settings = ["ssl=on", "ssl_cert_file=../server.pem", "ssl_key_file=../server.key"];
    let files = [
        ("server.pem", certificate.pem()),
        ("server.key", key.serialize_pem()),
        ("ours.pem", ours.pem()),
        ("strange.pem", strange.pem()),
    ];
    let postgres =
        Postgres::start_with(&settings, &files.each_ref().map(|(name, text)| (*name, text.as_str())));
    let postgres = postgres.unwrap();
    let url = common::database(&postgres);
    let verified = |ca: &str, host: &str| {
        let ca = postgres.folder().join(ca);
        format!("{}?sslmode=verify-full&sslrootcert={}", url.replace("127.0.0.1", host), ca.display())
    };

    let store = open(&verified("ours.pem", "127.0.0.1")).await.unwrap();
    assert_eq!(store.ready().await, Ok(()));
    assert!(!store.name().contains("password"), "{}", store.name());
    for (case, url) in [
        ("another CA", verified("strange.pem", "127.0.0.1")),
        ("another name", verified("ours.pem", "localhost")),
    ] {
        let fault = open(&url).await.unwrap_err();
        assert!(matches!(fault, Fault::Misconfigured(_)), "{case}: {fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_operator_has_to_mend_is_said() {
    let postgres = Postgres::shared().unwrap();
    let url = common::database(&postgres);
    let check = async |case: &str, url: &str, expected: &str| {
        let fault = open(url).await.unwrap_err();
        assert!(matches!(fault, Fault::Misconfigured(_)), "{case}: {fault:?}");
        assert!(fault.to_string().contains(expected), "{case}: {fault}");
    };
    check("no TLS here", &format!("{url}?sslmode=require"), "TLS").await;
    check("password", &url.replace("a%20password", "another"), "password authentication failed").await;
    check("database", &postgres.url("elsewhere"), "\"elsewhere\" does not exist").await;
    check("durability", &format!("{url}?options=-c%20synchronous_commit%3Doff"), "synchronous_commit = on")
        .await;

    open(&url).await.unwrap().close().await;
    let mut later = PgConnection::connect(&url).await.unwrap();
    let migrated = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'later', true, '', 0)";
    sqlx::raw_sql(migrated).execute(&mut later).await.unwrap();
    check("a later program's", &url, "migration 9999").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_unavailable() {
    let mut postgres = Postgres::start().unwrap();
    let url = common::database(&postgres);
    let store = open(&url).await.unwrap();
    postgres.kill().unwrap();
    for fault in [open(&url).await.unwrap_err(), store.ready().await.unwrap_err()] {
        assert!(matches!(fault, Fault::Unavailable(_)), "{fault:?}");
    }
}
