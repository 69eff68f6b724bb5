//! Checkpoints, their snapshots, and what engines keep on their own disks: damaged, and healed by themselves.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use hufu_field::{Follow, ISSUER, NATIONAL, Scene, Settings};
use hufu_wire::chain::{Change, Record};
use hufu_wire::{Colour, HolderIndex, Sequence, StatusWord};

use super::carried::{Carried, at, comes_to, counts, only, over_a_folder, whole};
use super::{PAUSE, open, over_http, told};

/// The local authority's half of a checkpoint of the chain's end.
pub(super) fn propose(scene: &Scene) -> Result<Vec<u8>> {
    let who = format!("--issuer {ISSUER} --national {NATIONAL} --key local.key --state ledger-local");
    let registry = scene.registry.arguments();
    scene.deployment.run(&format!("checkpoint propose {who} --out next.checkpoint --yes {registry}"))?;
    Ok(fs::read(scene.deployment.path("next.checkpoint"))?)
}

/// The national platform's half.
pub(super) fn confirm(scene: &Scene) -> Result<()> {
    let who = format!("--issuer {ISSUER} --key national.key --state ledger-national");
    let registry = scene.registry.arguments();
    scene.deployment.run(&format!("checkpoint confirm {who} next.checkpoint --yes {registry}"))?;
    Ok(())
}

fn checkpoint(scene: &Scene) -> Result<()> {
    propose(scene)?;
    confirm(scene)
}

#[test]
fn r22_an_engine_without_the_first_sets_begins_with_a_checkpoint() -> Result<()> {
    let mut scene = over_http()?;
    scene.turns(8, PAUSE / 4)?;
    checkpoint(&scene)?;
    let vouched = scene.author.tip().sequence;
    scene.turns(3, PAUSE / 4)?;
    let carried = Carried::new(&scene, "drop")?;
    carried.bring_checkpoint(&scene)?;
    scene.engine(&carried.follow())?;
    scene.agrees()?;
    let late = &scene.engines[2];
    let figures = [whole(late, "snapshots", Some("loaded"))?, whole(late, "sets", Some("applied"))?];
    ensure!(figures == [1, 3], "{figures:?}");
    told::once(
        &late.log(&scene.deployment),
        &[&format!("issuer 310000 is at {vouched} with"), "holders, loaded"],
    )?;
    // What it has loaded it has for good.
    scene.engines[2].kill()?;
    scene.engines[2].restart(&scene.deployment)?;
    scene.turns(3, PAUSE)?;
    carried.bring(&scene, Sequence(vouched.0 + 1))?;
    scene.end()
}

#[test]
fn r22_an_engine_a_thousand_sets_behind_takes_the_snapshot_from_the_registry() -> Result<()> {
    let mut scene = open(&Settings::default())?;
    // The brake holds no green.
    let green = Change::Status(StatusWord::new(Colour::Green, 0));
    for holder in 0..1_000 {
        scene.author.truth().push(&[]);
        scene.author.append(&[Record::new(HolderIndex(1_000 + holder), green)])?;
    }
    checkpoint(&scene)?;
    scene.turns(3, PAUSE)?;
    let follow = Follow::registry(&scene.registry);
    scene.engine(&follow)?;
    scene.agrees()?;
    let engine = &scene.engines[0];
    ensure!(whole(engine, "snapshots", Some("loaded"))? == 1, "{}", engine.log(&scene.deployment));
    ensure!(engine.figure("sets", Some("applied"))? < 1_000.0, "the sets were taken one by one");
    scene.end()
}

#[test]
fn r22_a_damaged_snapshot_is_refused_until_a_good_one_comes() -> Result<()> {
    let (mut scene, carried) = over_a_folder()?;
    let held = scene.author.tip().sequence;
    let snapshot_of = |scene: &Scene, name: &str| -> Result<(PathBuf, Vec<u8>)> {
        checkpoint(scene)?;
        let taken = Carried::new(scene, name)?;
        taken.bring_checkpoint(scene)?;
        let path = only(&scene.deployment.path(name), ".snapshot")?;
        Ok((path.clone(), fs::read(path)?))
    };
    scene.turns(4, PAUSE / 4)?;
    let (_, earlier) = snapshot_of(&scene, "earlier")?;
    scene.turns(4, PAUSE / 4)?;
    let (good, bytes) = snapshot_of(&scene, "good")?;
    let vouched = scene.author.tip().sequence;
    let name = good.file_name().and_then(|name| name.to_str()).context("a name")?.to_owned();

    let flipped = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        bytes
    };
    let damaged = [
        flipped(0),
        flipped(bytes.len() / 2),
        flipped(bytes.len() - 1),
        bytes[..bytes.len() - 1].to_vec(),
        earlier,
    ];
    for (round, damaged) in damaged.iter().enumerate() {
        let failed = scene.engines[0].figure("fetches", Some("failed"))?;
        carried.put(&name, damaged)?;
        if round == 0 {
            let checkpoint = format!("{vouched:020}.checkpoint");
            carried.put(&checkpoint, &fs::read(good.with_file_name(&checkpoint))?)?;
        }
        counts(&scene, 0, ("fetches", "failed"), failed + 1.0).with_context(|| format!("round {round}"))?;
        ensure!(at(&scene.engines[0])? == held, "round {round}: the words did not stay");
    }
    ensure!(whole(&scene.engines[0], "snapshots", Some("loaded"))? == 0);
    let log = scene.engines[0].log(&scene.deployment);
    told::once(&log, &[&format!("issuer 310000: the snapshot of {vouched} is not loaded")])?;
    carried.put(&name, &bytes)?;
    comes_to(&scene, 0, vouched)?;
    scene.turns(2, PAUSE)?;
    carried.bring(&scene, Sequence(vouched.0 + 1))?;
    scene.end()
}

/// What befalls a folder between SIGKILL and the next start, and what its engine says of it.
type Damage = (&'static str, fn(&Path) -> Result<()>, &'static str);

const DAMAGES: [Damage; 9] = [
    ("a flipped bit in the state", |folder| flip(&folder.join("warm.state")), "is refused"),
    ("a state cut off", |folder| cut(&folder.join("warm.state"), 3), "is refused"),
    ("a flipped bit in the snapshot", |folder| flip(&only(folder, ".snapshot")?), "is refused"),
    ("a snapshot cut off", |folder| cut(&only(folder, ".snapshot")?, 2), "is refused"),
    ("no snapshot", |folder| Ok(fs::remove_file(only(folder, ".snapshot")?)?), "is refused"),
    ("a tail cut off", |folder| cut(&only(folder, ".sets")?, 3), "ends in the middle of a set"),
    ("a flipped bit in the tail", |folder| flip(&only(folder, ".sets")?), "is damaged after sequence"),
    ("no tail", |folder| Ok(fs::remove_file(only(folder, ".sets")?)?), ""),
    ("nothing at all", |folder| Ok(fs::remove_dir_all(folder)?), ""),
];

#[test]
fn r22_what_is_damaged_between_a_kill_and_a_restart_is_refused_and_followed_again() -> Result<()> {
    let mut scene = over_http()?;
    for (what, damage, says) in DAMAGES {
        scene.turns(4, PAUSE / 2)?;
        scene.agrees()?;
        // A warm copy of here, and a tail after it.
        scene.engines[0].stop()?;
        scene.engines[0].restart(&scene.deployment)?;
        scene.turns(4, PAUSE / 2)?;
        scene.agrees()?;
        let before = scene.engines[0].log(&scene.deployment).len();
        scene.engines[0].kill()?;
        damage(&scene.engines[0].kept(&scene.deployment)).context(what)?;
        scene.watches[0].may_forget();
        scene.turns(2, PAUSE)?;
        scene.engines[0].restart(&scene.deployment)?;
        scene.agrees().context(what)?;
        let log = scene.engines[0].log(&scene.deployment);
        let log = &log[before..];
        let refused = whole(&scene.engines[0], "warm_copies", Some("refused"))?;
        ensure!(refused == u64::from(says == "is refused"), "{what}: {refused} refused:\n{log}");
        if !says.is_empty() {
            told::once(log, &["issuer 310000", says]).context(what)?;
        }
    }
    ensure!(whole(&scene.engines[1], "warm_copies", Some("refused"))? == 0, "the other has its own folder");
    scene.end()
}

#[test]
fn r22_a_snapshot_damaged_in_the_registry_is_passed_over_for_the_next() -> Result<()> {
    let mut scene = over_http()?;
    scene.turns(4, PAUSE / 4)?;
    checkpoint(&scene)?;
    flip(&only(&scene.deployment.path(&format!("registry/snapshots/{ISSUER}")), ".snapshot")?)?;
    let carried = Carried::new(&scene, "drop")?;
    carried.bring_checkpoint(&scene)?;
    scene.engine(&carried.follow())?;
    counts(&scene, 2, ("fetches", "failed"), 1.0)?;
    ensure!(at(&scene.engines[2])? == Sequence(0), "words of a damaged snapshot");
    scene.turns(2, PAUSE)?;
    checkpoint(&scene)?;
    carried.bring_checkpoint(&scene)?;
    comes_to(&scene, 2, scene.author.tip().sequence)?;
    told::once(
        &scene.engines[2].log(&scene.deployment),
        &["issuer 310000: the snapshot of", "is not loaded"],
    )?;
    scene.end()
}

/// One bit, in the middle.
fn flip(path: &Path) -> Result<()> {
    let mut bytes = fs::read(path)?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).context("an empty file")? ^= 1;
    Ok(fs::write(path, bytes)?)
}

/// Leaves half of it for 2, two thirds for 3.
fn cut(path: &Path, parts: u64) -> Result<()> {
    let bytes = fs::metadata(path)?.len();
    Ok(File::options().write(true).open(path)?.set_len(bytes - bytes / parts)?)
}
