//! What a certificate says: a CWT (RFC 8392) with a health certificate in it (hcert-spec; the EU's schema 1.3).

use hufu_policy::foreign::{Product, Proof, TestKind};
use hufu_wire::UnixSeconds;

use crate::cbor::{Key, Reader, Unreadable};
use crate::date;
use crate::signers::Kinds;

const ISSUER: Key<'_> = Key::Int(1);
const EXPIRES: Key<'_> = Key::Int(4);
const NOT_BEFORE: Key<'_> = Key::Int(5);
const ISSUED: Key<'_> = Key::Int(6);
const HEALTH: Key<'_> = Key::Int(-260);
/// The EU Digital COVID Certificate among health certificates.
const DCC: Key<'_> = Key::Int(1);

/// COVID-19 (SNOMED CT): the only disease.
const DISEASE: &str = "840539006";
/// Nothing detected, and detected (SNOMED CT).
const NOT_DETECTED: &str = "260415000";
const DETECTED: &str = "260373001";
/// Nucleic acid amplification, and rapid antigen tests (LOINC).
const NAAT: &str = "LP6464-4";
const RAPID: &str = "LP217198-3";

/// What the payload of a certificate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims<'b> {
    /// The country that issued it, where it says so.
    pub issuer: Option<&'b str>,
    /// When it was issued, or begins to be valid if that is later; 0 where it does not say.
    pub issued: UnixSeconds,
    /// The first second after its validity.
    pub expires: UnixSeconds,
    /// Its identifier (UVCI).
    pub id: &'b str,
    /// Where the vaccination or test was, or the first positive test.
    pub country: &'b str,
    /// What it proves.
    pub proof: Proof,
    /// The vaccine as it is written; empty for other proofs.
    pub product: &'b str,
    /// The names of the person, as they are written; for the holder's eyes alone.
    pub forename: &'b str,
    /// The family name.
    pub surname: &'b str,
}

/// The fields of an entry of any kind; what one kind lacks stays empty.
#[derive(Default)]
struct Entry<'b> {
    disease: &'b str,
    id: &'b str,
    country: &'b str,
    product: &'b str,
    dose: Option<u8>,
    of: Option<u8>,
    on: &'b str,
    kind: &'b str,
    taken: &'b str,
    result: &'b str,
    positive: &'b str,
    from: &'b str,
    until: &'b str,
}

/// What is read of the health certificate itself.
#[derive(Default)]
struct Health<'b> {
    entry: Option<(Kinds, Entry<'b>)>,
    forename: &'b str,
    surname: &'b str,
}

impl<'b> Claims<'b> {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`Unreadable`] without an end of validity, without exactly one entry of exactly one kind, for another disease,
    /// and for dates and results that mean nothing.
    pub fn read(payload: &'b [u8]) -> Result<Claims<'b>, Unreadable> {
        let (mut issuer, mut expires, mut begins, mut health) = (None, None, 0, Health::default());
        let mut reader = Reader::new(payload);
        reader.map(|key, reader| {
            match key {
                ISSUER if reader.is_text() => issuer = Some(reader.text()?),
                EXPIRES => expires = Some(reader.number()?),
                NOT_BEFORE | ISSUED => begins = reader.number()?.max(begins),
                HEALTH => reader.map(|key, reader| match key {
                    DCC => read_health(reader, &mut health),
                    _ => reader.skip(),
                })?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        reader.end()?;
        let (kind, entry) = health.entry.ok_or(Unreadable)?;
        Ok(Claims {
            issuer,
            issued: UnixSeconds(begins),
            expires: UnixSeconds(expires.ok_or(Unreadable)?),
            id: entry.id,
            country: entry.country,
            proof: entry.proof(kind).ok_or(Unreadable)?,
            product: entry.product,
            forename: health.forename,
            surname: health.surname,
        })
    }

    /// Which kind of proof it is.
    pub fn kind(&self) -> Kinds {
        match self.proof {
            Proof::Vaccination { .. } => Kinds::VACCINATION,
            Proof::Test { .. } => Kinds::TEST,
            Proof::Recovery { .. } => Kinds::RECOVERY,
        }
    }
}

/// Reads the health certificate: one entry of one kind. Empty groups are as good as none.
fn read_health<'b>(reader: &mut Reader<'b>, health: &mut Health<'b>) -> Result<(), Unreadable> {
    reader.map(|key, reader| {
        let kind = match key {
            Key::Text("v") => Kinds::VACCINATION,
            Key::Text("t") => Kinds::TEST,
            Key::Text("r") => Kinds::RECOVERY,
            Key::Text("nam") => return read_name(reader, health),
            _ => return reader.skip(),
        };
        // Some issuers write `null` for a group that is not there.
        if !reader.is_array() {
            return reader.skip();
        }
        reader.array(|_, reader| {
            if health.entry.is_some() {
                return Err(Unreadable);
            }
            health.entry = Some((kind, Entry::read(reader)?));
            Ok(())
        })
    })
}

fn read_name<'b>(reader: &mut Reader<'b>, health: &mut Health<'b>) -> Result<(), Unreadable> {
    reader.map(|key, reader| {
        let place = match key {
            Key::Text("gn") => &mut health.forename,
            Key::Text("fn") => &mut health.surname,
            _ => return reader.skip(),
        };
        if reader.is_text() {
            *place = reader.text()?;
            return Ok(());
        }
        reader.skip()
    })
}

impl<'b> Entry<'b> {
    fn read(reader: &mut Reader<'b>) -> Result<Entry<'b>, Unreadable> {
        let mut entry = Entry::default();
        reader.map(|key, reader| {
            let Key::Text(key) = key else { return reader.skip() };
            let place = match key {
                "tg" => &mut entry.disease,
                "ci" => &mut entry.id,
                "co" => &mut entry.country,
                "mp" => &mut entry.product,
                "dt" => &mut entry.on,
                "tt" => &mut entry.kind,
                "sc" => &mut entry.taken,
                "tr" => &mut entry.result,
                "fr" => &mut entry.positive,
                "df" => &mut entry.from,
                "du" => &mut entry.until,
                "dn" | "sd" => {
                    let number = u8::try_from(reader.number()?).map_err(|_| Unreadable)?;
                    *if key == "dn" { &mut entry.dose } else { &mut entry.of } = Some(number);
                    return Ok(());
                }
                _ => return reader.skip(),
            };
            // Tag 0: a moment as text.
            reader.untag(&[0])?;
            *place = reader.text()?.trim();
            Ok(())
        })?;
        // Without an identifier it could not be revoked, nor told from another.
        if entry.disease != DISEASE || entry.id.is_empty() {
            return Err(Unreadable);
        }
        Ok(entry)
    }

    fn proof(&self, kind: Kinds) -> Option<Proof> {
        Some(match kind {
            Kinds::VACCINATION => Proof::Vaccination {
                product: Product::of(Some(self.product).filter(|product| !product.is_empty())?),
                dose: self.dose.filter(|dose| *dose > 0)?,
                of: self.of.filter(|of| *of > 0)?,
                on: date::day(self.on)?,
            },
            Kinds::TEST => Proof::Test {
                kind: match self.kind {
                    NAAT => TestKind::Naat,
                    RAPID => TestKind::Rapid,
                    _ => TestKind::Other,
                },
                negative: match self.result {
                    NOT_DETECTED => true,
                    DETECTED => false,
                    _ => return None,
                },
                taken: date::moment(self.taken)?,
            },
            _ => Proof::Recovery {
                positive: date::day(self.positive)?,
                from: date::day(self.from)?,
                // The last day of its validity is one of them.
                until: UnixSeconds(date::day(self.until)?.0.saturating_add(86_400)),
            },
        })
    }
}
