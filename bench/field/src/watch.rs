//! Checks without a pause, and what they saw.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use hufu_client::Gate;
use hufu_wire::{Decision, Lane, Sequence};

use crate::truth::Truth;

/// One check in this time and engine.
const BETWEEN_CHECKS: Duration = Duration::from_millis(4);

/// A gate of one engine that checks without a pause.
pub struct Watch {
    seen: Arc<Seen>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the gate has seen so far.
#[derive(Default)]
struct Seen {
    answered: AtomicU64,
    silent: AtomicU64,
    /// The sequence of the last verdict.
    as_of: AtomicU64,
    wrong: Mutex<Vec<String>>,
    /// The last decision about each holder.
    decisions: Mutex<BTreeMap<u32, Decision>>,
}

impl Watch {
    /// Checks `codes`, one for each holder, until it is ended or dropped.
    pub fn start(mut gate: Gate, codes: Vec<String>, truth: Arc<Truth>) -> Watch {
        let (seen, over) = (Arc::new(Seen::default()), Arc::new(AtomicBool::new(false)));
        let (see, stop) = (Arc::clone(&seen), Arc::clone(&over));
        let thread = thread::spawn(move || {
            for (holder, code) in (0..).zip(&codes).cycle() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                see.check(&mut gate, holder, code, &truth);
                thread::sleep(BETWEEN_CHECKS);
            }
        });
        Watch { seen, over, thread: Some(thread) }
    }

    /// The sequence that the engine's last verdict took into account.
    pub fn as_of(&self) -> Sequence {
        Sequence(self.seen.as_of.load(Ordering::Relaxed))
    }

    /// Verdicts so far.
    pub fn answered(&self) -> u64 {
        self.seen.answered.load(Ordering::Relaxed)
    }

    /// The last decision about a holder.
    pub fn decision(&self, holder: u32) -> Option<Decision> {
        self.seen.decisions.lock().unwrap_or_else(PoisonError::into_inner).get(&holder).copied()
    }

    /// Lets the engine's next verdicts be of an earlier sequence, once: somebody has taken away what it kept.
    pub fn may_forget(&self) {
        self.seen.as_of.store(0, Ordering::Relaxed);
    }

    /// Ends the checks.
    ///
    /// # Errors
    /// A verdict was wrong, or there were none.
    pub fn end(mut self) -> Result<()> {
        self.over.store(true, Ordering::Relaxed);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            bail!("the gate panicked");
        }
        let wrong = self.seen.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = wrong.first() {
            bail!("{} wrong verdicts, the first: {first}", wrong.len());
        }
        ensure!(self.answered() > 0, "no check was answered");
        Ok(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Seen {
    fn check(&self, gate: &mut Gate, holder: u32, code: &str, truth: &Truth) {
        let Ok(verdict) = gate.check(code.as_bytes(), Lane(0)) else {
            self.silent.fetch_add(1, Ordering::Relaxed);
            return;
        };
        self.answered.fetch_add(1, Ordering::Relaxed);
        // Sequence 0 is where the issuer is not known at all.
        let before = self.as_of.swap(verdict.as_of.0, Ordering::Relaxed);
        let went_back = (verdict.as_of.0 < before)
            .then(|| format!("as of {before}, then as of {}: the engine has forgotten", verdict.as_of));
        let faults = truth.judge(holder, &verdict).err().into_iter().chain(went_back);
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner).insert(holder, verdict.decision);
    }
}
