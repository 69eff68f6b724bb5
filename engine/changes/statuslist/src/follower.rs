//! The lists of one foreign issuer, as tokens arrive: verified, never older than before, written into the table. No I/O
//! and no clock.

use hufu_table::{TableFault, Writer};
use hufu_wire::{HolderIndex, IssuerId, Sequence, UnixSeconds};

use crate::colours;
use crate::fault::Fault;
use crate::keys::Keys;
use crate::shards::Shards;
use crate::token::{Claims, Expected, Token, look, read};

/// Shortest time between two fetches that a publisher's `ttl` can ask for, seconds.
const FETCH_S_MIN: u32 = 10;

/// Follows one issuer's lists.
pub struct Follower {
    writer: Writer,
    shards: Shards,
    /// What every list must have; any number where there is one list and nothing was agreed.
    entries: Option<u64>,
    keys: Keys,
    held: Vec<Option<Held>>,
    /// Of when the oldest list was in an earlier run: nothing older is taken.
    floor: UnixSeconds,
}

/// The newest token of a list.
struct Held {
    claims: Claims,
    entries: u64,
    /// Whether its time was over, and what it said is forgotten.
    forgotten: bool,
}

/// What a token changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Holders whose colour is another.
    pub changed: u64,
    /// Entries of the list.
    pub entries: u64,
    /// Of when it is.
    pub issued: UnixSeconds,
}

impl Follower {
    /// Follows `count` lists. `entries` is agreed with the publisher.
    pub fn new(writer: Writer, shards: Shards, count: u32, entries: Option<u64>, keys: Keys) -> Follower {
        let entries = if count > 1 { Some(shards.entries().into()) } else { entries };
        let held = (0..count.max(1)).map(|_| None).collect();
        Follower { writer, shards, entries, keys, held, floor: UnixSeconds(0) }
    }

    /// Takes nothing that is older than this: what an earlier run had seen, should its tokens be lost.
    pub fn not_before(&mut self, floor: UnixSeconds) {
        self.floor = floor;
    }

    /// Whose lists.
    pub fn issuer(&self) -> IssuerId {
        self.writer.issuer()
    }

    /// How many lists there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.held.len()).unwrap_or(u32::MAX)
    }

    /// Where a list is.
    pub fn uri(&self, shard: u32) -> String {
        self.shards.uri(shard)
    }

    /// Takes a token that arrived. What is refused changes nothing.
    ///
    /// # Errors
    /// [`Fault`]; [`Fault::Older`] for one that is older than the newest (R22).
    pub fn take(&mut self, shard: u32, token: &[u8], now: UnixSeconds) -> Result<Taken, Fault> {
        let uri = self.shards.uri(shard);
        let token = read(token, &self.keys, &Expected { uri: Some(&uri), entries: self.entries, now })?;
        self.put(shard, token, now)
    }

    /// Takes the token that was kept over a restart: also one that has expired meanwhile, which then only says how old a
    /// new one may be.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn recall(&mut self, shard: u32, token: &[u8], now: UnixSeconds) -> Result<Taken, Fault> {
        let (uri, then) = (self.shards.uri(shard), look(token)?.claims.issued);
        // An expired one is read as of its own time, and one of the future as of now.
        let at = UnixSeconds(then.0.min(now.0));
        let token = read(token, &self.keys, &Expected { uri: Some(&uri), entries: self.entries, now: at })?;
        self.put(shard, token, now)
    }

    fn put(&mut self, shard: u32, token: Token, now: UnixSeconds) -> Result<Taken, Fault> {
        let no_room = |fault: TableFault| Fault::NoRoom(fault.to_string());
        let Token { claims, list, .. } = token;
        let first = self.shards.first(shard).ok_or_else(|| Fault::NoRoom("no such holders".to_owned()))?;
        let held =
            self.held.get_mut(shard as usize).ok_or_else(|| Fault::NoRoom("no such list".to_owned()))?;
        let before = held.as_ref().map_or(0, |held| held.entries);
        let newest = held.as_ref().map_or(self.floor, |held| held.claims.issued.max(self.floor));
        if newest > claims.issued {
            return Err(Fault::Older { found: claims.issued.0, held: newest.0 });
        }
        // What fills the last byte is of no holder, or of the first holders of the next list.
        let entries = self.entries.map_or(list.entries(), |agreed| agreed.min(list.entries()));
        let (issued, forgotten) = (claims.issued, claims.expired(now));
        let changed = if forgotten {
            0
        } else {
            // Room first: a list is applied whole or not at all.
            let last = u64::from(first.0).saturating_add(entries).min(1 << 32) - 1;
            let each = (u64::from(first.0)..=last).step_by(hufu_table::SEGMENT_WORDS).chain([last]);
            let each = each.map(|holder| HolderIndex(u32::try_from(holder).unwrap_or(u32::MAX)));
            self.writer.make_room_for(each).map_err(no_room)?;
            colours::apply(&list, &mut self.writer, first, entries).map_err(no_room)?
        };
        *held = Some(Held { claims, entries, forgotten });
        if let Some(less) = before.checked_sub(entries).filter(|less| *less > 0) {
            let rest = u64::from(first.0).saturating_add(entries);
            if let Ok(rest) = u32::try_from(rest) {
                colours::forget(&mut self.writer, HolderIndex(rest), less).map_err(no_room)?;
            }
        }
        self.advance().map_err(no_room)?;
        Ok(Taken { changed, entries, issued })
    }

    /// Forgets what lists said whose time is over. Returns their numbers, each once.
    pub fn look(&mut self, now: UnixSeconds) -> Vec<u32> {
        let mut ended = Vec::new();
        for (shard, held) in (0..).zip(&mut self.held) {
            let Some(held) = held.as_mut().filter(|held| !held.forgotten && held.claims.expired(now)) else {
                continue;
            };
            held.forgotten = true;
            if let Some(first) = self.shards.first(shard) {
                // Every holder has room: it had a word before.
                let _ = colours::forget(&mut self.writer, first, held.entries);
            }
            ended.push(shard);
        }
        ended
    }

    /// Of when the oldest list is; `None` until each has come once.
    pub fn as_of(&self) -> Option<UnixSeconds> {
        let issued = self.held.iter().map(|held| held.as_ref().map(|held| held.claims.issued));
        issued.collect::<Option<Vec<_>>>()?.into_iter().min()
    }

    /// Entries of all lists that have come.
    pub fn entries(&self) -> u64 {
        self.held.iter().flatten().map(|held| held.entries).sum()
    }

    /// Seconds until a list should be fetched again: as often as the operator says, more often where its `ttl` is
    /// shorter, and never more often than every ten seconds for that.
    pub fn wait_s(&self, interval_s: u32) -> u32 {
        let ttls = self.held.iter().flatten().filter_map(|held| held.claims.ttl_s);
        ttls.map(|ttl_s| ttl_s.max(FETCH_S_MIN)).chain([interval_s]).min().unwrap_or(interval_s)
    }

    /// The whole issuer is as old as its oldest list: its age is never told too young.
    fn advance(&mut self) -> Result<(), TableFault> {
        let Some(as_of) = self.as_of() else { return Ok(()) };
        let sequence = Sequence(as_of.0.into()).max(self.writer.sequence());
        self.writer.advance(sequence, as_of.millis())
    }
}
