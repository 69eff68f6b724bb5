//! The oracle: who is what as of when, and what a verdict must be. A dumb model that shares no line with what it judges.

use std::collections::{HashMap, HashSet};

use hufu_check::Channel;
use hufu_wire::chain::{ChainDigest, Change};
use hufu_wire::{Age, CodeKind, Colour, Decision, Reason, Sequence, StatusWord, UnixMillis, Verdict};

/// Holders of each issuer.
pub(crate) const HOLDERS: usize = 48;

type Words = [StatusWord; HOLDERS];

/// One history of a chain: what every word was after each set, and the set's digest. The first is before any set.
#[derive(Clone, Debug)]
struct Branch {
    words: Vec<Words>,
    digests: Vec<ChainDigest>,
}

/// One issuer's chain, with every history that both authorities ever signed.
#[derive(Clone, Debug)]
pub(crate) struct ChainTruth {
    branches: Vec<Branch>,
    /// For each sequence the time of the latest head that named it or an earlier one, by the registry's clock.
    latest: Vec<u64>,
}

impl Default for ChainTruth {
    fn default() -> ChainTruth {
        let start = Branch { words: vec![[StatusWord::UNKNOWN; HOLDERS]], digests: vec![ChainDigest::NONE] };
        ChainTruth { branches: vec![start], latest: vec![0] }
    }
}

impl ChainTruth {
    /// Both authorities signed this set after `after` of the newest history.
    pub(crate) fn push(&mut self, after: Sequence, digest: ChainDigest, changes: &[(u32, Change)]) {
        let place = usize::try_from(after.0).unwrap_or(usize::MAX);
        if self.newest().digests.get(place + 1) == Some(&digest) {
            return;
        }
        if place + 1 < self.newest().words.len() {
            let mut other = self.newest().clone();
            other.words.truncate(place + 1);
            other.digests.truncate(place + 1);
            self.branches.push(other);
        }
        let mut words = self.newest().words[place];
        for (holder, change) in changes {
            let word = &mut words[*holder as usize];
            *word = match *change {
                Change::Word(new) => new,
                Change::Generation(generation) => word.with_generation(generation),
                Change::Status(new) => new.with_generation(word.generation()),
            };
        }
        if let Some(branch) = self.branches.last_mut() {
            branch.words.push(words);
            branch.digests.push(digest);
        }
        while self.latest.len() <= place + 1 {
            self.latest.push(self.latest.last().copied().unwrap_or(0));
        }
    }

    fn newest(&self) -> &Branch {
        &self.branches[self.branches.len() - 1]
    }

    /// A word at the end of the newest history.
    pub(crate) fn now(&self, holder: u32) -> StatusWord {
        self.newest().words[self.newest().words.len() - 1][holder as usize]
    }

    /// All words at the end of the newest history.
    pub(crate) fn words(&self) -> &[StatusWord] {
        &self.newest().words[self.newest().words.len() - 1]
    }

    /// How many sets the newest history has.
    pub(crate) fn length(&self) -> u64 {
        self.newest().words.len() as u64 - 1
    }

    /// How many sets the longest history has.
    pub(crate) fn longest(&self) -> u64 {
        self.branches.iter().map(|branch| branch.words.len() as u64 - 1).max().unwrap_or(0)
    }

    /// Whether there are several histories.
    pub(crate) fn is_forked(&self) -> bool {
        self.branches.len() > 1
    }

    /// The publisher signed a head.
    pub(crate) fn publish(&mut self, time: UnixMillis, sequence: Sequence) {
        let from = usize::try_from(sequence.0).unwrap_or(usize::MAX).min(self.latest.len());
        for latest in &mut self.latest[from..] {
            *latest = time.0.max(*latest);
        }
    }

    /// The history in which `sequence` has this digest.
    pub(crate) fn branch_of(&self, sequence: Sequence, digest: ChainDigest) -> Option<usize> {
        let place = usize::try_from(sequence.0).ok()?;
        self.branches.iter().rposition(|branch| branch.digests.get(place) == Some(&digest))
    }

    /// A holder's word as of `sequence`; `None` for a sequence that no one signed.
    pub(crate) fn word(&self, branch: usize, sequence: Sequence, holder: u32) -> Option<StatusWord> {
        let words = self.branches.get(branch)?.words.get(usize::try_from(sequence.0).ok()?)?;
        words.get(holder as usize).copied()
    }

    /// What is wrong with an age: data cannot be claimed to be younger than the registry's own word for it.
    pub(crate) fn judge_age(&self, verdict: &Verdict) -> Result<(), String> {
        let Age::Millis(age_ms) = verdict.age else { return Ok(()) };
        let claimed = verdict.server_time.0.saturating_sub(age_ms.into());
        let place = usize::try_from(verdict.as_of.0).unwrap_or(usize::MAX);
        let latest = self.latest.get(place).copied().unwrap_or(0);
        if age_ms < u32::MAX - 2 && claimed > latest {
            return Err(format!(
                "data as of {} is said to be of {claimed}, and no head is later than {latest}",
                verdict.as_of
            ));
        }
        Ok(())
    }
}

/// What was shown at a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Which issuer, by its place.
    pub(crate) issuer: usize,
    /// The holder.
    pub(crate) holder: u32,
    /// The credential's generation.
    pub(crate) generation: u8,
    /// What kind of code.
    pub(crate) kind: CodeKind,
    /// The step that a phone presents.
    pub(crate) step: u32,
    /// Whether its ticket was cancelled.
    pub(crate) ended: bool,
}

/// What a site takes, as far as runs need it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SiteFacts {
    /// Whether it takes trips.
    pub(crate) trips: bool,
    /// Whether it takes paper.
    pub(crate) paper: bool,
    /// Oldest data, milliseconds.
    pub(crate) stale_ms: u64,
    /// Steps either side.
    pub(crate) skew: i64,
    /// Seconds for which a use elsewhere counts.
    pub(crate) pass_back_s: u32,
    /// What an engine without a network says: lists have no ended trips.
    pub(crate) alone: bool,
}

/// What the verdict must be but for pass-back, by the model.
pub(crate) fn expected(site: &SiteFacts, shown: &Shown, word: StatusWord, verdict: &Verdict) -> Reason {
    let now_s = verdict.server_time.0 / 1000;
    if shown.ended && !site.alone {
        return Reason::Superseded;
    }
    let taken = match shown.kind {
        CodeKind::Phone => true,
        CodeKind::Paper => site.paper,
        CodeKind::Trip => site.trips,
        CodeKind::Family | CodeKind::Foreign | CodeKind::Reference => false,
    };
    if !taken {
        return Reason::KindNotAccepted;
    }
    if word.colour() == Some(Colour::Red) {
        return Reason::StatusRed;
    }
    match verdict.age {
        Age::Millis(age) if u64::from(age) <= site.stale_ms => {}
        _ => return Reason::StaleData,
    }
    if word.colour().is_none() {
        return Reason::StatusUnknown;
    }
    if word.generation() != shown.generation {
        return Reason::Superseded;
    }
    let step = i64::try_from(now_s / 30).unwrap_or(i64::MAX);
    if shown.kind == CodeKind::Phone && (i64::from(shown.step) - step).abs() > site.skew {
        return Reason::ClockSkew;
    }
    if word.until().is_some_and(|until| now_s >= u64::from(until.starts().0)) {
        return Reason::StatusExpired;
    }
    match word.colour() {
        Some(Colour::Green) => Reason::Clear,
        _ => Reason::StatusAmber,
    }
}

/// The last use of a step at a gate.
#[derive(Clone, Copy, Debug)]
struct Used {
    step: u32,
    device: u32,
    second: u64,
}

/// Whose presentation it is: the issuer, the holder, and whether a phone shows it.
type Presented = (usize, u32, bool);

/// What one engine has admitted since it was started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uses {
    used: HashMap<Presented, Vec<Used>>,
    /// Every scan that was admitted.
    scans: HashSet<u64>,
    /// Its clock was set: windows are not what they were.
    is_void: bool,
}

impl Uses {
    /// Its clock was set.
    pub(crate) fn clock_was_set(&mut self) {
        self.is_void = true;
    }

    /// What is wrong with a ruling: a presentation admitted at two gates within a window, or turned down for no use.
    pub(crate) fn judge(
        &mut self,
        site: &SiteFacts,
        shown: &Shown,
        (device, scan): (u32, u64),
        verdict: &Verdict,
    ) -> Result<(), String> {
        let second = verdict.server_time.0 / 1000;
        if site.pass_back_s == 0 || self.is_void {
            return Ok(());
        }
        let used = self.used.entry((shown.issuer, shown.holder, shown.kind == CodeKind::Phone)).or_default();
        let mut elsewhere = used.iter().filter(|used| used.device != device);
        if verdict.decision == Decision::Admit {
            let is_within =
                |used: &&Used| used.step >= shown.step && second < used.second + u64::from(site.pass_back_s);
            if let Some(Used { device: other, second, .. }) = elsewhere.find(is_within) {
                return Err(format!("{shown:?} is admitted at {device}, and was at {other} at {second}"));
            }
            // A request that was sent again is no second use.
            if self.scans.insert(scan) {
                match used.iter_mut().find(|used| (used.device, used.step) == (device, shown.step)) {
                    Some(before) => before.second = before.second.max(second),
                    None => used.push(Used { step: shown.step, device, second }),
                }
            }
        } else if verdict.reason == Reason::PassBack && elsewhere.next().is_none() {
            return Err(format!("{shown:?} is turned down for a use elsewhere that never was"));
        }
        Ok(())
    }
}

/// Reasons that say nothing about the holder: the request was not checked, or is to be made again.
pub(crate) fn says_nothing(reason: Reason) -> bool {
    matches!(reason, Reason::Busy | Reason::Stopping | Reason::CookieExpired | Reason::RateExceeded)
}

/// What is wrong with a verdict, but for pass-back.
pub(crate) fn judge(
    chain: &ChainTruth,
    branch: usize,
    site: &SiteFacts,
    shown: &Shown,
    verdict: &Verdict,
) -> Result<(), String> {
    let wrong = |what: String| Err(format!("{what}: {shown:?} got {verdict:?}"));
    if (verdict.decision == Decision::Admit) != (verdict.reason == Reason::Clear) {
        return wrong("the decision does not go with its reason".into());
    }
    if says_nothing(verdict.reason) {
        return Ok(());
    }
    let Some(word) = chain.word(branch, verdict.as_of, shown.holder) else {
        return wrong("nobody has signed what it is as of".into());
    };
    let wanted = if verdict.reason == Reason::PassBack {
        Reason::PassBack
    } else {
        expected(site, shown, word, verdict)
    };
    if verdict.reason == Reason::PassBack && expected(site, shown, word, verdict) != Reason::Clear {
        return wrong("turned down for a use elsewhere, and not to be admitted at all".into());
    }
    if verdict.reason != wanted {
        return wrong(format!("{wanted} was right"));
    }
    if verdict.colour.is_some() && verdict.colour != word.colour() {
        return wrong(format!("the colour was {:?}", word.colour()));
    }
    chain.judge_age(verdict)
}

/// Whether a record is of a request by sealed UDP, as all of a run's are.
pub(crate) fn is_sealed(channel: Channel) -> bool {
    channel == Channel::Sealed
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::CheckNumber;

    const SITE: SiteFacts =
        SiteFacts { trips: true, paper: true, stale_ms: 5000, skew: 1, pass_back_s: 90, alone: false };
    const SHOWN: Shown =
        Shown { issuer: 0, holder: 3, generation: 0, kind: CodeKind::Paper, step: 0, ended: false };

    fn verdict(as_of: u64, reason: Reason) -> Verdict {
        let word = Verdict::of(CheckNumber(1), UnixMillis(100_000), reason);
        Verdict { as_of: Sequence(as_of), age: Age::Millis(1000), ..word }
    }

    fn chain() -> ChainTruth {
        let mut chain = ChainTruth::default();
        for (after, colour) in [Colour::Green, Colour::Red].into_iter().enumerate() {
            let change = Change::Status(StatusWord::new(colour, 0));
            chain.push(Sequence(after as u64), ChainDigest([1; 32]), &[(3, change)]);
        }
        chain.publish(UnixMillis(99_500), Sequence(1));
        chain
    }

    #[test]
    fn the_oracle_catches_an_admission_after_a_red_and_an_age_that_is_a_lie() {
        let chain = chain();
        assert_eq!(judge(&chain, 0, &SITE, &SHOWN, &verdict(1, Reason::Clear)), Ok(()));
        assert_eq!(judge(&chain, 0, &SITE, &SHOWN, &verdict(2, Reason::StatusRed)), Ok(()));
        for (as_of, reason) in [(2, Reason::Clear), (1, Reason::StatusRed), (3, Reason::Clear)] {
            assert!(judge(&chain, 0, &SITE, &SHOWN, &verdict(as_of, reason)).is_err(), "{as_of} {reason}");
        }
        let young = Verdict { age: Age::Millis(400), ..verdict(1, Reason::Clear) };
        assert!(judge(&chain, 0, &SITE, &SHOWN, &young).is_err());
    }

    #[test]
    fn the_oracle_catches_one_presentation_at_two_gates() {
        let mut uses = Uses::default();
        let clear = verdict(1, Reason::Clear);
        assert_eq!(uses.judge(&SITE, &SHOWN, (1, 0), &clear), Ok(()));
        assert_eq!(uses.judge(&SITE, &SHOWN, (1, 0), &clear), Ok(()), "the same gate");
        assert!(uses.judge(&SITE, &SHOWN, (2, 0), &clear).is_err());
        let later = Verdict { server_time: UnixMillis(191_000), ..clear };
        assert_eq!(uses.judge(&SITE, &SHOWN, (2, 0), &later), Ok(()), "the window is over");
        let turned_down = verdict(1, Reason::PassBack);
        let another = Shown { holder: 4, ..SHOWN };
        assert!(uses.judge(&SITE, &another, (2, 0), &turned_down).is_err(), "for no reason");
    }
}
