//! Processes of engines: how they end, and how their machines come back.

use super::{Event, Run, World};
use crate::fault::Kind;

/// How long a machine takes to start, milliseconds.
pub(super) const BOOT_MS: u64 = 700;

impl World {
    pub(super) fn power_cut(&mut self, engine: usize, lasts_ms: u64) {
        if self.engines[engine].process.is_none() {
            return;
        }
        self.happened.count(Kind::PowerCut);
        self.end_process(engine);
        let machine = &self.engines[engine];
        machine.disk.after_power_cut(&mut self.chance);
        self.engines[engine].lost_power = true;
        self.is_excused[engine] = true;
        self.after(lasts_ms, Event::Boot(engine, true));
    }

    /// A process is killed whose disk has not ended it before.
    pub(super) fn kill_if_alive(&mut self, run: Run) {
        if self.alive(run).is_some() {
            self.happened.count(Kind::Kill);
            self.end_process(run.0);
            self.after(BOOT_MS, Event::Boot(run.0, false));
        }
    }

    /// Whether a process died in the middle of what its disk did; what it still wanted never left it.
    pub(super) fn ends_where_dead(&mut self, engine: usize) -> bool {
        let is_dead = self.engines[engine].process.is_some() && self.engines[engine].disk.is_dead();
        if is_dead {
            self.end_process(engine);
            self.after(BOOT_MS, Event::Boot(engine, false));
        }
        is_dead
    }

    pub(super) fn end_process(&mut self, engine: usize) {
        self.note_process(engine);
        self.engines[engine].process = None;
        self.engines[engine].disk.after_kill();
    }

    /// What a process has come to is counted.
    pub(super) fn note_process(&mut self, engine: usize) {
        let mut states = Vec::new();
        if let Some(process) = &self.engines[engine].process {
            for following in &process.followings {
                let counters = following.applier.counters();
                states.extend([
                    ("set applied", counters.sets_applied),
                    ("set beyond a gap", counters.sets_beyond_gap),
                    ("set of a fork", counters.sets_forked),
                    ("set refused", counters.sets_refused),
                    ("set behind", counters.sets_behind + counters.sets_duplicate),
                    ("head current", counters.heads_current),
                    ("head beyond a gap", counters.heads_beyond_gap),
                    ("head late", counters.heads_late),
                    ("head rolled back", counters.heads_rolled_back),
                    ("head of a fork", counters.heads_forked),
                    ("head refused", counters.heads_refused),
                    ("checkpoint agrees", counters.checkpoints_agreed),
                    ("checkpoint leads on", counters.checkpoints_ahead),
                    ("checkpoint of a fork", counters.checkpoints_forked),
                    ("snapshot loaded", counters.snapshots_loaded),
                    ("snapshot refused", counters.snapshots_refused),
                ]);
            }
        }
        for (state, count) in states {
            *self.reached.entry(state.to_owned()).or_default() += count;
        }
    }

    /// An engine's machine starts its process.
    pub(super) fn boot(&mut self, engine: usize, after_power_cut: bool) {
        if self.engines[engine].process.is_some() {
            return;
        }
        // Whatever starts it: an operator may, before the power would have.
        let after_power_cut = after_power_cut || self.engines[engine].lost_power;
        self.audit_records(engine, after_power_cut);
        let seed = self.chance.number();
        let people = std::rc::Rc::clone(&self.people);
        let served = self.engines[engine].served.clone();
        let (now, issuers, records) = (self.now, self.plan.issuers, self.plan.records);
        if let Err(why) = self.engines[engine].start(&people, now, issuers, records, seed) {
            self.reach("engine does not start yet");
            if self.engines[engine].disk.is_dead() {
                self.engines[engine].disk.after_kill();
            } else if self.is_calm() {
                return self.fail(format!("engine {engine} does not start: {why}"));
            }
            self.after(BOOT_MS, Event::Boot(engine, after_power_cut));
            return;
        }
        let run = self.run_of(engine);
        for (n, served) in served.into_iter().enumerate() {
            let is_excused = self.is_excused[engine] || after_power_cut;
            let tip = self.alive(run).map_or(0, |process| process.followings[n].applier.tip().sequence.0);
            if tip < served && !is_excused {
                return self
                    .fail(format!("engine {engine} forgot sets after {tip}, and had served {served}"));
            }
            if tip < served {
                let vague = &mut self.engines[engine].vague[n];
                *vague = served.max(*vague);
            }
            self.follow(run, n);
        }
        // What is served while the disk fails is in no tail.
        self.is_excused[engine] = self.engines[engine].disk.is_in_trouble();
        self.engines[engine].lost_power = false;
        self.reach("engine started");
        self.after(5, Event::Write(run));
    }

    fn audit_records(&mut self, engine: usize, after_power_cut: bool) {
        if !self.plan.records || self.engines[engine].starts == 0 {
            return;
        }
        let machine = &mut self.engines[engine];
        let lost = machine.lost_records(after_power_cut);
        machine.forget_undurable(after_power_cut);
        let is_rotten = machine.is_rotten;
        match lost {
            Ok(lost) if lost.is_empty() || is_rotten => {}
            Ok(lost) => {
                self.fail(format!(
                    "engine {engine} lost {} records that it had acknowledged: {:?}",
                    lost.len(),
                    lost[0]
                ));
            }
            Err(why) => self.fail(format!("engine {engine}: {why}")),
        }
    }
}
