//! What every store must show, on SQLite files.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use hufu_registry::TrailDigest;
use hufu_registry::store::Store;
use hufu_sqlite::SqliteStore;
use hufu_storetest::{Database, Tampering};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tempfile::TempDir;

/// One file in a folder of its own.
struct File {
    folder: TempDir,
}

impl File {
    #[expect(clippy::unused_async, reason = "servers take their time")]
    async fn fresh() -> File {
        File { folder: TempDir::new().expect("a folder") }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("registry.sqlite")
    }

    /// The file, without the store.
    async fn connect(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.path()).connect().await.expect("the file")
    }
}

#[async_trait]
impl Database for File {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.path()).await.expect("a store"))
    }

    async fn tamper(&self, tampering: Tampering) {
        // Whoever has the file has its triggers.
        let statement = match tampering {
            Tampering::SwapSealed => {
                "CREATE TEMP TABLE was AS SELECT holder, sealed FROM holders WHERE issuer = 110000; \
                 UPDATE holders SET sealed = (SELECT sealed FROM was WHERE was.holder = 1 - holders.holder) \
                     WHERE issuer = 110000 AND holder IN (0, 1)"
            }
            Tampering::SwapSubjects => {
                "CREATE TEMP TABLE was AS SELECT holder, subject FROM holders WHERE issuer = 110000; \
                 UPDATE holders SET subject = zeroblob(1 + holder) WHERE issuer = 110000 AND holder IN (0, 1); \
                 UPDATE holders SET subject = (SELECT subject FROM was WHERE was.holder = 1 - holders.holder) \
                     WHERE issuer = 110000 AND holder IN (0, 1)"
            }
            Tampering::AlterSet => {
                "DROP TRIGGER sets_stay; UPDATE sets SET bytes = CAST(substr(bytes, 1, length(bytes) - 129) || x'80' \
                 || substr(bytes, length(bytes) - 127) AS BLOB) WHERE issuer = 110000 AND sequence = 1"
            }
            Tampering::DropSet => {
                "DROP TRIGGER sets_are_kept; DELETE FROM sets WHERE issuer = 110000 AND sequence = 1"
            }
            Tampering::AlterTip => {
                "UPDATE issuers SET tip_digest = unhex(replace(hex(zeroblob(32)), '00', '77')) WHERE id = 110000"
            }
            Tampering::AlterInstruction => {
                "UPDATE proposals SET instruction = CAST(substr(instruction, 1, length(instruction) - 65) || x'80' \
                 || substr(instruction, length(instruction) - 63) AS BLOB) WHERE issuer = 110000 AND id = 1"
            }
            Tampering::CutRosters => "UPDATE rosters SET members = substr(members, 1, length(members) - 1)",
            Tampering::OddPhase => "UPDATE proposals SET phase = 'certain' WHERE issuer = 110000 AND id = 1",
            Tampering::AlterTrail => {
                "DROP TRIGGER trail_stays; UPDATE trail SET who = 'somebody else' WHERE number = 2"
            }
            Tampering::DropTrail => "DROP TRIGGER trail_is_kept; DELETE FROM trail WHERE number = 2",
            Tampering::SwapTrail => {
                "DROP TRIGGER trail_stays; UPDATE trail SET number = 1000 WHERE number = 2; \
                 UPDATE trail SET number = 2 WHERE number = 3; UPDATE trail SET number = 3 WHERE number = 1000"
            }
            Tampering::RepeatTrail => {
                "INSERT INTO trail SELECT number + 1, at, who, deed, issuer, what, digest, seal FROM trail \
                 ORDER BY number DESC LIMIT 1"
            }
            Tampering::CutTrail => {
                "DROP TRIGGER trail_is_kept; DELETE FROM trail WHERE number = (SELECT MAX(number) FROM trail)"
            }
            Tampering::StretchBindings => "UPDATE bindings SET until_ms = until_ms + 31536000000",
            Tampering::UnsealTrail => {
                "DROP TRIGGER trail_stays; UPDATE trail SET seal = NULL \
                 WHERE number < (SELECT MAX(number) FROM trail)"
            }
            Tampering::UnsealLine => {
                "DROP TRIGGER trail_stays; UPDATE trail SET seal = NULL WHERE number = 3"
            }
        };
        let mut file = self.connect().await;
        sqlx::raw_sql(statement).execute(&mut file).await.expect("an administrator may do it");
    }

    async fn put_digest(&self, number: u64, digest: TrailDigest) {
        let mut file = self.connect().await;
        let free = sqlx::raw_sql("DROP TRIGGER IF EXISTS trail_stays");
        free.execute(&mut file).await.expect("an administrator may do it");
        let put = sqlx::query("UPDATE trail SET digest = ? WHERE number = ?");
        let put = put.bind(digest.0.to_vec()).bind(number.cast_signed());
        put.execute(&mut file).await.expect("an administrator may do it");
    }

    async fn stored(&self) -> Vec<u8> {
        let mut stored = Vec::new();
        for entry in std::fs::read_dir(self.folder.path()).expect("the folder") {
            stored.extend(std::fs::read(entry.expect("an entry").path()).expect("a file"));
        }
        stored
    }
}

hufu_storetest::store_suite!(File);
