//! What is asked for: kinds of check and how often each comes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use hufu_fixtures::mix as scramble;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $slug:literal;)*) => {
        /// A kind of check.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: [Kind; [$($slug),*].len()] = [$(Kind::$name),*];

            /// Its name on the command line and in reports.
            pub const fn slug(self) -> &'static str {
                match self { $(Kind::$name => $slug,)* }
            }
        }
    };
}

kinds! {
    /// A phone code with a credential that was never shown before: its signature must be verified.
    PhoneFirst "phone-first";
    /// A phone code with a credential shown before and its presentation of now.
    PhoneAgain "phone-again";
    /// A paper code.
    Paper "paper";
    /// A trip code at its hub, in its window.
    Trip "trip";
    /// A code that has expired.
    Expired "expired";
    /// A phone code whose presentation is minutes off.
    Skewed "skewed";
    /// A phone code with a damaged signature: verified in full each time, as nothing false is remembered.
    Forged "forged";
    /// A genuine code of a holder without a status.
    UnknownHolder "unknown-holder";
    /// The same sealed datagram once more: the same verdict is due.
    Replayed "replayed";
    /// A text that is no code, or a damaged one.
    Malformed "malformed";
    /// Bytes that no session sealed: silence is due.
    Garbage "garbage";
    /// A member of a roster; comes in loads of rosters alone.
    RosterMember "roster-member";
}

/// How often each kind comes, relative to the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    weights: [f64; Kind::ALL.len()],
}

/// Mixes with a name.
pub const PRESETS: [(&str, &[(Kind, f64)]); 6] = [
    ("first", &[(Kind::PhoneFirst, 1.0)]),
    ("again", &[(Kind::PhoneAgain, 1.0)]),
    ("paper", &[(Kind::Paper, 1.0)]),
    ("trip", &[(Kind::Trip, 1.0)]),
    (
        "gate",
        &[
            (Kind::PhoneFirst, 50.0),
            (Kind::PhoneAgain, 32.0),
            (Kind::Paper, 6.0),
            (Kind::Trip, 4.0),
            (Kind::Expired, 1.5),
            (Kind::Skewed, 1.5),
            (Kind::Forged, 1.0),
            (Kind::UnknownHolder, 1.0),
            (Kind::Replayed, 1.0),
            (Kind::Malformed, 1.0),
            (Kind::Garbage, 1.0),
        ],
    ),
    (
        "hostile",
        &[
            (Kind::PhoneAgain, 20.0),
            (Kind::Forged, 30.0),
            (Kind::Malformed, 15.0),
            (Kind::Garbage, 15.0),
            (Kind::Replayed, 10.0),
            (Kind::UnknownHolder, 5.0),
            (Kind::Expired, 5.0),
        ],
    ),
];

/// Which kind the `i`th check is: fixed by the mix and a seed, so that everything needed can be made before
/// the first is sent.
#[derive(Clone, Debug)]
pub struct Draw {
    table: Box<[Kind; DRAW_SLOTS as usize]>,
    seed: u64,
}

/// Shares are true to a 4096th.
const DRAW_SLOTS: u16 = 4096;

impl Kind {
    /// Whether it is made of a code, so that every transport can carry it.
    pub const fn is_a_code(self) -> bool {
        !matches!(self, Kind::Replayed | Kind::Garbage | Kind::RosterMember)
    }

    /// Whether silence is the right answer.
    pub const fn wants_silence(self) -> bool {
        matches!(self, Kind::Garbage)
    }
}

impl Mix {
    /// A mix of these weights; kinds left out never come.
    ///
    /// # Errors
    /// When a weight is not a number from 0, or all are 0.
    pub fn new(weights: &[(Kind, f64)]) -> Result<Mix, MixFault> {
        let mut mix = Mix { weights: [0.0; Kind::ALL.len()] };
        for &(kind, weight) in weights {
            if !weight.is_finite() || weight < 0.0 {
                return Err(MixFault(format!("{} has the weight {weight}", kind.slug())));
            }
            mix.weights[kind as usize] += weight;
        }
        if mix.weights.iter().sum::<f64>() <= 0.0 {
            return Err(MixFault("every weight is 0".to_owned()));
        }
        Ok(mix)
    }

    /// The preset of this name.
    pub fn preset(name: &str) -> Option<Mix> {
        PRESETS.iter().find(|(preset, _)| *preset == name).and_then(|(_, weights)| Mix::new(weights).ok())
    }

    /// The share of `kind`, 0 to 1.
    pub fn share(&self, kind: Kind) -> f64 {
        self.weights[kind as usize] / self.weights.iter().sum::<f64>()
    }

    /// The sequence that `seed` draws from this mix.
    pub fn draw(&self, seed: u64) -> Draw {
        let mut table = Box::new([Kind::PhoneFirst; DRAW_SLOTS as usize]);
        let total: f64 = self.weights.iter().sum();
        let mut kinds = Kind::ALL.into_iter().peekable();
        let mut reached = 0.0;
        for (slot, entry) in (0..DRAW_SLOTS).zip(table.iter_mut()) {
            // The kind whose stretch of the cumulated weights holds the middle of this slot.
            let middle = (f64::from(slot) + 0.5) / f64::from(DRAW_SLOTS) * total;
            while let Some(&kind) = kinds.peek() {
                *entry = kind;
                if middle < reached + self.weights[kind as usize] {
                    break;
                }
                reached += self.weights[kind as usize];
                kinds.next();
            }
        }
        Draw { table, seed: scramble(seed) }
    }
}

impl Draw {
    /// The kind of check number `index`.
    #[inline]
    pub fn kind(&self, index: u64) -> Kind {
        let [low, high, ..] = scramble(self.seed ^ index).to_le_bytes();
        self.table[usize::from(u16::from_le_bytes([low, high]) % DRAW_SLOTS)]
    }

    /// How often each kind comes among the first `count`.
    pub fn counts(&self, count: u64) -> BTreeMap<Kind, u64> {
        let mut counts = BTreeMap::new();
        for index in 0..count {
            *counts.entry(self.kind(index)).or_insert(0) += 1;
        }
        counts
    }
}

/// Every kind that can be mixed with others.
fn mixable() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| *kind != Kind::RosterMember)
}

/// Why a mix is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MixFault(String);

impl fmt::Display for MixFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let presets: Vec<_> = PRESETS.iter().map(|(name, _)| *name).collect();
        let kinds: Vec<_> = mixable().map(Kind::slug).collect();
        write!(
            f,
            "not a mix: {}. Name one of {}, or weights such as phone-first=60,paper=5; kinds are {}",
            self.0,
            presets.join(", "),
            kinds.join(", ")
        )
    }
}

impl std::error::Error for MixFault {}

impl FromStr for Mix {
    type Err = MixFault;

    /// A preset's name, or `kind=weight` pairs between commas.
    fn from_str(text: &str) -> Result<Mix, MixFault> {
        if let Some(mix) = Mix::preset(text) {
            return Ok(mix);
        }
        let pair = |pair: &str| {
            let (name, weight) =
                pair.split_once('=').ok_or_else(|| MixFault(format!("{pair:?} is not a preset")))?;
            let kind = mixable().find(|kind| kind.slug() == name.trim());
            let kind = kind.ok_or_else(|| MixFault(format!("{name:?} is not a kind")))?;
            let weight =
                weight.trim().parse().map_err(|_| MixFault(format!("{weight:?} is not a number")))?;
            Ok((kind, weight))
        };
        Mix::new(&text.split(',').map(pair).collect::<Result<Vec<_>, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_mix() {
        for (name, _) in PRESETS {
            assert!(name.parse::<Mix>().is_ok(), "{name}");
        }
    }

    #[test]
    fn faults_say_what_is_wrong() {
        for (text, says) in [
            ("", "not a preset"),
            ("everything", "not a preset"),
            ("phone=1", "not a kind"),
            ("paper=much", "not a number"),
            ("paper=-1", "weight -1"),
            ("paper=0", "every weight is 0"),
            ("paper=NaN", "weight NaN"),
        ] {
            let fault = text.parse::<Mix>().expect_err(text).to_string();
            assert!(fault.contains(says), "{text}: {fault}");
        }
    }

    #[test]
    fn what_is_drawn_has_the_shares_of_the_mix() {
        let mix: Mix = "phone-first=60, paper=30, garbage=10".parse().unwrap();
        let counts = mix.draw(3).counts(100_000);
        assert_eq!(counts.len(), 3);
        for (kind, count) in counts {
            let (found, wanted) = (f64::from(u32::try_from(count).unwrap()) / 1e5, mix.share(kind));
            assert!((found - wanted).abs() < 0.01, "{}: {found}", kind.slug());
        }
        let rare: Mix = "paper=4095,trip=1".parse().unwrap();
        assert_eq!(rare.draw(0).table.iter().filter(|&&kind| kind == Kind::Trip).count(), 1);
    }

    #[test]
    fn a_draw_can_be_repeated() {
        let mix = Mix::preset("gate").unwrap();
        let kinds = |seed| (0..500).map(|index| mix.draw(seed).kind(index)).collect::<Vec<_>>();
        assert_eq!(kinds(1), kinds(1));
        assert_ne!(kinds(1), kinds(2));
    }
}
