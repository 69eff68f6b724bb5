//! The reason registry: why a verdict is what it is, and who can mend it (R07). What a gate says
//! about it stands in `hufu-texts`.

use core::fmt;

use crate::decision::Decision;

/// Who can do something about a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Nobody has to: the gate opens.
    Nobody,
    /// The person who is checked.
    Holder,
    /// The authority that issued the code or set the colour.
    Issuer,
    /// The people at the gate.
    Gate,
    /// Whoever runs the engine and its site policies.
    Operator,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $code:literal $name:ident $slug:literal $decision:ident $actor:ident;)*) => {
        /// Why. Numbers never change meaning; new ones are added at the end of their hundred.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Reason { $($(#[$doc])* $name = $code,)* }

        impl Reason {
            /// Every reason, in the order of their numbers.
            pub const ALL: [Reason; [$($code),*].len()] = [$(Reason::$name),*];

            /// The reason with this number.
            pub const fn from_code(code: u16) -> Option<Reason> {
                match code { $($code => Some(Reason::$name),)* _ => None }
            }

            /// The name in logs, metrics, policies and JSON.
            pub const fn slug(self) -> &'static str {
                match self { $(Reason::$name => $slug,)* }
            }

            /// The decision that goes with this reason unless a site policy says otherwise.
            pub const fn decision(self) -> Decision {
                match self { $(Reason::$name => Decision::$decision,)* }
            }

            /// Who can mend it.
            pub const fn actor(self) -> Actor {
                match self { $(Reason::$name => Actor::$actor,)* }
            }
        }
    };
}

reasons! {
    /// Everything the site asks for is there.
    1 Clear "clear" Admit Nobody;

    /// The holder is red.
    100 StatusRed "status-red" Refuse Issuer;
    /// The holder is amber and the site does not admit amber.
    101 StatusAmber "status-amber" Refer Issuer;
    /// The issuer's table has no status for this holder: not green, not red, unknown.
    102 StatusUnknown "status-unknown" Refer Issuer;
    /// The colour had an end and it has passed.
    103 StatusExpired "status-expired" Refer Holder;
    /// The site asks for a test and none is known.
    104 TestMissing "test-missing" Refuse Holder;
    /// The last test is older than the site allows.
    105 TestTooOld "test-too-old" Refuse Holder;
    /// The last test was positive.
    106 TestPositive "test-positive" Refuse Issuer;
    /// The last test has no result yet.
    107 TestPending "test-pending" Refer Holder;
    /// Fewer doses than the site asks for.
    108 DosesTooFew "doses-too-few" Refuse Holder;
    /// The issuer has not been heard of for longer than the site allows.
    109 StaleData "stale-data" Refer Operator;
    /// The gate has no network, and its list says nothing of the tests or doses that the site asks for.
    110 UnseenOffline "unseen-offline" Refer Gate;

    /// Not a Hufu code at all.
    200 NotACode "not-a-code" Refuse Holder;
    /// Longer than any code may be.
    201 CodeTooLong "code-too-long" Refuse Holder;
    /// Not base45 after the prefix.
    202 BadText "bad-text" Refuse Holder;
    /// The bytes are not the one deterministic encoding of a code.
    203 BadEncoding "bad-encoding" Refuse Issuer;
    /// Signed by a key that no trust list names.
    204 KeyUnknown "key-unknown" Refuse Operator;
    /// Signed by a key that was revoked.
    205 KeyRevoked "key-revoked" Refuse Issuer;
    /// Issued outside the time in which its key may sign.
    206 KeyNotValid "key-not-valid" Refuse Issuer;
    /// Signed by a key that may not sign this kind of code.
    207 KeyOutOfScope "key-out-of-scope" Refuse Issuer;
    /// The signature does not verify.
    208 BadSignature "bad-signature" Refuse Holder;
    /// Not yet valid.
    209 NotYetValid "not-yet-valid" Refuse Holder;
    /// No longer valid.
    210 Expired "expired" Refuse Holder;
    /// Valid for longer than its kind may be.
    211 ValidityTooLong "validity-too-long" Refuse Issuer;
    /// An older credential generation: a lost phone, or a renewed code.
    212 Superseded "superseded" Refuse Holder;
    /// A phone code without its presentation.
    213 PresentationMissing "presentation-missing" Refuse Holder;
    /// The presentation is not this credential's.
    214 PresentationInvalid "presentation-invalid" Refuse Holder;
    /// The presentation is genuine and of another time: a skewed clock or an old picture.
    215 ClockSkew "clock-skew" Refer Holder;
    /// This presentation, or another code of the same holder that counts with it, has just been used at another gate.
    216 PassBack "pass-back" Refuse Gate;
    /// A certificate of another system, told by its beginning.
    217 ForeignCode "foreign-code" Refuse Holder;
    /// A certificate of another system that is damaged, or not of the form that its system has.
    218 ForeignUnreadable "foreign-unreadable" Refuse Holder;
    /// A certificate of another system that was revoked.
    219 ForeignRevoked "foreign-revoked" Refuse Issuer;

    /// The site does not accept this kind of code.
    300 KindNotAccepted "kind-not-accepted" Refuse Holder;
    /// The site does not recognise the issuer.
    301 IssuerNotRecognised "issuer-not-recognised" Refuse Operator;
    /// A trip code of another hub.
    302 WrongHub "wrong-hub" Refuse Holder;
    /// Outside the trip code's window.
    303 OutsideTripWindow "outside-trip-window" Refuse Holder;
    /// A certificate of another system that does not say what the site asks of such certificates.
    304 ForeignNotEnough "foreign-not-enough" Refuse Holder;

    /// The device's cookie has expired: renew it.
    400 CookieExpired "cookie-expired" Refer Gate;
    /// The device was revoked.
    401 DeviceRevoked "device-revoked" Refer Operator;
    /// The device asks faster than it may.
    402 RateExceeded "rate-exceeded" Refer Gate;
    /// The device asks for something outside its scope.
    403 OutOfScope "out-of-scope" Refer Operator;
    /// No policy is loaded for the device's site.
    404 SiteUnknown "site-unknown" Refer Operator;
    /// The request is authentic and its content is not a request.
    405 BadRequest "bad-request" Refer Gate;

    /// The device's id is beyond what the engine was set up for.
    406 DeviceUnknown "device-unknown" Refer Operator;

    /// The engine has no room to do this check properly.
    500 Busy "busy" Refer Operator;
    /// The engine is shutting down: ask another.
    501 Stopping "stopping" Refer Operator;

    /// The roster is of another site.
    600 RosterOfAnotherSite "roster-of-another-site" Refuse Gate;
    /// The roster is not valid now.
    601 RosterExpired "roster-expired" Refuse Issuer;
    /// The roster cannot be read or its signature is not genuine.
    602 RosterInvalid "roster-invalid" Refuse Issuer;
    /// More members than one roster may have.
    603 RosterTooLarge "roster-too-large" Refuse Gate;

    /// What a device makes of a reason it does not know. No engine sends it.
    65535 Unrecognised "unrecognised" Refer Operator;
}

impl Reason {
    /// The number on the wire.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// Whether a refusal for this reason is about the person or their code, so that they may appeal; not about the gate, the
    /// engine or the age of the data.
    pub const fn concerns_person(self) -> bool {
        let hundreds = self.code() / 100;
        let is_fault = matches!(self, Reason::StaleData | Reason::UnseenOffline);
        1 <= hundreds && hundreds <= 3 && !is_fault
    }

    /// What a device makes of a number on the wire, `None` for 0, which nothing was ever written with.
    pub(crate) const fn heard(code: u16) -> Option<Reason> {
        match (Reason::from_code(code), code) {
            (None, 0) => None,
            (None, _) => Some(Reason::Unrecognised),
            (reason, _) => reason,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r29_reasons_of_the_status_the_code_and_the_site_concern_the_person() {
        use Reason::*;
        for reason in [StatusRed, DosesTooFew, NotACode, ForeignCode, KindNotAccepted, OutsideTripWindow] {
            assert!(reason.concerns_person(), "{reason}");
        }
        for reason in [Clear, StaleData, UnseenOffline, CookieExpired, Busy, RosterExpired, Unrecognised] {
            assert!(!reason.concerns_person(), "{reason}");
        }
    }

    #[test]
    fn numbers_rise_and_lead_back_to_their_reason() {
        assert!(Reason::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
        }
        assert_eq!(Reason::from_code(0), None);
    }

    #[test]
    fn only_clear_admits() {
        let admitting: Vec<_> =
            Reason::ALL.into_iter().filter(|reason| reason.decision() == Decision::Admit).collect();
        assert_eq!(admitting, [Reason::Clear]);
    }

    #[test]
    fn slugs_differ() {
        let slugs: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.slug()).collect();
        assert_eq!(slugs.len(), Reason::ALL.len());
        assert_eq!(Reason::RosterExpired.to_string(), "roster-expired");
    }
}
