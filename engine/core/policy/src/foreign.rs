//! Certificates of other systems (R63): what one says once it is verified, and what a site asks of it.

use hufu_wire::UnixSeconds;

use crate::site::Otherwise;

const DAY_S: u32 = 86_400;

/// What a verified certificate says. It names no person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose key signed it.
    pub country: Country,
    /// What it proves.
    pub proof: Proof,
}

/// A country, by its two letters (ISO 3166-1), in upper case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(pub [u8; 2]);

/// A vaccine, by a digest of its name in the value sets of the EU gateway, such as `EU/1/20/1528`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Product(pub u64);

/// What a certificate proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A vaccination.
    Vaccination {
        /// With which vaccine.
        product: Product,
        /// Which dose it was, from 1.
        dose: u8,
        /// Of how many in the series.
        of: u8,
        /// The first second of its day in UTC.
        on: UnixSeconds,
    },
    /// A test.
    Test {
        /// Which type.
        kind: TestKind,
        /// Whether nothing was found.
        negative: bool,
        /// When the sample was taken.
        taken: UnixSeconds,
    },
    /// A recovery.
    Recovery {
        /// The first second, in UTC, of the day of the first positive test.
        positive: UnixSeconds,
        /// The first second of its validity.
        from: UnixSeconds,
        /// The first second after its validity.
        until: UnixSeconds,
    },
}

/// A type of test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TestKind {
    /// Of the virus's nucleic acid, as PCR.
    Naat = 1,
    /// Of its antigens.
    Rapid = 2,
    /// Any other. No site takes it.
    Other = 3,
}

/// What a site asks of certificates of other systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignRule {
    /// The countries accepted, `None` for all that are trusted.
    pub countries: Option<Vec<Country>>,
    /// What it asks of a vaccination, `None` where that is not enough.
    pub vaccination: Option<VaccinationRule>,
    /// What it asks of a test, `None` where that is not enough.
    pub test: Option<ForeignTestRule>,
    /// Days since the first positive test, `None` where a recovery is not enough.
    pub recovery: Option<Days>,
    /// What happens to a certificate that is genuine and not enough.
    pub on_not_enough: Otherwise,
}

/// What a site asks of a vaccination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaccinationRule {
    /// The vaccines accepted, `None` for all.
    pub products: Option<Vec<Product>>,
    /// Whether the series must be complete.
    pub complete: bool,
    /// Days since the last dose.
    pub days: Days,
}

/// How old a test may be, by its type; 0 where it does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignTestRule {
    /// One of nucleic acid, seconds.
    pub naat_s_max: u32,
    /// One of antigens, seconds.
    pub rapid_s_max: u32,
}

/// How many days ago something may have been: whole days in UTC, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// At least so many.
    pub from: u32,
    /// At most so many; `None` for any number.
    pub until: Option<u32>,
}

impl Country {
    /// The country with this code; `None` unless it is two letters of upper case.
    pub fn of(code: &str) -> Option<Country> {
        let code: [u8; 2] = code.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Country(code))
    }

    /// Its two letters.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl Product {
    /// The vaccine of this name. The digest is FNV-1a: names come from signed certificates and from operators, so
    /// no stranger chooses them.
    pub fn of(name: &str) -> Product {
        let add = |digest: u64, byte: &u8| (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Product(name.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, add))
    }
}

impl ForeignTestRule {
    /// The oldest test of this type that counts, seconds; 0 where none does.
    pub fn age_s_max(self, kind: TestKind) -> u32 {
        match kind {
            TestKind::Naat => self.naat_s_max,
            TestKind::Rapid => self.rapid_s_max,
            TestKind::Other => 0,
        }
    }
}

impl Days {
    /// Whether a day lies so many days before now.
    pub fn hold(self, day: UnixSeconds, now: UnixSeconds) -> bool {
        // A day that is still to come is no day ago.
        let Some(ago) = (now.0 / DAY_S).checked_sub(day.0 / DAY_S) else { return false };
        ago >= self.from && self.until.is_none_or(|until| ago <= until)
    }
}
