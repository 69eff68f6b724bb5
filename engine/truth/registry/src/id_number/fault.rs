//! What is wrong with an id number. No message says the number.

/// What is wrong with an id number. It does not say the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdFault {
    /// Neither of the two forms.
    #[error(
        "18 characters of a resident's number, or the kind of the document and its number, like passport:E12345678"
    )]
    Form,
    /// The last character does not follow from the others.
    #[error("the check character is wrong: a digit is wrong or two are swapped")]
    Check,
    /// A resident's number with the kind of a document before it: the same person would be registered twice.
    #[error("it is a resident's number: leave out the kind before it")]
    Kind,
    /// What stands where the issuing state stands is no state.
    #[error(
        "the issuing state must be a code of three letters (ISO 3166-1, ICAO 9303), like passport:USA:E12345678"
    )]
    State,
    /// The date of birth in it is no date.
    #[error("it has a date of birth that does not exist")]
    Birth,
    /// The date of birth in it has not come.
    #[error("it has a date of birth in the future")]
    Unborn,
    /// Its first two digits are no province's.
    #[error("its first two digits are those of no province")]
    Region,
    /// It begins as a residence permit's number, and goes on as none does.
    #[error(
        "it begins as the number of a residence permit of Hong Kong, Macao or Taiwan residents: its first six digits \
         must be 810000, 820000 or 830000"
    )]
    Permit,
    /// It begins with 9, and its next two digits are no province's.
    #[error(
        "it begins with 9, as that of a foreigner's permanent residence: its second and third digits are those of no \
         province"
    )]
    ResidenceRegion,
    /// An older number of a permanent residence.
    #[error(
        "an older number of a permanent residence is the holder's state in three letters (ISO 3166-1) and 12 digits; \
         one of 2023-12-01 or later has 18 digits, the first of them 9, and no kind before it"
    )]
    Residence,
    /// A resident's number of before 1999.
    #[error("it has 15 digits, as before 1999; write the number with 18 digits")]
    Old,
    /// A spreadsheet kept it as a number.
    #[error(
        "its last digits are lost: a spreadsheet took it for a number; format the column as text and enter it again"
    )]
    Rounded,
    /// Another document's number with brackets.
    #[error("leave out the brackets: hkid:A1234567 for A123456(7)")]
    Brackets,
    /// No travel permit of Hong Kong or Macao residents.
    #[error(
        "a travel permit of Hong Kong or Macao residents is H or M and 8 digits, like hmpermit:H12345678"
    )]
    HongKongMacao,
    /// No travel permit of Taiwan residents.
    #[error(
        "a travel permit of Taiwan residents is 8 digits, or on an older one 10 digits and a letter, like \
         twpermit:12345678"
    )]
    Taiwan,
    /// No number of a passport.
    #[error(
        "a passport's number is 4 to 9 letters and digits without spaces, with its state before it, like \
         passport:USA:E12345678"
    )]
    Passport,
    /// Longer than a passport's number can be.
    #[error(
        "a passport's number has at most 9 letters and digits; its check digit is written after a <, like \
         passport:USA:E12345678<2"
    )]
    PassportLength,
    /// The check digit of a passport's number.
    #[error(
        "the passport's check digit, after the <, does not fit its number: a character is wrong or two are swapped"
    )]
    PassportCheck,
    /// Not two lines of 44 characters.
    #[error("the machine-readable lines of a passport are two of 44 characters, and the first begins with P")]
    Lines,
    /// A character that is in no machine-readable line, or in another part of it.
    #[error("the machine-readable lines have a character in their {0} that cannot be there: read them again")]
    LineCharacter(&'static str),
    /// A check digit of the machine-readable lines.
    #[error("the machine-readable lines: the check digit of the {0} is wrong: read them again")]
    LineCheck(&'static str),
    /// No number of a military document.
    #[error("the number of a military document is its 6 to 10 letters and digits, like military:1234567")]
    Military,
    /// A military document that no clerk has seen.
    #[error(
        "a military document is taken only from a clerk who has seen it: hufu holder add --seen-by-clerk, or \
         seen_by_clerk in the request"
    )]
    Clerk,
}
