//! A deployment at work: an author, registries, engines, and a gate at each engine.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hufu_wire::{Colour, Decision};

use crate::author::{Author, Committed};
use crate::deployment::Deployment;
use crate::engine::{Engine, Follow};
use crate::process::eventually;
use crate::registry::{Registry, Settings};
use crate::truth::{HOLDERS, Truth};
use crate::watch::Watch;

/// Everything that runs. What is dropped is killed.
pub struct Scene {
    /// Keys and files.
    pub deployment: Deployment,
    /// Who signs.
    pub author: Author,
    /// Where it is signed to.
    pub registry: Registry,
    /// Who follows.
    pub engines: Vec<Engine>,
    /// A gate at each engine.
    pub watches: Vec<Watch>,
}

impl Scene {
    /// A registry whose chain has coloured everybody; no engine yet.
    ///
    /// # Errors
    /// A process does not start.
    pub fn open(hufu: &Path, settings: &Settings) -> Result<Scene> {
        Scene::on(Deployment::new(hufu)?, settings)
    }

    /// The same on a deployment that is there.
    ///
    /// # Errors
    /// A process does not start.
    pub fn on(deployment: Deployment, settings: &Settings) -> Result<Scene> {
        let registry = Registry::start(&deployment, "registry", settings)?;
        let author = Author::new(&deployment, registry.api(&deployment)?, Arc::new(Truth::new()))?;
        let mut scene = Scene { deployment, author, registry, engines: Vec::new(), watches: Vec::new() };
        let everybody: Vec<_> = (0..HOLDERS).map(|holder| (holder, Colour::Green)).collect();
        scene.author.set(&everybody)?;
        Ok(scene)
    }

    /// One more engine, with a gate that checks without a pause.
    ///
    /// # Errors
    /// It does not start.
    pub fn engine(&mut self, follow: &Follow) -> Result<&Engine> {
        let number = self.engines.len();
        let engine = self.start(follow)?;
        let gate = self.deployment.gate(number, engine.control())?;
        self.watches.push(Watch::start(gate, self.deployment.codes()?, Arc::clone(self.author.truth())));
        self.engines.push(engine);
        self.engines.last().context("it was pushed")
    }

    /// One more engine, without a gate.
    ///
    /// # Errors
    /// It does not start.
    pub fn engine_alone(&mut self, follow: &Follow) -> Result<&Engine> {
        let engine = self.start(follow)?;
        self.engines.push(engine);
        self.engines.last().context("it was pushed")
    }

    fn start(&self, follow: &Follow) -> Result<Engine> {
        Engine::start(&self.deployment, &format!("engine{}", self.engines.len()), follow)
    }

    /// Turns three holders red, amber and green again, each turn others: one change set.
    ///
    /// # Errors
    /// Those of [`Author::turn`].
    pub fn turn(&mut self) -> Result<Committed> {
        self.author.turn()
    }

    /// So many turns, with a pause after each.
    ///
    /// # Errors
    /// Those of [`turn`](Self::turn).
    pub fn turns(&mut self, count: u32, pause: Duration) -> Result<()> {
        for _ in 0..count {
            self.turn()?;
            thread::sleep(pause);
        }
        Ok(())
    }

    /// Waits until every engine's words are the chain's, by digest, and every gate's last verdicts are what the truth
    /// says.
    ///
    /// # Errors
    /// That does not come to be, with the logs of those who differ.
    pub fn agrees(&self) -> Result<()> {
        agree(&self.deployment, &self.author, &self.engines, &self.watches)
    }

    /// Agreement, and that no verdict ever was wrong.
    ///
    /// # Errors
    /// What went wrong.
    pub fn end(self) -> Result<()> {
        self.agrees()?;
        self.watches.into_iter().try_for_each(Watch::end)
    }
}

/// See [`Scene::agrees`].
pub(crate) fn agree(
    deployment: &Deployment,
    author: &Author,
    engines: &[Engine],
    watches: &[Watch],
) -> Result<()> {
    let tip = *author.tip();
    let digest = tip.digest.to_string();
    for engine in engines {
        let same = || {
            let held = engine.digest()?;
            let sequence = engine.figure("sequence", None)?;
            ensure!(held == digest, "at {sequence} {held}, and the chain at {} {digest}", tip.sequence);
            Ok(())
        };
        eventually("an engine does not come to the chain's digest", same)
            .with_context(|| format!("its log:\n{}", engine.log(deployment)))?;
    }
    for (number, watch) in watches.iter().enumerate() {
        let right = || {
            ensure!(watch.as_of() >= tip.sequence, "still as of {}", watch.as_of());
            for holder in 0..HOLDERS {
                let is_green = author.truth().colour(holder) == Some(Colour::Green);
                let decision = watch.decision(holder);
                let is_admitted = decision == Some(Decision::Admit);
                ensure!(is_admitted == is_green, "holder {holder}: {decision:?}, green: {is_green}");
            }
            Ok(())
        };
        eventually("a gate does not see the truth", right).with_context(|| format!("engine {number}"))?;
    }
    Ok(())
}
