//! Sealed rows in the store.

use async_trait::async_trait;
use hufu_wire::IssuerId;

use crate::fault::Fault;
use crate::trail::Entry;

/// A table with a sealed column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedTable {
    /// People.
    Holders,
    /// What is recorded of them.
    Facts,
    /// What they appeal against.
    Appeals,
    /// Evidence of who was bound to a user.
    Bindings,
}

/// A row that was sealed with another key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resealed {
    /// Its number in its table: a holder's index, the others' own.
    pub number: u64,
    /// The sealed bytes as they were read.
    pub was: Vec<u8>,
    /// The sealed bytes as they are to be.
    pub sealed: Vec<u8>,
}

/// What a new sealing key takes over.
#[async_trait]
pub trait SealedRows {
    /// Replaces sealed bytes that are still as they were read; answers how many it replaced.
    async fn reseal(
        &self,
        issuer: IssuerId,
        table: SealedTable,
        rows: &[Resealed],
        entry: &Entry,
    ) -> Result<u64, Fault>;
}

impl SealedTable {
    /// Every one.
    pub const ALL: [SealedTable; 4] =
        [SealedTable::Holders, SealedTable::Facts, SealedTable::Appeals, SealedTable::Bindings];

    /// What its rows are called.
    pub const fn name(self) -> &'static str {
        match self {
            SealedTable::Holders => "holders",
            SealedTable::Facts => "facts",
            SealedTable::Appeals => "appeals",
            SealedTable::Bindings => "bindings",
        }
    }
}
