//! The statuses of one issuer in 2 bits a holder, and what does not fit into them.

use std::collections::BTreeMap;

use hufu_codes::chain::Tip;
use hufu_sync::Words;
use hufu_table::{AsOf, ISSUER_SEGMENTS, Reader, SEGMENT_WORDS, TableFault};
use hufu_wire::chain::{Change, Changes};
use hufu_wire::limits::CHANGES_MAX;
use hufu_wire::{Colour, HolderIndex, IssuerId, Sequence, StatusMinute, StatusWord, TestResult, UnixMillis};

use crate::fault::ListFault;

/// How much memory one list may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Holders; four of them take a byte.
    pub holders_max: u32,
    /// Holders whose generation is not the usual one or whose colour has an end; each takes up to 17 bytes.
    pub exceptions_max: u32,
}

/// The statuses of one issuer, as of one place of its chain.
///
/// Of a holder it knows the colour, the generation and when the colour ends. Tests and doses are not in it. A holder
/// whose last test was positive is in it as unknown: not every site would admit such a holder.
pub struct OfflineList {
    issuer: IssuerId,
    room: Room,
    /// The generation that most holders have.
    usual: u8,
    /// Two bits a holder, the first holder in the lowest bits, as in a Token Status List.
    bits: Vec<u8>,
    holders: u32,
    exceptions: BTreeMap<u32, Exception>,
    sequence: Sequence,
    heard: Option<UnixMillis>,
    /// Holders who turned red in the last change set.
    turned_red: Vec<HolderIndex>,
}

/// What the bits do not say of a holder: the generation in the high 8 bits, and in the low 24 the minute in which the
/// colour ends, 0 for never. Small, because memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exception(u32);

/// Of an exception in memory: a leaf of the map has room for 11 entries of 8 bytes, and is half full or more.
const EXCEPTION_BYTES: usize = 17;

/// What one change set can make.
#[expect(clippy::cast_possible_truncation, reason = "32,768")]
const EXCEPTIONS_A_SET: u32 = CHANGES_MAX as u32;

/// Nothing is known of the holder.
pub(crate) const UNKNOWN: u8 = 3;

impl Room {
    /// Room for one issuer's `holders`, of whom one in 16 is an exception, and for the changes of one set.
    pub fn for_holders(holders: u32) -> Room {
        Room { holders_max: holders, exceptions_max: holders / 16 + EXCEPTIONS_A_SET }
    }
}

impl Default for Room {
    /// A large city with its region: 32 million holders, who take 8 MB.
    fn default() -> Room {
        Room::for_holders(1 << 25)
    }
}

impl OfflineList {
    /// An empty list at `tip`.
    pub(crate) fn empty(issuer: IssuerId, room: Room, usual: u8, as_of: AsOf) -> OfflineList {
        OfflineList {
            issuer,
            room,
            usual,
            bits: Vec::new(),
            holders: 0,
            exceptions: BTreeMap::new(),
            sequence: as_of.sequence,
            heard: as_of.heard,
            turned_red: Vec::new(),
        }
    }

    /// The list of what is in the table now. `tip` and `heard` are what the issuer's follower knew before this call: the
    /// words may be later ones, never earlier ones, and the change sets after `tip` make them equal again.
    ///
    /// # Errors
    /// [`ListFault::AnotherIssuer`] when the table does not have this issuer; [`ListFault::TooLarge`].
    pub(crate) fn of_table(
        table: &Reader,
        issuer: IssuerId,
        tip: &Tip,
        heard: Option<UnixMillis>,
        room: Room,
    ) -> Result<OfflineList, ListFault> {
        let slot = table.slot(issuer).ok_or(ListFault::AnotherIssuer { found: issuer })?;
        let segments =
            || (0..ISSUER_SEGMENTS).filter_map(|segment| Some((segment, table.copy_segment(slot, segment)?)));
        // Which generation is usual is known after a first walk.
        let mut generations = [0_u64; 256];
        for (_, words) in segments() {
            for word in words.iter().filter(|word| word.colour().is_some()) {
                generations[usize::from(word.generation())] += 1;
            }
        }
        let usual = (0..=u8::MAX).rev().max_by_key(|usual| generations[usize::from(*usual)]).unwrap_or(0);
        let mut list = OfflineList::empty(issuer, room, usual, AsOf { sequence: tip.sequence, heard });
        for (segment, words) in segments() {
            for (place, word) in (segment * SEGMENT_WORDS..).zip(words) {
                if word != StatusWord::UNKNOWN {
                    let holder = u32::try_from(place).unwrap_or(u32::MAX);
                    list.grow(holder).map_err(|found| room.too_many_holders(found))?;
                    list.store(holder, word);
                }
            }
            list.room.admit_exceptions(list.exceptions.len())?;
        }
        Ok(list)
    }

    /// Whose statuses these are.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// How current they are.
    pub fn as_of(&self) -> AsOf {
        AsOf { sequence: self.sequence, heard: self.heard }
    }

    /// Holders up to the last one with a known status.
    pub fn holders(&self) -> u32 {
        self.holders
    }

    /// Bytes of memory that it takes, about.
    pub fn memory_bytes(&self) -> usize {
        self.bits.capacity() + self.exceptions.len() * EXCEPTION_BYTES
    }

    /// The status of a holder, without tests and doses.
    pub fn status(&self, holder: HolderIndex) -> StatusWord {
        let value = self.value(holder.0);
        let exception = self.exceptions.get(&holder.0).copied().unwrap_or(self.default_of(value));
        match colour_of(value) {
            Some(colour) => StatusWord::new(colour, exception.generation()).with_until(exception.until()),
            None => StatusWord::UNKNOWN.with_generation(exception.generation()),
        }
    }

    /// The holders who turned red in the change set that was applied last.
    pub fn turned_red(&self) -> &[HolderIndex] {
        &self.turned_red
    }

    /// What a holder is without an exception.
    pub(crate) fn default_of(&self, value: u8) -> Exception {
        Exception::new(if value == UNKNOWN { 0 } else { self.usual }, 0)
    }

    pub(crate) fn usual(&self) -> u8 {
        self.usual
    }

    pub(crate) fn bits(&self) -> &[u8] {
        &self.bits
    }

    pub(crate) fn exceptions(&self) -> impl ExactSizeIterator<Item = (u32, Exception)> {
        self.exceptions.iter().map(|(holder, exception)| (*holder, *exception))
    }

    pub(crate) fn take_bits(&mut self, holders: u32, bits: Vec<u8>) {
        (self.holders, self.bits) = (holders, bits);
    }

    pub(crate) fn take_exceptions(&mut self, exceptions: BTreeMap<u32, Exception>) {
        self.exceptions = exceptions;
    }

    /// The last holder whose bits say something.
    pub(crate) fn last_known(&self) -> Option<u32> {
        let byte = self.bits.iter().rposition(|byte| *byte != 0xff)?;
        let place = (0..4).rev().find(|place| self.bits[byte] >> (place * 2) & 3 != UNKNOWN)?;
        u32::try_from(byte * 4).ok().map(|first| first + place)
    }

    pub(crate) fn value(&self, holder: u32) -> u8 {
        if holder >= self.holders {
            return UNKNOWN;
        }
        self.bits[holder as usize / 4] >> (holder % 4 * 2) & 3
    }

    /// Makes the list long enough for a holder, or says how long it would have to be.
    fn grow(&mut self, holder: u32) -> Result<(), u64> {
        if holder >= self.room.holders_max {
            return Err(u64::from(holder) + 1);
        }
        if holder >= self.holders {
            let bytes = holder as usize / 4 + 1;
            if bytes > self.bits.capacity() {
                // A part more than needed, not twice as much: memory is small here.
                self.bits.reserve_exact(bytes - self.bits.len() + bytes / 16);
            }
            self.bits.resize(bytes, 0xff);
            self.holders = holder + 1;
        }
        Ok(())
    }

    /// Keeps what a list can hold of this word, and says whether the holder turned red. There is room.
    fn store(&mut self, holder: u32, word: StatusWord) -> bool {
        let value = value_of(word);
        let turned_red = value == Colour::Red as u8 && self.value(holder) != value;
        let (byte, shift) = (&mut self.bits[holder as usize / 4], holder % 4 * 2);
        *byte = *byte & !(3 << shift) | value << shift;
        let until = word.until().filter(|_| may_end(value)).map_or(0, StatusMinute::get);
        let exception = Exception::new(word.generation(), until);
        if exception == self.default_of(value) {
            self.exceptions.remove(&holder);
        } else {
            self.exceptions.insert(holder, exception);
        }
        turned_red
    }
}

impl Exception {
    pub(crate) fn new(generation: u8, until: u32) -> Exception {
        Exception(u32::from(generation) << 24 | until & 0x00ff_ffff)
    }

    pub(crate) fn generation(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    pub(crate) fn until(self) -> StatusMinute {
        StatusMinute::new(self.0 & 0x00ff_ffff).unwrap_or(StatusMinute::MAX)
    }
}

/// The two bits that stand for a word.
fn value_of(word: StatusWord) -> u8 {
    match word.colour() {
        Some(Colour::Red) => Colour::Red as u8,
        // Sites refuse or refer this whatever the colour is, and the list has no place to say it.
        Some(_) if word.test_result() == TestResult::Positive => UNKNOWN,
        Some(colour) => colour as u8,
        None => UNKNOWN,
    }
}

/// Whether an end means anything: what is red is refused whatever its end is, and of what is unknown nothing can end.
pub(crate) fn may_end(value: u8) -> bool {
    value == Colour::Green as u8 || value == Colour::Amber as u8
}

fn colour_of(value: u8) -> Option<Colour> {
    Colour::ALL.into_iter().find(|colour| *colour as u8 == value)
}

impl Room {
    /// Bytes that a list has at most: none is larger packed than unpacked, some bytes for each block aside.
    pub(crate) fn file_bytes_max(self) -> usize {
        let unpacked = self.holders_max as usize / 4 + 9 * self.exceptions_max as usize;
        unpacked + unpacked / 64 + 4096
    }

    pub(crate) fn too_many_holders(self, found: u64) -> ListFault {
        ListFault::TooLarge { what: "holders", found, max: self.holders_max.into() }
    }

    pub(crate) fn admit_exceptions(self, found: usize) -> Result<(), ListFault> {
        let (found, max) = (found as u64, u64::from(self.exceptions_max));
        if found > max { Err(ListFault::TooLarge { what: "exceptions", found, max }) } else { Ok(()) }
    }
}

impl Words for OfflineList {
    fn issuer(&self) -> IssuerId {
        self.issuer
    }

    fn sequence(&self) -> Sequence {
        self.sequence
    }

    fn make_room(&mut self, changes: Changes<'_>) -> Result<(), TableFault> {
        let holder = changes.last_holder();
        self.turned_red.clear();
        // Every change may make an exception.
        let exceptions = self.exceptions.len() + changes.len();
        if exceptions > self.room.exceptions_max as usize {
            return Err(TableFault::Full {
                bytes: (changes.len() * EXCEPTION_BYTES) as u64,
                bytes_used: (self.exceptions.len() * EXCEPTION_BYTES) as u64,
                bytes_max: u64::from(self.room.exceptions_max) * EXCEPTION_BYTES as u64,
            });
        }
        let holders_max = self.room.holders_max.into();
        self.grow(holder.0).map_err(|_| TableFault::HolderOutOfRange { holder, holders_max })
    }

    fn word(&self, holder: HolderIndex) -> StatusWord {
        self.status(holder)
    }

    fn change(&mut self, holder: HolderIndex, change: Change) -> Result<(), TableFault> {
        let holders_max = self.room.holders_max.into();
        self.grow(holder.0).map_err(|_| TableFault::HolderOutOfRange { holder, holders_max })?;
        if self.store(holder.0, change.apply(self.status(holder))) {
            self.turned_red.push(holder);
        }
        Ok(())
    }

    fn advance(&mut self, sequence: Sequence, heard: UnixMillis) -> Result<(), TableFault> {
        let (issuer, held) = (self.issuer, self.sequence);
        if sequence < held {
            return Err(TableFault::Rollback { issuer, held, offered: sequence });
        }
        self.sequence = sequence;
        self.heard(heard);
        Ok(())
    }

    fn heard(&mut self, heard: UnixMillis) {
        self.heard = (heard != UnixMillis(0)).then_some(heard);
    }
}

impl core::fmt::Debug for OfflineList {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OfflineList")
            .field("issuer", &self.issuer)
            .field("sequence", &self.sequence)
            .field("holders", &self.holders)
            .field("exceptions", &self.exceptions.len())
            .finish_non_exhaustive()
    }
}
