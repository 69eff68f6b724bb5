//! Why there is no session, or no check.

use core::fmt;

use hufu_wire::Reason;

/// Why a device gets no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotEnrolled {
    /// The device may not have one, for this reason.
    Refused(Reason),
    /// The operating system gives no random bytes, or the cryptographic library fails.
    NoRandomness,
}

impl fmt::Display for NotEnrolled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotEnrolled::Refused(reason) => write!(f, "the device gets no session: {reason}"),
            NotEnrolled::NoRandomness => f.write_str("the operating system gives no random bytes"),
        }
    }
}

impl core::error::Error for NotEnrolled {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_enrolment_says_why() {
        let refused = NotEnrolled::Refused(Reason::DeviceRevoked).to_string();
        assert!(refused.ends_with("device-revoked"), "{refused}");
        assert!(NotEnrolled::NoRandomness.to_string().contains("random"));
    }
}
