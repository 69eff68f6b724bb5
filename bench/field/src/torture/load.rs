//! A load that goes on while everything around it is killed: what is lost may be, what is answered must be right.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hufu_loadgen::{Generator, Mix, Plan};

/// No code whose second showing must be refused: an engine that is killed forgets what was shown in the last 90 seconds.
const MIX: &str = "phone-first=50,paper=20,trip=10,expired=5,forged=5,unknown-holder=5,malformed=4,garbage=1";
/// Of one plan: short, because its codes are signed ahead.
const SECONDS: f64 = 3.0;

pub(super) struct Load {
    pub(super) generator: Generator,
    pub(super) rate: u32,
}

/// What became of a load.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Checks that were sent.
    pub sent: u64,
    /// Answered in time.
    pub answered: u64,
    /// Answered `busy`.
    pub busy: u64,
    /// Answered wrongly; `busy` is never wrong.
    pub wrong: u64,
    /// Plans that ended because a socket did.
    pub broken_off: u64,
    /// The first wrong answers in words.
    pub complaints: Vec<String>,
}

impl Load {
    pub(super) fn start(mut self, over: Arc<AtomicBool>) -> JoinHandle<Result<Loaded>> {
        thread::spawn(move || {
            let mix: Mix = MIX.parse().context("the mix")?;
            let (mut loaded, mut seed) = (Loaded::default(), 1);
            while !over.load(Ordering::Relaxed) {
                seed += 1;
                let plan = Plan { warm_up: false, seed, ..Plan::new(mix.clone(), self.rate, SECONDS) };
                let Ok(report) = self.generator.run(&plan, &|_| {}) else {
                    loaded.broken_off += 1;
                    thread::sleep(Duration::from_millis(100));
                    continue;
                };
                let busy: u64 = report
                    .verdicts
                    .iter()
                    .filter(|verdict| verdict.reason == "busy")
                    .map(|it| it.count)
                    .sum();
                loaded.sent += report.sent;
                loaded.answered += report.answered;
                loaded.busy += busy;
                let wrong = report.wrong.saturating_sub(busy);
                loaded.wrong += wrong;
                if wrong > 0 {
                    loaded.complaints.extend(report.complaints);
                }
            }
            ensure!(loaded.answered > 0, "no check of the load was answered");
            Ok(loaded)
        })
    }
}
