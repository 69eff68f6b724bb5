//! Pass-back: a presentation that opened one gate opens no other inside the window (R09).

use core::hash::Hasher;

use crossbeam_utils::Backoff;
use hufu_policy::PassBackBy;
use hufu_wire::{DeviceId, HolderIndex, IssuerId, Lane, Step, UnixSeconds, limits};
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
/// in which it is met, because how old it is cannot be told.
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

/// Where a presentation is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Which device asks; its id is below [`limits::DEVICES_MAX`].
    pub device: DeviceId,
    /// For which of its lanes.
    pub lane: Lane,
}

/// How far an entry may lie in the future, seconds: a clock set back a little changes nothing. An entry further
/// ahead is from before the clock was set back; it would shut its holder out for as long as the clock was wrong.
const CLOCK_BACK_S: u32 = 60;

/// What claiming a presentation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody used it, or a later one, inside the window; it is this gate's now.
    First {
        /// An entry whose window may still have run had to give way.
        evicted: bool,
    },
    /// The same gate used it: a retransmission, or the holder shows it there once more.
    Again,
    /// Nobody used it, and nobody does now, because the request may have been sent before. Never an admission.
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

/// One 128-bit atomic: fingerprint of the holder (44), step (12), earlier steps (4), device (20), lane (16), second
/// of admission (32).
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    fingerprint: u64,
    step: u16,
    /// How many of the steps before were used at no other gate.
    free_before: u16,
    device: u32,
    lane: u16,
    second: u32,
}

const FINGERPRINT_BITS: u32 = 44;
/// Steps are compared modulo 4,096, which are 34 hours.
const STEP_BITS: u32 = 12;
const STEP_MASK: u16 = (1 << STEP_BITS) - 1;
/// More steps than a presentation can be shown in at any site: no policy accepts more than 9.
const FREE_BEFORE_MAX: u16 = 15;
const DEVICE_BITS: u32 = 20;
const _: () = assert!(limits::DEVICES_MAX <= 1 << DEVICE_BITS);
const _: () = assert!(FINGERPRINT_BITS + STEP_BITS + 4 + DEVICE_BITS + 16 + 32 == 128);

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
    pub fn claim(&self, shown: Use, gate: Gate, now: UnixSeconds, windows: Windows) -> Claim {
        if windows.here_s == 0 {
            return Claim::First { evicted: false };
        }
        let hash = self.hash(shown);
        let mine = Entry::new(hash, shown.step, gate, now);
        let line = &self.line(hash).0;
        let contention = Backoff::new();
        for _ in 0..ATTEMPTS {
            // Acquire: pairs with the Release of the swap below, so that a failed swap's retry sees the winner.
            let seen: [Entry; WAYS] = core::array::from_fn(|way| Entry::of(line[way].load(Acquire)));
            let known = seen.iter().position(|entry| entry.fingerprint == mine.fingerprint);
            let place = known.unwrap_or_else(|| first_to_go(&seen, now));
            let there = seen[place];
            let swap = |to: Entry| line[place].compare_exchange(there.bits(), to.bits(), Release, Acquire).is_ok();
            let counts = known.is_some() && there.within(windows.here_s, now);
            if counts && !mine.is_later_than(there) {
                let again = there.is_of_gate(mine, windows.by) && there.covers(mine.step);
                // A further use at the same gate begins the window again, and so does meeting an entry whose age
                // cannot be told. What may be a repeat begins none.
                let is_renewed = there.is_of_another_clock(now) || again && there.second < now.0;
                if windows.repeated || !is_renewed || swap(Entry { second: now.0, ..there }) {
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

impl Entry {
    #[expect(clippy::cast_possible_truncation, reason = "steps are compared modulo 2^12")]
    fn new(hash: u64, step: Option<Step>, gate: Gate, now: UnixSeconds) -> Entry {
        Entry {
            // Never 0, which marks an empty place.
            fingerprint: (hash >> (64 - FINGERPRINT_BITS)).max(1),
            step: step.map_or(0, |step| step.0 as u16 & STEP_MASK),
            free_before: FREE_BEFORE_MAX,
            device: gate.device.0 & ((1 << DEVICE_BITS) - 1),
            lane: gate.lane.0,
            second: now.0,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "six fields cut out of 128 bits")]
    fn of(bits: u128) -> Entry {
        Entry {
            fingerprint: (bits >> 84) as u64,
            step: (bits >> 72) as u16 & STEP_MASK,
            free_before: (bits >> 68) as u16 & FREE_BEFORE_MAX,
            device: (bits >> 48) as u32 & ((1 << DEVICE_BITS) - 1),
            lane: (bits >> 32) as u16,
            second: bits as u32,
        }
    }

    fn bits(self) -> u128 {
        u128::from(self.fingerprint) << 84
            | u128::from(self.step) << 72
            | u128::from(self.free_before) << 68
            | u128::from(self.device) << 48
            | u128::from(self.lane) << 32
            | u128::from(self.second)
    }

    /// This entry in the place of `there`, whose window still runs where it `counts`.
    fn after(self, there: Entry, counts: bool, by: PassBackBy, now: UnixSeconds) -> Entry {
        let inherited = if there.is_of_another_clock(now) { 0 } else { there.second };
        let free_before = if counts {
            let between = self.steps_after(there) - 1;
            let theirs = if there.is_of_gate(self, by) { there.free_before + 1 } else { 0 };
            (between + theirs).min(FREE_BEFORE_MAX)
        } else {
            FREE_BEFORE_MAX
        };
        Entry { second: self.second.max(inherited), free_before, ..self }
    }

    /// How many steps later this presentation is, modulo 2^12.
    fn steps_after(self, other: Entry) -> u16 {
        self.step.wrapping_sub(other.step) & STEP_MASK
    }

    /// Whether this is a later presentation. The longest window is 120 steps, far from where 12 bits wrap.
    fn is_later_than(self, other: Entry) -> bool {
        (1..1 << (STEP_BITS - 1)).contains(&self.steps_after(other))
    }

    /// Whether `step` is this entry's, or one before it that was used at no other gate.
    fn covers(self, step: u16) -> bool {
        self.step.wrapping_sub(step) & STEP_MASK <= self.free_before
    }

    fn is_of_gate(self, other: Entry, by: PassBackBy) -> bool {
        self.device == other.device && (by == PassBackBy::Device || self.lane == other.lane)
    }

    /// Whether an admission at `self.second` still counts. How old one of another clock is cannot be told.
    fn within(self, window_s: u32, now: UnixSeconds) -> bool {
        let empty = self.fingerprint == 0;
        !empty && (self.is_of_another_clock(now) || now.0.saturating_sub(self.second) < window_s)
    }

    fn is_of_another_clock(self, now: UnixSeconds) -> bool {
        self.second > now.0.saturating_add(CLOCK_BACK_S)
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
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    const NOW: UnixSeconds = UnixSeconds(1_790_000_000);

    fn later(seconds: u32) -> UnixSeconds {
        UnixSeconds(NOW.0 + seconds)
    }

    fn claim(memory: &PassBack, holder: u32, step: u32, device: u32, now: UnixSeconds) -> Claim {
        let shown = Use { issuer: IssuerId(1), holder: HolderIndex(holder), step: Some(Step(step)) };
        memory.claim(shown, gate(device), now, MINUTE)
    }

    fn gate(device: u32) -> Gate {
        Gate { device: DeviceId(device), lane: Lane(0) }
    }

    const MINUTE: Windows =
        Windows { here_s: 60, longest_s: 60, repeated: false, by: PassBackBy::Device };

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

    /// A step used at one gate is not admitted at the next because that gate was shown a later one.
    #[test]
    fn r09_a_later_step_does_not_bring_the_one_before_to_another_gate() {
        let memory = PassBack::new(1024, [7; 16]);
        assert_eq!(claim(&memory, 5, 9, 1, NOW), FIRST);
        assert_eq!(claim(&memory, 5, 12, 2, later(1)), FIRST);
        assert_eq!(claim(&memory, 5, 9, 2, later(1)), Claim::Elsewhere, "used at gate 1");
        for step in [10, 11, 12] {
            assert_eq!(claim(&memory, 5, step, 2, later(1)), Claim::Again, "step {step} was used nowhere else");
        }
        assert_eq!(claim(&memory, 5, 13, 2, later(2)), FIRST);
        assert_eq!(claim(&memory, 5, 10, 2, later(2)), Claim::Again, "a retransmission across the end of a step");
        assert_eq!(claim(&memory, 5, 9, 2, later(2)), Claim::Elsewhere);
        assert_eq!(claim(&memory, 5, 14, 1, later(3)), FIRST);
        assert_eq!(claim(&memory, 5, 13, 1, later(3)), Claim::Elsewhere);
    }

    #[test]
    fn steps_are_compared_across_the_end_of_their_twelve_bits() {
        let memory = PassBack::new(1024, [7; 16]);
        assert_eq!(claim(&memory, 5, 0x1fff, 1, NOW), FIRST);
        assert_eq!(claim(&memory, 5, 0x2000, 2, later(1)), FIRST);
        assert_eq!(claim(&memory, 5, 0x1fff, 3, later(2)), Claim::Elsewhere);
    }

    #[test]
    fn r09_a_site_chooses_whether_another_lane_is_another_gate() {
        let memory = PassBack::new(1024, [7; 16]);
        let paper = Use { issuer: IssuerId(1), holder: HolderIndex(5), step: None };
        let by_lane = Windows { by: PassBackBy::Lane, ..MINUTE };
        let at = |device, lane| Gate { device: DeviceId(device), lane: Lane(lane) };
        assert_eq!(memory.claim(paper, at(1, 7), NOW, by_lane), FIRST);
        assert_eq!(memory.claim(paper, at(1, 7), NOW, by_lane), Claim::Again);
        assert_eq!(memory.claim(paper, at(1, 8), NOW, by_lane), Claim::Elsewhere);
        assert_eq!(memory.claim(paper, at(1, 8), NOW, MINUTE), Claim::Again, "one device is one gate");
        for by in [MINUTE, by_lane] {
            assert_eq!(memory.claim(paper, at(2, 7), NOW, by), Claim::Elsewhere, "another device");
        }
    }

    /// Two issuers number their holders alike.
    #[test]
    fn a_holder_of_another_issuer_is_somebody_else() {
        let memory = PassBack::new(1024, [7; 16]);
        for issuer in 1..50 {
            let shown = Use { issuer: IssuerId(issuer), holder: HolderIndex(5), step: Some(Step(9)) };
            assert_eq!(memory.claim(shown, gate(issuer), NOW, MINUTE), FIRST, "issuer {issuer}");
        }
    }

    /// Who is put in whose place must not be the same in every engine.
    #[test]
    fn another_key_gives_up_other_holders() {
        let known = |key| -> Vec<bool> {
            let memory = PassBack::new(64, [key; 16]);
            for holder in 0..128 {
                claim(&memory, holder, 1, 1, later(holder / 8));
            }
            (0..128).map(|holder| claim(&memory, holder, 1, 2, later(16)) == Claim::Elsewhere).collect()
        };
        assert_eq!(known(1), known(1));
        assert_ne!(known(1), known(2));
    }

    #[test]
    fn a_holders_paper_is_not_their_phone() {
        let memory = PassBack::new(1024, [7; 16]);
        let paper = Use { issuer: IssuerId(1), holder: HolderIndex(5), step: None };
        assert_eq!(claim(&memory, 5, 9, 1, NOW), FIRST);
        assert_eq!(memory.claim(paper, gate(2), NOW, MINUTE), FIRST);
        assert_eq!(memory.claim(paper, gate(3), NOW, MINUTE), Claim::Elsewhere);
    }

    #[test]
    fn an_entry_survives_its_bits() {
        let full = Entry {
            fingerprint: (1 << 44) - 1,
            step: STEP_MASK,
            free_before: 15,
            device: limits::DEVICES_MAX - 1,
            lane: u16::MAX,
            second: u32::MAX,
        };
        assert!(Entry::of(full.bits()) == full);
        let other = Entry { fingerprint: 1, step: 2, free_before: 3, device: 4, lane: 5, second: 6 };
        assert!(Entry::of(other.bits()) == other);
        assert!(Entry::of(0).fingerprint == 0);
    }

    #[test]
    fn a_clock_set_back_does_not_forget() {
        let memory = PassBack::new(16, [7; 16]);
        assert_eq!(claim(&memory, 5, 9, 1, later(60)), FIRST);
        assert_eq!(claim(&memory, 5, 9, 2, NOW), Claim::Elsewhere);
    }

    /// How old a use is that a clock far ahead has dated cannot be told: it counts once more from when it is met,
    /// and nobody is shut out for a day.
    #[test]
    fn r09_a_clock_set_back_far_forgets_nothing_and_shuts_nobody_out_for_long() {
        let memory = PassBack::new(1024, [7; 16]);
        assert_eq!(claim(&memory, 5, 9, 1, later(86_400)), FIRST);
        assert_eq!(claim(&memory, 5, 9, 2, NOW), Claim::Elsewhere);
        assert_eq!(claim(&memory, 5, 9, 1, later(1)), Claim::Again);
        assert_eq!(claim(&memory, 5, 9, 2, later(59)), Claim::Elsewhere);
        assert_eq!(claim(&memory, 5, 9, 2, later(60)), FIRST);
        assert_eq!(claim(&memory, 5, 10, 1, later(61)), FIRST, "and counts by the clock that is right");
        assert_eq!(claim(&memory, 5, 10, 2, later(62)), Claim::Elsewhere);
    }

    #[test]
    fn a_replay_does_not_date_what_a_clock_far_ahead_left_behind() {
        let memory = PassBack::new(1024, [7; 16]);
        let shown = Use { issuer: IssuerId(1), holder: HolderIndex(5), step: Some(Step(9)) };
        assert_eq!(claim(&memory, 5, 9, 1, later(86_400)), FIRST);
        let replay = Windows { repeated: true, ..MINUTE };
        assert_eq!(memory.claim(shown, gate(1), NOW, replay), Claim::Again);
        assert_eq!(claim(&memory, 5, 9, 2, later(60)), Claim::Elsewhere, "met for the first time");
        assert_eq!(claim(&memory, 5, 9, 2, later(120)), FIRST);
    }

    #[test]
    fn what_a_clock_far_ahead_left_behind_gives_way_first() {
        let memory = PassBack::new(WAYS, [7; 16]);
        for holder in 0..3 {
            assert_eq!(claim(&memory, holder, 9, 1, later(86_400)), FIRST);
        }
        for holder in 3..7 {
            let evicted = holder > 3;
            assert_eq!(claim(&memory, holder, 9, 1, NOW), Claim::First { evicted }, "{holder}");
        }
        for holder in 3..7 {
            assert_eq!(claim(&memory, holder, 9, 2, later(59)), Claim::Elsewhere, "{holder}");
        }
    }

    /// Somebody who replays a captured packet keeps nobody out.
    #[test]
    fn r09_a_request_seen_before_starts_no_new_window() {
        let memory = PassBack::new(1024, [7; 16]);
        let paper = Use { issuer: IssuerId(1), holder: HolderIndex(5), step: None };
        let replay = Windows { repeated: true, ..MINUTE };
        assert_eq!(memory.claim(paper, gate(1), NOW, MINUTE), FIRST);
        assert_eq!(memory.claim(paper, gate(1), later(59), replay), Claim::Again);
        assert_eq!(memory.claim(paper, gate(1), later(60), replay), Claim::Unclaimed);
        assert_eq!(memory.claim(paper, gate(2), later(61), MINUTE), FIRST);
        assert_eq!(memory.claim(paper, gate(1), later(62), replay), Claim::Elsewhere);
    }

    #[test]
    fn a_short_window_counts_what_it_takes_from_a_long_one() {
        let memory = PassBack::new(WAYS, [7; 16]);
        let short = Windows { here_s: 5, longest_s: 300, ..MINUTE };
        for holder in 0..5 {
            let shown = Use { issuer: IssuerId(1), holder: HolderIndex(holder), step: None };
            let evicted = holder == 4;
            assert_eq!(memory.claim(shown, gate(1), later(holder * 20), short), Claim::First { evicted });
        }
    }

    #[test]
    fn a_window_of_nothing_remembers_nothing() {
        let memory = PassBack::new(16, [7; 16]);
        for device in 0..3 {
            let shown = Use { issuer: IssuerId(1), holder: HolderIndex(1), step: Some(Step(1)) };
            let off = Windows { here_s: 0, ..MINUTE };
            assert_eq!(memory.claim(shown, gate(device), NOW, off), FIRST);
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
