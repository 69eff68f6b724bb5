//! The owner of the words.

use std::sync::Arc;

use hufu_wire::IssuerId;

use crate::fault::TableFault;
use crate::limits::Limits;
use crate::reader::Reader;
use crate::shared::Shared;
use crate::writer::Writer;

/// The status words of every issuer an engine follows. Hands out readers to checks and one writer an issuer to
/// whoever applies its changes; the memory lives until the last of them is gone.
pub struct Table {
    shared: Arc<Shared>,
}

impl Table {
    /// An empty table: every holder of every issuer is unknown.
    ///
    /// # Errors
    /// [`TableFault::BadLimits`], or [`TableFault::NoMemory`] for the directory.
    pub fn new(limits: Limits) -> Result<Table, TableFault> {
        Ok(Table { shared: Arc::new(Shared::new(limits)?) })
    }

    /// A reader, for checks (R11).
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.shared))
    }

    /// The issuer's one writer; the issuer gets a slot with its first.
    ///
    /// # Errors
    /// [`TableFault::WriterTaken`] while another is alive, [`TableFault::TooManyIssuers`].
    pub fn writer(&self, issuer: IssuerId) -> Result<Writer, TableFault> {
        let slot = self.shared.issuers.take(issuer)?;
        Ok(Writer::new(Arc::clone(&self.shared), issuer, slot))
    }
}
