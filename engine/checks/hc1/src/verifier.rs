//! The one walk of a certificate: from its text to facts, or to a reason.

use aws_lc_rs::digest::{SHA256, digest};
use hufu_check::{Foreign, Genuine};
use hufu_policy::foreign::{Certificate, Country};
use hufu_signature::PreparedKey;
use hufu_wire::{Reason, UnixSeconds, limits};

use crate::claims::Claims;
use crate::cose::Sign1;
use crate::lists::ListFault;
use crate::revoked::{Revoked, Sought};
use crate::seen::{Known, Seen};
use crate::signers::{Algorithm, Kinds, ListedSigner, Signers, Unsigned};
use crate::text::{self, BYTES_MAX};

/// Verifies certificates by one list of signers and one of revocations, and remembers those that it has verified. Another
/// list makes another verifier, so that nothing is remembered that it would not verify.
pub struct Verifier {
    signers: Signers,
    revoked: Option<Revoked>,
    seen: Seen,
}

/// A certificate whose signature is genuine, with what its key may sign. Whether it is valid now is not said.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'v, 'b> {
    /// What it says.
    pub claims: Claims<'b>,
    /// The key that signed it.
    pub signer: &'v ListedSigner,
    /// The signature, or the half of it that stands for it.
    pub signature: &'b [u8],
}

impl Verifier {
    /// A verifier that remembers about so many certificates, 128 bytes each. `None` when the system gives no random bytes
    /// for its secret key.
    pub fn new(signers: Signers, revoked: Option<Revoked>, seen_entries: usize) -> Option<Verifier> {
        let mut key = [0; 16];
        aws_lc_rs::rand::fill(&mut key).ok()?;
        Some(Verifier { signers, revoked, seen: Seen::new(seen_entries, key) })
    }

    /// A verifier by the bytes of the operator's two lists, as files hold them.
    ///
    /// # Errors
    /// [`ListFault`] of the first list that is not taken, or [`ListFault::NoRandomness`].
    pub fn open(
        signers: &[u8],
        revoked: Option<&[u8]>,
        operator: &PreparedKey,
        seen_entries: usize,
    ) -> Result<Verifier, ListFault> {
        let signers = Signers::open(signers, operator)?;
        let revoked = revoked.map(|bytes| Revoked::open(bytes, operator)).transpose()?;
        Verifier::new(signers, revoked, seen_entries).ok_or(ListFault::NoRandomness)
    }

    /// Its list of signers.
    pub fn signers(&self) -> &Signers {
        &self.signers
    }

    /// Its list of revocations.
    pub fn revoked(&self) -> Option<&Revoked> {
        self.revoked.as_ref()
    }

    /// The serials of its lists, of signers and of revocations; 0 where there is no list.
    pub fn serials(&self) -> [u64; 2] {
        [self.signers.dated.serial, self.revoked.as_ref().map_or(0, |revoked| revoked.dated.serial)]
    }

    /// Verifies a certificate's bytes, as [`text::open`] gives them: signature, country and kind.
    ///
    /// # Errors
    /// [`Reason::ForeignUnreadable`], [`Reason::KeyUnknown`], [`Reason::BadSignature`], or [`Reason::KeyOutOfScope`] for a
    /// key of another country than the certificate says, or one that may not sign its kind.
    pub fn verify_bytes<'b>(&self, bytes: &'b [u8]) -> Result<Verified<'_, 'b>, Reason> {
        let message = Sign1::read(bytes).map_err(|_| Reason::ForeignUnreadable)?;
        let signer = match self.signers.signer_of(&message) {
            Ok(signer) => &signer.listed,
            Err(Unsigned::NoKey) => return Err(Reason::KeyUnknown),
            Err(Unsigned::NotGenuine) => return Err(Reason::BadSignature),
        };
        let claims = Claims::read(message.payload).map_err(|_| Reason::ForeignUnreadable)?;
        // Some issuers write their name in place of a country's code.
        let its_own = claims.issuer.and_then(Country::of).is_none_or(|issuer| issuer == signer.country);
        if !its_own || !signer.kinds.contain(claims.kind()) {
            return Err(Reason::KeyOutOfScope);
        }
        let counts = match signer.algorithm {
            // Its second half can be negated, and verifies.
            Algorithm::Es256 => message.signature.len() / 2,
            Algorithm::Ps256 => message.signature.len(),
        };
        Ok(Verified { claims, signer, signature: &message.signature[..counts] })
    }

    /// Whether a verified certificate was revoked.
    pub fn is_revoked(&self, verified: &Verified<'_, '_>) -> bool {
        let Verified { claims, signer, signature } = *verified;
        let sought = Sought { key_id: signer.key_id, signature, country: signer.country.as_str(), id: claims.id };
        self.revoked.as_ref().is_some_and(|revoked| revoked.has(&sought))
    }

    /// A text that is not remembered. Its buffers stay on this frame of the stack, about 30 KiB.
    #[inline(never)]
    fn first_seen(&self, text: &[u8]) -> Result<Known, Reason> {
        let mut room = [0; BYTES_MAX];
        let bytes = text::open(text, &mut room).map_err(|_| Reason::ForeignUnreadable)?;
        let verified = self.verify_bytes(bytes)?;
        if self.is_revoked(&verified) {
            return Err(Reason::ForeignRevoked);
        }
        verified.known().ok_or(Reason::BadSignature)
    }
}

impl Foreign for Verifier {
    fn takes(&self, text: &[u8]) -> bool {
        text::is_certificate(text)
    }

    fn verify(&self, now: UnixSeconds, text: &[u8]) -> Result<Genuine, Reason> {
        let digest = self.seen.digest(text);
        let remembered = self.seen.recall(digest);
        let known = match remembered {
            Some(known) => known,
            None => {
                let known = self.first_seen(text)?;
                self.seen.remember(digest, &known);
                known
            }
        };
        known.valid_at(now)?;
        let Known { certificate, id, signature, .. } = known;
        Ok(Genuine { certificate, id, signature, remembered: remembered.is_some() })
    }
}

impl Verified<'_, '_> {
    /// What is remembered of it; `None` for a signature shorter than any.
    fn known(&self) -> Option<Known> {
        let Verified { claims, signer, signature } = self;
        Some(Known {
            certificate: Certificate { country: signer.country, proof: claims.proof },
            id: u64::from_le_bytes(*digest(&SHA256, claims.id.as_bytes()).as_ref().first_chunk()?),
            signature: *signature.first_chunk()?,
            issued: claims.issued,
            expires: claims.expires,
            key_from: signer.from,
            key_until: signer.until,
        })
    }

    /// Whether it is valid at `now`, and its key is.
    ///
    /// # Errors
    /// [`Reason::NotYetValid`], [`Reason::Expired`], or [`Reason::KeyNotValid`].
    pub fn valid_at(&self, now: UnixSeconds) -> Result<(), Reason> {
        self.known().ok_or(Reason::BadSignature)?.valid_at(now)
    }

    /// Which kind of proof it is.
    pub fn kind(&self) -> Kinds {
        self.claims.kind()
    }
}

impl Known {
    fn valid_at(&self, now: UnixSeconds) -> Result<(), Reason> {
        if now.0.saturating_add(limits::NOT_BEFORE_TOLERANCE_S) < self.issued.0 {
            return Err(Reason::NotYetValid);
        }
        if now >= self.expires {
            return Err(Reason::Expired);
        }
        if now < self.key_from || now > self.key_until {
            return Err(Reason::KeyNotValid);
        }
        Ok(())
    }
}
