//! Which of an issuer's lists must be written, and when. No I/O and no clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use hufu_table::{ISSUER_SEGMENTS, Reader, SEGMENT_WORDS, Slot};
use hufu_wire::{UnixSeconds, limits};

use crate::colours::{self, Amber};
use crate::fault::Fault;
use crate::list::StatusList;
use crate::shards::Shards;
use crate::signer::Signer;
use crate::token::{Claims, Format, write};

/// How lists are published.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Where, and how many holders each.
    pub shards: Shards,
    /// What amber is called.
    pub amber: Amber,
    /// After how many seconds a reader should fetch again.
    pub ttl_s: u32,
    /// For how many seconds after its date a list counts; more than `ttl_s`.
    pub valid_s: u32,
}

/// A list that was written.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its number.
    pub shard: u32,
    /// What it says.
    pub claims: Claims,
    /// The token of each format, in the order of [`Format::ALL`].
    pub tokens: [Arc<[u8]>; 2],
    /// Entries that are not [`VALID`](colours::VALID).
    pub not_valid: u64,
}

/// Writes one issuer's lists.
pub struct Publisher {
    terms: Terms,
    signer: Signer,
    reader: Reader,
    slot: Slot,
    written: Vec<Option<Written>>,
    /// The dates of an earlier run's lists: readers take nothing older.
    kept: BTreeMap<u32, UnixSeconds>,
    /// Where the next look begins: every list has its turn.
    next: u32,
}

/// What a list said last.
struct Written {
    list: StatusList,
    /// Its date.
    issued: UnixSeconds,
    /// The sequence and the minute at which its entries were read last: nothing changes in between.
    read: (u64, u32),
    /// Whether it reached no reader.
    is_lost: bool,
}

/// Most lists that one look writes, so that each is handed out soon, and a publisher can be stopped in between. At a look a
/// second the 4,096 lists that an engine follows at most take 64 s; they are due after 150 s, half of the usual `ttl_s`.
const AT_ONCE: usize = 64;

impl Publisher {
    /// Publishes what `reader` has of the issuer in `slot`.
    pub fn new(terms: Terms, signer: Signer, reader: Reader, slot: Slot) -> Publisher {
        Publisher { terms, signer, reader, slot, written: Vec::new(), kept: BTreeMap::new(), next: 0 }
    }

    /// An earlier run handed out this list with this date. It is not written before a head is as late, and its next date
    /// is a later one.
    pub fn not_before(&mut self, shard: u32, issued: UnixSeconds) {
        let kept = self.kept.entry(shard).or_insert(issued);
        *kept = issued.max(*kept);
    }

    /// The lists that have changed, or whose `ttl` is half over; at most 64 of them, the others at the next look. A list is
    /// dated by the issuer's last signed head and never by this clock: what a publisher without a feed repeats must not
    /// look fresh.
    ///
    /// # Errors
    /// [`Fault::Key`] when signing fails.
    pub fn look(&mut self, now: UnixSeconds) -> Result<Vec<Published>, Fault> {
        let as_of = self.reader.as_of(self.slot);
        // Nobody is published before the first head, nor in the time of a clock that is wrong.
        let Some(issued) = as_of.heard.map(hufu_wire::UnixMillis::seconds) else { return Ok(Vec::new()) };
        if issued.0 > now.0.saturating_add(limits::NOT_BEFORE_TOLERANCE_S) {
            return Ok(Vec::new());
        }
        // Colours end at minutes.
        let state = (as_of.sequence.0, now.0 / 60);
        let count = self.count();
        self.written.resize_with(count as usize, || None);
        let mut published = Vec::new();
        for shard in (0..count).map(|nth| (self.next % count + nth) % count) {
            if published.len() == AT_ONCE {
                self.next = shard;
                break;
            }
            let written = self.written[shard as usize].as_ref();
            let kept = self.kept.get(&shard).copied().filter(|_| written.is_none());
            if kept.is_some_and(|kept| issued < kept) {
                continue;
            }
            let is_lost = written.is_some_and(|written| written.is_lost);
            let half = self.terms.ttl_s.div_ceil(2);
            let due = is_lost || written.is_none_or(|list| issued.0 >= list.issued.0.saturating_add(half));
            let is_read = written.is_some_and(|written| written.read == state);
            if is_read && !due {
                continue;
            }
            let list = match written {
                Some(written) if is_read => written.list.clone(),
                _ => self.collect(shard, now),
            };
            let before = written.map(|written| written.issued).or(kept);
            let is_same = written.is_some_and(|written| written.list == list);
            let issued = match before {
                Some(before) if is_same && !due => before,
                // What could not be handed out has its date still: trying again makes nothing look fresh.
                Some(before) if is_same && is_lost => issued.max(before),
                // No two lists have one date, so that readers can tell which is the later one.
                Some(before) => UnixSeconds(issued.0.max(before.0.saturating_add(1))),
                None => issued,
            };
            if is_lost || before != Some(issued) {
                published.push(self.publish(shard, &list, issued)?);
            }
            self.written[shard as usize] = Some(Written { list, issued, read: state, is_lost: false });
        }
        Ok(published)
    }

    /// A list could not be handed out: the next look writes it again.
    pub fn lost(&mut self, shard: u32) {
        if let Some(written) = self.written.get_mut(shard as usize).and_then(Option::as_mut) {
            written.is_lost = true;
        }
    }

    /// As many lists as reach the last segment in which a holder is known; one at least.
    fn count(&self) -> u32 {
        let last = (0..ISSUER_SEGMENTS).rev().find(|segment| self.reader.has_segment(self.slot, *segment));
        let last = last.map_or(0, |segment| (segment + 1) * SEGMENT_WORDS - 1);
        let last = u32::try_from(last).unwrap_or(u32::MAX);
        last / self.terms.shards.entries() + 1
    }

    fn collect(&self, shard: u32, now: UnixSeconds) -> StatusList {
        let Terms { shards, amber, .. } = &self.terms;
        let first = shards.first(shard).unwrap_or(hufu_wire::HolderIndex(u32::MAX));
        colours::collect((&self.reader, self.slot), first, shards.entries(), *amber, now)
    }

    fn publish(&self, shard: u32, list: &StatusList, issued: UnixSeconds) -> Result<Published, Fault> {
        let Terms { shards, ttl_s, valid_s, .. } = &self.terms;
        let expires = Some(UnixSeconds(issued.0.saturating_add(*valid_s)));
        let claims = Claims { uri: shards.uri(shard), issued, expires, ttl_s: Some(*ttl_s) };
        let zlib = list.deflate();
        let token = |format| write(format, &claims, list.bits(), &zlib, &self.signer).map(Arc::from);
        let [jwt, cwt] = Format::ALL.map(token);
        let entries = 0..u64::from(shards.entries());
        let not_valid = entries.filter(|index| list.get(*index) != Some(colours::VALID)).count() as u64;
        Ok(Published { shard, tokens: [jwt?, cwt?], claims, not_valid })
    }

    /// How lists are published.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }
}
