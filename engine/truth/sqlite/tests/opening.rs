//! A file that is opened: by several at once, by a later program, by somebody else.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hufu_registry::store::{
    Chain as _, Checkpoints as _, Credentials as _, Devices as _, Holders as _, Issuers as _, ProposalFilter,
    Proposals as _, Rosters as _, Sites as _, Store as _, Tokens as _, Trail as _,
};
use hufu_registry::{
    Alarm, Brake, Fault, Issuer, ProposalId, ProposalState, SecondPhone, SetBack, TrailCheck,
};
use hufu_sqlite::SqliteStore;
use hufu_wire::chain::{ChainDigest, Change, Changes, Content, InputsDigest, Instruction, Record};
use hufu_wire::{
    DeviceId, HolderIndex, IssuerId, KeyId, Message as _, RuleId, Sequence, SiteId, UnixMillis, UnixSeconds,
};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr as _};
use tempfile::TempDir;
use tokio::task::JoinSet;

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("registry.sqlite");
    (folder, path)
}

async fn run(path: &Path, statement: &'static str) {
    let mut file = SqliteConnectOptions::new().filename(path).connect().await.expect("the file");
    sqlx::raw_sql(statement).execute(&mut file).await.expect("a statement");
}

/// Each has connections of its own, as a process has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registries_that_start_together_make_the_tables_once() {
    for _ in 0..8 {
        let (_folder, path) = folder();
        let mut starting = JoinSet::new();
        for _ in 0..6 {
            let path = path.clone();
            starting.spawn(async move { SqliteStore::open(&path).await });
        }
        for store in starting.join_all().await {
            let store = store.expect("a store");
            assert_eq!(store.ready().await, Ok(()));
            store.close().await;
        }
        let mode = std::fs::metadata(&path).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_file_of_a_later_program_is_left_alone() {
    let (_folder, path) = folder();
    SqliteStore::open(&path).await.expect("a store").close().await;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'later', true, x'00', 0)";
    run(&path, later).await;
    let refused = SqliteStore::open(&path).await.expect_err("of a later program");
    assert!(matches!(&refused, Fault::Damaged(what) if what.contains("9999")), "{refused}");
}

#[tokio::test]
async fn a_look_tells_what_migrations_are_due_and_runs_none() {
    let (_folder, path) = folder();
    assert_eq!(SqliteStore::migrations_due(&path).await, Ok(None));
    assert!(!path.exists());
    make_old(&path, &MIGRATIONS, "SELECT 1").await;
    let due = SqliteStore::migrations_due(&path).await.expect("a look").expect("tables");
    assert!(due > 0);
    assert_eq!(SqliteStore::migrations_due(&path).await, Ok(Some(due)), "none was run");
    SqliteStore::open(&path).await.expect("a store").close().await;
    assert_eq!(SqliteStore::migrations_due(&path).await, Ok(Some(0)));
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'later', true, x'00', 0)";
    run(&path, later).await;
    let refused = SqliteStore::migrations_due(&path).await.expect_err("of a later program");
    assert!(matches!(&refused, Fault::Damaged(what) if what.contains("9999")), "{refused}");
}

#[tokio::test]
async fn what_is_no_store_is_told() {
    let (folder, path) = folder();
    let text = "not a database, and long enough for SQLite to see that it is none".repeat(9);
    std::fs::write(&path, text).expect("a file");
    let refused = SqliteStore::open(&path).await.expect_err("no database");
    assert!(matches!(&refused, Fault::Damaged(what) if what.contains("registry.sqlite")), "{refused}");
    let nowhere = SqliteStore::open(&folder.path().join("no/such/folder")).await.expect_err("no folder");
    assert!(matches!(nowhere, Fault::Unavailable(_)), "{nowhere}");
}

const MIGRATIONS: [&str; 2] = [
    include_str!("../migrations/0001_registry.sql"),
    include_str!("../migrations/0002_trail_and_phones.sql"),
];

/// Makes a file as an older program left it, with `rows`.
async fn make_old(path: &Path, migrations: &[&'static str], rows: &'static str) {
    let file = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut file = file.connect().await.expect("a file");
    let migrations = migrations.iter().zip(1..).map(|(sql, version)| {
        Migration::new(version, "".into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let migrator = Migrator::with_migrations(migrations.collect());
    migrator.run_direct(None, &mut file, false).await.expect("tables");
    sqlx::raw_sql(rows).execute(&mut file).await.expect("rows");
    file.close().await.expect("closed");
}

/// Columns got other names, and what stands in them is what stood there.
#[tokio::test]
async fn rows_of_a_file_with_the_old_names_of_columns_are_read() {
    let (_folder, path) = folder();
    make_old(&path, &MIGRATIONS, include_str!("old_rows.sql")).await;
    let store = SqliteStore::open(&path).await.expect("a store");
    let id = IssuerId(310_000);
    let brake = Brake { share_permille: 11, window_s: 12, free: 13 };
    let issuer = Issuer {
        id,
        name: "Shanghai".into(),
        national: IssuerId(100_000),
        publisher: IssuerId(100_001),
        brake,
        second_phone: SecondPhone::Supersede,
    };
    assert_eq!(store.issuer(id).await, Ok(Some(issuer)));
    let holder = store.holder(id, HolderIndex(0)).await.expect("a look").expect("a holder");
    assert_eq!((holder.subject.0, holder.registered), ([2; 32], UnixMillis(21)));
    let listed = store.credentials(id, HolderIndex(0), 0, 9).await.expect("credentials");
    assert_eq!((listed.len(), listed[0].credential.expires), (1, UnixSeconds(32)));
    assert_eq!(store.sites().await.expect("sites")[0].id, SiteId(5));
    let device = store.device(DeviceId(1)).await.expect("a look").expect("a device");
    assert_eq!(
        (device.site, device.revoked, device.added),
        (SiteId(5), Some(UnixMillis(41)), UnixMillis(42))
    );
    let rosters = store.rosters(SiteId(5)).await.expect("rosters");
    assert_eq!((&*rosters[0].name, rosters[0].members), ("3b", 51));
    let proposal = store.proposal(id, ProposalId(1)).await.expect("a look").expect("a proposal");
    let alarm = Alarm {
        set_back: SetBack { reds: 61, ..SetBack::default() },
        recent: 62,
        holders: 63,
        share_permille: 64,
    };
    assert_eq!(proposal.state, ProposalState::Braked(alarm));
    assert_eq!((proposal.released, proposal.added), (Some(65), UnixMillis(68)));
    assert_eq!((proposal.facts.proposed.bits(), proposal.facts.expires), (66, UnixMillis(67)));
    let tip = store.tip(id).await.expect("the set is the chain's last").expect("a chain");
    assert_eq!(
        (tip.sequence, tip.digest, tip.confirmed),
        (Sequence(1), ChainDigest([7; 32]), UnixMillis(72))
    );
    assert_eq!(tip.proposed.bits(), 71);
    let checkpoint = store.checkpoint(id).await.expect("a look").expect("a checkpoint");
    assert_eq!((checkpoint.sequence, checkpoint.made), (Sequence(1), UnixMillis(81)));
    let token = store.tokens().await.expect("tokens").remove(0);
    assert_eq!(
        (token.made, token.expires, token.revoked),
        (UnixMillis(91), UnixMillis(92), Some(UnixMillis(93)))
    );
    assert_eq!(store.trail(0, 9).await.expect("a trail")[0].entry.at, UnixMillis(99));
    store.close().await;
    let mut file = SqliteConnectOptions::new().filename(&path).connect().await.expect("the file");
    // Who handed it in stood in the trail.
    let proposer = sqlx::query_scalar("SELECT proposer FROM proposals").fetch_one(&mut file).await;
    assert_eq!(proposer.ok(), Some("district".to_owned()));
    // Triggers and foreign keys follow the columns.
    for refused in [
        "UPDATE sets SET appended = 0",
        "UPDATE trail SET at = 0",
        "DELETE FROM sites",
        "DELETE FROM issuers",
    ] {
        assert!(sqlx::raw_sql(refused).execute(&mut file).await.is_err(), "{refused}");
    }
}

/// What an appellant was told stays as it is.
#[tokio::test]
async fn r29_steps_of_appeals_only_grow() {
    let (_folder, path) = folder();
    SqliteStore::open(&path).await.expect("a store").close().await;
    let file = SqliteConnectOptions::new().filename(&path).foreign_keys(false);
    let mut file = file.connect().await.expect("the file");
    let step = "INSERT INTO appeal_steps VALUES (310000, 1, 1, 9, 'board', 'rejected', 'no')";
    sqlx::raw_sql(step).execute(&mut file).await.expect("a step");
    for refused in ["UPDATE appeal_steps SET words = 'yes'", "DELETE FROM appeal_steps"] {
        let said = sqlx::raw_sql(refused).execute(&mut file).await.expect_err(refused).to_string();
        assert!(said.contains("only grow"), "{refused}: {said}");
    }
}

/// Proposals of an older program are found by the holders that they name.
#[tokio::test]
async fn r47_old_proposals_are_found_by_holder() {
    let (_folder, path) = folder();
    make_old(&path, &MIGRATIONS, include_str!("old_rows.sql")).await;
    let holders = [3_u32, 70_000];
    let records = holders.map(|holder| Record::new(HolderIndex(holder), Change::Generation(1)));
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
    let mut file = SqliteConnectOptions::new().filename(&path).connect().await.expect("the file");
    sqlx::query("UPDATE proposals SET instruction = ?").bind(bytes).execute(&mut file).await.expect("a row");
    file.close().await.expect("closed");
    let store = SqliteStore::open(&path).await.expect("a store");
    for (holder, found) in [(3, 1), (70_000, 1), (4, 0)] {
        let filter = ProposalFilter { holder: Some(HolderIndex(holder)), ..ProposalFilter::default() };
        let proposals = store.proposals(IssuerId(310_000), &filter, None, 9).await.expect("a page");
        assert_eq!(proposals.len(), found, "holder {holder}");
    }
}

/// A file of the version before gets the digests of its lines, and the next line follows them.
#[tokio::test]
async fn lines_from_before_there_were_digests_are_chained() {
    let (_folder, path) = folder();
    let lines = "INSERT INTO trail (number, at_ms, who, deed, issuer, what) VALUES \
                 (1, 7, 'clerk', 'issuer.put', 310000, 'x'), (5, 8, '', 'trail.read', NULL, '王')";
    make_old(&path, &MIGRATIONS[..1], lines).await;

    let store = SqliteStore::open(&path).await.expect("a store");
    let entry = store.trail(0, 1).await.expect("a trail").remove(0).entry;
    store.note(&entry).await.expect("one more");
    let mut check = TrailCheck::new(None);
    for line in store.trail(0, 9).await.expect("a trail") {
        assert_eq!(check.take(&line), Ok(()));
    }
    assert_eq!((check.lines(), check.end().number), (3, 6));
    assert_eq!(store.trail_end().await, Ok(check.end()));
    store.close().await;
    SqliteStore::open(&path).await.expect("the same again").close().await;
}
