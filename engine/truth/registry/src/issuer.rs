//! Whose holders, and whose chain.

use hufu_codes::chain::{Authorities, SameAuthority};
use hufu_contract::SecondPhone;
use hufu_wire::IssuerId;
use hufu_wire::text::is_hidden;

use crate::brake::Brake;
use crate::fault::Fault;

/// A status authority whose source of truth this registry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// Its id; never changes.
    pub id: IssuerId,
    /// Its name, for people.
    pub name: String,
    /// The national platform that confirms its changes; never changes, engines are configured with it.
    pub national: IssuerId,
    /// Who says where its chain ends.
    pub publisher: IssuerId,
    /// When a change sets too many back to go without a second look.
    pub brake: Brake,
    /// What becomes of a second phone credential of one holder.
    pub second_phone: SecondPhone,
}

/// Longest name of an issuer, a site, a device, a roster or a token, UTF-8 bytes: a line on a screen.
pub const NAME_BYTES_MAX: usize = 128;

impl Issuer {
    /// Whose keys count for its chain.
    ///
    /// # Errors
    /// [`SameAuthority`]: it would confirm its own changes.
    pub fn authorities(&self) -> Result<Authorities, SameAuthority> {
        Authorities::new(self.id, self.national, self.publisher)
    }

    /// Whether it may be kept.
    ///
    /// # Errors
    /// [`Fault::Invalid`] with the field.
    pub fn check(&self) -> Result<(), Fault> {
        check_name("name", &self.name)?;
        self.authorities().map_err(|fault| Fault::invalid("national", fault.to_string()))?;
        self.brake.check()
    }
}

/// Whether `name` is 1 to [`NAME_BYTES_MAX`] bytes of what a person sees, without spaces around it.
///
/// # Errors
/// [`Fault::Invalid`] of `field`.
pub fn check_name(field: &'static str, name: &str) -> Result<(), Fault> {
    let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX;
    if name.contains(is_hidden) {
        return Err(Fault::invalid(field, "control characters, or others that are not seen"));
    }
    if name.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Fault::invalid(field, "characters that were lost when it was read in a wrong encoding"));
    }
    if fits && name.trim() == name {
        Ok(())
    } else {
        Err(Fault::invalid(field, format!("1 to {NAME_BYTES_MAX} bytes, no space around it")))
    }
}
