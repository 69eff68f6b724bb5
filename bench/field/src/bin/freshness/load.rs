//! A generator on a thread of its own.

use std::thread::{self, JoinHandle};

use anyhow::{Result, anyhow};
use hufu_field::{Deployment, Engine};
use hufu_files::moment::now;
use hufu_fixtures::World;
use hufu_loadgen::{Generator, Plan, Report};

use crate::LoadArgs;

/// A deployment with somebody to check in it.
pub(crate) fn deployment(hufu: &std::path::Path, load: &LoadArgs) -> Result<Deployment> {
    if load.rate == 0 {
        return Deployment::new(hufu);
    }
    Deployment::of_world(hufu, World::new(1, load.holders, now().seconds()))
}

/// Enrols the gates of the load and signs their codes.
pub(crate) fn generator(deployment: &Deployment, engine: &Engine, load: &LoadArgs) -> Result<Generator> {
    hufu_field::generator(deployment, engine.control(), load.phones)
}

/// Runs `plan` beside the caller.
pub(crate) fn start(mut generator: Generator, plan: Plan) -> JoinHandle<Result<(Generator, Report)>> {
    thread::spawn(move || {
        let report = generator.run(&plan, &|_| {})?;
        Ok((generator, report))
    })
}

/// What became of it.
pub(crate) fn end(load: JoinHandle<Result<(Generator, Report)>>) -> Result<(Generator, Report)> {
    load.join().map_err(|_| anyhow!("the generator panicked"))?
}
