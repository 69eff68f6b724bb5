//! The calm after the troubles: everything must be well again within a bound.

use std::collections::BTreeMap;
use std::path::Path;

use hufu_offline::{Handover, Shelf};
use hufu_wire::Verdict;

use super::{Event, Phase, World};
use crate::engine::{SHELF, follow_folder};

/// Files of one following when all is well: a state, a snapshot or two, tails, a head.
const FILES_MAX: usize = 12;

impl World {
    /// Every fault is over, and operators set right what they see.
    pub(super) fn heal(&mut self) {
        self.phase = Phase::Calm;
        self.net.heal();
        (self.trims, self.bad_snapshots) = (false, false);
        self.registry.clock.set_right();
        for engine in 0..self.plan.engines {
            self.slow_ms[engine] = 0;
            self.engines[engine].disk.trouble(None);
            self.engines[engine].clock.set_right();
            if let Some(process) = &mut self.engines[engine].process {
                process.uses.clock_was_set();
            }
            self.after(1000, Event::Boot(engine, true));
        }
        for lone in &self.lones {
            lone.disk.trouble(None);
        }
        self.registry_start();
        if self.must_hand_in {
            self.hand_in_again();
        }
        for n in 0..self.plan.issuers {
            // Beyond both histories, where there are two, and a checkpoint there.
            let mut changes = 0;
            let others = if self.truth[n].is_forked() { self.truth[n].longest() } else { 0 };
            while self.truth[n].length() <= others && changes < 1000 {
                self.now += 1;
                self.change_one(n);
                changes += 1;
            }
            self.after(100, Event::Vouch(n));
        }
    }

    /// The run is over: is everything well?
    pub(super) fn end(&mut self) {
        if self.phase < Phase::Rest {
            // What was changed last has a few seconds to arrive everywhere.
            self.phase = Phase::Rest;
            self.after(5_000, Event::End);
            return;
        }
        self.phase = Phase::Over;
        for engine in 0..self.plan.engines {
            self.end_of_engine(engine);
        }
        for gate in 0..self.plan.gates {
            let since = self.now - self.gates[gate].served_at;
            if since > 15_000 {
                self.fail(format!("gate {gate} has had no verdict for {since} ms, and all is well"));
            }
        }
        self.end_of_lones();
        if !self.registry.has_all() {
            self.fail("a set that the registry took is not in its chain");
        }
    }

    fn end_of_engine(&mut self, engine: usize) {
        let run = self.run_of(engine);
        for n in 0..self.plan.issuers {
            let wanted = match self.registry.tip(n) {
                Ok(tip) => tip,
                Err(fault) => return self.fail(format!("the registry is not well: {fault:#}")),
            };
            let date = self.date(engine);
            let Some(process) = self.alive(run) else {
                return self.fail(format!("engine {engine} does not run, and all is well"));
            };
            let follower = &process.followings[n].applier;
            let (tip, heard) = (*follower.tip(), follower.heard());
            if (tip.sequence, tip.digest) != (wanted.sequence, wanted.digest) {
                let what = format!(
                    "engine {engine} is at set {} of issuer {n}, and the chain is at {}; it wants {:?}, forked: {}",
                    tip.sequence,
                    wanted.sequence,
                    follower.wants(),
                    follower.is_forked()
                );
                return self.fail(what);
            }
            let words = process.words(n);
            if words != self.truth[n].words() {
                return self.fail(format!("engine {engine} has other words of issuer {n} than were signed"));
            }
            let age_ms = heard.map_or(u64::MAX, |heard| date.since(heard));
            if age_ms > 4_000 {
                return self.fail(format!("engine {engine} has heard nothing of issuer {n} for {age_ms} ms"));
            }
            let (files, _) = self.engines[engine].disk.used(&follow_folder(n));
            if files > FILES_MAX {
                return self.fail(format!("engine {engine} keeps {files} files of issuer {n}"));
            }
        }
        if self.plan.records {
            let now = self.now;
            let date = self.date(engine);
            while self.alive(run).is_some_and(|process| process.write(now, date)) {}
            match self.engines[engine].lost_records(false) {
                Ok(lost) if lost.is_empty() || self.engines[engine].is_rotten => {}
                Ok(lost) => self.fail(format!("engine {engine} does not have {} records", lost.len())),
                Err(why) => self.fail(format!("engine {engine}: {why}")),
            }
        }
    }

    /// Every record of a gate without a network is at its engine, once, and says what the gate said.
    fn end_of_lones(&mut self) {
        for lone in 0..self.lones.len() {
            let mut kept: BTreeMap<u64, (Verdict, u32)> = BTreeMap::new();
            let disk = self.engines[self.lones[lone].engine].disk.shared();
            let files = match Shelf::files(&disk, Path::new(SHELF)) {
                Ok(files) => files,
                Err(error) => return self.fail(format!("the shelf: {error}")),
            };
            let device = self.lones[lone].device;
            for file in files {
                let bytes = disk.read(&file, usize::MAX >> 1).unwrap_or_default();
                let Some(handover) = Handover::read_begun(&bytes) else {
                    return self.fail(format!("{} is no file of records", file.display()));
                };
                for record in handover.records.iter().filter(|_| handover.device == device) {
                    kept.entry(record.counter()).or_insert((record.verdict, 0)).1 += 1;
                }
            }
            let machine = &mut self.lones[lone];
            let waiting = machine.keeper.as_mut().map_or(0, |keeper| keeper.gate().book().waiting());
            let last = machine.given.keys().next_back().copied().unwrap_or(0);
            let lost: Vec<u64> = machine
                .given
                .iter()
                .filter(|(counter, verdict)| {
                    **counter + waiting <= last && kept.get(*counter).map(|(kept, _)| kept) != Some(*verdict)
                })
                .map(|(counter, _)| *counter)
                .collect();
            if !lost.is_empty() {
                self.fail(format!(
                    "records {lost:?} of lone gate {lone} are neither in its book nor on the shelf"
                ));
            }
            if waiting > 500 {
                self.fail(format!("{waiting} records of lone gate {lone} still wait"));
            }
            if let Some((counter, _)) = kept.iter().find(|(_, (_, times))| *times > 1) {
                self.fail(format!("record {counter} of lone gate {lone} is on the shelf more than once"));
            }
        }
    }
}
