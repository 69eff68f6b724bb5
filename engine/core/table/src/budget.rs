//! The bound on the table's memory: whoever allocates holds a reservation.

use std::sync::Arc;

use crate::fault::TableFault;
use crate::sync::{AtomicU64, Ordering};

/// Bytes in use of those the table may use.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes_used: AtomicU64,
    bytes_max: u64,
}

/// Bytes that are accounted for until this is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(bytes_max: u64) -> Arc<Budget> {
        Arc::new(Budget { bytes_used: AtomicU64::new(0), bytes_max })
    }

    pub(crate) fn reserve(self: &Arc<Budget>, bytes: u64) -> Result<Reservation, TableFault> {
        let grown = |used: u64| used.checked_add(bytes).filter(|&grown| grown <= self.bytes_max);
        // Relaxed: a count guards no memory, and fetch_update never goes past the bound.
        match self.bytes_used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown) {
            Ok(_) => Ok(Reservation { budget: Arc::clone(self), bytes }),
            Err(bytes_used) => Err(TableFault::Full { bytes, bytes_used, bytes_max: self.bytes_max }),
        }
    }

    /// Bytes reserved now.
    #[cfg(not(loom))]
    pub(crate) fn bytes_used(&self) -> u64 {
        self.bytes_used.load(Ordering::Relaxed)
    }
}

impl Reservation {
    /// Takes `bytes`, which are not more than it has, out of it as a reservation of their own.
    pub(crate) fn split(&mut self, bytes: u64) -> Reservation {
        self.bytes -= bytes;
        Reservation { budget: Arc::clone(&self.budget), bytes }
    }

    /// Keeps the bytes accounted for as long as the budget lives: what they are for is never given back.
    pub(crate) fn keep(mut self) {
        self.bytes = 0;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.bytes_used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
