//! What a clerk says of a person, and what of it is refused before anything is signed.

use std::borrow::Cow;

use hufu_wire::UnixSeconds;
use serde::Deserialize;

use super::date;
use crate::date::days;

/// Longest validity of a certificate, seconds.
pub const VALIDITY_S_MAX: u32 = 365 * 86_400;
/// Longest text of a field, characters: the schema's.
const CHARS_MAX: usize = 80;
/// Doses and series that the schema can say.
const DOSES: core::ops::RangeInclusive<u8> = 1..=9;
/// Days from a positive test from which, and up to which, a recovery counts (Regulation (EU) 2021/953, article 7 and annex).
const RECOVERY_DAYS: core::ops::RangeInclusive<i64> = 11..=180;
/// The first day of 2020: nothing of the kind was before.
const FIRST_DAY: i64 = 18_262;
const DAY_S: i64 = 86_400;
/// Hours by which a date may be ahead of the one in Greenwich.
const AHEAD_S: i64 = 14 * 3600;

/// A part of a claim, or of how it is to be signed, that no certificate can have. The clerk corrects it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {what}")]
pub struct Unfit {
    /// Which part, by its name in the claim.
    pub field: &'static str,
    /// What is wrong and what to give instead; never the value.
    pub what: String,
}

impl Unfit {
    pub(super) fn new(field: &'static str, what: impl Into<String>) -> Unfit {
        Unfit { field, what: what.into() }
    }
}

/// What a clerk copies from a person's passport and vaccination card or test report. Dates are `2021-09-01`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The surname, as the passport shows it in its own script.
    pub surname: String,
    /// The given names, or nothing where a passport has none.
    #[serde(default)]
    pub given: String,
    /// The surname in the machine-readable lines of the passport (ICAO 9303): `A` to `Z` and `<`.
    pub surname_icao: Option<String>,
    /// The given names there.
    pub given_icao: Option<String>,
    /// The date of birth; a month or a year where the passport has no more.
    pub born: String,
    /// The dose that is certified, or
    pub vaccination: Option<Vaccination>,
    /// the negative test, or
    pub test: Option<Test>,
    /// the recovery: one of the three.
    pub recovery: Option<Recovery>,
}

/// A dose.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vaccination {
    /// The kind of vaccine (`vp`): `1119305005`, `1119349007`, `J07BX03`, or another code of the value set.
    pub vaccine: String,
    /// The product (`mp`): `CoronaVac`, `BBIBP-CorV`, `EU/1/20/1528`.
    pub product: String,
    /// Who made it (`ma`): `Sinovac-Biotech`, `ORG-100030215`.
    pub maker: String,
    /// Which dose, from 1 to 9.
    pub dose: u8,
    /// Of how many.
    pub series: u8,
    /// When it was given.
    pub date: String,
    /// Where: two letters (ISO 3166-1).
    pub country: String,
    /// Who issues the certificate.
    pub issued_by: String,
}

/// A negative test.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// How.
    pub method: Method,
    /// `naat`: the test's name; `antigen`: the device's number in the list of the EU's JRC.
    pub name: String,
    /// When the sample was taken: `2021-09-01T08:00:00+08:00`.
    pub taken: String,
    /// Where.
    pub centre: String,
    /// In which country: two letters.
    pub country: String,
    /// Who issues the certificate.
    pub issued_by: String,
}

/// How a sample was tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Nucleic acid amplification.
    Naat,
    /// A rapid antigen test.
    Antigen,
}

impl Method {
    /// Its code in LOINC.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Method::Naat => "LP6464-4",
            Method::Antigen => "LP217198-3",
        }
    }
}

/// A recovery.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// The day of the first positive test.
    pub first_positive: String,
    /// From which day it counts: 11 days later at the earliest.
    pub from: String,
    /// Up to which day: 180 days later at the latest.
    pub until: String,
    /// In which country: two letters.
    pub country: String,
    /// Who issues the certificate.
    pub issued_by: String,
}

/// What is certified.
#[derive(Clone, Copy)]
pub enum Kind<'c> {
    /// A dose.
    Vaccination(&'c Vaccination),
    /// A negative test.
    Test(&'c Test),
    /// A recovery.
    Recovery(&'c Recovery),
}

/// A claim in which everything can be so. Only [`Claim::check`] makes one.
pub struct Checked<'c> {
    claim: &'c Claim,
    kind: Kind<'c>,
    surname_icao: Cow<'c, str>,
    given_icao: Cow<'c, str>,
}

impl<'c> Checked<'c> {
    /// What the clerk said.
    pub fn claim(&self) -> &'c Claim {
        self.claim
    }

    /// What is certified.
    pub fn kind(&self) -> Kind<'c> {
        self.kind
    }

    /// The surname as a machine reads it.
    pub fn surname_icao(&self) -> &str {
        &self.surname_icao
    }

    /// The given names as a machine reads them.
    pub fn given_icao(&self) -> &str {
        &self.given_icao
    }

    /// When the sample of a test was taken.
    pub fn taken(&self) -> Option<UnixSeconds> {
        match self.kind {
            Kind::Test(test) => date::instant(&test.taken),
            _ => None,
        }
    }
}

impl Claim {
    /// Looks at every field.
    ///
    /// # Errors
    /// [`Unfit`] with the first that no certificate can have.
    pub fn check(&self, now: UnixSeconds) -> Result<Checked<'_>, Unfit> {
        let kind = match (&self.vaccination, &self.test, &self.recovery) {
            (Some(vaccination), None, None) => Kind::Vaccination(vaccination),
            (None, Some(test), None) => Kind::Test(test),
            (None, None, Some(recovery)) => Kind::Recovery(recovery),
            _ => return Err(Unfit::new("claim", "give one of [vaccination], [test] and [recovery]")),
        };
        text("surname", &self.surname)?;
        if !self.given.is_empty() {
            text("given", &self.given)?;
        } else if self.given_icao.is_some() {
            return Err(Unfit::new("given_icao", "there is no given name; leave it out"));
        }
        let surname_icao = icao("surname_icao", &self.surname, self.surname_icao.as_deref())?;
        let given_icao = match self.given.as_str() {
            "" => Cow::Borrowed(""),
            given => icao("given_icao", given, self.given_icao.as_deref())?,
        };
        let today = (i64::from(now.0) + AHEAD_S) / DAY_S;
        let born = date::birth(&self.born).filter(|born| *born <= today);
        let born = born.ok_or_else(|| {
            Unfit::new(
                "born",
                "a day that was, as 1990-12-31; 1990-12 or 1990 where the passport has no more",
            )
        })?;
        // Of a year or a month, the first day counts.
        let since = born.max(FIRST_DAY);
        match kind {
            Kind::Vaccination(v) => {
                for (field, value) in [("vaccine", &v.vaccine), ("product", &v.product), ("maker", &v.maker)]
                {
                    code(field, value)?;
                }
                for (field, number) in [("dose", v.dose), ("series", v.series)] {
                    if !DOSES.contains(&number) {
                        return Err(Unfit::new(field, "a number from 1 to 9"));
                    }
                }
                day("date", &v.date, since, today)?;
                place(&v.country, &v.issued_by)?;
            }
            Kind::Test(t) => {
                let taken = date::instant(&t.taken).filter(|taken| *taken <= now);
                let is_fit = taken.is_some_and(|taken| i64::from(taken.0) + AHEAD_S >= since * DAY_S);
                if !is_fit {
                    let what = "an instant that was, with seconds and offset, as 2021-09-01T08:00:00+08:00";
                    return Err(Unfit::new("taken", what));
                }
                if t.method == Method::Antigen && !t.name.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(Unfit::new(
                        "name",
                        "of an antigen test the device's number in the JRC's list",
                    ));
                }
                text("name", &t.name)?;
                text("centre", &t.centre)?;
                place(&t.country, &t.issued_by)?;
            }
            Kind::Recovery(r) => {
                let first = day("first_positive", &r.first_positive, since, today)?;
                let from = day("from", &r.from, first + RECOVERY_DAYS.start(), first + RECOVERY_DAYS.end())?;
                day("until", &r.until, from, first + RECOVERY_DAYS.end())?;
                place(&r.country, &r.issued_by)?;
            }
        }
        Ok(Checked { claim: self, kind, surname_icao, given_icao })
    }
}

/// Whether this is a country's code: two capital letters.
pub(super) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn place(country: &str, issued_by: &str) -> Result<(), Unfit> {
    if !is_country(country) {
        return Err(Unfit::new("country", "two capital letters, as CN (ISO 3166-1)"));
    }
    text("issued_by", issued_by)
}

fn text(field: &'static str, value: &str) -> Result<(), Unfit> {
    // Marks that turn the direction of a text (UAX 9) could make a page show another name than a machine reads.
    let is_mark = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let is_fit = (1..=CHARS_MAX).contains(&value.chars().count())
        && value.trim() == value
        && !value.contains(|c: char| c.is_control() || is_mark(c));
    if is_fit {
        Ok(())
    } else {
        Err(Unfit::new(field, "1 to 80 characters, without blanks around them and control characters"))
    }
}

/// A code of one of the EU's value sets. The sets change, so only the form is looked at.
fn code(field: &'static str, value: &str) -> Result<(), Unfit> {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.');
    let is_fit = (1..=CHARS_MAX).contains(&value.len()) && value.bytes().all(is_known);
    if is_fit {
        Ok(())
    } else {
        Err(Unfit::new(field, "the code of the EU's value set: letters, digits, / - _ ."))
    }
}

fn day(field: &'static str, text: &str, earliest: i64, latest: i64) -> Result<i64, Unfit> {
    let day = days(text).ok_or_else(|| Unfit::new(field, "a day that there is, as 2021-09-01"))?;
    if (earliest..=latest).contains(&day) {
        return Ok(day);
    }
    let what = match field {
        "from" => "11 to 180 days after the first positive test",
        "until" => "not before `from`, and at most 180 days after the first positive test",
        _ => "not before 2020 or the birth, and not in the future",
    };
    Err(Unfit::new(field, what))
}

/// A name as passports write it for machines. What is made of letters of English alone is written without asking; of all
/// others the passport decides: states write them in different ways.
fn icao<'c>(field: &'static str, name: &str, given: Option<&'c str>) -> Result<Cow<'c, str>, Unfit> {
    let is_plain = name.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, ' ' | '-' | '\'' | '.'));
    // ICAO 9303-3, 4.6: blanks and hyphens become `<`; apostrophes and dots are left out.
    let made: String =
        name.chars().filter(|c| !matches!(c, '\'' | '.')).collect::<String>().to_ascii_uppercase();
    let made = made.split([' ', '-']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("<");
    match given {
        None if is_plain && !made.is_empty() => Ok(Cow::Owned(made)),
        None => Err(Unfit::new(
            field,
            "needed: copy it from the machine-readable lines at the foot of the passport's page",
        )),
        Some(given) => {
            let is_form = (1..=CHARS_MAX).contains(&given.len())
                && given.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'<')
                && given.bytes().any(|byte| byte != b'<');
            if !is_form {
                return Err(Unfit::new(
                    field,
                    "1 to 80 of A to Z and <, as in the passport's machine-readable lines",
                ));
            }
            // Long names are cut in those lines.
            if is_plain && !made.starts_with(given.trim_end_matches('<')) {
                return Err(Unfit::new(
                    field,
                    "not the same name as in the passport's other lines: compare the two",
                ));
            }
            Ok(Cow::Borrowed(given))
        }
    }
}
