//! Disks that fill up, under an engine and under a registry, while checks go on. Each test runs itself again in a namespace
//! of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Context as _, Result, bail, ensure};
use hufu_codes::chain::Tip;
use hufu_field::{Deployment, Follow, ISSUER, NATIONAL, Scene, Settings, SmallDisk, eventually, is_within};
use hufu_registry::ProposalId;
use hufu_upstream::{Api, ApiFault};
use hufu_wire::chain::{Change, Record};
use hufu_wire::{Colour, HolderIndex, Sequence, StatusWord};
use tokio::runtime::{Builder, Runtime};

use super::carried::{at, comes_to, whole};
use super::{PAUSE, over_http, pause, provide, told};

/// Runs a test again where it may mount.
pub(super) fn within(test: &str) -> Result<()> {
    let output = hufu_field::within()?.args(["--exact", test, "--ignored", "--nocapture"]).output()?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success() && said.contains("1 passed"), "{said}");
    Ok(())
}

#[test]
fn r22_an_engine_with_a_full_disk_follows_on_and_forgets_nothing_it_kept() -> Result<()> {
    within("scenes::disk::an_engine_with_a_full_disk")
}

#[test]
#[ignore = "run by the test above, in a namespace of its own"]
fn an_engine_with_a_full_disk() -> Result<()> {
    if !is_within() {
        return Ok(());
    }
    let mut scene = over_http()?;
    let follow = Follow::registry(&scene.registry).with("warm_every_s = 1\n");
    scene.engine(&follow)?;
    scene.turns(4, PAUSE)?;
    scene.agrees()?;
    let (number, figure) = (2, |scene: &Scene, name: &str, of| scene.engines[2].figure(name, of));
    scene.engines[number].stop()?;
    let disk = SmallDisk::mount(scene.deployment.path("engine2/state"), "1m")?;
    scene.engines[number].restart(&scene.deployment)?;
    scene.turns(4, PAUSE)?;
    scene.agrees()?;

    disk.fill()?;
    scene.turns(20, PAUSE)?;
    eventually("a full disk is not noticed", || {
        ensure!(
            figure(&scene, "disk_faults", None)? > 0.0,
            "{}",
            scene.engines[number].log(&scene.deployment)
        );
        Ok(())
    })?;
    // Following goes on, and so do verdicts.
    scene.agrees()?;
    let answered = scene.watches[number].answered();
    scene.turns(5, PAUSE)?;
    scene.agrees()?;
    ensure!(scene.watches[number].answered() > answered, "checks stopped");
    told::once(
        &scene.engines[number].log(&scene.deployment),
        &["issuer 310000 at", "until then a restart begins with"],
    )?;

    // Killed with a full disk it begins where the disk was full, says so, and comes back.
    let kept = scene.author.tip().sequence;
    scene.engines[number].kill()?;
    scene.watches[number].may_forget();
    scene.engines[number].restart(&scene.deployment)?;
    comes_to(&scene, number, kept)?;
    ensure!(whole(&scene.engines[number], "warm_copies", Some("refused"))? == 0, "half a warm copy was left");
    scene.turns(5, PAUSE)?;
    scene.agrees()?;
    disk.make_room()?;
    let last = scene.turn()?.sequence;
    eventually("no warm copy since there is room", || {
        ensure!(
            figure(&scene, "warm_copies", Some("kept"))? > 0.0,
            "{}",
            scene.engines[number].log(&scene.deployment)
        );
        Ok(())
    })?;
    scene.agrees()?;
    // Now it forgets nothing, and needs nobody for it.
    scene.registry.kill()?;
    scene.engines[number].kill()?;
    scene.engines[number].restart(&scene.deployment)?;
    ensure!(at(&scene.engines[number])? == last, "{}", scene.engines[number].log(&scene.deployment));
    scene.registry.restart(&scene.deployment)?;
    scene.turns(3, PAUSE)?;
    scene.end()
}

#[test]
fn r20_a_registry_with_a_full_disk_says_so_and_keeps_nothing_half() -> Result<()> {
    within("scenes::disk::a_registry_with_a_full_disk")
}

/// A registry on a small disk, and whoever calls it.
struct Small {
    scene: Scene,
    disk: SmallDisk,
    api: Api,
    runtime: Runtime,
}

impl Small {
    fn open() -> Result<Small> {
        provide();
        let deployment = Deployment::new(Path::new(env!("CARGO_BIN_EXE_hufu")))?;
        fs::create_dir(deployment.path("database"))?;
        let disk = SmallDisk::mount(deployment.path("database"), "16m")?;
        let store = Some("sqlite:../database/registry.db".to_owned());
        let mut scene = Scene::on(deployment, &Settings { store, ..Settings::default() })?;
        let follow = Follow::registry(&scene.registry);
        for _ in 0..2 {
            scene.engine(&follow)?;
        }
        scene.turns(5, PAUSE)?;
        scene.agrees()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Small { api: scene.registry.api(&scene.deployment)?, scene, disk, runtime })
    }

    /// Hands in what comes next; the set's bytes and what the registry says.
    fn hand_in(&self, proposed: &(Vec<u8>, Vec<u8>)) -> Result<Sequence, ApiFault> {
        self.runtime.block_on(async {
            let proposal = self.api.propose(ISSUER, proposed.0.clone()).await?;
            let done = self.api.confirm(ISSUER, ProposalId(proposal.id), proposed.1.clone()).await?;
            Ok(Sequence(done.sequence))
        })
    }

    fn tip_is(&self, tip: &Tip) -> Result<()> {
        let found = self.runtime.block_on(self.api.tip(ISSUER))?;
        ensure!(found.digest.to_string() == tip.digest.to_string(), "the chain is at {found:?}");
        Ok(())
    }
}

#[test]
#[ignore = "run by the test above, in a namespace of its own"]
fn a_registry_with_a_full_disk() -> Result<()> {
    if !is_within() {
        return Ok(());
    }
    let mut small = Small::open()?;
    let tip = *small.scene.author.tip();
    // A thousand changes are more than any page that is still free somewhere.
    let green = Change::Status(StatusWord::new(Colour::Green, 0));
    let records: Vec<_> = (1_000..3_000).map(|holder| Record::new(HolderIndex(holder), green)).collect();
    small.disk.fill()?;
    let proposed = small.scene.author.sign(&records)?;
    for _ in 0..3 {
        let Err(fault) = small.hand_in(&proposed) else { bail!("it was taken, and there is no room") };
        let problem = fault.problem().with_context(|| format!("{fault:?}"))?;
        ensure!(matches!(problem.status, 503 | 507), "{problem:?}");
    }
    small.tip_is(&tip)?;
    // Heads are signed, feeds stay up, gates get verdicts, ages stay low.
    let answered = small.scene.watches[0].answered();
    pause(2.5);
    for engine in &small.scene.engines {
        eventually("no head has come since the disk is full", || {
            ensure!(engine.figure("heard_seconds", None)? < 2.5, "{}", engine.log(&small.scene.deployment));
            Ok(())
        })?;
    }
    ensure!(small.scene.watches[0].answered() > answered, "checks stopped");
    small.scene.agrees()?;
    small.disk.make_room()?;
    small.scene.author.truth().push(&[]);
    let log = small.scene.registry.log(&small.scene.deployment);
    ensure!(!told::lines(&log, &["full"]).is_empty(), "the operator is not told:\n{log}");
    // Nothing half was kept, and nothing has to be mended by hand.
    let appended = small.scene.author.append(&records);
    appended.with_context(|| small.scene.registry.log(&small.scene.deployment))?;
    small.scene.turns(5, PAUSE)?;
    small.scene.registry.kill()?;
    small.scene.registry.restart(&small.scene.deployment)?;
    small.scene.turns(2, PAUSE)?;
    small.scene.end()
}

#[test]
fn r22_a_registry_without_room_for_a_snapshot_keeps_no_half_of_one() -> Result<()> {
    within("scenes::disk::a_registry_without_room_for_a_snapshot")
}

#[test]
#[ignore = "run by the test above, in a namespace of its own"]
fn a_registry_without_room_for_a_snapshot() -> Result<()> {
    if !is_within() {
        return Ok(());
    }
    let mut scene = over_http()?;
    scene.turns(4, PAUSE)?;
    let disk = SmallDisk::mount(scene.deployment.path("registry/snapshots"), "64k")?;
    disk.fill()?;
    let propose = |scene: &Scene| -> Result<Output> {
        let who = format!("--issuer {ISSUER} --national {NATIONAL} --key local.key --state ledger");
        let registry = scene.registry.arguments();
        Ok(scene
            .deployment
            .command(&format!("checkpoint propose {who} --out c --yes {registry}"))
            .output()?)
    };
    let refused = propose(&scene)?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(!refused.status.success() && said.contains("the registry's disk is full"), "{said}");
    ensure!(!scene.deployment.path("c").exists(), "a checkpoint was signed for a snapshot that nobody has");
    let kept = || files(&scene.deployment.path("registry/snapshots"));
    ensure!(kept()? == [disk.ballast()], "{:?}", kept()?);
    told::once(&scene.registry.log(&scene.deployment), &["cannot use the folder of snapshots"])?;
    disk.make_room()?;
    let taken = propose(&scene)?;
    ensure!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    ensure!(kept()?.len() == 1, "{:?}", kept()?);
    scene.turns(3, PAUSE)?;
    scene.end()
}

/// Every file under a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}
