//! Checks without a pause, and what they saw.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use hufu_client::Gate;
use hufu_wire::{Decision, Lane, Reason, Sequence};

use crate::truth::Truth;

/// One check in this time and engine.
const BETWEEN_CHECKS: Duration = Duration::from_millis(4);

/// A verdict that a gate was given, as its record must have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Given {
    /// The gate's number of the check.
    pub check: u64,
    /// The engine's clock, milliseconds since 1970.
    pub time_ms: u64,
    /// The sequence that it takes into account.
    pub as_of: u64,
    /// The reason's slug.
    pub reason: &'static str,
}

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
    /// Answers that are no verdict: the engine cannot keep a record now.
    busy: AtomicU64,
    /// Every verdict, where records are compared with them.
    given: Option<Mutex<Vec<Given>>>,
    /// The sequence of the last verdict.
    as_of: AtomicU64,
    wrong: Mutex<Vec<String>>,
    /// The last decision about each holder.
    decisions: Mutex<BTreeMap<u32, Decision>>,
}

impl Watch {
    /// Checks `codes`, one for each holder, until it is ended or dropped.
    pub fn start(gate: Gate, codes: Vec<String>, truth: Arc<Truth>) -> Watch {
        Watch::begin(gate, codes, truth, Seen::default())
    }

    /// The same, and remembers each verdict: at most as long as there is memory.
    pub fn start_remembering(gate: Gate, codes: Vec<String>, truth: Arc<Truth>) -> Watch {
        Watch::begin(gate, codes, truth, Seen { given: Some(Mutex::default()), ..Seen::default() })
    }

    fn begin(mut gate: Gate, codes: Vec<String>, truth: Arc<Truth>, seen: Seen) -> Watch {
        let (seen, over) = (Arc::new(seen), Arc::new(AtomicBool::new(false)));
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

    /// Checks without an answer so far.
    pub fn silent(&self) -> u64 {
        self.seen.silent.load(Ordering::Relaxed)
    }

    /// Checks that were answered `busy` so far.
    pub fn busy(&self) -> u64 {
        self.seen.busy.load(Ordering::Relaxed)
    }

    /// Wrong verdicts so far, in words.
    pub fn wrong(&self) -> Vec<String> {
        self.seen.wrong.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every verdict so far, where they are remembered.
    pub fn given(&self) -> Vec<Given> {
        let given = self.seen.given.iter();
        given.flat_map(|given| given.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect()
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
        if verdict.reason == Reason::Busy {
            // Nothing was looked up: it says nothing of the holder, and has no record.
            self.busy.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if let Some(given) = &self.given {
            given.lock().unwrap_or_else(PoisonError::into_inner).push(Given {
                check: verdict.number.0,
                time_ms: verdict.server_time.0,
                as_of: verdict.as_of.0,
                reason: verdict.reason.slug(),
            });
        }
        // Sequence 0 is where the issuer is not known at all.
        let before = self.as_of.swap(verdict.as_of.0, Ordering::Relaxed);
        let went_back = (verdict.as_of.0 < before)
            .then(|| format!("as of {before}, then as of {}: the engine has forgotten", verdict.as_of));
        let faults = truth.judge(holder, &verdict).err().into_iter().chain(went_back);
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner).insert(holder, verdict.decision);
    }
}
