//! What goes wrong, by plan, and how often it did.

macro_rules! kinds {
    ($($(#[doc = $what:literal])+ $name:ident $slug:literal,)+) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[doc = $what])+ $name,)+
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Kind] = &[$(Kind::$name,)+];

            /// What reports call it.
            pub const fn slug(self) -> &'static str {
                match self {
                    $(Kind::$name => $slug,)+
                }
            }
        }
    };
}

kinds! {
    /// Datagrams and messages are lost.
    Loss "loss",
    /// They take long.
    Delay "delay",
    /// They overtake each other.
    Reorder "reorder",
    /// They come twice.
    Duplicate "duplicate",
    /// A machine is cut off.
    Partition "partition",
    /// A machine hears and is not heard, or the other way round.
    OneWay "one-way",
    /// A process is killed, in the middle of whatever its disk does.
    Kill "kill",
    /// A machine loses its power.
    PowerCut "power-cut",
    /// A write that was not synced was not there after a power cut.
    LostWrite "lost-write",
    /// A part of a write was there after a power cut.
    TornWrite "torn-write",
    /// The disk answers with an error.
    DiskError "disk-error",
    /// The disk is full.
    DiskFull "disk-full",
    /// The disk is slow.
    DiskSlow "disk-slow",
    /// A bit on the disk is another one.
    BitRot "bit-rot",
    /// A clock leaps.
    ClockLeap "clock-leap",
    /// A clock drifts.
    ClockDrift "clock-drift",
    /// The registry is killed.
    RegistryKill "registry-kill",
    /// The registry goes on from an old backup, and the authorities hand in again what it lost.
    OldBackup "old-backup",
    /// The registry goes on from an old backup, and the authorities sign another history.
    OtherHistory "other-history",
    /// An engine is given a copy of its own folder as it was before.
    OldFolder "old-folder",
    /// An engine is given the folder of another issuer.
    WrongFolder "wrong-folder",
    /// An engine is given the folder of another engine.
    FolderCopied "folder-copied",
    /// A gate is switched off and on.
    GateRestart "gate-restart",
    /// The program of a gate without a network is started again.
    LoneRestart "lone-restart",
    /// The machine of a gate without a network is started again.
    LoneReboot "lone-reboot",
    /// A feed no longer has the sets that are asked for.
    TrimmedFeed "trimmed-feed",
    /// A feed hands out a snapshot that is damaged, or none.
    BadSnapshot "bad-snapshot",
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When, milliseconds since the beginning.
    pub at_ms: u64,
    /// For how long, milliseconds.
    pub lasts_ms: u64,
    /// What.
    pub kind: Kind,
    /// At which machine.
    pub on: u64,
    /// How much, or with what.
    pub much: u64,
}

/// How often each kind took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened(Vec<u64>);

impl Default for Happened {
    fn default() -> Happened {
        Happened(vec![0; Kind::ALL.len()])
    }
}

impl Happened {
    /// It took effect.
    pub(crate) fn count(&mut self, kind: Kind) {
        self.add(kind, 1);
    }

    /// It took effect so often.
    pub(crate) fn add(&mut self, kind: Kind, times: u64) {
        self.0[kind as usize] += times;
    }

    /// How often it took effect.
    pub fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    /// All of another run's, too.
    pub(crate) fn join(&mut self, other: &Happened) {
        self.0.iter_mut().zip(&other.0).for_each(|(sum, more)| *sum += more);
    }

    /// The kinds that never took effect.
    pub(crate) fn missing(&self) -> Vec<Kind> {
        Kind::ALL.iter().copied().filter(|kind| self.of(*kind) == 0).collect()
    }
}
