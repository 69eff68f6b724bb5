//! What an application for a relative is refused for, in the words that the applicant reads. They stand here alone, so
//! that they can be translated.

use hufu_wire::{HolderIndex, IssuerId};

use super::age::{ADULT_YEARS, COMMITMENT_YEARS_MAX, ELDER_YEARS};
use super::binding::{RELATIVES_MAX, USERS_MAX};
use crate::fault::Fault;
use crate::id_number::IdFault;

/// Why a relative is not bound, a binding not ended, or no code issued for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FamilyFault {
    /// The id number is not one.
    #[error("enter a correct id number: {0}")]
    WrongNumber(IdFault),
    /// The relative is neither a child nor old enough.
    #[error("only people of {} and under or of {ELDER_YEARS} and over can be bound", ADULT_YEARS - 1)]
    Age,
    /// The number says no date of birth, and neither does the request.
    #[error("the id number says no date of birth: give it as YYYY-MM-DD")]
    NoBirth,
    /// A date that is none, that has not come, or another than in the number.
    #[error("not a date of birth as YYYY-MM-DD, in the future, or another than the id number says")]
    WrongBirth,
    /// Nobody is registered with the number.
    #[error("holder of issuer {0} with this id number: register the relative first")]
    NotRegistered(IssuerId),
    /// The number is registered with another name.
    #[error(
        "the id number is registered with another name: enter the name as it stands on the relative's document"
    )]
    OtherName,
    /// A document's number that several people of one name have.
    #[error(
        "several people are registered with this id number and name: write the document with its issuing state"
    )]
    SeveralPeople,
    /// The user is the relative.
    #[error("the user and the relative are one person")]
    Itself,
    /// The user has as many relatives as one may.
    #[error("a user can have at most {RELATIVES_MAX} relatives: end another binding first")]
    TooManyRelatives,
    /// The relative has as many users as one may.
    #[error("a relative can be bound to at most {USERS_MAX} users: another user must end theirs first")]
    TooManyUsers,
    /// A child up to six needs a commitment.
    #[error(
        "for a child of up to {COMMITMENT_YEARS_MAX} years the user signs a commitment, in place of a face check"
    )]
    NeedsCommitment,
    /// Everybody older needs a face check.
    #[error("a relative above {COMMITMENT_YEARS_MAX} years needs a face check: a commitment is not enough")]
    NeedsFace,
    /// The statement of a face check is not one that may be believed.
    #[error("the statement of the face check is not valid: {0}")]
    Face(&'static str),
    /// The commitment is not one of the registry's, or not signed by the user.
    #[error("the commitment is not valid: {0}")]
    Commitment(&'static str),
    /// The consent was not recorded as it must be.
    #[error("the consent of the relative is not valid: {0}")]
    Consent(&'static str),
    /// Somebody of the two was changed while this was looked at.
    #[error("holder {0} was changed at the same moment: apply again")]
    Changed(HolderIndex),
    /// It was made less than a day ago.
    #[error("a binding can be ended 24 hours after it was made: from {0} on")]
    TooEarly(String),
    /// It has ended.
    #[error("the binding has ended: apply again before a code is printed")]
    Ended,
}

impl From<FamilyFault> for Fault {
    fn from(fault: FamilyFault) -> Fault {
        use FamilyFault as F;
        let said = fault.to_string();
        let field = match fault {
            F::NotRegistered(_) => return Fault::NotFound(said),
            F::OtherName
            | F::SeveralPeople
            | F::TooManyRelatives
            | F::TooManyUsers
            | F::Changed(_)
            | F::TooEarly(_)
            | F::Ended => return Fault::Conflict(said),
            F::WrongNumber(_) | F::Age => "id_number",
            F::NoBirth | F::WrongBirth => "born",
            F::Itself => "user",
            F::NeedsCommitment | F::NeedsFace | F::Face(_) | F::Commitment(_) => "assurance",
            F::Consent(_) => "consent",
        };
        Fault::invalid(field, said)
    }
}
