//! What befalls, and the dice that draw it.

use hufu_fixtures::mix;

use crate::relay::Weather;

/// Draws the same from the same seed.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(mix(seed))
    }

    /// From 0 to below `limit`.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0) % limit.max(1)
    }

    pub(super) fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let place = self.below(of.len() as u64);
        of[usize::try_from(place).unwrap_or(0)]
    }

    /// A byte's share: `of` of 256 at most.
    fn share(&mut self, of: u64) -> u8 {
        u8::try_from(1 + self.below(of)).unwrap_or(u8::MAX)
    }

    fn ms(&mut self, most: u64) -> u16 {
        u16::try_from(1 + self.below(most)).unwrap_or(u16::MAX)
    }
}

/// A process that can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victim {
    Engine(usize),
    Registry,
    Database,
}

/// What lies under a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing: a kill out of a clear sky.
    None,
    /// SIGSTOP.
    Hung(Victim),
    /// Datagrams between gates and an engine are lost, or lost and doubled.
    Loss(usize),
    /// They are late, and overtake each other.
    Disorder(usize),
    /// Requests get through, or answers, and not the other.
    CutThere(usize),
    CutBack(usize),
    /// The stream from a registry to an engine is slow, cut in one direction, torn.
    SlowFeed(usize),
    FeedCutThere(usize),
    FeedCutBack(usize),
    TornFeed(usize),
    /// A disk without room.
    FullState(usize),
    FullRecords(usize),
    FullDatabase,
}

impl Trouble {
    /// Draws one for a deployment of so many engines; with disks that can be filled or without, with SQLite or without.
    pub(super) fn draw(dice: &mut Dice, engines: usize, disks: bool, sqlite: bool) -> Trouble {
        let engine = usize::try_from(dice.below(engines as u64)).unwrap_or(0);
        let mut all = vec![
            Trouble::None,
            Trouble::Hung(Victim::Engine(engine)),
            Trouble::Hung(Victim::Registry),
            Trouble::Loss(engine),
            Trouble::Disorder(engine),
            Trouble::CutThere(engine),
            Trouble::CutBack(engine),
            Trouble::SlowFeed(engine),
            Trouble::FeedCutThere(engine),
            Trouble::FeedCutBack(engine),
            Trouble::TornFeed(engine),
        ];
        if disks {
            all.extend([Trouble::FullState(engine), Trouble::FullRecords(engine)]);
            if sqlite {
                all.push(Trouble::FullDatabase);
            }
        }
        dice.pick(&all)
    }

    /// Whether a disk without room lies under the kill.
    pub(super) fn is_full_disk(self) -> bool {
        matches!(self, Trouble::FullState(_) | Trouble::FullRecords(_) | Trouble::FullDatabase)
    }

    /// Its name in reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Trouble::None => "none",
            Trouble::Hung(Victim::Engine(_)) => "engine-hung",
            Trouble::Hung(_) => "registry-hung",
            Trouble::Loss(_) => "gates-loss",
            Trouble::Disorder(_) => "gates-disorder",
            Trouble::CutThere(_) => "gates-cut-there",
            Trouble::CutBack(_) => "gates-cut-back",
            Trouble::SlowFeed(_) => "feed-slow",
            Trouble::FeedCutThere(_) => "feed-cut-there",
            Trouble::FeedCutBack(_) => "feed-cut-back",
            Trouble::TornFeed(_) => "feed-torn",
            Trouble::FullState(_) => "state-full",
            Trouble::FullRecords(_) => "records-full",
            Trouble::FullDatabase => "database-full",
        }
    }

    /// Every name that [`draw`](Self::draw) can give.
    pub(super) fn names(disks: bool, sqlite: bool) -> Vec<&'static str> {
        let mut dice = Dice::new(0);
        let mut names: Vec<_> =
            (0..2000).map(|_| Trouble::draw(&mut dice, 1, disks, sqlite).name()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The weather that it is on the line of gates: there and back.
    pub(super) fn gates(self, dice: &mut Dice) -> Option<(Weather, Weather)> {
        let fair = Weather::default();
        let cut = Weather { is_cut: true, ..fair };
        match self {
            Trouble::Loss(_) => {
                let rough = Weather { lost: dice.share(128), doubled: dice.share(64), ..fair };
                Some((rough, Weather { lost: dice.share(128), ..rough }))
            }
            Trouble::Disorder(_) => {
                let slow = Weather { late_ms: dice.ms(20), later_ms: dice.ms(120), ..fair };
                Some((slow, Weather { later_ms: dice.ms(120), ..slow }))
            }
            Trouble::CutThere(_) => Some((cut, fair)),
            Trouble::CutBack(_) => Some((fair, cut)),
            _ => None,
        }
    }

    /// The weather on the line to the registry: there and back.
    pub(super) fn feed(self, dice: &mut Dice) -> Option<(Weather, Weather)> {
        let fair = Weather::default();
        let cut = Weather { is_cut: true, ..fair };
        match self {
            Trouble::SlowFeed(_) => {
                let slow = Weather { late_ms: dice.ms(300), later_ms: dice.ms(200), ..fair };
                Some((slow, slow))
            }
            Trouble::FeedCutThere(_) => Some((cut, fair)),
            Trouble::FeedCutBack(_) => Some((fair, cut)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_again_and_every_trouble_comes() {
        let drawn = |seed| {
            let mut dice = Dice::new(seed);
            (0..400).map(|_| Trouble::draw(&mut dice, 2, true, true)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        assert_eq!(Trouble::names(true, true).len(), 14);
        assert_eq!(Trouble::names(false, false).len(), 11);
        for name in Trouble::names(true, true) {
            assert!(drawn(7).iter().any(|trouble| trouble.name() == name), "{name}");
        }
    }
}
