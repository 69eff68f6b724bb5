//! How checks travel in connections.

/// What travels on the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carriage {
    /// Every check in a datagram of its own.
    Datagrams,
    /// So many checks in each batch, every batch on a stream.
    Batches(usize),
    /// Rosters of so many members each; the rate counts members.
    Rosters(u32),
}

impl Carriage {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Carriage::Datagrams => "quic-datagrams",
            Carriage::Batches(_) => "quic-batches",
            Carriage::Rosters(_) => "quic-rosters",
        }
    }

    /// Checks that leave together.
    pub(crate) fn together(self) -> u32 {
        match self {
            Carriage::Datagrams => 1,
            Carriage::Batches(checks) => u32::try_from(checks).unwrap_or(u32::MAX).max(1),
            Carriage::Rosters(members) => members.max(1),
        }
    }
}
