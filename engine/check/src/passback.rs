//! Pass-back: a presentation that opened one gate opens no other inside the window (R09).

use core::hash::Hasher;

use crossbeam_utils::Backoff;
use hufu_wire::{DeviceId, HolderIndex, IssuerId, Step, UnixSeconds};
use portable_atomic::{AtomicU128, Ordering::Acquire, Ordering::Release};
use siphasher::sip::SipHasher24;

/// Entries that share a cache line; a holder can be in no other.
const WAYS: usize = 4;
/// Attempts to claim a place under contention before giving up on remembering.
const ATTEMPTS: usize = 16;

/// A bounded, lock-free memory of admissions: with which step each holder was last admitted, where and when.
///
/// Keyed by holder under a secret, never by signature bytes, so that nobody can aim at another holder's place
/// or dodge their own by re-encoding. It keeps the *latest* step: whoever sees a presentation can make those
/// of the steps before it (docs/decisions/0001-step-tree.md), so an earlier step counts as used with a later
/// one. When a line is full its oldest entry gives way, which is counted while its window still ran.
///
/// # Why two gates cannot both be first
/// A claim reads its line and, where the holder is missing, swaps itself for the entry that is least by
/// (second, place). Seconds in a place never fall, because a claim takes the later of its own clock and the
/// entry it replaces. Suppose A swapped place v and B place w for the same holder, neither having seen
/// the other. A read w before B's swap, so A's w is at most B's; B read v before A's swap, so B's v is at most
/// A's. A chose v and B chose w, so A's v ≤ A's w ≤ B's w ≤ B's v ≤ A's v: all are equal, and v = w. But of
/// two swaps of one unchanged place only one succeeds; the other claimant reads again and finds the winner.
/// Only a clock set back by more than a minute lets a second fall, and then once in each place.
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

/// How far an entry may lie in the future and still count, seconds: a clock set back a little forgets nothing.
/// An entry further ahead is from before the clock was mended, and would shut its holder out for as long as the
/// clock was wrong; it gives way.
const CLOCK_BACK_S: u32 = 60;

/// What claiming a presentation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody used it, or a later one, inside the window; it is this device's now.
    First {
        /// An entry whose window may still have run had to give way.
        evicted: bool,
    },
    /// The same device used it: a retransmission, or the holder shows it to the same gate once more.
    Again,
    /// Nobody used it, and nobody does now: this was asked before.
    Unclaimed,
    /// Another device used it, or a later one, inside the window.
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
    /// Whether this very request was seen before. It may repeat a claim and never starts one: otherwise a
    /// captured packet, replayed once a window, would shut its holder out of all other gates.
    pub repeated: bool,
}

/// One 128-bit atomic: fingerprint of the holder (48), step (16), device (32), second of admission (32).
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    fingerprint: u64,
    step: u16,
    device: u32,
    second: u32,
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

    /// Claims a presentation for `device`. A window of 0 seconds remembers nothing and is always first.
    pub fn claim(&self, shown: Use, device: DeviceId, now: UnixSeconds, windows: Windows) -> Claim {
        if windows.here_s == 0 {
            return Claim::First { evicted: false };
        }
        let hash = self.hash(shown);
        let mine = Entry::new(hash, shown.step, device, now);
        let line = &self.line(hash).0;
        let contention = Backoff::new();
        for _ in 0..ATTEMPTS {
            // Acquire: pairs with the Release of the swap below, so that a failed swap's retry sees the winner.
            let seen: [Entry; WAYS] = core::array::from_fn(|way| Entry::of(line[way].load(Acquire)));
            let known = seen.iter().position(|entry| entry.fingerprint == mine.fingerprint);
            let place = known.unwrap_or_else(|| oldest(&seen));
            let there = seen[place];
            if known.is_some() && there.within(windows.here_s, now) && !mine.is_later_than(there) {
                return if there.device == mine.device { Claim::Again } else { Claim::Elsewhere };
            }
            if windows.repeated {
                return Claim::Unclaimed;
            }
            let inherited = if there.is_of_another_clock(now) { 0 } else { there.second };
            let mine = Entry { second: mine.second.max(inherited), ..mine };
            if line[place].compare_exchange(there.bits(), mine.bits(), Release, Acquire).is_ok() {
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

impl Entry {
    #[expect(clippy::cast_possible_truncation, reason = "steps are compared modulo 2^16")]
    fn new(hash: u64, step: Option<Step>, device: DeviceId, now: UnixSeconds) -> Entry {
        Entry {
            // Never 0, which marks an empty place.
            fingerprint: (hash >> 16).max(1),
            step: step.map_or(0, |step| step.0 as u16),
            device: device.0,
            second: now.0,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "four fields cut out of 128 bits")]
    fn of(bits: u128) -> Entry {
        Entry {
            fingerprint: (bits >> 80) as u64,
            step: (bits >> 64) as u16,
            device: (bits >> 32) as u32,
            second: bits as u32,
        }
    }

    fn bits(self) -> u128 {
        u128::from(self.fingerprint) << 80
            | u128::from(self.step) << 64
            | u128::from(self.device) << 32
            | u128::from(self.second)
    }

    /// Whether this is a later presentation. The longest window is 120 steps, far from where 16 bits wrap.
    fn is_later_than(self, other: Entry) -> bool {
        self.step.wrapping_sub(other.step).cast_signed() > 0
    }

    /// Whether an admission at `self.second` still counts.
    fn within(self, window_s: u32, now: UnixSeconds) -> bool {
        let empty = self.fingerprint == 0;
        !empty && !self.is_of_another_clock(now) && now.0.saturating_sub(self.second) < window_s
    }

    fn is_of_another_clock(self, now: UnixSeconds) -> bool {
        self.second > now.0.saturating_add(CLOCK_BACK_S)
    }
}

/// The place of the oldest entry; empty places have second 0 and are the oldest of all.
fn oldest(seen: &[Entry; WAYS]) -> usize {
    (0..WAYS).min_by_key(|&way| seen[way].second).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    const NOW: UnixSeconds = UnixSeconds(1_790_000_000);

    fn later(seconds: u32) -> UnixSeconds {
        UnixSeconds(NOW.0 + seconds)
    }

    fn claim(memory: &PassBack, holder: u32, step: u32, device: u32, now: UnixSeconds) -> Claim {
        let shown = Use { issuer: IssuerId(1), holder: HolderIndex(holder), step: Some(Step(step)) };
        memory.claim(shown, DeviceId(device), now, MINUTE)
    }

    const MINUTE: Windows = Windows { here_s: 60, longest_s: 60, repeated: false };

    const FIRST: Claim = Claim::First { evicted: false };

    #[test]
    fn r09_the_second_gate_is_refused_and_the_first_may_ask_again() {
        let memory = PassBack::new(1024, [7; 16]);
        assert_eq!(claim(&memory, 5, 9, 1, NOW), FIRST);
        assert_eq!(claim(&memory, 5, 9, 1, later(1)), Claim::Again);
        assert_eq!(claim(&memory, 5, 9, 2, later(59)), Claim::Elsewhere);
        assert_eq!(claim(&memory, 5, 10, 2, later(2)), FIRST, "the next step is another presentation");
        assert_eq!(claim(&memory, 6, 9, 2, later(2)), FIRST, "another holder");
        assert_eq!(claim(&memory, 5, 10, 2, later(62)), FIRST, "the window is over");
        assert_eq!(claim(&memory, 5, 10, 1, later(63)), Claim::Elsewhere, "and a new one began");
    }

    /// Whoever photographs a step can make the one before it.
    #[test]
    fn r09_the_step_before_a_used_one_is_used_too() {
        let memory = PassBack::new(1024, [7; 16]);
        assert_eq!(claim(&memory, 5, 9, 1, NOW), FIRST);
        for step in [8, 7, 9] {
            assert_eq!(claim(&memory, 5, step, 2, later(1)), Claim::Elsewhere, "step {step}");
        }
        assert_eq!(
            claim(&memory, 5, 8, 1, later(1)),
            Claim::Again,
            "a late retransmission of the first gate"
        );
        assert_eq!(claim(&memory, 5, 10, 2, later(30)), FIRST, "only the phone has the next one");
        assert_eq!(claim(&memory, 5, 9, 1, later(31)), Claim::Elsewhere);
    }

    #[test]
    fn steps_are_compared_across_the_end_of_their_sixteen_bits() {
        let memory = PassBack::new(1024, [7; 16]);
        assert_eq!(claim(&memory, 5, 0xffff, 1, NOW), FIRST);
        assert_eq!(claim(&memory, 5, 0x1_0000, 2, later(1)), FIRST);
        assert_eq!(claim(&memory, 5, 0xffff, 3, later(2)), Claim::Elsewhere);
    }

    #[test]
    fn a_holders_paper_is_not_their_phone() {
        let memory = PassBack::new(1024, [7; 16]);
        let paper = Use { issuer: IssuerId(1), holder: HolderIndex(5), step: None };
        assert_eq!(claim(&memory, 5, 9, 1, NOW), FIRST);
        assert_eq!(memory.claim(paper, DeviceId(2), NOW, MINUTE), FIRST);
        assert_eq!(memory.claim(paper, DeviceId(3), NOW, MINUTE), Claim::Elsewhere);
    }

    #[test]
    fn an_entry_survives_its_bits() {
        let entry = Entry { fingerprint: (1 << 48) - 1, step: 1, device: u32::MAX - 1, second: 7 };
        assert!(Entry::of(entry.bits()) == entry);
        assert!(Entry::of(0).fingerprint == 0);
    }

    #[test]
    fn a_clock_set_back_does_not_forget() {
        let memory = PassBack::new(16, [7; 16]);
        assert_eq!(claim(&memory, 5, 9, 1, later(60)), FIRST);
        assert_eq!(claim(&memory, 5, 9, 2, NOW), Claim::Elsewhere);
    }

    #[test]
    fn what_a_clock_far_ahead_left_behind_gives_way() {
        let memory = PassBack::new(WAYS, [7; 16]);
        for holder in 0..4 {
            assert_eq!(claim(&memory, holder, 9, 1, later(86_400)), FIRST);
        }
        for holder in 0..4 {
            assert_eq!(claim(&memory, holder, 9, 2, NOW), FIRST, "holder {holder} is not shut out for a day");
        }
        assert_eq!(claim(&memory, 3, 9, 3, later(59)), Claim::Elsewhere, "and counts by the mended clock");
        assert_eq!(claim(&memory, 3, 9, 3, later(60)), FIRST);
    }

    /// Somebody who replays a captured packet keeps nobody out.
    #[test]
    fn r09_a_request_seen_before_starts_no_new_window() {
        let memory = PassBack::new(1024, [7; 16]);
        let paper = Use { issuer: IssuerId(1), holder: HolderIndex(5), step: None };
        let replay = Windows { repeated: true, ..MINUTE };
        assert_eq!(memory.claim(paper, DeviceId(1), NOW, MINUTE), FIRST);
        assert_eq!(memory.claim(paper, DeviceId(1), later(59), replay), Claim::Again);
        assert_eq!(memory.claim(paper, DeviceId(1), later(60), replay), Claim::Unclaimed);
        assert_eq!(memory.claim(paper, DeviceId(2), later(61), MINUTE), FIRST);
        assert_eq!(memory.claim(paper, DeviceId(1), later(62), replay), Claim::Elsewhere);
    }

    #[test]
    fn a_short_window_counts_what_it_takes_from_a_long_one() {
        let memory = PassBack::new(WAYS, [7; 16]);
        let short = Windows { here_s: 5, longest_s: 300, repeated: false };
        for holder in 0..5 {
            let shown = Use { issuer: IssuerId(1), holder: HolderIndex(holder), step: None };
            let evicted = holder == 4;
            assert_eq!(memory.claim(shown, DeviceId(1), later(holder * 20), short), Claim::First { evicted });
        }
    }

    #[test]
    fn a_window_of_nothing_remembers_nothing() {
        let memory = PassBack::new(16, [7; 16]);
        for device in 0..3 {
            let shown = Use { issuer: IssuerId(1), holder: HolderIndex(1), step: Some(Step(1)) };
            let off = Windows { here_s: 0, ..MINUTE };
            assert_eq!(memory.claim(shown, DeviceId(device), NOW, off), FIRST);
        }
    }

    #[test]
    fn a_full_line_gives_up_its_oldest_and_says_so() {
        let memory = PassBack::new(WAYS, [7; 16]);
        for holder in 0..4 {
            assert_eq!(claim(&memory, holder, 1, 1, later(holder)), FIRST);
        }
        assert_eq!(claim(&memory, 4, 1, 1, later(4)), Claim::First { evicted: true });
        assert_eq!(claim(&memory, 1, 1, 2, later(4)), Claim::Elsewhere, "the younger ones are still known");
        assert_eq!(claim(&memory, 9, 1, 1, later(200)), FIRST, "what was over is no loss");
    }

    #[test]
    fn of_many_gates_at_once_exactly_one_is_first() {
        const GATES: u32 = 4;
        const STEPS: u32 = 20_000;
        // One line only: every claim fights for the same four places.
        let memory = PassBack::new(WAYS, [7; 16]);
        let firsts: Vec<AtomicUsize> = (0..STEPS).map(|_| AtomicUsize::new(0)).collect();
        let lost = AtomicUsize::new(0);
        let together = std::sync::Barrier::new(GATES as usize);
        std::thread::scope(|scope| {
            for gate in 0..GATES {
                let (memory, firsts, lost, together) = (&memory, &firsts, &lost, &together);
                scope.spawn(move || {
                    for step in 0..STEPS {
                        together.wait();
                        // Every claim is a second younger, so a line never forgets the step being fought over.
                        match claim(memory, 1, step, gate, later(step)) {
                            Claim::First { .. } => drop(firsts[step as usize].fetch_add(1, Relaxed)),
                            Claim::Contended => drop(lost.fetch_add(1, Relaxed)),
                            Claim::Again | Claim::Elsewhere | Claim::Unclaimed => {}
                        }
                    }
                });
            }
        });
        assert!(firsts.iter().all(|firsts| firsts.load(Relaxed) == 1));
        assert_eq!(lost.load(Relaxed), 0);
    }

    #[test]
    fn claims_are_lock_free_on_this_machine() {
        assert!(AtomicU128::is_lock_free());
    }
}
