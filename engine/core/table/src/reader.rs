//! What checks see of the table.

use std::sync::Arc;
#[cfg(not(loom))]
use std::{io, ptr};

use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusWord, prefetch};

use crate::head::{AsOf, Head};
use crate::issuers::Slot;
#[cfg(not(loom))]
use crate::memory::{MemoryUse, kernel_view};
#[cfg(not(loom))]
use crate::published::Published;
#[cfg(not(loom))]
use crate::segment::SEGMENT_BYTES;
use crate::shared::Shared;
use crate::sync::{AtomicU64, Ordering};

/// Reads status words. Cheap to clone, usable from every thread, takes no lock, allocates nothing and cannot
/// write:
///
/// ```compile_fail,E0599
/// # use hufu_table::{Limits, Table};
/// # use hufu_wire::{Colour, HolderIndex, StatusWord};
/// # let table = Table::new(Limits::for_holders(1, 1)).unwrap();
/// // R11: there is nothing to write with.
/// table.reader().set(HolderIndex(0), StatusWord::new(Colour::Green, 0));
/// ```
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>) -> Reader {
        Reader { shared }
    }

    /// The issuer's slot; `None` while nobody follows this issuer. Ask once and keep it.
    #[inline]
    pub fn slot(&self, issuer: IssuerId) -> Option<Slot> {
        self.shared.issuers.find(issuer)
    }

    /// Every issuer that has a slot, in no order.
    pub fn issuers(&self) -> impl Iterator<Item = (IssuerId, Slot)> {
        self.shared.issuers.all()
    }

    /// How current the words are that this thread reads *after* this call: they include at least every change up
    /// to the sequence returned, perhaps later ones. Words read before the call promise nothing.
    #[inline]
    pub fn as_of(&self, slot: Slot) -> AsOf {
        const NEVER: AsOf = AsOf { sequence: Sequence(0), heard: None };
        self.shared.heads.get(slot.index()).map_or(NEVER, Head::read)
    }

    /// The holder's word; [`StatusWord::UNKNOWN`] where none was written.
    #[inline]
    pub fn lookup(&self, slot: Slot, holder: HolderIndex) -> StatusWord {
        load(self.shared.word(slot, holder))
    }

    /// The words of many holders, each as [`lookup`](Self::lookup) gives it, in the same order. The words are
    /// asked for in groups of sixteen before they are loaded, so that their cache misses overlap.
    ///
    /// # Panics
    /// When `holders` and `words` differ in length.
    pub fn lookup_batch(&self, holders: &[(Slot, HolderIndex)], words: &mut [StatusWord]) {
        assert_eq!(holders.len(), words.len(), "one word for each holder");
        for (holders, words) in holders.chunks(GROUP).zip(words.chunks_mut(GROUP)) {
            let mut found: [Option<&AtomicU64>; GROUP] = [None; GROUP];
            for (found, &(slot, holder)) in found.iter_mut().zip(holders) {
                *found = self.shared.word(slot, holder);
                if let Some(word) = found {
                    prefetch(word);
                }
            }
            for (word, found) in words.iter_mut().zip(found) {
                *word = load(found);
            }
        }
    }
}

#[cfg(not(loom))]
impl Reader {
    /// What the words cost. Asks the kernel, which takes milliseconds and memory: for reports, not for checks.
    ///
    /// # Errors
    /// When the kernel's answer cannot be read.
    pub fn memory(&self) -> io::Result<MemoryUse> {
        let words = |(_, slot)| self.shared.directory(slot).into_iter().flatten().filter_map(Published::get);
        let segments: Vec<usize> =
            self.issuers().flat_map(words).map(|words| ptr::from_ref(words).addr()).collect();
        Ok(MemoryUse {
            segments: segments.len(),
            bytes: (segments.len() * SEGMENT_BYTES) as u64,
            bytes_reserved: self.shared.budget.bytes_used(),
            bytes_max: self.shared.limits.bytes_max,
            kernel: kernel_view(segments)?,
        })
    }

    /// Whether any holder of a segment was ever known.
    pub fn has_segment(&self, slot: Slot, segment: usize) -> bool {
        self.shared.directory(slot).and_then(|all| all.get(segment)).is_some_and(|one| one.get().is_some())
    }

    /// Copies the words of one segment of [`SEGMENT_WORDS`](crate::SEGMENT_WORDS) holders, `None` if no holder in it was
    /// ever known. Segments are numbered from 0, below [`ISSUER_SEGMENTS`](crate::ISSUER_SEGMENTS).
    pub fn copy_segment(&self, slot: Slot, segment: usize) -> Option<Vec<StatusWord>> {
        let words = self.shared.directory(slot)?.get(segment)?.get()?;
        Some(words.iter().map(|word| load(Some(word))).collect())
    }
}

/// Cache misses that this kind of machine keeps in flight at once.
const GROUP: usize = 16;

#[inline]
fn load(word: Option<&AtomicU64>) -> StatusWord {
    // Acquire: pairs with Release in Writer::set; whoever sees one word of a change set sees those set before it.
    word.map_or(StatusWord::UNKNOWN, |word| StatusWord::from_bits(word.load(Ordering::Acquire)))
}
