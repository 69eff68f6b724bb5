//! Registries on one PostgreSQL that is killed.

use anyhow::Result;
use hufu_field::{Follow, Registry, Scene, Settings};
use hufu_fixtures::services::Postgres;

use super::{PAUSE, open, pause};

/// Two registries on one database, and an engine at each.
fn two_registries() -> Result<(Scene, Registry, Postgres)> {
    let postgres = Postgres::start()?;
    postgres.create_database("registry")?;
    let store = Some(postgres.url("registry"));
    let mut scene = open(&Settings { store, ..Settings::default() })?;
    let other = Registry::beside(&scene.deployment, "other", &scene.registry)?;
    scene.engine(&Follow::registry(&scene.registry))?;
    scene.engine(&Follow::registry(&other))?;
    scene.agrees()?;
    Ok((scene, other, postgres))
}

#[test]
fn r20_postgres_killed_and_restarted_under_load() -> Result<()> {
    let (mut scene, _other, mut postgres) = two_registries()?;
    for _ in 0..2 {
        scene.turns(5, PAUSE)?;
        postgres.kill()?;
        pause(0.5);
        postgres.restart()?;
        scene.turns(5, PAUSE)?;
    }
    scene.end()
}

#[test]
fn r20_two_registries_on_one_database_are_one() -> Result<()> {
    let (mut scene, mut other, _postgres) = two_registries()?;
    let apis = [scene.registry.api(&scene.deployment)?, other.api(&scene.deployment)?];
    for turn in 0..10 {
        scene.author.call(apis[turn % 2].clone());
        scene.turns(2, PAUSE / 2)?;
    }
    // One of them dies: the engine at the other sees every change, and its own comes back to it.
    scene.author.call(apis[0].clone());
    other.kill()?;
    scene.turns(5, PAUSE)?;
    other.restart(&scene.deployment)?;
    scene.end()
}
