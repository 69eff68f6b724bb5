//! What goes wrong, and how long.

use std::path::Path;

use super::processes::BOOT_MS;
use super::{Event, World};
use crate::disk::Trouble;
use crate::engine::follow_folder;
use crate::fault::{Fault, Kind};
use crate::net::Node;

impl World {
    fn place(&self, fault: &Fault) -> usize {
        usize::try_from(fault.on).unwrap_or(0) % self.plan.engines
    }

    fn node(&self, fault: &Fault) -> Node {
        let nodes = 1 + self.plan.engines + self.plan.lones + self.plan.gates;
        match usize::try_from(fault.on).unwrap_or(0) % nodes {
            0 => Node::Registry,
            n if n <= self.plan.engines => Node::Engine(n - 1),
            n if n <= self.plan.engines + self.plan.lones => Node::Lone(n - 1 - self.plan.engines),
            n => Node::Gate(n - 1 - self.plan.engines - self.plan.lones),
        }
    }

    /// A fault of the plan begins.
    pub(super) fn fault(&mut self, index: usize) {
        if self.is_calm() {
            return;
        }
        let fault = self.plan.faults[index];
        let Fault { lasts_ms, kind, much, .. } = fault;
        let engine = self.place(&fault);
        self.note(kind as u64);
        self.after(lasts_ms, Event::Ends(index));
        match kind {
            Kind::Loss | Kind::Delay | Kind::Reorder | Kind::Duplicate | Kind::Partition | Kind::OneWay => {
                let (now, node) = (self.now, self.node(&fault));
                self.net.trouble(now, node, &fault);
            }
            Kind::Kill => {
                if self.engines[engine].process.is_some() {
                    self.engines[engine].disk.die_after(much % 60);
                    let run = self.run_of(engine);
                    self.after(lasts_ms, Event::KillNow(run));
                }
            }
            Kind::PowerCut => self.power_cut(engine, lasts_ms),
            Kind::DiskError | Kind::DiskFull => {
                let trouble = if kind == Kind::DiskError { Trouble::Errors } else { Trouble::Full };
                self.engines[engine].disk.trouble(Some(trouble));
                self.is_excused[engine] = true;
                if let Some(lone) = self.lones.get(engine) {
                    lone.disk.trouble(Some(trouble));
                }
            }
            Kind::DiskSlow => self.slow_ms[engine] = 1 + much % 400,
            Kind::BitRot => self.rot(engine, much),
            Kind::ClockLeap | Kind::ClockDrift => self.wrong_clock(engine, &fault),
            Kind::RegistryKill => self.registry_kill(lasts_ms),
            Kind::OldBackup | Kind::OtherHistory => {
                if self.registry.is_up()
                    && let Err(error) = self.registry.back_up()
                {
                    self.fail(format!("a backup: {error:#}"));
                }
                self.after(lasts_ms, Event::Restore(kind == Kind::OtherHistory));
            }
            Kind::OldFolder => {
                let (attic, disk) = (&self.attic, &self.engines[engine].disk);
                attic.copy_folder(disk, Path::new("/state"), Path::new(&format!("/attic-{engine}")));
            }
            Kind::WrongFolder => {
                if self.plan.issuers > 1 {
                    let disk = self.engines[engine].disk.clone();
                    self.happened.count(kind);
                    self.exchange_folder(engine, || {
                        disk.copy_folder(&disk, &follow_folder(0), &follow_folder(1));
                    });
                }
            }
            Kind::FolderCopied => {
                let other = (engine + 1) % self.plan.engines;
                if other != engine {
                    let (from, to) = (self.engines[other].disk.clone(), self.engines[engine].disk.clone());
                    let issuers = self.plan.issuers;
                    self.happened.count(kind);
                    self.exchange_folder(engine, || {
                        (0..issuers)
                            .for_each(|n| to.copy_folder(&from, &follow_folder(n), &follow_folder(n)));
                    });
                }
            }
            Kind::GateRestart => {
                self.happened.count(kind);
                let gate = usize::try_from(fault.on).unwrap_or(0) % self.plan.gates;
                self.gates[gate].restart();
            }
            Kind::LoneRestart => {
                if let Some(lone) = self.lone_of(&fault) {
                    // Now, or in the middle of what its disk does next.
                    self.happened.count(kind);
                    self.lones[lone].disk.die_after(much % 12);
                }
            }
            Kind::LoneReboot => {
                if let Some(lone) = self.lone_of(&fault) {
                    self.happened.count(kind);
                    self.lones[lone].keeper = None;
                    self.after(BOOT_MS, Event::LoneBoot(lone, true));
                    // What took its power took the network's, too.
                    let cut = Fault { kind: Kind::Partition, lasts_ms: 3 * lasts_ms, ..fault };
                    if much.is_multiple_of(2) {
                        self.net.trouble(self.now, Node::Lone(lone), &cut);
                    }
                }
            }
            Kind::TrimmedFeed => self.trims = true,
            Kind::BadSnapshot => {
                // An engine begins with nothing, and needs one.
                (self.bad_snapshots, self.trims) = (true, true);
                let disk = self.engines[engine].disk.clone();
                let issuers = self.plan.issuers;
                self.exchange_folder(engine, || (0..issuers).for_each(|n| disk.forget(&follow_folder(n))));
            }
            Kind::LostWrite | Kind::TornWrite => {}
        }
    }

    fn lone_of(&self, fault: &Fault) -> Option<usize> {
        let lones = u64::try_from(self.lones.len()).unwrap_or(0);
        usize::try_from(fault.on.checked_rem(lones)?).ok()
    }

    /// A fault of the plan is over.
    pub(super) fn fault_ends(&mut self, index: usize) {
        let fault = self.plan.faults[index];
        let engine = self.place(&fault);
        match fault.kind {
            Kind::DiskError | Kind::DiskFull => {
                self.engines[engine].disk.trouble(None);
                if let Some(lone) = self.lones.get(engine) {
                    lone.disk.trouble(None);
                }
            }
            Kind::DiskSlow => self.slow_ms[engine] = 0,
            Kind::OldFolder => {
                let (attic, disk) = (self.attic.clone(), self.engines[engine].disk.clone());
                let from = format!("/attic-{engine}");
                if attic.used(Path::new(&from)).0 > 0 {
                    let issuers = self.plan.issuers;
                    self.happened.count(Kind::OldFolder);
                    self.exchange_folder(engine, || {
                        for n in 0..issuers {
                            let folder = follow_folder(n);
                            let kept =
                                Path::new(&from).join(folder.strip_prefix("/state").unwrap_or(&folder));
                            disk.copy_folder(&attic, &kept, &folder);
                        }
                    });
                }
            }
            Kind::TrimmedFeed => self.trims = false,
            Kind::BadSnapshot => (self.bad_snapshots, self.trims) = (false, false),
            _ => {}
        }
    }

    /// The operator stops an engine, exchanges files, and starts it.
    fn exchange_folder(&mut self, engine: usize, exchange: impl FnOnce()) {
        self.is_excused[engine] = true;
        self.end_process(engine);
        exchange();
        self.after(BOOT_MS, Event::Boot(engine, false));
    }

    fn rot(&mut self, engine: usize, much: u64) {
        let mut chance = self.chance.clone();
        self.chance.number();
        let disk = self.engines[engine].disk.clone();
        if much.is_multiple_of(4) {
            self.engines[engine].is_rotten = true;
            let folder = format!("/records-{}", self.engines[engine].record_folders);
            disk.rot(Path::new(&folder), &mut chance);
        } else {
            let n = usize::try_from(much).unwrap_or(0) % self.plan.issuers;
            self.is_excused[engine] = true;
            disk.rot(&follow_folder(n), &mut chance);
            // It is seen by who reads it again.
            self.kill_if_alive(self.run_of(engine));
        }
    }

    fn wrong_clock(&mut self, engine: usize, fault: &Fault) {
        self.happened.count(fault.kind);
        let sign = if fault.much.is_multiple_of(2) { 1 } else { -1 };
        let much = i64::try_from(fault.much).unwrap_or(0);
        let now = self.now;
        let clock = if fault.on.is_multiple_of(4) {
            &mut self.registry.clock
        } else {
            if let Some(process) = &mut self.engines[engine].process {
                process.uses.clock_was_set();
            }
            &mut self.engines[engine].clock
        };
        match fault.kind {
            // Seconds, minutes or hours.
            Kind::ClockLeap => clock.leap(
                sign * [much % 5_000, much * 5 % 120_000, much * 100 % 7_200_000]
                    [usize::try_from(fault.on % 3).unwrap_or(0)],
            ),
            _ => clock.drift(now, sign * (much % 20_000)),
        }
    }

    fn registry_kill(&mut self, lasts_ms: u64) {
        if !self.registry.is_up() {
            return;
        }
        self.happened.count(Kind::RegistryKill);
        self.subscribers.clear();
        if let Err(error) = self.registry.kill() {
            self.fail(format!("the registry's file: {error:#}"));
        }
        self.after(lasts_ms, Event::RegistryStart);
    }

    pub(super) fn registry_start(&mut self) {
        if self.registry.is_up() {
            return;
        }
        if let Err(error) = self.registry.start() {
            self.fail(format!("the registry does not start: {error:#}"));
        } else if !self.must_hand_in && !self.registry.has_all() {
            self.fail("a set that the registry took is not in its chain after it was killed");
        }
    }

    /// An operator restores an old backup.
    pub(super) fn restore(&mut self, signs_another: bool) {
        if self.is_calm() || self.must_hand_in || !self.registry.is_up() {
            return;
        }
        self.subscribers.clear();
        match self.registry.restore() {
            Ok(false) => {}
            Ok(true) if signs_another => {
                self.happened.count(Kind::OtherHistory);
                self.registry.forget_lost();
            }
            Ok(true) => {
                self.happened.count(Kind::OldBackup);
                self.must_hand_in = true;
                self.hand_in_again();
            }
            Err(error) => self.fail(format!("an old backup: {error:#}")),
        }
    }

    pub(super) fn hand_in_again(&mut self) {
        let now = self.now;
        match self.registry.hand_in_again(now) {
            Ok(()) => self.must_hand_in = false,
            // The registry's clock is wrong: again when it is right.
            Err(_) if self.registry.clock.ahead(now) != 0 => self.reach("handed in again later"),
            Err(error) => self.fail(format!("sets are not taken again: {error:#}")),
        }
    }
}
