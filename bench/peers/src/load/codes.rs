//! The codes that are shown to a peer, each with the answer it must get.

use hufu_fixtures::{Credentials, Expected, Face, Phone, SERIALS_MAX, TextBuf, World, sites};
use hufu_wire::{Step, UnixSeconds};

/// Whether the same credential is shown again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Show {
    /// Every credential is another one than those before.
    First,
    /// The same few thousand credentials in turn, each with its presentation of now.
    Again,
}

/// Phones that walk past a gate at the market, one after the other.
pub struct Codes {
    phones: Vec<Phone>,
    faces: Vec<Face>,
    expected: Vec<Expected>,
    credentials: Credentials,
    /// Whose credential each one is.
    owner: Vec<usize>,
    turn: usize,
    text: TextBuf,
}

/// People whose phones are shown.
pub const PHONES: usize = 2_000;

impl Codes {
    /// Credentials of the first [`PHONES`] passers-by of this world, shown in turn, and over again once all have
    /// been. A peer remembers none, so to a peer each one is new however often it has come round; an engine must
    /// be shown no more than there are.
    pub fn new(world: &World, show: Show, credentials: usize) -> Codes {
        let credentials = match show {
            Show::First => credentials,
            Show::Again => credentials.min(PHONES),
        };
        let phones = world.phones(0, PHONES.min(credentials), &|_, _| {});
        // Serials from the top: a load generator that runs beside this one counts from the bottom.
        let serial = |n: usize| SERIALS_MAX - 1 - u32::try_from(n / phones.len()).unwrap_or(0);
        let wanted: Vec<(usize, u32)> = (0..credentials).map(|n| (n % phones.len(), serial(n))).collect();
        Codes {
            faces: phones.iter().map(|_| Face::new()).collect(),
            expected: phones.iter().map(|phone| phone.expected(world, &sites::MARKET, false)).collect(),
            credentials: world.credentials(&phones, &wanted, &|_, _| {}),
            owner: wanted.into_iter().map(|(phone, _)| phone).collect(),
            phones,
            turn: 0,
            text: TextBuf::new(),
        }
    }

    /// The text of the next code as it is shown at `now`, and what it must get.
    pub fn next(&mut self, now: UnixSeconds) -> (&[u8], Expected) {
        let turn = self.turn % self.owner.len();
        self.turn += 1;
        let phone = self.owner[turn];
        let step: Step = now.step();
        self.text.write(self.credentials.get(turn), self.faces[phone].at(&self.phones[phone], step));
        (self.text.as_bytes(), self.expected[phone])
    }
}
