//! What a run is made of. All of it follows from the seed, and can be made less where less still fails.

use crate::chance::Chance;
use crate::fault::{Fault, Kind};

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What it follows from.
    pub seed: u64,
    /// How long things go wrong, milliseconds.
    pub length_ms: u64,
    /// How long everything must be well after that, milliseconds.
    pub calm_ms: u64,
    /// Engines.
    pub engines: usize,
    /// Gates.
    pub gates: usize,
    /// Gates that go on without a network.
    pub lones: usize,
    /// Issuers, each with a chain.
    pub issuers: usize,
    /// Whether engines keep records.
    pub records: bool,
    /// Between two scans of a gate, milliseconds, about.
    pub pace_ms: u64,
    /// What goes wrong, in order.
    pub faults: Vec<Fault>,
}

/// Long enough for a restart, a silent feed, a backoff and a checkpoint after it.
const CALM_MS: u64 = 60_000;

/// Gates that a crowd has beside the others: engines know 64 devices, and gates without a network are those from 40 on.
const CROWD_GATES: usize = 30;

/// Kinds that a plan may name; the others follow from these.
const PLANNED: [Kind; 25] = [
    Kind::Loss,
    Kind::Delay,
    Kind::Reorder,
    Kind::Duplicate,
    Kind::Partition,
    Kind::OneWay,
    Kind::Kill,
    Kind::PowerCut,
    Kind::DiskError,
    Kind::DiskFull,
    Kind::DiskSlow,
    Kind::BitRot,
    Kind::ClockLeap,
    Kind::ClockDrift,
    Kind::RegistryKill,
    Kind::OldBackup,
    Kind::OtherHistory,
    Kind::OldFolder,
    Kind::WrongFolder,
    Kind::FolderCopied,
    Kind::GateRestart,
    Kind::LoneRestart,
    Kind::LoneReboot,
    Kind::TrimmedFeed,
    Kind::BadSnapshot,
];

impl Plan {
    /// The run that follows from a seed.
    pub fn of(seed: u64) -> Plan {
        let mut chance = Chance::new(seed ^ 0x706c_616e);
        let chance = &mut chance;
        let length_ms = chance.between(60_000, 180_000);
        let mut plan = Plan {
            seed,
            length_ms,
            calm_ms: CALM_MS,
            engines: 1 + chance.place(3),
            gates: 2 + chance.place(7),
            lones: chance.place(4).min(2),
            issuers: 1 + chance.place(2),
            records: !chance.permille(250),
            pace_ms: chance.between(15, 120),
            faults: Vec::new(),
        };
        // A run of its own has few kinds: what one hides, another shows.
        let kinds: Vec<Kind> =
            (0..3 + chance.place(6)).map(|_| PLANNED[chance.place(PLANNED.len())]).collect();
        let faults = 3 + chance.place(38);
        for _ in 0..faults {
            plan.faults.push(Fault {
                at_ms: chance.between(5_000, length_ms),
                lasts_ms: chance.between(500, 20_000),
                kind: kinds[chance.place(kinds.len())],
                on: chance.below(1 << 16),
                much: chance.below(1 << 16),
            });
        }
        plan.faults.sort_by_key(|fault| fault.at_ms);
        plan
    }

    /// The same with crowds: many more gates, at which people come as fast as they are let through.
    #[must_use]
    pub fn crowded(mut self) -> Plan {
        self.gates += CROWD_GATES;
        self.pace_ms = self.pace_ms / 8 + 2;
        self
    }
}
