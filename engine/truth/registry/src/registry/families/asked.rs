//! What an application says, before and after the people are known.

use hufu_contract::{Assurance, ConsentWay, Hex};
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};
use jiff::civil::Date;

use super::super::Registry;
use super::super::holders::places;
use crate::family::{
    Application, Bindable, Evidence, FaceStatement, Families, FamilyFault, KeptAssurance, age, day_of,
};
use crate::fault::Fault;
use crate::holder::StoredHolder;
use crate::id_number::{IdNumber, Seen};
use crate::issuer::check_name;
use crate::person::Person;

/// Under this age a child cannot consent, years: a guardian does (Personal Information Protection Law, article 31).
const CONSENT_YEARS: u16 = 14;
/// Largest signature of a commitment, bytes.
const SIGNATURE_BYTES_MAX: usize = 16 * 1024;

/// What an application says by itself.
pub(super) struct Asked {
    pub(super) number: IdNumber,
    pub(super) born: Date,
    pub(super) bindable: Bindable,
}

impl Families {
    /// Looks at what can be looked at without knowing anybody.
    pub(super) fn look(&self, application: &Application, now: UnixMillis) -> Result<Asked, FamilyFault> {
        // Of a document that only a clerk takes, a clerk has registered the relative.
        let number = IdNumber::read(&application.id_number)
            .and_then(|number| number.check_new(now.seconds(), Seen::ByClerk).map(|()| number))
            .map_err(FamilyFault::WrongNumber)?;
        let said =
            application.born.as_deref().map(|born| born.parse::<Date>().map_err(|_| FamilyFault::WrongBirth));
        let born = match (number.birth(), said.transpose()?) {
            (Some(born), None) => born,
            (Some(born), Some(said)) if born == said => born,
            (Some(_), Some(_)) => return Err(FamilyFault::WrongBirth),
            (None, Some(said)) => said,
            (None, None) => return Err(FamilyFault::NoBirth),
        };
        let years = age(born, day_of(now, self.zone())).ok_or(FamilyFault::WrongBirth)?;
        let bindable = Bindable::at(years)?;
        let consent = &application.consent;
        if check_name("consent", &consent.recorded_by).is_err() {
            return Err(FamilyFault::Consent("recorded_by says who recorded it, in 1 to 128 bytes"));
        }
        if is_ahead(consent.given_ms, now) {
            return Err(FamilyFault::Consent("it was given in the future"));
        }
        if years < CONSENT_YEARS && consent.how != ConsentWay::Guardian {
            return Err(FamilyFault::Consent("for a child under 14 a guardian consents"));
        }
        Ok(Asked { number, born, bindable })
    }

    /// A time as the messages say it.
    pub(super) fn show(&self, at: UnixMillis) -> String {
        let at = i64::try_from(at.0).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        let at = at.unwrap_or(jiff::Timestamp::MAX).to_zoned(self.zone().clone());
        at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

fn is_ahead(at_ms: u64, now: UnixMillis) -> bool {
    UnixMillis(at_ms).since(now) > CHAIN_SKEW_MS_MAX
}

impl Registry {
    /// The record of the relative that an application names by number and name.
    pub(super) async fn relative(
        &self,
        issuer: IssuerId,
        application: &Application,
        number: &IdNumber,
    ) -> Result<StoredHolder, Fault> {
        let people = self.people_with(issuer, number).await?;
        let index = match places(&people, Some(&application.name)).as_slice() {
            [index] => *index,
            [] if people.is_empty() => return Err(FamilyFault::NotRegistered(issuer).into()),
            [] => return Err(FamilyFault::OtherName.into()),
            _ => return Err(FamilyFault::SeveralPeople.into()),
        };
        Ok(self.person(issuer, index).await?.1)
    }

    /// What is kept of an application, once it is believed.
    pub(super) fn evidence(
        &self,
        issuer: IssuerId,
        application: &Application,
        (bindable, user_person): (&Bindable, &Person),
        [user, relative]: [HolderIndex; 2],
        now: UnixMillis,
    ) -> Result<Evidence, FamilyFault> {
        let assurance = match (&application.assurance, bindable) {
            (Assurance::Face { .. }, Bindable::Infant) => return Err(FamilyFault::NeedsCommitment),
            (Assurance::Commitment { .. }, Bindable::Child | Bindable::Elder) => {
                return Err(FamilyFault::NeedsFace);
            }
            (Assurance::Face { statement }, _) => {
                let whose = (issuer, user, relative);
                let (key, said) = FaceStatement::verify(&statement.0, whose, &self.families, now)?;
                KeptAssurance::Face {
                    statement: statement.clone(),
                    key: Hex(key.0),
                    level: said.level,
                    at_ms: said.at.0,
                }
            }
            (Assurance::Commitment { version, text_digest, signed_name, signature, signed_ms }, _) => {
                self.check_commitment(version, text_digest, user_person, signed_name)?;
                if is_ahead(*signed_ms, now) {
                    return Err(FamilyFault::Commitment("it was signed in the future"));
                }
                if signature.as_ref().is_some_and(|signature| signature.0.len() > SIGNATURE_BYTES_MAX) {
                    return Err(FamilyFault::Commitment("its signature has more than 16 KiB"));
                }
                KeptAssurance::Commitment {
                    version: version.clone(),
                    text_digest: *text_digest,
                    signed_name: signed_name.clone(),
                    signature: signature.clone(),
                    signed_ms: *signed_ms,
                }
            }
        };
        Ok(Evidence { born: application.born.clone(), assurance, consent: application.consent.clone() })
    }

    fn check_commitment(
        &self,
        version: &str,
        digest: &Hex<32>,
        user: &Person,
        signed_name: &str,
    ) -> Result<(), FamilyFault> {
        let fault = FamilyFault::Commitment;
        let known = self.families.commitments().iter().find(|known| known.version == version);
        let known = known.ok_or(fault("no text of the registry has this version"))?;
        if known.digest() != digest.0 {
            return Err(fault("the text that was signed is not the registry's of this version"));
        }
        if !user.is_called(signed_name) {
            return Err(fault("it is signed with another name than the user's"));
        }
        Ok(())
    }
}
