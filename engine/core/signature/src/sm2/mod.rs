//! SM2 signatures with SM3 (GB/T 32918.2 and 32905, GM/T 0003.2), for keys that are few and known.
//!
//! Like Ed25519 keys, each key is prepared once: tables of its multiples and of the base point's make verification 64
//! additions and no doubling, about ten times faster than the library's way. Field, scalars and points are the
//! library's (`sm2` of RustCrypto); what is ours is which additions are made, in which coordinates, and the comparison
//! at the end. Every answer is the one that the library gives, which tests show; where an addition has no answer in our
//! coordinates, the library is asked. `docs/decisions/0040-sm2.md` has the reasons and the figures.

mod equation;
mod key;
mod table;

use sm2::dsa::{Signature, VerifyingKey, signature::MultipartVerifier as _};

use crate::key::PreparedKey;
use crate::verify::Job;
use equation::Equation;

pub use key::{Key, digest};

/// The signer's distinguishing id that every signature here is made with (GM/T 0009 section 10): keys and messages name
/// no other, and a signature with another id is not genuine.
pub const DISTINGUISHING_ID: &str = "1234567812345678";

/// Answers the jobs that are of this scheme, each by itself: its answer cannot depend on others. The rest stays as it is.
pub(crate) fn verify_ours(jobs: &[Job<'_>], genuine: &mut [bool]) {
    for (job, genuine) in jobs.iter().zip(genuine) {
        if let PreparedKey::Sm2(key) = job.key {
            *genuine = Equation::of(key, &job.message, job.signature).is_some_and(|claim| claim.holds(key));
        }
    }
}

/// The answer for a key that was not prepared, by the library alone: a tenth as fast, and without the tables.
pub(crate) fn verify_once(public: &[u8; 65], message: &[&[u8]], signature: &[u8; 64]) -> bool {
    let Ok(point) = key::point(public) else { return false };
    let Ok(key) = VerifyingKey::from_affine(DISTINGUISHING_ID, point) else { return false };
    Signature::from_slice(signature).is_ok_and(|signature| key.multipart_verify(message, &signature).is_ok())
}
