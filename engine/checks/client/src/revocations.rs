//! Which engines are revoked: the operator's newest revocation lists that this device has ever seen.
//!
//! A stolen engine keeps its key until its certificate ends, and would hand out an old list or none. So a device takes
//! lists from any engine, keeps the newest of each authority for good, and holds every engine against them.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use hufu_wire::Malformed;
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate};

use crate::kept;

/// The lists of one device; clones share them.
#[derive(Clone)]
pub(crate) struct Revocations(Arc<Mutex<Kept>>);

struct Kept {
    roots: Vec<CertificateDer<'static>>,
    lists: Vec<List>,
    /// SHA-256 of what an engine sent last: it need not be sent again.
    known: [u8; SHA256_OUTPUT_LEN],
    /// Where the lists outlive the process; `None` keeps them in memory alone.
    file: Option<PathBuf>,
    /// Whether the file does not have them all yet.
    unstored: bool,
}

/// One authority's newest list.
struct List {
    /// The authority's name, DER.
    authority: Vec<u8>,
    /// RFC 5280 section 5.2.3: a list with a higher number replaces one with a lower.
    number: u64,
    /// Serial numbers, sorted.
    revoked: Vec<Vec<u8>>,
    der: Vec<u8>,
}

/// An engine that this device does not trust any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Revoked {
    /// The number of the list that says so.
    pub(crate) list: u64,
}

const UNREADABLE: Malformed = Malformed { message: "revocation list", fault: "cannot be read" };

impl Revocations {
    pub(crate) fn new(roots: &[CertificateDer<'static>]) -> Revocations {
        let (roots, known) = (roots.to_vec(), [0; SHA256_OUTPUT_LEN]);
        let kept = Kept { roots, lists: Vec::new(), known, file: None, unstored: false };
        Revocations(Arc::new(Mutex::new(kept)))
    }

    /// Takes the lists of an earlier run from `file` and keeps newer ones there.
    ///
    /// # Errors
    /// The file cannot be read, or is not what was written.
    pub(crate) fn keep_in(&self, file: &Path) -> io::Result<()> {
        let mut kept = self.lock();
        match fs::read(file) {
            Ok(der) => {
                kept.add(&der).map_err(|fault| io::Error::new(ErrorKind::InvalidData, fault))?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        kept.file = Some(file.to_owned());
        Ok(())
    }

    /// What to ask an engine with: the digest of its lists as they were sent last.
    pub(crate) fn known(&self) -> [u8; SHA256_OUTPUT_LEN] {
        self.lock().known
    }

    /// Takes what an engine sent: lists that one of the roots has signed and that are newer than those known. An
    /// older one changes nothing: the engine may be late, or stolen.
    ///
    /// # Errors
    /// [`Malformed`]: not revocation lists.
    pub(crate) fn take(&self, der: &[u8]) -> Result<(), Malformed> {
        if der.is_empty() {
            return Ok(());
        }
        let mut kept = self.lock();
        let newer = kept.add(der)?;
        kept.unstored |= newer;
        kept.known.copy_from_slice(digest(&SHA256, der).as_ref());
        if kept.unstored {
            kept.unstored = kept.store().is_err();
        }
        if kept.unstored {
            // The lists count in this process all the same. Asked for again, they are stored then.
            kept.known = [0; SHA256_OUTPUT_LEN];
        }
        Ok(())
    }

    /// Whether the leaf of this chain is revoked.
    pub(crate) fn find(&self, chain: &[CertificateDer<'_>]) -> Option<Revoked> {
        let (_, leaf) = X509Certificate::from_der(chain.first()?).ok()?;
        let kept = self.lock();
        let names = |list: &&List| {
            list.authority == leaf.issuer().as_raw()
                && list.revoked.binary_search_by(|serial| serial.as_slice().cmp(leaf.raw_serial())).is_ok()
        };
        kept.lists.iter().find(names).map(|list| Revoked { list: list.number })
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Every change under the lock is whole before the next can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Adds lists that stand one after the other; whether one of them was newer than what was known. All are looked
    /// at before the first is taken.
    fn add(&mut self, mut der: &[u8]) -> Result<bool, Malformed> {
        let mut found = Vec::new();
        while !der.is_empty() {
            let (rest, list) = x509_parser::parse_x509_crl(der).map_err(|_| UNREADABLE)?;
            let bytes = &der[..der.len() - rest.len()];
            // An engine may have lists of authorities that this device does not know, and some of no use here.
            if self.signed(&list) {
                found.extend(List::of(&list, bytes));
            }
            der = rest;
        }
        let mut newer = false;
        for list in found {
            match self.lists.iter_mut().find(|known| known.authority == list.authority) {
                Some(known) if known.number >= list.number => {}
                Some(known) => (*known, newer) = (list, true),
                None => {
                    self.lists.push(list);
                    newer = true;
                }
            }
        }
        Ok(newer)
    }

    fn signed(&self, list: &CertificateRevocationList<'_>) -> bool {
        self.roots.iter().any(|root| {
            X509Certificate::from_der(root).is_ok_and(|(_, root)| {
                root.subject() == list.issuer() && list.verify_signature(root.public_key()).is_ok()
            })
        })
    }

    /// Writes the lists to the file, if there is one.
    fn store(&self) -> io::Result<()> {
        let Some(path) = &self.file else { return Ok(()) };
        let der: Vec<u8> = self.lists.iter().flat_map(|list| list.der.iter().copied()).collect();
        kept::replace(path, &der)
    }
}

impl List {
    /// `None` without a number: nothing would tell whether it is the newest.
    fn of(list: &CertificateRevocationList<'_>, der: &[u8]) -> Option<List> {
        let number = list.crl_number().and_then(|number| u64::try_from(number).ok())?;
        let mut revoked: Vec<_> =
            list.iter_revoked_certificates().map(|revoked| revoked.raw_serial().to_vec()).collect();
        revoked.sort_unstable();
        Some(List { authority: list.issuer().as_raw().to_vec(), number, revoked, der: der.to_vec() })
    }
}

impl core::fmt::Debug for Revocations {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let numbers: Vec<_> = self.lock().lists.iter().map(|list| list.number).collect();
        f.debug_tuple("Revocations").field(&numbers).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
        IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
    };

    const ENGINE: &[u8] = b"E engine";

    /// An authority with the operator's name and a key of its own, and its root.
    fn authority() -> (CertificateDer<'static>, Issuer<'static, KeyPair>) {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Operator");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        (root, Issuer::new(params, key))
    }

    /// List `number` of an authority, which names the engine.
    fn list(number: u64, authority: &Issuer<'static, KeyPair>) -> Vec<u8> {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from_slice(ENGINE),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(4000, 1, 1),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(authority).unwrap().der().to_vec()
    }

    /// Otherwise one who has no key of the operator's would shut every good engine out.
    #[test]
    fn b11_a_list_in_the_authority_s_name_that_another_key_signed_counts_for_nothing() {
        let (root, operator) = authority();
        let (_, impostor) = authority();
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(ENGINE));
        let chain = [params.signed_by(&KeyPair::generate().unwrap(), &operator).unwrap().der().clone()];
        let revocations = Revocations::new(&[root]);
        revocations.take(&list(9, &impostor)).unwrap();
        assert_eq!(revocations.find(&chain), None);
        revocations.take(&list(1, &operator)).unwrap();
        assert_eq!(revocations.find(&chain), Some(Revoked { list: 1 }), "its number holds up no list either");
    }
}
