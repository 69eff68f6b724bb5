//! Engines, a registry and its database are killed, hung and starved at random while changes are signed and gates check:
//! what befalls them is drawn from a seed, and an oracle judges every verdict, record and status.

mod faults;
mod ledger;
mod load;
mod outcome;
mod stage;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};

use faults::Dice;
pub use outcome::Outcome;
use stage::Stage;

/// Kills after which everything is healed and must agree.
const KILLS_A_ROUND: u32 = 12;
/// Between two changes.
const BETWEEN_CHANGES: Duration = Duration::from_millis(25);

/// What is to befall a deployment.
#[derive(Clone, Debug)]
pub struct Torture {
    /// `kill -9` so often.
    pub kills: u32,
    /// Draws faults, victims and moments.
    pub seed: u64,
    /// Engines that follow the registry.
    pub engines: usize,
    /// A PostgreSQL, which is killed too, in place of SQLite.
    pub postgres: bool,
    /// Checks a second that a generator offers the first engine beside the gates; 0 for none.
    pub rate: u32,
}

impl Torture {
    /// Does it, and tells `watch` after each kill how it goes. Disks are filled only [within](crate::within).
    ///
    /// # Errors
    /// What was wrong or lost, or did not heal; the seed is in it.
    pub fn run(&self, hufu: &Path, watch: &(dyn Fn(&Outcome) + Sync)) -> Result<Outcome> {
        self.rounds(hufu, watch).with_context(|| format!("seed {}", self.seed))
    }

    fn rounds(&self, hufu: &Path, watch: &(dyn Fn(&Outcome) + Sync)) -> Result<Outcome> {
        let begun = Instant::now();
        let mut stage = Stage::open(hufu, self)?;
        let mut dice = Dice::new(self.seed);
        let load = stage.load.take();
        let over = Arc::new(AtomicBool::new(false));
        let load = load.map(|load| load.start(Arc::clone(&over)));
        while stage.outcome.killed() < self.kills {
            let until = self.kills.min(stage.outcome.killed() + KILLS_A_ROUND);
            stage.round(&mut dice, until, &|outcome| {
                watch(&Outcome { took: begun.elapsed(), ..outcome.clone() });
            })?;
        }
        over.store(true, Ordering::Relaxed);
        if let Some(load) = load {
            stage.outcome.load = load.join().map_err(|_| anyhow!("the load panicked"))??;
        }
        let mut outcome = stage.end()?;
        outcome.took = begun.elapsed();
        outcome.judge()?;
        Ok(outcome)
    }
}

impl Stage {
    /// Kills until there were `until` of them, while changes go on; then heals, and all must agree.
    fn round(&mut self, dice: &mut Dice, until: u32, watch: &(dyn Fn(&Outcome) + Sync)) -> Result<()> {
        let over = AtomicBool::new(false);
        let mut author = self.author.take().context("the author is at work")?;
        let befallen = thread::scope(|scope| -> Result<()> {
            let writer = scope.spawn(|| {
                let mut changes = 0;
                while !over.load(Ordering::Relaxed) {
                    author.turn()?;
                    changes += 1;
                    thread::sleep(BETWEEN_CHANGES);
                }
                anyhow::Ok(changes)
            });
            let befallen = (|| {
                while self.outcome.killed() < until {
                    ensure!(!writer.is_finished(), "changes have ended");
                    self.step(dice)?;
                    self.look();
                    watch(&self.outcome);
                }
                anyhow::Ok(())
            })();
            over.store(true, Ordering::Relaxed);
            // Whose change is lost is told first: the rest may come of it.
            self.outcome.changes += writer.join().map_err(|_| anyhow!("the author panicked"))??;
            befallen
        });
        self.author = Some(author);
        let steps = format!("the last steps, the latest first: {:?}", self.outcome.steps);
        befallen.and_then(|()| self.agrees()).context(steps)
    }
}
