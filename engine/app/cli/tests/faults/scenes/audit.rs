//! The auditor's run: what somebody with the database alters is found, and changes no verdict.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use hufu_codes::chain::{Tip, chain_digest, content_digest};
use hufu_field::{Follow, HOLDERS, ISSUER, NATIONAL, PUBLISHER, Registry, Scene, Settings, eventually};
use hufu_fixtures::services::Postgres;
use hufu_wire::chain::{ChangeSet, Parts};
use hufu_wire::{Colour, Sequence, StatusWord};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{AssertSqlSafe, raw_sql};
use tokio::runtime::Builder;

use super::carried::{at, comes_to, whole};
use super::{PAUSE, open, over_http, pause, told};

/// The registry's database, open to whoever has its files or its password.
enum Database {
    Sqlite(std::path::PathBuf),
    Postgres(String),
}

impl Database {
    /// The file of a scene that was opened with no other.
    fn file(scene: &Scene) -> Database {
        Database::Sqlite(scene.deployment.path("registry/registry.db"))
    }

    /// Lets a chain be altered as somebody does who may alter the tables, too.
    fn unlock(&self) -> Result<()> {
        self.run("DROP TRIGGER sets_stay")
    }

    /// Runs a statement past the registry.
    fn run(&self, sql: &str) -> Result<()> {
        match self {
            Database::Sqlite(file) => {
                let options = SqliteConnectOptions::new().filename(file);
                Builder::new_current_thread().enable_all().build()?.block_on(async {
                    let pool = SqlitePool::connect_with(options).await?;
                    let done = raw_sql(AssertSqlSafe(sql.to_owned())).execute(&pool).await?;
                    pool.close().await;
                    let rows = done.rows_affected();
                    ensure!(rows == 1 || sql.starts_with("DROP"), "{rows} rows by {sql}");
                    Ok(())
                })
            }
            Database::Postgres(url) => {
                let output = Command::new("psql").args([url, "-c", sql]).output().context("psql")?;
                let said = String::from_utf8_lossy(&output.stdout);
                ensure!(
                    said.trim() == "UPDATE 1",
                    "{sql}: {said}{}",
                    String::from_utf8_lossy(&output.stderr)
                );
                Ok(())
            }
        }
    }

    fn set_status(&self, holder: u32, colour: Colour) -> Result<()> {
        let word = StatusWord::new(colour, 0).to_bits().cast_signed();
        self.run(&format!("UPDATE statuses SET word = {word} WHERE issuer = {ISSUER} AND holder = {holder}"))
    }

    /// Another set in the place of one, and the digest that is written beside it.
    fn set_bytes(&self, sequence: Sequence, bytes: &[u8]) -> Result<()> {
        let parts = Parts::of(bytes)?;
        let digest = chain_digest(parts.position, &content_digest(parts.content));
        let blob = |bytes: &[u8]| match self {
            Database::Sqlite(_) => format!("X'{}'", hex::encode(bytes)),
            Database::Postgres(_) => format!("'\\x{}'", hex::encode(bytes)),
        };
        let (bytes, digest) = (blob(bytes), blob(&digest.0));
        self.run(&format!(
            "UPDATE sets SET bytes = {bytes}, digest = {digest} WHERE issuer = {ISSUER} AND sequence = {sequence}"
        ))
    }
}

/// What `hufu audit` found with every engine of a scene: whether all agree, and its report.
fn audit(scene: &Scene) -> Result<(bool, Value)> {
    let who = format!("--issuer {ISSUER} --national {NATIONAL} --publisher {PUBLISHER}");
    let mut line = format!("audit {who} --json {}", scene.registry.arguments());
    for engine in &scene.engines {
        line.push_str(" --engine ");
        line.push_str(&engine.metrics_url());
    }
    let output = scene.deployment.command(&line).output()?;
    let code = output.status.code();
    let said = || format!("{code:?}: {}", String::from_utf8_lossy(&output.stderr));
    ensure!(matches!(code, Some(0 | 1)), "{}", said());
    let report: Value = serde_json::from_slice(&output.stdout).with_context(said)?;
    ensure!(report["agrees"] == (code == Some(0)), "{report:#}");
    ensure!(report["issuer"] == ISSUER.0, "{report:#}");
    Ok((code == Some(0), report))
}

/// Who differs, and how.
fn differing(report: &Value) -> Vec<&Value> {
    report["compared"].as_array().into_iter().flatten().filter(|one| one["agrees"] == false).collect()
}

/// Somebody who is not green now.
fn refused_holder(scene: &Scene) -> Result<(u32, Colour)> {
    let coloured = |holder| Some((holder, scene.author.truth().colour(holder)?));
    let found = (0..HOLDERS).filter_map(coloured).find(|(_, colour)| *colour == Colour::Red);
    found.context("nobody is red")
}

/// Makes a red holder green where no engine looks: an audit says whom, and nothing else changes.
fn one_altered_status(scene: &mut Scene, database: &Database) -> Result<()> {
    scene.turns(6, PAUSE)?;
    scene.agrees()?;
    let tip = scene.author.tip().sequence;
    let (sound, report) = audit(scene)?;
    ensure!(sound && report["sequence"] == tip.0, "{report:#}");
    let (holder, _) = refused_holder(scene)?;
    database.set_status(holder, Colour::Green)?;
    let (sound, report) = audit(scene)?;
    let found = differing(&report);
    ensure!(!sound && found.len() == 1, "{report:#}");
    ensure!(found[0]["sequence"] == tip.0 && found[0]["difference"]["holder"] == holder, "{report:#}");
    let colours = [&found[0]["difference"]["held"]["colour"], &found[0]["difference"]["should"]["colour"]];
    ensure!(colours == ["green", "red"], "{report:#}");
    pause(1.2);
    scene.agrees().context("a verdict has changed")?;
    database.set_status(holder, Colour::Red)?;
    let (sound, report) = audit(scene)?;
    ensure!(sound, "{report:#}");
    scene.turns(2, PAUSE)
}

#[test]
fn r44_one_altered_status_in_sqlite_is_found_and_changes_no_verdict() -> Result<()> {
    let mut scene = over_http()?;
    let database = Database::file(&scene);
    one_altered_status(&mut scene, &database)?;
    scene.end()
}

#[test]
fn r44_one_altered_status_in_postgres_is_found_and_changes_no_verdict() -> Result<()> {
    let postgres = Postgres::start()?;
    postgres.create_database("registry")?;
    let url = postgres.url("registry");
    let mut scene = open(&Settings { store: Some(url.clone()), ..Settings::default() })?;
    let other = Registry::beside(&scene.deployment, "other", &scene.registry)?;
    scene.engine(&Follow::registry(&scene.registry))?;
    scene.engine(&Follow::registry(&other))?;
    scene.agrees()?;
    one_altered_status(&mut scene, &Database::Postgres(url))?;
    scene.end()
}

#[test]
fn r44_an_audit_of_a_sound_registry_says_that_all_agree() -> Result<()> {
    let mut scene = over_http()?;
    scene.turns(10, PAUSE)?;
    scene.agrees()?;
    let (sound, report) = audit(&scene)?;
    ensure!(sound && differing(&report).is_empty(), "{report:#}");
    ensure!(report["digest"] == scene.author.tip().digest.to_string(), "{report:#}");
    for engine in &scene.engines {
        let who = format!("engine {}", engine.metrics_url());
        let compared = report["compared"].as_array().context("nobody")?;
        ensure!(compared.iter().any(|one| one["who"] == who && one["agrees"] == true), "{who}: {report:#}");
    }
    scene.end()
}

/// What somebody makes of a set in the database.
type Alteration = (&'static str, fn(&mut [u8]));

const ALTERATIONS: [Alteration; 2] = [
    // Digests do not cover signatures: the registry cannot tell, and whoever verifies can.
    ("a signature", |set| set[set.len() - 20] ^= 1),
    // And with the digest made to fit it: the first holder becomes somebody else's colour.
    ("a word", |set| set[72 + 192 + 8] ^= 1),
];

#[test]
fn r21_a_set_altered_in_the_database_is_refused_by_who_comes_later_and_found() -> Result<()> {
    let mut scene = over_http()?;
    let database = Database::file(&scene);
    scene.turns(3, PAUSE)?;
    let altered = scene.author.tip().sequence;
    scene.turns(3, PAUSE)?;
    scene.agrees()?;
    let genuine = scene.author.fetch(altered)?;
    ensure!(database.set_bytes(altered, &genuine).is_err(), "a chain can be altered by mistake");
    database.unlock()?;
    let before = Sequence(altered.0 - 1);
    for (number, (what, alter)) in (2..).zip(ALTERATIONS) {
        let mut bytes = genuine.clone();
        alter(&mut bytes);
        ensure!(hufu_wire::read::<ChangeSet<'_>>(&bytes).is_ok(), "{what}: it can be read");
        // What the registry has in memory is still right.
        scene.registry.kill()?;
        database.set_bytes(altered, &bytes)?;
        scene.registry.restart(&scene.deployment)?;
        scene.engine(&Follow::registry(&scene.registry))?;
        comes_to(&scene, number, before).context(what)?;
        let late = &scene.engines[number];
        eventually("nothing is refused", || {
            ensure!(late.figure("sets", Some("refused"))? > 0.0, "{}", late.log(&scene.deployment));
            Ok(())
        })?;
        pause(2.0);
        ensure!(at(late)? == before, "{what}: an altered set was applied");
        let place = format!("issuer 310000 stays at {before}: issuer 310000, change set {altered}:");
        told::once(&late.log(&scene.deployment), &[&place])?;

        let (sound, report) = audit(&scene)?;
        let found = differing(&report);
        ensure!(!sound, "{what}: {report:#}");
        ensure!(
            found.iter().any(|one| one["who"] == "chain" && one["sequence"] == altered.0),
            "{what}: {report:#}"
        );
        // Put back from a backup.
        scene.registry.kill()?;
        database.set_bytes(altered, &genuine)?;
        scene.registry.restart(&scene.deployment)?;
        scene.agrees().context(what)?;
    }
    let (sound, report) = audit(&scene)?;
    ensure!(sound, "{report:#}");
    scene.turns(2, PAUSE)?;
    scene.end()
}

#[test]
fn r21_a_set_that_no_longer_fits_its_digest_is_handed_to_nobody_and_found() -> Result<()> {
    let mut scene = over_http()?;
    let database = Database::file(&scene);
    scene.turns(3, PAUSE)?;
    let tip: Tip = *scene.author.tip();
    scene.turns(2, PAUSE)?;
    scene.agrees()?;
    let genuine = scene.author.fetch(tip.sequence)?;
    let mut bytes = genuine.clone();
    bytes[72 + 192 + 8] ^= 1;
    scene.registry.kill()?;
    let blob = |bytes: &[u8]| format!("X'{}'", hex::encode(bytes));
    database.unlock()?;
    let place = format!("WHERE issuer = {ISSUER} AND sequence = {}", tip.sequence);
    database.run(&format!("UPDATE sets SET bytes = {} {place}", blob(&bytes)))?;
    scene.registry.restart(&scene.deployment)?;
    scene.engine(&Follow::registry(&scene.registry))?;
    let late = &scene.engines[2];
    eventually("the feed says nothing", || {
        ensure!(late.figure("feed_faults", None)? > 0.0, "{}", late.log(&scene.deployment));
        Ok(())
    })?;
    ensure!(at(late)?.0 < tip.sequence.0 && whole(late, "sets", Some("refused"))? == 0);
    let (sound, report) = audit(&scene)?;
    ensure!(!sound && !differing(&report).is_empty(), "{report:#}");
    let log = scene.registry.log(&scene.deployment);
    let told = format!("set {} of issuer 310000 was altered", tip.sequence);
    ensure!(!told::lines(&log, &[&told]).is_empty(), "{log}");
    scene.registry.kill()?;
    database.run(&format!("UPDATE sets SET bytes = {} {place}", blob(&genuine)))?;
    scene.registry.restart(&scene.deployment)?;
    scene.turns(2, PAUSE)?;
    scene.end()
}
