//! Engines that follow a registry over HTTP.

use std::time::Instant;

use anyhow::{Result, ensure};
use hufu_field::{Follow, eventually};
use rustix::process::{Pid, Signal, kill_process};

use super::{PAUSE, over_http, pause};

#[test]
fn r22_a_registry_killed_between_append_and_publish_loses_nothing() -> Result<()> {
    let mut scene = over_http()?;
    for _ in 0..4 {
        scene.turns(5, PAUSE)?;
        // The answer has come, the engines may not have been told yet.
        scene.turn()?;
        scene.registry.kill()?;
        pause(0.3);
        scene.registry.restart(&scene.deployment)?;
    }
    scene.turns(5, PAUSE)?;
    scene.end()
}

#[test]
fn r22_an_engine_killed_under_load_forgets_no_red() -> Result<()> {
    let mut scene = over_http()?;
    for round in 0..5 {
        scene.turns(6, PAUSE)?;
        let killed = round % scene.engines.len();
        scene.engines[killed].kill()?;
        scene.turns(3, PAUSE)?;
        scene.engines[killed].restart(&scene.deployment)?;
    }
    scene.end()
}

#[test]
fn r24_an_engine_restarted_without_its_registry_serves_at_once_and_says_how_old_it_is() -> Result<()> {
    let mut scene = over_http()?;
    scene.turns(6, PAUSE)?;
    scene.agrees()?;
    scene.registry.kill()?;
    let killed = Instant::now();
    scene.engines[0].kill()?;
    pause(1.5);
    scene.engines[0].restart(&scene.deployment)?;
    let answered = scene.watches[0].answered();
    eventually("no verdict from the restarted engine", || {
        ensure!(scene.watches[0].answered() > answered + 20, "{}", scene.engines[0].log(&scene.deployment));
        Ok(())
    })?;
    scene.agrees()?;
    let away = killed.elapsed().as_secs_f64();
    let heard = scene.engines[0].figure("heard_seconds", None)?;
    // The age is told in milliseconds.
    ensure!(heard > away - 0.1, "heard {heard} s ago, and the registry has been away for {away} s");
    scene.registry.restart(&scene.deployment)?;
    scene.turns(3, PAUSE)?;
    scene.end()
}

#[test]
fn r22_an_engine_that_comes_late_has_the_same_history() -> Result<()> {
    let mut scene = over_http()?;
    scene.turns(30, PAUSE / 4)?;
    let follow = Follow::registry(&scene.registry);
    scene.engine(&follow)?;
    scene.turns(5, PAUSE)?;
    scene.end()
}

#[test]
fn r24_a_hung_registry_is_told_from_a_quiet_one() -> Result<()> {
    let mut scene = over_http()?;
    // Quiet: no change for a while, and nobody complains.
    pause(2.5);
    let trips = |scene: &hufu_field::Scene| scene.engines[0].figure("trips", Some("silent"));
    ensure!(trips(&scene)? == 0.0, "a quiet feed was taken for a silent one");
    let hung = Pid::from_raw(i32::try_from(scene.registry.pid()?)?).expect("a process");
    kill_process(hung, Signal::STOP)?;
    let noticed = eventually("a hung registry is not noticed", || {
        ensure!(trips(&scene)? > 0.0, "{}", scene.engines[0].log(&scene.deployment));
        Ok(())
    });
    kill_process(hung, Signal::CONT)?;
    noticed?;
    scene.turns(5, PAUSE)?;
    scene.end()
}
