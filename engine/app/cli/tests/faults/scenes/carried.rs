//! A folder into which somebody carries what a registry has, and what it has not.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use hufu_field::{Engine, Follow, ISSUER, Scene, Settings, eventually};
use hufu_wire::Sequence;

use super::open;

/// A folder of a deployment that an engine follows.
pub(super) struct Carried {
    name: String,
    folder: PathBuf,
}

/// A registry, and an engine that follows the folder `drop`, which has the chain so far.
pub(super) fn over_a_folder() -> Result<(Scene, Carried)> {
    let mut scene = open(&Settings::default())?;
    let carried = Carried::new(&scene, "drop")?;
    carried.bring(&scene, Sequence(1))?;
    scene.engine(&carried.follow())?;
    scene.agrees()?;
    Ok((scene, carried))
}

impl Carried {
    pub(super) fn new(scene: &Scene, name: &str) -> Result<Carried> {
        let folder = scene.deployment.path(name);
        fs::create_dir_all(&folder)?;
        Ok(Carried { name: name.to_owned(), folder })
    }

    /// How an engine follows it.
    pub(super) fn follow(&self) -> Follow {
        Follow::drop(&self.name)
    }

    /// The sets from one on and the head, with the command that is there for it.
    pub(super) fn bring(&self, scene: &Scene, from: Sequence) -> Result<()> {
        self.export(scene, &format!(" --from {from}"))
    }

    /// The newest checkpoint, its snapshot, the sets after it and the head.
    pub(super) fn bring_checkpoint(&self, scene: &Scene) -> Result<()> {
        self.export(scene, "")
    }

    /// Puts a file in place whole.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let partial = self.folder.join("carrying.partial");
        fs::write(&partial, bytes)?;
        fs::rename(partial, self.path(name)).with_context(|| name.to_owned())
    }

    /// Puts a file in the place of a set, whatever it is.
    pub(super) fn put_set(&self, at: Sequence, bytes: &[u8]) -> Result<()> {
        self.put(&format!("{at:020}.set"), bytes)
    }

    /// A file of the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn export(&self, scene: &Scene, more: &str) -> Result<()> {
        let (out, registry) = (&self.name, scene.registry.arguments());
        scene.deployment.run(&format!("checkpoint export --issuer {ISSUER} --out {out} {registry}{more}"))?;
        Ok(())
    }
}

/// The file in a folder whose name ends so.
pub(super) fn only(folder: &Path, end: &str) -> Result<PathBuf> {
    let files = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let found = files.into_iter().map(|file| file.path()).find(|path| path.to_string_lossy().ends_with(end));
    found.with_context(|| format!("no {end} in {}", folder.display()))
}

/// Waits until a count of an engine is at least this.
pub(super) fn counts(scene: &Scene, engine: usize, count: (&str, &str), least: f64) -> Result<()> {
    let (name, outcome) = count;
    let engine = &scene.engines[engine];
    eventually(&format!("{name} {outcome} does not come to {least}"), || {
        let found = engine.figure(name, Some(outcome))?;
        ensure!(found >= least, "{found}:\n{}", engine.log(&scene.deployment));
        Ok(())
    })
}

/// Waits until an engine is at a set.
pub(super) fn comes_to(scene: &Scene, engine: usize, sequence: Sequence) -> Result<()> {
    let engine = &scene.engines[engine];
    eventually(&format!("the engine does not come to {sequence}"), || {
        let found = at(engine)?;
        ensure!(found == sequence, "at {found}:\n{}", engine.log(&scene.deployment));
        Ok(())
    })
}

/// The set that an engine's words are at.
pub(super) fn at(engine: &Engine) -> Result<Sequence> {
    Ok(Sequence(whole(engine, "sequence", None)?))
}

/// A figure that counts something.
pub(super) fn whole(engine: &Engine, name: &str, outcome: Option<&str>) -> Result<u64> {
    Ok(format!("{:.0}", engine.figure(name, outcome)?).parse()?)
}
