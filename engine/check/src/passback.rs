//! Pass-back: the same presentation shown at another gate inside the window is refused (R09).

use core::hash::Hasher;

use hufu_wire::{DeviceId, HolderIndex, IssuerId, Step, UnixSeconds};
use portable_atomic::{AtomicU128, Ordering::Acquire, Ordering::Release};
use siphasher::sip::SipHasher24;

/// Entries that share a cache line; a presentation can be in no other.
const WAYS: usize = 4;
/// Attempts to claim a place under contention before giving up on remembering.
const ATTEMPTS: usize = 16;

/// A bounded, lock-free memory of admitted presentations: who was admitted with which step, where and when.
///
/// Keyed by (issuer, holder, step) under a secret, never by signature bytes, so that nobody can aim at
/// another holder's place or dodge their own by re-encoding. An entry is one 128-bit atomic:
/// fingerprint (64), device (32), second of admission (32). When a line is full its oldest entry gives way,
/// which is counted while its window still ran.
///
/// # Why two gates cannot both be first
/// A claim reads its line and, where the fingerprint is missing, swaps itself for the entry that is least by
/// (second, place). Seconds in a place never fall, because a claim takes the later of its own clock and the
/// entry it replaces. Suppose A swapped place v and B place w for the same fingerprint, neither having seen
/// the other. A read w before B's swap, so A's w is at most B's; B read v before A's swap, so B's v is at most
/// A's. A chose v and B chose w, so A's v ≤ A's w ≤ B's w ≤ B's v ≤ A's v: all are equal, and v = w. But of
/// two swaps of one unchanged place only one succeeds; the other claimant reads again and finds the winner.
pub struct PassBack {
    lines: Box<[Line]>,
    key: [u8; 16],
}

#[derive(Default)]
#[repr(align(64))]
struct Line([AtomicU128; WAYS]);

/// What claiming a presentation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody used it inside the window; it is this device's now.
    First {
        /// An entry whose window may still have run had to give way.
        evicted: bool,
    },
    /// The same device used it: a retransmission, or the holder shows it to the same gate once more.
    Again,
    /// Another device used it inside the window.
    Elsewhere,
    /// Too many gates want places in the same line at this instant to tell.
    Contended,
}

#[derive(Clone, Copy)]
struct Entry {
    fingerprint: u64,
    device: u32,
    second: u32,
}

impl PassBack {
    /// Room for at least `entries` presentations, 16 bytes each, rounded up to a power of two.
    pub fn new(entries: usize, key: [u8; 16]) -> PassBack {
        let lines = entries.div_ceil(WAYS).next_power_of_two();
        PassBack { lines: (0..lines).map(|_| Line::default()).collect(), key }
    }

    /// Presentations there is room for.
    pub fn capacity(&self) -> usize {
        self.lines.len() * WAYS
    }

    /// Claims the presentation of `step` for `device`. Codes without presentation share step 0 of their
    /// holder. A window of 0 seconds remembers nothing and is always first.
    pub fn claim(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        step: Step,
        device: DeviceId,
        now: UnixSeconds,
        window_s: u32,
    ) -> Claim {
        if window_s == 0 {
            return Claim::First { evicted: false };
        }
        let fingerprint = self.fingerprint(issuer, holder, step);
        let line = &self.lines[self.line_of(fingerprint)].0;
        for _ in 0..ATTEMPTS {
            // Acquire: pairs with the Release of the swap below, so that a failed swap's retry sees the winner.
            let seen: [u128; WAYS] = core::array::from_fn(|way| line[way].load(Acquire));
            let known = seen.iter().position(|&bits| Entry::of(bits).fingerprint == fingerprint);
            let place = match known {
                Some(place) if Entry::of(seen[place]).within(window_s, now) => {
                    let other = Entry::of(seen[place]).device != device.0;
                    return if other { Claim::Elsewhere } else { Claim::Again };
                }
                Some(place) => place,
                None => oldest(&seen),
            };
            let second = now.0.max(Entry::of(seen[place]).second);
            let mine = Entry { fingerprint, device: device.0, second };
            let swapped = line[place].compare_exchange(seen[place], mine.bits(), Release, Acquire);
            if swapped.is_ok() {
                let evicted = known.is_none() && Entry::of(seen[place]).within(window_s, now);
                return Claim::First { evicted };
            }
        }
        Claim::Contended
    }

    /// A keyed fingerprint, never 0 because 0 marks an empty place.
    fn fingerprint(&self, issuer: IssuerId, holder: HolderIndex, step: Step) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write_u32(issuer.0);
        hasher.write_u32(holder.0);
        hasher.write_u32(step.0);
        hasher.finish().max(1)
    }

    #[expect(clippy::cast_possible_truncation, reason = "masked to the number of lines")]
    fn line_of(&self, fingerprint: u64) -> usize {
        fingerprint as usize & (self.lines.len() - 1)
    }
}

impl Entry {
    #[expect(clippy::cast_possible_truncation, reason = "three fields cut out of 128 bits")]
    fn of(bits: u128) -> Entry {
        Entry { fingerprint: (bits >> 64) as u64, device: (bits >> 32) as u32, second: bits as u32 }
    }

    fn bits(self) -> u128 {
        u128::from(self.fingerprint) << 64 | u128::from(self.device) << 32 | u128::from(self.second)
    }

    /// Whether an admission at `self.second` still counts. A clock set back makes it count, not vanish.
    fn within(self, window_s: u32, now: UnixSeconds) -> bool {
        self.fingerprint != 0 && now.0.saturating_sub(self.second) < window_s
    }
}

/// The place of the oldest entry; empty places have second 0 and are the oldest of all.
fn oldest(seen: &[u128; WAYS]) -> usize {
    (0..WAYS).min_by_key(|&way| Entry::of(seen[way]).second).unwrap_or(0)
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
        memory.claim(IssuerId(1), HolderIndex(holder), Step(step), DeviceId(device), now, 60)
    }

    const FIRST: Claim = Claim::First { evicted: false };

    #[test]
    fn r09_the_second_gate_is_refused_and_the_first_may_ask_again() {
        let memory = PassBack::new(1024, [7; 16]);
        assert_eq!(claim(&memory, 5, 9, 1, NOW), FIRST);
        assert_eq!(claim(&memory, 5, 9, 1, later(1)), Claim::Again);
        assert_eq!(claim(&memory, 5, 9, 2, later(59)), Claim::Elsewhere);
        assert_eq!(claim(&memory, 5, 10, 2, later(2)), FIRST, "the next step is another presentation");
        assert_eq!(claim(&memory, 6, 9, 2, later(2)), FIRST, "another holder");
        assert_eq!(claim(&memory, 5, 9, 2, later(60)), FIRST, "the window is over");
        assert_eq!(claim(&memory, 5, 9, 1, later(61)), Claim::Elsewhere, "and a new one began");
    }

    #[test]
    fn a_clock_set_back_does_not_forget() {
        let memory = PassBack::new(16, [7; 16]);
        assert_eq!(claim(&memory, 5, 9, 1, later(100)), FIRST);
        assert_eq!(claim(&memory, 5, 9, 2, NOW), Claim::Elsewhere);
    }

    #[test]
    fn a_window_of_nothing_remembers_nothing() {
        let memory = PassBack::new(16, [7; 16]);
        for device in 0..3 {
            let claim = memory.claim(IssuerId(1), HolderIndex(1), Step(1), DeviceId(device), NOW, 0);
            assert_eq!(claim, FIRST);
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
                            Claim::Again | Claim::Elsewhere => {}
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
