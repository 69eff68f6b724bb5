//! Pass-back: a presentation that opened one gate opens no other inside the window (R09).

use core::hash::Hasher;

use crossbeam_utils::Backoff;
use hufu_policy::PassBackBy;
use hufu_wire::{HolderIndex, IssuerId, Step, UnixSeconds, prefetch};
use portable_atomic::{AtomicU128, Ordering::Acquire, Ordering::Release};
use siphasher::sip::SipHasher24;

use self::entry::Entry;
pub use self::gate::Gate;

mod entry;
mod gate;

/// Entries that share a cache line; a holder can be in no other.
const WAYS: usize = 4;
/// Attempts to claim a place under contention before giving up on remembering.
const ATTEMPTS: usize = 16;

/// A bounded, lock-free memory of admissions: with which step each holder was last admitted, where and when.
///
/// Keyed by holder under a secret, never by signature bytes, so that no one can aim at another holder's place
/// or dodge their own by re-encoding. It keeps the *latest* step: with a presentation those of the steps before
/// it can be made (docs/decisions/0001-step-tree.md), so an earlier step counts as used with a later
/// one, and how many of the earlier ones were used nowhere else. When a line is full its oldest entry gives way,
/// which is counted while its window still ran.
///
/// # Why two gates cannot both be first
/// A claim reads its line and, where the holder is missing, swaps itself for the entry that is least by
/// (second, place). Seconds in a place never fall, because a claim takes the later of its own clock and the
/// entry it replaces. Suppose A swapped place v and B place w for the same holder, neither having seen
/// the other. A read w before B's swap, so A's w is at most B's; B read v before A's swap, so B's v is at most
/// A's. A chose v and B chose w, so A's v ≤ A's w ≤ B's w ≤ B's v ≤ A's v: all are equal, and v = w. But of
/// two swaps of one unchanged place only one succeeds; the other claimant reads again and finds the winner.
/// Only a clock set back by more than a minute lets a second fall: an entry from before counts as one of the second
/// in which it is met, because its age is unknown.
pub struct PassBack {
    lines: Box<[Line]>,
    key: [u8; 16],
}

#[derive(Default)]
#[repr(align(64))]
struct Line([AtomicU128; WAYS]);

/// What was shown, as pass-back tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Whose table the holder is in.
    pub issuer: IssuerId,
    /// Who was admitted.
    pub holder: HolderIndex,
    /// With the presentation of which step; `None` for codes that have none, which are all one and the same.
    pub step: Option<Step>,
}

/// What was shown, by the place that may remember it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sought {
    hash: u64,
    step: Option<Step>,
}

/// What claiming a presentation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Neither it nor a later one was used inside the window; it is this gate's now.
    First {
        /// An entry whose window may still have run had to give way.
        evicted: bool,
    },
    /// The same gate used it: a retransmission, or the holder shows it there once more.
    Again,
    /// It was not used, and is not used now, because the request may have been sent before. Never an admission.
    Unclaimed,
    /// Another gate used it, or a later one of the same holder, inside the window.
    Elsewhere,
    /// Too many gates want places in the same line at this instant to tell.
    Contended,
}

/// How long a use counts, and whether this one may begin to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Seconds for which a use elsewhere counts at the site that asks; 0 switches pass-back off there.
    pub here_s: u32,
    /// The longest such window of any site: what gives way inside it is counted as evicted.
    pub longest_s: u32,
    /// Whether this very request was seen before, or may have been. It may repeat a claim and never starts one:
    /// otherwise a captured packet, replayed once a window, would shut its holder out of all other gates.
    pub repeated: bool,
    /// What counts as another gate at the site that asks.
    pub by: PassBackBy,
}

impl PassBack {
    /// Room for at least `entries` holders, 16 bytes each, rounded up to a power of two.
    pub fn new(entries: usize, key: [u8; 16]) -> PassBack {
        let lines = entries.div_ceil(WAYS).next_power_of_two();
        PassBack { lines: (0..lines).map(|_| Line::default()).collect(), key }
    }

    /// Holders there is room for.
    pub fn capacity(&self) -> usize {
        self.lines.len() * WAYS
    }

    /// Claims a presentation for `gate`. A window of 0 seconds remembers nothing and is always first.
    #[inline]
    pub fn claim(&self, shown: Use, gate: Gate, now: UnixSeconds, windows: Windows) -> Claim {
        if windows.here_s == 0 {
            return Claim::First { evicted: false };
        }
        self.claim_sought(self.look_for(shown), gate, now, windows)
    }

    /// Where a presentation would be remembered. The memory is larger than any cache: of a batch, look for all before
    /// the first is claimed.
    #[inline]
    pub(crate) fn look_for(&self, shown: Use) -> Sought {
        let hash = self.hash(shown);
        prefetch(self.line(hash));
        Sought { hash, step: shown.step }
    }

    /// The same for a certificate of another system, by a digest of its identifier.
    pub fn claim_foreign(&self, id: u64, gate: Gate, now: UnixSeconds, windows: Windows) -> Claim {
        if windows.here_s == 0 {
            return Claim::First { evicted: false };
        }
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write_u64(id);
        // Neither a holder's paper nor a phone.
        hasher.write_u8(2);
        self.claim_sought(Sought { hash: hasher.finish(), step: None }, gate, now, windows)
    }

    /// As [`claim`](Self::claim), with a window that is not 0.
    #[inline]
    pub(crate) fn claim_sought(
        &self,
        Sought { hash, step }: Sought,
        gate: Gate,
        now: UnixSeconds,
        windows: Windows,
    ) -> Claim {
        #[cfg(feature = "planted")]
        if hufu_wire::planted::rare(4096) {
            return Claim::Contended;
        }
        let mine = Entry::new(hash, step, gate, now);
        let line = &self.line(hash).0;
        let contention = Backoff::new();
        for _ in 0..ATTEMPTS {
            // Acquire: pairs with the Release of the swap below, so that a failed swap's retry sees the winner.
            let seen: [Entry; WAYS] = core::array::from_fn(|way| Entry::of(line[way].load(Acquire)));
            let known = seen.iter().position(|entry| entry.fingerprint == mine.fingerprint);
            let place = known.unwrap_or_else(|| first_to_go(&seen, now));
            let there = seen[place];
            let swap =
                |to: Entry| line[place].compare_exchange(there.bits(), to.bits(), Release, Acquire).is_ok();
            let counts = known.is_some() && there.within(windows.here_s, now);
            if counts && !mine.is_later_than(there) {
                let again = there.is_of_gate(mine, windows.by) && there.covers(mine.step);
                // What is shown once more is used once more. The window of an entry of another clock runs from now
                // on, and ends.
                let used = again && there.second < now.0 || there.is_of_another_clock(now);
                if windows.repeated || !used || swap(Entry { second: now.0, ..there }) {
                    return if again { Claim::Again } else { Claim::Elsewhere };
                }
            } else if windows.repeated {
                return Claim::Unclaimed;
            } else if swap(mine.after(there, counts, windows.by, now)) {
                return Claim::First { evicted: known.is_none() && there.within(windows.longest_s, now) };
            }
            contention.spin();
        }
        Claim::Contended
    }

    fn hash(&self, shown: Use) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write_u32(shown.issuer.0);
        hasher.write_u32(shown.holder.0);
        // A holder's paper and phone are two different things to show.
        hasher.write_u8(shown.step.is_some().into());
        hasher.finish()
    }

    #[expect(clippy::cast_possible_truncation, reason = "masked to the number of lines")]
    fn line(&self, hash: u64) -> &Line {
        &self.lines[hash as usize & (self.lines.len() - 1)]
    }
}

/// The place of an empty entry, of one from before the clock was set back, or of the oldest.
fn first_to_go(seen: &[Entry; WAYS], now: UnixSeconds) -> usize {
    let second = |way: &usize| match seen[*way] {
        entry if entry.is_of_another_clock(now) => 1,
        entry => entry.second,
    };
    (0..WAYS).min_by_key(second).unwrap_or(0)
}

#[cfg(test)]
mod tests;
