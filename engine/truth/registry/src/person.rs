//! Who a holder is. None of it leaves the registry but the masked display (R10), and none is stored in clear (R45).

use core::fmt;

use hufu_codes::credential::masked;
use hufu_wire::limits::DISPLAY_BYTES_MAX;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use crate::fault::Fault;
use crate::id_number::IdNumber;
use crate::issuer::check_name;
use crate::name;

/// A holder's personal fields. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    name: String,
    id_number: IdNumber,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

/// Longest phone number, characters: `+`, fifteen digits (ITU-T E.164) and a few separators.
const PHONE_CHARS_MAX: usize = 24;

impl Person {
    /// A person of this name and id number, and phone if they have one.
    ///
    /// # Errors
    /// [`Fault::Invalid`] with the field, not with what was in it.
    pub fn new(name: String, id_number: IdNumber, phone: Option<String>) -> Result<Person, Fault> {
        let person = Person { name, id_number, phone };
        check_name("name", &person.name)?;
        if person.phone.as_deref().is_some_and(|phone| !is_phone(phone)) {
            let what = format!("digits, spaces, + and -, at most {PHONE_CHARS_MAX} characters");
            return Err(Fault::invalid("phone", what));
        }
        Ok(person)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id number.
    pub fn id_number(&self) -> &IdNumber {
        &self.id_number
    }

    /// The phone number.
    pub fn phone(&self) -> Option<&str> {
        self.phone.as_deref()
    }

    /// Whether `name` is this person's, however it is spelt: letters count, and neither their case and width nor spaces,
    /// hyphens, apostrophes and dots.
    pub fn is_called(&self, name: &str) -> bool {
        name::is_same(&self.name, name)
    }

    /// The same person with what was corrected.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn corrected(
        &self,
        name: Option<String>,
        id_number: Option<IdNumber>,
        phone: Option<String>,
    ) -> Result<Person, Fault> {
        Person::new(
            name.unwrap_or_else(|| self.name.clone()),
            id_number.unwrap_or_else(|| self.id_number.clone()),
            phone.or_else(|| self.phone.clone()),
        )
    }

    /// What a gate may show (R10).
    pub fn display(&self) -> String {
        let display = display(&self.name, Some(&self.id_number));
        debug_assert!(display.len() <= DISPLAY_BYTES_MAX, "one character, a star and four ASCII ones");
        display
    }
}

/// What a gate may show of a person (R10). The kind of a document is no part of its number: of `passport:E123` half of
/// `E123` is shown, not all of it.
pub fn display(name: &str, number: Option<&IdNumber>) -> String {
    masked(name, number.map_or("", IdNumber::bare))
}

fn is_phone(phone: &str) -> bool {
    let known = |char: char| char.is_ascii_digit() || matches!(char, '+' | '-' | ' ');
    phone.len() <= PHONE_CHARS_MAX
        && phone.contains(|char: char| char.is_ascii_digit())
        && phone.chars().all(known)
}

impl Drop for Person {
    fn drop(&mut self) {
        self.name.zeroize();
        self.phone.zeroize();
    }
}

impl ZeroizeOnDrop for Person {}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(not shown)")
    }
}
