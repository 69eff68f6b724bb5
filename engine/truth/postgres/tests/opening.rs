//! Opening the store: TLS, wrong passwords, databases that are not for this program.

mod common;

use hufu_fixtures::services::Postgres;
use hufu_postgres::PostgresStore;
use hufu_registry::Fault;
use hufu_registry::store::Store as _;
use hufu_wire::chain::{Change, Changes, Content, InputsDigest, Instruction, Record};
use hufu_wire::{HolderIndex, IssuerId, KeyId, Message as _, RuleId, UnixMillis};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection as _, PgConnection, SqlSafeStr as _};

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
    let due = async || PostgresStore::migrations_due(&url).await.map(|(_, due)| due);
    assert_eq!(due().await, Ok(None));
    check("durability", &format!("{url}?options=-c%20synchronous_commit%3Doff"), "synchronous_commit = on")
        .await;

    open(&url).await.unwrap().close().await;
    assert_eq!(due().await, Ok(Some(0)));
    let mut later = PgConnection::connect(&url).await.unwrap();
    let migrated = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'later', true, '', 0)";
    sqlx::raw_sql(migrated).execute(&mut later).await.unwrap();
    check("a later program's", &url, "migration 9999").await;
    let looked = due().await.unwrap_err();
    assert!(looked.to_string().contains("migration 9999"), "{looked}");
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

/// The migrations before the one that made proposals be found by holder.
const BEFORE: [&str; 3] = [
    include_str!("../migrations/0001_registry.sql"),
    include_str!("../migrations/0002_trail_and_phones.sql"),
    include_str!("../migrations/0003_records_of_people.sql"),
];

/// An instruction of issuer 310000 that names these holders.
fn instruction(holders: &[u32]) -> Vec<u8> {
    let records: Vec<_> =
        holders.iter().map(|holder| Record::new(HolderIndex(*holder), Change::Generation(1))).collect();
    let content = Content {
        proposed: UnixMillis(1_790_000_000_000).into(),
        valid_s: 60,
        rule: RuleId(7),
        inputs: InputsDigest([0x55; 32]),
        local_key: KeyId([1; 8]),
        reason: "contact of a case",
        changes: Changes::new(&records).expect("good records"),
    };
    let instruction = Instruction { issuer: IssuerId(310_000), content, signature: [0; 64] };
    let mut bytes = vec![0; instruction.size()];
    instruction.write_to(&mut bytes);
    bytes
}

/// Proposals of an older program are found by the holders that they name; one that was altered is found by none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r47_old_proposals_are_found_by_holder() {
    let postgres = Postgres::shared().unwrap();
    let url = common::database(&postgres);
    let mut old = PgConnection::connect(&url).await.unwrap();
    let migrations = BEFORE.into_iter().zip(1..).map(|(sql, version)| {
        Migration::new(version, "".into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect()).run_direct(None, &mut old, false).await.unwrap();
    let issuer = "INSERT INTO issuers (id, name, national, publisher, share_permille, window_s, free)
        VALUES (310000, 'Shanghai', 100000, 100001, 11, 12, 13)";
    sqlx::raw_sql(issuer).execute(&mut old).await.unwrap();
    let altered = [instruction(&[5]), vec![0]].concat();
    for (id, changes, bytes) in [(1_i64, 2_i64, instruction(&[3, 70_000])), (2, 1, altered)] {
        let row = "INSERT INTO proposals (issuer, id, phase, content, proposed, expires, rule, inputs, local_key, reason,
            changes, reds, added, instruction)
            VALUES (310000, $1, 'pending', $3, 66, 67, 7, $3, $3, 'contact of a case', $2, 0, 68, $4)";
        let content = vec![u8::try_from(id).unwrap(); 32];
        let row = sqlx::query(row).bind(id).bind(changes).bind(content).bind(bytes);
        row.execute(&mut old).await.unwrap();
    }
    let line = "INSERT INTO trail (number, at, who, deed, issuer, what, digest)
        VALUES (1, 99, 'district', 'proposal.added', 310000, 'content ' || repeat('01', 32), decode(repeat('0a', 32), 'hex'))";
    sqlx::raw_sql(line).execute(&mut old).await.unwrap();
    old.close().await.unwrap();

    let store = open(&url).await.unwrap();
    let mut new = PgConnection::connect(&url).await.unwrap();
    let named = "SELECT holder, proposal FROM proposal_holders ORDER BY holder";
    let named: Vec<(i64, i64)> = sqlx::query_as(named).fetch_all(&mut new).await.unwrap();
    assert_eq!(named, [(3, 1), (70_000, 1)]);
    let proposers = "SELECT proposer FROM proposals ORDER BY id";
    let proposers: Vec<String> = sqlx::query_scalar(proposers).fetch_all(&mut new).await.unwrap();
    assert_eq!(proposers, ["district", ""], "the trail says who handed it in");
    store.close().await;
}
