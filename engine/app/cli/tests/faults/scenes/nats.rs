//! Engines that follow through a NATS server that is killed, hung and wiped.

use anyhow::{Result, ensure};
use hufu_field::{Follow, ISSUER, Scene, Settings, eventually};
use hufu_fixtures::services::Nats;
use hufu_wire::chain::{Change, Record};
use hufu_wire::{Colour, HolderIndex, StatusWord};
use tokio::runtime::Builder;

use super::{PAUSE, open, pause};

/// A registry that publishes to a NATS server, and two engines that follow from there.
fn through_nats() -> Result<(Scene, Nats)> {
    let nats = Nats::start()?;
    let mut scene = open(&Settings { nats: Some(nats.url()), ..Settings::default() })?;
    let follow = Follow::nats(&nats.url(), "registry/snapshots");
    for _ in 0..2 {
        scene.engine(&follow)?;
    }
    scene.agrees()?;
    Ok((scene, nats))
}

#[test]
fn r25_a_nats_server_killed_and_restarted_under_load() -> Result<()> {
    let (mut scene, mut nats) = through_nats()?;
    for _ in 0..2 {
        scene.turns(5, PAUSE)?;
        nats.kill()?;
        scene.turns(5, PAUSE)?;
        nats.restart()?;
        scene.turns(5, PAUSE)?;
        scene.agrees()?;
    }
    scene.end()
}

#[test]
fn r25_a_registry_killed_between_append_and_publish_publishes_what_is_missing() -> Result<()> {
    let (mut scene, _nats) = through_nats()?;
    for _ in 0..3 {
        scene.turns(4, PAUSE)?;
        scene.turn()?;
        scene.registry.kill()?;
        pause(0.2);
        scene.registry.restart(&scene.deployment)?;
        scene.agrees()?;
    }
    scene.end()
}

#[test]
fn r25_a_wiped_stream_is_filled_again_and_nobody_goes_back() -> Result<()> {
    let (mut scene, mut nats) = through_nats()?;
    scene.turns(10, PAUSE)?;
    scene.agrees()?;
    nats.kill()?;
    scene.turns(3, PAUSE)?;
    nats.wipe()?;
    nats.restart()?;
    scene.turns(5, PAUSE)?;
    scene.agrees()?;
    // Whoever comes now has it all from the stream that was filled again.
    scene.engine(&Follow::nats(&nats.url(), "registry/snapshots"))?;
    scene.end()
}

#[test]
fn r24_a_hung_nats_server_is_noticed_and_followed_again() -> Result<()> {
    let (mut scene, mut nats) = through_nats()?;
    scene.turns(3, PAUSE)?;
    nats.pause()?;
    let noticed = eventually("a hung server is not noticed", || {
        ensure!(
            scene.engines[0].figure("connected", None)? == 0.0,
            "{}",
            scene.engines[0].log(&scene.deployment)
        );
        Ok(())
    });
    nats.resume()?;
    noticed?;
    scene.turns(5, PAUSE)?;
    scene.end()
}

#[test]
fn r21_what_strangers_publish_changes_nothing() -> Result<()> {
    let (mut scene, nats) = through_nats()?;
    scene.turns(3, PAUSE)?;
    let red = Change::Status(StatusWord::new(Colour::Red, 0));
    // One that only the local authority signed, twice; the same cut off; noise.
    let alone = scene.author.sign_alone(&[Record::new(HolderIndex(1), red)])?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stranger = async_nats::connect(nats.url()).await?;
        for bytes in [alone.clone(), alone[..alone.len() - 1].to_vec(), vec![0x5a; 4096]] {
            stranger.publish(format!("hufu.sets.{ISSUER}"), bytes.into()).await?;
        }
        stranger.flush().await?;
        anyhow::Ok(())
    })?;
    scene.turns(5, PAUSE)?;
    scene.agrees()?;
    ensure!(
        scene.engines[0].figure("sets", Some("refused"))? > 0.0,
        "nothing was refused:\n{}",
        scene.engines[0].log(&scene.deployment)
    );
    scene.end()
}
