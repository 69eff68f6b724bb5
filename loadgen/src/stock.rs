//! Codes made ahead of a load, so that while it runs only presentations and texts are made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hufu_fixtures::{
    Credentials, Expected, Face, Phone, PrintedStock, Progress, Site, TextBuf, Texts, World,
};
use hufu_wire::{Reason, Step};

use crate::mix::Kind;

/// Phones that all first-seen and seen-again codes come from by default. Each shows the same
/// presentation beside any of its credentials. An engine looks up no more holders than these; with many more
/// phones it also meets the cache misses of a whole population.
pub const PHONES: usize = 4096;
/// Clocks that are off, in steps; none comes near what a site accepts when the step changes.
const SKEWS: [i64; 8] = [-2000, -40, -5, -4, 4, 5, 10, 60];
/// For so many phones there is one of an unknown holder, one expired and one forged code.
const PHONES_FOR_ONE_BAD: usize = 16;

/// Everything that lasts from one load to the next.
pub struct CodeStock {
    world: World,
    site: Site,
    phones: Arc<Vec<Phone>>,
    again: Repeated,
    skewed: Vec<Repeated>,
    unknown: Repeated,
    expired: Arc<Texts>,
    forged: Arc<Texts>,
    malformed: Arc<Texts>,
    /// First-seen credentials given out so far.
    first_given: u64,
    /// Turns of paper and trip codes given out so far.
    turns_given: u64,
}

/// Phones whose codes are shown over and over, with the presentation of the time.
#[derive(Clone)]
struct Repeated {
    phones: Arc<Vec<Phone>>,
    credentials: Arc<Credentials>,
    expected: Arc<Vec<Expected>>,
    /// How many steps the phones' clocks are ahead.
    ahead: i64,
    texts: Vec<(Option<Step>, TextBuf)>,
    next: usize,
}

/// One worker's codes for one load.
pub(crate) struct Supply {
    phones: Arc<Vec<Phone>>,
    faces: Vec<Face>,
    phone_expected: Arc<Vec<Expected>>,
    first: Credentials,
    first_phone: usize,
    first_next: usize,
    again: Repeated,
    skewed: Vec<Repeated>,
    skewed_next: usize,
    unknown: Repeated,
    papers: Printed,
    trips: Printed,
    expired: Fixed,
    forged: Fixed,
    malformed: Fixed,
    text: TextBuf,
}

struct Printed {
    stock: PrintedStock,
    next: usize,
}

#[derive(Clone)]
struct Fixed {
    texts: Arc<Texts>,
    next: usize,
}

impl CodeStock {
    /// Makes what lasts, with [`PHONES`] phones: about a second of two cores.
    pub fn new(world: World, site: Site, progress: Progress<'_>) -> CodeStock {
        CodeStock::with_phones(world, site, PHONES, progress)
    }

    /// Makes what lasts, with `phones` phones: about 0.3 ms of one core and 10 KB each. `site` must not look for
    /// pass-back, because loads show one holder's codes at many gates.
    pub fn with_phones(world: World, site: Site, phones: usize, progress: Progress<'_>) -> CodeStock {
        let mut phones = world.phones(0, phones.max(1), progress);
        // A small population passes by more than once; one phone each keeps first-seen codes apart.
        let mut holders = BTreeSet::new();
        phones.retain(|phone| holders.insert((phone.issuer(), phone.holder())));
        let phones = Arc::new(phones);
        let again = Repeated::new(&world, &site, Arc::clone(&phones), 0);
        let few = phones.len().div_ceil(PHONES_FOR_ONE_BAD);
        let skewed = SKEWS.into_iter().zip(1..).map(|(ahead, turn)| {
            let phones = world.phones(turn * 100_000, few.div_ceil(SKEWS.len()), &|_, _| {});
            Repeated::new(&world, &site, Arc::new(phones), ahead)
        });
        let strangers = world.strangers(u32::try_from(few).unwrap_or(u32::MAX));
        let forged = world.forged(&phones[..few], &again.credentials);
        CodeStock {
            skewed: skewed.collect(),
            unknown: Repeated::new(&world, &site, Arc::new(strangers), 0),
            expired: Arc::new(world.expired(1_000_000, few)),
            forged: Arc::new(forged),
            malformed: Arc::new(world.malformed(&site)),
            first_given: 0,
            turns_given: 0,
            world,
            site,
            phones,
            again,
        }
    }

    /// The world the codes are of.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The site where they are shown.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// How many seen-again codes there are: a server has seen them all after as many checks.
    pub fn again_codes(&self) -> usize {
        self.phones.len()
    }

    /// Supplies one worker's load. First-seen, paper and trip codes are signed here and given out once: about
    /// 15 µs of one core each.
    pub(crate) fn supply(&mut self, counts: &BTreeMap<Kind, u64>, progress: Progress<'_>) -> Supply {
        let wanted =
            |kind| counts.get(&kind).map_or(0, |&count| usize::try_from(count).unwrap_or(usize::MAX));
        let (firsts, papers, trips) = (wanted(Kind::PhoneFirst), wanted(Kind::Paper), wanted(Kind::Trip));

        let (start, phones) = (self.first_given, self.phones.len() as u64);
        let place = |given: u64| {
            let serial = u32::try_from(1 + given / phones).unwrap_or(u32::MAX);
            (usize::try_from(given % phones).unwrap_or(0), serial)
        };
        let places: Vec<_> = (start..start + firsts as u64).map(place).collect();
        let first = self.world.credentials(&self.phones, &places, progress);
        self.first_given += firsts as u64;

        let papers = self.world.papers(&self.site, self.turns_given, papers, progress);
        self.turns_given += papers.expected.len() as u64;
        let trips = self.world.trips(&self.site, self.turns_given, trips, progress);
        self.turns_given += trips.expected.len() as u64;

        Supply {
            faces: vec![Face::new(); self.phones.len()],
            phones: Arc::clone(&self.phones),
            phone_expected: Arc::clone(&self.again.expected),
            first,
            first_phone: place(start).0,
            first_next: 0,
            again: self.again.clone(),
            skewed: self.skewed.clone(),
            skewed_next: 0,
            unknown: self.unknown.clone(),
            papers: Printed { stock: papers, next: 0 },
            trips: Printed { stock: trips, next: 0 },
            expired: Fixed { texts: Arc::clone(&self.expired), next: 0 },
            forged: Fixed { texts: Arc::clone(&self.forged), next: 0 },
            malformed: Fixed { texts: Arc::clone(&self.malformed), next: 0 },
            text: TextBuf::new(),
        }
    }
}

impl Supply {
    /// The next code of `kind`, as it is shown in `step`, and what it must get. Kinds that are no codes get an
    /// empty text.
    #[inline]
    pub(crate) fn next(&mut self, kind: Kind, step: Step) -> (&[u8], Expected) {
        match kind {
            Kind::PhoneFirst => self.next_first(step),
            Kind::PhoneAgain => self.again.next(step),
            Kind::Skewed => {
                self.skewed_next = (self.skewed_next + 1) % self.skewed.len();
                self.skewed[self.skewed_next].next(step)
            }
            Kind::UnknownHolder => self.unknown.next(step),
            Kind::Paper => self.papers.next(&mut self.text),
            Kind::Trip => self.trips.next(&mut self.text),
            Kind::Expired => self.expired.next(),
            Kind::Forged => self.forged.next(),
            Kind::Malformed => self.malformed.next(),
            Kind::Replayed | Kind::Garbage | Kind::RosterMember => (b"", Expected::of(Reason::NotACode)),
        }
    }

    fn next_first(&mut self, step: Step) -> (&[u8], Expected) {
        let phone = self.first_phone;
        self.first_phone = (phone + 1) % self.phones.len();
        let credential = self.first_next;
        // As many were made as are drawn; who draws more sees them again.
        self.first_next = (credential + 1) % self.first.len().max(1);
        let face = self.faces[phone].at(&self.phones[phone], step);
        self.text.write(self.first.get(credential), face);
        (self.text.as_bytes(), self.phone_expected[phone])
    }
}

impl Repeated {
    fn new(world: &World, site: &Site, phones: Arc<Vec<Phone>>, ahead: i64) -> Repeated {
        let skewed = ahead.abs() > 1;
        let expected = phones.iter().map(|phone| phone.expected(world, site, skewed)).collect();
        Repeated {
            credentials: Arc::new(world.first_credentials(&phones)),
            expected: Arc::new(expected),
            ahead,
            texts: vec![(None, TextBuf::new()); phones.len()],
            next: 0,
            phones,
        }
    }

    /// The next phone's code. Its text is made when its step has changed since it was last shown.
    fn next(&mut self, step: Step) -> (&[u8], Expected) {
        let index = self.next;
        self.next = (index + 1) % self.phones.len();
        let (made_for, text) = &mut self.texts[index];
        if *made_for != Some(step) {
            let shown = u32::try_from(i64::from(step.0) + self.ahead).unwrap_or(0);
            let mut face = Face::new();
            text.write(self.credentials.get(index), face.at(&self.phones[index], Step(shown)));
            *made_for = Some(step);
        }
        (text.as_bytes(), self.expected[index])
    }
}

impl Printed {
    fn next<'t>(&mut self, text: &'t mut TextBuf) -> (&'t [u8], Expected) {
        let index = self.next;
        self.next = (index + 1) % self.stock.expected.len().max(1);
        text.write(self.stock.credentials.get(index), b"");
        (text.as_bytes(), self.stock.expected[index])
    }
}

impl Fixed {
    fn next(&mut self) -> (&[u8], Expected) {
        let index = self.next;
        self.next = (index + 1) % self.texts.texts.len();
        (&self.texts.texts[index], self.texts.expected[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_fixtures::sites::MARKET;
    use hufu_wire::UnixSeconds;
    use std::collections::BTreeSet;

    const NOW: UnixSeconds = UnixSeconds(1_795_000_000);

    #[test]
    fn first_seen_codes_never_come_twice_and_seen_again_codes_follow_the_clock() {
        let world = World::new(1, 10_000, NOW);
        let mut stock = CodeStock::new(world, MARKET, &|_, _| {});
        let counts = [(Kind::PhoneFirst, 3000), (Kind::Paper, 10)].into();
        let (mut one, mut two) = (stock.supply(&counts, &|_, _| {}), stock.supply(&counts, &|_, _| {}));
        let mut texts = BTreeSet::new();
        for _ in 0..3000 {
            assert!(texts.insert(one.next(Kind::PhoneFirst, NOW.step()).0.to_vec()));
            assert!(texts.insert(two.next(Kind::PhoneFirst, NOW.step()).0.to_vec()));
        }
        assert_ne!(one.next(Kind::Paper, NOW.step()).0, two.next(Kind::Paper, NOW.step()).0);

        let codes = stock.again_codes();
        let mut shown =
            |step| (0..codes).map(|_| one.next(Kind::PhoneAgain, step).0.to_vec()).collect::<Vec<_>>();
        let later = Step(NOW.step().0 + 1);
        let (now, again, then) = (shown(NOW.step()), shown(NOW.step()), shown(later));
        assert_eq!(now, again);
        assert!(now.iter().zip(&then).all(|(now, then)| now != then));
    }
}
