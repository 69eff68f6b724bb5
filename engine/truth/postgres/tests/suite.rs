//! What every store must show, on a real PostgreSQL.

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use hufu_fixtures::services::Postgres;
use hufu_registry::TrailDigest;
use hufu_registry::store::Store;
use hufu_storetest::{Database, Tampering};
use sqlx::{Connection as _, PgConnection};

/// A database of its own on the server of this process.
struct OnServer {
    postgres: Arc<Postgres>,
    url: String,
}

impl OnServer {
    #[expect(clippy::unused_async, reason = "the suite awaits it on every database")]
    async fn fresh() -> OnServer {
        let postgres = Postgres::shared().expect("PostgreSQL starts");
        let url = common::database(&postgres);
        OnServer { postgres, url }
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("a connection")
    }

    /// An administrator's connection, which need not heed triggers.
    async fn administrator(&self) -> PgConnection {
        let mut administrator = self.connect().await;
        let free = sqlx::raw_sql("SET session_replication_role = replica");
        free.execute(&mut administrator).await.expect("an administrator may do it");
        administrator
    }
}

#[async_trait]
impl Database for OnServer {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(common::open(&self.url).await)
    }

    async fn tamper(&self, tampering: Tampering) {
        let statement = match tampering {
            Tampering::SwapSealed => {
                "UPDATE holders SET sealed = other.sealed FROM holders AS other
                 WHERE holders.issuer = 110000 AND holders.holder IN (0, 1)
                     AND other.issuer = 110000 AND other.holder = 1 - holders.holder"
            }
            Tampering::SwapSubjects => {
                "CREATE TEMP TABLE was AS
                     SELECT holder, subject FROM holders WHERE issuer = 110000 AND holder IN (0, 1);
                 UPDATE holders SET subject = '\\x00' || subject WHERE issuer = 110000 AND holder IN (0, 1);
                 UPDATE holders SET subject = was.subject FROM was
                     WHERE issuer = 110000 AND holders.holder IN (0, 1) AND was.holder = 1 - holders.holder"
            }
            Tampering::AlterSet => {
                "UPDATE sets SET bytes = set_bit(bytes, 8 * (octet_length(bytes) - 129),
                     1 - get_bit(bytes, 8 * (octet_length(bytes) - 129)))
                 WHERE issuer = 110000 AND sequence = 1"
            }
            Tampering::DropSet => "DELETE FROM sets WHERE issuer = 110000 AND sequence = 1",
            Tampering::AlterTip => {
                "UPDATE issuers SET tip_digest = decode(repeat('77', 32), 'hex') WHERE id = 110000"
            }
            Tampering::AlterInstruction => {
                "UPDATE proposals SET instruction = set_bit(instruction, 8 * (octet_length(instruction) - 65),
                     1 - get_bit(instruction, 8 * (octet_length(instruction) - 65)))
                 WHERE issuer = 110000 AND id = 1"
            }
            Tampering::CutRosters => {
                "UPDATE rosters SET members = substring(members FROM 1 FOR octet_length(members) - 1)"
            }
            Tampering::OddPhase => "UPDATE proposals SET phase = 'certain' WHERE issuer = 110000 AND id = 1",
            Tampering::AlterTrail => "UPDATE trail SET who = 'somebody else' WHERE number = 2",
            Tampering::DropTrail => "DELETE FROM trail WHERE number = 2",
            Tampering::SwapTrail => {
                "UPDATE trail SET number = 1000 WHERE number = 2;
                 UPDATE trail SET number = 2 WHERE number = 3;
                 UPDATE trail SET number = 3 WHERE number = 1000"
            }
            Tampering::RepeatTrail => {
                "INSERT INTO trail (number, at, who, deed, issuer, what, digest, seal)
                 SELECT number + 1, at, who, deed, issuer, what, digest, seal FROM trail
                 ORDER BY number DESC LIMIT 1"
            }
            Tampering::CutTrail => "DELETE FROM trail WHERE number = (SELECT max(number) FROM trail)",
            Tampering::StretchBindings => "UPDATE bindings SET until_ms = until_ms + 31536000000",
            Tampering::UnsealTrail => {
                "UPDATE trail SET seal = NULL WHERE number < (SELECT max(number) FROM trail)"
            }
            Tampering::UnsealLine => "UPDATE trail SET seal = NULL WHERE number = 3",
        };
        let mut administrator = self.administrator().await;
        sqlx::raw_sql(statement).execute(&mut administrator).await.expect("an administrator may do it");
    }

    async fn put_digest(&self, number: u64, digest: TrailDigest) {
        let mut administrator = self.administrator().await;
        let put = sqlx::query("UPDATE trail SET digest = $1 WHERE number = $2");
        let put = put.bind(digest.0.to_vec()).bind(number.cast_signed());
        put.execute(&mut administrator).await.expect("an administrator may do it");
    }

    async fn stored(&self) -> Vec<u8> {
        let mut administrator = self.connect().await;
        sqlx::raw_sql("CHECKPOINT").execute(&mut administrator).await.expect("a checkpoint");
        let mut stored = Vec::new();
        read_all(&self.postgres.folder().join("data"), &mut stored);
        stored
    }
}

/// The files of PostgreSQL: tables, indexes and the log of changes.
fn read_all(folder: &Path, into: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).expect("a folder of PostgreSQL").flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_all(&path, into);
        } else {
            // Files come and go while the server runs.
            into.extend(fs::read(&path).unwrap_or_default());
        }
    }
}

hufu_storetest::store_suite!(OnServer);

/// Nobody who only may what the registry may, and no mistake of its own, changes a set or a line of the trail.
#[tokio::test]
async fn sets_and_the_trail_only_grow() {
    let database = OnServer::fresh().await;
    let _store = database.open().await;
    let mut registry = database.connect().await;
    for statement in [
        "DELETE FROM sets",
        "UPDATE sets SET set_back = 0",
        "TRUNCATE trail",
        "DELETE FROM trail",
        "UPDATE trail SET who = ''",
        "DELETE FROM appeal_steps",
        "UPDATE appeal_steps SET words = ''",
    ] {
        let error = sqlx::raw_sql(statement).execute(&mut registry).await.unwrap_err().to_string();
        assert!(error.contains("only grows"), "{statement}: {error}");
    }
}
